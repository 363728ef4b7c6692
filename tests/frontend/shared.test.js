import assert from "node:assert/strict"
import { test } from "node:test"
import { Shared } from "../../dashboard/frontend/viewer/shared.js"

/** @param {number} value */
function sharedOf(value) {
  const shared = new Shared(0)
  shared.takeFromPython(value)
  return shared
}

/** @type {(shared: Shared<number>, value: number) => void} */
function send(shared, value) {
  shared.value = value
  shared.sent()
}

test("what Python says first, and what it changes, is taken", () => {
  const shared = sharedOf(1)
  assert.equal(shared.value, 1)
  assert.equal(shared.takeFromPython(2), true)
  assert.equal(shared.value, 2)
})

test("what Python says again is no change: the visitor's value stays", () => {
  const shared = sharedOf(1)
  shared.value = 5
  assert.equal(shared.takeFromPython(1), false)
  assert.equal(shared.value, 5)
})

test("an echo is not taken: the visitor may be further by then", () => {
  const shared = sharedOf(1)
  send(shared, 2)
  send(shared, 3)
  assert.equal(shared.takeFromPython(2), false)
  assert.equal(shared.value, 3)
  assert.equal(shared.takeFromPython(3), false)
  assert.equal(shared.value, 3)
})

test("after its echo the same value of Python's own is taken", () => {
  const shared = sharedOf(1)
  send(shared, 2)
  shared.takeFromPython(2)
  assert.equal(shared.takeFromPython(1), true)
  assert.equal(shared.takeFromPython(2), true)
  assert.equal(shared.value, 2)
})

test("a value that Python left out in its echoes is no echo later", () => {
  const shared = sharedOf(1)
  send(shared, 2)
  send(shared, 3)
  shared.takeFromPython(3)
  assert.equal(shared.takeFromPython(2), true)
})

test("what was sent before Python set a value of its own is no echo any more", () => {
  const shared = sharedOf(1)
  send(shared, 2)
  shared.takeFromPython(9)
  assert.equal(shared.value, 9)
  assert.equal(shared.takeFromPython(2), true)
})

test("while the visitor drags, nothing is taken, then or later", () => {
  const shared = sharedOf(1)
  shared.value = 5
  assert.equal(shared.takeFromPython(2, true), false)
  assert.equal(shared.takeFromPython(2), false)
  assert.equal(shared.value, 5)
})

test("unsent is what Python neither said nor was sent", () => {
  const shared = sharedOf(1)
  assert.equal(shared.unsent, false)
  shared.value = 2
  assert.equal(shared.unsent, true)
  shared.sent()
  assert.equal(shared.unsent, false)
  shared.value = 1
  assert.equal(shared.unsent, true, "back where Python was, which knows of 2")
})
