// The boxes that show, in the colours of their classes, and nothing else.

import { Brush } from "./brush.js"
import { drawLabels } from "./labels.js"
import { nameOf } from "./looks.js"

/** @import { Lettering } from "./labels.js" */
/** @import { Model } from "./model.js" */
/** @import { Pair, Place } from "./zoom.js" */

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} ratio pixels of the screen a CSS pixel
 * @param {Model} model
 * @param {{place: Place, room: Pair, weight?: number, lettering?: Lettering}} scene place: of the
 *  photo in the room; weight: of the lines, 1 as a rule
 */
export function paintShown(pen, ratio, model, { place, room, weight = 1, lettering }) {
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, ...room)
  pen.lineJoin = "round"
  const brush = new Brush(pen, model, place, weight)
  for (const i of model.shown.toSorted((a, b) => model.areas[b] - model.areas[a]))
    brush.outline(i, brush.classColor(i), 1, false)
  const labels = model.shown.map((i) => ({
    box: model.box(i),
    text: nameOf(model, i),
    color: brush.classColor(i),
    ink: model.view.text_colors[model.view.class_ids[i]],
    alpha: 1,
  }))
  drawLabels(pen, labels, room, place, lettering)
}
