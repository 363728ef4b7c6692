// What Python hands to the component that tells whether the window is narrow, and what it gets back.

export interface NarrowData {
  narrow: boolean
}

export interface State {
  narrow: boolean
}
