// The slider of the score threshold under a video: the visitor sets it, and Python does.

import { setText } from "../viewer/dom.js"
import { Hand } from "../viewer/hand.js"
import { Shared } from "../viewer/shared.js"
import { thresholdText } from "../viewer/words.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { LiveData, State } from "./types.d.ts" */

/**
 * @typedef {object} Data
 * @property {number} score
 * @property {LiveData["own"]} own
 * @property {Pick<LiveData["texts"], "heading" | "heading_but_own">} texts
 */
/** @typedef {Component<Data, Pick<State, "threshold">>} Mounted */

export class Threshold {
  #shared
  #hand
  #slider
  #number
  #heading
  #component
  #moved

  /**
   * @param {HTMLElement} root of the markup
   * @param {Mounted} component
   * @param {() => void} moved by the visitor
   */
  constructor(root, component, moved) {
    /** @param {string} selector */
    const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector))
    this.#slider = /** @type {HTMLInputElement} */ (find(".slider"))
    this.#number = find(".number")
    this.#heading = find(".heading")
    this.#component = component
    this.#moved = moved
    this.#shared = new Shared(component.data.score)
    this.#hand = new Hand(
      this.#slider,
      (value) => this.#move(value),
      () => this.#settle(),
    )
  }

  get value() {
    return this.#shared.value
  }

  /** @param {Mounted} component */
  update(component) {
    const { score, own, texts } = component.data
    this.#component = component
    if (this.#shared.takeFromPython(score, this.#hand.isBusy)) this.#slider.value = String(score)
    setText(this.#heading, Object.keys(own).length ? texts.heading_but_own : texts.heading)
    this.#say()
  }

  /** @param {number} value */
  #move(value) {
    this.#shared.value = value
    this.#say()
    this.#moved()
  }

  #settle() {
    if (!this.#shared.unsent) return
    this.#shared.sent()
    // `at` makes it another value: after a reset in Python the same threshold may come again.
    this.#component.setStateValue("threshold", { score: this.value, at: Date.now() })
  }

  #say() {
    const text = thresholdText(this.value)
    setText(this.#number, text)
    this.#slider.setAttribute("aria-valuetext", text)
  }
}
