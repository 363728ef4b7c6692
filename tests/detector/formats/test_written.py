"""Ground truth that is written is read back as the same."""

import json

import numpy as np
import pytest

from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth
from detector.formats.annotations import read_ground_truth
from detector.formats.coco import truth_to_coco
from detector.formats.packed import unpacked
from detector.formats.voc import truth_voc_zip
from detector.formats.yolo import truth_yolo_zip
from tests.support.ground_truth import FOUR, SIZES

BOXES = np.array([[0, 0, 640, 480], [10.25, 20.5, 33.33, 44.44], [5, 6, 70, 80]])
TRUTHS = (
    GroundTruth(
        "a.jpg",
        SIZES["a.jpg"],
        BOXES,
        np.array([1, 3, 2]),
        np.array([False, False, True]),
        regions=np.array([[1, 2, 30.5, 40], [0, 0, 20, 20]]),
        region_class_ids=np.array([ANY_CLASS, 2]),
        labelled=frozenset({1, 3}),
        attributes={"kind": "photo"},
    ),
    GroundTruth("b.jpg", SIZES["b.jpg"]),
)
WRITERS = {"coco": truth_to_coco, "voc": truth_voc_zip, "yolo": truth_yolo_zip}


def read(name, truths=TRUTHS):
    data = WRITERS[name](truths, FOUR)
    files = [("truth.json", data)] if name == "coco" else unpacked("truth.zip", data)
    found = read_ground_truth(files, FOUR, SIZES)
    assert found.problems == found.not_counted == found.foreign == ()
    return {each.file_name: each for each in found.images}


def near(boxes):
    return pytest.approx(np.asarray(boxes), abs=0.01)


@pytest.mark.parametrize("name", WRITERS)
def test_boxes_and_classes_come_back_and_an_empty_image_is_empty(name):
    found = read(name)
    kept = [0, 1] if name == "yolo" else [0, 1, 2]  # it has no crowd boxes
    assert found["a.jpg"].boxes == near(BOXES[kept])
    assert found["a.jpg"].class_ids.tolist() == TRUTHS[0].class_ids[kept].tolist()
    assert found["a.jpg"].crowd.tolist() == TRUTHS[0].crowd[kept].tolist()
    assert len(found["b.jpg"].boxes) == 0


def test_coco_keeps_regions_what_is_labelled_and_attributes():
    found = read("coco")["a.jpg"]
    assert found.regions.tolist() == TRUTHS[0].regions.tolist()
    assert found.region_class_ids.tolist() == [ANY_CLASS, 2]
    assert found.labelled == {1, 3}
    assert found.attributes == {"kind": "photo"}


def test_ground_truth_has_no_scores():
    assert "score" not in truth_to_coco(TRUTHS, FOUR).decode()
    [(_name, xml), _second] = unpacked("truth.zip", truth_voc_zip(TRUTHS, FOUR))
    assert b"score" not in xml
    assert b"<xmin>1</xmin>" in xml  # whole where it is whole: the first pixel is 1
    assert b"<xmin>11.25</xmin>" in xml


def test_the_annotations_have_an_area():
    written = json.loads(truth_to_coco(TRUTHS, FOUR))
    assert [each["area"] for each in written["annotations"]] == [307200, near(552.5352), 4810]
