"""YOLO text: ground truth in, detections out.

One file an image and a line an object: the class, counted from 0 without the background, then
centre x, centre y, width and height as fractions of the image. The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruths
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.detected import DetectedImage
from detector.formats.reading import ClassNames, Draft, ImageNames, Report, Sizes, as_text, finite
from detector.formats.typed_json import shown


def read_yolo(
    data: bytes,
    labels: Sequence[str],
    sizes: Sizes,
    file_name: str,
    class_names: Sequence[str] | None = None,
) -> GroundTruths:
    """The ground truth in a YOLO text file, one image; an empty file says: nothing there.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the images at hand; the text's is the one of the same name but for its ending.
        file_name: the text file's own.
        class_names: what the class numbers mean, from 0 (classes.txt). None = the labels without
            the background. Of classes that are not named nothing is known.

    Raises:
        GroundTruthError: not text, or of no image at hand.
    """
    text = as_text(data, file_name)
    report, names = Report(), ClassNames(labels)
    image = ImageNames(sizes).with_stem(file_name)
    if image is None:
        stem = PurePosixPath(file_name.replace("\\", "/")).stem
        raise GroundTruthError(f"there is no image named {shown(stem)}")
    draft = Draft(image, sizes[image], report)
    listed = list(labels[1:] if class_names is None else class_names)
    if class_names is not None:
        draft.labelled = names.ids(class_names)
    width, height = sizes[image]
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        entry = f"{file_name}, line {number}"
        if len(parts) != 5 or not re.fullmatch("[0-9]{1,9}", parts[0]):
            report.add(
                "columns",
                f"{entry}: expected a class number, centre x, centre y, width, height; "
                f"got {shown(line.strip())}",
            )
            continue
        index = int(parts[0])
        name = listed[index] if index < len(listed) else f"number {index}"
        box = None
        if values := finite(parts[1:]):
            cx, cy, w, h = values
            left, right = (cx - w / 2) * width, (cx + w / 2) * width
            box = left, (cy - h / 2) * height, right, (cy + h / 2) * height
        draft.add(entry, name, names.id(name), box, parts[1:])
    return report.result([draft.made()], "")


def to_yolo(image: DetectedImage, *, with_scores: bool = False) -> bytes:
    """YOLO text, one line a detection: class, centre x, centre y, width, height[, score].

    Fractions have six decimals.
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


def yolo_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with labels/NAME.txt for each image, and the names of the classes in classes.txt."""
    names = unique_stems(image.file_name for image in images)
    files = {"classes.txt": "".join(f"{label}\n" for label in labels[1:]).encode()}
    for name, image in zip(names, images, strict=True):
        files[f"labels/{name}.txt"] = to_yolo(image)
    return to_zip(files)
