import assert from "node:assert/strict"
import { test } from "node:test"
import { dragged, keyed } from "../../dashboard/frontend/swipe/handle.js"

const FRAME = { left: 100, width: 400 }

test("the handle follows the pointer, and stays on the photo", () => {
  assert.equal(dragged(200, FRAME), 25)
  assert.equal(dragged(90, FRAME), 0)
  assert.equal(dragged(900, FRAME), 100)
})

test("arrows move it by two percent, Home and End to the edges", () => {
  assert.equal(keyed("ArrowLeft", 50), 48)
  assert.equal(keyed("ArrowRight", 50), 52)
  assert.equal(keyed("ArrowLeft", 1), 0)
  assert.equal(keyed("ArrowRight", 99), 100)
  assert.equal(keyed("Home", 50), 0)
  assert.equal(keyed("End", 50), 100)
})

test("other keys are left to the page", () => {
  assert.equal(keyed("Tab", 50), null)
  assert.equal(keyed("constructor", 50), null)
})
