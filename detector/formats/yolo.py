"""YOLO text: ground truth in and out, detections out.

One file an image and a line an object: the class, counted from 0 without the background, then
centre x, centre y, width and height as fractions of the image. The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, GroundTruths
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.class_lists import ClassList
from detector.formats.detected import DetectedImage
from detector.formats.names import Sizes
from detector.formats.reading import (
    Box,
    Draft,
    NoImageError,
    Reading,
    around,
    as_text,
    number,
    numbers,
)
from detector.formats.results import ResultsDraft, Subject
from detector.formats.typed_json import shown
from detector.translation import _

_FAR_OUT = 4.0  # fractions of an image; more are pixels


def read_yolo(
    data: bytes,
    labels: Sequence[str],
    sizes: Sizes,
    file_name: str,
    class_names: Sequence[str] | None = None,
) -> GroundTruths:
    """The ground truth in a YOLO text file, one image; an empty file says: nothing there.

    A sixth column is a confidence, and more are the corners of an outline, whose box is taken.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the images at hand; the text's is the one of the same name but for its ending.
        file_name: the text file's own.
        class_names: what the class numbers mean, from 0 (classes.txt). None = the labels without
            the background. Of classes that are not named nothing is known.

    Raises:
        GroundTruthError: not text, of no image at hand, or nothing in it can be used.
    """
    reading = Reading(labels, sizes)
    classes = None if class_names is None else ClassList.of(class_names)
    return reading.result([read_content(data, file_name, reading, classes)], "")


def read_content(
    data: bytes, file_name: str, reading: Reading, classes: ClassList | GroundTruthError | None
) -> Draft:
    """The image that a YOLO text is about. Raises GroundTruthError where it is not at hand.

    Args:
        classes: what the numbers mean; None = the labels without the background; an error = not
            known, so that the image does not count.
    """
    at_hand = reading.images
    image = at_hand.with_stem(file_name) if at_hand else None
    if at_hand is None or image is None:
        stem = PurePosixPath(file_name.replace("\\", "/")).stem
        raise NoImageError(_("there is no image named {name}", name=shown(stem)))
    draft = Draft(image, at_hand.sizes[image], reading, file_name)
    if isinstance(classes, GroundTruthError):
        draft.lose("class numbers", f"{file_name}: {classes}")
        return draft
    try:
        lines = as_text(data, file_name).splitlines()
    except GroundTruthError as error:
        draft.lose("text", str(error))
        return draft
    if classes is not None:
        draft.labelled = reading.names.ids(classes.names.values())
    classes = classes or ClassList.of(reading.labels[1:])
    for place, line in enumerate(lines, start=1):
        if line.strip():
            entry = _("{file}, line {line}", file=file_name, line=place)
            _add(line, entry, draft, classes, reading)
    return draft


def _add(line: str, entry: str, draft: Draft, classes: ClassList, reading: Reading) -> None:
    written, *columns = line.split()
    fractions = _fractions(columns, has_keypoints=classes.has_keypoints)
    if fractions is None:
        message = _(
            "{entry}: expected a class number, centre x, centre y, width, height; got {line}",
            entry=entry,
            line=shown(line.strip()),
        )
        draft.lose("columns", message)
        return
    width, height = draft.size
    xmin, ymin, xmax, ymax = fractions
    index = number(written)
    name = written
    if index is not None:
        name = classes.names.get(int(index), "") if index == int(index) else ""
        name = name or _("number {number}", number=written)
    box = xmin * width, ymin * height, xmax * width, ymax * height
    draft.add(entry, name, box, columns)


def _fractions(columns: Sequence[str], *, has_keypoints: bool) -> Box | None:
    """The box in fractions of the image, xyxy; None where the columns have no plain meaning.

    Args:
        columns: what follows the class.
        has_keypoints: what follows a box are key points.
    """
    values = numbers(columns)
    if values is None or len(values) < 4:
        return None
    count = len(values)
    # Ultralytics' tracker writes a confidence and a number from 1 after the box.
    is_track = count == 6 and re.fullmatch("[0-9]+", columns[5])
    if is_track and columns[5] in ("0", "1"):  # or the last corner of a triangle
        return None
    if count < 6 or has_keypoints or is_track:
        cx, cy, w, h = values[:4]
        return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    # Key points (x, y, whether it is seen) look like an outline, if there is an even number.
    has_flags = count > 6 and (count - 4) % 3 == 0 and set(values[6::3]) <= {0.0, 1.0, 2.0}
    if count % 2 or has_flags:
        return None
    return around(values[::2], values[1::2])


def add_results(
    data: bytes,
    file_name: str,
    draft: ResultsDraft,
    classes: ClassList | None,
    labels: Sequence[str],
) -> None:
    """Takes in the detections in a YOLO text, whose lines end with a confidence.

    After that there may be a number, a tracker's; in place of a box there may be an outline.

    Args:
        classes: what the numbers mean; None = the labels without the background.
        labels: the model's; index = class id, background first.

    Raises:
        GroundTruthError: it is no text.
    """
    lines = as_text(data, file_name).splitlines()
    named = classes or ClassList.of(labels[1:])
    image = draft.image(Subject(file_name))
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        written, *columns = line.split()

        def entry(place: int = place) -> str:
            return _("{file}, line {line}", file=file_name, line=place)

        values, index = numbers(columns), number(written)
        if values is None or len(values) < 4 or max(map(abs, values[:4])) > _FAR_OUT:
            message = _(
                "{entry}: expected a class number, centre x, centre y, width and height as"
                " fractions, confidence; got {line}",
                entry=entry(),
                line=shown(line.strip()),
            )
            draft.report.add("columns", message)
            continue
        name = named.names.get(int(index)) if index is not None and index == int(index) else written
        box, score = _box_and_score(values)
        draft.add(
            entry,
            image,
            draft.class_of(name or _("number {number}", number=written), is_id=False),
            score,
            box,
            columns,
            in_fractions=True,
        )


def _box_and_score(values: Sequence[float]) -> tuple[Box, float | None]:
    """The box in fractions, xyxy, and its confidence; None where there is none."""
    if len(values) > 6 and len(values) % 2:
        return around(values[:-1:2], values[1:-1:2]), values[-1]
    cx, cy, w, h = values[:4]
    box = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    return box, values[4] if len(values) in (5, 6) else None


def to_yolo(image: DetectedImage, *, with_scores: bool = False) -> bytes:
    """YOLO text, one line a detection: class, centre x, centre y, width, height[, score].

    Fractions have six decimals.
    """
    boxes = image.detections.boxes.astype(np.float64)
    lines = [
        _line(class_id, box, image.size) + (f" {score:.6f}" if with_scores else "")
        for class_id, score, box in zip(
            image.detections.class_ids.tolist(), image.detections.scores, boxes, strict=True
        )
    ]
    return _text(lines)


def truth_to_yolo(truth: GroundTruth) -> bytes:
    """YOLO text of ground truth, which `read_yolo` reads as the same boxes.

    YOLO has no crowd boxes, which are left out, no regions to ignore and no attributes.
    """
    return _text(
        [
            _line(class_id, box, truth.size)
            for class_id, box, is_crowd in zip(
                truth.class_ids.tolist(), truth.boxes, truth.crowd.tolist(), strict=True
            )
            if not is_crowd
        ]
    )


def yolo_zip(images: Sequence[DetectedImage], labels: Sequence[str]) -> bytes:
    """A ZIP with labels/NAME.txt for each image, and the names of the classes in classes.txt."""
    return _zip([(image.file_name, to_yolo(image)) for image in images], labels)


def truth_yolo_zip(truths: Sequence[GroundTruth], labels: Sequence[str]) -> bytes:
    """The same of ground truth."""
    return _zip([(truth.file_name, truth_to_yolo(truth)) for truth in truths], labels)


def _line(class_id: int, box: NDArray[np.float64], size: tuple[int, int]) -> str:
    width, height = size
    xmin, ymin, xmax, ymax = box / (width, height, width, height)
    values = (xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin
    return " ".join([str(class_id - 1), *(f"{value:.6f}" for value in values)])


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _zip(texts: Sequence[tuple[str, bytes]], labels: Sequence[str]) -> bytes:
    names = unique_stems(name for name, _data in texts)
    files = {"classes.txt": "".join(f"{label}\n" for label in labels[1:]).encode()}
    for name, (_image, data) in zip(names, texts, strict=True):
        files[f"labels/{name}.txt"] = data
    return to_zip(files)
