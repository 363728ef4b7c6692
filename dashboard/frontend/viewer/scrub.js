// The slider of the score threshold, with a stack over each of its steps where boxes come or go.

import { fitted, penOf } from "./dom.js"
import { Hand } from "./hand.js"
import { thresholdOf } from "./thresholds.js"
import { say, thresholdText } from "./words.js"

/** @import { Viewer } from "./main.js" */

const MIN_THRESHOLD = 0.01
const THUMB = 20 // px, as in style.css

export class Scrub {
  #viewer
  #slider
  #hand
  #marks
  #heading
  #number
  #strip = { width: 0, height: 0, ratio: 1 }

  /**
   * @param {Viewer} viewer
   * @param {HTMLElement} root
   */
  constructor(viewer, root) {
    /** @param {string} selector */
    const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector))
    this.#viewer = viewer
    this.#slider = viewer.slider
    this.#marks = /** @type {HTMLCanvasElement} */ (find(".marks"))
    this.#heading = find(".heading")
    this.#number = find(".number")
    this.#hand = new Hand(
      viewer.slider,
      (value) => viewer.moveThreshold(value),
      () => viewer.sendThresholds(),
    )
  }

  /** whether the visitor has it in hand */
  get dragging() {
    return this.#hand.isBusy
  }

  /** Measured here only: while scrubbing it would force a layout in each frame. */
  resize() {
    this.#strip = fitted(this.#marks)
  }

  get #value() {
    return thresholdOf(this.#viewer.thresholds.value, this.#viewer.target)
  }

  /** The slider to where the threshold is. */
  place() {
    this.#slider.value = String(this.#value)
  }

  draw() {
    const { data, model, target } = this.#viewer
    const { texts, view } = data
    const value = thresholdText(this.#value)
    const label = target === null ? "" : view.labels[target]
    const heading = say(texts[this.#headingName()], { label })
    this.#number.textContent = value
    this.#heading.textContent = model.waiting ? say(texts.heading_waiting, { heading }) : heading
    const name = target === null ? texts.slider : say(texts.slider_class, { label })
    this.#slider.setAttribute("aria-label", name)
    this.#slider.setAttribute("aria-valuetext", value)
    const part = (Number(this.#slider.value) - MIN_THRESHOLD) / (1 - MIN_THRESHOLD)
    this.#slider.style.setProperty("--part", String(part))
    this.#drawMarks()
  }

  #headingName() {
    const { target, thresholds } = this.#viewer
    const own = thresholds.value[1]
    if (target === null) return own.length ? "heading_but_own" : "heading"
    return own.some(([classId]) => classId === target) ? "heading_class" : "heading_class_as_all"
  }

  #drawMarks() {
    const { width, height, ratio } = this.#strip
    if (!width) return
    const { model, target } = this.#viewer
    const pen = penOf(this.#marks)
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    const sums = model.bins.map((counts) => [...counts.values()].reduce((sum, n) => sum + n, 0))
    const most = Math.max(8, ...sums)
    const step = (width - THUMB) / 99
    model.bins.forEach((counts, bin) => {
      if (!bin || !sums[bin]) return
      // A tick that is seen for one box, and no hundredfold tower for a hundred.
      const tall = 5 + (height - 5) * (Math.log(sums[bin]) / Math.log(most))
      const x = THUMB / 2 + (bin - 1) * step
      let y = height
      for (const [classId, count] of [...counts].sort((a, b) => a[0] - b[0])) {
        const part = (tall * count) / sums[bin]
        const aimed = target === null || target === classId
        const shown = bin / 100 >= thresholdOf(model.thresholds, classId)
        pen.globalAlpha = (shown ? 1 : 0.38) * (aimed ? 1 : 0.25)
        pen.fillStyle = model.view.colors[classId]
        pen.fillRect(x, y - part, Math.max(step - 1, 1.5), part)
        y -= part
      }
    })
    pen.globalAlpha = 1
  }
}
