// Wheel, fingers and buttons over a Plotly figure of a photo, as over the viewer of Thresholds: the
// page scrolls past the photo until one zooms on purpose, and the photo cannot be lost.
//
// Streamlit makes a new chart with each new spec, so whatever is beside this component in its
// container is looked at when it is touched, and nothing is kept of it.

import { pinDomains } from "./domains.js"
import { isWhole, press, zoomAt } from "./plotly.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { FigureData, Chart } from "./types.d.ts" */

/** @param {Component<FigureData, {}>} component */
export default function ({ parentElement, data }) {
  const bar = /** @type {HTMLElement} */ (parentElement.querySelector(".zoom"))
  const root = bar.getRootNode()
  const place = /** @type {Element} */ (root instanceof ShadowRoot ? root.host : bar)
  const frame = /** @type {HTMLElement | null} */ (place.closest(`.st-key-${data.frame}`))
  if (!frame) return
  for (const button of bar.querySelectorAll("button")) {
    const [label, title] = data.texts[/** @type {keyof FigureData["texts"]} */ (button.className)]
    button.ariaLabel = label
    button.title = title
  }
  bar.inert = false // in the markup: buttons without a name or hands
  return new Hands(frame, bar).end
}

class Hands {
  #frame
  #until = new AbortController()
  #charts
  /** whether the last press was on the chart: the wheel is the chart's then */
  #isHeld = false
  /** px between two fingers, while there are two */
  #between = 0

  /**
   * @param {HTMLElement} frame
   * @param {HTMLElement} bar
   */
  constructor(frame, bar) {
    this.#frame = frame
    const signal = this.#until.signal
    const early = { capture: true, passive: false, signal }
    frame.addEventListener("wheel", (event) => this.#wheel(event), early)
    frame.addEventListener("touchstart", (event) => this.#touch(event), early)
    frame.addEventListener("touchmove", (event) => this.#pinch(event), early)
    frame.addEventListener("touchend", () => this.#look(), { signal })
    frame.addEventListener("pointerup", () => this.#look(), { signal })
    document.addEventListener(
      "pointerdown",
      (event) => (this.#isHeld = this.#chartAt(event) !== null),
      { capture: true, signal },
    )
    bar.addEventListener("click", (event) => this.#press(event), { signal })
    this.#charts = new MutationObserver(() => this.#pin())
    this.#charts.observe(frame, { childList: true, subtree: true })
    this.#pin()
  }

  end = () => {
    this.#until.abort()
    this.#charts.disconnect()
  }

  #chart() {
    return /** @type {Chart | null} */ (this.#frame.querySelector(".js-plotly-plot"))
  }

  /** @param {Event} event */
  #chartAt(event) {
    const at = /** @type {Element} */ (event.target)
    const chart = /** @type {Chart | null} */ (at.closest?.(".js-plotly-plot") ?? null)
    return chart && this.#frame.contains(chart) && at.closest(".draglayer") ? chart : null
  }

  #pin() {
    const chart = this.#chart()
    if (chart?.on && !chart.dataset.pinned) {
      chart.dataset.pinned = "true"
      chart.on("plotly_afterplot", () => pinDomains(chart))
      pinDomains(chart)
    }
  }

  /** One finger moves a photo that is enlarged, and scrolls the page past one that is not. */
  #look() {
    // Plotly takes a moment to zoom.
    setTimeout(() => {
      const chart = this.#chart()
      if (chart) chart.toggleAttribute("data-zoomed", !isWhole(chart))
    }, 400)
  }

  /** @param {Event} event of one of the buttons */
  #press(event) {
    const chart = this.#chart()
    if (!chart || !(event.target instanceof HTMLButtonElement)) return
    press(chart, /** @type {"in" | "out" | "reset" | "full"} */ (event.target.className))
    this.#look()
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const chart = this.#chartAt(event)
    if (!chart || !event.isTrusted) return
    const isMeant = event.ctrlKey || event.metaKey || this.#isHeld
    // Even so the whole photo lets the page scroll on.
    if (!isMeant || (!event.ctrlKey && event.deltaY > 0 && isWhole(chart))) {
      event.stopPropagation()
      return
    }
    event.preventDefault() // the browser's own zoom
    this.#look()
  }

  /** @param {TouchEvent} event */
  #touch(event) {
    const chart = this.#chartAt(event)
    if (!chart) return
    const isPinch = event.touches.length === 2
    this.#between = isPinch ? between(event.touches) : 0
    // Without it Plotly takes the finger and the page stands still. A tap still comes, as a click.
    if (isPinch || isWhole(chart)) event.stopPropagation()
  }

  /** @param {TouchEvent} event */
  #pinch(event) {
    const chart = this.#chartAt(event)
    if (!chart || event.touches.length !== 2 || !this.#between) return
    event.preventDefault()
    event.stopPropagation()
    const now = between(event.touches)
    const [a, b] = event.touches
    const middle = /** @type {const} */ ([(a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2])
    zoomAt(chart, middle, now / this.#between)
    this.#between = now
  }
}

/** @param {TouchList} touches */
function between([a, b]) {
  return Math.max(Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), 1)
}
