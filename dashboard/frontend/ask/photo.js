// The photo that others draw: a Plotly figure's, or the viewer's. Only its element is at hand.

/** @import { Place } from "./types.d.ts" */

/** @typedef {readonly [number, number]} Pair across and down */

/**
 * The photo's element within a container, also where a component keeps it to itself.
 *
 * @param {ParentNode} inside
 * @returns {Element | null}
 */
export function photoIn(inside) {
  const found = inside.querySelector(".imagelayer image, img.photo")
  if (found) return found
  for (const each of inside.querySelectorAll("*")) {
    const deeper = each.shadowRoot && photoIn(each.shadowRoot)
    if (deeper) return deeper
  }
  return null
}

/**
 * Where that photo is in the window; null while it loads and has no place.
 *
 * @param {ParentNode} inside
 * @returns {DOMRect | null}
 */
export function rectOfPhoto(inside) {
  const rect = photoIn(inside)?.getBoundingClientRect()
  return rect?.width ? rect : null
}

/**
 * The pixel of the original under a place of the window, on the photo's edge where it is beside it.
 *
 * @param {DOMRect} rect of the photo, enlarged or not
 * @param {Pair} size of the original
 * @param {Pair} at
 * @returns {Pair}
 */
export function pixelAt(rect, [width, height], [x, y]) {
  const across = ((x - rect.left) / rect.width) * width
  const down = ((y - rect.top) / rect.height) * height
  return [Math.min(Math.max(across, 0), width), Math.min(Math.max(down, 0), height)]
}

/**
 * The place between two corners: a point where they are closer than a hand can mean.
 *
 * @param {Pair} a in pixels of the original
 * @param {Pair} b
 * @param {number} least extent of a rectangle, likewise
 * @returns {Place}
 */
export function placeBetween(a, b, least) {
  const isPoint = Math.abs(a[0] - b[0]) < least || Math.abs(a[1] - b[1]) < least
  const to = isPoint ? a : b
  return {
    xmin: Math.min(a[0], to[0]),
    ymin: Math.min(a[1], to[1]),
    xmax: Math.max(a[0], to[0]),
    ymax: Math.max(a[1], to[1]),
  }
}

/**
 * Where a place of the photo is on a layer that lies over it.
 *
 * @param {DOMRect} rect of the photo
 * @param {DOMRect} layer
 * @param {Pair} size of the original
 * @param {Place} place
 */
export function onLayer(rect, layer, [width, height], place) {
  const [across, down] = [rect.width / width, rect.height / height]
  return {
    x: rect.left - layer.left + place.xmin * across,
    y: rect.top - layer.top + place.ymin * down,
    width: (place.xmax - place.xmin) * across,
    height: (place.ymax - place.ymin) * down,
  }
}
