// Charts have the width of the screen, and nothing draws them anew for paper: there they are shrunk.

const PAPER = 680 // px of an A4 page between its margins

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
  const width = chart.querySelector(".main-svg")?.getBoundingClientRect().width ?? 0
  if (width > PAPER) chart.style.setProperty("zoom", String(PAPER / width))
}
