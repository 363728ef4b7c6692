"""The report of Thresholds: an image, what NMS does to it, and what is counted over many images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dashboard import asking, controls, frame, ground_truth, report, results, state, why
from dashboard.answers import labels_shown
from dashboard.files import ImageFile
from dashboard.media import jpeg_uri, screen_of
from dashboard.thresholds import accuracy, errors, image_sets, nms
from dashboard.thresholds.image_sets import Evaluated, ImageSet
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.asking import Candidate
from detector.drawing import charts
from detector.drawing.viewer import View
from detector.drawing.viewer import view as view_of
from detector.evaluation import curves
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Outcome
from detector.formats.results import Joined
from detector.report.boxes import jpeg_of_many
from detector.report.document import (
    Chart,
    Columns,
    Part,
    Photos,
    Report,
    Row,
    Section,
    Table,
    Text,
)
from detector.translation import _, plural
from detector.xray import xray

# Of boxes in a list: more than anybody looks through.
MAX_ROWS = 200


def offer(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    settings: ssd.Settings,
    candidates: Sequence[Candidate],
    truth: GroundTruth | None,
    counted: ImageSet | None,
    evaluated: Evaluated | None,
    more: Section | None,
) -> None:
    """The button of the report.

    Args:
        truth: of the image.
        counted: the images that are counted over; None on a tab that counts nothing.
        evaluated: None where they have no ground truth.
        more: what the tab says by itself.
    """
    labels, display = labels_shown(), screen_of(loaded).display
    has_raw = not answer.file
    found = why.of_image(image, answer) if has_raw else {}
    asked = asking.section(image, candidates) if has_raw else None
    picked = state.read(state.Pick).detection_id
    chosen, iou = controls.chosen_class(labels), accuracy.match_iou()
    counts = None if counted is None else image_sets.count(counted, settings)
    told = report.facts(answer, settings, labels, image.name)
    in_images: Sequence[ssd.Detections] = ()
    if counted is not None and evaluated is not None:
        in_images = image_sets.evaluated_detections(evaluated, settings, counted)

    def make() -> Report:
        photo = report.photo_of(
            image.name, report.opened(display), answer.raw, answer.size, settings, labels
        )
        photos = Photos([photo], settings, labels)
        seen = view_of(
            answer.raw, settings, answer.size, labels, digest="", truth=truth, match_iou=iou
        )
        sections = [
            Section("", [photos, *_seen(seen, photo.shown)]),
            *([asked] if asked is not None else []),
            *report.maps(found, display, labels),
            *([_nms(answer, settings, labels, display, picked)] if has_raw else []),
        ]
        if counted is not None and counted.joined is not None:
            sections.append(_remarks(counted.joined))
        if counted is not None and counts is not None:
            sections.append(_counts(counted, counts, settings, labels, chosen))
        if counted is not None and evaluated is not None:
            sections += [
                _accuracy(counted, evaluated, settings, labels, chosen, iou),
                _errors(evaluated, in_images, settings, labels, chosen),
            ]
        if more is not None:
            sections.append(more)
        measures = [report.MEASURES] if evaluated is not None else []
        return report.report(
            _("Thresholds: {image}", image=image.name),
            told,
            sections,
            report.reading_of(photos, *measures, *([report.MAPS] if found else [])),
        )

    report.offer("thresholds_report", f"{Path(image.name).stem}-thresholds", make)


def _remarks(joined: Joined) -> Section:
    told = results.left_out_in_words(joined) or [_("Nothing was left out.")]
    return Section(_("The results file"), [Text(line) for line in told])


def _seen(view: View, shown: ssd.Detections) -> list[Part]:
    """How many boxes are shown and hidden, and how many of those shown are right."""
    hidden = max(view.kept_count - len(shown), 0)
    parts: list[Part] = [
        Text(_("{shown} boxes shown, {hidden} hidden", shown=len(shown), hidden=hidden), True)
    ]
    if view.judgement is None:
        return parts
    ids = [f"{c}-{p}" for c, p in zip(view.class_ids, view.prior_indices, strict=True)]
    rows = {ids.index(name) for name in shown.ids}
    outcomes = [view.judgement.outcomes[row] for row in rows]
    truth = view.judgement.ground_truth
    classes = view.settings.shown
    missed = sum(
        not ignored and by not in rows and (classes is None or class_id in classes)
        for class_id, ignored, by in zip(
            truth.class_ids, truth.ignored, truth.found_by, strict=True
        )
    )
    told = {
        "right": outcomes.count(Outcome.RIGHT),
        "wrong": sum(outcome in errors.ERRORS for outcome in outcomes),
        "missed": missed,
    }
    line = _("In this image: {right} right, {wrong} wrong, {missed} missed", **told)
    return [*parts, Text(line, is_note=True)]


def _nms(
    answer: Answer,
    settings: ssd.Settings,
    labels: Sequence[str],
    display: bytes,
    picked: str | None,
) -> Section:
    seen = xray(answer.raw, settings, answer.size)
    uri = jpeg_uri(jpeg_of_many(report.opened(display), 12))
    density = Chart(
        _("Where the default boxes fire"),
        charts.density(answer.raw, answer.size, uri),
        _("Map of the highest score at each place of the image."),
    )
    parts: list[Part] = [nms.funnel(seen.funnel, labels)]
    if picked in seen.candidates.ids:
        index = seen.candidates.ids.index(picked)
        parts.append(Text(frame.unmarked(nms.in_words(seen, index, answer, settings, labels))))
        suppressed = seen.suppressed_by(index)
        if len(suppressed):
            parts.append(nms.losers(seen, suppressed, answer, labels))
    return Section(_("NMS X-ray"), [*parts, density])


def _counts(
    counted: ImageSet,
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    settings: ssd.Settings,
    labels: Sequence[str],
    chosen: int,
) -> Section:
    count = len(counted.images)
    over = plural("Counting over {count} image.", "Counting over {count} images.", count)
    chart = Chart(
        _(report.COUNTS),
        charts.counts(*counts, labels, settings, chosen),
        _("Number of boxes against the score threshold, a curve a class."),
    )
    return Section(_("How many boxes a threshold shows"), [Text(over), chart])


def _accuracy(
    counted: ImageSet,
    evaluated: Evaluated,
    settings: ssd.Settings,
    labels: Sequence[str],
    chosen: int,
    iou: float,
) -> Section:
    notes = [
        *ground_truth.unread_in_words(*accuracy.left_out(counted, evaluated)),
        *map(frame.unmarked, accuracy.basis_in_words(evaluated, settings)),
    ]
    rates = Chart(
        _("Precision, recall and F1 against the threshold"),
        charts.rates(evaluated.curves, labels, settings, chosen),
        _("Precision, recall and F1 against the score threshold, a curve a class."),
    )
    of_classes = (evaluated.curves, evaluated.average_precisions)
    curve = Chart(
        _("Precision against recall, a point a threshold"),
        charts.precision_recall(*of_classes, labels, settings, chosen),
        _("Precision against recall, a curve a class, with its average precision."),
    )
    return Section(
        _("Accuracy"),
        [
            Text(frame.unmarked(accuracy.headline_in_words(evaluated, settings))),
            Text(_("Counts as correct from IoU {iou}", iou=f"{iou:.2f}"), is_note=True),
            accuracy.headline(evaluated, settings, iou),
            *(Text(note, is_note=True) for note in notes),
            Columns([[rates], [curve]]),
        ],
    )


def _errors(
    evaluated: Evaluated,
    in_images: Sequence[ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
    chosen: int,
) -> Section:
    confusion = Chart(
        _("Confusion matrix"),
        charts.confusion(curves.confusion(evaluated.matches, settings).counts, labels),
        _("Rows are the classes of the ground truth, columns those of the detections."),
    )
    names = {**errors.ERRORS, **errors.MISSES}
    meaning = _("Meaning")
    by_name = Table(
        (_("Error"), _("Count"), meaning),
        [
            Row((_(names[kind][0]), str(count), _(names[kind][1])))
            for kind, count in errors.counts_by_name(evaluated, settings, chosen).items()
        ],
        frozenset({meaning}),
    )
    listed = errors.errors(evaluated, settings, chosen, list(names))
    boxes = errors.listed(evaluated, in_images, settings, *listed)
    texts = (_("Image"), _("Class"), _("Error"))
    table = Table(
        (_("Image"), _("Class"), _("Score"), _("Error")),
        [
            Row(
                (
                    each.image.name,
                    labels[each.class_id],
                    "–" if each.score is None else f"{each.score:.2f}",
                    _(names[each.outcome][0]),
                )
            )
            for each in boxes[:MAX_ROWS]
        ],
        frozenset(texts),
    )
    title = _("All errors of {label}", label=labels[chosen]) if chosen else _("All errors")
    parts: list[Part] = [Columns([[confusion], [by_name]]), Text(title), table]
    if len(boxes) > MAX_ROWS:
        parts.append(Text(_("… and {count} more.", count=len(boxes) - MAX_ROWS), is_note=True))
    return Section(_("Errors by name"), parts)
