import assert from "node:assert/strict"
import { test } from "node:test"
import { countsOf, shownOf } from "../../dashboard/frontend/live/boxes.js"
import { LEAST, Pace, PATIENCE } from "../../dashboard/frontend/live/pace.js"

test("the first frame goes at once", () => {
  assert.equal(new Pace().isFree(0), true)
})

test("no frame goes while one is on its way, however long that takes", () => {
  const pace = new Pace()
  pace.sent(0)
  assert.equal(pace.isFree(PATIENCE - 1), false)
})

test("an answer says when its frame was taken, and makes room for the next", () => {
  const pace = new Pace()
  const number = pace.sent(100)
  assert.equal(pace.answered(number, 300, false), 100)
  assert.equal(pace.isFree(300), true)
})

test("what comes again, or for no frame, is no answer", () => {
  const pace = new Pace()
  assert.equal(pace.answered(0, 0, false), null)
  const number = pace.sent(0)
  pace.answered(number, 10, false)
  assert.equal(pace.answered(number, 20, false), null)
})

test("quick answers get no more frames than the dashboard takes", () => {
  const pace = new Pace()
  let sent = 0
  for (let now = 0; now < 1000; now += 1) {
    if (!pace.isFree(now)) continue
    sent += 1
    pace.answered(pace.sent(now), now, false)
  }
  assert.equal(sent, 15)
  assert.ok(LEAST > 1000 / 20)
})

test("a frame without an answer is given up, once, and its late answer is none", () => {
  const pace = new Pace()
  const number = pace.sent(0)
  assert.equal(pace.givesUp(PATIENCE - 1), false)
  assert.equal(pace.givesUp(PATIENCE), true)
  assert.equal(pace.givesUp(PATIENCE + 1), false)
  assert.equal(pace.isFree(PATIENCE), true)
  pace.sent(PATIENCE)
  assert.equal(pace.answered(number, PATIENCE + 1, false), null)
})

test("after a failure the next frame waits", () => {
  const pace = new Pace()
  pace.answered(pace.sent(0), 100, true)
  assert.equal(pace.isFree(3000), false)
  assert.equal(pace.isFree(3100), true)
})

test("the rate is that of the last seconds", () => {
  const pace = new Pace()
  assert.equal(pace.rate(0), 0)
  for (const at of [0, 100, 200, 300, 400]) pace.answered(pace.sent(at), at, false)
  assert.equal(pace.rate(400), 10)
  assert.equal(pace.rate(10_000), 0)
})

const BOXES = { boxes: [], scores: [0.9, 0.7, 0.5, 0.2], class_ids: [1, 2, 1, 2] }

test("no boxes, none shown", () => {
  const none = { boxes: [], scores: [], class_ids: [] }
  assert.deepEqual(shownOf(none, 0.3, { own: {}, top_k: 200 }), [])
})

test("a box at the threshold shows; an own threshold takes the place of the common one", () => {
  assert.deepEqual(shownOf(BOXES, 0.5, { own: {}, top_k: 200 }), [0, 1, 2])
  assert.deepEqual(shownOf(BOXES, 0.8, { own: { 2: 0.2 }, top_k: 200 }), [0, 1, 3])
})

test("the limit counts what is above the thresholds", () => {
  assert.deepEqual(shownOf(BOXES, 0.1, { own: { 1: 0.95 }, top_k: 1 }), [1])
})

test("classes are counted, the most first", () => {
  assert.deepEqual(countsOf(BOXES, [0, 1, 3]), [
    [2, 2],
    [1, 1],
  ])
})
