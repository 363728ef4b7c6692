// What Python hands to the component that takes numbers typed on sliders.

export interface TypedData {
  /** what its field is for, after the slider's name */
  label: string
}
