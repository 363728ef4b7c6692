// What there is to say of the picked box: over the photo, or under it where that is narrow.

import { button, element, swatch } from "./dom.js"
import { nameOf } from "./looks.js"
import { thresholdOf } from "./thresholds.js"
import { iouText, pieces, plural, say, thresholdText } from "./words.js"

/** @import { Viewer } from "./main.js" */

/** @typedef {(string | HTMLElement)[]} Words */

/** @type {(sentence: string, values: Record<string, Words | string>) => Words} */
const words = pieces

/**
 * Class and score, with the class's colour.
 *
 * @param {Viewer} viewer
 * @param {number} i
 */
export function namePlate({ model }, i) {
  const { colors, class_ids } = model.view
  return [swatch(colors[class_ids[i]]), element("b", "", nameOf(model, i))]
}

/**
 * @param {Viewer} viewer
 * @param {number} i
 */
export function sizeText({ data, model }, i) {
  const [xmin, ymin, xmax, ymax] = model.box(i)
  const [width, height] = [Math.round(xmax - xmin), Math.round(ymax - ymin)]
  return say(data.texts.size, { width, height })
}

export class Panel {
  #viewer
  #root
  #drawnFor = ""
  #wanted = false

  /**
   * @param {Viewer} viewer
   * @param {HTMLElement} root
   */
  constructor(viewer, root) {
    this.#viewer = viewer
    this.#root = root
  }

  /** The visitor has picked: scroll as far as it takes to read it. */
  bring() {
    this.#wanted = true
  }

  /** The data are others: draw anew, whatever was drawn. */
  forget() {
    this.#drawnFor = ""
  }

  draw() {
    const { data, model, pickedIndex: picked, related } = this.#viewer
    const above = related.filter((i) => model.passes(i)).length
    const state = JSON.stringify([
      picked,
      this.#stateOf(picked),
      data.mode,
      related.length,
      above,
      related[0],
    ])
    if (state === this.#drawnFor) return
    this.#drawnFor = state
    this.#root.hidden = picked === null
    if (picked === null) return this.#root.replaceChildren()
    const paragraph = element("p", "words")
    paragraph.append(...this.#words(picked, related))
    const close = button("close", "×", data.texts.unpick)
    close.addEventListener("click", () => this.#viewer.pick(null))
    const list = data.mode === "X-ray" && model.suppressors[picked] < 0 && related.length > 0
    this.#root.replaceChildren(close, paragraph, ...(list ? [this.#list(related, above)] : []))
    this.#root.classList.toggle("left", this.#isRight(picked))
    if (this.#wanted) this.#root.scrollIntoView({ block: "nearest" })
    this.#wanted = false
  }

  /** Whether the box is in the right half: the panel lies in the other one, and so not over it.
   *
   * @param {number} picked
   */
  #isRight(picked) {
    const { model, camera } = this.#viewer
    const [xmin, , xmax] = model.box(picked)
    return camera.place.left + ((xmin + xmax) / 2) * camera.place.scale > camera.room[0] / 2
  }

  /** @param {number | null} i */
  #stateOf(i) {
    const { model } = this.#viewer
    if (i === null) return []
    return [model.isShown[i], model.kept[i], thresholdOf(model.thresholds, model.view.class_ids[i])]
  }

  /**
   * @param {number[]} related
   * @param {number} above how many of them are above their thresholds
   */
  #list(related, above) {
    const list = element("ul", "suppressed")
    related.forEach((i, at) => {
      if (at === above) {
        const count = related.length - above
        list.append(element("li", "rest", say(this.#viewer.data.texts.more_below, { count })))
      }
      list.append(this.#row(i, at >= above))
    })
    return list
  }

  /**
   * @param {number} i
   * @param {boolean} weak
   */
  #row(i, weak) {
    const viewer = this.#viewer
    const item = element("li", weak ? "weak" : "")
    const row = button("row")
    const bar = element("span", "bar")
    bar.style.setProperty("--iou", String(viewer.model.ious[i]))
    const iou = element("span", "iou", say(viewer.data.texts.iou, { iou: this.#iou(i) }))
    row.append(...namePlate(viewer, i), bar, iou)
    row.addEventListener("pointerenter", () => viewer.setHovered(i))
    row.addEventListener("pointerleave", () => viewer.setHovered(null))
    row.addEventListener("click", () => viewer.pick(i))
    item.append(row)
    return item
  }

  /** @param {number} i */
  #iou(i) {
    const { model } = this.#viewer
    return iouText(model.ious[i], model.view.settings.iou)
  }

  /**
   * @param {number} picked
   * @param {number[]} related
   * @returns {Words}
   */
  #words(picked, related) {
    const { data, model } = this.#viewer
    const { texts } = data
    const name = namePlate(this.#viewer, picked)
    const xray = data.mode === "X-ray"
    if (xray && model.suppressors[picked] >= 0) return this.#suppressedBy(picked, name)
    if (!model.isShown[picked]) return this.#hidden(picked, name)
    if (!xray) return this.#shown(picked, name)
    const limit = thresholdText(model.view.settings.iou)
    const count = related.length
    const sentence = count ? plural(texts.suppressed, count) : texts.suppressed_nothing
    return words(sentence, { name, count: String(count), limit })
  }

  /** @type {(picked: number, name: HTMLElement[]) => Words} */
  #suppressedBy(picked, name) {
    const { data, model } = this.#viewer
    const by = model.suppressors[picked]
    const better = button("link", nameOf(model, by))
    better.addEventListener("click", () => this.#viewer.pick(by))
    return words(data.texts.suppressed_by, {
      name,
      better: [better],
      iou: this.#iou(picked),
      limit: thresholdText(model.view.settings.iou),
    })
  }

  /** @type {(picked: number, name: HTMLElement[]) => Words} */
  #hidden(picked, name) {
    const { data, model } = this.#viewer
    const { texts } = data
    const classId = model.view.class_ids[picked]
    const sentence = {
      class: texts.hidden_by_class,
      score: texts.hidden_by_score,
      better: texts.hidden_by_better,
      "class limit": texts.hidden_by_class_limit,
      limit: texts.hidden_by_limit,
    }[model.whyHidden(picked)]
    return words(sentence, {
      name,
      label: model.label(picked),
      threshold: thresholdText(thresholdOf(model.thresholds, classId)),
      iou: this.#iou(picked),
      count: String(model.view.settings.top_k),
    })
  }

  /** @type {(picked: number, name: HTMLElement[]) => Words} */
  #shown(picked, name) {
    const { data, model } = this.#viewer
    const { texts, view } = data
    const judgement = view.judgement
    const outcome = judgement?.outcomes[picked]
    /** @type {Record<string, Words | string>} */
    const values = {
      name,
      size: sizeText(this.#viewer, picked),
      label: model.label(picked),
      threshold: thresholdText(thresholdOf(model.thresholds, view.class_ids[picked])),
    }
    if (!judgement || !outcome) return words(texts.shown, values)
    values.outcome = texts.outcomes[outcome]
    const about = judgement.about[picked]
    if (about < 0) return words(texts.shown_judged, values)
    values.iou = judgement.ious[picked].toFixed(2)
    values.ground_truth = view.labels[judgement.ground_truth.class_ids[about]]
    return words(texts.shown_judged_by, values)
  }
}
