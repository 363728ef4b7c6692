"""Detections as files that other programs read. The same input gives the same bytes.

Numbers are written with as few digits as give the same float32 back, except where a format wants
whole pixels (Pascal VOC) or fractions of the picture (YOLO, six decimals).
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from detector.drawing.colors import class_color, text_color
from detector.images import RGBImage
from detector.ssd import Detections, Settings

# Names that no file can have on Windows, whatever the ending.
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)
}


@dataclass(frozen=True)
class DetectedImage:
    """A picture's name and what was found in it.

    Attributes:
        file_name: as the visitor knows it; may have folders.
        size: (width, height) of the original, in pixels.
        detections: boxes in pixels of the original.
        model_name, model_version: who answered, where that is known.
        settings: those of the post-processing, where they are known.
    """

    file_name: str
    size: tuple[int, int]
    detections: Detections
    model_name: str | None = None
    model_version: int | None = None
    settings: Settings | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"expected size of 1 x 1 pixel or more, got {self.size}")


def annotated_png(image: RGBImage, detections: Detections, labels: Sequence[str]) -> bytes:
    """The picture with its boxes as PNG, at its own resolution.

    Each box has its class's colour and "0.93, watch" at its top left: above the box, or in it where
    the picture ends. Lines and letters grow with the picture. Better scored lie over worse, and
    labels over lines.
    """
    canvas = Image.fromarray(image).copy()
    draw = ImageDraw.Draw(canvas)
    # A 1000-pixel picture has lines of 3 and letters of 18 pixels, much as on the page.
    side = (canvas.width * canvas.height) ** 0.5
    line = max(1, round(side * 0.003))
    font = ImageFont.load_default(size=max(10, round(side * 0.018)))
    corners = []
    for class_id, box in zip(detections.class_ids.tolist(), detections.boxes, strict=True):
        xmin, ymin, xmax, ymax = (round(float(value)) for value in box)
        # The pixel at xmax belongs to the box no more; one without an inside is drawn as a point.
        xmin, ymin = min(xmin, canvas.width - 1), min(ymin, canvas.height - 1)
        corners.append((class_id, (xmin, ymin, max(xmax - 1, xmin), max(ymax - 1, ymin))))
    # A thin edge in the text's colour keeps a line visible on a background of its own colour.
    edge = max(1, line // 3)
    for class_id, (xmin, ymin, xmax, ymax) in reversed(corners):
        color = class_color(class_id)
        halo = (xmin - edge, ymin - edge, xmax + edge, ymax + edge)
        draw.rectangle(halo, outline=text_color(color), width=line + 2 * edge)
        draw.rectangle((xmin, ymin, xmax, ymax), outline=color, width=line)
    for row, (class_id, (xmin, ymin, _, _)) in reversed(list(enumerate(corners))):
        text = f"{detections.scores[row]:.2f}, {labels[class_id]}"
        _draw_label(draw, text, class_color(class_id), font, xmin, ymin)
    file = io.BytesIO()
    # Two thirds of the default level's time, for files that are a tenth to a third larger.
    canvas.save(file, "PNG", compress_level=3)
    return file.getvalue()


def record(image: DetectedImage, labels: Sequence[str]) -> dict[str, Any]:
    """One picture as plain data, as the command line prints it: boxes as xyxy in its pixels."""
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
                "score": _number(score),
                "box": [_number(value) for value in box],
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
    }


def to_json(images: Iterable[DetectedImage], labels: Sequence[str]) -> bytes:
    """JSON: {"labels": [...], "images": [a `record` each, with the settings where known]}."""
    records = []
    for image in images:
        entry = record(image, labels)
        if image.settings is not None:
            entry["settings"] = settings_record(image.settings)
        records.append(entry)
    return _json({"labels": list(labels), "images": records})


def to_csv(images: Iterable[DetectedImage], labels: Sequence[str]) -> bytes:
    """CSV in UTF-8, one line a detection, header first; pictures without detections have none.

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


def to_coco(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A COCO data set: images, categories and annotations, each with its score.

    Ids of images and annotations count from 1 in the given order; a category's id is its class id,
    and the background is none. Boxes are [x, y, width, height] in pixels.
    """
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, start=1):
        for result in _coco_boxes(image):
            _, _, width, height = result["bbox"]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    **result,
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    return _json(
        {
            "info": {"description": "Detections of Commodity Lens"},
            "licenses": [],
            "images": [
                {
                    "id": image_id,
                    "file_name": image.file_name,
                    "width": image.size[0],
                    "height": image.size[1],
                }
                for image_id, image in enumerate(images, start=1)
            ],
            "categories": [
                {"id": class_id, "name": label, "supercategory": "commodity"}
                for class_id, label in enumerate(labels)
                if class_id > 0
            ],
            "annotations": annotations,
        }
    )


def to_coco_results(images: Iterable[DetectedImage]) -> bytes:
    """A COCO result list, for `COCO.loadRes` over a data set with the same ids as `to_coco`'s."""
    return _json(
        [
            {"image_id": image_id, **result}
            for image_id, image in enumerate(images, start=1)
            for result in _coco_boxes(image)
        ]
    )


def to_voc(image: DetectedImage, labels: Sequence[str]) -> bytes:
    """A Pascal VOC annotation, XML.

    As in the VOC development kit, corners are whole pixels counted from 1 and both belong to the
    box: the whole of a 640 x 480 picture is 1, 1, 640, 480. The score stands in an element of its
    own, which readers of VOC pass over.
    """
    width, height = image.size
    path = PurePosixPath(image.file_name.replace("\\", "/"))
    root = ElementTree.Element("annotation")
    _add(root, "folder", "" if str(path.parent) == "." else str(path.parent))
    _add(root, "filename", path.name)
    source = _add(root, "source")
    _add(source, "database", "Commodity Lens")
    _add(source, "annotation", f"{image.model_name or 'model'} {image.model_version or ''}".strip())
    size = _add(root, "size")
    for name, value in (("width", width), ("height", height), ("depth", 3)):
        _add(size, name, str(value))
    _add(root, "segmented", "0")
    for found in record(image, labels)["detections"]:
        xmin, ymin, xmax, ymax = found["box"]
        item = _add(root, "object")
        _add(item, "name", found["label"])
        _add(item, "pose", "Unspecified")
        _add(item, "truncated", "0")
        _add(item, "difficult", "0")
        _add(item, "score", str(found["score"]))
        box = _add(item, "bndbox")
        left, right = _voc_side(xmin, xmax, width)
        top, bottom = _voc_side(ymin, ymax, height)
        for name, value in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
            _add(box, name, str(value))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def to_yolo(image: DetectedImage, *, with_scores: bool = False) -> bytes:
    """YOLO text, one line a detection: class, centre x, centre y, width, height[, score].

    The class counts from 0 without the background, so it is the class id less one. Lengths are
    fractions of the picture's width and height.
    """
    width, height = image.size
    lines = []
    for class_id, score, box in zip(
        image.detections.class_ids.tolist(),
        image.detections.scores,
        image.detections.boxes.astype(np.float64),
        strict=True,
    ):
        xmin, ymin, xmax, ymax = box / (width, height, width, height)
        values = [(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin]
        numbers = [f"{value:.6f}" for value in values] + [f"{score:.6f}"] * with_scores
        lines.append(f"{class_id - 1} {' '.join(numbers)}\n")
    return "".join(lines).encode()


def voc_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with Annotations/NAME.xml for each picture."""
    names = unique_stems(image.file_name for image in images)
    return to_zip(
        {
            f"Annotations/{name}.xml": to_voc(image, labels)
            for name, image in zip(names, images, strict=True)
        }
    )


def yolo_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with labels/NAME.txt for each picture, and the names of the classes in classes.txt."""
    names = unique_stems(image.file_name for image in images)
    files = {"classes.txt": "".join(f"{label}\n" for label in labels[1:]).encode()}
    for name, image in zip(names, images, strict=True):
        files[f"labels/{name}.txt"] = to_yolo(image)
    return to_zip(files)


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the files in the given order, all dated 1980, so that the same files give the same.

    PNGs are stored as they are; the rest is compressed.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, whatever the machine.
            if not name.endswith(".png"):
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return file.getvalue()


def unique_stems(file_names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """A name for each file without folder and ending, no two alike, safe in every file system.

    The second "photo" becomes "photo-2". Upper and lower case count as alike, as on Windows and
    macOS.

    Args:
        taken: stems that must not be given out.
    """
    used = {name.casefold() for name in taken}
    stems = []
    for file_name in file_names:
        stem = PurePosixPath(file_name.replace("\\", "/")).stem
        # Also drops control characters, lone surrogates, and the dots and spaces Windows drops.
        stem = re.sub(r'[\x00-\x1f\x7f<>:"|?*/\ud800-\udfff]', "_", stem).strip(" .") or "image"
        # In bytes, as file systems count; with room for a number and an ending.
        stem = stem.encode()[:200].decode(errors="ignore")
        if stem.split(".")[0].casefold() in _WINDOWS_DEVICES:
            stem = f"_{stem}"
        candidate, number = stem, 1
        while candidate.casefold() in used:
            number += 1
            candidate = f"{stem}-{number}"
        used.add(candidate.casefold())
        stems.append(candidate)
    return stems


def _draw_label(
    draw: ImageDraw.ImageDraw,
    text: str,
    color: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    x: int,
    y: int,
) -> None:
    """A filled label whose lower left corner is at (x, y), moved inside the picture."""
    canvas_width, _ = draw.im.size
    left, _, right, _ = draw.textbbox((0, 0), text, font=font)
    # Height of a line that is the same for every text, with or without letters below the line.
    _, top, _, bottom = draw.textbbox((0, 0), "Agjy0", font=font)
    padding = max(2, round((bottom - top) * 0.2))
    width, height = right - left + 2 * padding, bottom - top + padding
    x = int(max(0, min(x, canvas_width - width)))
    y = int(max(0, y - height))
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    draw.text((x + padding - left, y + padding // 2 - top), text, font=font, fill=text_color(color))


def _coco_boxes(image: DetectedImage) -> list[dict[str, Any]]:
    """category_id, bbox (xywh) and score of each detection; sides in double precision."""
    return [
        {
            "category_id": class_id,
            "bbox": [xmin, ymin, round(xmax - xmin, 6), round(ymax - ymin, 6)],
            "score": _number(score),
        }
        for class_id, score, (xmin, ymin, xmax, ymax) in zip(
            image.detections.class_ids.tolist(),
            image.detections.scores,
            [[_number(value) for value in box] for box in image.detections.boxes],
            strict=True,
        )
    ]


def _voc_side(low: float, high: float, length: int) -> tuple[int, int]:
    """The first and the last whole pixel, from 1, of what lies between two edges counted from 0."""
    first = min(max(round(low) + 1, 1), length)
    return first, min(max(round(high), first), length)


def _number(value: np.float32) -> float:
    """The shortest decimal that is read back as the same float32: 0.93, not 0.9300000071525574."""
    return float(str(value))


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    """A child element; characters that XML cannot hold are replaced."""
    child = ElementTree.SubElement(parent, name)
    if text is not None:
        child.text = re.sub(
            r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text
        )
    return child
