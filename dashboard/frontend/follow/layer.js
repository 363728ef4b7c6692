// One photo's boxes, over that photo as a figure or a grid has it, zoomed or not.

import { element, fitted, penOf } from "../viewer/dom.js"
import { paintShown } from "../viewer/plain.js"
import { ONLY_A, ONLY_B } from "./pairing.js"

/** @import { Model } from "../viewer/model.js" */
/** @import { Place } from "./photos.js" */
/** @import { Pairing } from "./types.d.ts" */

/**
 * @typedef {object} Compared
 * @property {Pairing} pairing
 * @property {Model} other the other side
 * @property {number[]} own kind of each box shown
 * @property {number[]} others likewise
 */

export class Layer {
  #canvas = element("canvas", "lens-follow")

  constructor() {
    this.#canvas.setAttribute("aria-hidden", "true")
  }

  end() {
    this.#canvas.remove()
  }

  /**
   * @param {Model} model
   * @param {Place} place
   * @param {Set<string | undefined>} hidden groups, by the legend
   * @param {Compared | null} compared null: boxes have the colours of their classes
   */
  draw(model, { photo, parent, isAlone }, hidden, compared) {
    if (this.#canvas.parentNode !== parent) parent.append(this.#canvas)
    const rect = photo.getBoundingClientRect()
    const seen = seenOf(photo, rect)
    const around = parent.getBoundingClientRect()
    this.#canvas.style.cssText = `position:absolute;z-index:1;pointer-events:none;
      left:${seen.left - around.left}px;top:${seen.top - around.top}px;
      width:${seen.width}px;height:${seen.height}px`
    const { width, height, ratio } = fitted(this.#canvas)
    const scale = rect.width / model.view.size[0]
    const place = { scale, fit: scale, left: rect.left - seen.left, top: rect.top - seen.top }
    const kinds = new Map(compared?.own.map((kind, row) => [model.shown[row], kind]))
    /** @param {number} i */
    const groupOf = (i) =>
      compared
        ? compared.pairing.kinds[/** @type {number} */ (kinds.get(i))]
        : String(model.view.class_ids[i])
    const rows = model.shown.filter((i) => !hidden.has(groupOf(i)))
    const brush = paintShown(penOf(this.#canvas), ratio, model, {
      ...{ place, rows },
      room: [width, height],
      look: compared
        ? (i) => {
            const kind = /** @type {number} */ (kinds.get(i))
            const { colors, text_colors } = compared.pairing
            return { color: colors[kind], ink: text_colors[kind] }
          }
        : undefined,
    })
    if (compared && !isAlone) this.#drawGhosts(brush, compared, hidden)
    this.#canvas.dataset.shown = String(rows.length)
  }

  /**
   * What the other side alone has.
   *
   * @param {import("../viewer/brush.js").Brush} brush
   * @param {Compared} compared
   * @param {Set<string | undefined>} hidden
   */
  #drawGhosts(brush, { pairing, other, others }, hidden) {
    brush.model = other
    others.forEach((kind, row) => {
      if ((kind === ONLY_A || kind === ONLY_B) && !hidden.has(pairing.kinds[kind]))
        brush.dashed(other.shown[row], 1, pairing.colors[kind], 2)
    })
  }
}

/**
 * What is seen of a photo: a figure that is zoomed cuts it off.
 *
 * @param {Element} photo
 * @param {DOMRect} rect
 */
function seenOf(photo, rect) {
  const chart = photo.closest(".js-plotly-plot")
  const plots = [...(chart?.querySelectorAll(".draglayer .nsewdrag") ?? [])]
  const areas = plots.map((plot) => plot.getBoundingClientRect())
  // The plot that the photo is in.
  const [middle, centre] = [rect.left + rect.width / 2, rect.top + rect.height / 2]
  areas.sort((one, other) => away(one) - away(other))
  /** @param {DOMRect} area */
  function away(area) {
    return Math.hypot(area.left + area.width / 2 - middle, area.top + area.height / 2 - centre)
  }
  const [area] = areas.length ? areas : [rect]
  const [left, top] = [Math.max(rect.left, area.left), Math.max(rect.top, area.top)]
  const width = Math.min(rect.right, area.right) - left
  const height = Math.min(rect.bottom, area.bottom) - top
  return { left, top, width: Math.max(width, 0), height: Math.max(height, 0) }
}
