"""Before and after on one picture: A's boxes left of a handle, B's right of it.

The handle moves in the browser, by mouse, finger or arrow keys, without a run of the script.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from detector.drawing.colors import text_color
from detector.drawing.marks import label_places, label_texts
from detector.evaluation.pairing import KIND_COLORS, KIND_NAMES, Kind, Pairing
from detector.ssd import Detections

# Between the sizes of the photo on a laptop's screen and on a phone's.
_USUAL_SIZE = (600, 480)

_CSS = """
.kinds { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; margin-bottom: 0.35rem; }
.kinds button { all: unset; cursor: pointer; font: 13px/1.7 var(--st-font, sans-serif); }
.kinds button:focus-visible { outline: 2px solid var(--st-primary-color, #0b6e7f); }
.kinds [aria-pressed=false] { opacity: 0.4; }
.kinds i { display: inline-block; width: 12px; height: 12px; margin-right: 0.45rem; }
[hidden] { display: none; }
.swipe { position: relative; margin: 0 auto; width: min(100%, calc(62vh * var(--aspect)));
  aspect-ratio: var(--aspect); cursor: ew-resize; touch-action: pan-y; user-select: none;
  border-radius: 0.4rem; overflow: hidden; font: 600 12px/1.35 var(--st-font, sans-serif); }
.swipe img { position: absolute; inset: 0; width: 100%; height: 100%; }
.layer { position: absolute; inset: 0; }
.box { position: absolute; box-sizing: border-box; border: 2.5px solid; }
.box::before { content: ""; position: absolute; inset: -3.5px; border: 1px solid #0008; }
.layer > span { position: absolute; white-space: nowrap; z-index: 1; }
.handle { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 0 1px #0008; outline: none; }
.handle::after { content: "\\2194"; position: absolute; top: 50%; left: 50%; width: 34px;
  height: 34px; margin: -17px; border-radius: 50%; background: #fff; color: #15232b;
  font: 20px/33px sans-serif; text-align: center; box-shadow: 0 0 4px #000a; }
.handle:focus-visible::after { box-shadow: 0 0 0 3px var(--st-primary-color, #0b6e7f); }
.side { position: absolute; bottom: 8px; padding: 0.1em 0.6em; border-radius: 0.7em; color: #fff;
  background: #000a; max-width: 46%; box-sizing: border-box; z-index: 1; }
"""

_JS = """
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".swipe");
  root.style.setProperty("--aspect", data.width / data.height);
  const make = (tag, name, parent) => {
    const made = document.createElement(tag);
    made.className = name;
    parent.append(made);
    return made;
  };
  // A new picture in the same element keeps what is hidden, and where the handle is.
  const hidden = (root.hiddenKinds ??= new Set());
  const legend = parentElement.querySelector(".kinds");
  legend.replaceChildren();
  for (const { kind, name, color } of data.kinds) {
    const entry = make("button", "", legend);
    make("i", "", entry).style.background = color;
    entry.append(name);
    const show = () => {
      entry.setAttribute("aria-pressed", !hidden.has(kind));
      for (const box of root.querySelectorAll(`[data-kind=${kind}]`))
        box.hidden = hidden.has(kind);
    };
    entry.onclick = () => {
      if (!hidden.delete(kind)) hidden.add(kind);
      show();
    };
    queueMicrotask(show);
  }
  root.replaceChildren();
  const photo = make("img", "", root);
  photo.src = data.photo;
  photo.alt = data.alt;
  photo.draggable = false;
  const layers = data.sides.map((side, index) => {
    const layer = make("div", "layer", root);
    for (const [kind, left, top, width, height, color, ink, text, place] of side.boxes) {
      const box = make("div", "box", layer);
      box.dataset.kind = kind;
      Object.assign(box.style, { left: left + "%", top: top + "%", width: width + "%",
        height: height + "%", borderColor: color });
      box.title = text;
      if (!place) continue; // no room
      const label = make("span", "", layer);
      label.dataset.kind = kind;
      label.textContent = text;
      Object.assign(label.style, { left: place[0] + "%", background: color, color: ink,
        top: `clamp(0.7em, ${place[1]}%, 100% - 0.7em)`,
        transform: `translate(${place[2] ? -100 : 0}%, -50%)` });
    }
    const name = make("div", "side", layer);
    name.style[index ? "right" : "left"] = "8px";
    name.textContent = side.name;
    return layer;
  });
  const handle = make("div", "handle", root);
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", "Where A ends and B begins");
  handle.setAttribute("aria-valuemin", 0);
  handle.setAttribute("aria-valuemax", 100);
  const place = (percent) => {
    root.dataset.percent = percent = Math.min(Math.max(percent, 0), 100);
    handle.style.left = percent + "%";
    handle.setAttribute("aria-valuenow", Math.round(percent));
    layers[0].style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
    layers[1].style.clipPath = `inset(0 0 0 ${percent}%)`;
  };
  place(Number(root.dataset.percent ?? 50));
  root.onpointerdown = (event) => {
    root.setPointerCapture(event.pointerId);
    root.onpointermove(event);
  };
  root.onpointermove = (event) => {
    if (!root.hasPointerCapture(event.pointerId)) return;
    const frame = root.getBoundingClientRect();
    place(((event.clientX - frame.left) / frame.width) * 100);
  };
  handle.onkeydown = (event) => {
    const now = Number(root.dataset.percent);
    const to = { ArrowLeft: now - 2, ArrowRight: now + 2, Home: 0, End: 100 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    place(to);
  };
}
"""

_swipe = st.components.v2.component(
    "commodity_lens.swipe",
    html='<div class="kinds"></div><div class="swipe"></div>',
    css=_CSS,
    js=_JS,
)


def show(
    photo_url: str,
    size: tuple[int, int],
    pairing: Pairing,
    labels: Sequence[str],
    *,
    names: tuple[str, str],
    alt: str,
    key: str,
) -> None:
    """The photo under both sides' boxes, in the colours of the linked figure.

    Args:
        size: (width, height) of the original, in pixels.
        names: of the sides, in their lower corners.
        alt: what the picture shows, for a screen reader.
    """
    _swipe(
        key=key,
        data={
            "photo": photo_url,
            "width": size[0],
            "height": size[1],
            "alt": alt,
            "kinds": [
                {
                    "kind": kind.name,
                    "name": f"{KIND_NAMES[kind]} · {count}",
                    "color": KIND_COLORS[kind],
                }
                for kind, count in pairing.counts().items()
            ],
            "sides": [
                {"name": name, "boxes": _boxes(found, pairing, side, size, labels)}
                for name, found, side in zip(names, (pairing.a, pairing.b), "ab", strict=True)
            ],
        },
    )


def _boxes(
    found: Detections,
    pairing: Pairing,
    side: str,
    size: tuple[int, int],
    labels: Sequence[str],
) -> list[list[Any]]:
    """Kind, left, top, width, height in percent, colours, text and its place, if any, as of
    `label_places` but in percent; the best scored come last."""
    width, height = size
    texts = label_texts(found, labels)
    places = label_places(found.boxes, texts, size, usual_size=_USUAL_SIZE)
    boxes = []
    for index, row in reversed(list(enumerate(pairing.rows_of(side)))):
        kind = Kind(int(pairing.kinds[row]))
        xmin, ymin, xmax, ymax = (float(value) for value in found.boxes[index])
        place = places[index]
        boxes.append(
            [
                kind.name,
                round(100 * xmin / width, 3),
                round(100 * ymin / height, 3),
                round(100 * (xmax - xmin) / width, 3),
                round(100 * (ymax - ymin) / height, 3),
                KIND_COLORS[kind],
                text_color(KIND_COLORS[kind]),
                texts[index],
                place
                and (
                    round(100 * place[0] / width, 3),
                    round(100 * place[1] / height, 3),
                    place[2],
                ),
            ]
        )
    return boxes
