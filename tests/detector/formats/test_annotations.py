"""Files of all formats together."""

import numpy as np
import pytest

from detector.errors import GroundTruthError
from detector.formats.annotations import read_ground_truth
from detector.formats.coco import to_coco
from detector.formats.detected import DetectedImage
from detector.formats.voc import to_voc
from detector.formats.yolo import to_yolo
from detector.ssd import Detections
from tests.support.ground_truth import FOUR, SIZES, problems, voc


def test_no_files_are_an_error():
    with pytest.raises(GroundTruthError, match="no ground truth in the files"):
        read_ground_truth({}, FOUR, SIZES)


def test_files_of_several_formats_are_put_together():
    read = read_ground_truth(
        {
            "a.xml": voc(("watch", (1, 1, 5, 5), "")),
            "b.txt": b"0 0.5 0.5 0.5 0.5",
            "classes.txt": b"books\nshoes\n",
        },
        FOUR,
        SIZES,
    )
    assert [image.file_name for image in read.images] == ["a.jpg", "b.jpg"]
    assert read.images[1].class_ids.tolist() == [3]
    assert read.problems == ()


def test_a_broken_file_among_good_ones_is_named_and_the_others_are_used():
    read = read_ground_truth(
        {"a.xml": voc(), "b.xml": b"<broken", "c.txt": b"", "d.pdf": b""}, FOUR, SIZES
    )
    assert [image.file_name for image in read.images] == ["a.jpg"]
    assert problems(read) == [
        "b.xml: broken XML at line 1, column 1: unclosed token (and 2 more)",
        "b.jpg: no ground truth for this image",
    ]


def test_faults_of_one_kind_are_counted_over_all_files():
    line = b"9 0.5 0.5 0.5 0.5\n"
    read = read_ground_truth({"a.txt": line * 2, "b.txt": line * 3}, FOUR, SIZES)
    assert problems(read) == ["a.txt, line 1: unknown class 'number 9' (and 4 more)"]


def test_the_first_file_of_an_image_counts():
    read = read_ground_truth(
        {"a.xml": voc(), "a.txt": b"0 0.5 0.5 0.5 0.5", "b.txt": b""}, FOUR, SIZES
    )
    assert [len(image.boxes) for image in read.images] == [0, 0]
    assert problems(read) == ["a.txt: a.jpg has its ground truth from an earlier file"]


def test_files_of_which_none_can_be_used_are_an_error_that_names_the_first():
    with pytest.raises(GroundTruthError, match=r"x\.txt: there is no image.*and 1 more"):
        read_ground_truth({"x.txt": b"", "y.txt": b""}, FOUR, SIZES)


@pytest.fixture
def detected():
    boxes = np.array([[10, 20, 110, 220], [0, 0, 640, 480]], np.float32)
    found = Detections(boxes, np.float32([0.9, 0.5]), np.int64([3, 1]), np.int64([0, 1]))
    return DetectedImage("a.jpg", (640, 480), found)


@pytest.mark.parametrize("format_name", ["coco", "voc", "yolo"])
def test_exported_detections_are_read_back_as_ground_truth(detected, format_name):
    files = {
        "coco": {"a.json": to_coco([detected], FOUR)},
        "voc": {"a.xml": to_voc(detected, FOUR)},
        "yolo": {"a.txt": to_yolo(detected)},
    }[format_name]
    (image,) = read_ground_truth(files, FOUR, {"a.jpg": (640, 480)}).images
    assert image.boxes == pytest.approx(detected.detections.boxes, abs=1e-3)
    assert image.class_ids.tolist() == [3, 1]
