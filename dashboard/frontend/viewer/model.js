// Which boxes show at which thresholds. Pure: it knows no page, and is tested without one.
//
// A box is named by its index among the view's candidates, which come best first.

import { thresholdOf, thresholdsOf } from "./thresholds.js"
import { onScreen } from "./zoom.js"

/** @import { GroundTruthBoxes, View } from "./types.d.ts" */
/** @import { Thresholds } from "./thresholds.js" */
/** @import { Pair, Place } from "./zoom.js" */

/** @typedef {"class" | "score" | "better" | "class limit" | "limit"} Reason */

export const RIGHT = 1
export const IGNORED = 2
const WRONG = [3, 4, 5, 6, 7]
const STEPS = 100 // of the slider, from 0.01 to 1
const REACH = 5 // px around an outline that a click still hits

export class Model {
  /** @type {View} */
  view
  /** @type {Float32Array} as NumPy has them: thresholds are compared in the same precision */
  scores
  /** @type {Float64Array} in square pixels */
  areas
  /** @type {Map<string, number>} the box of an id */
  index = new Map()
  /** @type {Map<number, number>[]} kept boxes by class that come or go at a step of the slider */
  bins

  // What follows from the thresholds.
  /** @type {Thresholds} */
  thresholds
  /** @type {Float32Array} the threshold of each class */
  lowest
  /** @type {ArrayLike<number>} */
  kept
  /** @type {ArrayLike<number>} who suppressed the box, else -1 */
  suppressors
  /** @type {ArrayLike<number>} the IoU with that one */
  ious
  /** @type {number[]} best first */
  shown = []
  /** @type {Uint8Array} */
  isShown
  /** what shows is known to Python only, and comes on release */
  waiting = false

  /** @param {View} view */
  constructor(view) {
    const count = view.scores.length
    this.view = view
    this.scores = Float32Array.from(view.scores)
    this.areas = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const [xmin, ymin, xmax, ymax] = this.box(i)
      this.areas[i] = (xmax - xmin) * (ymax - ymin)
      this.index.set(this.id(i), i)
    }
    this.bins = this.#binned()
    this.thresholds = thresholdsOf(view)
    this.lowest = new Float32Array(view.labels.length)
    this.kept = view.kept
    this.suppressors = view.suppressors
    this.ious = view.ious
    this.isShown = new Uint8Array(count)
  }

  /** @param {number} i */
  id(i) {
    return `${this.view.class_ids[i]}-${this.view.prior_indices[i]}`
  }

  /** @param {number} i */
  label(i) {
    return this.view.labels[this.view.class_ids[i]]
  }

  /** @param {number} i */
  box(i) {
    return this.view.boxes.slice(4 * i, 4 * i + 4)
  }

  /** @param {number} classId */
  visible(classId) {
    const { shown } = this.view.settings
    return shown === null || shown.includes(classId)
  }

  /** @param {number} i */
  passes(i) {
    return this.scores[i] >= this.lowest[this.view.class_ids[i]]
  }

  /**
   * The boxes that detector.ssd.postprocess shows at these thresholds, in its order.
   *
   * @param {Thresholds} thresholds
   */
  follow(thresholds) {
    const { view } = this
    const { settings } = view
    const count = this.scores.length
    this.thresholds = thresholds
    this.lowest = Float32Array.from(view.labels, (_, id) => thresholdOf(thresholds, id))
    this.kept = view.kept
    this.suppressors = view.suppressors
    this.ious = view.ious
    this.waiting = false
    const entangled = settings.agnostic && thresholds[1].length > 0
    if (entangled && !view.pairs) {
      // Too many overlaps to send them: Python says what is shown, on release.
      this.waiting = JSON.stringify(thresholds) !== JSON.stringify(thresholdsOf(view))
      this.shown = view.settled ?? []
      this.kept = flags(this.shown, count)
    } else {
      if (entangled) this.#suppress()
      this.shown = []
      for (let i = 0; i < count && this.shown.length < settings.top_k; i++)
        if (this.kept[i] && this.visible(view.class_ids[i]) && this.passes(i)) this.shown.push(i)
    }
    this.isShown = flags(this.shown, count)
  }

  /** Greedy NMS over the lists of who would suppress whom: a hidden box suppresses nothing. */
  #suppress() {
    const { starts, by, ious } = /** @type {import("./types.d.ts").Pairs} */ (this.view.pairs)
    const count = this.scores.length
    const kept = new Uint8Array(count)
    const suppressors = new Int32Array(count).fill(-1)
    const overlaps = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      let j = starts[i]
      while (j < starts[i + 1] && !kept[by[j]]) j++
      if (j < starts[i + 1]) {
        suppressors[i] = by[j]
        overlaps[i] = ious[j]
      } else if (this.passes(i)) kept[i] = 1
    }
    this.kept = kept
    this.suppressors = suppressors
    this.ious = overlaps
  }

  /** A bin holds the boxes that the same steps show: those of 0.30 to 0.3099 up to 0.30. */
  #binned() {
    const { kept, class_ids, scores } = this.view
    const bins = Array.from({ length: STEPS + 1 }, () => new Map())
    for (let i = 0; i < scores.length; i++) {
      if (!kept[i] || !this.visible(class_ids[i])) continue
      let bin = Math.min(Math.floor(scores[i] * STEPS), STEPS)
      while (bin < STEPS && Math.fround((bin + 1) / STEPS) <= this.scores[i]) bin++
      bins[bin].set(class_ids[i], (bins[bin].get(class_ids[i]) ?? 0) + 1)
    }
    return bins
  }

  /** @returns {number[]} the boxes shown of each class */
  counts() {
    const counts = new Array(this.view.labels.length).fill(0)
    for (const i of this.shown) counts[this.view.class_ids[i]]++
    return counts
  }

  /** How the boxes shown are judged: of each outcome, and of all that are wrong. */
  outcomes() {
    /** @type {number[]} */
    const counts = new Array(WRONG.length + 3).fill(0)
    for (const i of this.shown) counts[this.view.judgement?.outcomes[i] ?? 0]++
    const kinds = WRONG.filter((outcome) => counts[outcome])
    return { counts, kinds, wrong: kinds.reduce((sum, kind) => sum + counts[kind], 0) }
  }

  /** @returns {number[]} the objects of the ground truth that no box shown finds */
  missed() {
    const truth = this.view.judgement?.ground_truth
    if (!truth) return []
    return [...truth.class_ids.keys()].filter((t) => {
      if (truth.ignored[t] || !this.visible(truth.class_ids[t])) return false
      return truth.found_by[t] < 0 || !this.isShown[truth.found_by[t]]
    })
  }

  /** @returns {number[]} above their thresholds but not shown: NMS removed them, or a limit */
  layer() {
    const rows = []
    for (let i = 0; i < this.scores.length; i++)
      if (!this.isShown[i] && this.passes(i) && this.visible(this.view.class_ids[i])) rows.push(i)
    return rows
  }

  /**
   * Whom the box suppressed, or who suppressed it. Best score first.
   *
   * @param {number} i
   */
  related(i) {
    if (this.suppressors[i] >= 0) return [this.suppressors[i]]
    const rows = []
    for (let j = 0; j < this.scores.length; j++) if (this.suppressors[j] === i) rows.push(j)
    return rows
  }

  /**
   * @param {number} i a box that is not shown
   * @returns {Reason}
   */
  whyHidden(i) {
    if (!this.visible(this.view.class_ids[i])) return "class"
    if (!this.passes(i)) return "score"
    if (this.suppressors[i] >= 0) return "better"
    return this.kept[i] ? "limit" : "class limit"
  }

  /**
   * The next box shown, by score, round and round. Null without any.
   *
   * @param {number | null} i
   * @param {1 | -1} step
   */
  next(i, step) {
    const count = this.shown.length
    if (!count) return null
    const at = i === null ? -1 : this.shown.indexOf(i)
    return this.shown[at < 0 ? (step > 0 ? 0 : count - 1) : (at + step + count) % count]
  }

  /**
   * The smallest box shown there. X-ray: also the removed candidate whose outline is there.
   *
   * @param {Pair} at in the window
   * @param {Place} place
   * @param {boolean} xray
   * @returns {number | null}
   */
  hit(at, place, xray) {
    /** @param {number[]} rows */
    const smallest = (rows) =>
      rows
        .filter((i) => isInside(at, onScreen(this.box(i), place)))
        .reduce(
          (best, i) => (best !== null && this.areas[best] <= this.areas[i] ? best : i),
          /** @type {number | null} */ (null),
        )
    if (!xray) return smallest(this.shown)
    const layer = this.layer()
    let nearest = null
    let best = REACH
    for (const i of [...this.shown, ...layer]) {
      const far = distance(at, onScreen(this.box(i), place)) - (this.isShown[i] ? 2 : 0)
      if (far < best) [nearest, best] = [i, far]
    }
    return nearest ?? smallest(this.shown) ?? smallest(layer)
  }

  /**
   * The missed object there.
   *
   * @param {Pair} at
   * @param {Place} place
   */
  hitMissed(at, place) {
    return this.missed().find((t) => isInside(at, onScreen(this.truthBox(t), place)))
  }

  /** @param {number} t index in the ground truth */
  truthBox(t) {
    return /** @type {GroundTruthBoxes} */ (this.view.judgement?.ground_truth).boxes.slice(
      4 * t,
      4 * t + 4,
    )
  }
}

/** @type {(rows: number[], count: number) => Uint8Array} */
function flags(rows, count) {
  const made = new Uint8Array(count)
  for (const i of rows) made[i] = 1
  return made
}

/** @type {(at: Pair, rectangle: [number, number, number, number]) => boolean} */
function isInside([x, y], [left, top, width, height]) {
  return x >= left && x <= left + width && y >= top && y <= top + height
}

/** @type {(at: Pair, rectangle: [number, number, number, number]) => number} from its outline */
function distance([x, y], [left, top, width, height]) {
  const [right, bottom] = [left + width, top + height]
  if (x < left - REACH || x > right + REACH || y < top - REACH || y > bottom + REACH)
    return Infinity
  return Math.min(...[x - left, x - right, y - top, y - bottom].map(Math.abs))
}
