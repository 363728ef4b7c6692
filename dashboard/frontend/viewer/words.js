// Sentences with their places filled, and numbers as they are shown.

/** @import { Plural } from "./types.d.ts" */

/**
 * The sentence in pieces, to be put into the page: text, and what is no text in its places.
 *
 * @template T
 * @param {string} sentence with places such as {count}
 * @param {Record<string, T | T[]>} values what stands in them
 * @returns {(string | T)[]} no two strings side by side: a browser spaces and breaks them otherwise
 */
export function pieces(sentence, values) {
  /** @type {(string | T)[]} */
  const made = []
  const all = sentence.split(/\{(\w+)\}/).flatMap((piece, at) => (at % 2 ? values[piece] : piece))
  for (const piece of all) {
    const last = made.at(-1)
    if (piece === "") continue
    if (typeof piece === "string" && typeof last === "string") made[made.length - 1] = last + piece
    else made.push(piece)
  }
  return made
}

/**
 * @param {string} sentence
 * @param {Record<string, string | number>} values
 */
export function say(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, place) => String(values[place]))
}

/**
 * The sentence for that many.
 *
 * @param {Plural} sentences
 * @param {number} count
 */
export function plural({ one, other }, count) {
  return count === 1 ? one : other
}

/** @param {number} value of a detection, 0 to 1 */
export function scoreText(value) {
  return value.toFixed(2)
}

/**
 * Two digits, or what an adopted threshold has of them.
 *
 * @param {number} value 0 to 1
 */
export function thresholdText(value) {
  const text = value.toFixed(2)
  return Math.abs(Number(text) - value) < 5e-5 ? text : value.toFixed(4)
}

/**
 * An IoU with so many digits that it is seen to be above the threshold.
 *
 * @param {number} value of a box that NMS removed
 * @param {number} threshold of NMS, below `value`
 */
export function iouText(value, threshold) {
  const text = value.toFixed(2)
  return Number(text) <= threshold ? value.toFixed(4) : text
}
