// A number that is typed on a slider: a small field opens over it, Enter sets it there, Escape leaves
// it. For all sliders of the page, Streamlit's and those of our own components.

import { besides, valueOf } from "./number.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { TypedData } from "./types.d.ts" */

const BEGINS = /^[\d.,-]$/

/** @param {Component<TypedData, {}>} component */
export default function ({ data }) {
  /** @param {KeyboardEvent} event */
  const begin = (event) => {
    const [range] = event.composedPath()
    if (!(range instanceof HTMLInputElement) || range.type !== "range" || range.disabled) return
    if (!BEGINS.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    open(range, event.key, data.label)
  }
  document.addEventListener("keydown", begin, true)
  return () => document.removeEventListener("keydown", begin, true)
}

/**
 * @param {HTMLInputElement} range
 * @param {string} begun what is typed already
 * @param {string} label
 */
function open(range, begun, label) {
  const field = document.createElement("input")
  field.className = "lens-typed"
  field.inputMode = "decimal"
  field.value = begun
  field.setAttribute("aria-label", `${range.getAttribute("aria-label") ?? ""} ${label}`.trim())
  const around = range.closest("[data-testid=stSlider] [data-rac]") ?? range
  const { left, top, width } = around.getBoundingClientRect()
  field.style.cssText = `left:${left + width / 2}px;top:${top}px`
  let isOpen = true
  /** @param {boolean} counts */
  const close = (counts) => {
    if (!isOpen) return
    isOpen = false
    const value = counts ? valueOf(field.value, range) : null
    field.remove()
    range.focus({ preventScroll: true })
    if (value !== null) put(range, value)
  }
  field.addEventListener("keydown", (event) => {
    event.stopPropagation()
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault()
      close(event.key === "Enter")
    } else if (event.key === "Tab") close(true)
  })
  field.addEventListener("blur", () => close(true))
  const page = document.querySelector("[data-testid=stApp]") ?? document.body // has its colours
  const owner = range.closest("dialog") ?? page // over what a dialog has over the page
  owner.append(field)
  field.focus({ preventScroll: true })
  field.setSelectionRange(begun.length, begun.length)
}

/**
 * @param {HTMLInputElement} range
 * @param {number} value
 */
function put(range, value) {
  const isStreamlits = range.closest("[data-testid=stSlider]")
  // Streamlit's tells its script at the end of a move, by hand or by key: the last step is a key's.
  const [beside, key] = isStreamlits ? besides(value, range) : [value, ""]
  const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set
  setter?.call(range, String(beside))
  range.dispatchEvent(new Event("input", { bubbles: true }))
  if (isStreamlits)
    requestAnimationFrame(() =>
      range.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })),
    )
  else range.dispatchEvent(new Event("change", { bubbles: true }))
}
