import assert from "node:assert/strict"
import { test } from "node:test"
import {
  iouText,
  pieces,
  plural,
  say,
  scoreText,
  thresholdText,
} from "../../dashboard/frontend/viewer/words.js"

test("places are filled wherever a language has them", () => {
  assert.equal(say("{count} of {all}", { count: 2, all: 3 }), "2 of 3")
  assert.equal(say("von {all} sind es {count}", { count: 2, all: 3 }), "von 3 sind es 2")
  assert.equal(say("nothing to fill", {}), "nothing to fill")
})

test("a value that looks like a place is left as it is", () => {
  assert.equal(say("{label} shown", { label: "{count}" }), "{count} shown")
  assert.equal(say("{label}", { label: "$& <b>" }), "$& <b>")
})

test("pieces keep what is no text, and lists of it", () => {
  const [swatch, name] = [{ tag: "i" }, { tag: "b" }]
  /** @type {Record<string, (string | object)[]>} */
  const values = { name: [swatch, name], why: ["low"] }
  const found = pieces("{name} is hidden: {why}.", values)
  assert.deepEqual(found, [swatch, name, " is hidden: low."], "and text beside text is one")
})

test("one has its own sentence, and so have none and many", () => {
  const sentences = { one: "{count} box", other: "{count} boxes" }
  assert.deepEqual([0, 1, 2].map((count) => plural(sentences, count)), [
    "{count} boxes",
    "{count} box",
    "{count} boxes",
  ]) // prettier-ignore
})

test("a threshold has two digits, or four where it needs them", () => {
  assert.equal(thresholdText(0.3), "0.30")
  assert.equal(thresholdText(1), "1.00")
  assert.equal(thresholdText(Math.fround(0.3)), "0.30")
  assert.equal(thresholdText(0.3271), "0.3271")
})

test("an IoU just above the threshold is seen to be above it", () => {
  assert.equal(iouText(0.8182, 0.45), "0.82")
  assert.equal(iouText(0.4512, 0.45), "0.4512")
  assert.equal(iouText(0.4551, 0.45), "0.46")
})

test("a score has two digits", () => {
  assert.equal(scoreText(0.999), "1.00")
  assert.equal(scoreText(0.3), "0.30")
})
