"""Pascal VOC XML: ground truth in, detections out.

Corners are pixels counted from 1 that both belong to the box. The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

import defusedxml.ElementTree
from defusedxml import DTDForbidden

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruths
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.detected import DetectedImage
from detector.formats.reading import (
    ClassNames,
    Draft,
    ImageNames,
    Report,
    Sizes,
    finite,
    size_fault,
    whole_size,
)
from detector.formats.tables import record
from detector.formats.typed_json import shown

_SIDES = ("xmin", "ymin", "xmax", "ymax")


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
        file_name: the annotation file's own. Where the <filename> in it is of no image at hand, the
            image of the same name but for its ending is taken.

    Raises:
        GroundTruthError: not a Pascal VOC XML, or nothing in it can be used.
    """
    root = _annotation(data)
    report, names = Report(), ClassNames(labels)
    image = (root.findtext("filename") or "").strip()
    entry = file_name or image or "annotation"
    size = whole_size(root.findtext("size/width"), root.findtext("size/height"))
    if sizes is not None:
        at_hand = ImageNames(sizes)
        known = at_hand.named(image) or at_hand.with_stem(file_name or image)
        if known is None:
            raise GroundTruthError(f"there is no image named {shown(image or file_name)}")
        if fault := size_fault(size, sizes[known]):
            raise GroundTruthError(fault)
        image, size = known, sizes[known]
    if size is None:
        raise GroundTruthError("expected a size with a width and a height of 1 or more")
    draft = Draft(image or file_name, size, report)
    for position, item in enumerate(root.findall("object"), start=1):
        name = (item.findtext("name") or "").strip()
        texts = [item.findtext(f"bndbox/{side}") for side in _SIDES]
        box = None
        if corners := finite(texts):
            xmin, ymin, xmax, ymax = corners
            box = xmin - 1, ymin - 1, xmax, ymax
        crowd = (item.findtext("difficult") or "").strip().lower() in ("1", "true")
        draft.add(f"{entry}, object {position}", name, names.id(name), box, texts, crowd)
    return report.result([draft.made()], "")


def to_voc(image: DetectedImage, labels: Sequence[str]) -> bytes:
    """A Pascal VOC annotation, XML.

    As in the VOC development kit, corners are whole pixels counted from 1 and both belong to the
    box: the whole of a 640 x 480 image is 1, 1, 640, 480. The score stands in an element of its
    own, which readers of VOC pass over.
    """
    width, height = image.size
    path = PurePosixPath(image.file_name.replace("\\", "/"))
    root = ElementTree.Element("annotation")
    _append(root, "folder", "" if str(path.parent) == "." else str(path.parent))
    _append(root, "filename", path.name)
    source = _append(root, "source")
    _append(source, "database", "Commodity Lens")
    model = f"{image.model_name or 'model'} {image.model_version or ''}".strip()
    _append(source, "annotation", model)
    size = _append(root, "size")
    for name, value in (("width", width), ("height", height), ("depth", 3)):
        _append(size, name, str(value))
    _append(root, "segmented", "0")
    for found in record(image, labels)["detections"]:
        item = _append(root, "object")
        _append(item, "name", found["label"])
        _append(item, "pose", "Unspecified")
        _append(item, "truncated", "0")
        _append(item, "difficult", "0")
        _append(item, "score", str(found["score"]))
        box = _append(item, "bndbox")
        xmin, ymin, xmax, ymax = found["box"]
        left, right = _side(xmin, xmax, width)
        top, bottom = _side(ymin, ymax, height)
        for name, value in zip(_SIDES, (left, top, right, bottom), strict=True):
            _append(box, name, str(value))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def voc_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with Annotations/NAME.xml for each image."""
    names = unique_stems(image.file_name for image in images)
    return to_zip(
        {
            f"Annotations/{name}.xml": to_voc(image, labels)
            for name, image in zip(names, images, strict=True)
        }
    )


def _annotation(data: bytes) -> ElementTree.Element:
    """The root element. Raises GroundTruthError."""
    try:
        root: ElementTree.Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DTDForbidden as error:
        raise GroundTruthError(
            "the XML has a document type (DOCTYPE), which is refused for safety",
            "Remove the <!DOCTYPE ...> from the file.",
        ) from error
    except ElementTree.ParseError as error:
        line, column = error.position
        raise GroundTruthError(
            f"broken XML at line {line}, column {column + 1}: {str(error).split(':')[0]}"
        ) from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise GroundTruthError(f"broken XML: {error}") from error
    if root.tag != "annotation":
        raise GroundTruthError(f"expected an XML <annotation>, got <{shown(root.tag)[1:-1]}>")
    return root


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
