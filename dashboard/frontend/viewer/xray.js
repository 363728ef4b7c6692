// X-ray: the candidates that are not shown, and who suppressed whom.

import { halo, lookOf } from "./looks.js"
import { iouText, say, scoreText } from "./words.js"

/** @import { Brush } from "./brush.js" */
/** @import { Label } from "./labels.js" */
/** @import { Texts } from "./types.d.ts" */

const WHITE = "#ffffff"
const INK = "#10171b"

/**
 * All candidates that are not shown, thin and faint: one path a class.
 *
 * @param {Brush} brush
 * @param {boolean} focused fainter still, for another box is looked at
 */
export function drawLayer(brush, focused) {
  const { pen, model } = brush
  /** @type {Map<number, Path2D>} */
  const paths = new Map()
  for (const i of model.layer()) {
    const classId = model.view.class_ids[i]
    const path = paths.get(classId) ?? new Path2D()
    path.rect(...brush.rectangle(i))
    paths.set(classId, path)
  }
  for (const [classId, path] of paths) {
    pen.lineWidth = 2
    pen.globalAlpha = focused ? 0.06 : 0.16
    pen.strokeStyle = halo(model.view.colors[classId])
    pen.stroke(path)
    pen.lineWidth = 1
    pen.globalAlpha = focused ? 0.14 : 0.42
    pen.strokeStyle = model.view.colors[classId]
    pen.stroke(path)
  }
  pen.globalAlpha = 1
}

/**
 * The picked box's relations: whom it suppressed, or who suppressed it.
 *
 * @param {Brush} brush
 * @param {number} picked
 * @param {number[]} related to it, best first
 * @param {number | null} hovered
 * @param {Texts} texts
 * @returns {Label[]}
 */
export function drawRelated(brush, picked, related, hovered, texts) {
  const suppressed = brush.model.suppressors[picked] >= 0
  const labels = suppressed
    ? drawSuppressor(brush, picked, texts)
    : drawSuppressed(brush, picked, related, hovered, texts)
  if (hovered !== null && related.includes(hovered)) brush.dashed(hovered, 1)
  return labels
}

/**
 * @param {Brush} brush
 * @param {number} picked
 * @param {number[]} related
 * @param {number | null} hovered
 * @param {Texts} texts
 * @returns {Label[]}
 */
function drawSuppressed(brush, picked, related, hovered, texts) {
  const { pen, model } = brush
  // The weak ones are no more than a shade: at these thresholds they would not show anyway.
  const weak = new Path2D()
  for (const i of related) if (!model.passes(i)) weak.rect(...brush.rectangle(i))
  pen.globalAlpha = 0.35
  pen.lineWidth = 1
  pen.strokeStyle = brush.classColor(picked)
  pen.stroke(weak)
  pen.globalAlpha = 1
  /** @type {Label[]} */
  const labels = []
  // The best last, on top.
  for (const i of related.filter((each) => model.passes(each)).reverse()) {
    brush.dashed(i, i === hovered ? 1 : 0.95)
    brush.line(picked, i)
    labels.push(overlapLabel(brush, i, texts.box_label_suppressed, 1))
  }
  return labels
}

/**
 * @param {Brush} brush
 * @param {number} picked
 * @param {Texts} texts
 * @returns {Label[]}
 */
function drawSuppressor(brush, picked, texts) {
  const { model } = brush
  const by = model.suppressors[picked]
  brush.outline(by, brush.classColor(by), 1, true)
  brush.dashed(picked, 1)
  brush.line(by, picked)
  return [
    overlapLabel(brush, picked, texts.box_label_removed, 2),
    { ...lookOf(model, by, texts, false), box: model.box(by), first: 2, alpha: 1 },
  ]
}

/**
 * @param {Brush} brush
 * @param {number} i
 * @param {string} sentence
 * @param {number} first
 * @returns {Label}
 */
function overlapLabel(brush, i, sentence, first) {
  const { model } = brush
  const text = say(sentence, {
    iou: iouText(model.ious[i], model.view.settings.iou),
    score: scoreText(model.scores[i]),
  })
  const look = { color: WHITE, edge: brush.classColor(i), ink: INK, alpha: 1 }
  return { box: model.box(i), ...look, text, first }
}
