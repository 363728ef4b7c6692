// What Python hands to the boxes that follow a slider. The other side is dashboard/following.py, which
// says what the fields mean; a test holds both alike.

import type { View } from "../viewer/types.d.ts"

export interface FollowData {
  frame: string
  sliders: Slider[]
  views: View[]
  pairing: Pairing | null
}

export interface Slider {
  key: string
  class_id: number | null
  view: number | null
}

export interface Pairing {
  iou: number
  kinds: string[]
  colors: string[]
  text_colors: string[]
}

/** A Plotly chart: what of it is asked. */
export interface Chart extends HTMLElement {
  _fullData?: { visible?: boolean | "legendonly"; legendgroup?: string }[]
}
