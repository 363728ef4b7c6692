// What Python hands to the component that asks about a place of a photo, and what it gets back.

export interface AskData {
  /** key of the container that holds the photo and this component */
  frame: string
  /** (width, height) of the photo in pixels of the original */
  size: [number, number]
  /** what was asked about, or nothing */
  asked: Place | null
  /** the candidates there */
  boxes: Box[]
  texts: Record<string, string>
}

/** In pixels of the original; a point has no extent. `count` makes the same place another question. */
export interface Place {
  xmin: number
  ymin: number
  xmax: number
  ymax: number
}

export interface Box {
  xmin: number
  ymin: number
  xmax: number
  ymax: number
  color: string
  label: string
}

export interface State {
  place: Place & { count: number }
}
