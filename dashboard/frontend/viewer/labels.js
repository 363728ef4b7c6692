// The labels of boxes: of the screen's size at any zoom, and none over another.

import { onScreen } from "./zoom.js"

/** @import { Pair, Place } from "./zoom.js" */

/**
 * @typedef {object} Label
 * @property {ArrayLike<number>} box that it belongs to, xyxy in pixels of the photo
 * @property {string} text
 * @property {string} color
 * @property {string} ink of the text
 * @property {string} [edge]
 * @property {number} alpha
 * @property {number} [first] the higher the sooner it chooses its place; 0 as a rule
 * @property {boolean} [corner] its first choice is over the box's corner
 */

/**
 * @typedef {object} Lettering how large labels are, in px
 * @property {string} font
 * @property {number} height
 * @property {number} padding
 * @property {readonly number[]} buttons how far above the window's lower right corner rows of buttons
 *  are, which labels leave free
 */

const FAMILY = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"
export const HEIGHT = 19
/** @type {Lettering} */
const ON_A_PAGE = { font: `600 12px ${FAMILY}`, height: HEIGHT, padding: 6, buttons: [24, 44] }
/** @type {Lettering} read from the last row of a room */
export const ON_A_SCREEN = { font: `600 20px ${FAMILY}`, height: 31, padding: 9, buttons: [] }
const MOST_WIDTHS = 5000

/** @type {Map<string, number>} */
const widths = new Map()

/**
 * Where the labels are. The best choose first; who finds no room has none.
 *
 * @param {Label[]} labels by score, best first
 * @param {Pair} room width and height of the window
 * @param {Place} place of the photo
 * @param {(text: string) => number} measure the width of a text, in pixels
 * @param {Lettering} [lettering]
 * @returns {{label: Label, x: number, y: number, width: number}[]}
 */
export function placed(labels, room, place, measure, lettering = ON_A_PAGE) {
  const { height, padding, buttons } = lettering
  const taken = buttons.map((up) => ({ x: room[0] - 112, y: room[1] - up, width: 112 }))
  /** @type {(x: number, y: number, width: number) => boolean} */
  const isFree = (x, y, width) =>
    x >= 0 &&
    y >= 0 &&
    x + width <= room[0] &&
    y + height <= room[1] &&
    !taken.some(
      (other) =>
        other.x < x + width + 1 &&
        x < other.x + other.width + 1 &&
        other.y < y + HEIGHT + 1 &&
        y < other.y + HEIGHT + 1,
    )
  const found = []
  // A stable sort: the score decides among equals.
  for (const label of labels.toSorted((a, b) => (b.first ?? 0) - (a.first ?? 0))) {
    const width = measure(label.text) + 2 * padding
    const spot = places(label, [width, height], room, place).find(([x, y]) => isFree(x, y, width))
    if (!spot) continue
    const [x, y] = spot
    taken.push({ x, y, width })
    found.push({ label, x, y, width })
  }
  return found
}

/**
 * The places that are tried, best first. None for a box out of the window.
 *
 * @param {Label} label
 * @param {Pair} extent of it
 * @param {Pair} room
 * @param {Place} place
 * @returns {Pair[]}
 */
function places({ box, corner }, [width, height], room, place) {
  const [left, top, wide, high] = onScreen(box, place)
  // The part of the box that is in the window.
  const [x, y] = [Math.max(left, 0), Math.max(top, 0)]
  const [right, bottom] = [Math.min(left + wide, room[0]), Math.min(top + high, room[1])]
  if (right <= x || bottom <= y) return []
  const small = high < 2.5 * height || wide < width
  /** @type {Pair[]} */
  const outside = [
    [x - 1, y - height],
    [right - width + 1, y - height],
    [x - 1, bottom],
    [right - width + 1, bottom],
    [right + 2, (y + bottom - height) / 2],
    [x - width - 2, (y + bottom - height) / 2],
  ]
  /** @type {Pair[]} */
  const inside = [
    [x + 1, y + 1],
    [right - width - 1, y + 1],
    [x + 1, bottom - height - 1],
    [right - width - 1, bottom - height - 1],
  ]
  const tried = small ? outside : [...outside.slice(0, 2), ...inside, ...outside.slice(2)]
  return corner ? [[right - width + 6, y - height - 3], ...tried] : tried
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Label[]} labels
 * @param {Pair} room
 * @param {Place} place
 * @param {Lettering} [lettering]
 */
export function drawLabels(pen, labels, room, place, lettering = ON_A_PAGE) {
  const { font, height, padding } = lettering
  pen.font = font
  pen.textBaseline = "middle"
  /** @param {string} text */
  const measure = (text) => widthOf(pen, text)
  for (const { label, x, y, width } of placed(labels, room, place, measure, lettering)) {
    pen.globalAlpha = label.alpha
    pen.fillStyle = label.color
    pen.beginPath()
    pen.roundRect(x, y, width, height, 4)
    pen.fill()
    if (label.edge) {
      pen.strokeStyle = label.edge
      pen.lineWidth = 2
      pen.stroke()
    }
    pen.fillStyle = label.ink
    pen.fillText(label.text, x + padding, y + height / 2 + 0.5)
  }
  pen.globalAlpha = 1
}

/**
 * Measured once: it is slow.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 */
function widthOf(pen, text) {
  const key = pen.font + text
  let width = widths.get(key)
  if (width === undefined) {
    if (widths.size > MOST_WIDTHS) widths.clear()
    width = pen.measureText(text).width
    widths.set(key, width)
  }
  return width
}
