// The boxes that show, in one colour each, and nothing else.

import { Brush } from "./brush.js"
import { drawLabels } from "./labels.js"
import { nameOf } from "./looks.js"

/** @import { Lettering } from "./labels.js" */
/** @import { Model } from "./model.js" */
/** @import { Pair, Place } from "./zoom.js" */

/**
 * @typedef {object} Scene
 * @property {Place} place of the photo
 * @property {Pair} room of the window
 * @property {number} [weight] of the lines, 1 as a rule
 * @property {Lettering} [lettering]
 * @property {number[]} [rows] the boxes, best first; all that show as a rule
 * @property {(i: number) => {color: string, ink: string}} [look] of a box; its class' colour as a rule
 */

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} ratio pixels of the screen a CSS pixel
 * @param {Model} model
 * @param {Scene} scene
 * @returns the brush, for what comes on top
 */
export function paintShown(pen, ratio, model, scene) {
  const { view } = model
  const { place, room, weight = 1, lettering, rows = model.shown } = scene
  const look =
    scene.look ??
    ((i) => {
      const classId = view.class_ids[i]
      return { color: view.colors[classId], ink: view.text_colors[classId] }
    })
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, ...room)
  pen.lineJoin = "round"
  const brush = new Brush(pen, model, place, weight)
  for (const i of rows.toSorted((a, b) => model.areas[b] - model.areas[a]))
    brush.outline(i, look(i).color, 1, false)
  const labels = rows.map((i) => ({
    ...look(i),
    box: model.box(i),
    text: nameOf(model, i),
    alpha: 1,
  }))
  drawLabels(pen, labels, room, place, lettering)
  return brush
}
