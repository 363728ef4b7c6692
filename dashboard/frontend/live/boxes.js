// Which boxes show, and how they are drawn over the video.

import { drawLabels } from "../viewer/labels.js"
import { halo } from "../viewer/looks.js"
import { plural, say, scoreText } from "../viewer/words.js"
import { onScreen } from "../viewer/zoom.js"

/** @import { Pair, Place } from "../viewer/zoom.js" */
/** @import { LiveData } from "./types.d.ts" */

/** @typedef {Pick<LiveData, "boxes" | "scores" | "class_ids">} Boxes */

/**
 * The indices of the boxes that show, best score first.
 *
 * @param {Boxes} boxes
 * @param {number} score threshold of the classes without an own one
 * @param {Pick<LiveData, "own" | "top_k">} data
 */
export function shownOf({ scores, class_ids }, score, { own, top_k }) {
  return [...scores.keys()].filter((i) => scores[i] >= (own[class_ids[i]] ?? score)).slice(0, top_k)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} ratio pixels of the screen a CSS pixel
 * @param {Boxes} boxes
 * @param {number[]} shown
 * @param {{data: Pick<LiveData, "labels" | "colors" | "text_colors">, place: Place, size: Pair, room: Pair, alpha: number}} scene size: of the
 *  video in its pixels; place: where it is in the room
 */
export function paint(pen, ratio, boxes, shown, { data, place, size, room, alpha }) {
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, ...room)
  pen.lineJoin = "round"
  const labels = shown.map((i) => {
    const classId = boxes.class_ids[i]
    return {
      box: boxes.boxes.slice(4 * i, 4 * i + 4).map((side, at) => side * size[at % 2]),
      text: `${data.labels[classId]} ${scoreText(boxes.scores[i])}`,
      color: data.colors[classId],
      ink: data.text_colors[classId],
      alpha,
    }
  })
  for (const { box, color } of labels.toReversed()) {
    const rectangle = onScreen(box, place)
    pen.globalAlpha = alpha
    for (const [stroke, width] of /** @type {const} */ ([
      [halo(color), 5],
      [color, 2.5],
    ])) {
      pen.strokeStyle = stroke
      pen.lineWidth = width
      pen.strokeRect(...rectangle)
    }
  }
  drawLabels(pen, labels, room, place)
}

/**
 * How many of each class, the most first.
 *
 * @param {Pick<Boxes, "class_ids">} boxes
 * @param {number[]} shown
 * @returns {[classId: number, count: number][]}
 */
export function countsOf({ class_ids }, shown) {
  /** @type {Map<number, number>} */
  const counts = new Map()
  for (const i of shown) counts.set(class_ids[i], (counts.get(class_ids[i]) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])
}

/**
 * The same in words, after how many there are in all.
 *
 * @param {Pick<Boxes, "class_ids">} boxes
 * @param {number[]} shown
 * @param {string[]} labels
 * @param {Pick<LiveData["texts"], "boxes_shown" | "boxes_shown_of" | "class_count">} texts
 */
export function countsText(boxes, shown, labels, texts) {
  const classes = countsOf(boxes, shown)
    .map(([id, count]) => say(texts.class_count, { label: labels[id], count }))
    .join(", ")
  const sentences = classes ? texts.boxes_shown_of : texts.boxes_shown
  return say(plural(sentences, shown.length), { count: shown.length, classes })
}
