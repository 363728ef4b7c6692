"""CVAT's XML ("CVAT for images"), of a task, a job or a project."""

from collections.abc import Iterable
from xml.etree import ElementTree

from detector.errors import GroundTruthError
from detector.formats.names import in_folder_of
from detector.formats.reading import (
    Box,
    Draft,
    Reading,
    around,
    number,
    numbers,
    size_fault,
    whole_size,
)
from detector.formats.shapes import centre, ellipse, turned
from detector.formats.typed_json import shown
from detector.translation import _


def read_content(root: ElementTree.Element, file_name: str, reading: Reading) -> list[Draft]:
    """The images in the content of a CVAT XML. Raises GroundTruthError.

    Where the file lists the labels of its task, nothing is known of the model's other classes.
    """
    if root.find("track") is not None:
        raise GroundTruthError(
            _("the tracks of a video are not read"),
            _("Export the task from CVAT as “CVAT for images”."),
        )
    listed = [label.findtext("name") or "" for label in root.iterfind(".//labels/label")]
    labelled = reading.names.ids(listed) if listed else None
    drafts = []
    for position, item in enumerate(root.iterfind("image"), start=1):
        draft = _draft(item, position, reading, file_name)
        if draft is not None:
            draft.labelled = labelled
            for shape in item:
                _add(shape, draft, reading)
            drafts.append(draft)
    return drafts


def _draft(
    item: ElementTree.Element, position: int, reading: Reading, file_name: str
) -> Draft | None:
    written = item.get("name", "")
    entry = _("{file}, image {name}", file=file_name, name=shown(written or position))
    at_hand = reading.images
    size = whole_size(item.get("width"), item.get("height"))
    if at_hand is None:
        return Draft(written, size, reading, source=entry) if size else None
    written = in_folder_of(file_name, written) if written else ""
    name = at_hand.named(written) if written else None
    if name is None:
        reading.report.add("no image", _("{entry}: there is no image of that name", entry=entry))
        return None
    if fault := size_fault(size, at_hand.sizes[name]):
        reading.report.add("size", f"{entry}: {fault}")
        return None
    return Draft(name, at_hand.sizes[name], reading, written, entry)


def _add(shape: ElementTree.Element, draft: Draft, reading: Reading) -> None:
    entry = _("{source}, {shape}", source=draft.source, shape=shown(shape.tag)[1:-1])
    label = shape.get("label", "")
    if shape.tag == "tag":  # of the whole image: a class, or a mark of another kind
        if reading.names.id(label):
            message = _("{entry}: {label} has no place", entry=entry, label=shown(label))
            draft.lose("tag", message)
        return
    written = {key: value for key, value in shape.attrib.items() if key not in ("label", "rle")}
    draft.add(entry, label, _box(shape), written)


def _box(shape: ElementTree.Element) -> Box | None:
    """The box around a shape; None for points and lines, which do not say how large it is."""
    found: Box | None = None
    if shape.tag == "box" and (sides := _of(shape, "xtl", "ytl", "xbr", "ybr")):
        found = (sides[0], sides[1], sides[2], sides[3])
    elif shape.tag == "ellipse" and (sides := _of(shape, "cx", "cy", "rx", "ry")):
        found = ellipse(*sides)
    elif shape.tag == "mask" and (sides := _of(shape, "left", "top", "width", "height")):
        found = (sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3])
    elif shape.tag == "polygon" and (points := _points(shape.get("points", ""))):
        found = around(points[::2], points[1::2])
    degrees = number(shape.get("rotation", "0"))
    if found is None or degrees is None:
        return None
    return turned(found, degrees, centre(found)) if degrees else found


def _of(shape: ElementTree.Element, *names: str) -> list[float] | None:
    return numbers(shape.get(name) for name in names)


def _points(text: str) -> list[float] | None:
    """x and y in turn, of "x,y;x,y;x,y"."""
    pairs: Iterable[list[str]] = [pair.split(",") for pair in text.split(";")]
    if not all(len(pair) == 2 for pair in pairs):
        return None
    return numbers(value for pair in pairs for value in pair)
