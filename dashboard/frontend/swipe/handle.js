// Where the handle of the swipe goes, in percent of the width. Pure.

export const START = 50
const STEP = 2

/** @param {number} percent */
function within(percent) {
  return Math.min(Math.max(percent, 0), 100)
}

/**
 * @param {number} x of the pointer
 * @param {{left: number, width: number}} frame of the photo
 */
export function dragged(x, frame) {
  return within(((x - frame.left) / frame.width) * 100)
}

/**
 * @param {string} key
 * @param {number} percent where the handle is
 * @returns {number | null} null: the key does nothing
 */
export function keyed(key, percent) {
  switch (key) {
    case "ArrowLeft":
      return within(percent - STEP)
    case "ArrowRight":
      return within(percent + STEP)
    case "Home":
      return 0
    case "End":
      return 100
    default:
      return null
  }
}
