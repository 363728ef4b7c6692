// What Python hands to the component beside a figure, and what Plotly's element has.

export interface FigureData {
  /** key of the container that holds the figure and this component */
  frame: string
  /** label and tip of each button */
  texts: Record<"in" | "out" | "reset" | "full", [string, string]>
}

interface Axis {
  range: [number, number]
  domain: [number, number]
}

/** The element of a Plotly chart. */
export interface Chart extends HTMLElement {
  layout: { meta?: { domains?: Record<string, [number, number]> }; xaxis: Axis }
  _fullLayout: { xaxis: Axis; images?: { sizex: number }[] }
  on(event: "plotly_afterplot", act: () => void): void
}
