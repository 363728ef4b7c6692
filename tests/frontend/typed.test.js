import assert from "node:assert/strict"
import { test } from "node:test"
import { besides, valueOf } from "../../dashboard/frontend/typed/number.js"

const SCORE = { min: "0.01", max: "1", step: "0.01" }

test("a number is taken in the range and on its steps, with a point or a comma", () => {
  const meant = {
    0.42: 0.42,
    "0,42": 0.42,
    ".5": 0.5,
    1: 1,
    7: 1,
    0: 0.01,
    "-3": 0.01,
    0.426: 0.43,
  }
  for (const [text, value] of Object.entries(meant)) assert.equal(valueOf(text, SCORE), value, text)
  assert.equal(valueOf("-12", { min: "-45", max: "45", step: "1" }), -12)
})

test("what is no number is none", () => {
  for (const text of ["", "-", ".", "0.4.2", "abc", "1e3", "NaN"])
    assert.equal(valueOf(text, SCORE), null, text)
})

test("one key leads from beside the value to it", () => {
  assert.deepEqual(besides(0.42, SCORE), [0.41, "ArrowRight"])
  assert.deepEqual(besides(0.01, SCORE), [0.02, "ArrowLeft"])
  assert.deepEqual(besides(0.02, SCORE), [0.01, "ArrowRight"])
  assert.deepEqual(besides(-45, { min: "-45", max: "45", step: "5" }), [-40, "ArrowLeft"])
})
