"""Mend the ground truth of an image: by hand over the photo, and by buttons beside it; its export.

What is mended is kept for the session, and every measure is by it (`ground_truth.of_images`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import frame, ground_truth, media, state
from dashboard.answers import config, labels_shown
from dashboard.files import ImageFile
from dashboard.ground_truth import JudgedImage
from dashboard.thresholds import accuracy, image_sets
from dashboard.thresholds.image_sets import Evaluated, ImageSet
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing.colors import class_color
from detector.evaluation import mending
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.mending import Mending
from detector.formats.coco import truth_to_coco
from detector.formats.voc import truth_voc_zip
from detector.formats.yolo import truth_yolo_zip
from detector.translation import _, plural

KEY = "mend_mounted"
MAX_NAMED = 8  # mended images
Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class MendBox:
    """A box of the ground truth, xyxy in pixels of the original."""

    class_id: int
    box: Corners
    crowd: bool


@dataclass(frozen=True)
class MendDetection:
    """A detection that the ground truth has no box for, xyxy in pixels of the original."""

    id: str
    class_id: int
    score: float
    box: Corners


@dataclass(frozen=True)
class MendData:
    """What the component gets.

    Attributes:
        frame: key of the container that holds the viewer and the component.
        digest: names the image.
        size: (width, height) of the original, in pixels.
        boxes: the ground truth.
        detections: what is shown and has no box in the ground truth.
        picked: id of a detection, or "truth-" and an index.
        class_id: of a box that is drawn.
        labels, colors: index = class id.
        place: index of the step that holds.
        heard: the number of the last change that came from it.
        texts: "keys" says what hands and keyboard do; "truth" and "found", what is picked; the
            others are its buttons'.
    """

    frame: str
    digest: str
    size: tuple[int, int]
    boxes: list[MendBox]
    detections: list[MendDetection]
    picked: str | None
    class_id: int
    labels: list[str]
    colors: list[str]
    place: int
    heard: int
    texts: dict[str, str]


def component(
    container: str,
    image: ImageFile,
    loaded: LoadedImage,
    found: ssd.Detections,
    truth: GroundTruth | None,
) -> None:
    """The boxes over the photo, and what hands do to them. Draw it in that container.

    Args:
        container: its key.
        found: what is shown.
        truth: the image's ground truth.
    """
    labels = labels_shown()
    kept = state.read(state.Mendings)
    given = _begun(image, loaded.size, truth)
    new = found.take(mending.lacking(given, found, accuracy.match_iou()))
    data = MendData(
        container,
        image.digest,
        loaded.size,
        [
            MendBox(class_id, _corners(box), crowd)
            for class_id, box, crowd in zip(
                given.class_ids.tolist(), given.boxes.tolist(), given.crowd.tolist(), strict=True
            )
        ],
        [
            MendDetection(name, class_id, score, _corners(box))
            for name, class_id, score, box in zip(
                new.ids,
                new.class_ids.tolist(),
                new.scores.tolist(),
                new.boxes.astype(np.float64).tolist(),
                strict=True,
            )
        ],
        state.read(state.Pick).detection_id,
        kept.class_id,
        list(labels),
        [class_color(class_id) for class_id in range(len(labels))],
        kept.images.get(image.digest, Mending()).place,
        kept.heard,
        {
            "keys": _(
                "The ground truth of the image. Tab goes through the boxes, arrow keys move the"
                " picked one and with Shift resize it, Delete removes it, a number or a letter"
                " gives its class, Enter accepts a detection. With none picked arrow keys move a"
                " cross, with Shift they draw, and Enter ends the box. Control Z undoes. A drag"
                " with the space bar held moves the enlarged photo."
            ),
            "accept": _("Accept"),
            "delete": _("Delete"),
            "undo": _("Undo"),
            "truth": _("{label}, ground truth, {place} of {total}"),
            "found": _("{label} {score}, a detection, {place} of {total}"),
        },
    )

    @frame.callback
    def handed() -> None:
        _take(state.widget(KEY, {}).get("hand"), image, given)

    @frame.callback
    def stepped() -> None:
        step = state.widget(KEY, {}).get("step")
        if isinstance(step, Mapping) and isinstance(step.get("place"), int):
            _go_to(image.digest, step["place"])
            _hear(step)

    media.component(
        "mend", key=KEY, data=asdict(data), on_hand_change=handed, on_step_change=stepped
    )


def show(
    image: ImageFile,
    answer: Answer,
    settings: ssd.Settings,
    truth: GroundTruth | None,
    alternatives: Sequence[ImageFile],
) -> tuple[ImageSet, Evaluated | None]:
    """What is picked and what can be done with it; this image's measures; the export.

    Args:
        truth: the image's ground truth.
        alternatives: images that an uploaded file of ground truth may be about instead.

    Returns what the measures are of, for a report: the image and its evaluation.
    """
    given = _begun(image, answer.size, truth)
    found = answer.detections(settings)
    _picked(image, given, found)
    _steps(image, given, found)
    judged = JudgedImage(image.name, image.digest, answer.size)
    counted = image_sets.of_answer(image, answer, ground_truth.company(judged, alternatives))
    measures, session = st.container(), st.container()
    with st.container(key="judged_by"):
        known = accuracy.choose(counted)
    with measures:
        evaluated = None if known is None else accuracy.judge(counted, known, settings)
    with session:
        _session()
    return counted, evaluated


def _begun(image: ImageFile, size: tuple[int, int], truth: GroundTruth | None) -> GroundTruth:
    """The image's ground truth, or where there is none yet an empty one."""
    return GroundTruth(image.name, size) if truth is None else truth


# --- beside the photo


def _picked(image: ImageFile, truth: GroundTruth, found: ssd.Detections) -> None:
    """The picked box in words, what can be done with it, and the class of it or of the next one."""
    labels = labels_shown()
    pick = state.read(state.Pick).detection_id
    index = _index(pick, truth)
    ids = found.ids
    detection = found.take([ids.index(pick)]) if pick in ids else ssd.Detections.empty()
    with st.container(border=True, key="mend_picked"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if index is not None:
                _tell(truth.class_ids[index], truth.boxes[index], _("ground truth"))
                st.space("stretch")
                st.button(
                    _("Delete"),
                    icon=":material/delete:",
                    key="mend_delete",
                    on_click=_delete,
                    args=(image, truth, index),
                )
            elif len(detection):
                is_new = bool(mending.lacking(truth, detection, accuracy.match_iou())[0])
                score = f"{detection.scores[0]:.2f}"
                _tell(
                    detection.class_ids[0],
                    detection.boxes[0],
                    _("detected with {score}", score=score)
                    if is_new
                    else _("detected with {score}, and in the ground truth", score=score),
                )
                st.space("stretch")
                st.button(
                    _("Accept as ground truth"),
                    icon=":material/check:",
                    key="mend_accept",
                    type="primary",
                    disabled=not is_new,
                    on_click=_accept,
                    args=(image, truth, detection),
                )
            else:
                st.markdown(
                    _(
                        ":gray[**Click a box** to pick it. Drag the picked one to move it, or its"
                        " handles; **drag anywhere else** to draw a box.]"
                    )
                )
        chosen = truth.class_ids[index] if index is not None else None
        if chosen is None and len(detection):
            return
        kept = state.read(state.Mendings)
        state.set_widget("mend_class", int(kept.class_id if chosen is None else chosen))
        st.pills(
            _("Class of the next box") if chosen is None else _("Class"),
            range(1, len(labels)),
            key="mend_class",
            format_func=lambda class_id: f"{class_id} {labels[class_id]}",
            on_change=_give_class,
            args=(image, truth, index),
        )


def _tell(class_id: int, box: Any, what: str) -> None:
    label = frame.plain(labels_shown()[class_id])
    xmin, ymin, xmax, ymax = (float(side) for side in box)
    place = _(
        "{width:.0f} × {height:.0f} px at {x:.0f}, {y:.0f}",
        width=xmax - xmin,
        height=ymax - ymin,
        x=xmin,
        y=ymin,
    )
    st.markdown(f"**{label}** · {what}  \n:small[{place}]")


def _steps(image: ImageFile, truth: GroundTruth, found: ssd.Detections) -> None:
    """Accept all, undo, redo, back to what the files say."""
    mended = state.read(state.Mendings).images.get(image.digest, Mending())
    all_accepted = mending.accepted(truth, found, accuracy.match_iou())
    count = len(all_accepted.boxes) - len(truth.boxes)
    with st.container(horizontal=True, key="mend_steps"):
        st.button(
            _("Accept all shown ({count})", count=count),
            icon=":material/done_all:",
            key="mend_accept_all",
            disabled=not count,
            on_click=_accept,
            args=(image, truth, found),
        )
        # Where the component is there, it takes the clicks: Streamlit may hear several as one.
        for label, icon, key, by, is_able in (
            (_("Undo"), ":material/undo:", "mend_undo", -1, mended.can_undo),
            (_("Redo"), ":material/redo:", "mend_redo", 1, mended.can_redo),
        ):
            st.button(
                label,
                icon=icon,
                key=key,
                disabled=not is_able,
                on_click=_go,
                args=(image.digest, by),
            )
        st.button(
            _("Back to the file's"),
            icon=":material/restart_alt:",
            key="mend_back",
            disabled=mended.truth is None,
            on_click=_back,
            args=(image,),
            help=_("What the gallery or the uploaded files say, or nothing where they do not."),
        )


def _session() -> None:
    """How many images were mended, and their export."""
    mended = list(state.read(state.Mendings).truths.values())
    if not mended:
        return
    count = len(mended)
    told = plural(
        "{count} image mended in this session", "{count} images mended in this session", count
    )
    names = ", ".join(frame.plain(truth.file_name) for truth in mended[:MAX_NAMED])
    st.markdown(f"**{told}**: {names}{' …' if count > MAX_NAMED else ''}")
    labels = config().labels
    with st.container(horizontal=True, key="mend_export"):
        for label, file_name, mime, build in (
            ("COCO (JSON)", "ground-truth.coco.json", "application/json", truth_to_coco),
            (_("Pascal VOC (ZIP)"), "ground-truth-voc.zip", "application/zip", truth_voc_zip),
            (_("YOLO (ZIP)"), "ground-truth-yolo.zip", "application/zip", truth_yolo_zip),
        ):
            st.download_button(
                label,
                partial(build, mended, labels),
                file_name,
                mime,
                icon=":material/download:",
                key=f"mend_{file_name}",
                on_click=_exported,
            )
    st.caption(
        _(
            "Kept until the page is reloaded. COCO holds all of it; Pascal VOC and YOLO have no"
            " place for regions to ignore, and YOLO none for crowd boxes."
        )
    )


# --- what is done


@frame.callback
def _accept(image: ImageFile, truth: GroundTruth, found: ssd.Detections) -> None:
    _edit(image, mending.accepted(truth, found, accuracy.match_iou()))
    if len(found) == 1:  # its class can be changed next
        state.update(state.Pick, detection_id=f"truth-{len(truth.boxes)}")


@frame.callback
def _delete(image: ImageFile, truth: GroundTruth, index: int) -> None:
    _edit(image, mending.without(truth, index))
    state.update(state.Pick, detection_id=None)


@frame.callback
def _give_class(image: ImageFile, truth: GroundTruth, index: int | None) -> None:
    class_id = state.widget("mend_class")
    if class_id is None:  # a click on the one that is chosen
        return
    state.update(state.Mendings, class_id=class_id)
    if index is not None:
        _edit(image, mending.with_class(truth, index, class_id))


@frame.callback
def _go(digest: str, by: int) -> None:
    _go_to(digest, state.read(state.Mendings).images[digest].place + by)


@frame.callback
def _exported() -> None:
    kept = state.read(state.Mendings)
    state.update(state.Mendings, exported=kept.key)


def _go_to(digest: str, place: int) -> None:
    images = state.read(state.Mendings).images
    if digest in images:
        state.update(state.Mendings, images={**images, digest: images[digest].at(place)})


@frame.callback
def _back(image: ImageFile) -> None:
    _edit(image, None)


def _edit(image: ImageFile, truth: GroundTruth | None) -> None:
    """One step on, with the image coloured by it."""
    images = state.read(state.Mendings).images
    then = images.get(image.digest, Mending()).then(truth)
    state.update(state.Mendings, images={**images, image.digest: then})
    if truth is not None:
        state.set_widget("viewer_mode", "Right and wrong")


# --- what the browser says; it may say anything


def _take(given: object, image: ImageFile, truth: GroundTruth) -> None:
    """Make its boxes the ground truth, where they are others, and its pick the session's."""
    if not isinstance(given, Mapping):
        return
    pick, class_id = given.get("picked"), given.get("class_id")
    state.update(state.Pick, detection_id=pick if isinstance(pick, str) else None)
    if _is_class(class_id):
        state.update(state.Mendings, class_id=class_id)
    _hear(given)
    boxes = given.get("boxes")
    if not isinstance(boxes, list) or len(boxes) > mending.MOST_BOXES:
        return
    if not all(map(_is_box, boxes)):
        return
    now = state.read(state.Mendings).truths.get(image.digest, truth)
    then = mending.with_boxes(
        now,
        [[float(side) for side in box["box"]] for box in boxes],
        [box["class_id"] for box in boxes],
        [box.get("crowd") is True for box in boxes],
    )
    if mending.digest_of(then) != mending.digest_of(now):
        _edit(image, then)


def _is_box(given: object) -> bool:
    if not isinstance(given, Mapping) or not _is_class(given.get("class_id")):
        return False
    box = given.get("box")
    return (
        isinstance(box, list)
        and len(box) == 4
        and all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in box)
    )


def _is_class(given: object) -> bool:
    return (
        isinstance(given, int) and not isinstance(given, bool) and 0 < given < len(config().labels)
    )


def _hear(given: Mapping[str, Any]) -> None:
    count, before = given.get("count"), state.read(state.Mendings).heard
    if isinstance(count, int):
        state.update(state.Mendings, heard=max(count, before))


def _index(pick: str | None, truth: GroundTruth) -> int | None:
    """The index of the picked box in the ground truth; None where none of it is picked."""
    name, _separator, number = (pick or "").partition("-")
    if name != "truth" or not number.isdecimal() or int(number) >= len(truth.boxes):
        return None
    return int(number)


def _corners(box: Sequence[float]) -> Corners:
    xmin, ymin, xmax, ymax = box
    return xmin, ymin, xmax, ymax
