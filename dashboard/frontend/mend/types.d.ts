// What Python hands to the component that mends the ground truth of a photo, and what it gets back.

export interface MendData {
  /** key of the container that holds the photo and this component */
  frame: string
  /** names the image */
  digest: string
  /** (width, height) of the photo in pixels of the original */
  size: [number, number]
  /** the ground truth */
  boxes: MendBox[]
  /** what is shown and has no box in the ground truth */
  detections: MendDetection[]
  /** id of a detection, or truth-INDEX; what is picked */
  picked: string | null
  /** of a box that is drawn */
  class_id: number
  labels: string[]
  colors: string[]
  /** index of the step that holds, of those that can be undone */
  place: number
  /** the number of the last change from here that Python has heard of */
  heard: number
  texts: Record<string, string>
}

export interface MendBox {
  class_id: number
  /** xyxy in pixels of the original */
  box: [number, number, number, number]
  crowd: boolean
}

export interface MendDetection {
  id: string
  class_id: number
  score: number
  /** xyxy in pixels of the original */
  box: [number, number, number, number]
}

export interface State {
  /** boxes: null where they are as Python has them */
  hand: { boxes: MendBox[] | null; picked: string | null; class_id: number; count: number }
  /** the step that is to hold, undone or done again */
  step: { place: number; count: number }
}
