"""The report of a page, to take home: its button, and what reports of all pages have in common.

A report is made when it is asked for, in a thread that has no session. So a page hands over what it
shows, and a function that makes a report of that.
"""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st
from PIL import Image

from dashboard import paper, results, why
from dashboard.masking import Masking
from dashboard.thresholds import image_sets
from detector.answers import Answer
from detector.drawing import charts, photo
from detector.evaluation.ground_truth import GroundTruth
from detector.report import boxes
from detector.report.document import (
    Chart,
    Columns,
    Photo,
    Photos,
    Picture,
    Report,
    Section,
    Text,
)
from detector.report.page import to_html
from detector.ssd import Detections, RawPrediction, Settings, postprocess
from detector.translation import _, carried, noted

COUNTS = noted("Boxes at or above each score threshold, and below it how the scores are spread")
# How to read a report, a paragraph each.
SCORES = noted(
    "Score: how sure the model is of a box, 0 to 1. It is no probability of being right: how often"
    " boxes of a score are right differs from model to model and from class to class. Boxes at or"
    " above the score threshold are shown."
)
OVERLAPS = noted(
    "IoU, intersection over union: the area that two boxes share, divided by the area of both"
    " together; 0 apart, 1 the same. Where two boxes overlap by more than the IoU threshold, only"
    " the one with the higher score is kept (non-maximum suppression, NMS)."
)
SLIDER = noted(
    "The slider moves the boxes in the images and what is counted below them, and nothing else:"
    " tables, measures and charts are by the settings at the beginning of the report. Classes with"
    " a threshold of their own keep it."
)
NO_SLIDER = noted(
    "There is no slider: with class-agnostic NMS and thresholds of single classes, another"
    " threshold may bring boxes that were suppressed, and these are not in the file."
)
MEASURES = noted(
    "A box is right where its IoU with an object of its class in the ground truth is high enough"
    " and no better box has that object already; else it is wrong, and an object without a right"
    " box is missed. Precision: right boxes / boxes shown. Recall: right boxes / objects. F1: the"
    " harmonic mean of both. Average precision (AP): precision on average over all recalls, so over"
    " all thresholds; mAP is its mean over the classes. Figures of few objects can be luck."
)
MAPS = noted(
    "A heat map (D-RISE) is made by hiding random parts of the image: it is bright where hiding"
    " makes the box weaker. It says what this model looks at, not what an object consists of."
)


def offer(key: str, stem: str, make: Callable[[], Report], disabled: bool = False) -> None:
    """The button that makes the report and downloads it.

    Args:
        stem: what the file's name begins with.
        make: called on the click, in another thread: it must not ask for the session.
    """
    st.download_button(
        _("Report"),
        carried(lambda: to_html(make())),
        f"{stem}-report.html",
        "text/html",
        icon=":material/description:",
        key=key,
        on_click="ignore",
        disabled=disabled,
        help=_(
            "One HTML file with the images, settings, measures and charts of this page. It opens"
            " anywhere, without a network, and prints to A4."
        ),
    )


def report(
    title: str,
    facts: Sequence[tuple[str, str]],
    sections: Sequence[Section],
    reading: Sequence[str],
) -> Report:
    """The report of now.

    Args:
        reading: of the texts above, in English.
    """
    return Report(title, datetime.now(UTC), facts, sections, [_(text) for text in reading])


def facts(
    answer: Answer, settings: Settings, labels: Sequence[str], image: str = ""
) -> list[tuple[str, str]]:
    """What a page about one model is made with. Of a results file the session says how much is in
    it, so that this is not for the thread in which a report is made."""
    file = results.find(answer.file)
    told = [
        (_("Model"), model_in_words(answer.model.name, answer.model.version))
        if file is None
        else (_("Results file"), f"{answer.file} · {results.in_words(file)}"),
        (_("Settings"), paper.settings_in_words(settings, labels)),
    ]
    if answer.recorded_on is not None:
        told.insert(1, (_("Recorded on"), str(answer.recorded_on)))
    if image:
        width, height = answer.size
        told.insert(0, (_("Image"), f"{image} · {width} × {height} px"))
    return told


def model_in_words(name: str, version: int) -> str:
    """Name and version, 0 where the server did not say."""
    return _("{model}, version {version}", model=name, version=version or "?")


def photo_of(
    name: str,
    display: Image.Image,
    raw: RawPrediction,
    size: tuple[int, int],
    settings: Settings,
    labels: Sequence[str],
    *,
    count: int = 1,
    truth: GroundTruth | None = None,
    colors: dict[str, str] | None = None,
) -> Photo:
    """An image with what these settings find in it.

    Args:
        display: of any resolution.
        size: (width, height) of the original, in pixels.
        count: of images in the report.
        truth, colors: as of `Photo`.
    """
    possible = boxes.at_any_threshold(raw, settings, size)
    shown = postprocess(raw, settings, size)
    jpeg = boxes.jpeg_of_many(display, count)
    return Photo(name, photo.summary(shown, labels), jpeg, size, shown, possible, colors, truth)


def reading_of(photos: Photos, *more: str) -> list[str]:
    """How to read images and their slider, and what else is in the report."""
    return [SCORES, OVERLAPS, SLIDER if boxes.can_move(photos.settings) else NO_SLIDER, *more]


def counts(found: Sequence[Detections], settings: Settings, labels: Sequence[str]) -> Section:
    """How many boxes of some images a threshold shows.

    Args:
        found: of each, at the floor: with whatever score.
    """
    counted, histogram = image_sets.counted(found, len(labels))
    chart = Chart(
        _(COUNTS),
        charts.counts(counted, histogram, labels, settings),
        _("Number of boxes against the score threshold, a curve a class."),
    )
    return Section(_("How many boxes a threshold shows"), [chart])


def opened(display: bytes) -> Image.Image:
    """What is kept of an image for the screen."""
    return Image.open(io.BytesIO(display)).convert("RGB")


def maps(found: dict[str, Masking], display: bytes, labels: Sequence[str]) -> list[Section]:
    """The heat maps of boxes of an image.

    Args:
        found: by the ids of the detections.
    """
    sections = []
    for name, masking in found.items():
        saliency, curves = masking.saliency, masking.curves
        if saliency is None:
            continue
        class_id = int(name.partition("-")[0])
        label = labels[class_id]
        drawn = why.drawn_over(display, saliency, masking)
        box = f"{label} {masking.target.scores[class_id]:.2f}"
        picture = Picture(boxes.jpeg_of_many(drawn, 4), drawn.size, why.map_in_words(label))
        told: list[Text | Chart] = [Text(why.count_in_words(masking, saliency), is_note=True)]
        if curves is not None:
            told = [
                Chart("", why.chart(curves), _(why.CHART_IN_WORDS)),
                Text(why.belief_in_words(curves)),
                *told,
            ]
        sections.append(Section(_("Why {label}?", label=box), [Columns([[picture], told])]))
    return sections
