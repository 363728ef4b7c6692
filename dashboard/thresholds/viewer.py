"""The photo with boxes that follow the score threshold in the browser, without a rerun.

The component gets a picture from `detector.scrub.view`. Dragging its slider redraws in the browser
only; what the visitor settles on arrives here on release.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from dashboard import state
from detector.paths import ROOT

Mode = Literal["Classes", "Right and wrong", "X-ray"]
MODES: tuple[Mode, ...] = ("Classes", "Right and wrong", "X-ray")

# Without a word of data in it: all of that is set as text by viewer.js.
_HTML = """
<div class="viewer">
  <div class="targets" role="radiogroup" aria-label="Whose threshold the slider moves"></div>
  <div class="scrub">
    <output class="number" aria-hidden="true"></output>
    <div class="rail">
      <div class="heading"></div>
      <canvas class="marks" aria-hidden="true"></canvas>
      <input class="slider" type="range" min="0.01" max="1" step="0.01"
        aria-label="Score threshold">
    </div>
  </div>
  <div class="count"></div>
  <div class="legend" hidden></div>
  <div class="status" role="status" aria-live="polite"></div>
  <div class="stage">
    <img class="photo" alt="" draggable="false">
    <canvas class="boxes" tabindex="0" role="img"
      aria-keyshortcuts="+ - 0 N P Escape"></canvas>
    <div class="tip" hidden></div>
    <div class="notice" role="status" hidden></div>
    <div class="zoom" role="group" aria-label="Zoom">
      <button type="button" class="out" aria-label="Zoom out" title="Zoom out (-)">−</button>
      <button type="button" class="in" aria-label="Zoom in" title="Zoom in (+)">+</button>
      <button type="button" class="reset" aria-label="Whole photo"
        title="Whole photo (0)">⤢</button>
    </div>
  </div>
  <div class="panel" role="region" aria-label="The picked box" hidden></div>
</div>
"""

_component = st.components.v2.component(
    "commodity_lens.viewer",
    html=_HTML,
    css=(ROOT / "dashboard" / "frontend" / "viewer" / "viewer.css").read_text("utf-8"),
    js=(ROOT / "dashboard" / "frontend" / "viewer" / "viewer.js").read_text("utf-8"),
)


def show(
    key: str,
    view: Mapping[str, Any],
    photo_url: str,
    *,
    mode: Mode = "Classes",
    picked: str | None = None,
    compared: tuple[Sequence[str], Sequence[str]] | None = None,
    look: int = 0,
    on_thresholds: Callable[[float, dict[int, float]], None],
    on_pick: Callable[[str | None], None],
) -> None:
    """Draw the viewer. Thresholds and pick are taken from here when they change here.

    Args:
        key: of the widget. Zoom and target are kept by it; zoom for as long as `view["digest"]`
            is the same.
        view: of `detector.scrub.view`.
        photo_url: the photo, of any resolution but of the original's aspect.
        mode: what the boxes' colours say.
        picked: id of the picked box; "truth-" and its index for a missed true box.
        compared: ids of the boxes that appeared and of those that vanished by the last change of
            the IoU threshold; marked for as long as they are given.
        look: another number than before scrolls the page to the viewer.
        on_thresholds: called on release with the score threshold and the own ones by class id,
            before the script runs again.
        on_pick: called with the id of the box that was clicked, None where it was unpicked.
    """

    def released() -> None:
        given = _given(key, "thresholds")
        score, classes = _threshold(given.get("score")), given.get("classes")
        if score is not None and isinstance(classes, Mapping):
            known = {str(class_id) for class_id in range(1, len(view["labels"]))}
            own = {int(name): _threshold(value) for name, value in classes.items() if name in known}
            on_thresholds(score, {name: value for name, value in own.items() if value is not None})

    def clicked() -> None:
        name = _given(key, "picked").get("id")
        on_pick(name if isinstance(name, str) else None)

    _component(
        key=key,
        data={
            "name": key,
            "view": dict(view),
            "photo": photo_url,
            "mode": mode,
            "picked": picked,
            "compared": None if compared is None else [list(ids) for ids in compared],
            "look": look,
        },
        on_thresholds_change=released,
        on_picked_change=clicked,
    )


def _given(key: str, name: str) -> Mapping[str, Any]:
    """What the browser says; it may say anything."""
    value = state.widget(key, {}).get(name)
    return value if isinstance(value, Mapping) else {}


def _threshold(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), 1.0)
