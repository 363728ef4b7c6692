// The thresholds that the visitor sets: one of all classes, and own ones of some.

/** @import { View } from "./types.d.ts" */

/** @typedef {[score: number, own: [classId: number, threshold: number][]]} Thresholds own: in order
 *  of the class ids */

/**
 * The thresholds that Python has.
 *
 * @param {View} view
 * @returns {Thresholds}
 */
export function thresholdsOf({ settings: { score, classes } }) {
  const own = Object.entries(classes).map(([id, value]) => [Number(id), value])
  return /** @type {Thresholds} */ ([score, own.sort((a, b) => a[0] - b[0])])
}

/**
 * @param {Thresholds} thresholds
 * @param {number | null} classId null: of all classes that have none of their own
 */
export function thresholdOf([score, own], classId) {
  return own.find(([id]) => id === classId)?.[1] ?? score
}

/**
 * @param {Thresholds} thresholds
 * @param {number | null} classId
 * @param {number | null} value null: the class follows all classes again
 * @returns {Thresholds}
 */
export function withThreshold([score, own], classId, value) {
  if (classId === null) return [value ?? score, own]
  const others = own.filter(([id]) => id !== classId)
  if (value === null) return [score, others]
  return [score, [...others, /** @type {[number, number]} */ ([classId, value])].sort(byClass)]
}

/** @type {(a: [number, number], b: [number, number]) => number} */
function byClass(a, b) {
  return a[0] - b[0]
}
