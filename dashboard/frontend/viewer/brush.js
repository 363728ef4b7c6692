// The strokes that all overlays are made of.

import { halo } from "./looks.js"
import { onScreen } from "./zoom.js"

/** @import { Model } from "./model.js" */
/** @import { Place } from "./zoom.js" */

const SHORTEST_LINE = 38 // px: no line between the middles of boxes that are nearly one

export class Brush {
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Model} model
   * @param {Place} place of the photo
   * @param {number} weight of the lines, 1 as a rule
   */
  constructor(pen, model, place, weight) {
    this.pen = pen
    this.model = model
    this.place = place
    this.weight = weight
  }

  /** @param {number} i */
  rectangle(i) {
    return onScreen(this.model.box(i), this.place)
  }

  /** @param {number} i */
  classColor(i) {
    return this.model.view.colors[this.model.view.class_ids[i]]
  }

  /**
   * @param {number} i
   * @param {string} color
   * @param {number} alpha
   * @param {boolean} strong
   */
  outline(i, color, alpha, strong) {
    const { pen, weight } = this
    const rectangle = this.rectangle(i)
    pen.globalAlpha = alpha
    pen.strokeStyle = halo(color)
    pen.lineWidth = (strong ? 6 : 5) * weight
    pen.strokeRect(...rectangle)
    pen.globalAlpha = alpha * (strong ? 0.16 : 0.05)
    pen.fillStyle = color
    pen.fillRect(...rectangle)
    pen.globalAlpha = alpha
    pen.strokeStyle = color
    pen.lineWidth = (strong ? 3.5 : 2.5) * weight
    pen.strokeRect(...rectangle)
    pen.globalAlpha = 1
  }

  /**
   * @param {number} i
   * @param {number} alpha
   * @param {string} color
   * @param {number} width
   */
  dashed(i, alpha, color = this.classColor(i), width = 1.6) {
    const { pen } = this
    const rectangle = this.rectangle(i)
    pen.globalAlpha = alpha
    pen.setLineDash([6, 4])
    pen.lineWidth = 1.6 + width
    pen.strokeStyle = "rgba(0,0,0,0.4)"
    pen.strokeRect(...rectangle)
    pen.lineWidth = width
    pen.strokeStyle = color
    pen.strokeRect(...rectangle)
    pen.setLineDash([])
    pen.globalAlpha = 1
  }

  /**
   * From the middle of one box to that of another, with a dot at its end.
   *
   * @param {number} one
   * @param {number} other
   */
  line(one, other) {
    const { pen } = this
    const [from, to] = [this.#middle(one), this.#middle(other)]
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < SHORTEST_LINE) return
    for (const { color, width } of [
      { color: "rgba(0,0,0,0.55)", width: 3.5 },
      { color: "#ffffff", width: 1.5 },
    ]) {
      pen.strokeStyle = color
      pen.fillStyle = color
      pen.lineWidth = width
      pen.beginPath()
      pen.moveTo(...from)
      pen.lineTo(...to)
      pen.stroke()
      pen.beginPath()
      pen.arc(to[0], to[1], 1.8 + width / 2, 0, 7)
      pen.fill()
    }
  }

  /**
   * @param {number} i
   * @returns {[number, number]}
   */
  #middle(i) {
    const [x, y, width, height] = this.rectangle(i)
    return [x + width / 2, y + height / 2]
  }
}
