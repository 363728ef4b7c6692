"""Detections as CSV and as plain JSON records. The same input gives the same bytes.

Numbers are written with as few digits as give the same float32 back.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from detector.formats.detected import DetectedImage, shortest
from detector.ssd import Settings


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
    """CSV in UTF-8, one line a detection, header first; images without detections have none.

    A file name or label that a spreadsheet would run as a formula (it begins with = + - @, a tab or
    a carriage return) gets an apostrophe in front, which spreadsheets do not show.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(
        ["image", "width", "height", "class_id", "label", "score", "xmin", "ymin", "xmax", "ymax"]
    )
    for image in images:
        for found in record(image, labels)["detections"]:
            writer.writerow(
                [
                    _without_formula(image.file_name),
                    *image.size,
                    found["class_id"],
                    _without_formula(found["label"]),
                    found["score"],
                    *found["box"],
                ]
            )
    return file.getvalue().encode("utf-8", "replace")


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
