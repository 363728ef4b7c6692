"""Boxes over the camera's running video.

The browser sends a frame as the model sees it, and the next one when the boxes of this one are
there; it draws those above the threshold itself. Nothing of a frame is kept.
"""

import base64
import math
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard import controls, frame, images, media, state
from dashboard.answers import answer_in_passing, config, labels_shown
from dashboard.thresholds.texts import Text, shared_texts
from detector import answers
from detector.answers import LoadedImage
from detector.drawing.colors import class_color, text_color
from detector.errors import ImageError, ServingError
from detector.images import ImageLimits
from detector.ssd import INPUT_SIZE, Detections, Settings
from detector.translation import _, noted

KEY = "live"
# A frame comes as the model's input, some 11 kB as a JPEG; a PNG of noise has 270 kB.
_FRAME = ImageLimits(max_bytes=300_000, max_pixels=math.prod(INPUT_SIZE), min_side=min(INPUT_SIZE))
# Boxes sent, the best ones: what the page shows of them is less, by its thresholds and its limit.
_MOST = 1000

_TEXTS = {
    "video": noted("The camera's video. {counts}"),
    "pace": noted("{rate}/s · {age} ms"),
    "pace_title": noted("Frames that are answered in a second, and how old the boxes are"),
    "freeze": noted("Freeze"),
    "freeze_title": noted("Keep this frame at full resolution, among your uploads"),
    "other_camera": noted("Other camera"),
    "again": noted("Try again"),
    "starting": noted("Waiting for the camera…"),
    "slow": noted(
        "No answer for {seconds} s: the dashboard or its model server is busy, or away. It goes on "
        "with the next frame."
    ),
    "insecure": images.NO_CAMERA_ON_HTTP,
    "refused": noted(
        "The browser does not let this page use the camera. Allow it beside the page's address, "
        "then try again; or use Upload."
    ),
    "absent": noted("There is no camera. Connect one and try again, or use Upload."),
    "taken": noted(
        "The camera cannot be started: another program may be using it. Close that, then try again."
    ),
    "ended": noted("The camera has stopped. Connect it again, then try again."),
}


@dataclass(frozen=True)
class LiveData:
    """What the component is given; dashboard/frontend/live/types.d.ts has the same fields.

    Attributes:
        number: of the frame that was answered; 0 where none was.
        boxes: four numbers a box, xyxy in 0..1 of the frame; best scored first.
        scores, class_ids: a number a box.
        problem: why there are no boxes, and what to do; "" where there are.
        score: threshold of the classes without an own one.
        own: thresholds of the others, by class id.
        top_k: the most boxes that are shown.
        labels, colors, text_colors: index = class id.
    """

    number: int
    boxes: list[float]
    scores: list[float]
    class_ids: list[int]
    problem: str
    score: float
    own: dict[str, float]
    top_k: int
    labels: list[str]
    colors: list[str]
    text_colors: list[str]
    texts: Mapping[str, Any]


def show() -> None:
    """The video with its boxes, and what moves them."""
    _explore()


@frame.fragment
def _explore() -> None:
    left, right = st.columns([8, 5], gap="medium")
    with right:
        controls.show_all(config().labels, has_score=False, has_tiles=False)
    with left, st.container(key="live_frame"):
        _video()


# Of its own: a frame draws the controls not anew.
@frame.fragment
def _video() -> None:
    if not images.is_live():
        st.rerun()  # a frame was frozen: the page's, not the fragment's
    labels, settings = labels_shown(), controls.kept()
    number, image = _sent("frame")
    found, problem = _found(image, settings) if number else (Detections.empty(), "")
    colors = [class_color(class_id) for class_id in range(len(labels))]
    data = LiveData(
        number=number,
        boxes=(found.boxes / (*INPUT_SIZE, *INPUT_SIZE)).round(4).ravel().tolist(),
        scores=found.scores.astype(float).round(4).tolist(),
        class_ids=found.class_ids.tolist(),
        problem=problem,
        score=settings.score_threshold,
        own={str(class_id): value for class_id, value in settings.class_thresholds.items()},
        top_k=settings.top_k,
        labels=list(labels),
        colors=colors,
        text_colors=[text_color(color) for color in colors],
        texts=texts(),
    )
    media.component(
        "live",
        key=KEY,
        data=asdict(data),
        on_frame_change=_look_in_the_run,
        on_frozen_change=_freeze,
        on_threshold_change=_adopt,
    )


def texts() -> dict[str, Text]:
    """What the component says, by the names in its types.d.ts."""
    return shared_texts() | {name: _(text) for name, text in _TEXTS.items()}


def read_frame(text: str) -> LoadedImage:
    """A frame as the browser sends it: an image of the model's input size, in base64.

    Raises:
        ImageError: it is something else.
    """
    return answers.load(_decoded(text, _FRAME.max_bytes), _FRAME)


def _found(image: str, settings: Settings) -> tuple[Detections, str]:
    """What is in a frame; or, where that cannot be said, why and what to do."""
    try:
        sought = controls.for_any_threshold(settings, _MOST)
        return answer_in_passing(read_frame(image)).detections(sought), ""
    except (ImageError, ServingError) as error:
        headline, _separator, _log = str(error).partition("\n")
        hint = _(error.hint) if error.hint else ""
        return Detections.empty(), f"{headline[:1].upper()}{headline[1:]}\n{hint}"


# --- what the browser says; it may say anything


def _look_in_the_run() -> None:
    """Streamlit hands on what has a callback only; a frame is answered where it is drawn."""


@frame.callback
def _freeze() -> None:
    number, image = _sent("frozen")
    if number:
        images.freeze(_decoded(image, config().image_limits.max_bytes))
        st.toast(
            _("The frame is among your uploads. *Live* goes on."),
            icon=":material/add_photo_alternate:",
        )


@frame.callback
def _adopt() -> None:
    value = _given("threshold").get("score")
    if isinstance(value, (int, float)) and controls.LOWEST <= value <= 1:
        controls.adopt_score(float(value))


def _given(name: str) -> Mapping[str, Any]:
    value = state.widget(KEY, {}).get(name)
    return value if isinstance(value, Mapping) else {}


def _sent(name: str) -> tuple[int, str]:
    """Number and image of what was sent, 0 where nothing was."""
    given = _given(name)
    number, image = given.get("number"), given.get("image")
    return (number, image) if isinstance(number, int) and isinstance(image, str) else (0, "")


def _decoded(text: str, max_bytes: int) -> bytes:
    """The image's file.

    Raises:
        ImageError: it is no base64, or too long.
    """
    if len(text) > 4 * (max_bytes // 3 + 1):
        raise ImageError(_("The camera's frame is too large."), _("Choose a smaller resolution."))
    try:
        return base64.b64decode(text, validate=True)
    except Base64Error as error:
        raise ImageError(_("The camera's frame is damaged."), _("Try again.")) from error
