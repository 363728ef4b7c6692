// The photo with its boxes, redrawn in the browser while a score threshold is dragged.
//
// Streamlit calls the default export at the start and again whenever the data changed, on the same
// parentElement; so what the visitor did (zoom, pick, threshold) lives here and is not lost.
//
// For tests: the element .viewer has a property `lens`, this Viewer; `lens.shownIds` are the ids of
// the boxes on the screen in order of score, `lens.frames` counts what was drawn.

import { fitted, nameParts, penOf } from "./dom.js"
import { Gestures } from "./gestures.js"
import { Model } from "./model.js"
import { paint } from "./paint.js"
import { Panel } from "./panel.js"
import { Scrub } from "./scrub.js"
import { Shared } from "./shared.js"
import { bringIntoSight, keepInSight } from "./sight.js"
import { Summary } from "./summary.js"
import { Targets } from "./targets.js"
import { thresholdsOf, withThreshold } from "./thresholds.js"
import { Tip } from "./tip.js"
import { Camera, WHOLE } from "./zoom.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Thresholds } from "./thresholds.js" */
/** @import { State, ViewerData } from "./types.d.ts" */
/** @import { Zoom } from "./zoom.js" */

const PAPER = 680 // px of an A4 page between its margins

/** @type {WeakMap<ParentNode, Viewer>} */
const viewers = new WeakMap()
/** @type {Map<string, {digest: string, zoom: Zoom}>} by key: they outlive a visit to another page,
 *  which takes the element away */
const remembered = new Map()

/** @param {Component<ViewerData, State>} component */
export default function (component) {
  const { parentElement } = component
  let viewer = viewers.get(parentElement)
  if (!viewer) {
    const root = /** @type {HTMLElement} */ (parentElement.querySelector(".viewer"))
    viewer = new Viewer(root, component)
    viewers.set(parentElement, viewer)
  }
  viewer.update(component)
  const made = viewer
  return () => {
    made.close()
    viewers.delete(parentElement)
  }
}

export class Viewer {
  /** @type {ViewerData} */
  data
  /** @type {Component<ViewerData, State>["setStateValue"]} */
  #setStateValue
  /** @type {Model} what the boxes are, and which of them show */
  model
  /** @type {Shared<Thresholds>} */
  thresholds
  /** @type {Shared<string | null>} id of a box, or truth-INDEX of a missed object */
  picked = new Shared(/** @type {string | null} */ (null))
  /** @type {Shared<number | null>} the class whose threshold the slider moves; null: all classes */
  chosen = new Shared(/** @type {number | null} */ (null))
  /** @type {number | null} the box under the mouse */
  hovered = null
  frames = 0

  camera = new Camera(() => {
    this.#remember()
    this.draw()
  })
  #until = new AbortController()
  #observer = new ResizeObserver(() => this.#resized())
  #ratio = 1
  /** @type {string | null} what the photo shows or loads */
  #source = null
  /** what the thresholds say is to be drawn anew, not only the boxes */
  #stale = true
  /** @type {number | null} the frame that will draw */
  #frame = null

  /**
   * @param {HTMLElement} root
   * @param {Component<ViewerData, State>} component
   */
  constructor(root, { data, setStateValue }) {
    /** @param {string} selector */
    const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector))
    this.data = data
    this.#setStateValue = setStateValue
    this.model = new Model(data.view)
    this.thresholds = new Shared(thresholdsOf(data.view))
    this.camera.zoom = rememberedZoom(data)

    this.root = Object.assign(root, { lens: this })
    this.stage = find(".stage")
    this.photo = /** @type {HTMLImageElement} */ (find(".photo"))
    this.canvas = /** @type {HTMLCanvasElement} */ (find(".boxes"))
    this.slider = /** @type {HTMLInputElement} */ (find(".slider"))
    this.notice = find(".notice")
    this.targets = new Targets(this, find(".targets"))
    this.scrub = new Scrub(this, root)
    this.summary = new Summary(this, root)
    this.tip = new Tip(this, find(".tip"))
    this.panel = new Panel(this, find(".panel"))
    this.back = find(".back")
    this.back.addEventListener("click", () => bringIntoSight(this.data.back))
    this.gestures = new Gestures(this)
    this.photo.addEventListener("load", () => {
      this.photo.hidden = false
      this.#say("")
    })
    this.photo.addEventListener("error", () => this.#say(this.data.texts.photo_failed))
    addEventListener("beforeprint", () => this.#hold(), { signal: this.#until.signal })
    addEventListener("afterprint", () => this.stage.removeAttribute("data-held"), {
      signal: this.#until.signal,
    })
    this.#observer.observe(this.stage)
    this.#observer.observe(find(".marks"))
  }

  close() {
    this.#until.abort()
    this.#observer.disconnect()
    this.summary.close()
    if (this.#frame !== null) cancelAnimationFrame(this.#frame)
  }

  /** @param {Component<ViewerData, State>} component */
  update({ data, setStateValue }) {
    const { view } = data
    this.#setStateValue = setStateValue
    this.thresholds.takeFromPython(thresholdsOf(view), this.scrub.dragging)
    this.picked.takeFromPython(data.picked)
    this.chosen.takeFromPython(data.target, this.scrub.dragging)
    if (this.data.view.digest !== view.digest) {
      this.camera.halt()
      this.camera.zoom = rememberedZoom(data)
      this.tip.hide()
    }
    this.data = data
    this.model = new Model(view)
    this.hovered = null
    this.camera.size = view.size
    this.stage.style.setProperty("--ratio", String(view.size[1] / view.size[0]))
    nameParts(this.root, data.texts)
    this.root.inert = false // in the markup: parts without a name or hands
    const place = this.root.getRootNode()
    if (place instanceof ShadowRoot) place.host.toggleAttribute("data-ready", true)
    this.back.textContent = data.texts.back
    this.back.hidden = !data.back
    if (this.#source !== data.photo) this.#load(data.photo)
    this.targets.update()
    this.scrub.place()
    this.panel.forget()
    this.#resized()
    keepInSight(this.root, data.name, data.look)
  }

  /** The class that is chosen; null: all. */
  get target() {
    return this.chosen.value
  }

  get shownIds() {
    return this.model.shown.map((i) => this.model.id(i))
  }

  /** The picked box, if a box is picked. */
  get pickedIndex() {
    return this.model.index.get(this.picked.value ?? "") ?? null
  }

  /** Of the picked box in X-ray: whom it suppressed, or who suppressed it. */
  get related() {
    const picked = this.pickedIndex
    return picked === null || this.data.mode !== "X-ray" ? [] : this.model.related(picked)
  }

  // --- what the visitor does

  /** @param {number} value of the target's threshold, while the slider is dragged */
  moveThreshold(value) {
    this.thresholds.value = withThreshold(this.thresholds.value, this.target, value)
    this.#stale = true
    this.draw()
  }

  /**
   * @param {number | null} classId
   * @param {number | null} value null: the class follows all classes again
   */
  setThreshold(classId, value) {
    this.thresholds.value = withThreshold(this.thresholds.value, classId, value)
    this.#stale = true
    this.sendThresholds()
    this.scrub.place()
    this.draw()
  }

  /** Tell Python, unless it knows. */
  sendThresholds() {
    if (!this.thresholds.unsent) return
    this.thresholds.sent()
    const [score, own] = this.thresholds.value
    // `at` makes it another value: after a reset in Python the same threshold may come again.
    this.#setStateValue("thresholds", { score, classes: Object.fromEntries(own), at: Date.now() })
  }

  /** @param {number | null} i */
  pick(i) {
    const id = i === null ? null : this.model.id(i)
    if (id === this.picked.value) return
    this.picked.value = id
    this.picked.sent()
    this.#setStateValue("picked", { id, at: Date.now() })
    this.panel.bring()
    this.draw()
  }

  /** @param {number | null} classId */
  setTarget(classId) {
    if (classId === this.target) return
    this.chosen.value = classId
    this.chosen.sent()
    this.#setStateValue("target", { id: classId, at: Date.now() })
    this.#stale = true
    this.targets.drawChosen()
    this.scrub.place()
    this.draw()
  }

  /** @param {number | null} i */
  setHovered(i) {
    if (i === this.hovered) return
    this.hovered = i
    this.draw()
  }

  #remember() {
    const { data, camera } = this
    remembered.set(data.name, { digest: data.view.digest, zoom: camera.zoom })
  }

  // --- drawing

  /** In the next frame, however often it is called. */
  draw() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null
      this.#drawNow()
    })
  }

  #drawNow() {
    if (!this.camera.room[0]) return
    if (this.#stale) {
      this.#stale = false
      this.model.follow(this.thresholds.value)
      this.targets.draw()
      this.scrub.draw()
      this.summary.draw()
    }
    this.#placePhoto()
    const { model, data, camera, pickedIndex: picked, related, hovered } = this
    const scene = { model, data, place: camera.place, room: camera.room, hovered }
    paint(penOf(this.canvas), this.#ratio, {
      ...scene,
      picked,
      pickedId: this.picked.value,
      related,
    })
    this.panel.draw()
    this.frames++
  }

  #placePhoto() {
    const { size, zoom, place } = this.camera
    const { style } = this.photo
    style.width = `${size[0] * place.fit}px`
    style.height = `${size[1] * place.fit}px`
    style.transform = `translate(${place.left}px, ${place.top}px) scale(${zoom.k})`
    this.stage.classList.toggle("zoomed", zoom.k > 1)
  }

  /** On paper the photo and the boxes over it stay as they are on the screen, only smaller. */
  #hold() {
    const { clientWidth, clientHeight, style } = this.stage
    style.setProperty("--held-width", `${clientWidth}px`)
    style.setProperty("--held-height", `${clientHeight}px`)
    style.setProperty("--held-zoom", String(Math.min(1, PAPER / clientWidth)))
    this.stage.setAttribute("data-held", "")
  }

  #resized() {
    // Measured here only: while scrubbing it would force a layout in each frame.
    this.scrub.resize()
    const { width, height, ratio } = fitted(this.canvas)
    this.camera.room = [width, height]
    this.#ratio = ratio
    if (!width) return
    this.#stale = true
    this.draw()
  }

  /** @param {string} source */
  #load(source) {
    this.#source = source
    this.photo.hidden = true
    this.#say(source ? this.data.texts.photo_loading : this.data.texts.no_photo)
    if (source) this.photo.src = source
    else this.photo.removeAttribute("src")
  }

  /** @param {string} text */
  #say(text) {
    this.notice.textContent = text
    this.notice.hidden = !text
  }
}

/** @param {ViewerData} data */
function rememberedZoom({ name, view }) {
  const before = remembered.get(name)
  return before?.digest === view.digest ? before.zoom : WHOLE
}
