"""The boxes of a report: those that its slider can show, where they are, and their images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from detector.drawing.colors import class_color, text_color
from detector.drawing.marks import label_places, label_texts
from detector.images import encode_jpeg
from detector.report.document import Photo, Photos
from detector.ssd import Detections, RawPrediction, Settings, postprocess

# Of all images of a report: with Plotly's two megabytes, and 200 boxes in each of twenty images, it
# stays below five.
IMAGES_BYTES = 1_500_000
ONE_IMAGE_BYTES = 320_000
# More would be too small to see anything on them.
MOST_IMAGES = 60
# Longest side and quality of a JPEG, from the best.
_STEPS = ((1400, 85), (1100, 82), (900, 80), (760, 76), (640, 72), (520, 68), (400, 60))
# (width, height) that an image is fitted into on the screen where it stands alone.
_ROOM = (960, 720)


def can_move(settings: Settings) -> bool:
    """Whether another common score threshold is a filter over boxes that are known.

    Class-agnostic with thresholds a class it is not: a box that is hidden then may free others.
    """
    return not (settings.class_agnostic and settings.class_thresholds)


def at_any_threshold(raw: RawPrediction, settings: Settings, size: tuple[int, int]) -> Detections:
    """All that these settings show with any common score threshold; classes keep their own.

    Of those at or above a threshold, and of classes with their own, the first `top_k` are what
    `ssd.postprocess` gives with it.

    Args:
        size: (width, height) of the original image, in pixels.
    """
    if not can_move(settings):
        return postprocess(raw, settings, size)
    found = postprocess(raw, replace(settings, score_threshold=0.0, top_k=2**31), size)
    # One with its own threshold may come forward as others go.
    own = np.isin(found.class_ids, list(settings.class_thresholds))
    rows = [np.flatnonzero(each)[: settings.top_k] for each in (own, ~own)]
    return found.take(np.sort(np.concatenate(rows)))


def jpeg_of_many(image: Image.Image, count: int) -> bytes:
    """An image as a JPEG, the smaller the more there are in the report.

    Args:
        count: of images in the report.
    """
    most = min(ONE_IMAGE_BYTES, IMAGES_BYTES // max(count, 1))
    data = b""
    for side, quality in _STEPS:
        data = encode_jpeg(image, side, quality)
        if len(data) <= most:
            break
    return data


@dataclass(frozen=True)
class Placed:
    """A box as it is drawn, in pixels of the original, and its label in percent of the image.

    Attributes:
        label: (left, top, whether it ends there instead of beginning); None: no room.
    """

    left: int
    top: int
    width: int
    height: int
    color: str
    text: str
    text_color: str
    label: tuple[float, float, bool] | None


def placed(photo: Photo, labels: Sequence[str], columns: int) -> list[Placed]:
    """What is drawn before any script runs, best scored last, on top of others."""
    found = photo.shown
    width, height = photo.size
    texts = label_texts(found, labels)
    room = (_ROOM[0] // columns, _ROOM[1] // columns)
    places = label_places(found.boxes, texts, photo.size, usual_size=room)
    boxes = []
    for index in reversed(range(len(found))):
        left, top, right, bottom = found.boxes[index].tolist()
        color = _color(photo, found, index)
        place = places[index]
        boxes.append(
            Placed(
                round(left),
                round(top),
                round(right - left),
                round(bottom - top),
                color,
                texts[index].strip(),
                text_color(color),
                place and (100 * place[0] / width, 100 * place[1] / height, place[2]),
            )
        )
    return boxes


def for_script(photos: Photos) -> dict[str, Any]:
    """What report.js moves: `Moved` there has the same fields."""
    settings = photos.settings
    palette: dict[str, int] = {}
    images = []
    for photo in photos.photos:
        found = photo.possible
        images.append(
            [
                [
                    *(round(side, 1) for side in found.boxes[index].tolist()),
                    float(str(found.scores[index])),  # as few digits as tell it from all others
                    int(found.class_ids[index]),
                    palette.setdefault(_color(photo, found, index), len(palette)),
                ]
                for index in range(len(found))
            ]
        )
    return {
        "threshold": settings.score_threshold,
        "most": settings.top_k,
        "own": list(settings.class_thresholds),
        "labels": list(photos.labels),
        "colors": [[color, text_color(color)] for color in palette],
        "images": images,
    }


def _color(photo: Photo, found: Detections, index: int) -> str:
    usual = class_color(int(found.class_ids[index]))
    return usual if photo.colors is None else photo.colors.get(found.ids[index], "#8795A1")
