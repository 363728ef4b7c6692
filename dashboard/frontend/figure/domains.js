// Keeps a figure's axes where Python put them.
//
// Plotly shrinks an axis' domain so that the photo keeps its shape, and writes that into the layout
// that it was given. Streamlit gives the same layout again when the figure gets another size, in
// full screen and back: each time Plotly begins from what it had shrunk, and the photo gets smaller
// and smaller.

/** @import { Chart } from "./types.d.ts" */

/** @param {Chart} chart */
export function pinDomains(chart) {
  const { layout } = chart
  for (const [name, domain] of Object.entries(layout.meta?.domains ?? {})) {
    const axis = layout[/** @type {`xaxis`} */ (name)]
    if (!axis) continue
    Object.defineProperty(axis, "domain", {
      get: () => [...domain],
      set: () => {},
      enumerable: true,
      configurable: true,
    })
  }
}
