"""YOLO: what is written, and what others write."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given

from detector.errors import GroundTruthError
from detector.formats.detected import DetectedImage
from detector.formats.yolo import read_yolo, to_yolo, yolo_zip
from tests.support.detected import LABELS, NONE, TWO, detected_images
from tests.support.ground_truth import FOUR, SIZES, problems


def test_a_yolo_file_of_nothing_is_empty() -> None:
    assert to_yolo(NONE) == b""


def test_yolo_counts_classes_from_0_and_lengths_in_fractions() -> None:
    assert to_yolo(TWO) == (
        b"3 0.094531 0.250521 0.157031 0.415625\n6 0.500000 0.500000 1.000000 1.000000\n"
    )


def test_yolo_has_the_score_at_the_end_when_asked() -> None:
    assert to_yolo(TWO, with_scores=True).splitlines()[0].endswith(b" 0.415625 0.930000")


@given(detected_images())
def test_yolo_gives_the_boxes_back(image: DetectedImage) -> None:
    width, height = image.size
    rows = [line.split() for line in to_yolo(image).decode().splitlines()]
    assert [int(row[0]) + 1 for row in rows] == image.detections.class_ids.tolist()
    for row, box in zip(rows, image.detections.boxes, strict=True):
        cx, cy, w, h = (float(value) for value in row[1:])
        corners = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
        pixels = np.array(corners) * (width, height, width, height)
        assert pixels == pytest.approx(box, abs=0.01 * max(1, width / 9000, height / 9000))


def test_an_empty_yolo_file_says_that_nothing_is_there():
    (image,) = read_yolo(b"", FOUR, SIZES, "a.txt").images
    assert image.file_name == "a.jpg"
    assert len(image.boxes) == 0


def test_yolo_boxes_are_centre_and_size_as_fractions_of_the_image():
    (image,) = read_yolo(b"1 0.5 0.5 0.25 0.5\r\n\r\n", FOUR, SIZES, "labels/A.txt").images
    assert image.boxes.tolist() == [[240, 120, 400, 360]]
    assert image.class_ids.tolist() == [2]
    assert image.labelled is None


def test_yolo_classes_are_those_of_the_list_where_there_is_one():
    names = ["Books", "person", "shoes"]
    content = b"0 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5"
    read = read_yolo(content, FOUR, SIZES, "a.txt", names)
    assert read.images[0].class_ids.tolist() == [3, 1]
    assert read.images[0].labelled == {1, 3}
    assert problems(read) == ["a.txt, line 3: unknown class 'person'"]


def test_yolo_lines_that_cannot_be_used_are_named():
    content = (
        b"1 0.5 0.5 0.5 0.5\n"
        b"3 0.5 0.5 0.5 0.5\n"
        b"1 0.5 0.5 0.5\n"
        b"1 0.5 0.5 0.5 0.5 0.9\n"
        b"watch 0.5 0.5 0.5 0.5\n"
        b"1 0.5 nan 0.5 0.5\n"
        b"1 0.5 0.5 inf inf\n"
        b"1 0.5 0.5 0 0.5\n"
        b"1 320 240 50 50\n"
    )
    read = read_yolo(content, FOUR, SIZES, "a.txt")
    assert len(read.images[0].boxes) == 1
    assert problems(read) == [
        "a.txt, line 2: unknown class 'number 3'",
        "a.txt, line 3: expected a class number, centre x, centre y, width, height; "
        "got '1 0.5 0.5 0.5' (and 2 more)",
        "a.txt, line 6: the box ['0.5', 'nan', '0.5', '0.5'] is not four numbers (and 1 more)",
        "a.txt, line 8: the box ['0.5', '0.5', '0', '0.5'] has no area",
        "a.txt, line 9: the box ['320', '240', '50', '50'] lies outside the 640 x 480 image",
    ]


def test_a_yolo_file_of_no_image_is_an_error():
    with pytest.raises(GroundTruthError, match="no image named 'x'"):
        read_yolo(b"", FOUR, SIZES, "x.txt")


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(GroundTruthError, match="not a text file"):
        read_yolo(b"\xff\xd8\xff", FOUR, SIZES, "a.txt")


def test_a_yolo_archive_names_the_classes() -> None:
    with zipfile.ZipFile(io.BytesIO(yolo_zip([NONE, TWO], LABELS))) as archive:
        assert archive.read("classes.txt").decode().splitlines()[3] == "watch"
        assert archive.read("labels/empty.txt") == b""
        assert archive.read("labels/shelf.txt").startswith(b"3 ")
