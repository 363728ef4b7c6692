// Mend the ground truth over the photo: a click picks a box, a drag moves the picked one, its handles
// resize it, a drag anywhere else draws another. All of it by keyboard too. Two fingers, and a drag
// with the space bar held, move the photo.
//
// What a hand does holds here at once, and Python hears of all boxes as they are then: so nothing
// depends on the order in which answers come.

import { photoIn } from "../ask/photo.js"
import { say } from "../viewer/words.js"
import { between, classOfKey, contains, handleAt, hits, moved, resized } from "./boxes.js"
import { Layer } from "./layer.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { Pair } from "../ask/photo.js" */
/** @import { Box, Handle } from "./boxes.js" */
/** @import { MendBox, MendData, State } from "./types.d.ts" */

/** @typedef {{id: string, class_id: number, box: Box, score: number | null}} Item */
/** @typedef {{from: Pair, at: Pair, origin: Box | null, handle: Handle | null, isDrag: boolean}} Press */

const CLICK = 5 // px of the screen: a shorter drag is a click
const STEP = 0.005 // of the photo's side, for an arrow key that moves a box
const CROSS_STEP = 0.02 // likewise, for the cross that draws
const REACH = { mouse: 8, pen: 10, touch: 18 } // px of the screen around a handle
/** @type {[string, -1 | 1][]} of the buttons beside the photo, and which way they go */
const STEPS = [
  [".st-key-mend_undo button", -1],
  [".st-key-mend_redo button", 1],
]
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** @type {WeakMap<ParentNode, Mend>} */
const mounted = new WeakMap()

/** @param {Component<MendData, State>} component */
export default function (component) {
  const { parentElement, data } = component
  let mend = mounted.get(parentElement)
  if (!mend) {
    const root = /** @type {Element} */ (parentElement).getRootNode()
    const host = root instanceof ShadowRoot ? root.host : /** @type {Element} */ (parentElement)
    const frame = host.closest(`.st-key-${data.frame}`)
    if (!frame) return
    mend = new Mend(frame, component)
    mounted.set(parentElement, mend)
  }
  mend.update(component)
  const made = mend
  return () => {
    made.end()
    mounted.delete(parentElement)
  }
}

class Mend {
  #data
  #setStateValue
  #layer
  /** @type {MendBox[]} */
  #boxes = []
  /** @type {string | null} */
  #picked = null
  #classId = 1
  /** the number of the last change that was sent; whether the boxes are in it */
  #sent = 0
  #unheard = false
  /** @type {Press | null} */
  #press = null
  /** @type {Map<number, PointerEvent>} that are down here, and how they came */
  #pointers = new Map()
  /** @type {number[]} those that the viewer was given */
  #given = []
  #isSpaceDown = false
  /** @type {Pair} where the keyboard's cross is */
  #cross
  /** @type {Pair | null} where it began to draw */
  #corner = null
  #hasKeyboard = false

  /** @param {Element} frame @param {Component<MendData, State>} component */
  constructor(frame, { data, setStateValue }) {
    this.#data = data
    this.#setStateValue = setStateValue
    this.#cross = [data.size[0] / 2, data.size[1] / 2]
    this.#layer = new Layer(() => photoIn(frame), data.size)
    const { element } = this.#layer
    element.addEventListener("pointerdown", (event) => this.#down(event))
    element.addEventListener("pointermove", (event) => this.#move(event))
    element.addEventListener("pointerup", (event) => this.#up(event))
    element.addEventListener("pointercancel", (event) => this.#cancel(event))
    element.addEventListener("keydown", (event) => this.#key(event))
    element.addEventListener("keyup", (event) => {
      if (event.key in ARROWS && this.#unheard) this.#send()
      if (event.key === " ") this.#isSpaceDown = false
    })
    element.addEventListener("wheel", (event) =>
      this.#passOn(new WheelEvent("wheel", event), event),
    )
    element.addEventListener("focus", () => {
      this.#hasKeyboard = element.matches(":focus-visible")
      this.#draw()
    })
    element.addEventListener("blur", () => {
      this.#hasKeyboard = this.#isSpaceDown = false
      this.#draw()
    })
    addEventListener("click", this.#clicked, true)
  }

  end() {
    removeEventListener("click", this.#clicked, true)
    this.#layer.end()
  }

  /** @param {Component<MendData, State>} component */
  update({ data, setStateValue }) {
    const isAnother = data.digest !== this.#data.digest
    if (data.heard < this.#data.heard) this.#sent = data.heard // a session that began anew
    this.#data = data
    this.#setStateValue = setStateValue
    this.#layer.element.setAttribute("aria-label", data.texts.keys)
    if (isAnother) {
      this.#press = this.#corner = null
      this.#cross = [data.size[0] / 2, data.size[1] / 2]
    } else if (data.heard < this.#sent || this.#press) {
      return // it has not heard of what the hand did since
    }
    this.#unheard = false
    this.#boxes = data.boxes
    this.#picked = data.picked
    this.#classId = data.class_id
    this.#draw()
  }

  // --- what there is

  /** @returns {Item[]} the ground truth, then the detections */
  get #items() {
    const truths = this.#boxes.map((each, i) => ({ ...each, id: `truth-${i}`, score: null }))
    return [...truths, ...this.#data.detections]
  }

  get #item() {
    return this.#items.find((each) => each.id === this.#picked) ?? null
  }

  /** Index of the picked box in the ground truth, -1 where none is. */
  get #index() {
    return this.#boxes.findIndex((_, i) => `truth-${i}` === this.#picked)
  }

  get #nextCount() {
    return Math.max(this.#sent, this.#data.heard) + 1
  }

  // --- what is done to it

  /** Tell Python of the pick, and of the boxes where they are others. */
  #send() {
    const boxes = this.#unheard ? this.#boxes : null
    this.#sent = this.#nextCount
    const [picked, class_id] = [this.#picked, this.#classId]
    this.#setStateValue("hand", { boxes, picked, class_id, count: this.#sent })
    this.#draw()
  }

  /** @param {MendBox[]} boxes @param {string | null} picked */
  #set(boxes, picked) {
    this.#boxes = boxes
    this.#picked = picked
    this.#unheard = true
  }

  /** @param {Box} box */
  #add(box, class_id = this.#classId) {
    this.#set([...this.#boxes, { class_id, box, crowd: false }], `truth-${this.#boxes.length}`)
    this.#send()
  }

  /** @param {number} index @param {Partial<MendBox>} change */
  #change(index, change) {
    const boxes = this.#boxes.map((each, i) => (i === index ? { ...each, ...change } : each))
    this.#set(boxes, this.#picked)
  }

  #remove() {
    const index = this.#index
    if (index < 0) return
    this.#set(
      this.#boxes.filter((_, i) => i !== index),
      null,
    )
    this.#send()
  }

  /** @param {number} classId of the picked box, or of the next one */
  #giveClass(classId) {
    const [index, item] = [this.#index, this.#item]
    this.#classId = classId
    if (index >= 0) this.#change(index, { class_id: classId })
    else if (item) return this.#add(item.box, classId)
    this.#send()
  }

  /** @param {-1 | 1} by */
  #step(by) {
    const place = this.#data.place + by
    this.#data = { ...this.#data, place } // so that two quick ones are two
    this.#sent = this.#nextCount
    this.#setStateValue("step", { place, count: this.#sent })
  }

  /**
   * Undo and Redo beside the photo step from here: of clicks that reach a busy server together,
   * a button of its own counts one.
   *
   * @param {MouseEvent} event
   */
  #clicked = (event) => {
    const at = event.target
    const step = at instanceof Element && STEPS.find(([button]) => at.closest(button))
    if (!step) return
    event.stopPropagation()
    this.#step(step[1])
  }

  /** @param {string | null} id */
  #pick(id) {
    this.#picked = id
    this.#corner = null
    this.#send()
  }

  /** The picked detection becomes ground truth. */
  #accept() {
    const item = this.#item
    if (item && item.score !== null) this.#add(item.box, item.class_id)
  }

  // --- by mouse, pen and touch

  /** @param {PointerEvent} event */
  #down(event) {
    const at = this.#layer.pixel(event)
    if (event.button > 0 || !at) return
    this.#pointers.set(event.pointerId, event)
    if (this.#pointers.size > 1 || this.#isSpaceDown || this.#isViewers) return this.#give()
    this.#layer.element.setPointerCapture(event.pointerId)
    const origin = this.#boxes[this.#index]?.box ?? null
    const handle = origin && handleAt(origin, at, this.#reach(event))
    const isOn = origin && (handle || contains(origin, at))
    this.#press = { from: at, at, origin: isOn ? origin : null, handle, isDrag: false }
    this.#hasKeyboard = false
    this.#draw()
  }

  /** Whether the viewer has a hand's pointer still. */
  get #isViewers() {
    return this.#given.some((id) => this.#layer.canvas?.hasPointerCapture(id))
  }

  /** To the viewer under it, which zooms and moves the photo: it takes the pointers to itself. */
  #give() {
    for (const event of this.#pointers.values())
      this.#passOn(new PointerEvent("pointerdown", event), event)
    this.#given = [...this.#pointers.keys()]
    this.#pointers.clear()
    this.#press = null
    this.#draw()
  }

  /** @param {PointerEvent} event */
  #reach({ pointerType }) {
    return this.#layer.scale * (REACH[/** @type {keyof typeof REACH} */ (pointerType)] ?? 8)
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#layer.pixel(event)
    if (!at) return
    const press = this.#press
    if (!press) return this.#hover(at, event)
    press.at = at
    const far = Math.hypot(at[0] - press.from[0], at[1] - press.from[1])
    press.isDrag ||= far > CLICK * this.#layer.scale
    this.#draw()
  }

  /** The cursor says what a drag from here would do. @param {Pair} at @param {PointerEvent} event */
  #hover(at, event) {
    const origin = this.#boxes[this.#index]?.box
    const handle = origin && handleAt(origin, at, this.#reach(event))
    const { style } = this.#layer.element
    if (handle) style.cursor = cursorOf(handle)
    else style.cursor = origin && contains(origin, at) ? "move" : "crosshair"
  }

  /** The box that the drag makes of the picked one, or draws. @param {Press} press @returns {Box} */
  #dragged({ from, at, origin, handle }) {
    const by = /** @type {const} */ ([at[0] - from[0], at[1] - from[1]])
    if (!origin) return between(from, at)
    return handle
      ? resized(origin, handle, by, this.#data.size)
      : moved(origin, by, this.#data.size)
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.#pointers.delete(event.pointerId)
    const press = this.#press
    if (!press) return
    this.#press = null
    if (!press.isDrag) return this.#click(press.at)
    const box = this.#dragged(press)
    const least = Math.max(1, CLICK * this.#layer.scale)
    if (press.origin) {
      if (box[2] - box[0] >= 1 && box[3] - box[1] >= 1) this.#change(this.#index, { box })
      this.#send()
    } else if (box[2] - box[0] >= least && box[3] - box[1] >= least) {
      this.#add(box)
    } else {
      this.#draw()
    }
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    this.#pointers.delete(event.pointerId)
    this.#press = null
    this.#draw()
  }

  /** Picks the smallest box there; of several, the one after the picked one. @param {Pair} at */
  #click(at) {
    const items = this.#items
    const there = hits(
      items.map((each) => each.box),
      at,
    ).map((i) => items[i].id)
    this.#pick(there[there.indexOf(this.#picked ?? "") + 1] ?? there[0] ?? null)
  }

  // --- by keyboard

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#act(event)) return
    event.preventDefault()
    event.stopPropagation()
  }

  /** @param {KeyboardEvent} event @returns whether the key means something here */
  #act(event) {
    const { key, shiftKey } = event
    this.#hasKeyboard = true
    if (event.ctrlKey || event.metaKey) {
      const isRedo = key.toLowerCase() === "y" || (key.toLowerCase() === "z" && shiftKey)
      if (!isRedo && key.toLowerCase() !== "z") return false
      this.#step(isRedo ? 1 : -1)
      return true
    }
    if (event.altKey) return false
    const way = ARROWS[/** @type {keyof typeof ARROWS} */ (key)]
    if (way) this.#arrow(/** @type {[number, number]} */ (way), shiftKey)
    else if (key === "Tab") return this.#next(shiftKey ? -1 : 1)
    else if (key === " ") this.#isSpaceDown = true
    else if (key === "Enter") this.#enter()
    else if (key === "Delete" || key === "Backspace") this.#remove()
    else if (key === "Escape") this.#escape()
    else if ("+-=0".includes(key)) this.#passOn(new KeyboardEvent("keydown", event), event)
    else if (key.length === 1 && key.trim()) this.#letter(key)
    else return false
    return true
  }

  /** @param {[number, number]} way @param {boolean} isShifted */
  #arrow(way, isShifted) {
    const { size } = this.#data
    const index = this.#index
    /** @param {number} part @returns {Pair} */
    const by = (part) => [
      way[0] * Math.max(part * size[0], 1),
      way[1] * Math.max(part * size[1], 1),
    ]
    if (index >= 0) {
      const { box } = this.#boxes[index]
      const handle = /** @type {Handle} */ ([Math.abs(way[0]), Math.abs(way[1])])
      const then = isShifted ? resized(box, handle, by(STEP), size) : moved(box, by(STEP), size)
      // Sent when the key is let go of.
      if (then[2] - then[0] >= 1 && then[3] - then[1] >= 1) this.#change(index, { box: then })
    } else if (this.#picked) {
      this.#next(way[0] + way[1] > 0 ? 1 : -1)
    } else {
      this.#corner = isShifted ? (this.#corner ?? this.#cross) : null
      const [x, y] = by(CROSS_STEP).map((step, axis) => this.#cross[axis] + step)
      this.#cross = [Math.min(Math.max(x, 0), size[0]), Math.min(Math.max(y, 0), size[1])]
    }
    this.#draw()
  }

  /** @param {-1 | 1} by @returns false after the last box: the focus goes on */
  #next(by) {
    const ids = this.#items.map((each) => each.id)
    const at = ids.indexOf(this.#picked ?? "")
    const next = at < 0 ? (by > 0 ? 0 : ids.length) - (by > 0 ? 0 : 1) : at + by
    if (at < 0 && by < 0) return false
    if (!ids[next]) return false
    this.#pick(ids[next])
    return true
  }

  #enter() {
    const item = this.#item
    if (this.#corner) {
      const box = between(this.#corner, this.#cross)
      this.#corner = null
      if (box[2] - box[0] >= 1 && box[3] - box[1] >= 1) this.#add(box)
    } else if (item) {
      this.#accept()
    } else {
      this.#click(this.#cross)
    }
  }

  #escape() {
    if (this.#press || this.#corner) {
      this.#press = this.#corner = null
      this.#draw()
    } else {
      this.#pick(null)
    }
  }

  /** @param {string} key */
  #letter(key) {
    const classId = classOfKey(key, this.#data.labels, this.#item?.class_id ?? this.#classId)
    if (classId !== null) this.#giveClass(classId)
  }

  /** The viewer under it zooms. @param {Event} copy @param {Event} event */
  #passOn(copy, event) {
    if (this.#layer.canvas?.dispatchEvent(copy) === false) event.preventDefault()
  }

  // --- drawing

  #draw() {
    const { labels, colors, size } = this.#data
    const items = this.#items
    const press = this.#press?.isDrag ? this.#press : null
    /** @type {import("./layer.js").Drawn[]} */
    const drawn = []
    items.forEach(({ id, class_id, box, score }) => {
      const isPicked = id === this.#picked
      if (score !== null && !isPicked) return // the viewer has drawn it
      drawn.push({
        box: isPicked && press?.origin ? this.#dragged(press) : box,
        label: labels[class_id],
        color: colors[class_id],
        isPicked,
        isTruth: score === null,
      })
    })
    drawn.sort((a, b) => Number(a.isPicked) - Number(b.isPicked))
    const fresh = press && !press.origin && this.#dragged(press)
    const begun = fresh || (this.#corner && between(this.#corner, this.#cross))
    if (begun) {
      const [label, color] = [labels[this.#classId], colors[this.#classId]]
      drawn.push({ box: begun, label, color, isPicked: true, isTruth: false })
    }
    const hasCross = this.#hasKeyboard && !this.#picked
    this.#layer.show(drawn, hasCross ? this.#cross : null, size)
    this.#tell(items)
  }

  /** What is picked, for who does not see it; and what a finger can do with it. @param {Item[]} items */
  #tell(items) {
    const { labels, place: step, texts } = this.#data
    const item = this.#item
    /** @type {[string, () => void][]} */
    const actions = []
    if (item?.score === null) actions.push([texts.delete, () => this.#remove()])
    else if (item) actions.push([texts.accept, () => this.#accept()])
    if (step > 0) actions.push([texts.undo, () => this.#step(-1)])
    this.#layer.offer(actions)
    const place = items.findIndex((each) => each.id === this.#picked) + 1
    const places = { label: labels[item?.class_id ?? 0], place, total: items.length }
    if (!item) this.#layer.say("")
    else if (item.score === null) this.#layer.say(say(texts.truth, places))
    else this.#layer.say(say(texts.found, { ...places, score: item.score.toFixed(2) }))
  }
}

/** @param {Handle} handle */
function cursorOf([across, down]) {
  if (!across) return "ns-resize"
  if (!down) return "ew-resize"
  return across === down ? "nwse-resize" : "nesw-resize"
}
