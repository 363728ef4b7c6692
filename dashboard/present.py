"""Present: the image on the whole screen, with one slider and nothing of the page. On Detect and
Thresholds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard import controls, frame, images, media, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.media import photo_url
from dashboard.thresholds.texts import Text, shared_texts
from detector.answers import LoadedImage
from detector.drawing.viewer import Contract, View
from detector.translation import _, noted

_TEXTS = {
    "present": noted("Present"),
    "present_title": noted("Fill the screen: arrow keys change the image, Escape ends"),
    "position": noted("{number} of {count}"),
    "previous": noted("Previous image"),
    "next": noted("Next image"),
    "end": noted("End"),
}


@dataclass(frozen=True)
class PresentData(Contract):
    """What the component is given; dashboard/frontend/present/types.d.ts has the same fields.

    Attributes:
        photo: URL of the image.
        name: what the image is called.
        index: which image of its source it is, from 0.
        count: how many images the source has.
    """

    view: View
    photo: str
    name: str
    index: int
    count: int
    texts: Mapping[str, Any]


def component(container: str, image: ImageFile, loaded: LoadedImage, view: View) -> None:
    """The button over the image. Draw it in that container, which is part of a fragment that calls
    `go_on` first.

    Args:
        container: its key.
        view: of the image.
    """
    key = f"{container}_present_mounted"
    labels = config().labels
    index, count = images.place_on_strip()
    data = PresentData(
        view,
        photo_url(image, loaded),
        images.title_of(image),
        index,
        count,
        texts(),
    )

    @frame.callback
    def moved() -> None:
        value = _given(key, "threshold").get("score")
        if isinstance(value, (int, float)) and math.isfinite(value):
            score = min(max(float(value), controls.LOWEST), 1.0)
            controls.adopt_thresholds(replace(controls.kept(), score_threshold=score), labels)

    @frame.callback
    def stepped() -> None:
        wanted = _given(key, "image").get("index")
        if isinstance(wanted, int):
            images.look_at_place(wanted)
            state.write(state.Presented(stepped=True))

    with st.container(key=f"{container}_present"):
        media.component(
            "present",
            key=key,
            data=data.as_json(),
            on_threshold_change=moved,
            on_image_change=stepped,
        )


def go_on() -> None:
    """In a fragment: have the page drawn with the image that was stepped to."""
    if state.read(state.Presented).stepped:
        state.write(state.Presented())
        st.rerun()


def texts() -> dict[str, Text]:
    """What the component says, by the names in its types.d.ts."""
    shared = shared_texts("heading_waiting", "photo")
    return shared | {name: _(text) for name, text in _TEXTS.items()}


def _given(key: str, name: str) -> Mapping[str, Any]:
    """What the browser says; it may say anything."""
    value = state.widget(key, {}).get(name)
    return value if isinstance(value, Mapping) else {}
