// Colours, and what a box looks like.

import { IGNORED, RIGHT } from "./model.js"
import { say, scoreText } from "./words.js"

/** @import { Model } from "./model.js" */
/** @import { Texts } from "./types.d.ts" */

export const JUDGED = { right: "#12935a", wrong: "#d4293d", missed: "#ff9d1f", ignored: "#8b959b" }
export const APPEARED = "#12b76a"
export const VANISHED = "#d5dce0"

/**
 * Class and score.
 *
 * @param {Model} model
 * @param {number} i
 */
export function nameOf(model, i) {
  return `${model.label(i)} ${scoreText(model.scores[i])}`
}

/**
 * Colour, colour of the text on it, and label of a box.
 *
 * @param {Model} model
 * @param {number} i
 * @param {Texts} texts
 * @param {boolean} judging whether the colours say what is right
 */
export function lookOf(model, i, texts, judging) {
  const { view } = model
  const name = nameOf(model, i)
  if (!judging) {
    const classId = view.class_ids[i]
    return { color: view.colors[classId], ink: view.text_colors[classId], text: name }
  }
  const outcome = view.judgement?.outcomes[i]
  if (outcome === RIGHT) return { color: JUDGED.right, ink: "#ffffff", text: `✓ ${name}` }
  if (!outcome || outcome === IGNORED) return { color: JUDGED.ignored, ink: "#000000", text: name }
  const text = say(texts.box_label_wrong, { outcome: texts.outcome_names[outcome], name })
  return { color: JUDGED.wrong, ink: "#ffffff", text }
}

/**
 * Light around a dark colour and dark around a light one: seen on any photo.
 *
 * @param {string} color as #rrggbb
 */
export function halo(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
  const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 120
  return dark ? "rgba(255,255,255,0.6)" : "rgba(0,0,0,0.5)"
}
