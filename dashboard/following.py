"""Boxes that follow a slider while it is moved, over a figure that hears of it on release only. On
Detect and Compare; the viewer of Thresholds has its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import media
from dashboard.answers import labels_shown
from dashboard.files import ImageFile
from detector.answers import Answer
from detector.drawing.colors import text_color
from detector.drawing.viewer import Contract, View
from detector.drawing.viewer import view as view_of
from detector.evaluation.pairing import KIND_COLORS, Kind
from detector.ssd import Settings


@dataclass(frozen=True)
class Slider(Contract):
    """A slider of the page.

    Attributes:
        key: of the slider, or of a container around it, in letters that the page's style keeps.
        class_id: whose own threshold it moves; None: all of them that have none.
        view: whose boxes it moves, by place; None: of all.
    """

    key: str
    class_id: int | None = None
    view: int | None = None


@dataclass(frozen=True)
class Pairing(Contract):
    """The boxes of two views have the colours of what became of them on the other side.

    Attributes:
        iou: of boxes that are one and the same, at least.
        kinds: names of `pairing.Kind`, by number; `colors` and `text_colors` of each.
    """

    iou: float
    kinds: list[str]
    colors: list[str]
    text_colors: list[str]


@dataclass(frozen=True)
class FollowData(Contract):
    """What the component is given; dashboard/frontend/follow/types.d.ts has the same fields.

    Attributes:
        frame: key of the container that holds the photos and this.
        views: of the photos in it, in their order.
    """

    frame: str
    sliders: list[Slider]
    views: list[View]
    pairing: Pairing | None


def view(image: ImageFile, answer: Answer, settings: Settings) -> View:
    """What shows of an image at any score threshold, drawn with these settings."""
    labels = labels_shown()
    return view_of(
        answer.raw, settings, answer.size, labels, digest=image.digest, has_removed=False
    )


def component(
    container: str,
    sliders: Sequence[Slider],
    views: Sequence[View],
    *,
    same_iou: float | None = None,
) -> None:
    """Draw it in the container of that key, where its photos are.

    Args:
        views: of the photos, with the thresholds that their boxes are drawn with.
        same_iou: two views are the sides of a comparison, by this IoU.
    """
    pairing = None
    if same_iou is not None:
        colors = [KIND_COLORS[kind] for kind in Kind]
        names = [kind.name for kind in Kind]
        pairing = Pairing(same_iou, names, colors, [text_color(color) for color in colors])
    data = FollowData(container, list(sliders), list(views), pairing)
    with st.container(key=f"{container}_follow"):
        media.component("follow", key=f"{container}_follow_mounted", data=data.as_json())
