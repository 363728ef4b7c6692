import assert from "node:assert/strict"
import { test } from "node:test"
import { onLayer, pixelAt, placeBetween } from "../../dashboard/frontend/ask/photo.js"

/** @type {(x: number, y: number, width: number, height: number) => DOMRect} */
const rect = (left, top, width, height) =>
  /** @type {DOMRect} */ ({ left, top, width, height, x: left, y: top })

test("a place of the window is a pixel of the original, enlarged or not", () => {
  assert.deepEqual(pixelAt(rect(100, 50, 200, 100), [400, 200], [150, 100]), [100, 100])
  assert.deepEqual(pixelAt(rect(-300, -50, 2000, 1000), [400, 200], [0, 450]), [60, 100])
})

test("beside the photo it is the pixel on its edge", () => {
  assert.deepEqual(pixelAt(rect(100, 50, 200, 100), [400, 200], [0, 999]), [0, 200])
})

test("a drag is a rectangle, whichever corner it began at, and a short one a point", () => {
  const expected = { xmin: 10, ymin: 20, xmax: 60, ymax: 80 }
  assert.deepEqual(placeBetween([60, 20], [10, 80], 5), expected)
  assert.deepEqual(placeBetween([60, 20], [57, 80], 5), { xmin: 60, ymin: 20, xmax: 60, ymax: 20 })
})

test("a place of the photo lies on the layer where the photo has it", () => {
  const place = { xmin: 100, ymin: 50, xmax: 200, ymax: 100 }
  assert.deepEqual(onLayer(rect(120, 60, 200, 100), rect(20, 10, 900, 900), [400, 200], place), {
    x: 150,
    y: 75,
    width: 50,
    height: 25,
  })
})
