// The photo under two layers of boxes: A's left of a handle, B's right of it.

import { START, dragged, keyed } from "./handle.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Box, KindOfBox, Side, SwipeData } from "./types.d.ts" */

/** @type {WeakMap<Element, Swipe>} */
const swipes = new WeakMap()

/** @param {Component<SwipeData, {}>} component */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".swipe"))
  const legend = /** @type {HTMLElement} */ (parentElement.querySelector(".kinds"))
  const swipe = swipes.get(root) ?? new Swipe(root, legend)
  swipes.set(root, swipe)
  swipe.update(data)
}

/** Other data in the same element keep what is hidden, and where the handle is. */
class Swipe {
  /** @type {Set<string>} the kinds of boxes that are hidden */
  #hidden = new Set()
  /** percent of the width */
  #at = START
  #revision = -1
  #root
  #legend
  #handle = made("div", "handle")
  /** @type {HTMLElement[]} of the sides */
  #layers = []

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} legend
   */
  constructor(root, legend) {
    this.#root = root
    this.#legend = legend
    this.#listen()
  }

  #listen() {
    const root = this.#root
    /** @param {PointerEvent} event */
    const follow = (event) => this.#place(dragged(event.clientX, root.getBoundingClientRect()))
    root.addEventListener("pointerdown", (event) => {
      root.setPointerCapture(event.pointerId)
      follow(event)
    })
    root.addEventListener("pointermove", (event) => {
      if (root.hasPointerCapture(event.pointerId)) follow(event)
    })
    this.#handle.addEventListener("keydown", (event) => {
      const to = keyed(event.key, this.#at)
      if (to === null) return
      event.preventDefault()
      this.#place(to)
    })
  }

  /** @param {SwipeData} data */
  update(data) {
    if (data.revision !== this.#revision) {
      this.#revision = data.revision
      this.#hidden.clear()
      this.#at = START
    }
    this.#root.style.setProperty("--aspect", String(data.width / data.height))
    const photo = made("img", "")
    photo.src = data.photo
    photo.alt = data.alt
    photo.draggable = false
    this.#layers = data.sides.map(layer)
    const handle = this.#handle
    handle.tabIndex = 0
    handle.setAttribute("role", "slider")
    handle.setAttribute("aria-label", data.handle)
    handle.setAttribute("aria-valuemin", "0")
    handle.setAttribute("aria-valuemax", "100")
    this.#root.replaceChildren(photo, ...this.#layers, handle)
    this.#legend.replaceChildren(...data.kinds.map((kind) => this.#entry(kind)))
    this.#place(this.#at)
  }

  /** @param {number} percent */
  #place(percent) {
    this.#at = percent
    const [a, b] = this.#layers
    this.#handle.style.left = `${percent}%`
    this.#handle.setAttribute("aria-valuenow", String(Math.round(percent)))
    a.style.clipPath = `inset(0 ${100 - percent}% 0 0)`
    b.style.clipPath = `inset(0 0 0 ${percent}%)`
  }

  /**
   * A button of the legend: it hides the boxes of its kind, and shows them again.
   *
   * @param {KindOfBox} kind
   */
  #entry({ kind, name, color }) {
    const entry = made("button", "")
    const key = made("i", "")
    key.style.background = color
    entry.append(key, name)
    entry.dataset.entry = kind
    const show = () => {
      const hidden = this.#hidden.has(kind)
      entry.setAttribute("aria-pressed", String(!hidden))
      for (const part of this.#root.querySelectorAll(`[data-kind=${kind}]`))
        /** @type {HTMLElement} */ (part).hidden = hidden
    }
    entry.addEventListener("click", () => {
      if (!this.#hidden.delete(kind)) this.#hidden.add(kind)
      show()
    })
    show()
    return entry
  }
}

/**
 * @param {Side} side
 * @param {number} index 0 for A, 1 for B
 */
function layer(side, index) {
  const parts = made("div", "layer")
  for (const box of side.boxes) parts.append(...drawn(box))
  const name = made("div", "side", side.name)
  name.style.setProperty(index ? "right" : "left", "8px")
  parts.append(name)
  return parts
}

/**
 * The box, and its label where there is room for one.
 *
 * @param {Box} box
 */
function drawn({ kind, left, top, width, height, color, ink, text, label }) {
  const box = made("div", "box")
  box.dataset.kind = kind
  box.title = text
  Object.assign(box.style, {
    left: `${left}%`,
    top: `${top}%`,
    width: `${width}%`,
    height: `${height}%`,
    borderColor: color,
  })
  if (!label) return [box]
  const words = made("span", "", text)
  words.dataset.kind = kind
  Object.assign(words.style, {
    left: `${label.left}%`,
    top: `clamp(0.7em, ${label.top}%, 100% - 0.7em)`,
    transform: `translate(${label.ends_there ? -100 : 0}%, -50%)`,
    background: color,
    color: ink,
  })
  return [box, words]
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name its class
 * @param {string} text
 */
function made(tag, name, text = "") {
  const element = document.createElement(tag)
  element.className = name
  element.textContent = text
  return element
}
