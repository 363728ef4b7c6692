// The page scrolled to the viewer, and kept there until it has come to rest.
//
// Streamlit takes what the page no longer has away after it drew what is new, and all places move
// once more. So for a while the viewer is brought back, unless the visitor has begun to move.

/** @type {Map<string, number>} by key: the last `look` that was followed */
const followed = new Map()
const SETTLING_MS = 2000
let until = 0
let frame = 0

/**
 * @param {HTMLElement} root
 * @param {string} name of the viewer
 * @param {number} look another number than before scrolls to it; 0 never does
 */
export function keepInSight(root, name, look) {
  if (look && followed.get(name) !== look) {
    followed.set(name, look)
    until = performance.now() + SETTLING_MS
    for (const event of ["wheel", "pointerdown", "keydown"])
      addEventListener(event, () => (until = 0), { capture: true, passive: true, once: true })
  }
  follow(root)
}

/**
 * To what the viewer was reached from; the keyboard goes on from there.
 *
 * @param {string} key of a table
 */
export function bringIntoSight(key) {
  until = 0
  const table = document.querySelector(`.st-key-${key}`)
  table?.scrollIntoView({ block: "center" })
  table?.querySelector("canvas")?.focus({ preventScroll: true })
}

/** @param {HTMLElement} root */
function follow(root) {
  cancelAnimationFrame(frame)
  if (!root.isConnected || performance.now() >= until) return
  root.scrollIntoView()
  frame = requestAnimationFrame(() => follow(root))
}
