"""Pascal VOC XML: ground truth in and out, detections out.

Corners are pixels counted from 1 that both belong to the box. The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, GroundTruths
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.detected import DetectedImage
from detector.formats.names import Sizes
from detector.formats.reading import Draft, Reading, numbers, own_or_named, size_fault, whole_size
from detector.formats.safe_xml import root_of, text_of
from detector.formats.tables import record
from detector.formats.typed_json import shown
from detector.translation import _

_SIDES = ("xmin", "ymin", "xmax", "ymax")
# What tells of an object, and where else it may stand.
_OF_OBJECTS = ("name", "bndbox", "xmin", "polygon", "robndbox")
_NOT_OBJECTS = ("owner", "source", "size")
# The development kit writes 0 and 1; others their languages' words.
_DIFFICULT = {
    **dict.fromkeys(("", "0", "false", "no", "unspecified"), False),
    **dict.fromkeys(("1", "true", "yes"), True),
}


def read_voc(
    data: bytes, labels: Sequence[str], sizes: Sizes | None = None, file_name: str = ""
) -> GroundTruths:
    """The ground truth in a Pascal VOC annotation, one image.

    `difficult` objects are crowd boxes: they need not be found, and what is found in them is
    neither right nor wrong.

    A document type is refused, so that no entity can grow or reach outside the file.

    Args:
        labels: the model's; index = class id, background first. Matched whatever the case.
        sizes: the images at hand; None = take the image as the file describes it.
        file_name: the annotation file's own. An image of that name but for the ending comes before
            the <filename> in the file, which copies often keep.

    Raises:
        GroundTruthError: not a Pascal VOC XML, or nothing in it can be used.
    """
    reading = Reading(labels, sizes)
    return reading.result(read_content(root_of(data), file_name, reading), "")


def read_content(root: ElementTree.Element, file_name: str, reading: Reading) -> list[Draft]:
    """The one image in the content of a Pascal VOC XML. Raises GroundTruthError."""
    if root.tag != "annotation":
        message = _("expected an XML <annotation>, got <{tag}>", tag=shown(root.tag)[1:-1])
        raise GroundTruthError(message)
    image = text_of(root, "filename") or ""
    entry = file_name or image or "annotation"
    size = whole_size(text_of(root, "size/width"), text_of(root, "size/height"))
    if reading.images is not None:
        known = own_or_named(reading, file_name, image)
        if fault := size_fault(size, reading.images.sizes[known]):
            raise GroundTruthError(fault)
        image, size = known, reading.images.sizes[known]
    if size is None:
        raise GroundTruthError(_("expected a size with a width and a height of 1 or more"))
    draft = Draft(image or file_name, size, reading, file_name or image, entry)
    for position, item in enumerate(root.findall("object"), start=1):
        where = _("{file}, object {position}", file=entry, position=position)
        _add(item, where, draft, reading)
    for child in root:
        if child.tag in ("object", *_NOT_OBJECTS):
            continue
        if any(child.find(f".//{tag}") is not None for tag in _OF_OBJECTS):
            message = _("{file}: <{tag}> is not understood", file=entry, tag=shown(child.tag)[1:-1])
            draft.lose("element", message)
    return [draft]


def _add(item: ElementTree.Element, entry: str, draft: Draft, reading: Reading) -> None:
    texts = [text_of(item, f"bndbox/{side}") for side in _SIDES]
    box = None
    if corners := numbers(texts):
        xmin, ymin, xmax, ymax = corners
        box = xmin - 1, ymin - 1, xmax, ymax
    written = (
        (text_of(item, "difficult") or "").lower() if item.find("difficult") is not None else ""
    )
    crowd = _DIFFICULT.get(written)
    if crowd is None:
        message = _(
            "{entry}: difficult is {value}, expected 0 or 1; nothing found there is right or wrong",
            entry=entry,
            value=shown(written),
        )
        reading.report.add("difficult", message)
    draft.add(entry, text_of(item, "name") or "", box, texts, crowd)


def to_voc(image: DetectedImage, labels: Sequence[str]) -> bytes:
    """A Pascal VOC annotation, XML.

    As in the VOC development kit, corners are whole pixels counted from 1 and both belong to the
    box: the whole of a 640 x 480 image is 1, 1, 640, 480. The score stands in an element of its
    own, which readers of VOC pass over.
    """
    model = f"{image.model_name or 'model'} {image.model_version or ''}".strip()
    root = _annotation(image.file_name, image.size, model)
    width, height = image.size
    for found in record(image, labels)["detections"]:
        xmin, ymin, xmax, ymax = found["box"]
        left, right = _side(xmin, xmax, width)
        top, bottom = _side(ymin, ymax, height)
        _add_object(root, found["label"], (left, top, right, bottom), score=found["score"])
    return _to_xml(root)


def truth_to_voc(truth: GroundTruth, labels: Sequence[str]) -> bytes:
    """A Pascal VOC annotation of ground truth, which `read_voc` reads as the same boxes.

    Corners are as of `to_voc`, with the parts of a pixel that a box has, to a thousandth. Crowd
    boxes are `difficult`. VOC has no place for regions to ignore, nor for what is labelled.
    """
    root = _annotation(truth.file_name, truth.size, "ground truth")
    for class_id, (xmin, ymin, xmax, ymax), is_crowd in zip(
        truth.class_ids.tolist(), truth.boxes.tolist(), truth.crowd.tolist(), strict=True
    ):
        corners = [round(side, 3) for side in (xmin + 1, ymin + 1, xmax, ymax)]
        whole = [int(side) if side.is_integer() else side for side in corners]
        _add_object(root, labels[class_id], whole, is_difficult=is_crowd)
    return _to_xml(root)


def voc_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with Annotations/NAME.xml for each image."""
    return _zip([(image.file_name, to_voc(image, labels)) for image in images])


def truth_voc_zip(truths: Sequence[GroundTruth], labels: Sequence[str]) -> bytes:
    """The same of ground truth."""
    return _zip([(truth.file_name, truth_to_voc(truth, labels)) for truth in truths])


def _zip(files: Sequence[tuple[str, bytes]]) -> bytes:
    names = unique_stems(name for name, _data in files)
    return to_zip(
        {f"Annotations/{name}.xml": data for name, (_image, data) in zip(names, files, strict=True)}
    )


def _annotation(file_name: str, image_size: tuple[int, int], made_by: str) -> ElementTree.Element:
    """An annotation without objects."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    root = ElementTree.Element("annotation")
    _append(root, "folder", "" if str(path.parent) == "." else str(path.parent))
    _append(root, "filename", path.name)
    source = _append(root, "source")
    _append(source, "database", "Commodity Lens")
    _append(source, "annotation", made_by)
    size = _append(root, "size")
    for name, value in zip(("width", "height", "depth"), (*image_size, 3), strict=True):
        _append(size, name, str(value))
    _append(root, "segmented", "0")
    return root


def _add_object(
    root: ElementTree.Element,
    label: str,
    corners: Sequence[float],
    *,
    is_difficult: bool = False,
    score: float | None = None,
) -> None:
    item = _append(root, "object")
    _append(item, "name", label)
    _append(item, "pose", "Unspecified")
    _append(item, "truncated", "0")
    _append(item, "difficult", str(int(is_difficult)))
    if score is not None:
        _append(item, "score", str(score))
    box = _append(item, "bndbox")
    for name, value in zip(_SIDES, corners, strict=True):
        _append(box, name, str(value))


def _to_xml(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _side(low: float, high: float, length: int) -> tuple[int, int]:
    """The first and the last whole pixel, from 1, of what lies between two edges counted from 0."""
    first = min(max(round(low) + 1, 1), length)
    return first, min(max(round(high), first), length)


def _append(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    """A child element; characters that XML cannot hold are replaced."""
    child = ElementTree.SubElement(parent, name)
    if text is not None:
        child.text = re.sub(
            r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text
        )
    return child
