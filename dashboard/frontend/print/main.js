// Charts have the size that they have on the screen, and nothing draws them anew for paper: there they
// are shrunk, to the width of a page, and so that two go on one. Photos may be higher.

const PAPER = 680 // px of an A4 page between its margins
const HALF = 450 // px
const PHOTOS = ".st-key-figure_frame, .st-key-linked_frame"

export default function () {
  const until = new AbortController()
  const { signal } = until
  addEventListener("beforeprint", () => each(shrink), { signal })
  addEventListener("afterprint", () => each((chart) => chart.style.removeProperty("zoom")), {
    signal,
  })
  return () => until.abort()
}

/** @param {(chart: HTMLElement) => void} change */
function each(change) {
  for (const chart of document.querySelectorAll(".js-plotly-plot"))
    if (chart instanceof HTMLElement) change(chart)
}

/** @param {HTMLElement} chart */
function shrink(chart) {
  const size = chart.querySelector(".main-svg")?.getBoundingClientRect()
  if (!size?.width) return
  const high = chart.closest(PHOTOS) ? size.height : HALF
  const zoom = Math.min(PAPER / size.width, high / size.height)
  if (zoom < 1) chart.style.setProperty("zoom", String(zoom))
}
