"""Detections against ground truth: precision, recall and average precision."""

import numpy as np
import streamlit as st

from dashboard import controls, frame, ground_truth, state
from dashboard.answers import labels_shown
from dashboard.ground_truth import GroundTruthSet
from dashboard.thresholds import class_names, image_sets
from dashboard.thresholds.image_sets import Evaluated, ImageSet
from detector import ssd
from detector.drawing import charts
from detector.errors import GroundTruthError
from detector.evaluation import curves
from detector.evaluation.ground_truth import GroundTruth
from detector.report.document import Measure, Measures
from detector.translation import _, plural

MATCH_IOU = 0.5
FEW = 10  # objects of a class: fewer, and its figures can be luck


def choose(counted: ImageSet) -> GroundTruthSet | None:
    """Ground truth of these images, and from which IoU on a box counts as correct. Returns it, with
    what is wrong in its files told."""
    truth = _ground_truth(counted)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
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
    if truth is not None:
        class_names.show(truth)
    return truth


def judge(counted: ImageSet, truth: GroundTruthSet, settings: ssd.Settings) -> Evaluated | None:
    """Precision, recall, F1 and mAP of these images. Returns the evaluation, None where none of
    them has ground truth."""
    evaluated = image_sets.evaluate(counted, truth, settings, match_iou())
    if evaluated is None:
        st.info(_("None of these images has ground truth."), icon=":material/data_object:")
        return None
    _headline(counted, evaluated, settings)
    return evaluated


def show_curves(evaluated: Evaluated, settings: ssd.Settings) -> None:
    """Precision, recall and F1 against the threshold, and precision against recall."""
    labels = labels_shown()
    st.markdown(_("**Precision, recall and F1 against the threshold**"))
    st.plotly_chart(
        charts.rates(evaluated.curves, labels, settings, controls.chosen_class(labels)),
        key="rates",
        on_select=lambda: controls.threshold_from_chart("rates"),
        selection_mode="points",
        config=charts.CONFIG,
        alt=_("Precision, recall and F1 against the score threshold, a curve a class."),
    )
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
    for told in basis_in_words(evaluated, settings):
        st.caption(told)


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
        "{count} image with ground truth ({source}), at these thresholds: "
        "{right} right, {wrong} wrong, {missed} missed.",
        "{count} images with ground truth ({source}), at these thresholds: "
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
    labels = labels_shown()
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
