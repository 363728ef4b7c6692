"""The report of Detect: one image, its boxes, and what was found out about them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dashboard import asking, report, why
from dashboard.answers import labels_shown
from dashboard.detect import tables
from dashboard.files import ImageFile
from dashboard.media import screen_of
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.asking import Candidate
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import at_floor
from detector.report.document import Part, Photos, Report, Row, Section, Table, Text
from detector.translation import _


def offer(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    settings: ssd.Settings,
    candidates: Sequence[Candidate],
    truth: GroundTruth | None,
    times: Sequence[tuple[str, str]],
) -> None:
    """The button of the report.

    Args:
        truth: as far as it is shown.
        times: name and time of each step.
    """
    labels = labels_shown()
    found, asked = why.of_image(image, answer), asking.section(image, candidates)
    display = screen_of(loaded).display

    def make() -> Report:
        photo = report.photo_of(
            image.name,
            report.opened(display),
            answer.raw,
            answer.size,
            settings,
            labels,
            truth=truth,
        )
        floor = replace(at_floor(settings), class_agnostic=settings.class_agnostic)
        everything = answer.detections(floor)
        photos = Photos([photo], settings, labels)
        boxes: list[Part] = [
            tables.of_boxes(photo.shown, labels)
            if len(photo.shown)
            else Text(tables.no_boxes(settings))
        ]
        sections = [
            Section("", [photos]),
            Section(_("Classes"), [tables.of_classes(photo.shown, settings, labels)]),
            Section(_("Boxes"), boxes),
            report.counts([everything], settings, labels),
            *report.maps(found, display, labels),
            *([asked] if asked is not None else []),
        ]
        if times:
            rows = [Row(time) for time in times]
            sections.append(
                Section(_("Where the time went"), [Table((_("Step"), _("Time")), rows)])
            )
        return report.report(
            _("Detect: {image}", image=image.name),
            report.facts(answer, settings, labels, image.name),
            sections,
            report.reading_of(photos, *([report.MAPS] if found else [])),
        )

    report.offer("report", Path(image.name).stem, make)
