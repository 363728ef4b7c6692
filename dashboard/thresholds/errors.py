"""What went wrong: errors by name, the confusion matrix, and the boxes behind them as crops."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dashboard import cards, controls, frame, images, state
from dashboard.answers import config, labels_shown
from dashboard.detect import tables
from dashboard.thresholds import image_sets
from dashboard.thresholds.image_sets import AnsweredImage, Evaluated, ImageSet
from detector import ssd
from detector.answers import decode
from detector.drawing import charts
from detector.drawing.colors import class_color
from detector.drawing.crops import Crop, crop
from detector.errors import ImageError
from detector.evaluation import curves
from detector.evaluation.matching import Ints, Outcome
from detector.translation import _, noted

PAGE_SIZE = 12
CROP_SIDE = 260  # twice what a card has on the page, for sharp screens
# Kind of error -> its name, and what it means.
ERRORS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.LOCALISATION: (
        noted("Localisation"),
        noted("the right class, but the box is off"),
    ),
    Outcome.CLASS: (noted("Class"), noted("the right place, but another class")),
    Outcome.BOTH: (noted("Both"), noted("place and class are off")),
    Outcome.DUPLICATE: (noted("Duplicate"), noted("a better box has the object already")),
    Outcome.BACKGROUND: (noted("Background"), noted("nothing is there")),
}
MISSES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.MISSED: (noted("Missed"), noted("an object without a box")),
    Outcome.MISSED_NEARLY: (
        noted("Missed nearly"),
        noted("missed, but a localisation or class error points at it"),
    ),
}
OUTCOMES = {**ERRORS, **MISSES, Outcome.RIGHT: (noted("Right"), "")}


def show(counted: ImageSet, evaluated: Evaluated, settings: ssd.Settings) -> None:
    """The boxes behind a kind of error or a cell of the confusion matrix, and the matrix."""
    labels = labels_shown()
    matrix = curves.confusion(evaluated.matches, settings)
    boxes = st.container()
    st.markdown(
        _("**Confusion matrix** :gray[· click a cell to see its boxes, again for all errors]")
    )
    chart: Any = st.plotly_chart(
        charts.confusion(matrix.counts, labels),
        key="confusion",
        on_select="rerun",
        selection_mode="points",
        config=charts.CONFIG,
        alt=_("Rows are the classes of the ground truth, columns those of the detections."),
    )
    points = chart["selection"]["points"]
    with boxes:
        if points:
            true_class, found_class = (int(value) for value in points[0]["customdata"][:2])
            wrong, missed = matrix.cell(true_class, found_class)
            cell = _cell_name(true_class, found_class, labels)
            title = _("{count} in {cell}", count=len(wrong) or len(missed), cell=cell)
        else:
            title, wrong, missed = _errors_by_name(evaluated, settings)
        in_images = image_sets.evaluated_detections(evaluated, settings, counted)
        _show_boxes(listed(evaluated, in_images, settings, wrong, missed), title)


def _errors_by_name(evaluated: Evaluated, settings: ssd.Settings) -> tuple[str, Ints, Ints]:
    """The chosen kind of error, of the chosen class: its name, and the rows of its detections and
    of its objects."""
    labels = labels_shown()
    chosen = controls.chosen_class(labels)
    counts = counts_by_name(evaluated, settings, chosen)
    meanings = "".join(f" **{_(n)}**: {_(text)}." for n, text in {**ERRORS, **MISSES}.values())
    kind = st.pills(
        _("Errors by name"),
        list(counts),
        key="error_kind",
        format_func=lambda outcome: f"{_(OUTCOMES[outcome][0])} {counts[outcome]}",
        wrap=True,
        help=_("The kinds are TIDE's.") + meanings,
    )
    if kind is None:
        title = _("All errors of {label}", label=labels[chosen]) if chosen else _("All errors")
    else:
        title = f"{_(OUTCOMES[kind][0])} {counts[kind]}"
    kinds = [*ERRORS, *MISSES] if kind is None else [kind]
    return title, *errors(evaluated, settings, chosen, kinds)


def counts_by_name(evaluated: Evaluated, settings: ssd.Settings, chosen: int) -> dict[Outcome, int]:
    """How many errors there are of each kind that there is.

    Args:
        chosen: id of the class to look at; 0 for all.
    """
    counts = curves.outcome_counts(evaluated.matches, settings)
    counts = counts[chosen] if chosen else counts.sum(axis=0)
    return {kind: int(counts[kind]) for kind in (*ERRORS, *MISSES) if counts[kind]}


def errors(
    evaluated: Evaluated, settings: ssd.Settings, chosen: int, kinds: Sequence[Outcome]
) -> tuple[Ints, Ints]:
    """The rows of the detections and of the objects that are errors of these kinds.

    Args:
        chosen: id of the class to look at; 0 for all.
    """
    matches = evaluated.matches
    result = curves.outcomes(matches, settings)
    found, there = matches.comparison.detections.class_ids, matches.comparison.truths.class_ids
    return (
        np.flatnonzero(np.isin(result.detections, kinds) & ((found == chosen) | (not chosen))),
        np.flatnonzero(np.isin(result.truths, kinds) & ((there == chosen) | (not chosen))),
    )


def _cell_name(true_class: int, found_class: int, labels: Sequence[str]) -> str:
    if found_class == 0:
        return _("{label}, not found", label=labels[true_class])
    if true_class == 0:
        return _("{label} where nothing is", label=labels[found_class])
    if true_class == found_class:
        return _("{label}, found", label=labels[true_class])
    return _("{label} taken for {other}", label=labels[true_class], other=labels[found_class])


@dataclass(frozen=True, eq=False)
class ListedBox:
    """A box that is wrong, or an object that was missed.

    Attributes:
        id: of the detection; "truth-" and its index for an object.
        box: xyxy, in pixels of the image.
        score: of the detection, None for an object.
    """

    image: AnsweredImage
    id: str
    box: tuple[float, float, float, float]
    class_id: int
    score: float | None
    outcome: Outcome


def listed(
    evaluated: Evaluated,
    in_images: Sequence[ssd.Detections],
    settings: ssd.Settings,
    detections: Ints,
    objects: Ints,
) -> list[ListedBox]:
    """What some rows of the evaluation's tables stand for, the best score first.

    Args:
        in_images: of `image_sets.evaluated_detections`.
        detections, objects: rows of the tables.
    """
    matches = evaluated.matches
    found, there = matches.comparison.detections, matches.comparison.truths
    result = curves.outcomes(matches, settings)
    if len(detections):  # an object that was found has its detection in the list
        objects = objects[result.truths[objects] != Outcome.RIGHT]
    ids = {image: in_images[image].ids for image in set(found.images[detections].tolist())}
    boxes = [
        ListedBox(
            evaluated.images[image],
            ids[image][row],
            corners(box),
            class_id,
            score,
            Outcome(outcome),
        )
        for image, row, box, class_id, score, outcome in zip(
            found.images[detections].tolist(),
            found.rows[detections].tolist(),
            found.boxes[detections].tolist(),
            found.class_ids[detections].tolist(),
            found.scores[detections].tolist(),
            result.detections[detections].tolist(),
            strict=True,
        )
    ]
    boxes += [
        ListedBox(
            evaluated.images[int(there.images[index])],
            f"truth-{there.rows[index]}",
            corners(there.boxes[index].tolist()),
            int(there.class_ids[index]),
            None,
            Outcome(result.truths[index]),
        )
        for index in objects
    ]
    return boxes


def corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    xmin, ymin, xmax, ymax = box
    return xmin, ymin, xmax, ymax


def _show_boxes(boxes: Sequence[ListedBox], title: str) -> None:
    """A crop a box; a click opens its image with the box picked. A step leads to the next."""
    state.update(state.ListedBoxes, rows=tuple((each.image, each.id) for each in boxes))
    at = _place()
    with st.container(horizontal=True, vertical_alignment="center", key="behind"):
        st.markdown(f"**{frame.plain(title)}**")
        if boxes:
            st.space("stretch")
            _step(_("Previous"), ":material/chevron_left:", "previous_box", at, -1, len(boxes))
            if at is not None:
                st.caption(_("{place} of {total}", place=at + 1, total=len(boxes)))
            _step(_("Next"), ":material/chevron_right:", "next_box", at, 1, len(boxes))
    if not boxes:
        st.caption(_("None."))
        return
    numbered = list(enumerate(boxes))
    cards.pages("errors_page", numbered, PAGE_SIZE, lambda each: _card(*each, at == each[0]))


def _place() -> int | None:
    """Where in the list the box is that is looked at."""
    boxes = state.read(state.ListedBoxes)
    looked_at = (boxes.looked_at, state.read(state.Pick).detection_id)
    rows = [(image.digest, box_id) for image, box_id in boxes.rows]
    return rows.index(looked_at) if looked_at in rows else None


def _step(label: str, icon: str, key: str, at: int | None, step: int, count: int) -> None:
    target = (0 if step > 0 else count - 1) if at is None else at + step
    st.button(
        label,
        icon=icon,
        key=key,
        type="tertiary",
        disabled=not 0 <= target < count,
        on_click=_look_at,
        args=(target,),
    )


def _card(place: int, each: ListedBox, is_chosen: bool) -> None:
    labels = labels_shown()
    name = frame.plain(each.image.name)
    label = labels[each.class_id]
    score = "" if each.score is None else f" {each.score:.2f}"
    color = class_color(each.class_id)
    outcome = html.escape(_(OUTCOMES[each.outcome][0]))
    cards.card(
        f"box_{place}",
        _shot(each),
        f"{label}{score}",
        f'<i style="background:{color}"></i>{outcome} · {html.escape(each.image.name)}',
        _("Look at {label}{score} in {name}", label=frame.plain(label), score=score, name=name),
        _look_at,
        (place,),
        is_chosen=is_chosen,
    )


def _shot(each: ListedBox) -> str:
    """The crop with the box in it, dashed where it was missed; words where it cannot be read."""
    try:
        part = _crop(each.image.digest, each.box, each.image)
    except ImageError as error:
        return f"<p>{html.escape(str(error))}</p>"
    (width, height), (xmin, ymin, xmax, ymax) = part.size, part.box
    style = "dashed" if each.score is None else "solid"
    outline = (
        f'<div class="box" style="left:{xmin / width:.2%};top:{ymin / height:.2%};'
        f"width:{(xmax - xmin) / width:.2%};height:{(ymax - ymin) / height:.2%};"
        f'border:2px {style} {class_color(each.class_id)}"></div>'
    )
    return cards.shot(part.jpeg, part.size, outline)


@st.cache_data(show_spinner=False, scope="session", max_entries=240)
def _crop(digest: str, box: tuple[float, float, float, float], _image: AnsweredImage) -> Crop:
    limits = config().image_limits
    return decode(_image.read(), limits, lambda decoded: crop(decoded, box, CROP_SIDE))


@frame.callback
def _look_at(place: int) -> None:
    """Callback: show the image of that box of the list, with the box picked."""
    boxes = state.read(state.ListedBoxes)
    answered, box_id = boxes.rows[place]
    image = answered.file()
    images.look_at(image)
    tables.pick(image, box_id)
    state.set_widget("viewer_mode", "Right and wrong")
    state.set_widget("errors_page", place // PAGE_SIZE + 1)
    state.update(state.ListedBoxes, look=True, looks=boxes.looks + 1, looked_at=image.digest)
