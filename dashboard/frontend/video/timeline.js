// How many of each class there are when: a row a class, as high as there are many. A click or a drag
// jumps there, and so do the arrow keys, from one answered frame to the next.

import { button, element, fitted, penOf, swatch } from "../viewer/dom.js"
import { say } from "../viewer/words.js"
import { clock, countsOver, frameAt } from "./frames.js"

/** @import { VideoData } from "./types.d.ts" */

const GAP = 0.2 // of a row, above its bars

export class Timeline {
  #names
  #canvas
  #seek
  /** @type {Map<number, Uint16Array>} */
  #counts = new Map()
  /** @type {VideoData} */
  #data
  #time = 0
  #isHeld = false

  /**
   * @param {HTMLElement} root
   * @param {VideoData} data
   * @param {(time: number) => void} seek
   */
  constructor(root, data, seek) {
    this.#names = /** @type {HTMLElement} */ (root.querySelector(".names"))
    this.#canvas = /** @type {HTMLCanvasElement} */ (root.querySelector(".counts"))
    this.#data = data
    this.#seek = seek
    const canvas = this.#canvas
    canvas.addEventListener("pointerdown", (event) => {
      this.#isHeld = true
      canvas.setPointerCapture(event.pointerId)
      this.#jump(event)
    })
    canvas.addEventListener("pointermove", (event) => this.#isHeld && this.#jump(event))
    for (const ends of ["pointerup", "pointercancel"])
      canvas.addEventListener(ends, () => (this.#isHeld = false))
    canvas.addEventListener("keydown", (event) => this.#key(event))
  }

  /**
   * @param {VideoData} data
   * @param {number} score
   */
  update(data, score) {
    this.#data = data
    this.#counts = countsOver(data, score)
    this.#canvas.parentElement?.toggleAttribute("hidden", this.#counts.size === 0)
    this.#canvas.parentElement?.style.setProperty("--rows", String(this.#counts.size))
    this.#name()
    this.draw(this.#time)
  }

  get isEmpty() {
    return this.#counts.size === 0
  }

  #name() {
    const { labels, colors, texts, times } = this.#data
    const named = [...this.#counts].map(([id, row]) => {
      const first = times[row.findIndex((count) => count > 0)]
      const words = say(texts.most, { label: labels[id], count: Math.max(...row) })
      const tip = say(texts.jump, { label: labels[id], time: clock(first) })
      return { id, first, words, tip }
    })
    // The same buttons where they say the same: a click, or the keyboard, may be on one.
    const now = JSON.stringify(named)
    if (this.#names.dataset.now === now) return
    this.#names.dataset.now = now
    this.#names.replaceChildren(
      ...named.map(({ id, first, words, tip }) => {
        const name = button("name")
        name.title = tip
        name.append(swatch(colors[id]), element("span", "", words))
        name.addEventListener("click", () => this.#seek(first))
        return name
      }),
    )
  }

  /** @param {number} time where the video is, in seconds */
  draw(time) {
    this.#time = time
    const { width, height, ratio } = fitted(this.#canvas)
    const { times, duration, colors, texts } = this.#data
    const pen = penOf(this.#canvas)
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    /** @param {number} seconds */
    const x = (seconds) => (Math.min(seconds, duration) / duration) * width
    const line = getComputedStyle(this.#canvas).getPropertyValue("color")
    const row = height / Math.max(this.#counts.size, 1)
    const step = (times[1] ?? duration) - times[0] // of the last frame, while others are to come
    ;[...this.#counts].forEach(([id, counts], at) => {
      const most = Math.max(...counts)
      pen.globalAlpha = 0.08
      pen.fillStyle = line
      pen.fillRect(0, (at + GAP) * row, width, (1 - GAP) * row)
      pen.globalAlpha = 1
      pen.fillStyle = colors[id]
      counts.forEach((count, frame) => {
        if (!count) return
        const high = (count / most) * (1 - GAP) * row
        const [from, to] = [x(times[frame]), x(times[frame + 1] ?? times[frame] + step)]
        pen.fillRect(from, (at + 1) * row - high, Math.max(to - from, 1), high)
      })
    })
    pen.fillStyle = line
    pen.fillRect(Math.min(Math.max(x(time) - 1, 0), width - 2), 0, 2, height)
    const says = say(texts.timeline, { time: clock(time), duration: clock(duration) })
    this.#canvas.setAttribute("aria-label", says)
    this.#canvas.setAttribute("aria-valuemax", String(Math.round(duration)))
    this.#canvas.setAttribute("aria-valuenow", String(Math.round(time)))
    this.#canvas.setAttribute("aria-valuetext", clock(time))
  }

  /** @param {PointerEvent} event */
  #jump({ clientX }) {
    const { left, width } = this.#canvas.getBoundingClientRect()
    const part = Math.min(Math.max((clientX - left) / width, 0), 1)
    this.#seek(part * this.#data.duration)
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { times } = this.#data
    const here = frameAt(times, this.#time)
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: times.length - 1 }[
      event.key
    ]
    if (to === undefined) return
    event.preventDefault()
    this.#seek(times[Math.min(Math.max(to, 0), times.length - 1)])
  }
}
