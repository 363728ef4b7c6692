// The photos of a frame as others draw them: Plotly's figures, a grid of pictures, the swipe.

/** @import { Chart } from "./types.d.ts" */

/**
 * Where boxes over a photo go.
 *
 * @typedef {object} Place
 * @property {Element} photo
 * @property {HTMLElement} parent of what lies over it
 * @property {boolean} isAlone a swipe's side, which has nothing of the other side
 */

/** @param {HTMLElement} frame @returns {Place[]} */
export function photosOf(frame) {
  const swipe = swipeOf(frame)
  const photo = swipe?.querySelector("img")
  if (swipe && photo) {
    const parents = /** @type {NodeListOf<HTMLElement>} */ (swipe.querySelectorAll(".layer"))
    return [...parents].map((parent) => ({ photo, parent, isAlone: true }))
  }
  const photos = frame.querySelectorAll(".imagelayer image, .shot img")
  return [...photos].map((photo) => ({ photo, parent: frame, isAlone: false }))
}

/**
 * Groups that a legend hides: kinds of a comparison by name, else classes by number.
 *
 * @param {HTMLElement} frame
 * @returns {Set<string | undefined>}
 */
export function hiddenOf(frame) {
  const entries = swipeOf(frame)?.querySelectorAll(".kinds [aria-pressed=false]")
  if (entries)
    return new Set([...entries].map((it) => /** @type {HTMLElement} */ (it).dataset.entry))
  const chart = /** @type {Chart | null} */ (frame.querySelector(".js-plotly-plot"))
  const traces = chart?._fullData?.filter((it) => it.visible === "legendonly")
  return new Set(traces?.map((it) => it.legendgroup))
}

/** How many boxes are drawn. @param {HTMLElement} frame */
export function drawnOf(frame) {
  const boxes = (swipeOf(frame) ?? frame).querySelectorAll(".shot .box, .layer .box").length
  return boxes + frame.querySelectorAll(".barlayer .point").length / 2 // a box is two bars
}

/** @param {HTMLElement} frame */
function swipeOf(frame) {
  for (const each of frame.querySelectorAll(".st-key-swipe *"))
    if (each.shadowRoot) return each.shadowRoot
  return null
}
