// Boxes under a hand: what is picked, moved, resized. Pure. All in pixels of the original.

/** @import { Pair } from "../ask/photo.js" */

/** @typedef {[number, number, number, number]} Box xyxy */
/** @typedef {readonly [-1 | 0 | 1, -1 | 0 | 1]} Handle which sides it moves: left -1, right 1, … */

/** @type {readonly Handle[]} */
export const HANDLES = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
  [0, -1],
  [1, 0],
  [0, 1],
  [-1, 0],
]

/** @param {number} value @param {number} most */
const within = (value, most) => Math.min(Math.max(value, 0), most)

/** @param {Box} box @param {Handle} handle @returns {Pair} */
export function placeOfHandle([xmin, ymin, xmax, ymax], [across, down]) {
  const [x, y] = [(xmin + xmax) / 2, (ymin + ymax) / 2]
  return [x + (across * (xmax - xmin)) / 2, y + (down * (ymax - ymin)) / 2]
}

/** @param {Box} box @param {Pair} at */
export function contains([xmin, ymin, xmax, ymax], [x, y]) {
  return x >= xmin && x <= xmax && y >= ymin && y <= ymax
}

/**
 * The handle within reach. Within a small box they reach less, so that it can still be moved.
 *
 * @param {Box} box
 * @param {Pair} at
 * @param {number} reach
 * @returns {Handle | null}
 */
export function handleAt(box, at, reach) {
  const inside = contains(box, at)
  const limits = [box[2] - box[0], box[3] - box[1]].map((side) =>
    inside ? Math.min(reach, side / 4) : reach,
  )
  const near = HANDLES.find((handle) =>
    placeOfHandle(box, handle).every((side, axis) => Math.abs(side - at[axis]) <= limits[axis]),
  )
  return near ?? null
}

/**
 * Indices of the boxes at a place, the smallest first.
 *
 * @param {readonly Box[]} boxes
 * @param {Pair} at
 */
export function hits(boxes, at) {
  /** @param {number} i */
  const area = (i) => (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1])
  return [...boxes.keys()].filter((i) => contains(boxes[i], at)).sort((a, b) => area(a) - area(b))
}

/**
 * The box moved, as far as the image goes.
 *
 * @param {Box} box
 * @param {Pair} by
 * @param {Pair} size of the image
 * @returns {Box}
 */
export function moved(box, by, size) {
  const [x, y] = by.map((step, axis) => {
    const [low, high] = [box[axis], box[axis + 2]]
    return Math.min(Math.max(step, Math.min(-low, 0)), Math.max(size[axis] - high, 0))
  })
  return [box[0] + x, box[1] + y, box[2] + x, box[3] + y]
}

/**
 * The box with the sides of a handle moved, within the image. Its corners stay in order.
 *
 * @param {Box} box
 * @param {Handle} handle
 * @param {Pair} by
 * @param {Pair} size of the image
 * @returns {Box}
 */
export function resized(box, handle, by, size) {
  const sides = /** @type {Box} */ ([...box])
  for (const axis of /** @type {const} */ ([0, 1])) {
    if (!handle[axis]) continue
    const side = handle[axis] < 0 ? axis : axis + 2
    sides[side] = within(box[side] + by[axis], size[axis])
  }
  return between([sides[0], sides[1]], [sides[2], sides[3]])
}

/** @param {Pair} a @param {Pair} b @returns {Box} */
export function between(a, b) {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])]
}

/**
 * The class that a key stands for: its number, or the next one that begins with the letter.
 *
 * @param {string} key
 * @param {readonly string[]} labels index = class id, background first
 * @param {number} before the class now
 */
export function classOfKey(key, labels, before) {
  if (/^[1-9]$/.test(key)) return Number(key) < labels.length ? Number(key) : null
  const alike = [...labels.keys()].filter(
    (id) => id > 0 && labels[id].toLowerCase().startsWith(key.toLowerCase()),
  )
  return alike.find((id) => id > before) ?? alike[0] ?? null
}
