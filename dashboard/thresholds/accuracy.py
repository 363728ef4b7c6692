"""Boxes against the truth: precision and recall, average precision, errors by name, confusion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import controls, frame, image_sets, images
from dashboard.answers import config
from dashboard.detect import tables
from detector import ssd
from detector.drawing import charts
from detector.errors import GroundTruthError
from detector.evaluation import curves
from detector.evaluation.matching import Ints, Outcome

MATCH_IOU = 0.5
# Of boxes in a list: more than anybody looks through, and the page stays quick.
MAX_ROWS = 200
# Kind of error -> what it means.
ERRORS: Mapping[Outcome, str] = {
    Outcome.LOCALISATION: "the right class, but the box is off",
    Outcome.CLASS: "the right place, but another class",
    Outcome.BOTH: "place and class are off",
    Outcome.DUPLICATE: "a better box has the object already",
    Outcome.BACKGROUND: "nothing is there",
}
MISSES: Mapping[Outcome, str] = {
    Outcome.MISSED: "an object without a box",
    Outcome.MISSED_NEARLY: "missed, but a localisation or class error points at it",
}


def show(pictures: image_sets.Study, settings: ssd.Settings) -> image_sets.Evaluated | None:
    labels = config().labels
    st.subheader("How right the boxes are", anchor=False)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        image_sets.choose_truth()
    right.slider(
        "A box is right from this IoU on",
        0.05,
        0.95,
        MATCH_IOU,
        0.05,
        key="match_iou",
        persist_state="session",
        help="Matching as COCO does it: best score first, each box takes the true box of its class "
        "that it overlaps most, if by this much and not taken yet.",
    )
    try:
        truth = image_sets.truth(pictures)
    except GroundTruthError as error:
        st.error(f"**{frame.plain(str(error))}** {frame.plain(error.hint)}", icon=":material/rule:")
        truth = image_sets.gallery_truth(pictures)
    if truth is None:
        st.info(
            "No true boxes for these pictures yet. Upload them as COCO JSON, Pascal VOC XML or "
            "YOLO text, with the names of the pictures.",
            icon=":material/data_object:",
        )
        return None
    if truth.problems:
        told = "".join(f"\n- {frame.plain(str(problem))}" for problem in truth.problems)
        st.warning(
            f"What can be used is used. Not right in the files:\n{told}", icon=":material/rule:"
        )
    evaluated = image_sets.evaluated(pictures, truth, settings, match_iou())
    if evaluated is None:
        st.info("None of these pictures has true boxes.", icon=":material/data_object:")
        return None
    _headline(evaluated, settings, truth)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Precision, recall and F1 against the threshold**")
        st.plotly_chart(
            charts.rates(evaluated.curves, labels, settings),
            key="rates",
            on_select=lambda: controls.threshold_from_chart("rates"),
            selection_mode="points",
            config=charts.CONFIG,
            alt="Precision, recall and F1 against the score threshold, a curve a class.",
        )
    with right:
        st.markdown("**Precision against recall**, a point a threshold: click one to adopt it")
        st.plotly_chart(
            charts.precision_recall(
                evaluated.curves, evaluated.average_precisions, labels, settings
            ),
            key="pr",
            on_select=_threshold_from_pr,
            selection_mode="points",
            config=charts.CONFIG,
            alt="Precision against recall, a curve a class, with its average precision.",
        )
    _errors(pictures, evaluated, settings)
    return evaluated


def match_iou() -> float:
    """The IoU from which on a box is right."""
    return float(st.session_state.get("match_iou", MATCH_IOU))


def _headline(
    evaluated: image_sets.Evaluated, settings: ssd.Settings, truth: image_sets.Truth
) -> None:
    total = curves.tally(evaluated.matches, settings).total()
    figures = (
        ("Precision", float(total.precision), "Right boxes / boxes shown"),
        ("Recall", float(total.recall), "Right boxes / true boxes"),
        ("F1", float(total.f1), "The harmonic mean of precision and recall"),
        (
            f"mAP@{match_iou():.2f}",
            evaluated.average_precisions[None],
            "Mean over the classes of COCO's average precision at this IoU, over all thresholds",
        ),
    )
    count = len(evaluated.pictures)
    st.caption(
        f"{count} {'picture' if count == 1 else 'pictures'} with true boxes "
        f"({frame.plain(truth.source)}), at the thresholds set above: "
        f"{int(total.true_positives)} right, {int(total.false_positives)} wrong, "
        f"{int(total.misses)} missed."
    )
    with st.container(horizontal=True, key="headline"):
        for name, value, meaning in figures:
            text = "–" if np.isnan(value) else f"{value:.3f}"
            st.metric(name, text, border=True, help=meaning, width="stretch")


def _threshold_from_pr() -> None:
    points = st.session_state["pr"]["selection"]["points"]
    if points and isinstance(points[0].get("customdata"), (list, tuple)):
        threshold, class_id = points[0]["customdata"][:2]
        controls.set_threshold(float(threshold), int(class_id))


def _errors(
    pictures: image_sets.Study, evaluated: image_sets.Evaluated, settings: ssd.Settings
) -> None:
    """The confusion matrix, and the boxes behind a cell or a kind of error."""
    labels = config().labels
    matches = evaluated.matches
    matrix = curves.confusion(matches, settings)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Confusion matrix**: click a cell to see its boxes, again for all errors")
        state: Any = st.plotly_chart(
            charts.confusion(matrix.counts, labels),
            key="confusion",
            on_select="rerun",
            selection_mode="points",
            config=charts.CONFIG,
            alt="What was taken for what: rows are true classes, columns what was found.",
        )
    points = state["selection"]["points"]
    with right:
        if points:
            true, found = (int(value) for value in points[0]["customdata"][:2])
            behind, missed = matrix.cell(true, found)
            title = f"{len(behind) or len(missed)} in {_cell_name(true, found, labels)}"
        else:
            result = curves.outcomes(matches, settings)
            kinds = _kinds(evaluated, settings)
            kind = st.pills(
                "Errors by name", list(kinds), key="error_kind", wrap=True,
                help="The kinds are TIDE's. "
                + " ".join(f"**{_words(o)}**: {text}." for o, text in {**ERRORS, **MISSES}.items()),
            )  # fmt: skip
            if kind is None:
                behind = np.flatnonzero(np.isin(result.detections, list(ERRORS)))
                missed = np.flatnonzero(np.isin(result.truths, list(MISSES)))
            else:
                behind = np.flatnonzero(result.detections == kinds[kind])
                missed = np.flatnonzero(result.truths == kinds[kind])
            title = "All errors" if kind is None else kind
        _behind(pictures, evaluated, settings, behind, missed, title)


def _kinds(evaluated: image_sets.Evaluated, settings: ssd.Settings) -> dict[str, Outcome]:
    """Kinds of error that there are, named with their number."""
    counts = curves.outcome_counts(evaluated.matches, settings).sum(axis=0)
    return {
        f"{_words(outcome)} {counts[outcome]}": outcome
        for outcome in (*ERRORS, *MISSES)
        if counts[outcome]
    }


def _words(outcome: Outcome) -> str:
    return outcome.name.replace("_", " ").capitalize()


def _cell_name(true: int, found: int, labels: Sequence[str]) -> str:
    if found == 0:
        return f"{labels[true]}, not found"
    if true == 0:
        return f"{labels[found]} where nothing is"
    if true == found:
        return f"{labels[true]}, found"
    return f"{labels[true]} taken for {labels[found]}"


def _behind(
    pictures: image_sets.Study,
    evaluated: image_sets.Evaluated,
    settings: ssd.Settings,
    detections: Ints,
    truths: Ints,
    title: str,
) -> None:
    """A row a box; a click opens its picture with the box picked."""
    labels = config().labels
    matches = evaluated.matches
    found, there = matches.comparison.detections, matches.comparison.truths
    result = curves.outcomes(matches, settings)
    if len(detections):  # a true box that was found has its detection in the list
        truths = truths[result.truths[truths] != Outcome.RIGHT]
    count = len(detections) + len(truths)
    detections = detections[:MAX_ROWS]
    truths = truths[: MAX_ROWS - len(detections)]
    in_pictures = image_sets.found_in(evaluated, settings, pictures)
    rows: list[tuple[int, str]] = []
    lines = []
    for index in detections:
        picture = int(found.pictures[index])
        [box_id] = in_pictures[picture].take([found.rows[index]]).ids
        rows.append((picture, box_id))
        lines.append(
            (
                evaluated.pictures[picture].name,
                labels[found.class_ids[index]],
                float(found.scores[index]),
                _words(Outcome(result.detections[index])),
            )
        )
    for index in truths:
        picture = int(there.pictures[index])
        rows.append((picture, f"truth-{there.rows[index]}"))
        lines.append(
            (
                evaluated.pictures[picture].name,
                labels[there.class_ids[index]],
                float("nan"),
                _words(Outcome(result.truths[index])),
            )
        )
    st.markdown(f"**{title}** — select one to look at it in its picture")
    if not lines:
        st.caption("None.")
        return
    st.session_state["behind_rows"] = [
        (evaluated.pictures[picture], box_id) for picture, box_id in rows
    ]
    st.dataframe(
        pd.DataFrame(lines, columns=["Picture", "Class", "Score", "What"]),
        hide_index=True,
        key="behind",
        on_select=_look_at,
        selection_mode="single-row",
        height=min(35 * len(lines) + 38, 380),
        column_config={"Score": st.column_config.NumberColumn(format="%.2f")},
        placeholder="–",
    )
    if count > len(lines):
        st.caption(f"… and {count - len(lines)} more.")


def _look_at() -> None:
    """Callback of the table of boxes: show that picture, with that box picked."""
    rows = st.session_state["behind"]["selection"]["rows"]
    if not rows:
        return
    studied, box_id = st.session_state["behind_rows"][rows[0]]
    picture = studied.picture()
    images.look_at(picture)
    tables.pick(picture, box_id)
    st.session_state["viewer_mode"] = "Right and wrong"
    st.session_state["look_now"] = True
    st.session_state["looks"] = st.session_state.get("looks", 0) + 1  # scrolls up to the picture
