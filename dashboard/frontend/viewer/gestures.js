// Pointer, wheel and keys over the photo.

import { WHOLE } from "./zoom.js"

/** @import { Viewer } from "./main.js" */
/** @import { Pair } from "./zoom.js" */

const ZOOM_STEP = 1.5
const PAN_STEP = 60 // px
const PINCH_MOST = 20 // px of a wheel's event
const CLICK_PX = 4 // a pointer that moved further has dragged

export class Gestures {
  #viewer
  /** @type {Map<number, Pair>} where the pointers are that are down, by their ids */
  #pointers = new Map()
  /** px that the only pointer has moved since it is down */
  #moved = 0

  /** @param {Viewer} viewer */
  constructor(viewer) {
    const { camera, canvas, stage } = viewer
    this.#viewer = viewer
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false })
    canvas.addEventListener("pointerdown", (event) => this.#down(event))
    canvas.addEventListener("pointermove", (event) => this.#move(event))
    canvas.addEventListener("pointerup", (event) => this.#up(event))
    canvas.addEventListener("pointercancel", (event) => this.#up(event))
    canvas.addEventListener("pointerleave", () => this.#hover(null))
    canvas.addEventListener("dblclick", () => camera.moveTo(WHOLE))
    canvas.addEventListener("keydown", (event) => this.#key(event))
    /** @type {(selector: string, act: () => void) => void} */
    const onClick = (selector, act) => stage.querySelector(selector)?.addEventListener("click", act)
    onClick(".in", () => camera.zoomBy(ZOOM_STEP))
    onClick(".out", () => camera.zoomBy(1 / ZOOM_STEP))
    onClick(".reset", () => camera.moveTo(WHOLE))
  }

  /**
   * @param {MouseEvent} event
   * @returns {Pair}
   */
  #at(event) {
    const bounds = this.#viewer.canvas.getBoundingClientRect()
    return [event.clientX - bounds.left, event.clientY - bounds.top]
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { camera, canvas } = this.#viewer
    // The page scrolls on, unless the zoom is meant: with Ctrl, or after a click into the photo. At
    // its full size the photo lets the page scroll on even then.
    if (!event.ctrlKey && !event.metaKey && !canvas.matches(":focus")) return
    if (camera.zoom.k === 1 && event.deltaY > 0) return
    event.preventDefault()
    const step = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 * event.deltaY : event.deltaY
    // With Ctrl it is a pinch, whose steps are small, or one notch of a mouse's wheel.
    const pinched = Math.min(Math.max(step, -PINCH_MOST), PINCH_MOST)
    camera.zoomAt(this.#at(event), Math.exp(event.ctrlKey ? -0.01 * pinched : -0.002 * step))
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button > 0) return
    this.#viewer.canvas.setPointerCapture(event.pointerId)
    this.#pointers.set(event.pointerId, this.#at(event))
    this.#moved = this.#pointers.size === 1 ? 0 : Infinity // two fingers are no click
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const now = this.#at(event)
    const before = this.#pointers.get(event.pointerId)
    if (!before) {
      if (event.pointerType === "mouse") this.#hover(now)
      return
    }
    const { camera, stage, tip } = this.#viewer
    const by = /** @type {const} */ ([now[0] - before[0], now[1] - before[1]])
    if (this.#pointers.size === 2) {
      this.#pinch(event.pointerId, before, now)
    } else {
      this.#moved += Math.hypot(...by)
      if (this.#moved >= CLICK_PX && camera.zoom.k > 1) {
        tip.hide()
        stage.classList.add("grabbing")
        camera.panBy(by)
      }
    }
    this.#pointers.set(event.pointerId, now)
  }

  /**
   * One of two fingers moves.
   *
   * @param {number} id
   * @param {Pair} before
   * @param {Pair} now
   */
  #pinch(id, before, now) {
    const { camera } = this.#viewer
    const [[, other]] = [...this.#pointers].filter(([each]) => each !== id)
    /** @param {Pair} at */
    const distance = (at) => Math.hypot(at[0] - other[0], at[1] - other[1])
    const middle = /** @type {const} */ ([(now[0] + other[0]) / 2, (now[1] + other[1]) / 2])
    camera.zoomAt(middle, distance(now) / Math.max(distance(before), 1))
    camera.panBy([(now[0] - before[0]) / 2, (now[1] - before[1]) / 2])
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const known = this.#pointers.delete(event.pointerId)
    const { stage } = this.#viewer
    stage.classList.remove("grabbing")
    if (!known || event.type === "pointercancel" || this.#pointers.size) return
    if (this.#moved < CLICK_PX) this.#viewer.pick(this.#hit(this.#at(event)))
  }

  /** @param {Pair} at */
  #hit(at) {
    const { camera, data, model } = this.#viewer
    return model.hit(at, camera.place, data.mode === "X-ray")
  }

  /** @param {Pair | null} at */
  #hover(at) {
    const { canvas, tip } = this.#viewer
    const i = at && this.#hit(at)
    this.#viewer.setHovered(i)
    canvas.style.cursor = i === null ? "" : "pointer"
    if (at) tip.show(i, at)
    else tip.hide()
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const { camera } = this.#viewer
    /** @type {Record<string, () => void>} */
    const actions = {
      "+": () => camera.zoomBy(ZOOM_STEP),
      "=": () => camera.zoomBy(ZOOM_STEP),
      "-": () => camera.zoomBy(1 / ZOOM_STEP),
      0: () => camera.moveTo(WHOLE),
      Escape: () => this.#viewer.pick(null),
      n: () => this.#pickNext(1),
      p: () => this.#pickNext(-1),
    }
    // The whole photo lets the arrows scroll the page.
    if (camera.zoom.k > 1)
      Object.assign(actions, {
        ArrowLeft: () => camera.panBy([PAN_STEP, 0]),
        ArrowRight: () => camera.panBy([-PAN_STEP, 0]),
        ArrowUp: () => camera.panBy([0, PAN_STEP]),
        ArrowDown: () => camera.panBy([0, -PAN_STEP]),
      })
    if (!Object.hasOwn(actions, event.key)) return
    actions[event.key]()
    event.preventDefault()
  }

  /** @param {1 | -1} step */
  #pickNext(step) {
    const { model, pickedIndex } = this.#viewer
    const next = model.next(pickedIndex, step)
    if (next !== null) this.#viewer.pick(next)
  }
}
