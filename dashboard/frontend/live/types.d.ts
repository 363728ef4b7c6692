// What Python hands to the live camera, and what it gets back. The other side is in
// dashboard/detect/live.py, which says what the fields mean; a test holds both alike.

import type { Plural } from "../viewer/types.d.ts"

export interface LiveData {
  number: number
  boxes: number[]
  scores: number[]
  class_ids: number[]
  problem: string
  score: number
  own: Record<string, number>
  top_k: number
  labels: string[]
  colors: string[]
  text_colors: string[]
  texts: Texts
}

export interface Texts {
  heading: string
  heading_but_own: string
  boxes_shown: Plural
  boxes_shown_of: Plural
  class_count: string
  video: string
  pace: string
  pace_title: string
  freeze: string
  freeze_title: string
  other_camera: string
  again: string
  starting: string
  slow: string
  insecure: string
  refused: string
  absent: string
  taken: string
  ended: string
}

export interface State {
  /** as the model sees it, a JPEG in base64 */
  frame: { number: number; image: string }
  /** at full resolution, likewise */
  frozen: { number: number; image: string }
  threshold: { score: number; at: number }
}
