// What Python hands to the presentation, and what it gets back. The other side is
// dashboard/present.py, which says what the fields mean; a test holds both alike.

import type { Plural, View } from "../viewer/types.d.ts"

export interface PresentData {
  view: View
  photo: string
  name: string
  index: number
  count: number
  texts: Texts
}

export interface Texts {
  heading: string
  heading_but_own: string
  heading_waiting: string
  boxes_shown: Plural
  boxes_shown_of: Plural
  class_count: string
  photo: string
  present: string
  present_title: string
  position: string
  previous: string
  next: string
  end: string
}

export interface State {
  image: { index: number }
  threshold: { score: number; at: number }
}
