"""Detections as CSV, out and in, and as plain JSON records. The same input gives the same bytes.

Numbers are written with as few digits as give the same float32 back.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from detector.errors import ResultsError
from detector.formats.detected import DetectedImage, shortest
from detector.formats.reading import Box, as_text, number, numbers, whole_size
from detector.formats.results import ResultsDraft, Subject
from detector.formats.typed_json import shown
from detector.ssd import Settings
from detector.translation import _


def record(image: DetectedImage, labels: Sequence[str]) -> dict[str, Any]:
    """One image as plain data, as the command line prints it: boxes as xyxy in its pixels."""
    width, height = image.size
    found = image.detections
    return {
        "image": image.file_name,
        "width": width,
        "height": height,
        "model": {"name": image.model_name, "version": image.model_version},
        "detections": [
            {
                "label": labels[class_id],
                "class_id": class_id,
                "score": shortest(score),
                "box": [shortest(value) for value in box],
            }
            for class_id, score, box in zip(
                found.class_ids.tolist(), found.scores, found.boxes, strict=True
            )
        ],
    }


def settings_record(settings: Settings) -> dict[str, Any]:
    """The settings as plain data."""
    return {
        "score_threshold": settings.score_threshold,
        "iou_threshold": settings.iou_threshold,
        "class_agnostic": settings.class_agnostic,
        "class_thresholds": {str(key): value for key, value in settings.class_thresholds.items()},
        "classes": None if settings.classes is None else sorted(settings.classes),
        "top_k": settings.top_k,
        "tiles": str(settings.tiles),
    }


def to_json(images: Iterable[DetectedImage], labels: Sequence[str]) -> bytes:
    """JSON: {"labels": [...], "images": [a `record` each, with the settings where known]}."""
    records = []
    for image in images:
        entry = record(image, labels)
        if image.settings is not None:
            entry["settings"] = settings_record(image.settings)
        records.append(entry)
    return (json.dumps({"labels": list(labels), "images": records}, indent=1) + "\n").encode()


def to_csv(images: Iterable[DetectedImage], labels: Sequence[str]) -> bytes:
    """CSV in UTF-8, one line a detection, header first; images without detections have none. Frames
    of a video have a column more, `time_s`.

    A file name or label that a spreadsheet would run as a formula (it begins with = + - @, a tab or
    a carriage return) gets an apostrophe in front, which spreadsheets do not show.
    """
    images = list(images)
    has_times = any(image.time_s is not None for image in images)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    columns = ["width", "height", "class_id", "label", "score", "xmin", "ymin", "xmax", "ymax"]
    writer.writerow(["image", *(["time_s"] if has_times else []), *columns])
    for image in images:
        time = [f"{image.time_s or 0:.3f}"] if has_times else []
        for found in record(image, labels)["detections"]:
            writer.writerow(
                [
                    _without_formula(image.file_name),
                    *time,
                    *image.size,
                    found["class_id"],
                    _without_formula(found["label"]),
                    found["score"],
                    *found["box"],
                ]
            )
    return file.getvalue().encode("utf-8", "replace")


def add_results(data: bytes, draft: ResultsDraft, source: str) -> None:
    """Takes in the detections in a CSV, one line each, under a header.

    Its columns: the image, a label or a class number, a score, and a box as corners, as x, y, width
    and height, or as centre, width and height. With corners, width and height are the image's.

    Raises:
        ResultsError: a column is missing.
        GroundTruthError: it is no text.
    """
    text = as_text(data, source)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = _Columns(next(rows, []))
    draft.has_sizes = draft.has_sizes or columns.kind != "corners"
    for number_of_row, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue

        def entry(line: int = number_of_row) -> str:
            return _("{file}, line {line}", file=source, line=line)

        if len(row) <= columns.last:
            message = _(
                "{entry}: expected {expected} columns, got {count}",
                entry=entry(),
                expected=len(columns.names),
                count=len(row),
            )
            draft.report.add("columns", message)
            continue
        image = draft.image(columns.subject(row))
        written, is_id = columns.class_of(row)
        class_row = draft.class_of(written, is_id=is_id)
        box = columns.box(row)
        draft.add(entry, image, class_row, row[columns.score].strip(), box, row)


# What the columns are called, in small letters and without what is no letter or digit.
_IMAGE = ("image", "filename", "file", "imagename", "imagepath", "path", "img", "imageid")
_LABEL = ("label", "name", "classname", "categoryname", "labelname", "category", "class")
_CLASS_ID = ("classid", "categoryid", "labelid", "class", "label", "category")
_SCORE = ("score", "confidence", "conf", "probability", "prob")
_BOXES = {
    "corners": (
        ("xmin", "x1", "left"),
        ("ymin", "y1", "top"),
        ("xmax", "x2", "right"),
        ("ymax", "y2", "bottom"),
    ),
    "centre": (
        ("cx", "xcenter", "xcentre"),
        ("cy", "ycenter", "ycentre"),
        ("w", "width"),
        ("h", "height"),
    ),
    "sizes": (
        ("x", "xmin", "x1", "left"),
        ("y", "ymin", "y1", "top"),
        ("w", "width", "bboxwidth"),
        ("h", "height", "bboxheight"),
    ),
}


class _Columns:
    """Where in a row what stands."""

    def __init__(self, header: Sequence[str]) -> None:
        self.names = [re.sub("[^a-z0-9]", "", name.casefold()) for name in header]
        image, score = self._of(_IMAGE), self._of(_SCORE)
        self._label, self._class_id = self._of(_LABEL), self._of(_CLASS_ID)
        found = [(kind, [self._of(names) for names in sides]) for kind, sides in _BOXES.items()]
        complete = [(kind, sides) for kind, sides in found if None not in sides]
        class_column = self._label if self._label is not None else self._class_id
        missing = [
            name
            for name, column in (("image", image), ("label", class_column), ("score", score))
            if column is None
        ]
        if missing or not complete:
            missing += [] if complete else ["xmin, ymin, xmax, ymax"]
            raise ResultsError(
                _(
                    "there is no column {missing}; its first line is {header}",
                    missing=_(" or ").join(missing) if len(missing) > 1 else missing[0],
                    header=shown(",".join(header)),
                )
            )
        self.kind, self._sides = complete[0]
        self._image, self.score = image or 0, score or 0
        self._sizes = [self._of((name,)) for name in ("width", "height")]
        used = [self._image, self.score, class_column, *self._sides]
        self.last = max(column for column in used if column is not None)

    def _of(self, names: Sequence[str]) -> int | None:
        return next((self.names.index(name) for name in names if name in self.names), None)

    def subject(self, row: Sequence[str]) -> Subject:
        name = _with_formula(row[self._image].strip())
        width, height = self._sizes
        size = None
        if self.kind == "corners" and width is not None and height is not None:
            size = whole_size(*(row[c] if c < len(row) else None for c in (width, height)))
        return Subject(name, self.names[self._image] == "imageid", size)

    def class_of(self, row: Sequence[str]) -> tuple[str, bool]:
        """A name, or a number where there is no name."""
        label = "" if self._label is None else _with_formula(row[self._label].strip())
        if label and number(label) is None:
            return label, False
        return (label if self._class_id is None else row[self._class_id].strip()) or label, True

    def box(self, row: Sequence[str]) -> Box | None:
        """The box as xyxy; None where it is not four finite numbers."""
        found = numbers(row[side] for side in self._sides if side is not None)
        if found is None:
            return None
        x, y, third, fourth = found
        if self.kind == "corners":
            return x, y, third, fourth
        if self.kind == "centre":
            x, y = x - third / 2, y - fourth / 2
        return x, y, x + third, y + fourth


def _with_formula(text: str) -> str:
    """The text that `_without_formula` was given."""
    return text[1:] if text[:1] == "'" and _without_formula(text[1:]) == text else text


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
