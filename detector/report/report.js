// What moves in a report: the score threshold of its images, and its charts.

/**
 * A group of images under one slider; `for_script` in boxes.py has the same fields.
 *
 * @typedef {object} Moved
 * @property {number} threshold the report's own
 * @property {number} most so many boxes show in an image
 * @property {number[]} own ids of the classes that have a threshold of their own
 * @property {string[]} labels by class id
 * @property {[string, string][]} colors of boxes, and of text on them
 * @property {Box[][]} images the boxes of each, best first
 *
 * left, top, right and bottom in pixels, score, class id, place in `colors`
 * @typedef {[number, number, number, number, number, number, number]} Box
 */

const SVG = "http://www.w3.org/2000/svg"
const PAPER = 690 // px between the margins of an A4 page
/** @type {{ one: string, other: string }} */
const texts = JSON.parse(text(document, "#texts"))

for (const group of document.querySelectorAll(".photos")) move(group)
await charts()

/** @param {Element} group */
function move(group) {
  /** @type {Moved} */
  const moved = JSON.parse(text(group, ".moved"))
  const shots = [...group.querySelectorAll(".photo")].map((photo) => ({
    shot: /** @type {HTMLElement} */ (photo.querySelector(".shot")),
    said: /** @type {HTMLElement} */ (photo.querySelector(".said")),
  }))
  const asExported = shots.map(({ said }) => said.textContent)
  const slider = group.querySelector("input")
  const output = group.querySelector("output")
  const back = group.querySelector("button")
  let threshold = moved.threshold

  const draw = () =>
    shots.forEach(({ shot, said }, place) => {
      const boxes = slider ? shown(moved, place, threshold) : moved.images[place]
      drawBoxes(shot, moved, boxes)
      said.textContent = threshold == moved.threshold ? asExported[place] : words(boxes.length)
    })
  /** @param {number} count */
  const words = (count) =>
    texts[count == 1 ? "one" : "other"]
      .replace("{count}", String(count))
      .replace("{threshold}", threshold.toFixed(2))

  /** @param {number} to */
  const set = (to) => {
    threshold = to
    if (output) output.textContent = to.toFixed(2)
    if (back) back.disabled = to == moved.threshold
    draw()
  }
  if (slider && back) {
    slider.closest("div")?.removeAttribute("hidden")
    slider.addEventListener("input", () => set(Number(slider.value)))
    back.addEventListener("click", () => {
      slider.value = String(moved.threshold)
      set(moved.threshold)
    })
  }
  // Labels keep their size, so which ones have room depends on the image's.
  new ResizeObserver(draw).observe(group)
}

/**
 * What the program's own post-processing shows: a score is a 32-bit number, and so is a threshold.
 *
 * @param {Moved} moved
 * @param {number} place
 * @param {number} threshold
 */
function shown(moved, place, threshold) {
  const least = Math.fround(threshold)
  return moved.images[place]
    .filter((box) => moved.own.includes(box[5]) || Math.fround(box[4]) >= least)
    .slice(0, moved.most)
}

/**
 * @param {HTMLElement} shot
 * @param {Moved} moved
 * @param {Box[]} boxes
 */
function drawBoxes(shot, moved, boxes) {
  const lines = []
  for (const [left, top, right, bottom, score, id, place] of boxes.toReversed()) {
    const [color, ink] = moved.colors[place]
    const sides = { x: left, y: top, width: right - left, height: bottom - top }
    const line = element("rect", { ...sides, stroke: color })
    line.append(element("title", {}))
    if (line.firstChild) line.firstChild.textContent = `${moved.labels[id]} ${score.toFixed(2)}`
    lines.push(element("rect", { ...sides, stroke: ink, class: "halo" }), line)
  }
  shot.querySelector(".boxes")?.replaceChildren(...lines)
  drawLabels(shot, moved, boxes)
}

/**
 * The best scored choose first, above their box or in it; who finds no room has none.
 *
 * @param {HTMLElement} shot
 * @param {Moved} moved
 * @param {Box[]} boxes
 */
function drawLabels(shot, moved, boxes) {
  const labels = /** @type {HTMLElement} */ (shot.querySelector(".labels"))
  const { clientWidth: width, clientHeight: height } = shot
  const scale = width / Number(shot.dataset.width)
  const made = boxes.map(([, , , , score, id, place]) => {
    const label = document.createElement("span")
    label.textContent = `${moved.labels[id]} ${score.toFixed(2)}`
    label.style.background = moved.colors[place][0]
    label.style.color = moved.colors[place][1]
    return label
  })
  labels.replaceChildren(...made)
  const widths = made.map((label) => label.offsetWidth)
  const high = made[0]?.offsetHeight ?? 0
  /** @type {[number, number, number][]} */
  const taken = []
  made.forEach((label, index) => {
    const [left, top, right, bottom] = boxes[index].slice(0, 4).map((side) => side * scale)
    const wide = widths[index]
    const place = [top - high, top, bottom, bottom - high]
      .flatMap((y) => [left, right - wide].map((x) => [x, y]))
      .map(([x, y]) => [within(x, width - wide), within(y, height - high)])
      .find(([x, y]) =>
        taken.every(
          ([otherX, otherY, otherWide]) =>
            x >= otherX + otherWide || otherX >= x + wide || Math.abs(y - otherY) >= high,
        ),
      )
    if (!place) return label.remove()
    const [x, y] = place
    taken.push([x, y, wide])
    label.style.left = `${(100 * x) / width}%`
    label.style.top = `${(100 * (y + high / 2)) / height}%`
  })
}

/** Plotly is packed in the file. Where it cannot be unpacked the charts' words stay. */
async function charts() {
  const packed = document.querySelector("#plotly")
  if (!packed) return
  const bytes = Uint8Array.from(atob(packed.textContent ?? ""), (letter) => letter.charCodeAt(0))
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  const script = document.createElement("script")
  script.nonce = /** @type {HTMLElement} */ (document.querySelector("script[nonce]")).nonce
  script.textContent = await new Response(unpacked).text()
  document.head.append(script)
  const { Plotly } = /** @type {any} */ (window)
  const plots = [...document.querySelectorAll(".chart")].map((chart) => {
    const plot = /** @type {HTMLElement} */ (chart.querySelector(".plot"))
    const { data, layout } = JSON.parse(text(chart, ".figure"))
    layout.font = { family: getComputedStyle(document.body).fontFamily }
    layout.xaxis = { automargin: true, ...layout.xaxis }
    layout.yaxis = { automargin: true, ...layout.yaxis }
    layout.hoverlabel = { align: "left", ...layout.hoverlabel }
    layout.clickmode = "event"
    plot.replaceChildren()
    Plotly.newPlot(plot, data, layout, { displayModeBar: false, responsive: true, locale: "en" })
    return plot
  })
  // Paper has another width than the window, and no script has a turn once it is laid out.
  addEventListener("beforeprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: PAPER })
  })
  addEventListener("afterprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: null, autosize: true })
  })
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  return made
}

/**
 * @param {number} value
 * @param {number} most
 */
function within(value, most) {
  return Math.max(0, Math.min(value, most))
}

/**
 * @param {ParentNode} inside
 * @param {string} selector
 */
function text(inside, selector) {
  return inside.querySelector(selector)?.textContent ?? ""
}
