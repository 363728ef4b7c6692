// While a slider of Streamlit's is moved, boxes are drawn here, over a figure that others draw: that
// hears of the slider on release only. Once it shows the same, this layer goes.
//
// For tests: the frame has `data-following` while this layer stands in for its boxes, and each of its
// canvases `data-shown`, how many boxes it has.

import { Model } from "../viewer/model.js"
import { thresholdsOf, withThreshold } from "../viewer/thresholds.js"
import { Layer } from "./layer.js"
import { kindsOf } from "./pairing.js"
import { drawnOf, hiddenOf, photosOf } from "./photos.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { FollowData, Slider } from "./types.d.ts" */

const PATIENCE_MS = 1500 // a figure that hides a class never has as many boxes as there are

/** @type {WeakMap<ParentNode, Follower>} */
const mounted = new WeakMap()

/** @param {Component<FollowData, {}>} component */
export default function ({ parentElement, data }) {
  const follower = mounted.get(parentElement) ?? new Follower(parentElement)
  mounted.set(parentElement, follower)
  follower.update(data)
  return () => {
    follower.end()
    mounted.delete(parentElement)
  }
}

class Follower {
  /** @type {FollowData | null} */
  #data = null
  /** @type {Model[]} */
  #models = []
  /** @type {HTMLElement | null} */
  #frame = null
  /** @type {Layer[]} one a photo, while a slider is somewhere else than the figure knows */
  #layers = []
  /** @type {Map<Slider, number>} where sliders are */
  #moved = new Map()
  #request = 0
  #place
  // Wherever a slider is: it may come later than this, and elsewhere on a phone.
  #observer = new MutationObserver((changes) => this.#look(changes))

  /** @param {ParentNode} parentElement */
  constructor(parentElement) {
    const root = /** @type {Node} */ (parentElement).getRootNode()
    this.#place = /** @type {Element} */ (root instanceof ShadowRoot ? root.host : parentElement)
    this.#observer.observe(document.body, {
      subtree: true,
      attributes: true,
      attributeFilter: ["aria-valuetext"],
    })
  }

  end() {
    this.#observer.disconnect()
    this.#clear()
  }

  /** @param {FollowData} data */
  update(data) {
    this.#data = data
    this.#models = data.views.map((view) => new Model(view))
    this.#frame = this.#place.closest(`.st-key-${data.frame}`)
    if (!this.#layers.length) return
    const moved = [...this.#moved].filter(([slider, value]) => {
      const same = data.sliders.find(({ key }) => key === slider.key)
      return same && !this.#isKnown(same, value)
    })
    // The sliders are those of the data, which are new objects.
    this.#moved = new Map()
    for (const [{ key }, value] of moved)
      this.#moved.set(/** @type {Slider} */ (data.sliders.find((one) => one.key === key)), value)
    this.#draw()
    if (!moved.length) this.#handOver(performance.now() + PATIENCE_MS)
  }

  /** @param {MutationRecord[]} changes */
  #look(changes) {
    for (const { target } of changes) {
      if (!(target instanceof HTMLInputElement)) continue
      const slider = this.#data?.sliders.find(({ key }) => target.closest(`.st-key-${key}`))
      if (slider) this.#move(slider, Number(target.value))
    }
  }

  /** @param {Slider} slider @param {number} value */
  #move(slider, value) {
    if (!this.#isKnown(slider, value)) this.#moved.set(slider, value)
    else if (!this.#moved.delete(slider)) return
    cancelAnimationFrame(this.#request)
    if (this.#moved.size) this.#request = requestAnimationFrame(() => this.#draw())
    else this.#clear()
  }

  /** Whether the figure was drawn with that. @param {Slider} slider @param {number} value */
  #isKnown({ class_id, view }, value) {
    const { settings } = /** @type {FollowData} */ (this.#data).views[view ?? 0]
    const own = class_id === null ? undefined : settings.classes[class_id]
    return Math.abs((own ?? settings.score) - value) < 1e-6
  }

  #draw() {
    const [frame, data] = [this.#frame, this.#data]
    if (!frame || !data) return
    this.#models.forEach((model, view) => {
      let thresholds = thresholdsOf(model.view)
      for (const [slider, value] of this.#moved)
        if (slider.view === null || slider.view === view)
          thresholds = withThreshold(thresholds, slider.class_id, value)
      model.follow(thresholds)
    })
    const hidden = hiddenOf(frame)
    const photos = photosOf(frame)
    if (!this.#layers.length) this.#layers = this.#models.map(() => new Layer())
    frame.toggleAttribute("data-following", true)
    const { pairing } = data
    const [a, b] = this.#models
    const kinds = pairing ? kindsOf(foundIn(a), foundIn(b), pairing.iou) : null
    this.#models.forEach((model, view) => {
      const place = photos[view]
      if (!place) return
      const other = pairing && this.#models[1 - view]
      this.#layers[view].draw(
        model,
        place,
        hidden,
        pairing &&
          kinds &&
          other && {
            ...{ pairing, other },
            own: kinds[view],
            others: kinds[1 - view],
          },
      )
    })
  }

  /** To the figure, once it has as many boxes. @param {number} until */
  #handOver(until) {
    const frame = this.#frame
    cancelAnimationFrame(this.#request)
    const count = this.#models.reduce((sum, model) => sum + model.shown.length, 0)
    if (!frame || drawnOf(frame) === count || performance.now() > until) this.#clear()
    else this.#request = requestAnimationFrame(() => this.#handOver(until))
  }

  #clear() {
    cancelAnimationFrame(this.#request)
    this.#frame?.removeAttribute("data-following")
    for (const layer of this.#layers) layer.end()
    this.#layers = []
    this.#moved.clear()
  }
}

/** @param {Model} model */
function foundIn(model) {
  return model.shown.map((i) => ({ box: model.box(i), classId: model.view.class_ids[i] }))
}
