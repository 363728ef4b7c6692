// That these are the boxes of ssd.postprocess, tests/dashboard/thresholds/test_viewer.py shows with
// real predictions; here is each rule alone.

import assert from "node:assert/strict"
import { test } from "node:test"
import { Model } from "../../dashboard/frontend/viewer/model.js"
import { thresholdsOf } from "../../dashboard/frontend/viewer/thresholds.js"
import { BOOKS, SHOES, WATCH, viewOf } from "./views.js"

/** @import { Thresholds } from "../../dashboard/frontend/viewer/thresholds.js" */
/** @import { Candidate } from "./views.js" */

// The photo at its own size, in the corner of its window.
const PLACE = { scale: 1, fit: 1, left: 0, top: 0 }

/** @type {(view: ReturnType<typeof viewOf>, thresholds?: Thresholds) => Model} */
function followed(view, thresholds = thresholdsOf(view)) {
  const model = new Model(view)
  model.follow(thresholds)
  return model
}

/** @type {Candidate[]} */
const FOUR = [
  { classId: SHOES, score: 0.9, box: [0, 0, 300, 300] },
  { classId: SHOES, score: 0.8, box: [10, 0, 310, 300], by: 0, iou: 0.82 },
  { classId: WATCH, score: 0.6, box: [100, 100, 150, 150] },
  { classId: BOOKS, score: 0.2, box: [400, 300, 500, 400] },
]

test("without candidates nothing shows, and nothing is hit", () => {
  const model = followed(viewOf([]))
  assert.deepEqual(model.shown, [])
  assert.deepEqual(model.layer(), [])
  assert.deepEqual(model.missed(), [])
  assert.equal(model.next(null, 1), null)
  assert.equal(model.hit([10, 10], PLACE, true), null)
})

test("a threshold shows what NMS kept with that score or a better one", () => {
  const view = viewOf(FOUR)
  assert.deepEqual(followed(view).shown, [0, 2])
  assert.deepEqual(followed(view, [0.2, []]).shown, [0, 2, 3])
  assert.deepEqual(followed(view, [0.61, []]).shown, [0])
})

test("a threshold is rounded to the precision of the scores, as in NumPy", () => {
  const view = viewOf([{ classId: SHOES, score: 0.7 }])
  assert.ok(view.scores[0] < 0.7)
  assert.deepEqual(followed(view, [0.7, []]).shown, [0])
})

test("a class follows its own threshold", () => {
  const view = viewOf(FOUR)
  assert.deepEqual(followed(view, [0.3, [[BOOKS, 0.1]]]).shown, [0, 2, 3])
  assert.deepEqual(followed(view, [0.1, [[SHOES, 0.95]]]).shown, [2, 3])
})

test("classes that are not shown, and the best so many", () => {
  assert.deepEqual(followed(viewOf(FOUR, { settings: { shown: [WATCH, BOOKS] } })).shown, [2])
  assert.deepEqual(followed(viewOf(FOUR, { settings: { top_k: 1 } })).shown, [0])
})

test("class-agnostic, a box that its own threshold hides suppresses nothing", () => {
  const pairs = { starts: [0, 0, 1, 2], by: [0, 1], ious: [0.8, 0.7] }
  const candidates = [
    { classId: SHOES, score: 0.9 },
    { classId: WATCH, score: 0.6, by: 0, iou: 0.8 },
    { classId: BOOKS, score: 0.5 },
  ]
  const view = viewOf(candidates, { settings: { agnostic: true }, pairs })
  assert.deepEqual(followed(view).shown, [0, 2])
  // The watch comes back, and takes the books away.
  const model = followed(view, [0.3, [[SHOES, 0.95]]])
  assert.deepEqual(model.shown, [1])
  assert.deepEqual(Array.from(model.suppressors), [-1, -1, 1])
  assert.equal(model.ious[2], Math.fround(0.7))
  // And all is as it was, once the threshold is gone.
  model.follow([0.3, []])
  assert.deepEqual(model.shown, [0, 2])
})

test("with too many overlaps to send, what shows stays until Python says more", () => {
  const settings = { agnostic: true, classes: { [SHOES]: 0.5 } }
  const view = viewOf(FOUR, { settings, settled: [2] })
  assert.deepEqual(followed(view).shown, [2])
  assert.equal(followed(view).waiting, false)
  const model = followed(view, [0.8, [[SHOES, 0.5]]])
  assert.deepEqual(model.shown, [2])
  assert.equal(model.waiting, true)
})

test("the boxes shown are counted by class", () => {
  assert.deepEqual(followed(viewOf(FOUR), [0.01, []]).counts(), [0, 1, 1, 1])
})

test("a bin of the slider holds the kept boxes that the same steps show", () => {
  const scores = [1, 0.31, 0.3, 0.2999, 0.07]
  const view = viewOf(scores.map((score) => ({ classId: SHOES, score })))
  const { bins } = new Model(view)
  const filled = [...bins.keys()].filter((bin) => bins[bin].size)
  assert.deepEqual(filled, [7, 29, 30, 31, 100])
  for (const bin of filled) {
    const shown = followed(view, [bin / 100, []]).shown.length
    const above = followed(view, [(bin + 1) / 100, []]).shown.length
    assert.equal(shown - above, bins[bin].get(SHOES), `bin ${bin}`)
  }
})

test("suppressed boxes and hidden classes are in no bin", () => {
  const { bins } = new Model(viewOf(FOUR, { settings: { shown: [SHOES, BOOKS] } }))
  const filled = [...bins.keys()].filter((bin) => bins[bin].size)
  assert.deepEqual(filled, [20, 90])
})

test("the X-ray's layer is what is above its threshold and not shown", () => {
  assert.deepEqual(followed(viewOf(FOUR)).layer(), [1])
  assert.deepEqual(followed(viewOf(FOUR), [0.85, []]).layer(), [])
  assert.deepEqual(followed(viewOf(FOUR, { settings: { shown: [WATCH] } })).layer(), [])
})

test("a box is related to those that it suppressed, or to the one that suppressed it", () => {
  const model = followed(viewOf(FOUR))
  assert.deepEqual(model.related(0), [1])
  assert.deepEqual(model.related(1), [0])
  assert.deepEqual(model.related(2), [])
})

test("each hidden box has its reason", () => {
  const candidates = [...FOUR, { classId: WATCH, score: 0.5, kept: false }]
  const settings = { shown: [SHOES, WATCH], top_k: 1 }
  const model = followed(viewOf(candidates, { settings }), [0.3, []])
  assert.equal(model.whyHidden(3), "class")
  assert.equal(model.whyHidden(1), "better")
  assert.equal(model.whyHidden(2), "limit")
  assert.equal(model.whyHidden(4), "class limit")
  model.follow([0.7, []])
  assert.equal(model.whyHidden(2), "score")
})

test("the next box by score, round and round", () => {
  const model = followed(viewOf(FOUR), [0.1, []])
  assert.deepEqual(model.shown, [0, 2, 3])
  assert.equal(model.next(null, 1), 0)
  assert.equal(model.next(null, -1), 3)
  assert.equal(model.next(0, 1), 2)
  assert.equal(model.next(3, 1), 0)
  assert.equal(model.next(0, -1), 3)
  assert.equal(model.next(1, 1), 0, "from a box that is not shown")
})

test("the smallest box shown is hit, as far as its edge", () => {
  const model = followed(viewOf(FOUR))
  assert.equal(model.hit([120, 120], PLACE, false), 2)
  assert.equal(model.hit([150, 150], PLACE, false), 2)
  assert.equal(model.hit([151, 150], PLACE, false), 0)
  assert.equal(model.hit([450, 350], PLACE, false), null, "below its threshold")
})

test("boxes are hit where the photo is", () => {
  const model = followed(viewOf(FOUR))
  const place = { scale: 2, fit: 1, left: -50, top: 30 }
  assert.equal(model.hit([160, 240], place, false), 2)
  assert.equal(model.hit([120, 120], place, false), 0)
})

test("in X-ray an outline is hit from 5 px away, inside a box the smallest", () => {
  const model = followed(viewOf(FOUR))
  assert.equal(model.hit([314.9, 200], PLACE, true), 1, "the removed one's right edge")
  assert.equal(model.hit([315.1, 200], PLACE, true), null)
  assert.equal(model.hit([120, 120], PLACE, true), 2)
  assert.equal(model.hit([314, 200], PLACE, false), null, "only in X-ray")
})

test("in X-ray the nearest outline is hit, a shown one 2 px sooner", () => {
  const candidates = [
    { classId: SHOES, score: 0.9, box: [0, 0, 300, 300] },
    { classId: SHOES, score: 0.8, box: [0, 0, 306, 300], by: 0, iou: 0.98 },
  ]
  const model = followed(viewOf(candidates))
  assert.equal(model.hit([303.9, 200], PLACE, true), 0, "3.9 px from it, 2.1 from the other")
  assert.equal(model.hit([304.1, 200], PLACE, true), 1, "4.1 px from it, 1.9 from the other")
})

/** @param {number[]} foundBy */
function judgementOf(foundBy) {
  return {
    outcomes: [1, 0, 6, 5],
    ious: [0.9, 0, 0, 0.8],
    about: [0, -1, -1, 0],
    ground_truth: {
      class_ids: [SHOES, WATCH, BOOKS, 0],
      boxes: [0, 0, 300, 300, 320, 0, 400, 80, 420, 0, 500, 80, 520, 0, 600, 80],
      ignored: [0, 0, 0, 1],
      found_by: foundBy,
    },
  }
}

test("missed is what no box shown finds; regions to ignore never are", () => {
  const view = viewOf(FOUR, { judgement: judgementOf([0, -1, 3, -1]) })
  assert.deepEqual(followed(view).missed(), [1, 2])
  assert.deepEqual(followed(view, [0.2, []]).missed(), [1])
  assert.deepEqual(followed(view, [0.95, []]).missed(), [0, 1, 2])
  view.settings.shown = [SHOES, BOOKS]
  assert.deepEqual(followed(view).missed(), [2])
})

test("a missed object is hit, a found one is not", () => {
  const model = followed(viewOf(FOUR, { judgement: judgementOf([0, -1, 3, -1]) }))
  assert.equal(model.hitMissed([350, 40], PLACE), 1)
  assert.equal(model.hitMissed([10, 10], PLACE), undefined)
  assert.equal(model.hitMissed([550, 40], PLACE), undefined)
})

test("outcomes of the boxes shown are counted, and the wrong ones summed", () => {
  const view = viewOf(FOUR, { judgement: judgementOf([0, -1, 3, -1]) })
  const all = followed(view, [0.1, []]).outcomes()
  assert.deepEqual(all.counts, [0, 1, 0, 0, 0, 1, 1, 0])
  assert.deepEqual(all.kinds, [5, 6])
  assert.equal(all.wrong, 2)
  assert.deepEqual(followed(view, [0.7, []]).outcomes().kinds, [])
})
