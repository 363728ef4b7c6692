// One image on the whole screen, with boxes that follow the threshold, and the way to the next one.
//
// A dialog lies over everything of the page, takes keys and focus, and gives the focus back. Where the
// browser lets a page have the screen, the window's frame goes too; an iPhone does not.
//
// For tests: the dialog has a property `lens`, this Presentation; `lens.shownIds` are the ids of the
// boxes on the screen in order of score.

import { countsText } from "../live/boxes.js"
import { element, fitted, penOf, setText } from "../viewer/dom.js"
import { Hand } from "../viewer/hand.js"
import { ON_A_SCREEN } from "../viewer/labels.js"
import { Model } from "../viewer/model.js"
import { paintShown } from "../viewer/plain.js"
import { Shared } from "../viewer/shared.js"
import { thresholdsOf, withThreshold } from "../viewer/thresholds.js"
import { say, thresholdText } from "../viewer/words.js"
import { placeOf, WHOLE } from "../viewer/zoom.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Pair } from "../viewer/zoom.js" */
/** @import { PresentData, State } from "./types.d.ts" */

const IDLE_MS = 3000 // then the bar goes
const GONE_MS = 2000 // the component is mounted anew before, if it is at all
const SWIPE = 50 // px: less is a tap
const NARROW = 640 // px: in a hand, not on a wall
const WEIGHT = 1.6 // of the lines, as they are seen from the last row

// The words come with the data.
const MARKUP = `
  <img class="photo" alt="" draggable="false">
  <canvas class="boxes" role="img"></canvas>
  <div class="bar">
    <button type="button" class="previous">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M10.5 2.5 5 8l5.5 5.5"/></svg>
    </button>
    <div class="about">
      <div class="line" role="status"><b class="name"></b><span class="position"></span></div>
      <div class="count"></div>
    </div>
    <label class="scrub">
      <span class="heading"></span>
      <input class="slider" type="range" min="0.01" max="1" step="0.01" autofocus>
    </label>
    <output class="number" aria-hidden="true"></output>
    <button type="button" class="next">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5.5 2.5 11 8l-5.5 5.5"/></svg>
    </button>
    <button type="button" class="end">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="m3.5 3.5 9 9m0-9-9 9"/></svg>
    </button>
  </div>`

export class Presentation {
  #dialog = element("dialog", "lens-present")
  /** @type {Component<PresentData, State> | null} null: the page draws none now */
  #component = null
  /** @type {HTMLButtonElement | null} */
  #button = null
  /** @type {PresentData | null} what the screen shows */
  #shown = null
  /** @type {Model | null} */
  #model = null
  #threshold = new Shared(0.01)
  /** @type {number | null} the image that is on its way */
  #wanted = null
  /** @type {Pair | null} where a finger came down */
  #from = null
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle
  #frame = 0

  constructor() {
    const dialog = Object.assign(this.#dialog, { lens: this })
    dialog.innerHTML = MARKUP
    /** @param {string} name */
    const find = (name) => /** @type {HTMLElement} */ (dialog.querySelector(`.${name}`))
    this.photo = /** @type {HTMLImageElement} */ (find("photo"))
    this.canvas = /** @type {HTMLCanvasElement} */ (find("boxes"))
    this.slider = /** @type {HTMLInputElement} */ (find("slider"))
    this.parts = {
      name: find("name"),
      position: find("position"),
      count: find("count"),
      heading: find("heading"),
      number: find("number"),
      previous: find("previous"),
      next: find("next"),
      end: find("end"),
    }
    this.hand = new Hand(
      this.slider,
      (value) => this.#move(value),
      () => this.#settle(),
    )
    this.#listen()
    document.body.append(dialog)
  }

  #listen() {
    const dialog = this.#dialog
    this.parts.previous.addEventListener("click", () => this.#step(-1))
    this.parts.next.addEventListener("click", () => this.#step(1))
    this.parts.end.addEventListener("click", () => dialog.close())
    dialog.addEventListener("close", () => this.#closed())
    dialog.addEventListener("keydown", (event) => this.#key(event))
    for (const name of ["pointermove", "pointerdown", "keydown"])
      dialog.addEventListener(name, () => this.#wake())
    this.canvas.addEventListener("pointerdown", (event) => {
      this.#from = event.pointerType === "mouse" ? null : [event.clientX, event.clientY]
    })
    this.canvas.addEventListener("pointerup", (event) => this.#swiped(event))
    // Escape ends full screen first, and no key is heard of it.
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement && dialog.open) dialog.close()
    })
    new ResizeObserver(() => this.#draw()).observe(this.canvas)
  }

  /**
   * @param {Component<PresentData, State>} component
   * @param {HTMLButtonElement} button that opened it, or would
   */
  update(component, button) {
    const { data } = component
    this.#component = component
    this.#button = button
    if (this.#threshold.takeFromPython(data.view.settings.score, this.hand.isBusy))
      this.slider.value = String(data.view.settings.score)
    if (this.#wanted === data.index) this.#wanted = null
    if (this.#dialog.open) this.#show(data)
  }

  /** @param {HTMLButtonElement} button */
  left(button) {
    if (this.#button !== button) return
    this.#component = null
    setTimeout(() => {
      // Of this image there is no answer: the page says why.
      if (!this.#component) this.#dialog.close()
    }, GONE_MS)
  }

  async open() {
    if (!this.#component || this.#dialog.open) return
    try {
      // Before the dialog: what comes later lies above.
      await document.documentElement.requestFullscreen?.({ navigationUI: "hide" })
    } catch {
      // The browser or whoever embeds the page forbids it: the window is filled.
    }
    this.#wanted = null
    this.#dialog.showModal()
    this.#wake()
    this.#show(this.#component.data)
  }

  #closed() {
    clearTimeout(this.#idle)
    this.#settle()
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {})
    this.#button?.focus({ preventScroll: true })
  }

  get shownIds() {
    const model = this.#model
    return model ? model.shown.map((i) => model.id(i)) : []
  }

  // --- what the visitor does

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "ArrowLeft") this.#step(-1)
    else if (event.key === "ArrowRight") this.#step(1)
    else return // up and down are the slider's
    event.preventDefault()
    event.stopPropagation()
  }

  /** @param {PointerEvent} event */
  #swiped({ clientX, clientY }) {
    const from = this.#from
    this.#from = null
    if (!from) return
    const [across, down] = [clientX - from[0], clientY - from[1]]
    if (Math.abs(across) > SWIPE && Math.abs(across) > Math.abs(down))
      this.#step(across < 0 ? 1 : -1)
  }

  /** @param {1 | -1} by round and round */
  #step(by) {
    const { index, count } = this.#component?.data ?? { index: 0, count: 0 }
    if (count < 2) return
    // Not by how much: of two steps in a queue Python would get the later one only.
    this.#wanted = ((this.#wanted ?? index) + by + count) % count
    this.#component?.setTriggerValue("image", { index: this.#wanted })
    this.#sayPosition()
  }

  /** @param {number} value */
  #move(value) {
    this.#threshold.value = value
    this.#draw()
  }

  #settle() {
    if (!this.#component || !this.#threshold.unsent) return
    this.#threshold.sent()
    // `at` makes it another value: after a reset in Python the same threshold may come again.
    this.#component.setStateValue("threshold", { score: this.#threshold.value, at: Date.now() })
  }

  #wake() {
    clearTimeout(this.#idle)
    this.#dialog.classList.remove("idle")
    this.#idle = setTimeout(() => this.#dialog.classList.add("idle"), IDLE_MS)
  }

  // --- what is seen

  /**
   * As soon as its photo is there: boxes never lie over another one.
   *
   * @param {PresentData} data
   */
  async #show(data) {
    if (this.#shown?.photo !== data.photo) {
      const photo = new Image()
      photo.src = data.photo
      await photo.decode().catch(() => {})
      if (this.#component?.data !== data) return
      this.photo.src = data.photo
    }
    this.#shown = data
    this.#model = new Model(data.view)
    const { texts } = data
    setText(this.parts.name, data.name)
    for (const name of /** @type {const} */ (["previous", "next", "end"])) {
      this.parts[name].setAttribute("aria-label", texts[name])
      this.parts[name].title = texts[name]
    }
    this.#dialog.setAttribute("aria-label", texts.present)
    this.parts.previous.hidden = this.parts.next.hidden = data.count < 2
    this.#sayPosition()
    this.#draw()
  }

  #sayPosition() {
    const data = this.#shown
    if (!data) return
    const number = (this.#wanted ?? data.index) + 1
    const { count, texts } = data
    setText(this.parts.position, count < 2 ? "" : say(texts.position, { number, count }))
    this.#dialog.classList.toggle("waiting", this.#wanted !== null)
  }

  /** In the next frame, however often it is called. */
  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#drawNow()
    })
  }

  #drawNow() {
    const [data, model] = [this.#shown, this.#model]
    const { width, height, ratio } = fitted(this.canvas)
    if (!data || !model || !width) return
    const value = this.#threshold.value
    model.follow(withThreshold(thresholdsOf(data.view), null, value))
    /** @type {Pair} */
    const room = [width, height]
    const place = placeOf(data.view.size, room, WHOLE)
    const large = width > NARROW ? { weight: WEIGHT, lettering: ON_A_SCREEN } : {}
    paintShown(penOf(this.canvas), ratio, model, { place, room, ...large })
    this.#say(data, model, value)
  }

  /**
   * @param {PresentData} data
   * @param {Model} model
   * @param {number} value of the threshold
   */
  #say({ texts, view }, model, value) {
    const counts = countsText(view, model.shown, view.labels, texts)
    setText(this.parts.count, counts)
    this.canvas.setAttribute("aria-label", say(texts.photo, { counts }))
    const own = Object.keys(view.settings.classes).length
    const heading = own ? texts.heading_but_own : texts.heading
    setText(this.parts.heading, model.waiting ? say(texts.heading_waiting, { heading }) : heading)
    setText(this.parts.number, thresholdText(value))
    this.slider.setAttribute("aria-valuetext", thresholdText(value))
  }
}
