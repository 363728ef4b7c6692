// A view of the few boxes that a test names, as detector.drawing.viewer.view makes one.

/** @import { Judgement, Pairs, View, ViewSettings } from "../../dashboard/frontend/viewer/types.d.ts" */

export const SHOES = 1
export const WATCH = 2
export const BOOKS = 3

/**
 * @typedef {object} Candidate
 * @property {number} classId
 * @property {number} score
 * @property {number[]} [box] xyxy in pixels of a photo of 640 × 480
 * @property {number} [by] index of the one that suppressed it
 * @property {number} [iou] with that one
 * @property {boolean} [kept] false: beyond the limit of its class
 */

/**
 * @param {Candidate[]} candidates best first
 * @param {object} [options]
 * @param {Partial<ViewSettings>} [options.settings]
 * @param {Pairs | null} [options.pairs]
 * @param {number[] | null} [options.settled]
 * @param {Judgement | null} [options.judgement]
 * @returns {View}
 */
export function viewOf(candidates, { settings, pairs = null, settled = null, judgement } = {}) {
  return {
    digest: "a",
    size: [640, 480],
    labels: ["background", "shoes", "watch", "books"],
    colors: ["#000000", "#0000ff", "#ffff00", "#ff0000"],
    text_colors: ["#ffffff", "#ffffff", "#000000", "#ffffff"],
    settings: {
      score: 0.3,
      classes: {},
      shown: null,
      top_k: 200,
      iou: 0.45,
      agnostic: false,
      ...settings,
    },
    class_ids: candidates.map(({ classId }) => classId),
    prior_indices: candidates.map((_, i) => i),
    // As Python sends them: float32, written in double precision.
    scores: candidates.map(({ score }) => Math.fround(score)),
    boxes: candidates.flatMap(({ box }) => box ?? [0, 0, 100, 100]),
    kept: candidates.map(({ by, kept = by === undefined }) => Number(kept)),
    suppressors: candidates.map(({ by = -1 }) => by),
    ious: candidates.map(({ iou = 0 }) => iou),
    kept_count: candidates.filter(({ by }) => by === undefined).length,
    left_out: 0,
    pairs,
    settled,
    judgement: judgement ?? null,
  }
}
