// What Python hands to the player of a video, and what it gets back. The other side is in
// dashboard/video/player.py, which says what the fields mean; a test holds both alike.

import type { Plural } from "../viewer/types.d.ts"

export interface VideoData {
  source: string
  digest: string
  size: [number, number]
  duration: number
  times: number[]
  starts: number[]
  boxes: number[]
  scores: number[]
  class_ids: number[]
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
  timeline: string
  jump: string
  most: string
  no_boxes: string
  unplayable: string
}

export interface State {
  threshold: { score: number; at: number }
}
