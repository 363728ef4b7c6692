// The photo with its boxes, redrawn in the browser while a score threshold is dragged.
//
// Streamlit calls the default export at the start and again whenever the data changed, on the same
// parentElement; so what the visitor did (zoom, pick, threshold) lives here and is not lost.
//
// For tests: the element .viewer has a property `lens`, this Viewer; `lens.shownIds` are the ids of
// the boxes on the screen in order of score, `lens.frames` counts what was drawn.

const OUTCOMES = {
  1: ["right", "right: it finds its object"],
  2: ["ignored", "neither right nor wrong: it lies in a region to ignore"],
  3: ["localisation", "wrong: the right class, but it fits the object badly"],
  4: ["class", "wrong: there is an object, of another class"],
  5: ["duplicate", "wrong: a better box has found this object already"],
  6: ["background", "wrong: there is nothing"],
  7: ["both", "wrong: another class, and it fits badly"],
}
const RIGHT = 1
const IGNORED = 2
const COLORS = { right: "#12935a", wrong: "#d4293d", missed: "#ff9d1f", ignored: "#8b959b" }
const APPEARED = "#12b76a"
const VANISHED = "#d5dce0"
const CHIP_HEIGHT = 19
const MOST_MISSED_LABELS = 20
const FONT = "600 12px Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"
const MIN_THRESHOLD = 0.01
const THUMB = 20 // px, as in viewer.css
const ANIMATION_MS = 160
const WHOLE = { k: 1, x: 0.5, y: 0.5 } // x, y: the place in the photo (0..1) at the middle

const viewers = new WeakMap()
// Zoom and target by key: they outlive a visit to another page, which takes the element away.
const remembered = new Map()
// By key: the last `look` that was followed. For a while the viewer stays in sight: Streamlit takes
// what the page no longer has away after it drew what is new, and all places move once more.
const looked = new Map()
const SETTLING_MS = 2000
let inSightUntil = 0
for (const name of ["wheel", "pointerdown", "keydown"])
  addEventListener(name, () => (inSightUntil = 0), { capture: true, passive: true })

export default function (component) {
  const { parentElement } = component
  let viewer = viewers.get(parentElement)
  if (!viewer) {
    viewer = new Viewer(parentElement.querySelector(".viewer"))
    viewers.set(parentElement, viewer)
  }
  viewer.update(component)
  return () => {
    viewer.close()
    viewers.delete(parentElement)
  }
}

// A value that both sides may set. What Python says is taken when it changed there; it is not when
// it is only the echo of what was sent, for by then the visitor may be further.
class Shared {
  value = undefined
  #python = undefined
  #sent = []

  takeFromPython(value, busy) {
    const text = JSON.stringify(value)
    if (text === this.#python) return false
    this.#python = text
    const echo = this.#sent.indexOf(text)
    if (echo >= 0) {
      this.#sent.splice(0, echo + 1)
      return false
    }
    this.#sent = []
    if (busy) return false
    this.value = value
    return true
  }

  // Whether Python knows another value, or was sent one.
  get unsent() {
    return JSON.stringify(this.value) !== (this.#sent.at(-1) ?? this.#python)
  }

  sent() {
    this.#sent.push(JSON.stringify(this.value))
  }
}

class Viewer {
  constructor(root) {
    this.root = root
    root.lens = this
    const find = (name) => root.querySelector("." + name)
    this.targets = find("targets")
    this.heading = find("heading")
    this.number = find("number")
    this.slider = find("slider")
    this.marks = find("marks")
    this.count = find("count")
    this.legend = find("legend")
    this.status = find("status")
    this.stage = find("stage")
    this.photo = find("photo")
    this.canvas = find("boxes")
    this.tip = find("tip")
    this.notice = find("notice")
    this.panel = find("panel")
    this.context = this.canvas.getContext("2d")
    this.thresholds = new Shared() // [score, [[class id, own threshold], ...]]
    this.picked = new Shared() // id of a box, truth-INDEX of a missed true one, or null
    this.target = null // id of the class whose threshold the slider moves; null: of all classes
    this.zoom = WHOLE
    this.frames = 0
    this.shown = []
    this.hovered = null
    this.pointers = new Map()
    this.widths = new Map()
    this.observer = new ResizeObserver(() => this.#resized())
    this.observer.observe(this.stage)
    this.observer.observe(this.marks)
    this.#listen()
  }

  close() {
    this.observer.disconnect()
    cancelAnimationFrame(this.frame)
    clearTimeout(this.speaking)
  }

  get shownIds() {
    return this.shown.map((i) => this.#id(i))
  }

  update({ data, setStateValue }) {
    this.setStateValue = setStateValue
    const { view } = data
    this.thresholds.takeFromPython(thresholdsOf(view), this.dragging)
    if (this.view?.digest !== view.digest) {
      const before = remembered.get(data.name)
      this.#halt()
      this.zoom = before?.digest === view.digest ? before.zoom : WHOLE
      if (!this.view && before) this.target = before.target
      this.#hideTip()
    }
    this.name = data.name
    this.mode = data.mode
    this.appeared = new Set(data.compared ? data.compared[0] : [])
    this.vanished = new Set(data.compared ? data.compared[1] : [])
    this.#take(view)
    this.picked.takeFromPython(data.picked)
    if (this.source !== data.photo) this.#load(data.photo)
    this.#drawTargets()
    this.#drawTarget()
    this.panelFor = null
    this.#resized()
    if (data.look && looked.get(data.name) !== data.look) {
      looked.set(data.name, data.look)
      inSightUntil = performance.now() + SETTLING_MS
    }
    this.#keepInSight()
  }

  #keepInSight() {
    cancelAnimationFrame(this.sight)
    if (!this.root.isConnected || performance.now() >= inSightUntil) return
    this.root.scrollIntoView()
    this.sight = requestAnimationFrame(() => this.#keepInSight())
  }

  // --- what is shown

  #take(view) {
    this.view = view
    const count = view.score.length
    this.scores = Float32Array.from(view.score)
    this.areas = new Float64Array(count)
    this.index = new Map()
    for (let i = 0; i < count; i++) {
      const [xmin, ymin, xmax, ymax] = this.#box(i)
      this.areas[i] = (xmax - xmin) * (ymax - ymin)
      this.index.set(this.#id(i), i)
    }
    this.hovered = null
    // A bin holds the boxes that the same slider steps show: those of 0.30 to 0.3099 up to 0.30.
    this.bins = Array.from({ length: 101 }, () => new Map())
    for (let i = 0; i < count; i++) {
      if (!view.kept[i] || !this.#visible(view.class[i])) continue
      let bin = Math.min(Math.floor(view.score[i] * 100), 100)
      while (bin < 100 && Math.fround((bin + 1) / 100) <= this.scores[i]) bin++
      const counts = this.bins[bin]
      counts.set(view.class[i], (counts.get(view.class[i]) ?? 0) + 1)
    }
    this.stage.style.setProperty("--ratio", view.size[1] / view.size[0])
  }

  #id(i) {
    return `${this.view.class[i]}-${this.view.prior[i]}`
  }

  #box(i) {
    return this.view.box.slice(4 * i, 4 * i + 4)
  }

  #visible(classId) {
    const { shown } = this.view.settings
    return shown === null || shown.includes(classId)
  }

  #threshold(classId) {
    const [score, own] = this.thresholds.value
    const found = own.find(([id]) => id === classId)
    return found ? found[1] : score
  }

  #passes(i) {
    return this.scores[i] >= this.lowest[this.view.class[i]]
  }

  // The boxes that detector.ssd.postprocess shows at these thresholds, in its order.
  #follow() {
    this.stale = false
    const { view } = this
    const count = this.scores.length
    // As NumPy compares: the threshold rounded to float32.
    this.lowest = Float32Array.from(view.labels, (_, id) => this.#threshold(id))
    this.kept = view.kept
    this.suppressor = view.suppressor
    this.ious = view.iou
    this.waiting = false
    const entangled = view.settings.agnostic && this.thresholds.value[1].length > 0
    if (entangled && !view.pairs) {
      // Too many overlaps to send them: Python says what is shown, on release.
      this.waiting = !same(this.thresholds.value, thresholdsOf(view))
      this.shown = view.settled
      this.kept = new Uint8Array(count)
      for (const i of this.shown) this.kept[i] = 1
    } else {
      if (entangled) this.#suppress()
      this.shown = []
      for (let i = 0; i < count && this.shown.length < view.settings.top_k; i++)
        if (this.kept[i] && this.#visible(view.class[i]) && this.#passes(i)) this.shown.push(i)
    }
    this.isShown = new Uint8Array(count)
    for (const i of this.shown) this.isShown[i] = 1
  }

  // Greedy NMS over the lists of who would suppress whom: a hidden box suppresses nothing.
  #suppress() {
    const { starts, by, iou } = this.view.pairs
    const count = this.scores.length
    this.kept = new Uint8Array(count)
    this.suppressor = new Int32Array(count).fill(-1)
    this.ious = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      let j = starts[i]
      while (j < starts[i + 1] && !this.kept[by[j]]) j++
      if (j < starts[i + 1]) {
        this.suppressor[i] = by[j]
        this.ious[i] = iou[j]
      } else if (this.#passes(i)) this.kept[i] = 1
    }
  }

  // --- thresholds

  #setThreshold(value) {
    const [score, own] = this.thresholds.value
    const target = this.target
    if (target === null) this.thresholds.value = [value, own]
    else {
      const others = own.filter(([id]) => id !== target)
      this.thresholds.value = [
        score,
        [...others, [target, value]].sort((first, second) => first[0] - second[0]),
      ]
    }
    this.stale = true
    this.#draw()
  }

  #forgetOwn(classId) {
    const [score, own] = this.thresholds.value
    this.thresholds.value = [score, own.filter(([id]) => id !== classId)]
    this.stale = true
    this.#sendThresholds()
    this.#drawTarget()
    this.#draw()
  }

  #sendThresholds() {
    this.thresholds.sent()
    const [score, own] = this.thresholds.value
    // `at` makes it another value: after a reset in Python the same threshold may come again.
    this.setStateValue("thresholds", { score, classes: Object.fromEntries(own), at: Date.now() })
  }

  #pick(i) {
    const id = i === null ? null : this.#id(i)
    if (id === this.picked.value) return
    this.picked.value = id
    this.picked.sent()
    this.setStateValue("picked", { id, at: Date.now() })
    this.#draw()
  }

  #chooseTarget(classId) {
    this.target = classId
    this.stale = true
    this.#drawTarget()
    // On a phone the row scrolls: the chosen one to its middle.
    const { offsetLeft, offsetWidth } = this.chips.get(classId).box
    this.targets.scrollLeft = offsetLeft - (this.targets.clientWidth - offsetWidth) / 2
    this.#remember()
    this.#draw()
  }

  #drawTargets() {
    const { labels, colors } = this.view
    const wanted = JSON.stringify([labels, colors, this.view.settings.shown])
    if (this.targetsFor === wanted) return
    this.targetsFor = wanted
    this.chips = new Map()
    const chip = (classId, label) => {
      const box = element("span", "target")
      const button = element("button", "choose")
      button.type = "button"
      button.setAttribute("role", "radio")
      if (classId !== null) {
        const swatch = element("i", "swatch")
        swatch.style.background = colors[classId]
        button.append(swatch)
      }
      const count = element("b", "amount")
      const own = element("span", "own")
      button.append(element("span", "label", label), count, own)
      button.addEventListener("click", () => this.#chooseTarget(classId))
      box.append(button)
      const away = element("button", "away", "×")
      away.type = "button"
      away.hidden = true
      away.title = `${label} follows all classes again`
      away.setAttribute("aria-label", `Take away the own threshold of ${label}`)
      away.addEventListener("click", () => this.#forgetOwn(classId))
      if (classId !== null) {
        box.append(away)
        if (!this.#visible(classId)) {
          box.classList.add("off")
          button.title = "This class is not shown"
        }
      }
      this.chips.set(classId, { box, button, count, own, away })
      return box
    }
    const all = labels.map((label, id) => [id, label]).slice(1)
    this.targets.replaceChildren(
      chip(null, "All classes"),
      ...all.map(([id, label]) => chip(id, label)),
    )
  }

  // What follows from the target: the slider's place, the words at it.
  #drawTarget() {
    const target = this.target
    if (target !== null && !(target in this.view.labels)) this.target = null
    const value = this.#targetThreshold()
    this.slider.value = String(value)
    for (const [classId, { button, box }] of this.chips) {
      const chosen = classId === this.target
      button.setAttribute("aria-checked", String(chosen))
      button.tabIndex = chosen ? 0 : -1
      box.classList.toggle("chosen", chosen)
    }
  }

  #targetThreshold() {
    const target = this.target
    return target === null ? this.thresholds.value[0] : this.#threshold(target)
  }

  // --- drawing

  #draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.#drawNow()
    })
  }

  #drawNow() {
    if (!this.view || !this.width) return
    if (this.stale) {
      this.#follow()
      this.#drawThreshold()
      this.#drawCounts()
      this.#drawMarks()
    }
    this.#drawPhoto()
    this.#drawBoxes()
    this.#drawPanel()
    this.frames++
  }

  #drawThreshold() {
    const target = this.target
    const value = this.#targetThreshold()
    const own = new Map(this.thresholds.value[1])
    this.number.textContent = threshold(value)
    const label = target === null ? "" : this.view.labels[target]
    let words = target === null ? "Score threshold" : `Score threshold of ${label}`
    if (target !== null && !own.has(target)) words += " · as all classes"
    if (target === null && own.size) words += " · but for those with their own"
    if (this.waiting) words += " · applies on release"
    this.heading.textContent = words
    this.slider.setAttribute(
      "aria-label",
      target === null ? "Score threshold" : `Score threshold of ${label}`,
    )
    this.slider.setAttribute("aria-valuetext", threshold(value))
    const part = (Number(this.slider.value) - MIN_THRESHOLD) / (1 - MIN_THRESHOLD)
    this.slider.style.setProperty("--part", part)
    for (const [classId, chip] of this.chips) {
      if (classId === null) continue
      const has = own.has(classId)
      setText(chip.own, has ? `≥ ${threshold(own.get(classId))}` : "")
      chip.away.hidden = !has
    }
  }

  #drawCounts() {
    const { labels } = this.view
    const counts = new Array(labels.length).fill(0)
    for (const i of this.shown) counts[this.view.class[i]]++
    for (const [classId, chip] of this.chips) {
      setText(chip.count, String(classId === null ? this.shown.length : counts[classId]))
      chip.box.classList.toggle("none", classId !== null && !counts[classId])
    }
    const order = labels.map((_, id) => id).filter((id) => counts[id])
    order.sort((a, b) => counts[b] - counts[a] || a - b)
    const classes = order.map((id) => `${counts[id]} ${labels[id]}`).join(", ")
    const hidden = Math.max(this.view.kept_count - this.shown.length, 0)
    const shown = this.shown.length
    const text = `${plural(shown, "box", "boxes")} shown${classes ? ": " + classes : ""}`
    const line = `${text} · ${hidden} hidden`
    if (this.count.textContent !== line) {
      this.count.replaceChildren(element("b", "", text), ` · ${hidden} hidden`)
      this.canvas.setAttribute("aria-label", `The photo. ${line}`)
      // A screen reader is told once the slider rests.
      clearTimeout(this.speaking)
      this.speaking = setTimeout(() => setText(this.status, line), 400)
    }
    this.#drawLegend()
  }

  #drawLegend() {
    const { view } = this
    const parts = []
    const entry = (kind, text) => {
      const item = element("span", "entry")
      const key = element("i", "key " + kind)
      key.style.borderColor = COLORS[kind] ?? ""
      item.append(key, text)
      parts.push(item)
    }
    if (this.mode === "Right and wrong" && view.truth) {
      const counts = {}
      for (const i of this.shown) counts[view.outcome[i]] = (counts[view.outcome[i]] ?? 0) + 1
      const wrong = [3, 4, 5, 6, 7].filter((kind) => counts[kind])
      const sum = wrong.reduce((total, kind) => total + counts[kind], 0)
      const named = wrong.map((kind) => `${counts[kind]} ${OUTCOMES[kind][0]}`).join(", ")
      entry("right", `${counts[RIGHT] ?? 0} right`)
      entry("wrong", `${sum} wrong${named ? ": " + named : ""}`)
      entry("missed", `${this.#missed().length} missed`)
      if (counts[IGNORED]) entry("ignored", `${counts[IGNORED]} ignored`)
      if (counts[0]) entry("ignored", `${counts[0]} judged on release`)
    } else if (this.mode === "Right and wrong") {
      parts.push("There are no true boxes of this picture to judge by.")
    } else if (this.mode === "X-ray") {
      const above = this.#layer().length
      parts.push(
        `${plural(above + this.shown.length, "candidate", "candidates")} above the threshold, ` +
          `${above} of them removed. Pick a box to see which ones it suppressed.`,
      )
      if (view.left_out) parts.push(` (${view.left_out} weaker ones are not drawn)`)
    }
    if (this.appeared.size) entry("appeared", `${this.appeared.size} new`)
    if (this.vanished.size) entry("vanished", `${this.vanished.size} gone`)
    this.legend.replaceChildren(...parts)
    this.legend.hidden = !parts.length
  }

  // A stack for each step of the slider: there this many boxes come or go.
  #drawMarks() {
    const { width, height, ratio } = this.strip
    if (!width) return
    const context = this.marks.getContext("2d")
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, height)
    const total = (counts) => [...counts.values()].reduce((sum, count) => sum + count, 0)
    const most = Math.max(1, ...this.bins.map(total))
    const step = (width - THUMB) / 99
    const target = this.target
    for (let bin = 1; bin <= 100; bin++) {
      const counts = this.bins[bin]
      const sum = total(counts)
      if (!sum) continue
      // A tick that is seen for one box, and no hundredfold tower for a hundred.
      const tall = 5 + (height - 5) * (Math.log(sum) / Math.log(Math.max(most, 8)))
      const x = THUMB / 2 + (bin - 1) * step
      let y = height
      for (const [classId, count] of [...counts].sort((a, b) => a[0] - b[0])) {
        const part = (tall * count) / sum
        const aimed = target === null || target === classId
        const shown = bin / 100 >= this.#threshold(classId)
        context.globalAlpha = (shown ? 1 : 0.38) * (aimed ? 1 : 0.25)
        context.fillStyle = this.view.colors[classId]
        context.fillRect(x, y - part, Math.max(step - 1, 1.5), part)
        y -= part
      }
    }
    context.globalAlpha = 1
  }

  #missed() {
    const { truth } = this.view
    const all = truth.class.map((_, t) => t)
    return all.filter((t) => {
      if (truth.ignored[t] || !this.#visible(truth.class[t])) return false
      return truth.found_by[t] < 0 || !this.isShown[truth.found_by[t]]
    })
  }

  // The candidates above their thresholds that are not shown: NMS removed them, or a limit.
  #layer() {
    const rows = []
    for (let i = 0; i < this.scores.length; i++)
      if (!this.isShown[i] && this.#passes(i) && this.#visible(this.view.class[i])) rows.push(i)
    return rows
  }

  #scale() {
    const [width, height] = this.view.size
    const fit = Math.min(this.width / width, this.height / height)
    const scale = fit * this.zoom.k
    const place = (length, room, part) =>
      length * scale <= room
        ? (room - length * scale) / 2
        : Math.min(0, Math.max(room - length * scale, room / 2 - part * length * scale))
    return {
      scale,
      fit,
      left: place(width, this.width, this.zoom.x),
      top: place(height, this.height, this.zoom.y),
    }
  }

  #drawPhoto() {
    const { fit, left, top } = this.#scale()
    const { style } = this.photo
    style.width = `${this.view.size[0] * fit}px`
    style.height = `${this.view.size[1] * fit}px`
    style.transform = `translate(${left}px, ${top}px) scale(${this.zoom.k})`
    this.stage.classList.toggle("zoomed", this.zoom.k > 1)
  }

  // The box on the screen: x, y, width, height.
  #onScreen(box) {
    const { scale, left, top } = this.place
    return [
      left + box[0] * scale,
      top + box[1] * scale,
      (box[2] - box[0]) * scale,
      (box[3] - box[1]) * scale,
    ]
  }

  #drawBoxes() {
    const { view, context: pen } = this
    this.place = this.#scale()
    // Many boxes, or a small screen: thinner lines.
    this.weight = this.shown.length > 60 || this.width < 520 ? 0.7 : 1
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0)
    pen.clearRect(0, 0, this.width, this.height)
    pen.lineJoin = "round"
    const judging = this.mode === "Right and wrong" && view.truth !== null
    const picked = this.index.get(this.picked.value) ?? null
    const related = this.#related(picked)
    const partners = new Set(related)
    const focused = picked !== null && (this.isShown[picked] || partners.size > 0)
    const chips = []

    if (this.mode === "X-ray") this.#drawLayer(focused)
    if (judging) this.#drawTruths(chips, picked)
    const order = this.shown.slice().sort((a, b) => this.areas[b] - this.areas[a])
    for (const i of order) {
      if (i === picked) continue // on top of all, below
      const aside = focused && !partners.has(i)
      const { color } = this.#look(i, judging)
      this.#outline(i, color, aside ? 0.35 : 1, i === this.hovered)
    }
    this.#drawCompared(chips)
    if (this.mode === "X-ray" && picked !== null) this.#drawRelated(picked, related, chips)
    else if (picked !== null && !this.isShown[picked]) this.#dashed(picked, 0.9)
    if (picked !== null && this.isShown[picked]) {
      this.#outline(picked, this.#look(picked, judging).color, 1, true)
      const { color, ink, text } = this.#look(picked, judging)
      chips.push({ box: this.#box(picked), color, ink, text, first: 2, alpha: 1 })
    }
    for (const i of this.shown) {
      if (i === picked || (this.mode === "X-ray" && partners.has(i))) continue
      const { color, ink, text } = this.#look(i, judging)
      chips.push({ box: this.#box(i), color, ink, text, alpha: focused ? 0.35 : 1 })
    }
    this.#drawChips(chips)
  }

  // Colour, colour of the text on it, and label of a shown box.
  #look(i, judging) {
    const { view } = this
    const label = `${view.labels[view.class[i]]} ${score(this.scores[i])}`
    if (!judging)
      return {
        color: view.colors[view.class[i]],
        ink: view.text_colors[view.class[i]],
        text: label,
      }
    const outcome = view.outcome[i]
    if (outcome === RIGHT) return { color: COLORS.right, ink: "#ffffff", text: `✓ ${label}` }
    if (outcome === IGNORED || !outcome)
      return { color: COLORS.ignored, ink: "#000000", text: label }
    return { color: COLORS.wrong, ink: "#ffffff", text: `${OUTCOMES[outcome][0]} · ${label}` }
  }

  #outline(i, color, alpha, strong) {
    const pen = this.context
    const [x, y, width, height] = this.#onScreen(this.#box(i))
    pen.globalAlpha = alpha
    pen.strokeStyle = halo(color)
    pen.lineWidth = (strong ? 6 : 5) * this.weight
    pen.strokeRect(x, y, width, height)
    pen.globalAlpha = alpha * (strong ? 0.16 : 0.05)
    pen.fillStyle = color
    pen.fillRect(x, y, width, height)
    pen.globalAlpha = alpha
    pen.strokeStyle = color
    pen.lineWidth = (strong ? 3.5 : 2.5) * this.weight
    pen.strokeRect(x, y, width, height)
    pen.globalAlpha = 1
  }

  #dashed(i, alpha, color = null, width = 1.6) {
    const pen = this.context
    pen.globalAlpha = alpha
    pen.setLineDash([6, 4])
    pen.lineWidth = 1.6 + width
    pen.strokeStyle = "rgba(0,0,0,0.4)"
    pen.strokeRect(...this.#onScreen(this.#box(i)))
    pen.lineWidth = width
    pen.strokeStyle = color ?? this.view.colors[this.view.class[i]]
    pen.strokeRect(...this.#onScreen(this.#box(i)))
    pen.setLineDash([])
    pen.globalAlpha = 1
  }

  // Thin and faint: one path a class.
  #drawLayer(focused) {
    const pen = this.context
    const paths = new Map()
    for (const i of this.#layer()) {
      const classId = this.view.class[i]
      if (!paths.has(classId)) paths.set(classId, new Path2D())
      paths.get(classId).rect(...this.#onScreen(this.#box(i)))
    }
    for (const [classId, path] of paths) {
      pen.lineWidth = 2
      pen.globalAlpha = focused ? 0.06 : 0.16
      pen.strokeStyle = halo(this.view.colors[classId])
      pen.stroke(path)
      pen.lineWidth = 1
      pen.globalAlpha = focused ? 0.14 : 0.42
      pen.strokeStyle = this.view.colors[classId]
      pen.stroke(path)
    }
    pen.globalAlpha = 1
  }

  #drawTruths(chips, picked) {
    const { truth, labels } = this.view
    const pen = this.context
    const rectangle = (t) => this.#onScreen(truth.box.slice(4 * t, 4 * t + 4))
    pen.setLineDash([7, 5])
    const trace = (t, color, strong = false) => {
      pen.lineWidth = strong ? 9 : 4.5
      pen.strokeStyle = strong ? "#ffffff" : "rgba(0,0,0,0.5)"
      pen.strokeRect(...rectangle(t))
      pen.lineWidth = strong ? 5 : 2.5
      pen.strokeStyle = color
      pen.strokeRect(...rectangle(t))
    }
    truth.class.forEach((classId, t) => {
      if (!truth.ignored[t] || (classId && !this.#visible(classId))) return
      trace(t, COLORS.ignored)
      const text = classId ? `ignored: ${labels[classId]}` : "ignored"
      const box = truth.box.slice(4 * t, 4 * t + 4)
      chips.push({ box, color: COLORS.ignored, ink: "#000000", text, alpha: 1 })
    })
    const missed = this.#missed()
    const aim = missed.find((t) => this.picked.value === `truth-${t}`)
    for (const t of missed) {
      pen.globalAlpha = aim === undefined || t === aim ? 1 : 0.4
      trace(t, COLORS.missed, t === aim)
      // So many that their labels would hide the photo have none: the tip has it.
      if (t !== aim && (aim !== undefined || missed.length > MOST_MISSED_LABELS)) continue
      const text = `missed: ${labels[truth.class[t]]}`
      const box = truth.box.slice(4 * t, 4 * t + 4)
      chips.push({ box, color: COLORS.missed, ink: "#000000", text, alpha: 1, first: 1 })
    }
    pen.globalAlpha = 1
    // The true box that the picked one is about.
    if (picked !== null && this.view.about[picked] >= 0) trace(this.view.about[picked], "#ffffff")
    pen.setLineDash([])
  }

  #drawCompared(chips) {
    const pen = this.context
    for (const id of this.appeared) {
      const i = this.index.get(id)
      if (i === undefined || !this.isShown[i]) continue
      const [x, y, width, height] = this.#onScreen(this.#box(i))
      pen.lineWidth = 2.5
      pen.strokeStyle = APPEARED
      pen.strokeRect(x - 4, y - 4, width + 8, height + 8)
      chips.push({
        box: this.#box(i), color: APPEARED, ink: "#000000", text: "new", corner: true, first: 1,
        alpha: 1,
      })
    }
    for (const id of this.vanished) {
      const i = this.index.get(id)
      if (i === undefined || this.isShown[i] || !this.#passes(i)) continue
      this.#dashed(i, 1, VANISHED, 2.5)
      const label = this.view.labels[this.view.class[i]]
      const text = `gone: ${label} ${score(this.scores[i])}`
      chips.push({ box: this.#box(i), color: VANISHED, ink: "#000000", text, alpha: 1, first: 1 })
    }
  }

  // X-ray: whom the picked box suppressed, or who suppressed it. Best score first.
  #related(picked) {
    if (picked === null || this.mode !== "X-ray") return []
    if (this.suppressor[picked] >= 0) return [this.suppressor[picked]]
    const rows = []
    for (let i = 0; i < this.scores.length; i++) if (this.suppressor[i] === picked) rows.push(i)
    return rows
  }

  #drawRelated(picked, related, chips) {
    const pen = this.context
    const { view } = this
    const middle = (i) => {
      const [x, y, width, height] = this.#onScreen(this.#box(i))
      return [x + width / 2, y + height / 2]
    }
    const suppressed = this.suppressor[picked] >= 0
    const above = related.filter((i) => this.#passes(i))
    if (!suppressed) {
      // The weak ones are no more than a shade: at these thresholds they would not show anyway.
      const weak = new Path2D()
      for (const i of related) if (!this.#passes(i)) weak.rect(...this.#onScreen(this.#box(i)))
      pen.globalAlpha = 0.35
      pen.lineWidth = 1
      pen.strokeStyle = view.colors[view.class[picked]]
      pen.stroke(weak)
      pen.globalAlpha = 1
    }
    for (const i of above.slice().reverse()) {
      if (suppressed) continue
      this.#dashed(i, i === this.hovered ? 1 : 0.95)
      this.#line(middle(picked), middle(i))
      const text = `IoU ${this.#iou(this.ious[i])} · ${score(this.scores[i])}`
      const edge = view.colors[view.class[i]]
      chips.push({ box: this.#box(i), color: "#ffffff", edge, ink: "#10171b", text, first: 1,
                   alpha: 1 })
    }
    if (suppressed) {
      const by = this.suppressor[picked]
      this.#outline(by, view.colors[view.class[by]], 1, true)
      this.#dashed(picked, 1)
      this.#line(middle(by), middle(picked))
      const color = view.colors[view.class[picked]]
      const text = `removed: IoU ${this.#iou(this.ious[picked])} · ${score(this.scores[picked])}`
      chips.push({ box: this.#box(picked), color: "#ffffff", edge: color, ink: "#10171b", text,
                   first: 2, alpha: 1 })
      const look = this.#look(by, false)
      chips.push({ ...look, box: this.#box(by), first: 2, alpha: 1 })
    }
    if (this.hovered !== null && related.includes(this.hovered)) this.#dashed(this.hovered, 1)
  }

  #line(from, to) {
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 2 * CHIP_HEIGHT) return
    const pen = this.context
    for (const [color, width] of [["rgba(0,0,0,0.55)", 3.5], ["#ffffff", 1.5]]) {
      pen.strokeStyle = color
      pen.fillStyle = color
      pen.lineWidth = width
      pen.beginPath()
      pen.moveTo(...from)
      pen.lineTo(...to)
      pen.stroke()
      pen.beginPath()
      pen.arc(to[0], to[1], 1.8 + width / 2, 0, 7)
      pen.fill()
    }
  }

  // An IoU with so many digits that it is seen to be above the threshold.
  #iou(value) {
    const text = value.toFixed(2)
    return Number(text) <= this.view.settings.iou ? value.toFixed(4) : text
  }

  // Labels are of the screen's size at any zoom. The best choose first; who finds no room has none.
  #drawChips(chips) {
    const pen = this.context
    pen.font = FONT
    pen.textBaseline = "middle"
    chips.sort((a, b) => (b.first ?? 0) - (a.first ?? 0)) // stable: by score
    // The buttons' corner is taken.
    const taken = [24, 44].map((up) => ({ x: this.width - 112, y: this.height - up, width: 112 }))
    const free = (x, y, width) => {
      if (x < 0 || y < 0 || x + width > this.width || y + CHIP_HEIGHT > this.height) return false
      for (const chip of taken)
        if (
          chip.x < x + width + 1 &&
          x < chip.x + chip.width + 1 &&
          chip.y < y + CHIP_HEIGHT + 1 &&
          y < chip.y + CHIP_HEIGHT + 1
        )
          return false
      return true
    }
    for (const chip of chips) {
      const [left, top, wide, high] = this.#onScreen(chip.box)
      // The part of the box that is in the window.
      const [x, y] = [Math.max(left, 0), Math.max(top, 0)]
      const [right, bottom] = [Math.min(left + wide, this.width), Math.min(top + high, this.height)]
      if (right <= x || bottom <= y) continue
      const width = this.#textWidth(chip.text) + 12
      const small = high < 2.5 * CHIP_HEIGHT || wide < width
      const outside = [
        [x - 1, y - CHIP_HEIGHT],
        [right - width + 1, y - CHIP_HEIGHT],
        [x - 1, bottom],
        [right - width + 1, bottom],
        [right + 2, (y + bottom - CHIP_HEIGHT) / 2],
        [x - width - 2, (y + bottom - CHIP_HEIGHT) / 2],
      ]
      const inside = [
        [x + 1, y + 1],
        [right - width - 1, y + 1],
        [x + 1, bottom - CHIP_HEIGHT - 1],
        [right - width - 1, bottom - CHIP_HEIGHT - 1],
      ]
      const places = small ? outside : [...outside.slice(0, 2), ...inside, ...outside.slice(2)]
      if (chip.corner) places.unshift([right - width + 6, y - CHIP_HEIGHT - 3])
      const place = places.find((corner) => free(...corner, width))
      if (!place) continue
      taken.push({ x: place[0], y: place[1], width })
      pen.globalAlpha = chip.alpha
      pen.fillStyle = chip.color
      pen.beginPath()
      pen.roundRect(...place, width, CHIP_HEIGHT, 4)
      pen.fill()
      if (chip.edge) {
        pen.strokeStyle = chip.edge
        pen.lineWidth = 2
        pen.stroke()
      }
      pen.fillStyle = chip.ink
      pen.fillText(chip.text, place[0] + 6, place[1] + CHIP_HEIGHT / 2 + 0.5)
    }
    pen.globalAlpha = 1
  }

  #textWidth(text) {
    let width = this.widths.get(text)
    if (width === undefined) {
      if (this.widths.size > 5000) this.widths.clear()
      width = this.context.measureText(text).width
      this.widths.set(text, width)
    }
    return width
  }

  // --- the panel under the photo

  #drawPanel() {
    const picked = this.index.get(this.picked.value) ?? null
    const related = this.#related(picked)
    const above = related.filter((i) => this.#passes(i)).length
    const own = picked === null
      ? []
      : [this.isShown[picked], this.kept[picked], this.#threshold(this.view.class[picked])]
    const state = JSON.stringify([picked, own, this.mode, related.length, above, related[0]])
    if (state === this.panelFor) return
    this.panelFor = state
    this.panel.hidden = picked === null
    if (picked === null) return this.panel.replaceChildren()
    const words = element("p", "words")
    words.append(...this.#words(picked, related))
    const close = element("button", "close", "×")
    close.type = "button"
    close.setAttribute("aria-label", "Unpick")
    close.addEventListener("click", () => this.#pick(null))
    const parts = [close, words]
    if (this.mode === "X-ray" && this.suppressor[picked] < 0 && related.length) {
      const list = element("ul", "suppressed")
      related.forEach((i, place) => {
        if (place === above) {
          const rest = related.length - above
          list.append(
            element("li", "rest", `${rest} more below the threshold: hidden even without NMS`),
          )
        }
        list.append(this.#row(i, place >= above))
      })
      parts.push(list)
    }
    this.panel.replaceChildren(...parts)
  }

  #row(i, weak) {
    const item = element("li", weak ? "weak" : "")
    const button = element("button", "row")
    button.type = "button"
    const bar = element("span", "bar")
    bar.style.setProperty("--iou", this.ious[i])
    button.append(...this.#name(i), bar, element("span", "iou", `IoU ${this.#iou(this.ious[i])}`))
    const point = (on) => () => {
      this.hovered = on ? i : null
      this.#draw()
    }
    button.addEventListener("pointerenter", point(true))
    button.addEventListener("pointerleave", point(false))
    button.addEventListener("click", () => this.#pick(i))
    item.append(button)
    return item
  }

  #name(i) {
    const { view } = this
    const swatch = element("i", "swatch")
    swatch.style.background = view.colors[view.class[i]]
    return [swatch, element("b", "", `${view.labels[view.class[i]]} ${score(this.scores[i])}`)]
  }

  #words(picked, related) {
    const { view } = this
    const classId = view.class[picked]
    const name = this.#name(picked)
    const iou = threshold(view.settings.iou)
    if (this.mode === "X-ray" && this.suppressor[picked] >= 0) {
      const by = this.suppressor[picked]
      const better = `${view.labels[view.class[by]]} ${score(this.scores[by])}`
      const show = element("button", "link", better)
      show.type = "button"
      show.addEventListener("click", () => this.#pick(by))
      const overlap = ` overlaps it with IoU ${this.#iou(this.ious[picked])}, above ${iou}.`
      return [...name, " was removed: ", show, overlap]
    }
    if (!this.isShown[picked]) return [...name, ` is hidden: ${this.#whyHidden(picked)}.`]
    if (this.mode === "X-ray") {
      const amount = plural(related.length, "box", "boxes")
      return related.length
        ? [...name, ` suppressed ${amount} that ${related.length === 1 ? "overlaps" : "overlap"} ` +
            `it with an IoU above ${iou}:`]
        : [...name, ` suppressed nothing: no weaker box overlaps it with an IoU above ${iou}.`]
    }
    const words = [...name, ` · ${this.#size(picked)}`]
    if (view.outcome && view.outcome[picked]) {
      const about = view.about[picked]
      const object = about >= 0 ? ` (IoU ${view.overlap[picked].toFixed(2)} with ` +
        `${view.labels[view.truth.class[about]]})` : ""
      words.push(` · ${OUTCOMES[view.outcome[picked]][1]}${object}`)
    }
    words.push(` · threshold of ${view.labels[classId]}: ${threshold(this.#threshold(classId))}`)
    return words
  }

  #whyHidden(i) {
    const { view } = this
    const classId = view.class[i]
    const label = view.labels[classId]
    if (!this.#visible(classId)) return `${label} is not among the classes shown`
    if (!this.#passes(i)) return `its score is below ${threshold(this.#threshold(classId))}`
    if (this.suppressor[i] >= 0)
      return `a better box overlaps it with IoU ${this.#iou(this.ious[i])}`
    if (!this.kept[i]) return "its class has too many better boxes"
    return `${view.settings.top_k} better boxes are shown already`
  }

  #size(i) {
    const [xmin, ymin, xmax, ymax] = this.#box(i)
    return `${Math.round(xmax - xmin)} × ${Math.round(ymax - ymin)} px`
  }

  // --- pointer, wheel, keys

  #listen() {
    const { canvas, slider, photo, stage } = this
    slider.addEventListener("input", () => {
      this.dragging = true
      this.#setThreshold(Number(slider.value))
    })
    // A held key moves the slider many times: Python hears of it when the key is let go.
    let held = false
    const release = () => {
      if (held || !this.dragging) return
      this.dragging = false
      if (this.thresholds.unsent) this.#sendThresholds()
    }
    slider.addEventListener("keydown", () => (held = true))
    slider.addEventListener("change", release)
    for (const name of ["keyup", "blur"])
      slider.addEventListener(name, () => {
        held = false
        release()
      })
    // Dragged away and back there is no change event. Else it comes after this one.
    for (const name of ["pointerup", "pointercancel"])
      slider.addEventListener(name, () => setTimeout(release))
    this.targets.addEventListener("keydown", (event) => this.#moveTarget(event))

    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false })
    canvas.addEventListener("pointerdown", (event) => this.#down(event))
    canvas.addEventListener("pointermove", (event) => this.#move(event))
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => this.#up(event))
    canvas.addEventListener("pointerleave", () => this.#hover(null))
    canvas.addEventListener("dblclick", () => this.#zoomTo(WHOLE))
    canvas.addEventListener("keydown", (event) => this.#key(event))
    const button = (name, act) => stage.querySelector(name).addEventListener("click", act)
    button(".in", () => this.#zoomBy(1.5))
    button(".out", () => this.#zoomBy(1 / 1.5))
    button(".reset", () => this.#zoomTo(WHOLE))
    photo.addEventListener("load", () => {
      photo.hidden = false
      this.#say("")
    })
    photo.addEventListener("error", () => this.#say("The photo could not be loaded."))
  }

  #moveTarget(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const keys = [...this.chips.keys()]
    const next = keys[(keys.indexOf(this.target) + step + keys.length) % keys.length]
    this.#chooseTarget(next)
    this.chips.get(next).button.focus()
  }

  #load(source) {
    this.source = source
    this.photo.hidden = true
    this.#say(source ? "Loading the photo…" : "There is no photo.")
    if (source) this.photo.src = source
    else this.photo.removeAttribute("src")
  }

  #say(text) {
    this.notice.textContent = text
    this.notice.hidden = !text
  }

  #resized() {
    // Measured here only: while scrubbing it would force a layout in each frame.
    this.strip = fitted(this.marks)
    const { width, height, ratio } = fitted(this.canvas)
    Object.assign(this, { width, height, ratio })
    if (width && this.view) {
      this.stale = true
      this.#draw()
    }
  }

  #place(event) {
    const bounds = this.canvas.getBoundingClientRect()
    return [event.clientX - bounds.left, event.clientY - bounds.top]
  }

  #wheel(event) {
    // At its full size the photo lets the page scroll on.
    if (this.zoom.k === 1 && event.deltaY > 0) return
    event.preventDefault()
    this.#halt()
    const step = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY
    this.#zoomAt(this.#place(event), Math.exp(-step * (event.ctrlKey ? 0.01 : 0.002)))
    this.#draw()
  }

  // Zoom such that the place of the photo under the pointer stays there.
  #zoomAt([x, y], factor) {
    const { scale, fit, left, top } = this.#scale()
    const k = Math.min(Math.max(this.zoom.k * factor, 1), Math.max(8, 6 / fit))
    this.#lookAt(k, (x - left) / scale, (y - top) / scale, x, y)
  }

  // Show the photo's pixel (across, down) at (x, y) on the screen.
  #lookAt(k, across, down, x, y) {
    const [width, height] = this.view.size
    const scale = Math.min(this.width / width, this.height / height) * k
    const part = (length, room, pixel, at) => {
      const half = room / (2 * scale * length)
      const middle = pixel / length - (at - room / 2) / (scale * length)
      return half >= 0.5 ? 0.5 : Math.min(Math.max(middle, half), 1 - half)
    }
    this.zoom =
      k <= 1
        ? WHOLE
        : { k, x: part(width, this.width, across, x), y: part(height, this.height, down, y) }
    this.#remember()
  }

  #panBy(x, y) {
    this.#halt()
    const { scale, left, top } = this.#scale()
    const [middle, centre] = [this.width / 2, this.height / 2]
    const [across, down] = [(middle - left) / scale, (centre - top) / scale]
    this.#lookAt(this.zoom.k, across, down, middle + x, centre + y)
    this.#draw()
  }

  #zoomBy(factor) {
    const before = this.zoom
    this.zoom = this.goal ?? before // a second step comes on top of the first, however quick
    this.#zoomAt([this.width / 2, this.height / 2], factor)
    const after = this.zoom
    this.zoom = before
    this.#zoomTo(after)
  }

  #zoomTo(after) {
    const before = this.zoom
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches
    const start = performance.now()
    this.#halt()
    this.goal = after
    const step = (now) => {
      const part = still ? 1 : Math.min(Math.max((now - start) / ANIMATION_MS, 0), 1)
      if (part === 1) this.goal = null
      const eased = 1 - (1 - part) ** 3
      const between = (name) => before[name] + (after[name] - before[name]) * eased
      this.zoom = part === 1 ? after : { k: between("k"), x: between("x"), y: between("y") }
      this.#remember()
      this.#draw()
      if (part < 1) this.motion = requestAnimationFrame(step)
    }
    step(start)
  }

  #halt() {
    cancelAnimationFrame(this.motion)
    this.goal = null
  }

  #remember() {
    const { digest } = this.view
    remembered.set(this.name, { digest, zoom: this.zoom, target: this.target })
  }

  #down(event) {
    if (event.button > 0) return
    this.canvas.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, this.#place(event))
    if (this.pointers.size === 1) this.moved = 0
    else this.moved = Infinity // two fingers are no click
  }

  #move(event) {
    const now = this.#place(event)
    const before = this.pointers.get(event.pointerId)
    if (!before) return event.pointerType === "mouse" ? this.#hover(now) : undefined
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId)[0].slice(1)
      const distance = (a) => Math.hypot(a[0] - other[0], a[1] - other[1])
      const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]
      this.#zoomAt(middle, distance(now) / Math.max(distance(before), 1))
      this.#panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2)
    } else {
      this.moved += Math.hypot(now[0] - before[0], now[1] - before[1])
      if (this.moved >= 4 && this.zoom.k > 1) {
        this.#hideTip()
        this.stage.classList.add("grabbing")
        this.#panBy(now[0] - before[0], now[1] - before[1])
      }
    }
    this.pointers.set(event.pointerId, now)
  }

  #up(event) {
    const known = this.pointers.delete(event.pointerId)
    this.stage.classList.remove("grabbing")
    if (!known || event.type === "pointercancel" || this.pointers.size || this.moved >= 4) return
    this.#pick(this.#hit(this.#place(event)))
  }

  // The smallest shown box there. X-ray: also the removed candidate whose outline is there.
  #hit([x, y]) {
    this.place = this.#scale()
    const inside = (i) => {
      const [left, top, width, height] = this.#onScreen(this.#box(i))
      return x >= left && x <= left + width && y >= top && y <= top + height
    }
    const smaller = (best, i) =>
      best !== null && this.areas[best] <= this.areas[i] ? best : i
    const smallest = (rows) => rows.filter(inside).reduce(smaller, null)
    if (this.mode !== "X-ray") return smallest(this.shown)
    const distance = (i) => {
      const [left, top, width, height] = this.#onScreen(this.#box(i))
      const [right, bottom] = [left + width, top + height]
      if (x < left - 5 || x > right + 5 || y < top - 5 || y > bottom + 5) return Infinity
      return Math.min(...[x - left, x - right, y - top, y - bottom].map(Math.abs))
    }
    let nearest = null
    let best = 5
    for (const i of [...this.shown, ...this.#layer()]) {
      const far = distance(i) - (this.isShown[i] ? 2 : 0)
      if (far < best) [nearest, best] = [i, far]
    }
    return nearest ?? smallest(this.shown) ?? smallest(this.#layer())
  }

  #hover(place) {
    if (!this.view || !this.shown) return
    const i = place === null ? null : this.#hit(place)
    if (i !== this.hovered) {
      this.hovered = i
      this.#draw()
    }
    this.canvas.style.cursor = i !== null ? "pointer" : ""
    const lines = i !== null ? this.#tipOf(i) : place && this.#tipOfMissed(place)
    if (!lines) return this.#hideTip()
    this.tip.replaceChildren(...lines)
    this.tip.hidden = false
    const [x, y] = place
    const { offsetWidth: width, offsetHeight: height } = this.tip
    const left = x + 14 + width > this.width ? x - 14 - width : x + 14
    const top = Math.min(y + 14, this.height - height - 4)
    this.tip.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(top, 4)}px)`
  }

  #hideTip() {
    this.tip.hidden = true
  }

  #tipOf(i) {
    const { view } = this
    const head = element("div", "head")
    head.append(...this.#name(i))
    const lines = [head, element("div", "", this.#size(i))]
    if (view.outcome && view.outcome[i] && this.mode === "Right and wrong") {
      lines.push(element("div", "", OUTCOMES[view.outcome[i]][1]))
      if (view.overlap[i])
        lines.push(element("div", "", `IoU ${view.overlap[i].toFixed(2)} with the true box`))
    }
    if (this.mode === "X-ray" && this.suppressor[i] >= 0)
      lines.push(element("div", "", `removed: IoU ${this.#iou(this.ious[i])} with a better box`))
    return lines
  }

  #tipOfMissed([x, y]) {
    if (this.mode !== "Right and wrong" || !this.view.truth) return null
    const { truth, labels } = this.view
    const hit = this.#missed().find((t) => {
      const [left, top, width, height] = this.#onScreen(truth.box.slice(4 * t, 4 * t + 4))
      return x >= left && x <= left + width && y >= top && y <= top + height
    })
    if (hit === undefined) return null
    return [element("div", "head", `missed: ${labels[truth.class[hit]]}`)]
  }

  #key(event) {
    const step = 60
    const pans = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "+" || event.key === "=") this.#zoomBy(1.5)
    else if (event.key === "-") this.#zoomBy(1 / 1.5)
    else if (event.key === "0") this.#zoomTo(WHOLE)
    else if (event.key === "Escape") this.#pick(null)
    else if (event.key === "n" || event.key === "p") this.#pickNext(event.key === "n" ? 1 : -1)
    else if (pans[event.key] && this.zoom.k > 1) this.#panBy(...pans[event.key])
    else return
    event.preventDefault()
  }

  // The next box by score, round and round.
  #pickNext(step) {
    const count = this.shown.length
    if (!count) return
    const place = this.shown.indexOf(this.index.get(this.picked.value) ?? -1)
    this.#pick(this.shown[place < 0 ? (step > 0 ? 0 : count - 1) : (place + step + count) % count])
  }
}

// [score, [[class id, own threshold], …]] with rising ids.
function thresholdsOf(view) {
  const { score, classes } = view.settings
  const own = Object.entries(classes).map(([id, value]) => [Number(id), value])
  return [score, own.sort((a, b) => a[0] - b[0])]
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other)
}

function element(tag, name, text = "") {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text) made.textContent = text
  return made
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

// Give the canvas as many pixels as the screen has where it is; its size, and pixels a CSS pixel.
function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas
  const ratio = window.devicePixelRatio || 1
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across
    canvas.height = down
  }
  return { width, height, ratio }
}

function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`
}

function score(value) {
  return value.toFixed(2)
}

// Two digits, or what an adopted threshold has of them.
function threshold(value) {
  const text = value.toFixed(2)
  return Math.abs(Number(text) - value) < 5e-5 ? text : value.toFixed(4)
}

// Light around a dark colour and dark around a light one: seen on any photo.
function halo(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
  const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 120
  return dark ? "rgba(255,255,255,0.6)" : "rgba(0,0,0,0.5)"
}
