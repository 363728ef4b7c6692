import assert from "node:assert/strict"
import { test } from "node:test"
import { WHOLE, onScreen, panned, placeOf, zoomedAt } from "../../dashboard/frontend/viewer/zoom.js"

/** @import { Pair, Zoom } from "../../dashboard/frontend/viewer/zoom.js" */

/** @type {Pair} */
const SIZE = [400, 200]
/** @type {Pair} */
const ROOM = [800, 600]

/** @type {(zoom: Zoom, at: Pair) => number[]} the photo's pixel at a place of the window */
function pixelAt(zoom, [x, y]) {
  const { scale, left, top } = placeOf(SIZE, ROOM, zoom)
  return [(x - left) / scale, (y - top) / scale]
}

/** @type {(actual: ArrayLike<number>, expected: number[]) => void} */
function near(actual, expected) {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i] - value) < 1e-9, `${[...Array.from(actual)]} is not ${expected}`)
}

test("the whole photo is in the middle of its window", () => {
  assert.deepEqual(placeOf(SIZE, ROOM, WHOLE), { scale: 2, fit: 2, left: 0, top: 100 })
  assert.deepEqual(placeOf([100, 400], ROOM, WHOLE), { scale: 1.5, fit: 1.5, left: 325, top: 0 })
})

test("zooming leaves what is under the pointer there", () => {
  /** @type {Pair} */
  const pointer = [500, 320]
  const before = pixelAt(WHOLE, pointer)
  let zoom = zoomedAt(SIZE, ROOM, WHOLE, pointer, 4)
  assert.equal(zoom.k, 4)
  near(pixelAt(zoom, pointer), before)
  zoom = zoomedAt(SIZE, ROOM, zoom, pointer, 1.5)
  near(pixelAt(zoom, pointer), before)
})

test("no edge of the photo comes into a window that it fills", () => {
  const zoom = zoomedAt(SIZE, ROOM, WHOLE, [0, 100], 4)
  const { left, top, scale } = placeOf(SIZE, ROOM, panned(SIZE, ROOM, zoom, [500, 500]))
  near([left, top], [0, 0])
  const far = placeOf(SIZE, ROOM, panned(SIZE, ROOM, zoom, [-9999, -9999]))
  near([far.left + scale * SIZE[0], far.top + scale * SIZE[1]], [...ROOM])
})

test("a photo lower than its window stays in the middle of it", () => {
  const zoom = zoomedAt(SIZE, ROOM, WHOLE, [400, 150], 1.2)
  assert.equal(zoom.y, 0.5)
  assert.equal(placeOf(SIZE, ROOM, zoom).top, (600 - 200 * 2.4) / 2)
})

test("panning moves the photo with the pointer", () => {
  const zoom = zoomedAt(SIZE, ROOM, WHOLE, [400, 300], 5)
  const before = placeOf(SIZE, ROOM, zoom)
  const after = placeOf(SIZE, ROOM, panned(SIZE, ROOM, zoom, [30, -20]))
  near([after.left - before.left, after.top - before.top], [30, -20])
})

test("no further out than the whole, no further in than 8 times or 6 pixels a pixel", () => {
  const zoom = zoomedAt(SIZE, ROOM, WHOLE, [1, 2], 3)
  assert.equal(zoomedAt(SIZE, ROOM, zoom, [700, 500], 0.1), WHOLE)
  assert.equal(zoomedAt(SIZE, ROOM, WHOLE, [400, 300], 100).k, 8)
  assert.equal(zoomedAt([8000, 6000], ROOM, WHOLE, [400, 300], 1000).k, 60)
})

test("a box in the window", () => {
  const place = { scale: 2, fit: 1, left: -10, top: 5 }
  assert.deepEqual(onScreen([10, 20, 30, 60], place), [10, 45, 40, 80])
})
