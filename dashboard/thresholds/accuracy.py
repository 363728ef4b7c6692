"""Detections against ground truth: precision and recall, average precision, errors by name,
confusion.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import controls, frame, ground_truth, images, paper, state
from dashboard.answers import config
from dashboard.detect import tables
from dashboard.ground_truth import GroundTruthSet
from dashboard.thresholds import class_names, image_sets
from dashboard.thresholds.image_sets import Evaluated, ImageSet
from detector import ssd
from detector.drawing import charts
from detector.errors import GroundTruthError
from detector.evaluation import curves
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Ints, Outcome
from detector.report.document import Measure, Measures
from detector.translation import _, noted, plural

MATCH_IOU = 0.5
FEW = 10  # objects of a class: fewer, and its figures can be luck
# Of boxes in a list: more than anybody looks through, and the page stays quick.
MAX_ROWS = 200
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


def show(counted: ImageSet, settings: ssd.Settings) -> Evaluated | None:
    """The whole section. Returns the evaluation, None where there is no ground truth."""
    labels = config().labels
    st.header(_("Accuracy"), anchor=False)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        ground_truth.choose()
    right.slider(
        _("Counts as correct from IoU"),
        0.05,
        0.95,
        MATCH_IOU,
        0.05,
        key="match_iou",
        persist_state="session",
        help=_(
            "Matching as COCO does it: best score first, each box takes the object of its class "
            "that it overlaps most, if by this much and not taken yet."
        ),
    )
    truth = _ground_truth(counted)
    if truth is None:
        return None
    class_names.show(truth)
    evaluated = image_sets.evaluate(counted, truth, settings, match_iou())
    if evaluated is None:
        st.info(_("None of these images has ground truth."), icon=":material/data_object:")
        return None
    _headline(counted, evaluated, settings)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(_("**Precision, recall and F1 against the threshold**"))
        st.plotly_chart(
            charts.rates(evaluated.curves, labels, settings, controls.chosen_class(labels)),
            key="rates",
            on_select=lambda: controls.threshold_from_chart("rates"),
            selection_mode="points",
            config=charts.CONFIG,
            alt=_("Precision, recall and F1 against the score threshold, a curve a class."),
        )
    with right:
        st.markdown(
            _("**Precision against recall**, a point a threshold :gray[· click one to adopt it]")
        )
        st.plotly_chart(
            charts.precision_recall(
                evaluated.curves,
                evaluated.average_precisions,
                labels,
                settings,
                controls.chosen_class(labels),
            ),
            key="pr",
            on_select=lambda: controls.threshold_from_chart("pr"),
            selection_mode="points",
            config=charts.CONFIG,
            alt=_("Precision against recall, a curve a class, with its average precision."),
        )
    _errors(counted, evaluated, settings)
    return evaluated


def match_iou() -> float:
    """The IoU from which on a box counts as correct."""
    return float(state.widget("match_iou", MATCH_IOU))


def _ground_truth(counted: ImageSet) -> GroundTruthSet | None:
    """The ground truth of these images, with what is wrong in its files told."""
    try:
        truth = ground_truth.of_images(counted.judged_with)
    except GroundTruthError as error:
        st.error(
            f"**{frame.plain(str(error))}** {frame.plain(_(error.hint))}", icon=":material/rule:"
        )
        truth = ground_truth.of_gallery(counted.judged_with)
    if truth is None:
        st.info(
            _("No ground truth for these images yet. Upload it with the names of the images."),
            icon=":material/data_object:",
        )
        return None
    if truth.problems:
        told = "".join(f"\n- {frame.plain(str(problem))}" for problem in truth.problems)
        lead = _("What can be used is used. Not right in the files:")
        st.warning(f"{lead}\n{told}", icon=":material/rule:")
    return truth


def _headline(counted: ImageSet, evaluated: Evaluated, settings: ssd.Settings) -> None:
    st.caption(headline_in_words(evaluated, settings))
    ground_truth.tell_unread(*left_out(counted, evaluated))
    with st.container(horizontal=True, key="headline"):
        for each in headline(evaluated, settings, match_iou()).measures:
            st.metric(each.name, each.value, border=True, help=each.meaning, width="stretch")
    for told in basis_in_words(evaluated, settings):
        st.caption(told)


def headline(evaluated: Evaluated, settings: ssd.Settings, iou: float) -> Measures:
    """The figures over all classes, at these thresholds.

    Args:
        iou: of `match_iou`.
    """
    total = curves.tally(evaluated.matches, settings).total()
    figures = (
        (_("Precision"), float(total.precision), _("Correct boxes / boxes shown")),
        (_("Recall"), float(total.recall), _("Correct boxes / objects")),
        ("F1", float(total.f1), _("The harmonic mean of precision and recall")),
        (
            f"mAP@{iou:.2f}",
            evaluated.average_precisions[None],
            _("Mean over the classes of COCO's average precision at this IoU, over all thresholds"),
        ),
    )
    return Measures(
        [
            Measure(name, "–" if np.isnan(value) else f"{value:.3f}", meaning)
            for name, value, meaning in figures
        ]
    )


def headline_in_words(evaluated: Evaluated, settings: ssd.Settings) -> str:
    """What the figures are counted over, and the counts themselves, in Markdown."""
    total = curves.tally(evaluated.matches, settings).total()
    return plural(
        "{count} image with ground truth ({source}), at the thresholds set above: "
        "{right} right, {wrong} wrong, {missed} missed.",
        "{count} images with ground truth ({source}), at the thresholds set above: "
        "{right} right, {wrong} wrong, {missed} missed.",
        len(evaluated.images),
        source=frame.plain(evaluated.truth.source),
        right=int(total.true_positives),
        wrong=int(total.false_positives),
        missed=int(total.misses),
    )


def left_out(counted: ImageSet, evaluated: Evaluated) -> tuple[list[GroundTruth], int]:
    """What of the ground truth the figures may leave out, for `ground_truth.tell_unread`."""
    truth, names = evaluated.truth, {image.name for image in counted.images}
    truths = [truth.by_image[image.name] for image in evaluated.images]
    return truths, len(names.intersection(truth.not_counted))


def basis_in_words(evaluated: Evaluated, settings: ssd.Settings) -> list[str]:
    """How many objects the figures rest on, where that is few, or mostly one class; in Markdown."""
    labels = config().labels
    counts = curves.tally(evaluated.matches, settings)
    objects = (counts.true_positives + counts.misses).tolist()
    few = [
        f"{frame.plain(label)} ({count})"
        for label, count in zip(labels[1:], objects[1:], strict=True)
        if 0 < count < FEW
    ]
    told = []
    if few:
        told.append(
            _(
                "Figures of these classes rest on few objects, and one more or less moves them"
                " much: {classes}.",
                classes=", ".join(few),
            )
        )
    most, total = int(np.argmax(objects)), sum(objects)
    if 2 * objects[most] > total > objects[most]:
        told.append(
            _(
                "{count} of the {total} objects are {label}. Precision, recall and F1 count each"
                " object alike and are mostly theirs; mAP counts each class alike.",
                count=objects[most],
                total=total,
                label=frame.plain(labels[most]),
            )
        )
    return told


def _errors(counted: ImageSet, evaluated: Evaluated, settings: ssd.Settings) -> None:
    """The confusion matrix, and the boxes behind a cell or a kind of error."""
    labels = config().labels
    matrix = curves.confusion(evaluated.matches, settings)
    left, right = st.columns(2, gap="large")
    with left:
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
    with right:
        if points:
            true_class, found_class = (int(value) for value in points[0]["customdata"][:2])
            wrong, missed = matrix.cell(true_class, found_class)
            cell = _cell_name(true_class, found_class, labels)
            title = _("{count} in {cell}", count=len(wrong) or len(missed), cell=cell)
        else:
            title, wrong, missed = _errors_by_name(evaluated, settings)
        _listed(counted, evaluated, settings, wrong, missed, title)


def _errors_by_name(evaluated: Evaluated, settings: ssd.Settings) -> tuple[str, Ints, Ints]:
    """The chosen kind of error, of the chosen class: its name, and the rows of its detections and
    of its objects."""
    labels = config().labels
    chosen = controls.chosen_class(labels)
    counts = counts_by_name(evaluated, settings, chosen)
    kinds = list(counts)
    meanings = "".join(f" **{_(n)}**: {_(text)}." for n, text in {**ERRORS, **MISSES}.values())
    kind = st.pills(
        _("Errors by name"),
        kinds,
        key="error_kind",
        format_func=lambda outcome: f"{_(OUTCOMES[outcome][0])} {counts[outcome]}",
        wrap=True,
        help=_("The kinds are TIDE's.") + meanings,
    )
    if kind is None:
        title = _("All errors of {label}", label=labels[chosen]) if chosen else _("All errors")
    else:
        title = f"{_(OUTCOMES[kind][0])} {counts[kind]}"
    listed = [*ERRORS, *MISSES] if kind is None else [kind]
    return title, *errors(evaluated, settings, chosen, listed)


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


def _listed(
    counted: ImageSet,
    evaluated: Evaluated,
    settings: ssd.Settings,
    detections: Ints,
    objects: Ints,
    title: str,
) -> None:
    """A row a box; a click opens its image with the box picked.

    Args:
        detections, objects: rows of the evaluation's tables.
    """
    in_images = image_sets.evaluated_detections(evaluated, settings, counted)
    rows, total = rows_of(evaluated, in_images, settings, detections, objects)
    lead = _("select one to look at it in its image")
    st.markdown(f"**{frame.plain(title)}** :gray[· {lead}]")
    if not rows:
        st.caption(_("None."))
        return
    state.update(
        state.ListedBoxes,
        rows=tuple((evaluated.images[image], box_id) for image, box_id, *_cells in rows),
    )
    names = ["image", "class", "score", "outcome"]
    paper.dataframe(
        pd.DataFrame([cells for _image, _box, *cells in rows], columns=names),
        key="behind",
        on_select=_look_at,
        selection_mode="single-row",
        height=min(35 * len(rows) + 38, 380),
        column_config={
            "image": st.column_config.TextColumn(_("Image")),
            "class": st.column_config.TextColumn(_("Class")),
            "score": st.column_config.NumberColumn(_("Score"), format="%.2f"),
            "outcome": st.column_config.TextColumn(_("Error")),
        },
        placeholder=paper.ABSENT,
    )
    if total > len(rows):
        st.caption(_("… and {count} more.", count=total - len(rows)))


def rows_of(
    evaluated: Evaluated,
    in_images: Sequence[ssd.Detections],
    settings: ssd.Settings,
    detections: Ints,
    objects: Ints,
) -> tuple[list[tuple[int, str, str, str, float, str]], int]:
    """Place of the image, id of the box, and the cells of each row; and how many there would be.

    Args:
        in_images: of `image_sets.evaluated_detections`.
        detections, objects: rows of the evaluation's tables.
    """
    labels = config().labels
    matches = evaluated.matches
    found, there = matches.comparison.detections, matches.comparison.truths
    result = curves.outcomes(matches, settings)
    if len(detections):  # an object that was found has its detection in the list
        objects = objects[result.truths[objects] != Outcome.RIGHT]
    total = len(detections) + len(objects)
    detections = detections[:MAX_ROWS]
    objects = objects[: MAX_ROWS - len(detections)]
    rows: list[tuple[int, str, str, str, float, str]] = []
    for index in detections:
        image = int(found.images[index])
        [box_id] = in_images[image].take([found.rows[index]]).ids
        label, score = labels[found.class_ids[index]], float(found.scores[index])
        outcome = _(OUTCOMES[Outcome(result.detections[index])][0])
        rows.append((image, box_id, evaluated.images[image].name, label, score, outcome))
    for index in objects:
        image = int(there.images[index])
        box_id = f"truth-{there.rows[index]}"
        label = labels[there.class_ids[index]]
        outcome = _(OUTCOMES[Outcome(result.truths[index])][0])
        rows.append((image, box_id, evaluated.images[image].name, label, np.nan, outcome))
    return rows, total


@frame.callback
def _look_at() -> None:
    """Callback of the table of boxes: show that image, with that box picked."""
    rows = state.widget("behind")["selection"]["rows"]
    if not rows:
        return
    listed = state.read(state.ListedBoxes)
    answered, box_id = listed.rows[rows[0]]
    image = answered.file()
    images.look_at(image)
    tables.pick(image, box_id)
    state.set_widget("viewer_mode", "Right and wrong")
    state.update(state.ListedBoxes, look=True, looks=listed.looks + 1, looked_at=image.digest)
