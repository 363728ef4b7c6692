import assert from "node:assert/strict"
import { test } from "node:test"
import {
  thresholdOf,
  thresholdsOf,
  withThreshold,
} from "../../dashboard/frontend/viewer/thresholds.js"
import { viewOf } from "./views.js"

/** @import { Thresholds } from "../../dashboard/frontend/viewer/thresholds.js" */

/** @type {Thresholds} */
const BOTH = [0.3, [[2, 0.5], [7, 0.1]]] // prettier-ignore

test("Python's thresholds come in order of the class ids, 10 after 9", () => {
  const view = viewOf([], { settings: { score: 0.4, classes: { 10: 0.2, 9: 0.7 } } })
  assert.deepEqual(thresholdsOf(view), [0.4, [[9, 0.7], [10, 0.2]]]) // prettier-ignore
})

test("a class has its own threshold, or the one of all", () => {
  assert.equal(thresholdOf(BOTH, 7), 0.1)
  assert.equal(thresholdOf(BOTH, 3), 0.3)
  assert.equal(thresholdOf(BOTH, null), 0.3)
  assert.equal(thresholdOf([0.3, [[2, 0]]], 2), 0, "also where it is 0")
})

test("the threshold of all classes leaves own ones alone", () => {
  assert.deepEqual(withThreshold(BOTH, null, 0.8), [0.8, BOTH[1]])
})

test("an own threshold is put in its place, changed, and taken away", () => {
  assert.deepEqual(withThreshold(BOTH, 3, 0.9)[1].map(([id]) => id), [2, 3, 7]) // prettier-ignore
  assert.deepEqual(withThreshold(BOTH, 7, 0.9), [0.3, [[2, 0.5], [7, 0.9]]]) // prettier-ignore
  assert.deepEqual(withThreshold(BOTH, 2, null), [0.3, [[7, 0.1]]])
  assert.deepEqual(BOTH, [0.3, [[2, 0.5], [7, 0.1]]], "what was given stays") // prettier-ignore
})
