// The row of classes: whose threshold the slider moves.

import { button, element, setText, swatch } from "./dom.js"
import { thresholdOf } from "./thresholds.js"
import { say, thresholdText } from "./words.js"

/** @import { Viewer } from "./main.js" */

/** @typedef {{box: HTMLElement, button: HTMLButtonElement, count: HTMLElement, own: HTMLElement,
 *  forget: HTMLButtonElement}} Chip */

export class Targets {
  #viewer
  #root
  /** @type {Map<number | null, Chip>} by class id; null: all classes */
  #chips = new Map()
  #drawnFor = ""

  /**
   * @param {Viewer} viewer
   * @param {HTMLElement} root
   */
  constructor(viewer, root) {
    this.#viewer = viewer
    this.#root = root
    root.addEventListener("keydown", (event) => this.#key(event))
  }

  /** Anew where the classes are others than before. */
  update() {
    const { labels, colors, settings } = this.#viewer.data.view
    const wanted = JSON.stringify([labels, colors, settings.shown])
    if (this.#drawnFor !== wanted) {
      this.#drawnFor = wanted
      const classes = [...labels.keys()].slice(1)
      this.#chips = new Map([null, ...classes].map((classId) => [classId, this.#chip(classId)]))
      this.#root.replaceChildren(...[...this.#chips.values()].map(({ box }) => box))
    }
    this.drawChosen()
  }

  /** Which one is chosen. */
  drawChosen() {
    for (const [classId, { button, box }] of this.#chips) {
      const chosen = classId === this.#viewer.target
      button.setAttribute("aria-checked", String(chosen))
      button.tabIndex = chosen ? 0 : -1
      box.classList.toggle("chosen", chosen)
    }
  }

  /** How many boxes each shows, and the thresholds of their own. */
  draw() {
    const { model, data } = this.#viewer
    const counts = model.counts()
    const own = new Map(model.thresholds[1])
    for (const [classId, chip] of this.#chips) {
      if (classId === null) {
        setText(chip.count, String(model.shown.length))
        continue
      }
      setText(chip.count, String(counts[classId]))
      chip.box.classList.toggle("none", !counts[classId])
      const threshold = thresholdText(thresholdOf(model.thresholds, classId))
      setText(chip.own, own.has(classId) ? say(data.texts.own_threshold, { threshold }) : "")
      chip.forget.hidden = !own.has(classId)
    }
  }

  /**
   * @param {number | null} classId
   * @returns {Chip}
   */
  #chip(classId) {
    const { data, model } = this.#viewer
    const { texts, view } = data
    const label = classId === null ? texts.all_classes : view.labels[classId]
    const box = element("span", "target")
    const choose = button("choose")
    choose.setAttribute("role", "radio")
    if (classId !== null) choose.append(swatch(view.colors[classId]))
    const count = element("b", "amount")
    const own = element("span", "own")
    choose.append(element("span", "label", label), count, own)
    choose.addEventListener("click", () => this.choose(classId))
    box.append(choose)
    const forget = button("away", "×", say(texts.forget_own, { label }))
    forget.hidden = true
    forget.title = say(texts.forget_own_title, { label })
    forget.addEventListener("click", () => this.#viewer.setThreshold(classId, null))
    if (classId !== null) {
      box.append(forget)
      if (!model.visible(classId)) {
        box.classList.add("off")
        choose.title = texts.class_not_shown
      }
    }
    return { box, button: choose, count, own, forget }
  }

  /** @param {number | null} classId */
  choose(classId) {
    this.#viewer.setTarget(classId)
    // On a phone the row scrolls: the chosen one to its middle.
    const { offsetLeft, offsetWidth } = this.#get(classId).box
    this.#root.scrollLeft = offsetLeft - (this.#root.clientWidth - offsetWidth) / 2
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const targets = [...this.#chips.keys()]
    const at = targets.indexOf(this.#viewer.target)
    const next = targets[(at + step + targets.length) % targets.length]
    this.choose(next)
    this.#get(next).button.focus()
  }

  /** @param {number | null} classId */
  #get(classId) {
    return /** @type {Chip} */ (this.#chips.get(classId))
  }
}
