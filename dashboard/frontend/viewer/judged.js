// The ground truth over the photo: what is missed, what is ignored, and what the picked box is about.

import { JUDGED } from "./looks.js"
import { say } from "./words.js"
import { onScreen } from "./zoom.js"

/** @import { Brush } from "./brush.js" */
/** @import { Label } from "./labels.js" */
/** @import { Judgement, Texts } from "./types.d.ts" */

// So many missed objects that their labels would hide the photo have none: the tip names them.
const MOST_MISSED_LABELS = 20

/** @param {number} t index in the ground truth; a missed object has an id too */
export function truthId(t) {
  return `truth-${t}`
}

/**
 * @param {Brush} brush
 * @param {Judgement} judgement
 * @param {string | null} pickedId
 * @param {Texts} texts
 * @returns {Label[]}
 */
export function drawGroundTruth(brush, judgement, pickedId, texts) {
  const { pen, model } = brush
  const { about, ground_truth: truth } = judgement
  const { labels: classes } = model.view
  /** @type {Label[]} */
  const labels = []
  /** @type {(t: number, color: string, strong?: boolean) => void} */
  const trace = (t, color, strong = false) => {
    const rectangle = onScreen(model.truthBox(t), brush.place)
    pen.lineWidth = strong ? 9 : 4.5
    pen.strokeStyle = strong ? "#ffffff" : "rgba(0,0,0,0.5)"
    pen.strokeRect(...rectangle)
    pen.lineWidth = strong ? 5 : 2.5
    pen.strokeStyle = color
    pen.strokeRect(...rectangle)
  }

  pen.setLineDash([7, 5])
  truth.class_ids.forEach((classId, t) => {
    if (!truth.ignored[t] || (classId && !model.visible(classId))) return
    trace(t, JUDGED.ignored)
    const text = classId
      ? say(texts.box_label_ignored_class, { label: classes[classId] })
      : texts.box_label_ignored
    labels.push({ box: model.truthBox(t), color: JUDGED.ignored, ink: "#000000", text, alpha: 1 })
  })
  const missed = model.missed()
  const aim = missed.find((t) => truthId(t) === pickedId)
  for (const t of missed) {
    pen.globalAlpha = aim === undefined || t === aim ? 1 : 0.4
    trace(t, JUDGED.missed, t === aim)
    if (t !== aim && (aim !== undefined || missed.length > MOST_MISSED_LABELS)) continue
    labels.push({
      box: model.truthBox(t),
      color: JUDGED.missed,
      ink: "#000000",
      text: say(texts.box_label_missed, { label: classes[truth.class_ids[t]] }),
      alpha: 1,
      first: 1,
    })
  }
  pen.globalAlpha = 1
  const picked = model.index.get(pickedId ?? "")
  if (picked !== undefined && about[picked] >= 0) trace(about[picked], "#ffffff")
  pen.setLineDash([])
  return labels
}
