// Where the photo is in its window, and how it gets elsewhere. Pure but for the class at the end.

/** @typedef {readonly [number, number]} Pair across and down, or width and height */
/** @typedef {{k: number, x: number, y: number}} Zoom k times; x, y: what of the photo (0..1) is in
 *  the middle of the window */
/** @typedef {{scale: number, fit: number, left: number, top: number}} Place scale: pixels of the
 *  window a pixel of the photo, `fit` without zoom; left, top: the photo's corner in the window */

/** @type {Zoom} */
export const WHOLE = Object.freeze({ k: 1, x: 0.5, y: 0.5 })
const ANIMATION_MS = 160

/**
 * @param {Pair} size of the photo
 * @param {Pair} room of the window
 * @param {Zoom} zoom
 * @returns {Place}
 */
export function placeOf(size, room, zoom) {
  const fit = Math.min(room[0] / size[0], room[1] / size[1])
  const scale = fit * zoom.k
  /** @type {(axis: 0 | 1, part: number) => number} */
  const start = (axis, part) => {
    const length = size[axis] * scale
    return length <= room[axis]
      ? (room[axis] - length) / 2
      : Math.min(0, Math.max(room[axis] - length, room[axis] / 2 - part * length))
  }
  return { scale, fit, left: start(0, zoom.x), top: start(1, zoom.y) }
}

/**
 * Zoom such that the place of the photo under the pointer stays there.
 *
 * @param {Pair} size
 * @param {Pair} room
 * @param {Zoom} zoom
 * @param {Pair} pointer in the window
 * @param {number} factor
 */
export function zoomedAt(size, room, zoom, [x, y], factor) {
  const { scale, fit, left, top } = placeOf(size, room, zoom)
  const k = Math.min(Math.max(zoom.k * factor, 1), Math.max(8, 6 / fit))
  return looking(size, room, k, [(x - left) / scale, (y - top) / scale], [x, y])
}

/**
 * @param {Pair} size
 * @param {Pair} room
 * @param {Zoom} zoom
 * @param {Pair} by in pixels of the window
 */
export function panned(size, room, zoom, [x, y]) {
  const { scale, left, top } = placeOf(size, room, zoom)
  const [middle, centre] = [room[0] / 2, room[1] / 2]
  const pixel = /** @type {const} */ ([(middle - left) / scale, (centre - top) / scale])
  return looking(size, room, zoom.k, pixel, [middle + x, centre + y])
}

/**
 * The zoom that shows a pixel of the photo at a place of the window.
 *
 * @param {Pair} size
 * @param {Pair} room
 * @param {number} k
 * @param {Pair} pixel
 * @param {Pair} place
 * @returns {Zoom}
 */
function looking(size, room, k, pixel, place) {
  if (k <= 1) return WHOLE
  const scale = Math.min(room[0] / size[0], room[1] / size[1]) * k
  /** @type {(axis: 0 | 1) => number} */
  const part = (axis) => {
    const length = scale * size[axis]
    const half = room[axis] / (2 * length)
    const middle = pixel[axis] / size[axis] - (place[axis] - room[axis] / 2) / length
    return half >= 0.5 ? 0.5 : Math.min(Math.max(middle, half), 1 - half)
  }
  return { k, x: part(0), y: part(1) }
}

/**
 * x, y, width and height of a box in the window.
 *
 * @param {ArrayLike<number>} box xyxy in pixels of the photo
 * @param {Place} place
 * @returns {[number, number, number, number]}
 */
export function onScreen(box, { scale, left, top }) {
  return [
    left + box[0] * scale,
    top + box[1] * scale,
    (box[2] - box[0]) * scale,
    (box[3] - box[1]) * scale,
  ]
}

/** The zoom of one viewer, as it moves. */
export class Camera {
  /** @type {Zoom} */
  zoom = WHOLE
  /** @type {Zoom | null} where it is moving to */
  goal = null
  /** @type {Pair} of the photo, in its pixels */
  size = [1, 1]
  /** @type {Pair} of the window, in CSS pixels */
  room = [0, 0]
  /** @type {() => void} */
  #moved
  #motion = 0

  /** @param {() => void} moved called with every change of the zoom */
  constructor(moved) {
    this.#moved = moved
  }

  get place() {
    return placeOf(this.size, this.room, this.zoom)
  }

  /** @type {(pointer: Pair, factor: number) => void} */
  zoomAt(pointer, factor) {
    this.halt()
    this.#set(zoomedAt(this.size, this.room, this.zoom, pointer, factor))
  }

  /** @type {(by: Pair) => void} */
  panBy(by) {
    this.halt()
    this.#set(panned(this.size, this.room, this.zoom, by))
  }

  /** @param {number} factor at the middle; a second step comes on top of the first, however quick */
  zoomBy(factor) {
    const middle = /** @type {const} */ ([this.room[0] / 2, this.room[1] / 2])
    this.moveTo(zoomedAt(this.size, this.room, this.goal ?? this.zoom, middle, factor))
  }

  /** @param {Zoom} after reached smoothly, or at once for who wants nothing to move */
  moveTo(after) {
    const before = this.zoom
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches
    const start = performance.now()
    this.halt()
    this.goal = after
    /** @param {number} now */
    const step = (now) => {
      const part = still ? 1 : Math.min(Math.max((now - start) / ANIMATION_MS, 0), 1)
      const eased = 1 - (1 - part) ** 3
      /** @param {"k" | "x" | "y"} name */
      const between = (name) => before[name] + (after[name] - before[name]) * eased
      if (part === 1) this.goal = null
      this.#set(part === 1 ? after : { k: between("k"), x: between("x"), y: between("y") })
      if (part < 1) this.#motion = requestAnimationFrame(step)
    }
    step(start)
  }

  /** Stay where it is now. */
  halt() {
    cancelAnimationFrame(this.#motion)
    this.goal = null
  }

  /** @param {Zoom} zoom */
  #set(zoom) {
    this.zoom = zoom
    this.#moved()
  }
}
