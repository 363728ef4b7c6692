// The boxes of the ground truth over a photo that the viewer draws, zooms and moves.

import { pixelAt } from "../ask/photo.js"
import { HANDLES, placeOfHandle } from "./boxes.js"

/** @import { Pair } from "../ask/photo.js" */
/** @import { Box } from "./boxes.js" */

/** @typedef {{box: Box, label: string, color: string, isPicked: boolean, isTruth: boolean}} Drawn */

const SVG = "http://www.w3.org/2000/svg"
const HANDLE = 8 // px, a side
const HANDLE_ROOM = 40 // px: a shorter side has handles at its ends only
const CROSS = 9 // px from its middle to its ends
const MOST_LABELS = 12 // more would hide the photo
const LABEL_ROOM = 64 // px: a smaller box would be hidden by its label

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function svg(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  made.textContent = text
  return made
}

/** Takes the hands over the photo, and shows what they do. */
export class Layer {
  element = document.createElement("div")
  #drawing = document.createElementNS(SVG, "svg")
  #said = document.createElement("div")
  #bar = document.createElement("div")
  #size
  #request = 0
  #last = ""
  #offered = ""
  /** @type {Element | null} */
  #photo = null
  /** @type {() => Element | null} */
  #find
  /** @type {Drawn[]} */
  #boxes = []
  /** @type {Pair | null} */
  #cross = null

  /**
   * @param {() => Element | null} find the photo, once it is there
   * @param {Pair} size of the photo, in pixels of the original
   */
  constructor(find, size) {
    this.#find = find
    this.#size = size
    this.element.className = "lens-mend"
    this.element.tabIndex = 0
    this.element.setAttribute("role", "application")
    this.element.style.cssText =
      "position:absolute;inset:0;touch-action:none;outline-offset:-2px;cursor:crosshair"
    this.#drawing.style.cssText =
      "position:absolute;inset:0;width:100%;height:100%;pointer-events:none"
    this.#drawing.setAttribute("aria-hidden", "true")
    this.#said.setAttribute("role", "status")
    this.#said.style.cssText =
      "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    this.#bar.style.cssText = "position:absolute;left:8px;top:8px;display:flex;gap:6px"
    // Not a hand's on the photo.
    for (const name of ["pointerdown", "pointerup", "keydown", "keyup"])
      this.#bar.addEventListener(name, (event) => event.stopPropagation())
    this.element.append(this.#drawing, this.#said, this.#bar)
    this.#follow()
  }

  end() {
    cancelAnimationFrame(this.#request)
    this.element.remove()
  }

  /**
   * @param {Drawn[]} boxes the last ones on top
   * @param {Pair | null} cross where the keyboard is
   * @param {Pair} size
   */
  show(boxes, cross, size) {
    this.#boxes = boxes
    this.#cross = cross
    this.#size = size
    this.#last = ""
  }

  /**
   * What a finger does next, without a way down the page. Who has a mouse has it beside the photo.
   *
   * @param {[text: string, act: () => void][]} actions
   */
  offer(actions) {
    const offered = matchMedia("(pointer: coarse)").matches ? actions : []
    const now = offered.map(([text]) => text).join()
    if (now === this.#offered) return // the finger may be on one of them
    this.#offered = now
    this.#bar.replaceChildren(
      ...offered.map(([text, act]) => {
        const button = document.createElement("button")
        button.type = "button"
        button.textContent = text
        button.style.cssText =
          "padding:8px 14px;border-radius:999px;background:rgb(16 23 27 / 0.85);color:#fff"
        button.addEventListener("click", act)
        return button
      }),
    )
  }

  /** @param {string} text for who does not see it */
  say(text) {
    if (this.#said.textContent !== text) this.#said.textContent = text
  }

  /** @param {{clientX: number, clientY: number}} at @returns {Pair | null} */
  pixel({ clientX, clientY }) {
    const rect = this.#rect()
    return rect && pixelAt(rect, this.#size, [clientX, clientY])
  }

  /** How many pixels of the original a pixel of the screen is. */
  get scale() {
    const rect = this.#rect()
    return rect ? this.#size[0] / rect.width : 1
  }

  /** The viewer's canvas under it, which zooms. */
  get canvas() {
    const found = this.element.parentElement?.querySelector("canvas.boxes")
    return /** @type {HTMLCanvasElement | null | undefined} */ (found)
  }

  #rect() {
    const rect = this.#photo?.getBoundingClientRect()
    return rect?.width ? rect : null
  }

  /** Nobody says when the photo moves: it is looked at with each frame. */
  #follow = () => {
    this.#request = requestAnimationFrame(this.#follow)
    if (!this.#photo?.isConnected || !this.element.isConnected) {
      this.#photo = this.#find()
      // Under the viewer's own buttons.
      const before = this.#photo?.closest(".stage")?.querySelector(".boxes")
      if (!before) return
      before.after(this.element)
    }
    const rect = this.#rect()
    if (!rect) return
    const layer = this.element.getBoundingClientRect()
    const now = [rect.x - layer.x, rect.y - layer.y, rect.width, rect.height].join()
    if (now !== this.#last) this.#draw(rect, layer)
    this.#last = now
  }

  /** @param {DOMRect} rect @param {DOMRect} layer */
  #draw(rect, layer) {
    const scale = rect.width / this.#size[0]
    /** @param {Pair} at @returns {Pair} */
    const onScreen = ([x, y]) => [rect.x - layer.x + x * scale, rect.y - layer.y + y * scale]
    /** @type {SVGElement[]} */
    const marks = []
    for (const { box, label, color, isPicked, isTruth } of this.#boxes) {
      const [x, y] = onScreen([box[0], box[1]])
      const [width, height] = [(box[2] - box[0]) * scale, (box[3] - box[1]) * scale]
      const outline = { x, y, width, height, fill: "none" }
      const dashes = isTruth && !isPicked ? "5 4" : "none"
      const [casing, line] = isPicked ? [5, 3] : [3, 1.5]
      marks.push(
        svg("rect", { ...outline, stroke: "#10171b", "stroke-width": casing, opacity: 0.55 }),
        svg("rect", {
          ...outline,
          "stroke-dasharray": dashes,
          stroke: "#fff",
          "stroke-width": line,
        }),
      )
      const hasRoom = this.#boxes.length <= MOST_LABELS && Math.min(width, height) >= LABEL_ROOM
      if (isPicked || hasRoom) {
        // Under the box where it has no room within.
        const bottom = height >= LABEL_ROOM ? y + height - 2 : y + height + 26
        marks.push(...chip(label, color, x + 2, Math.min(bottom, layer.height)))
      }
      if (!isPicked || !isTruth) continue
      for (const handle of HANDLES) {
        if (!handle[0] && width < HANDLE_ROOM) continue
        if (!handle[1] && height < HANDLE_ROOM) continue
        const [across, down] = onScreen(placeOfHandle(box, handle))
        marks.push(
          svg("rect", {
            x: across - HANDLE / 2,
            y: down - HANDLE / 2,
            width: HANDLE,
            height: HANDLE,
            fill: "#fff",
            stroke: "#10171b",
          }),
        )
      }
    }
    if (this.#cross) {
      const [x, y] = onScreen(this.#cross)
      const d = `M${x - CROSS} ${y}h${2 * CROSS}M${x} ${y - CROSS}v${2 * CROSS}`
      marks.push(svg("path", { d, stroke: "#000", "stroke-width": 4 }))
      marks.push(svg("path", { d, stroke: "#fff", "stroke-width": 1.8 }))
    }
    this.#drawing.replaceChildren(...marks)
  }
}

/**
 * The name of a box, at its lower left: the viewer's labels are at the upper one.
 *
 * @param {string} label
 * @param {string} color of its class
 * @param {number} x
 * @param {number} bottom
 */
function chip(label, color, x, bottom) {
  const y = bottom - 20
  const width = 23 + 6.6 * [...label].reduce((sum, c) => sum + (c > "\u2e80" ? 1.9 : 1), 0)
  return [
    svg("rect", { x, y, width, height: 19, rx: 3, fill: "#10171b", opacity: 0.82 }),
    svg("rect", { x: x + 5, y: y + 5, width: 9, height: 9, rx: 2, fill: color }),
    svg(
      "text",
      { x: x + 18, y: y + 14, fill: "#fff", "font-size": 12, "font-family": "sans-serif" },
      label,
    ),
  ]
}
