// What is asked of a Plotly chart that was drawn by others: only its element is at hand.

/** @import { Chart } from "./types.d.ts" */

const ALMOST = 1.01

/**
 * Whether the chart shows its whole photo.
 *
 * @param {Chart} chart
 */
export function isWhole(chart) {
  const { xaxis, images } = chart._fullLayout
  return Math.abs(xaxis.range[1] - xaxis.range[0]) * ALMOST >= (images?.[0]?.sizex ?? 0)
}

const BUTTONS = {
  in: '[data-attr="zoom"][data-val="in"]',
  out: '[data-attr="zoom"][data-val="out"]',
  reset: '[data-attr="zoom"][data-val="reset"]',
  full: '[data-title*="ullscreen"]', // Streamlit's: "Fullscreen", "Close fullscreen"
}

/**
 * Press one of Plotly's own buttons, which are not shown.
 *
 * @param {Chart} chart
 * @param {keyof typeof BUTTONS} what
 */
export function press(chart, what) {
  const button = chart.querySelector(`.modebar-btn${BUTTONS[what]}`)
  button?.dispatchEvent(new MouseEvent("click", { bubbles: true }))
}

/**
 * Zoom by a factor around a place, as Plotly does for a wheel: at most 20 px of it at a time.
 *
 * @param {Chart} chart
 * @param {readonly [number, number]} at of the window
 * @param {number} factor
 */
export function zoomAt(chart, [clientX, clientY], factor) {
  const drag = document
    .elementsFromPoint(clientX, clientY)
    .find((each) => each.classList.contains("nsewdrag") && chart.contains(each))
  const deltaY = -200 * Math.log(factor)
  drag?.dispatchEvent(
    new WheelEvent("wheel", { deltaY, clientX, clientY, bubbles: true, cancelable: true }),
  )
}
