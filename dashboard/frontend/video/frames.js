// Which frame's boxes stand at a time, and how many of each class there are when.

import { shownOf } from "../live/boxes.js"

/** @import { Boxes } from "../live/boxes.js" */
/** @import { VideoData } from "./types.d.ts" */

/** @typedef {Pick<VideoData, "times" | "starts" | "boxes" | "scores" | "class_ids">} Frames */

/**
 * The index of the frame whose boxes stand at a time: the last one before it, or the first.
 *
 * @param {number[]} times when each frame begins, rising
 * @param {number} time
 */
export function frameAt(times, time) {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle] <= time + 1e-3) low = middle + 1
    else high = middle
  }
  return Math.max(low - 1, 0)
}

/**
 * The boxes of a frame, in parts of it.
 *
 * @param {Frames} frames
 * @param {number} index
 * @returns {Boxes}
 */
export function boxesOf({ starts, boxes, scores, class_ids }, index) {
  const [from, to] = [starts[index] ?? 0, starts[index + 1] ?? 0]
  return {
    boxes: boxes.slice(4 * from, 4 * to).map((side) => side / 10_000),
    scores: scores.slice(from, to),
    class_ids: class_ids.slice(from, to),
  }
}

/**
 * By class id, how many boxes each frame shows; classes without any are left out.
 *
 * @param {Frames & Pick<VideoData, "own" | "top_k">} data
 * @param {number} score threshold of the classes without an own one
 * @returns {Map<number, Uint16Array>} the classes in their order
 */
export function countsOver(data, score) {
  /** @type {Map<number, Uint16Array>} */
  const counts = new Map()
  for (let frame = 0; frame < data.times.length; frame++) {
    const found = boxesOf(data, frame)
    for (const i of shownOf(found, score, data)) {
      const id = found.class_ids[i]
      const row = counts.get(id) ?? new Uint16Array(data.times.length)
      row[frame]++
      counts.set(id, row)
    }
  }
  return new Map([...counts].sort(([one], [other]) => one - other))
}

/**
 * As a player shows it.
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}
