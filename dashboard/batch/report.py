"""The report of Batch: the images as they are looked at, and what was found in all of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from PIL import Image

from dashboard import frame, paper, report
from dashboard.answers import config, labels_shown
from dashboard.batch import progress, results
from dashboard.batch.filters import View
from dashboard.batch.job import Job
from detector import ssd
from detector.batch.run import Done, read_source
from detector.errors import ImageError
from detector.evaluation.matching import at_floor
from detector.images import ImageLimits, read_thumbnail
from detector.report import boxes
from detector.report.document import Photo, Photos, Report, Row, Section, Table, Text
from detector.translation import _, plural

READ_SIDE = 1100  # pixels of an image's longer side, of which the report's is made
MOST_ROWS = 1000  # images in the table


def offer(
    job: Job,
    done: Sequence[Done],
    views: Sequence[View],
    detections: Mapping[int, ssd.Detections],
    settings: ssd.Settings,
    *,
    disabled: bool,
) -> None:
    """The button of the report.

    Args:
        views: the images that pass the filter, in the order in which they are looked at.
        detections: of all images, by their indices.
    """
    labels, limits = labels_shown(), config().image_limits
    told = frame.unmarked(progress.in_words(job, False, False))
    found = dict(detections)  # of other settings they are others

    def make() -> Report:
        photos = _photos(job, views, settings, labels, limits)
        sections = [
            Section(_("Classes"), [results.summary(done, found, settings, labels)]),
            report.counts(_at_floor(done, settings), settings, labels),
            Section(_("Images"), [photos, *_left_out(len(views))]),
            Section(_("Each image"), [_table(views, labels), *_more(len(views), MOST_ROWS)]),
        ]
        bad = [each for each in done if each.error is not None]
        if bad:
            reason = _("Reason")
            rows = [Row((each.name, str(each.error))) for each in bad[: progress.MAX_TOLD]]
            table = Table((_("File"), reason), rows, frozenset({reason}))
            heading = progress.unread_in_words(len(bad))
            sections.append(Section(heading, [table, *_more(len(bad), progress.MAX_TOLD)]))
        models = {(each.model.name, each.model.version) for each in done if each.model}
        facts = [
            (_("Images"), told),
            *((_("Model"), report.model_in_words(*model)) for model in sorted(models)),
            (_("Settings"), paper.settings_in_words(settings, labels)),
        ]
        return report.report(
            plural("Batch: {count} image", "Batch: {count} images", len(done)),
            facts,
            sections,
            report.reading_of(photos),
        )

    report.offer("batch_report", "batch", make, disabled=disabled)


def _photos(
    job: Job,
    views: Sequence[View],
    settings: ssd.Settings,
    labels: Sequence[str],
    limits: ImageLimits,
) -> Photos:
    shown = [view for view in views if view.done.size is not None][: boxes.MOST_IMAGES]
    photos = [_photo(job, view.done, settings, labels, limits, len(shown)) for view in shown]
    return Photos(photos, settings, labels, columns=min(len(photos), 3) or 1)


def _photo(
    job: Job,
    done: Done,
    settings: ssd.Settings,
    labels: Sequence[str],
    limits: ImageLimits,
    count: int,
) -> Photo:
    assert done.raw is not None
    assert done.size is not None
    assert isinstance(done.made, bytes)
    display = report.opened(done.made)  # small: it stays where the file itself is gone
    with suppress(ImageError):
        data = read_source(job.sources[done.index])
        display = Image.fromarray(read_thumbnail(data, READ_SIDE, limits))
    return report.photo_of(done.name, display, done.raw, done.size, settings, labels, count=count)


def _at_floor(done: Sequence[Done], settings: ssd.Settings) -> list[ssd.Detections]:
    floor = replace(at_floor(settings), class_agnostic=settings.class_agnostic)
    return [
        ssd.postprocess(each.raw, floor, each.size)
        for each in done
        if each.raw is not None and each.size is not None
    ]


def _table(views: Sequence[View], labels: Sequence[str]) -> Table:
    """A row an image: what its card says."""
    rows = []
    for view in views[:MOST_ROWS]:
        if view.done.error is not None:
            rows.append(Row((view.done.name, "–", "–", str(view.done.error)), is_faint=True))
            continue
        found = view.detections
        best = f"{found.scores.max():.2f}" if len(found) else "–"
        class_ids, counts = np.unique(found.class_ids, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        told = ", ".join(f"{counts[place]} {labels[class_ids[place]]}" for place in order)
        cells = (view.done.name, str(len(found)), best, told or _("No objects"))
        rows.append(Row(cells, is_faint=not len(found)))
    classes = _("Classes")
    return Table((_("Image"), _("Boxes"), _("Best"), classes), rows, frozenset({classes}))


def _left_out(count: int) -> list[Text]:
    if count <= boxes.MOST_IMAGES:
        return []
    told = _("The first {most} images; the table has them all.", most=boxes.MOST_IMAGES)
    return [Text(told, is_note=True)]


def _more(count: int, most: int) -> list[Text]:
    if count <= most:
        return []
    return [Text(_("… and {count} more.", count=count - most), is_note=True)]
