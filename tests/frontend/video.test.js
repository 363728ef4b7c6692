import assert from "node:assert/strict"
import { test } from "node:test"
import { boxesOf, clock, countsOver, frameAt } from "../../dashboard/frontend/video/frames.js"

const FRAMES = {
  times: [0, 0.5, 1],
  starts: [0, 2, 2, 4],
  boxes: [0, 0, 5000, 5000, 0, 0, 10000, 10000, 1, 2, 3, 4, 5, 6, 7, 8],
  scores: [0.9, 0.4, 0.8, 0.3],
  class_ids: [3, 1, 3, 3],
  own: {},
  top_k: 200,
}

test("the boxes of a frame stand until the next one's", () => {
  assert.deepEqual(
    [-1, 0, 0.4, 0.5, 0.99, 7].map((time) => frameAt(FRAMES.times, time)),
    [0, 0, 0, 1, 1, 2],
  )
  assert.equal(frameAt([], 3), 0)
})

test("each frame has its own boxes", () => {
  assert.deepEqual(boxesOf(FRAMES, 0).boxes, [0, 0, 0.5, 0.5, 0, 0, 1, 1])
  assert.deepEqual(boxesOf(FRAMES, 1).scores, [])
  assert.deepEqual(boxesOf(FRAMES, 2).class_ids, [3, 3])
})

test("counts follow the thresholds, and classes without boxes have no row", () => {
  /** @param {number} score @param {Record<string, number>} own */
  const counts = (score, own = {}) =>
    [...countsOver({ ...FRAMES, own }, score)].map(([id, row]) => [id, ...row])
  assert.deepEqual(counts(0.3), [
    [1, 1, 0, 0],
    [3, 1, 0, 2],
  ])
  assert.deepEqual(counts(0.5), [[3, 1, 0, 1]])
  assert.deepEqual(counts(0.5, { 1: 0.2 }), [
    [1, 1, 0, 0],
    [3, 1, 0, 1],
  ])
})

test("time is told as players tell it", () => {
  assert.deepEqual([0, 9.99, 60, 600].map(clock), ["0:00", "0:09", "1:00", "10:00"])
})
