"""The comparison as one picture."""

import io

import numpy as np
from PIL import Image

from detector.drawing.comparison_sheet import sheet_png
from detector.evaluation.pairing import KIND_COLORS, Kind, pair
from detector.ssd import Detections
from tests.detector.drawing.test_photo import LABELS, detections

FIRST = (100.0, 100.0, 300.0, 260.0, 4, 0.9)
SECOND = (112.0, 108.0, 312.0, 268.0, 6, 0.6)


def colored(found: Detections) -> int:
    """How many pixels of the sheet have the colour of what A alone has."""
    image = np.full((400, 500, 3), 90, np.uint8)
    png = sheet_png(image, pair(found, Detections.empty()), LABELS, title="", captions=([""], [""]))
    sheet = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    color = np.array([int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)])
    return int((sheet == color).all(axis=2).sum())


def test_boxes_at_one_place_have_both_labels() -> None:
    bare = colored(detections())
    alone = [colored(detections(row)) - bare for row in (FIRST, SECOND)]
    assert colored(detections(FIRST, SECOND)) - bare > 0.95 * sum(alone)
