// Ask a place: while the button is pressed, a click or a drag over the photo is a question, and so is
// Enter where the arrow keys have moved the cross to. Escape ends it.

import { Marks } from "./marks.js"
import { photoIn, pixelAt, placeBetween, rectOfPhoto } from "./photo.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { AskData, State } from "./types.d.ts" */
/** @import { Pair } from "./photo.js" */

const LEAST = 6 // px of the screen: a shorter drag is a click
const STEP = 0.02 // of the photo's side, for an arrow key

/** @param {Component<AskData, State>} component */
export default function ({ parentElement, data, setStateValue }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector(".ask"))
  const root = button.getRootNode()
  const host = /** @type {Element} */ (root instanceof ShadowRoot ? root.host : button)
  const frame = /** @type {HTMLElement | null} */ (host.closest(`.st-key-${data.frame}`))
  if (!frame) return
  const words = /** @type {HTMLElement} */ (button.querySelector("span"))
  words.textContent = data.texts.ask
  button.title = data.texts.tip
  button.inert = false
  mounted.get(parentElement)?.end() // with other data it is called again, and nothing has ended
  const asking = new Asking(frame, button, data, (place) => setStateValue("place", place))
  mounted.set(parentElement, asking)
  const atPhoto = new ResizeObserver(() => keepAtPhoto(frame))
  atPhoto.observe(frame)
  return () => {
    atPhoto.disconnect()
    asking.end()
  }
}

/**
 * Tells style.css how much of the frame is below the photo: on a phone, what the viewer says of a
 * box.
 *
 * @param {HTMLElement} frame
 */
function keepAtPhoto(frame) {
  const stage = photoIn(frame)?.closest(".stage")
  const below = stage
    ? frame.getBoundingClientRect().bottom - stage.getBoundingClientRect().bottom
    : 0
  frame.style.setProperty("--below", `${Math.round(below)}px`)
}

/** @type {WeakMap<ParentNode, Asking>} */
const mounted = new WeakMap()

/** Whether the visitor asks in a frame: Streamlit mounts the component anew with each answer. */
const active = new Set()
/** Whether the keyboard was on the cover that the last answer took away. */
let hadFocus = false
let count = 0

class Asking {
  #frame
  #button
  #marks
  #data
  #send
  #until = new AbortController()
  /** @type {HTMLElement | null} */
  #cover = null
  /** @type {Pair | null} where a drag began, in pixels of the original */
  #from = null
  /** @type {Pair} where the keyboard's cross is */
  #cross

  /**
   * @param {HTMLElement} frame
   * @param {HTMLButtonElement} button
   * @param {AskData} data
   * @param {(place: State["place"]) => void} send
   */
  constructor(frame, button, data, send) {
    this.#frame = frame
    this.#button = button
    this.#marks = new Marks(frame, data.size)
    this.#data = data
    this.#send = send
    const { asked, size } = data
    this.#cross = asked
      ? [(asked.xmin + asked.xmax) / 2, (asked.ymin + asked.ymax) / 2]
      : [size[0] / 2, size[1] / 2]
    const signal = this.#until.signal
    button.addEventListener("click", () => (this.#cover ? this.#stop() : this.#start()), { signal })
    this.#marks.show(data.asked, data.boxes)
    if (active.has(data.frame)) this.#start(false)
  }

  end() {
    this.#until.abort()
    hadFocus = this.#cover !== null && document.activeElement === this.#cover
    this.#cover?.remove()
    this.#marks.end()
  }

  /** @param {boolean} [isNew] whether the visitor has just pressed the button */
  #start(isNew = true) {
    active.add(this.#data.frame)
    this.#button.ariaPressed = "true"
    const cover = (this.#cover = document.createElement("div"))
    cover.className = "lens-ask-cover"
    cover.tabIndex = 0
    cover.setAttribute("role", "application")
    cover.setAttribute("aria-label", this.#data.texts.keys)
    cover.style.cssText =
      "position:absolute;inset:0;cursor:crosshair;touch-action:none;z-index:1;outline-offset:-2px"
    cover.addEventListener("pointerdown", (event) => this.#press(event))
    cover.addEventListener("pointermove", (event) => this.#move(event))
    cover.addEventListener("pointerup", (event) => this.#release(event))
    cover.addEventListener("pointercancel", () => this.#forget())
    cover.addEventListener("keydown", (event) => this.#key(event))
    this.#frame.append(cover)
    if (isNew || hadFocus) cover.focus({ preventScroll: true })
    if (isNew) this.#show()
  }

  #stop() {
    active.delete(this.#data.frame)
    this.#button.ariaPressed = "false"
    this.#cover?.remove()
    this.#cover = null
    this.#forget()
    this.#button.focus({ preventScroll: true })
  }

  #forget() {
    this.#from = null
    this.#marks.show(this.#data.asked, this.#data.boxes)
  }

  /** @param {{clientX: number, clientY: number}} at */
  #pixel({ clientX, clientY }) {
    const rect = rectOfPhoto(this.#frame)
    return rect ? pixelAt(rect, this.#data.size, [clientX, clientY]) : null
  }

  /** @param {Pair} to */
  #between(to) {
    const rect = rectOfPhoto(this.#frame)
    const least = rect ? (LEAST / rect.width) * this.#data.size[0] : LEAST
    return placeBetween(this.#from ?? to, to, least)
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.#from = this.#pixel(event)
    this.#cover?.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const to = this.#from && this.#pixel(event)
    if (to) this.#marks.show(this.#between(to), [])
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const to = this.#from && this.#pixel(event)
    if (to) this.#ask(to)
  }

  /** @param {Pair} to */
  #ask(to) {
    const place = this.#between(to)
    this.#from = null
    this.#marks.show(place, [])
    this.#send({ ...place, count: ++count })
  }

  #show() {
    this.#marks.show(this.#between(this.#cross), this.#from ? [] : this.#data.boxes)
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
    const way = ways[/** @type {keyof typeof ways} */ (event.key)]
    const { size } = this.#data
    if (way) {
      if (event.shiftKey) this.#from ??= this.#cross
      else this.#from = null
      const [x, y] = way.map((step, axis) => this.#cross[axis] + step * STEP * size[axis])
      this.#cross = [Math.min(Math.max(x, 0), size[0]), Math.min(Math.max(y, 0), size[1])]
      this.#show()
    } else if (event.key === "Enter") {
      this.#ask(this.#cross)
    } else if (event.key === "Escape") {
      this.#stop()
    } else {
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }
}
