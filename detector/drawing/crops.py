"""A part of an image around a box, to look at many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from detector.images import encode_jpeg

# Of a crop: what is around an object says what it was taken for.
AROUND = 0.6  # of the box's sides, on each side
LEAST = 0.12  # of the image's longer side, or a small object would be a blur
ASPECT = 4 / 3


@dataclass(frozen=True)
class Crop:
    """A part of an image.

    Attributes:
        jpeg: its pixels, shrunk.
        size: (width, height), in pixels of the image.
        box: (xmin, ymin, xmax, ymax) in it, in pixels of the image, from its upper left corner.
    """

    jpeg: bytes
    size: tuple[float, float]
    box: tuple[float, float, float, float]


def crop(image: Image.Image, box: Sequence[float], side: int) -> Crop:
    """The part around a box, ASPECT wide where the image is that large.

    Args:
        image: of mode RGB.
        box: xyxy, in pixels of the image.
        side: the longer one of the JPEG, in pixels, at most.
    """
    window = around(image.size, box)
    left, top, right, bottom = window
    part = image.resize(
        _fitting(right - left, bottom - top, side),
        Image.Resampling.BILINEAR,
        box=window,
        reducing_gap=2.0,
    )
    xmin, ymin, xmax, ymax = (float(value) for value in box)
    inside = (xmin - left, ymin - top, xmax - left, ymax - top)
    return Crop(encode_jpeg(part, side), (right - left, bottom - top), inside)


def around(size: tuple[int, int], box: Sequence[float]) -> tuple[float, float, float, float]:
    """The part of an image of that size that shows a box and what is around it, as xyxy."""
    xmin, ymin, xmax, ymax = (float(value) for value in box)
    width = max((1 + 2 * AROUND) * (xmax - xmin), LEAST * max(size))
    height = max((1 + 2 * AROUND) * (ymax - ymin), LEAST * max(size) / ASPECT)
    width, height = max(width, height * ASPECT), max(height, width / ASPECT)
    sides = []
    for middle, length, whole in (
        ((xmin + xmax) / 2, width, size[0]),
        ((ymin + ymax) / 2, height, size[1]),
    ):
        length = min(length, whole)
        start = min(max(middle - length / 2, 0.0), whole - length)
        sides.append((start, start + length))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def _fitting(width: float, height: float, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
