// What a visitor types as a slider's value.

/** @typedef {Pick<HTMLInputElement, "min" | "max" | "step">} Range */

/**
 * The value that is meant: within the slider's range and on one of its steps; null where it is no
 * number. A comma is a point to half of the world.
 *
 * @param {string} text
 * @param {Range} range
 */
export function valueOf(text, { min, max, step }) {
  const typed = text.trim().replace(",", ".")
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(typed)) return null
  const [low, high, by] = [Number(min), Number(max), Number(step) || 1]
  const within = Math.min(Math.max(Number(typed), low), high)
  const value = low + Math.round((within - low) / by) * by
  return Number(Math.min(value, high).toFixed(decimals(step)))
}

/**
 * The value beside it from which one arrow key leads there, and that key.
 *
 * @param {number} value on one of the range's steps
 * @param {Range} range
 * @returns {[number, "ArrowLeft" | "ArrowRight"]}
 */
export function besides(value, { min, step }) {
  const by = Number(step) || 1
  const [beside, key] =
    value - by >= Number(min) - by / 2 ? [value - by, "ArrowRight"] : [value + by, "ArrowLeft"]
  return [Number(Number(beside).toFixed(decimals(step))), /** @type {"ArrowLeft"} */ (key)]
}

/** @param {string} step */
function decimals(step) {
  return step.split(".")[1]?.length ?? 0
}
