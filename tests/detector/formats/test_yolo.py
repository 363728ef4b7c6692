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
    assert problems(read) == [
        "a.txt, line 3: unknown class 'person'; nothing found there is right or wrong"
    ]
    assert read.images[0].regions.tolist() == [[160, 120, 480, 360]]


@pytest.mark.parametrize(
    "line",
    [
        "1.0 0.5 0.5 0.25 0.5",
        "1 0.5 0.5 0.25 0.5 0.91",  # a confidence
        "1 0.5 0.5 0.25 0.5 0.91 17",  # and the number of a track
        "1 0.375 0.25 0.625 0.25 0.625 0.75 0.375 0.75",  # an outline
        "1 0.375 0.25 0.625 0.25 0.5 0.75",
        "watch 0.5 0.5 0.25 0.5",
        "01 5e-1 .5 0.25 +0.5",
    ],
)
def test_a_yolo_line_that_has_a_plain_meaning_is_read(line):
    read = read_yolo(line.encode(), FOUR, SIZES, "a.txt")
    (image,) = read.images
    assert image.boxes.tolist() == [[240, 120, 400, 360]]
    assert image.class_ids.tolist() == [2]
    assert read.problems == ()


@pytest.mark.parametrize("number", ["3", "-1", "1.5", "1e999", "person", "?"])
def test_nothing_is_right_or_wrong_where_a_class_number_means_nothing(number):
    read = read_yolo(f"{number} 0.5 0.5 0.5 0.5".encode(), FOUR, SIZES, "a.txt")
    (image,) = read.images
    assert (len(image.boxes), image.unread) == (0, 1)
    assert image.regions.tolist() == [[160, 120, 480, 360]]
    assert [problem.kind for problem in read.problems] == ["unknown class"]


@pytest.mark.parametrize(
    "line",
    [
        "1 0.5 0.5 0.5",
        "1",
        "1 0.5 nan 0.5 0.5",
        "1 0.5 0.5 inf inf",
        "1 0.5 0_5 0.5 0.5",
        "1 0,5 0,5 0,5 0,5",
        "1 0.5 0.5 0 0.5",
        "1 320 240 50 50",
        "1 0.5 0.5 50 50",
        "1 0.5 0.5 0.2 0.2 0.91 1",  # a track's number, or the last corner of a triangle
        "1 0.2 0.2 0.3 0.3 0.1 0.1 2 0.2 0.2 1 0.3 0.3",
        "1 0.2 0.2 0.3 0.3 0.1 0.1 0.4",  # half a point
        "# nothing",
    ],
)
def test_a_yolo_line_without_a_plain_meaning_takes_its_image_out_of_the_count(line):
    with pytest.raises(GroundTruthError, match=r"a\.txt, line 2: "):
        read_yolo(f"1 0.5 0.5 0.5 0.5\n{line}\n".encode(), FOUR, SIZES, "a.txt")


def test_a_yolo_text_in_utf_16_with_a_mark_is_read():
    (image,) = read_yolo("1 0.5 0.5 0.5 0.5".encode("utf-16"), FOUR, SIZES, "a.txt").images
    assert image.class_ids.tolist() == [2]


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
