// The line that counts, and the legend under it.

import { element, setText } from "./dom.js"
import { JUDGED } from "./looks.js"
import { IGNORED, RIGHT } from "./model.js"
import { pieces, plural, say } from "./words.js"

/** @import { Viewer } from "./main.js" */

const REST_MS = 400 // a screen reader is told once the slider rests this long

export class Summary {
  #viewer
  #count
  #legend
  #status
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #speaking

  /**
   * @param {Viewer} viewer
   * @param {HTMLElement} root
   */
  constructor(viewer, root) {
    /** @param {string} selector */
    const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector))
    this.#viewer = viewer
    this.#count = find(".count")
    this.#legend = find(".legend")
    this.#status = find(".status")
  }

  close() {
    clearTimeout(this.#speaking)
  }

  draw() {
    this.#drawCount()
    const parts = this.#legendParts()
    this.#legend.replaceChildren(...parts)
    this.#legend.hidden = !parts.length
  }

  #drawCount() {
    const { data, model, canvas } = this.#viewer
    const { texts } = data
    const counts = model.counts()
    const classes = [...counts.keys()]
      .filter((classId) => counts[classId])
      .sort((a, b) => counts[b] - counts[a] || a - b)
      .map((classId) =>
        say(texts.class_count, { count: counts[classId], label: model.view.labels[classId] }),
      )
      .join(", ")
    const count = model.shown.length
    const sentences = classes ? texts.boxes_shown_of : texts.boxes_shown
    const shown = say(plural(sentences, count), { count, classes })
    const hidden = Math.max(model.view.kept_count - count, 0)
    const line = say(texts.count_line, { shown, hidden })
    if (this.#count.textContent === line) return
    const bold = element("b", "", shown)
    this.#count.replaceChildren(
      ...pieces(texts.count_line, { shown: bold, hidden: String(hidden) }),
    )
    canvas.setAttribute("aria-label", say(texts.photo, { counts: line }))
    clearTimeout(this.#speaking)
    this.#speaking = setTimeout(() => setText(this.#status, line), REST_MS)
  }

  /** @returns {(string | HTMLElement)[]} */
  #legendParts() {
    const { data, model } = this.#viewer
    const { texts, appeared, vanished } = data
    const parts = []
    if (data.mode === "Right and wrong") {
      if (model.view.judgement) parts.push(...this.#judged())
      else parts.push(texts.no_ground_truth)
    } else if (data.mode === "X-ray") {
      const removed = model.layer().length
      const count = removed + model.shown.length
      const leftOut = model.view.left_out
      parts.push(say(plural(texts.candidates, count), { count, removed }))
      if (leftOut) parts.push(` ${say(texts.left_out, { count: leftOut })}`)
    }
    if (appeared.length) parts.push(entry("appeared", say(texts.new, { count: appeared.length })))
    if (vanished.length) parts.push(entry("vanished", say(texts.gone, { count: vanished.length })))
    return parts
  }

  #judged() {
    const { data, model } = this.#viewer
    const { texts } = data
    const { counts, kinds, wrong } = model.outcomes()
    const named = kinds
      .map((kind) =>
        say(texts.outcome_count, { count: counts[kind], outcome: texts.outcome_names[kind] }),
      )
      .join(", ")
    const wrongText = named ? texts.wrong_of : texts.wrong
    const entries = [
      entry("right", say(texts.right, { count: counts[RIGHT] }), JUDGED.right),
      entry("wrong", say(wrongText, { count: wrong, kinds: named }), JUDGED.wrong),
      entry("missed", say(texts.missed, { count: model.missed().length }), JUDGED.missed),
    ]
    for (const [outcome, sentence] of /** @type {const} */ ([
      [IGNORED, texts.ignored],
      [0, texts.judged_on_release],
    ]))
      if (counts[outcome])
        entries.push(entry("ignored", say(sentence, { count: counts[outcome] }), JUDGED.ignored))
    return entries
  }
}

/**
 * @param {string} kind
 * @param {string} text
 * @param {string} color
 */
function entry(kind, text, color = "") {
  const item = element("span", "entry")
  const key = element("i", `key ${kind}`)
  key.style.borderColor = color
  item.append(key, text)
  return item
}
