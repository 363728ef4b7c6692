// The few calls to the page that several modules make.

/** @import { Texts } from "./types.d.ts" */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [name] its class
 * @param {string} [text]
 */
export function element(tag, name = "", text = "") {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text) made.textContent = text
  return made
}

/**
 * A button that says its purpose to a screen reader too.
 *
 * @param {string} name its class
 * @param {string} text
 * @param {string} label where the text alone does not say it
 */
export function button(name, text = "", label = "") {
  const made = element("button", name, text)
  made.type = "button"
  if (label) made.setAttribute("aria-label", label)
  return made
}

/** @param {string} color */
export function swatch(color) {
  const made = element("i", "swatch")
  made.style.background = color
  return made
}

/**
 * Only where it changes: a screen reader hears of it, and the page is laid out anew.
 *
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** @param {HTMLCanvasElement} canvas */
export function penOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"))
}

/**
 * Give the canvas as many pixels as the screen has where it is.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns its size, and pixels of the screen a CSS pixel
 */
export function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas
  const ratio = window.devicePixelRatio || 1
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across
    canvas.height = down
  }
  return { width, height, ratio }
}

/**
 * Name the parts that the markup gives a `data-label` or `data-title`: the key of its text.
 *
 * @param {HTMLElement} root
 * @param {Texts} texts
 */
export function nameParts(root, texts) {
  for (const part of root.querySelectorAll("[data-label], [data-title]")) {
    const { label, title } = /** @type {HTMLElement} */ (part).dataset
    if (label) part.setAttribute("aria-label", String(texts[/** @type {keyof Texts} */ (label)]))
    if (title) part.setAttribute("title", String(texts[/** @type {keyof Texts} */ (title)]))
  }
}
