// What Python hands to the viewer, and what it gets back. The other side is the frozen dataclasses
// of detector/drawing/viewer.py, which say what the fields mean; a test holds both alike.

export type Mode = "Classes" | "Right and wrong" | "X-ray"

export interface ViewerData {
  name: string
  view: View
  photo: string
  mode: Mode
  target: number | null
  picked: string | null
  appeared: string[]
  vanished: string[]
  look: number
  back: string
  texts: Texts
}

export interface View {
  digest: string
  size: [number, number]
  labels: string[]
  colors: string[]
  text_colors: string[]
  settings: ViewSettings
  class_ids: number[]
  prior_indices: number[]
  scores: number[]
  boxes: number[]
  kept: number[]
  suppressors: number[]
  ious: number[]
  kept_count: number
  left_out: number
  pairs: Pairs | null
  settled: number[] | null
  judgement: Judgement | null
}

export interface ViewSettings {
  score: number
  classes: Record<string, number>
  shown: number[] | null
  top_k: number
  iou: number
  agnostic: boolean
}

export interface Pairs {
  starts: number[]
  by: number[]
  ious: number[]
}

export interface Judgement {
  outcomes: number[]
  ious: number[]
  about: number[]
  ground_truth: GroundTruthBoxes
}

export interface GroundTruthBoxes {
  class_ids: number[]
  boxes: number[]
  ignored: number[]
  found_by: number[]
}

export interface State {
  thresholds: { score: number; classes: Record<string, number>; at: number }
  target: { id: number | null; at: number }
  picked: { id: string | null; at: number }
}

// One thing, and any other number of things.
export interface Plural {
  one: string
  other: string
}

// All that the viewer says: whole sentences, with {places} for what is known in the browser only.
export interface Texts {
  all_classes: string
  back: string
  box_label_gone: string
  box_label_ignored: string
  box_label_ignored_class: string
  box_label_missed: string
  box_label_new: string
  box_label_removed: string
  box_label_suppressed: string
  box_label_wrong: string
  photo: string
  boxes_shown: Plural
  boxes_shown_of: Plural
  candidates: Plural
  class_count: string
  outcome_count: string
  class_not_shown: string
  count_line: string
  forget_own: string
  forget_own_title: string
  gone: string
  heading: string
  heading_but_own: string
  heading_class: string
  heading_class_as_all: string
  heading_waiting: string
  hidden_by_better: string
  hidden_by_class: string
  hidden_by_class_limit: string
  hidden_by_limit: string
  hidden_by_score: string
  ignored: string
  iou: string
  iou_with_better: string
  iou_with_ground_truth: string
  judged_on_release: string
  left_out: string
  missed: string
  more_below: string
  new: string
  no_ground_truth: string
  no_photo: string
  outcome_names: string[]
  outcomes: string[]
  own_threshold: string
  panel: string
  photo_failed: string
  photo_loading: string
  right: string
  shown: string
  shown_judged: string
  shown_judged_by: string
  size: string
  slider: string
  slider_class: string
  suppressed: Plural
  suppressed_by: string
  suppressed_nothing: string
  targets: string
  unpick: string
  wrong: string
  wrong_of: string
  zoom: string
  zoom_in: string
  zoom_in_title: string
  zoom_out: string
  zoom_out_title: string
  zoom_reset: string
  zoom_reset_title: string
}
