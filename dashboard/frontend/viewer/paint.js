// The boxes over the photo: what is drawn, and in which order.

import { Brush } from "./brush.js"
import { drawCompared } from "./compared.js"
import { drawGroundTruth } from "./judged.js"
import { drawLabels } from "./labels.js"
import { lookOf } from "./looks.js"
import { drawLayer, drawRelated } from "./xray.js"

/** @import { Label } from "./labels.js" */
/** @import { Model } from "./model.js" */
/** @import { ViewerData } from "./types.d.ts" */
/** @import { Pair, Place } from "./zoom.js" */

/**
 * @typedef {object} Scene
 * @property {Model} model
 * @property {ViewerData} data
 * @property {Place} place of the photo
 * @property {Pair} room of the window
 * @property {string | null} pickedId
 * @property {number | null} picked the box of it, if it is one
 * @property {number[]} related to the picked one; X-ray only
 * @property {number | null} hovered
 */

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} ratio pixels of the screen a CSS pixel
 * @param {Scene} scene
 */
export function paint(pen, ratio, scene) {
  const { model, data, place, room, pickedId, picked, related, hovered } = scene
  const { texts } = data
  const xray = data.mode === "X-ray"
  const judgement = data.mode === "Right and wrong" ? model.view.judgement : null
  const partners = new Set(related)
  const focused = picked !== null && (Boolean(model.isShown[picked]) || partners.size > 0)
  // Many boxes, or a small screen: thinner lines.
  const brush = new Brush(pen, model, place, model.shown.length > 60 || room[0] < 520 ? 0.7 : 1)
  /** @param {number} i */
  const look = (i) => lookOf(model, i, texts, judgement !== null)
  /** @type {Label[]} */
  const labels = []

  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, ...room)
  pen.lineJoin = "round"
  if (xray) drawLayer(brush, focused)
  if (judgement) labels.push(...drawGroundTruth(brush, judgement, pickedId, texts))
  for (const i of model.shown.toSorted((a, b) => model.areas[b] - model.areas[a])) {
    if (i === picked) continue // on top of all, below
    brush.outline(i, look(i).color, focused && !partners.has(i) ? 0.35 : 1, i === hovered)
  }
  labels.push(...drawCompared(brush, data.appeared, data.vanished, texts))
  if (xray && picked !== null) labels.push(...drawRelated(brush, picked, related, hovered, texts))
  else if (picked !== null && !model.isShown[picked]) brush.dashed(picked, 0.9)
  if (picked !== null && model.isShown[picked]) {
    brush.outline(picked, look(picked).color, 1, true)
    labels.push({ ...look(picked), box: model.box(picked), first: 2, alpha: 1 })
  }
  for (const i of model.shown) {
    if (i === picked || partners.has(i)) continue
    labels.push({ ...look(i), box: model.box(i), alpha: focused ? 0.35 : 1 })
  }
  drawLabels(pen, labels, room, place)
}
