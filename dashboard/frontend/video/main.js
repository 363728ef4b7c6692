// A video with its boxes in step, and how many there are when.
//
// For tests: the element .watch has a property `lens`, this Watch; `lens.shown` are the class ids of
// the boxes that are drawn.

import { countsText, paint, shownOf } from "../live/boxes.js"
import { Threshold } from "../live/threshold.js"
import { fitted, penOf, setText } from "../viewer/dom.js"
import { say } from "../viewer/words.js"
import { placeOf, WHOLE } from "../viewer/zoom.js"
import { boxesOf, clock, frameAt } from "./frames.js"
import { Timeline } from "./timeline.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Pair } from "../viewer/zoom.js" */
/** @import { State, VideoData } from "./types.d.ts" */

/** @type {WeakMap<ParentNode, Watch>} */
const mounted = new WeakMap()

/** @param {Component<VideoData, State>} component */
export default function (component) {
  const { parentElement } = component
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".watch"))
  const watch = mounted.get(parentElement) ?? new Watch(root, component)
  mounted.set(parentElement, watch)
  watch.update(component)
  return () => {
    watch.close()
    mounted.delete(parentElement)
  }
}

class Watch {
  /** @type {number[]} */
  shown = []
  #component
  #threshold
  #timeline
  #isStale = true
  #drawnAt = -1
  #ratio = 1
  /** @type {Pair} */
  #room = [0, 0]
  #request = 0
  #observer = new ResizeObserver(() => this.#resized())

  /**
   * @param {HTMLElement} root
   * @param {Component<VideoData, State>} component
   */
  constructor(root, component) {
    /** @param {string} selector */
    const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector))
    this.#component = component
    this.root = Object.assign(root, { lens: this })
    this.stage = find(".stage")
    this.video = /** @type {HTMLVideoElement} */ (find(".video"))
    this.canvas = /** @type {HTMLCanvasElement} */ (find(".boxes"))
    this.count = find(".count")
    this.notice = find(".notice")
    this.none = find(".none")
    this.#timeline = new Timeline(root, component.data, (time) => {
      this.video.currentTime = time
      this.#isStale = true
    })
    this.#threshold = new Threshold(root, component, () => this.#count())
    this.video.addEventListener("error", () => (this.notice.hidden = false))
    this.video.addEventListener("loadeddata", () => {
      this.notice.hidden = true
      this.#isStale = true
    })
    this.#observer.observe(this.stage)
    this.#tick()
  }

  close() {
    cancelAnimationFrame(this.#request)
    this.#observer.disconnect()
    this.video.removeAttribute("src")
    this.video.load()
  }

  /** @param {Component<VideoData, State>} component */
  update(component) {
    const { data } = component
    this.#component = component
    this.#threshold.update(component)
    const { texts, digest, source, size } = data
    if (this.root.dataset.digest !== digest) {
      this.root.dataset.digest = digest
      this.video.src = source
      this.stage.style.setProperty("--ratio", String(size[1] / size[0]))
    }
    setText(this.notice, texts.unplayable)
    setText(this.none, texts.no_boxes)
    this.root.inert = false // in the markup: parts without a name or hands
    this.#count()
  }

  #count() {
    this.#timeline.update(this.#component.data, this.#threshold.value)
    this.none.hidden = !this.#timeline.isEmpty || !this.#component.data.times.length
    this.#isStale = true
  }

  #tick = () => {
    this.#request = requestAnimationFrame(this.#tick)
    if (!this.#isStale && this.video.currentTime === this.#drawnAt) return
    this.#isStale = false
    this.#drawnAt = this.video.currentTime
    this.#draw(this.#drawnAt)
  }

  /** @param {number} time */
  #draw(time) {
    const { data } = this.#component
    const { texts } = data
    const boxes = boxesOf(data, frameAt(data.times, time))
    const shown = shownOf(boxes, this.#threshold.value, data)
    this.shown = shown.map((i) => boxes.class_ids[i])
    const size = /** @type {Pair} */ (data.size)
    const place = placeOf(size, this.#room, WHOLE)
    const scene = /** @type {const} */ ({ data, place, size, room: this.#room, alpha: 1 })
    paint(penOf(this.canvas), this.#ratio, boxes, shown, scene)
    const counts = countsText(boxes, shown, data.labels, texts)
    setText(this.count, counts)
    this.canvas.setAttribute("aria-label", say(texts.video, { time: clock(time), counts }))
    this.#timeline.draw(time)
  }

  #resized() {
    const { width, height, ratio } = fitted(this.canvas)
    this.#room = [width, height]
    this.#ratio = ratio
    this.#isStale = true
  }
}
