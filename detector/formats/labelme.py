"""labelme's JSON, an image each."""

from typing import Any

import msgspec

from detector.errors import GroundTruthError
from detector.formats.reading import (
    Box,
    Draft,
    Reading,
    around,
    numbers,
    own_or_named,
    size_fault,
    whole_size,
)
from detector.formats.shapes import circle
from detector.formats.typed_json import JsonError, shown, typed
from detector.translation import _

# Kind of shape -> how many points it has at least; the box around them is the object's.
_OUTLINES = {"rectangle": 2, "polygon": 3, "mask": 2, "oriented_rectangle": 3}


class _File(msgspec.Struct):
    shapes: list[Any]
    imagePath: str = ""  # noqa: N815, labelme's name
    imageWidth: Any = None  # noqa: N815
    imageHeight: Any = None  # noqa: N815


def read_content(content: Any, file_name: str, reading: Reading) -> list[Draft]:
    """The one image in the content of a labelme JSON. Raises GroundTruthError."""
    try:
        file = typed(content, _File)
    except JsonError as error:
        raise GroundTruthError(str(error)) from error
    size = whole_size(file.imageWidth, file.imageHeight)
    image = file.imagePath
    if reading.images is not None:
        image = own_or_named(reading, file_name, file.imagePath)
        if fault := size_fault(size, reading.images.sizes[image]):
            raise GroundTruthError(fault)
        size = reading.images.sizes[image]
    if size is None:
        raise GroundTruthError(_("expected a size with a width and a height of 1 or more"))
    draft = Draft(image or file_name, size, reading, file_name, file_name)
    for place, shape in enumerate(file.shapes, start=1):
        entry = _("{file}, shape {position}", file=file_name, position=place)
        if not isinstance(shape, dict):
            draft.lose("shape", _("{entry}: {value} is no shape", entry=entry, value=shown(shape)))
            continue
        label = shape.get("label")
        name = label if isinstance(label, str) else shown(label)
        draft.add(entry, name, _box(shape), shape.get("points"))
    return [draft]


def _box(shape: dict[str, Any]) -> Box | None:
    """The box of a shape; None where it has none, or is not understood."""
    kind = shape.get("shape_type", "polygon")
    written = shape.get("points")
    if not isinstance(written, list) or not isinstance(kind, str):
        return None
    points = [numbers(point) if isinstance(point, list) else None for point in written]
    found = [point for point in points if point is not None and len(point) == 2]
    if len(found) != len(points):
        return None
    if kind == "circle":
        return circle(found)
    if kind not in _OUTLINES or len(found) < _OUTLINES[kind]:
        return None
    return around([x for x, _y in found], [y for _x, y in found])
