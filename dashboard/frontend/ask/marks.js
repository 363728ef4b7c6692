// What was asked about, and the candidates there, over a photo that others draw, zoom and move.

import { onLayer, rectOfPhoto } from "./photo.js"

/** @import { Box, Place } from "./types.d.ts" */
/** @import { Pair } from "./photo.js" */

const SVG = "http://www.w3.org/2000/svg"
const CROSS = 9 // px from its middle to its ends

/** @param {string} name @param {Record<string, string | number>} attributes */
function svg(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  return made
}

export class Marks {
  #frame
  #size
  #layer
  #request = 0
  #drawn = ""
  /** @type {Place | null} */
  #place = null
  /** @type {Box[]} */
  #boxes = []

  /** @param {HTMLElement} frame @param {Pair} size */
  constructor(frame, size) {
    this.#frame = frame
    this.#size = size
    this.#layer = /** @type {SVGElement} */ (svg("svg", { "aria-hidden": "true" }))
    this.#layer.style.cssText =
      "position:absolute;inset:0;width:100%;height:100%;pointer-events:none;z-index:1"
    frame.append(this.#layer)
  }

  end() {
    cancelAnimationFrame(this.#request)
    this.#layer.remove()
  }

  /** @param {Place | null} place @param {Box[]} boxes */
  show(place, boxes) {
    this.#place = place
    this.#boxes = boxes
    this.#drawn = ""
    cancelAnimationFrame(this.#request)
    this.#follow()
  }

  /** Nobody says when the photo moves: it is looked at with each frame, while there is a mark. */
  #follow = () => {
    const rect = this.#place && rectOfPhoto(this.#frame)
    if (!this.#place || !rect) {
      this.#layer.replaceChildren()
      if (!this.#place) return
    } else {
      const layer = this.#layer.getBoundingClientRect()
      const drawn = [rect.x - layer.x, rect.y - layer.y, rect.width, rect.height].join()
      if (drawn !== this.#drawn) this.#draw(rect, layer)
      this.#drawn = drawn
    }
    this.#request = requestAnimationFrame(this.#follow)
  }

  /** @param {DOMRect} rect @param {DOMRect} layer */
  #draw(rect, layer) {
    const marks = this.#boxes.flatMap((box) => {
      const outline = { ...onLayer(rect, layer, this.#size, box), fill: "none" }
      return [
        svg("rect", { ...outline, stroke: "#fff", "stroke-width": 4, "stroke-opacity": 0.8 }),
        svg("rect", {
          ...outline,
          stroke: box.color,
          "stroke-width": 2,
          "stroke-dasharray": "6 4",
        }),
      ]
    })
    const place = onLayer(rect, layer, this.#size, /** @type {Place} */ (this.#place))
    for (const [color, width] of /** @type {const} */ ([
      ["#000", 4],
      ["#fff", 1.8],
    ])) {
      marks.push(
        place.width
          ? svg("rect", { ...place, fill: "none", stroke: color, "stroke-width": width })
          : svg("path", {
              d: `M${place.x - CROSS} ${place.y}h${2 * CROSS}M${place.x} ${place.y - CROSS}v${2 * CROSS}`,
              stroke: color,
              "stroke-width": width,
            }),
      )
    }
    this.#layer.replaceChildren(...marks)
  }
}
