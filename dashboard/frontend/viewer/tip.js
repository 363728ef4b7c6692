// What a box says when the mouse is over it.

import { element } from "./dom.js"
import { namePlate, sizeText } from "./panel.js"
import { iouText, say } from "./words.js"

/** @import { Viewer } from "./main.js" */
/** @import { Pair } from "./zoom.js" */

const BESIDE = 14 // px from the pointer
const MARGIN = 4

export class Tip {
  #viewer
  #root

  /**
   * @param {Viewer} viewer
   * @param {HTMLElement} root
   */
  constructor(viewer, root) {
    this.#viewer = viewer
    this.#root = root
  }

  hide() {
    this.#root.hidden = true
  }

  /**
   * Of the box, or of the missed object there.
   *
   * @param {number | null} i
   * @param {Pair} at
   */
  show(i, [x, y]) {
    const lines = i === null ? this.#missed([x, y]) : this.#lines(i)
    if (!lines) return this.hide()
    this.#root.replaceChildren(...lines)
    this.#root.hidden = false
    const [wide, high] = this.#viewer.camera.room
    const { offsetWidth: width, offsetHeight: height } = this.#root
    const left = x + BESIDE + width > wide ? x - BESIDE - width : x + BESIDE
    const top = Math.min(y + BESIDE, high - height - MARGIN)
    const place = `${Math.max(left, MARGIN)}px, ${Math.max(top, MARGIN)}px`
    this.#root.style.transform = `translate(${place})`
  }

  /** @param {number} i */
  #lines(i) {
    const { data, model } = this.#viewer
    const { texts, view } = data
    const { judgement } = view
    const head = element("div", "head")
    head.append(...namePlate(this.#viewer, i))
    const lines = [sizeText(this.#viewer, i)]
    if (judgement?.outcomes[i] && data.mode === "Right and wrong") {
      lines.push(texts.outcomes[judgement.outcomes[i]])
      const iou = judgement.ious[i]
      if (iou) lines.push(say(texts.iou_with_ground_truth, { iou: iou.toFixed(2) }))
    }
    if (data.mode === "X-ray" && model.suppressors[i] >= 0) {
      const iou = iouText(model.ious[i], view.settings.iou)
      lines.push(say(texts.iou_with_better, { iou }))
    }
    return [head, ...lines.map((line) => element("div", "", line))]
  }

  /** @param {Pair} at */
  #missed(at) {
    const { data, model, camera } = this.#viewer
    if (data.mode !== "Right and wrong") return null
    const t = model.hitMissed(at, camera.place)
    if (t === undefined) return null
    const classId = model.view.judgement?.ground_truth.class_ids[t] ?? 0
    const label = data.view.labels[classId]
    return [element("div", "head", say(data.texts.box_label_missed, { label }))]
  }
}
