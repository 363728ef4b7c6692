"""One image swept over one knob: how score and IoU of each of its boxes hold out, and in words."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import frame, state
from dashboard.answers import config, labels_shown
from dashboard.files import ImageFile
from dashboard.robustness import altered, knobs
from dashboard.robustness.knobs import Swept
from detector import robustness, ssd
from detector.alterations import Alteration, Knob
from detector.answers import Answer
from detector.drawing import charts
from detector.drawing.charts import BoxLine
from detector.drawing.colors import class_color
from detector.evaluation.matching import at_floor
from detector.robustness import Held
from detector.translation import _, plural

MOST_TOLD = 6  # boxes, a line each: as many as have room beside the photo


def show(
    image: ImageFile,
    answer: Answer,
    swept: Swept,
    alteration: Alteration,
    settings: ssd.Settings,
    unaltered: ssd.Detections,
    places: tuple[DeltaGenerator, DeltaGenerator],
) -> None:
    """The chart, and elsewhere its words.

    Args:
        alteration: of the image that is looked at.
        unaltered: the boxes of the unaltered image.
        places: where to say how far all boxes hold, and where to tell of each.
    """
    if not len(unaltered):
        st.info(
            _("No box reaches the threshold in the original: there is none to lose."),
            icon=":material/search_off:",
        )
        return
    with st.spinner(_("Asking the model server…")):
        left = _left(image, answer, swept, settings, unaltered)
    knob = swept.knob
    lost = np.array([each.lost(unaltered, settings) for each in left])
    in_sight = np.array([each.in_sight for each in left])
    verdict, fates = places
    with verdict:
        st.header(_verdict(knob, lost), anchor=False)
    with fates:
        _tell(knob, unaltered, lost, in_sight)
    _chart(image, knob, alteration, settings, unaltered, left)


def _left(
    image: ImageFile,
    answer: Answer,
    swept: Swept,
    settings: ssd.Settings,
    unaltered: ssd.Detections,
) -> list[Held]:
    """What is left of the boxes at each of the knob's levels."""
    floor, class_count = at_floor(settings), len(config().labels)
    answered = altered.answers_for(image, answer, swept.alterations)
    return [
        robustness.held(unaltered, each.detections(floor), alteration, answer.size, class_count)
        for alteration, each in zip(swept.alterations, answered, strict=True)
    ]


def picked(image: ImageFile, unaltered: ssd.Detections) -> str | None:
    """Id of the box of the unaltered image that stands out."""
    digest, box_id = state.read(state.Robustness).picked or ("", "")
    return box_id if digest == image.digest and box_id in unaltered.ids else None


def _chart(
    image: ImageFile,
    knob: Knob,
    alteration: Alteration,
    settings: ssd.Settings,
    unaltered: ssd.Detections,
    left: Sequence[Held],
) -> None:
    labels = labels_shown()
    scores = np.array([each.scores for each in left])
    ious = np.array([each.ious for each in left])
    lines = [
        BoxLine(box_id, int(class_id), name, scores[:, index], ious[:, index])
        for index, (box_id, class_id, name) in enumerate(
            zip(unaltered.ids, unaltered.class_ids, _names(unaltered), strict=True)
        )
    ]
    st.plotly_chart(
        charts.sweep(
            lines,
            [knobs.tick(knob, level) for level in knob.levels],
            knobs.axis(knob),
            labels,
            settings,
            usual=knob.levels.index(knob.usual),
            now=knobs.position(knob, getattr(alteration, knob.name)),
            picked=picked(image, unaltered),
        ),
        key="sweep",
        on_select=lambda: _pick(image.digest),
        selection_mode="points",
        config=charts.CONFIG,
        alt=_("Score and IoU of each box against how much the image is altered."),
    )
    st.caption(
        _(
            "A line for each box of the original. Above its score, 0 where no box of its class"
            " overlaps it by an IoU of 0.5; below that IoU. Dotted across: the score threshold."
            " The thin upright line is where the knob changes nothing. :gray[**Click a line** to"
            " pick its box.]"
        )
    )


@frame.callback
def _pick(digest: str) -> None:
    points = state.widget("sweep")["selection"]["points"]
    box_id = str(points[0]["customdata"]) if points else None
    before = state.read(state.Robustness).picked
    chosen = None if box_id is None or before == (digest, box_id) else (digest, box_id)
    state.update(state.Robustness, picked=chosen)


def _names(unaltered: ssd.Detections) -> list[str]:
    labels = labels_shown()
    return [
        f"{labels[class_id]} {score:.2f}"
        for class_id, score in zip(unaltered.class_ids, unaltered.scores, strict=True)
    ]


def _outwards(knob: Knob) -> tuple[range, range]:
    """The levels' indices from the usual one to either end, without it."""
    usual = knob.levels.index(knob.usual)
    return range(usual - 1, -1, -1), range(usual + 1, len(knob.levels))


def _verdict(knob: Knob, lost: np.ndarray) -> str:
    """Between which levels no box is lost.

    Args:
        lost: (levels, boxes).
    """
    count, lost_count = lost.shape[1], int(lost.any(axis=0).sum())
    before = int(lost[knob.levels.index(knob.usual)].sum())
    if before:
        return plural(
            "{knob}: the other knobs alone lose the box",
            "{knob}: the other knobs alone lose {lost} of {count} boxes",
            count,
            knob=knobs.label(knob),
            lost=before,
        )
    ends = []
    for side in _outwards(knob):
        holds = knob.levels.index(knob.usual)
        for index in side:
            if lost[index].any():
                break
            holds = index
        ends.append(knob.levels[holds])
    low, high = ends
    places = {
        "knob": knobs.label(knob),
        "between": knobs.between(knob, low, high),
        "lost": lost_count,
    }
    if low == high:
        return plural(
            "{knob}: the smallest step loses the box",
            "{knob}: the smallest step loses a box, and in all {lost} of {count} are lost",
            count,
            **places,
        )
    if not lost_count:
        return plural(
            "{knob}: the box holds all the way, from {between}",
            "{knob}: all {count} boxes hold all the way, from {between}",
            count,
            **places,
        )
    return plural(
        "{knob}: the box holds from {between}, and is lost beyond",
        "{knob}: all {count} boxes hold from {between}; beyond, {lost} are lost",
        count,
        **places,
    )


def _tell(knob: Knob, unaltered: ssd.Detections, lost: np.ndarray, in_sight: np.ndarray) -> None:
    """A line for each box, those that are lost first."""
    order = sorted(range(len(unaltered)), key=lambda box: not lost[:, box].any())
    names = _names(unaltered)
    rows = "".join(
        f'<li><i style="background:{class_color(int(unaltered.class_ids[box]))}"></i>'
        f"<b>{html.escape(names[box])}</b> "
        f"{html.escape(_fate(knob, lost[:, box], in_sight[:, box]))}</li>"
        for box in order[:MOST_TOLD]
    )
    st.html(f'<ul class="lens-fates">{rows}</ul>')
    if len(order) > MOST_TOLD:
        st.caption(_("… and {count} more.", count=len(order) - MOST_TOLD))


def _fate(knob: Knob, lost: np.ndarray, in_sight: np.ndarray) -> str:
    """What becomes of a box, in words.

    Args:
        lost, in_sight: (levels,) of that box.
    """
    usual = knob.levels.index(knob.usual)
    if lost[usual]:
        return _("is lost by the other knobs alone")
    if not in_sight[usual]:
        return _("is put out of the picture by the other knobs alone")
    parts = []
    for side in _outwards(knob):
        gone = next((index for index in side if lost[index]), None)
        out = next((index for index in side if not in_sight[index]), None)
        if gone is not None:
            level = knobs.in_words(knob, knob.levels[gone])
            comes_back = any(in_sight[i] and not lost[i] for i in side[side.index(gone) :])
            parts.append(
                _("is lost at {level}, and found again further on", level=level)
                if comes_back
                else _("is lost from {level} on", level=level)
            )
        if out is not None:
            level = knobs.in_words(knob, knob.levels[out])
            parts.append(_("is out of the picture from {level} on", level=level))
    return "; ".join(parts) or _("holds all the way")
