"""CSV and JSON, read back by readers that are not ours."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv, to_json
from tests.support.detected import LABELS, NONE, TWO, detected_images, detections


def test_a_csv_of_nothing_is_its_header() -> None:
    assert to_csv([], LABELS) == (
        b"image,width,height,class_id,label,score,xmin,ymin,xmax,ymax\r\n"
    )


def test_a_csv_has_a_line_for_each_detection() -> None:
    lines = to_csv([NONE, TWO], LABELS).decode().split("\r\n")
    assert lines[1:] == [
        "shop/shelf.jpg,640,480,4,watch,0.93,10.25,20.5,110.75,220.0",
        "shop/shelf.jpg,640,480,7,computer,0.5,0.0,0.0,640.0,480.0",
        "",
    ]


def test_a_csv_of_frames_has_their_time() -> None:
    lines = to_csv([replace(TWO, time_s=1.2)], LABELS).decode().split("\r\n")
    assert lines[0].startswith("image,time_s,width,")
    assert lines[1].startswith("shop/shelf.jpg,1.200,640,480,4,watch,")


@given(detected_images())
def test_a_csv_gives_the_same_float32_back(image: DetectedImage) -> None:
    table = pd.read_csv(io.BytesIO(to_csv([image], LABELS)), keep_default_na=False)
    boxes = table[["xmin", "ymin", "xmax", "ymax"]].to_numpy(np.float32)
    assert np.array_equal(boxes, image.detections.boxes)
    assert np.array_equal(table["score"].to_numpy(np.float32), image.detections.scores)
    assert table["class_id"].tolist() == image.detections.class_ids.tolist()


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1.jpg", "-1.jpg", "@x.jpg", "\tx", "\rx"])
def test_no_file_name_in_a_csv_is_a_formula(name: str) -> None:
    image = DetectedImage(name, (9, 9), detections((0, 0, 5, 5, 1, 0.9)))
    rows = list(csv.reader(io.StringIO(to_csv([image], LABELS).decode(), newline="")))
    assert rows[1][0] == f"'{name}"


def test_no_label_in_a_csv_is_a_formula() -> None:
    image = DetectedImage("a.jpg", (9, 9), detections((0, 0, 5, 5, 1, 0.9)))
    data = to_csv([image], ("background", "=1+1"))
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert rows[1][4] == "'=1+1"


def test_a_name_that_is_no_formula_stays_as_it_is() -> None:
    image = DetectedImage("a=b.jpg", (9, 9), detections((0, 0, 5, 5, 1, 0.9)))
    rows = list(csv.reader(io.StringIO(to_csv([image], LABELS).decode(), newline="")))
    assert rows[1][0] == "a=b.jpg"


def test_json_holds_model_settings_and_boxes() -> None:
    data = json.loads(to_json([TWO], LABELS))
    assert data["labels"] == list(LABELS)
    [image] = data["images"]
    assert image["image"] == "shop/shelf.jpg"
    assert (image["width"], image["height"]) == (640, 480)
    assert image["model"] == {"name": "commodity", "version": 3}
    assert image["detections"][0] == {
        "label": "watch",
        "class_id": 4,
        "score": 0.93,
        "box": [10.25, 20.5, 110.75, 220.0],
    }
    assert image["settings"] == {
        "score_threshold": 0.4,
        "iou_threshold": 0.45,
        "class_agnostic": False,
        "class_thresholds": {"2": 0.5},
        "classes": [4, 7],
        "top_k": 200,
        "tiles": "off",
    }
