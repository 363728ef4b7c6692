import assert from "node:assert/strict"
import { test } from "node:test"
import { HEIGHT, placed } from "../../dashboard/frontend/viewer/labels.js"

/** @import { Label } from "../../dashboard/frontend/viewer/labels.js" */
/** @import { Pair } from "../../dashboard/frontend/viewer/zoom.js" */

/** @type {Pair} */
const ROOM = [600, 400]
const PLACE = { scale: 1, fit: 1, left: 0, top: 0 }
const WIDTH = 60 + 12 // of a text of six letters, with what is around it

/** @type {(box: number[], more?: Partial<Label>) => Label} */
function label(box, more = {}) {
  return { box, text: "sixlet", color: "#ffffff", ink: "#000000", alpha: 1, ...more }
}

/** @param {Label[]} labels */
function corners(labels) {
  return placed(labels, ROOM, PLACE, (text) => 10 * text.length).map(({ x, y }) => [x, y])
}

test("a label is over its box's upper left corner", () => {
  const [found] = placed([label([100, 100, 300, 300])], ROOM, PLACE, (text) => 10 * text.length)
  assert.deepEqual([found.x, found.y, found.width], [99, 100 - HEIGHT, WIDTH])
})

test("at the window's edge it is inside its box, and a small box has it below", () => {
  assert.deepEqual(corners([label([0, 0, 300, 300])]), [[1, 1]])
  assert.deepEqual(corners([label([100, 0, 300, 30])]), [[99, 30]])
})

test("none covers another; who finds no room has none", () => {
  const crowd = Array.from({ length: 30 }, () => label([100, 100, 300, 300]))
  const found = corners(crowd)
  assert.ok(found.length > 4 && found.length < 30, `${found.length} labels`)
  for (const [i, [x, y]] of found.entries())
    for (const [otherX, otherY] of found.slice(0, i))
      assert.ok(Math.abs(x - otherX) > WIDTH || Math.abs(y - otherY) > HEIGHT)
})

test("who comes first chooses first, and among equals the better score", () => {
  const box = [100, 100, 300, 300]
  const found = placed(
    [label(box, { text: "best" }), label(box, { text: "next" }), label(box, { text: "aim", first: 2 })],
    ROOM,
    PLACE,
    (text) => 10 * text.length,
  ) // prettier-ignore
  assert.deepEqual(found.map((each) => each.label.text), ["aim", "best", "next"]) // prettier-ignore
  assert.deepEqual([found[0].x, found[0].y], [99, 81])
})

test("the label of what is new is over its box's right corner", () => {
  assert.deepEqual(corners([label([100, 100, 300, 300], { corner: true })]), [
    [300 - WIDTH + 6, 100 - HEIGHT - 3],
  ])
})

test("a box out of the window has no label", () => {
  assert.deepEqual(corners([label([-200, 100, -10, 300]), label([100, 400, 300, 500])]), [])
})

test("of a box half in the window, the label is over the part that is seen", () => {
  assert.deepEqual(corners([label([-100, 100, 300, 300])]), [[300 - WIDTH + 1, 100 - HEIGHT]])
  assert.deepEqual(corners([label([-100, -50, 300, 300])]), [[1, 1]])
})

test("the corner of the zoom's buttons is left free", () => {
  // Over it, under it and right of it there are the buttons, or the window's end.
  assert.deepEqual(corners([label([480, 360, 590, 395])]), [
    [480 - WIDTH - 2, (360 + 395 - 19) / 2],
  ])
})
