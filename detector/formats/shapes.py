"""Shapes that people draw around objects, as boxes."""

import math
from collections.abc import Sequence

from detector.formats.reading import Box, around


def turned(box: Box, degrees: float, pivot: tuple[float, float]) -> Box:
    """The box around a box that is turned clockwise about a point, xyxy."""
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = [(x - pivot[0], y - pivot[1]) for x in box[::2] for y in box[1::2]]
    return around(
        [pivot[0] + x * cosine - y * sine for x, y in corners],
        [pivot[1] + x * sine + y * cosine for x, y in corners],
    )


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def ellipse(cx: float, cy: float, rx: float, ry: float) -> Box:
    """The box around an upright ellipse."""
    return cx - rx, cy - ry, cx + rx, cy + ry


def circle(points: Sequence[Sequence[float]]) -> Box | None:
    """The box around a circle of which a centre and a point on the edge are given."""
    if len(points) != 2:
        return None
    (cx, cy), (x, y) = points
    radius = math.hypot(x - cx, y - cy)
    return ellipse(cx, cy, radius, radius)
