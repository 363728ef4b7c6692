// The camera's running video with its boxes.
//
// A frame goes to Python when the boxes of the one before are there, always the newest, shrunk to what
// the model sees. None goes while the page is hidden.
//
// For tests: the element .live has a property `lens`, this Live; `lens.answers` counts the frames
// whose boxes were drawn, `lens.ages` are how old the last ones' were then, in ms.

import { fitted, penOf, setText } from "../viewer/dom.js"
import { say } from "../viewer/words.js"
import { placeOf, WHOLE } from "../viewer/zoom.js"
import { countsText, paint, shownOf } from "./boxes.js"
import { shrunk, whole } from "./frames.js"
import { Pace, PATIENCE } from "./pace.js"
import { Stream } from "./stream.js"
import { Threshold } from "./threshold.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Pair } from "../viewer/zoom.js" */
/** @import { Boxes } from "./boxes.js" */
/** @import { Reason } from "./stream.js" */
/** @import { LiveData, State } from "./types.d.ts" */

const NONE = Object.freeze({ boxes: [], scores: [], class_ids: [] })
const OLD = 1000 // ms: boxes that are older are seen to be
const SAID_EVERY = 500 // ms: figures that change with each frame cannot be read
const KEPT_AGES = 100

/** @type {WeakMap<ParentNode, Live>} */
const mounted = new WeakMap()

/** @param {Component<LiveData, State>} component */
export default function (component) {
  const { parentElement } = component
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".live"))
  const live = mounted.get(parentElement) ?? new Live(root, component)
  mounted.set(parentElement, live)
  live.update(component)
  return () => {
    live.close()
    mounted.delete(parentElement)
  }
}

class Live {
  answers = 0
  /** @type {number[]} */
  ages = []
  #component
  #pace = new Pace()
  #stream
  #threshold
  /** @type {Boxes} the last ones */
  #boxes = NONE
  /** when the frame was taken that they are of */
  #takenAt = 0
  /** they have just come */
  #isNew = false
  #isFaded = false
  #isStale = true
  /** @type {Reason | "starting" | null} why there is no video */
  #reason = /** @type {Reason | "starting" | null} */ ("starting")
  /** why there are no boxes */
  #problem = ""
  #saidAt = 0
  #ratio = 1
  /** @type {Pair} */
  #room = [0, 0]
  #request = 0
  #observer = new ResizeObserver(() => this.#resized())

  /**
   * @param {HTMLElement} root
   * @param {Component<LiveData, State>} component
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
    this.pace = find(".pace")
    this.notice = find(".notice")
    this.words = find(".words")
    this.again = find(".again")
    this.freeze = /** @type {HTMLButtonElement} */ (find(".freeze"))
    this.other = find(".other")
    this.#threshold = new Threshold(root, component, () => (this.#isStale = true))
    this.#stream = new Stream(this.video, (reason) => this.#told(reason))
    this.#listen()
    this.#observer.observe(this.stage)
    this.#open()
    this.#tick()
  }

  #listen() {
    this.freeze.addEventListener("click", () => this.#freeze())
    this.again.addEventListener("click", () => this.#open())
    this.other.addEventListener("click", () => {
      this.#reason = "starting"
      this.#say()
      this.#stream.openOther()
    })
    // Of another camera, or of a phone that was turned.
    this.video.addEventListener("resize", () => this.#resized())
  }

  close() {
    cancelAnimationFrame(this.#request)
    this.#observer.disconnect()
    this.#stream.close()
  }

  /** @param {Component<LiveData, State>} component */
  update(component) {
    const { data } = component
    this.#component = component
    this.#threshold.update(component)
    const now = performance.now()
    const takenAt = this.#pace.answered(data.number, now, Boolean(data.problem))
    if (takenAt !== null) {
      this.#boxes = data.problem ? NONE : data
      this.#takenAt = takenAt
      this.#isNew = !data.problem
      this.#problem = data.problem
    }
    setText(this.freeze, data.texts.freeze)
    this.freeze.title = data.texts.freeze_title
    setText(this.again, data.texts.again)
    setText(this.other, data.texts.other_camera)
    this.pace.title = data.texts.pace_title
    this.root.inert = false // in the markup: parts without a name or hands
    this.#isStale = true
    this.#say()
    this.#send(now) // the model works while these boxes are drawn
  }

  // --- the camera

  #open() {
    this.#reason = "starting"
    this.#say()
    this.#stream.open()
  }

  /** @param {Reason | null} reason */
  #told(reason) {
    this.#reason = reason
    this.other.hidden = !this.#stream.hasOthers
    if (reason) this.#boxes = NONE
    this.#isStale = true
    this.#say()
  }

  /** @returns {Pair} */
  get #size() {
    return [this.video.videoWidth, this.video.videoHeight]
  }

  // --- frames

  #tick = () => {
    this.#request = requestAnimationFrame(this.#tick)
    const now = performance.now()
    if (this.#pace.givesUp(now)) {
      this.#boxes = NONE
      this.#isStale = true
      this.#problem = say(this.#texts.slow, { seconds: PATIENCE / 1000 })
      this.#say()
    }
    const isFaded = now - this.#takenAt > OLD
    if (this.#isStale || isFaded !== this.#isFaded) this.#draw(isFaded)
    if (this.#isNew) {
      this.#isNew = false
      this.answers++
      this.ages = [...this.ages.slice(1 - KEPT_AGES), performance.now() - this.#takenAt]
    }
    if (now > this.#saidAt + SAID_EVERY) this.#sayPace(now)
    this.#send(now)
  }

  /** @param {number} now */
  #send(now) {
    if (!this.#isRunning || document.hidden || !this.#pace.isFree(now)) return
    const number = this.#pace.sent(now)
    this.#component.setTriggerValue("frame", { number, image: shrunk(this.video) })
  }

  get #isRunning() {
    return this.#reason === null && this.video.readyState >= this.video.HAVE_CURRENT_DATA
  }

  /** None goes before Python has taken it: of two in a queue it would get the later one only. */
  #freeze() {
    if (!this.#isRunning) return
    const number = this.#pace.sent(performance.now())
    this.#component.setTriggerValue("frozen", { number, image: whole(this.video) })
  }

  // --- what is seen

  get #texts() {
    return this.#component.data.texts
  }

  /** @param {boolean} isFaded whether the boxes are seen to be old */
  #draw(isFaded) {
    this.#isFaded = isFaded
    this.#isStale = false
    const { data } = this.#component
    const { texts } = data
    const shown = shownOf(this.#boxes, this.#threshold.value, data)
    const place = placeOf(this.#size, this.#room, WHOLE)
    const scene = { data, place, size: this.#size, room: this.#room, alpha: isFaded ? 0.4 : 1 }
    paint(penOf(this.canvas), this.#ratio, this.#boxes, shown, scene)
    const counts = countsText(this.#boxes, shown, data.labels, texts)
    setText(this.count, counts)
    this.canvas.setAttribute("aria-label", say(texts.video, { counts }))
  }

  /** @param {number} now */
  #sayPace(now) {
    this.#saidAt = now
    this.freeze.disabled = !this.#isRunning
    const rate = this.#pace.rate(now)
    const ages = this.ages.slice(-Math.max(3, Math.round(rate))) // of the last second
    const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length
    const age = this.#isFaded ? now - this.#takenAt : mean
    const isKnown = this.#isRunning && this.#boxes !== NONE
    const said = { rate: rate.toFixed(1), age: Math.round(age) }
    setText(this.pace, isKnown ? say(this.#texts.pace, said) : "")
  }

  #say() {
    const text = this.#reason === null ? this.#problem : this.#texts[this.#reason]
    setText(this.words, say(text, { host: location.hostname }))
    this.again.hidden = this.#reason === null || this.#reason === "starting"
    this.notice.hidden = !text
    this.freeze.disabled = !this.#isRunning
  }

  #resized() {
    const [width, height] = this.#size
    if (width) this.stage.style.setProperty("--ratio", String(height / width))
    const { width: across, height: down, ratio } = fitted(this.canvas)
    this.#room = [across, down]
    this.#ratio = ratio
    this.#isStale = true
  }
}
