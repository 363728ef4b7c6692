import assert from "node:assert/strict"
import { test } from "node:test"
import {
  between,
  classOfKey,
  handleAt,
  hits,
  moved,
  resized,
} from "../../dashboard/frontend/mend/boxes.js"

/** @typedef {import("../../dashboard/frontend/mend/boxes.js").Box} Box */

/** @type {readonly [number, number]} */
const SIZE = [400, 200]
/** @type {Box} */
const BOX = [100, 50, 200, 150]

test("a moved box keeps its extent and stays in the image", () => {
  assert.deepEqual(moved(BOX, [10, -20], SIZE), [110, 30, 210, 130])
  assert.deepEqual(moved(BOX, [-999, 999], SIZE), [0, 100, 100, 200])
})

test("a box that the file has over the edge goes no further", () => {
  assert.deepEqual(moved([-20, 50, 80, 150], [-5, 0], SIZE), [-20, 50, 80, 150])
  assert.deepEqual(moved([-20, 50, 80, 150], [30, 0], SIZE), [10, 50, 110, 150])
})

test("a handle moves its sides alone, to the edge at most", () => {
  assert.deepEqual(resized(BOX, [1, 1], [30, 999], SIZE), [100, 50, 230, 200])
  assert.deepEqual(resized(BOX, [-1, 0], [-999, 40], SIZE), [0, 50, 200, 150])
})

test("a side that is dragged past the other leaves a box", () => {
  assert.deepEqual(resized(BOX, [1, 0], [-150, 0], SIZE), [50, 50, 100, 150])
})

test("a box is drawn from any corner", () => {
  assert.deepEqual(between([60, 20], [10, 80]), [10, 20, 60, 80])
})

test("a handle is taken within reach, and of a small box the middle still moves it", () => {
  assert.deepEqual(handleAt(BOX, [103, 48], 8), [-1, -1])
  assert.deepEqual(handleAt(BOX, [200, 100], 8), [1, 0])
  assert.equal(handleAt(BOX, [150, 100], 8), null)
  assert.equal(handleAt(BOX, [230, 100], 8), null)
  assert.equal(handleAt([0, 0, 10, 10], [5, 5], 18), null)
  assert.deepEqual(handleAt([0, 0, 10, 10], [25, 25], 18), [1, 1])
})

test("of the boxes at a place the smallest comes first", () => {
  /** @type {Box[]} */
  const boxes = [[0, 0, 400, 200], BOX, [300, 0, 400, 50]]
  assert.deepEqual(hits(boxes, [150, 100]), [1, 0])
  assert.deepEqual(hits([], [150, 100]), [])
})

test("a key is a class: its number, or the next of that letter", () => {
  const labels = ["background", "pants", "phone", "书籍"]
  assert.equal(classOfKey("2", labels, 1), 2)
  assert.equal(classOfKey("9", labels, 1), null)
  assert.equal(classOfKey("p", labels, 3), 1)
  assert.equal(classOfKey("P", labels, 1), 2)
  assert.equal(classOfKey("b", labels, 1), null) // the background is none
  assert.equal(classOfKey("书", labels, 1), 3)
})
