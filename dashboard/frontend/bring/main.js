// Images come as people bring them: pasted from the clipboard, or dropped anywhere on the page. They
// are put into the page's own file uploader, which sends them as it sends all others.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { BringData, State } from "./types.d.ts" */

const PATIENCE_MS = 10_000 // for an uploader that was asked for

/** @type {File[]} wait for the uploader */
let pending = []
let pastes = 0
let stop = new AbortController()

/** @param {Component<BringData, State>} component */
export default function ({ data, setStateValue }) {
  stop.abort() // with other data it is called again, and nothing has ended
  stop = new AbortController()
  const signal = stop.signal
  const veil = makeVeil(data.texts.drop)

  /** @param {File[]} files @param {boolean} pasted */
  const bring = (files, pasted) => {
    if (!files.length) return
    pending = files
    const names = files.map((file) => file.name)
    setStateValue("brought", { names, count: files.length, pasted, at: Date.now() })
    if (data.is_there) hand(data.uploader)
  }

  document.addEventListener(
    "paste",
    (event) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length) event.preventDefault()
      bring(files.map(named), true)
    },
    { signal },
  )
  const isOfFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes("Files") && !isOnUploader(event)
  document.addEventListener(
    "dragover",
    (event) => {
      veil.hidden = !isOfFiles(event)
      if (!veil.hidden) event.preventDefault()
    },
    { signal },
  )
  document.addEventListener("dragleave", (event) => (veil.hidden ||= !event.relatedTarget), {
    signal,
  })
  document.addEventListener(
    "drop",
    (event) => {
      veil.hidden = true
      if (!isOfFiles(event)) return
      event.preventDefault()
      bring([...(event.dataTransfer?.files ?? [])], false)
    },
    { signal },
  )
  signal.addEventListener("abort", () => veil.remove())
  if (pending.length && data.is_there) hand(data.uploader)
  return () => stop.abort()
}

/** Put what waits into the uploader, as soon as it is there.
 *
 * @param {string} key
 */
function hand(key, until = performance.now() + PATIENCE_MS) {
  const input = document.querySelector(`.st-key-${key} input[type=file]`)
  if (!(input instanceof HTMLInputElement) || input.disabled) {
    if (performance.now() < until) requestAnimationFrame(() => hand(key, until))
    return
  }
  const chosen = new DataTransfer()
  for (const file of pending.splice(0)) chosen.items.add(file)
  if (!chosen.files.length) return
  input.files = chosen.files
  input.dispatchEvent(new Event("change", { bubbles: true }))
}

/** All pasted images are called image.png: a number tells them apart.
 *
 * @param {File} file
 */
function named(file) {
  const isUnnamed = /^image\.\w+$/.test(file.name)
  const name = isUnnamed ? file.name.replace("image", `pasted-${++pastes}`) : file.name
  return new File([file], name, { type: file.type })
}

/** The uploader takes what is dropped on it by itself.
 *
 * @param {DragEvent} event
 */
function isOnUploader({ target }) {
  return (
    target instanceof Element && target.closest("[data-testid=stFileUploaderDropzone]") !== null
  )
}

/** @param {string} text */
function makeVeil(text) {
  const veil = document.createElement("div")
  veil.className = "lens-veil"
  veil.textContent = text
  veil.hidden = true
  document.body.append(veil)
  return veil
}
