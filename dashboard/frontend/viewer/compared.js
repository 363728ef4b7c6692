// What the last change of the IoU threshold brought and took away.

import { APPEARED, VANISHED, nameOf } from "./looks.js"
import { say } from "./words.js"

/** @import { Brush } from "./brush.js" */
/** @import { Label } from "./labels.js" */
/** @import { Texts } from "./types.d.ts" */

const BLACK = "#000000"

/**
 * @param {Brush} brush
 * @param {string[]} appeared ids
 * @param {string[]} vanished ids
 * @param {Texts} texts
 * @returns {Label[]}
 */
export function drawCompared(brush, appeared, vanished, texts) {
  const { pen, model } = brush
  /** @type {Label[]} */
  const labels = []
  for (const id of appeared) {
    const i = model.index.get(id)
    if (i === undefined || !model.isShown[i]) continue
    const [x, y, width, height] = brush.rectangle(i)
    pen.lineWidth = 2.5
    pen.strokeStyle = APPEARED
    pen.strokeRect(x - 4, y - 4, width + 8, height + 8)
    const look = { color: APPEARED, ink: BLACK, text: texts.box_label_new, alpha: 1 }
    labels.push({ box: model.box(i), ...look, corner: true, first: 1 })
  }
  for (const id of vanished) {
    const i = model.index.get(id)
    if (i === undefined || model.isShown[i] || !model.passes(i)) continue
    brush.dashed(i, 1, VANISHED, 2.5)
    const text = say(texts.box_label_gone, { name: nameOf(model, i) })
    labels.push({ box: model.box(i), color: VANISHED, ink: BLACK, text, alpha: 1, first: 1 })
  }
  return labels
}
