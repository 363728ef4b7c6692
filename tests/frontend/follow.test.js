import assert from "node:assert/strict"
import { test } from "node:test"
import {
  ANOTHER_CLASS,
  BOTH,
  kindsOf,
  ONLY_A,
  ONLY_B,
} from "../../dashboard/frontend/follow/pairing.js"

/** @type {(xmin: number, width?: number, classId?: number) => {box: number[], classId: number}} */
const found = (xmin, width = 10, classId = 1) => ({ box: [xmin, 0, xmin + width, 10], classId })

test("a side without boxes leaves the other alone", () => {
  assert.deepEqual(kindsOf([], [], 0.5), [[], []])
  assert.deepEqual(kindsOf([found(0)], [], 0.5), [[ONLY_A], []])
  assert.deepEqual(kindsOf([], [found(0)], 0.5), [[], [ONLY_B]])
})

test("boxes are one from the IoU on, also without an area", () => {
  assert.deepEqual(kindsOf([found(0)], [found(0, 5)], 0.5), [[BOTH], [BOTH]])
  assert.deepEqual(kindsOf([found(0)], [found(0, 5)], 0.51), [[ONLY_A], [ONLY_B]])
  assert.deepEqual(kindsOf([found(3, 0)], [found(3, 0)], 0.5), [[BOTH], [BOTH]])
})

test("the same class is paired before a better overlap of another one", () => {
  const a = [found(0)]
  const b = [found(0, 10, 2), found(2)]
  assert.deepEqual(kindsOf(a, b, 0.5), [[BOTH], [ONLY_B, BOTH]])
  assert.deepEqual(kindsOf(a, b.slice(0, 1), 0.5), [[ANOTHER_CLASS], [ANOTHER_CLASS]])
})
