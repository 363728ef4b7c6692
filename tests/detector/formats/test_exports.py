"""Exports, read back by readers that are not ours."""

import contextlib
import csv
import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from detector.drawing.colors import class_color
from detector.formats import exports
from detector.formats.exports import DetectedImage
from detector.ssd import Detections, Settings

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")


def detections(*rows: tuple[float, float, float, float, int, float]) -> Detections:
    """Rows of xmin, ymin, xmax, ymax, class id, score, best first."""
    columns = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Detections(
        boxes=columns[:, :4].astype(np.float32),
        scores=columns[:, 5].astype(np.float32),
        class_ids=columns[:, 4].astype(np.int64),
        prior_indices=np.arange(len(columns)),
    )


TWO = DetectedImage(
    "shop/shelf.jpg",
    (640, 480),
    detections((10.25, 20.5, 110.75, 220, 4, 0.93), (0, 0, 640, 480, 7, 0.5)),
    model_name="commodity",
    model_version=3,
    settings=Settings(score_threshold=0.4, class_thresholds={2: 0.5}, classes=frozenset({7, 4})),
)
NONE = DetectedImage("empty.jpg", (300, 200), Detections.empty())


@st.composite
def detected_images(draw: st.DrawFn) -> DetectedImage:
    width, height = draw(st.integers(8, 9000)), draw(st.integers(8, 9000))
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        xs = sorted(draw(st.lists(st.floats(0, width, width=32), min_size=2, max_size=2)))
        ys = sorted(draw(st.lists(st.floats(0, height, width=32), min_size=2, max_size=2)))
        score = draw(st.floats(np.float32(0.01), 1, width=32))
        rows.append((xs[0], ys[0], xs[1], ys[1], draw(st.integers(1, 8)), score))
    rows.sort(key=lambda row: -row[5])
    name = draw(st.text(st.characters(codec="utf-8"), max_size=20))
    return DetectedImage(name, (width, height), detections(*rows))


def coco(data: bytes, tmp_path: Path) -> COCO:
    file = tmp_path / "coco.json"
    file.write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(file))


# Annotated pictures.


def test_a_picture_without_detections_is_exported_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    png = exports.annotated_png(image, Detections.empty(), LABELS)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), image)


def test_a_box_is_outlined_in_its_colour_at_original_resolution() -> None:
    image = np.full((600, 1000, 3), 128, dtype=np.uint8)
    image.flags.writeable = False
    png = exports.annotated_png(image, detections((100, 200, 900, 500, 4, 0.9)), LABELS)
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (1000, 600), "RGB")
    color = tuple(bytes.fromhex(class_color(4)[1:]))
    for pixel in [(100, 300), (899, 300), (500, 200), (500, 499), (100, 200), (899, 499)]:
        assert picture.getpixel(pixel) == color
    for pixel in [(500, 350), (50, 300), (950, 300), (500, 550), (905, 300), (500, 504)]:
        assert picture.getpixel(pixel) == (128, 128, 128)
    assert (image == 128).all()


def test_the_label_stands_above_the_box_at_its_left() -> None:
    png = exports.annotated_png(
        np.zeros((600, 1000, 3), np.uint8), detections((400, 200, 900, 500, 4, 0.9)), LABELS
    )
    above = np.asarray(Image.open(io.BytesIO(png)))[150:195]
    rows, columns = np.nonzero((above == tuple(bytes.fromhex(class_color(4)[1:]))).all(axis=2))
    assert columns.min() == 400
    assert 470 < columns.max() < 600
    assert rows.min() > 10


@pytest.mark.parametrize("box", [(0, 0, 60, 90), (560, 0, 600, 90), (599.9, 399.9, 600, 400)])
def test_a_label_at_the_edge_stays_inside_the_picture(box: tuple[float, ...]) -> None:
    black = np.zeros((400, 600, 3), np.uint8)
    png = exports.annotated_png(black, detections((*box, 4, 0.9)), LABELS)
    picture = np.asarray(Image.open(io.BytesIO(png)))
    middle = exports.annotated_png(black, detections((200, 200, 260, 290, 4, 0.9)), LABELS)
    ink = tuple(bytes.fromhex(class_color(4)[1:]))
    label = (np.asarray(Image.open(io.BytesIO(middle)))[:199] == ink).all(axis=2).sum()
    assert (picture == ink).all(axis=2).sum() >= label * 0.97


def test_lines_grow_with_the_picture() -> None:
    widths = []
    for scale in (1, 4):
        image = np.zeros((500 * scale, 500 * scale, 3), np.uint8)
        box = (100 * scale, 100 * scale, 400 * scale, 400 * scale, 4, 0.9)
        png = exports.annotated_png(image, detections(box), LABELS)
        row = np.asarray(Image.open(io.BytesIO(png)))[250 * scale, : 250 * scale]
        widths.append(int((row == tuple(bytes.fromhex(class_color(4)[1:]))).all(axis=1).sum()))
    assert widths == [2, 6]


# CSV.


def test_a_csv_of_nothing_is_its_header() -> None:
    assert exports.to_csv([], LABELS) == (
        b"image,width,height,class_id,label,score,xmin,ymin,xmax,ymax\r\n"
    )


def test_a_csv_has_a_line_for_each_detection() -> None:
    lines = exports.to_csv([NONE, TWO], LABELS).decode().split("\r\n")
    assert lines[1:] == [
        "shop/shelf.jpg,640,480,4,watch,0.93,10.25,20.5,110.75,220.0",
        "shop/shelf.jpg,640,480,7,computer,0.5,0.0,0.0,640.0,480.0",
        "",
    ]


@given(detected_images())
def test_a_csv_gives_the_same_float32_back(image: DetectedImage) -> None:
    table = pd.read_csv(io.BytesIO(exports.to_csv([image], LABELS)), keep_default_na=False)
    boxes = table[["xmin", "ymin", "xmax", "ymax"]].to_numpy(np.float32)
    assert np.array_equal(boxes, image.detections.boxes)
    assert np.array_equal(table["score"].to_numpy(np.float32), image.detections.scores)
    assert table["class_id"].tolist() == image.detections.class_ids.tolist()


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1.jpg", "-1.jpg", "@x.jpg", "\tx", "\rx"])
def test_no_file_name_in_a_csv_is_a_formula(name: str) -> None:
    image = DetectedImage(name, (9, 9), detections((0, 0, 5, 5, 1, 0.9)))
    rows = list(csv.reader(io.StringIO(exports.to_csv([image], LABELS).decode(), newline="")))
    assert rows[1][0] == f"'{name}"


# JSON.


def test_json_holds_model_settings_and_boxes() -> None:
    data = json.loads(exports.to_json([TWO], LABELS))
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
    }


# COCO.


def test_an_empty_coco_data_set_loads(tmp_path: Path) -> None:
    data = coco(exports.to_coco([], LABELS), tmp_path)
    assert data.getImgIds() == data.getAnnIds() == []


def test_coco_has_images_categories_and_annotations(tmp_path: Path) -> None:
    data = coco(exports.to_coco([NONE, TWO], LABELS), tmp_path)
    assert [image["file_name"] for image in data.loadImgs([1, 2])] == [
        "empty.jpg",
        "shop/shelf.jpg",
    ]
    assert [category["name"] for category in data.loadCats(data.getCatIds())] == list(LABELS[1:])
    [first, second] = data.loadAnns(data.getAnnIds(imgIds=[2]))
    assert first["bbox"] == [10.25, 20.5, 100.5, 199.5]
    assert (first["id"], first["category_id"], first["score"]) == (1, 4, 0.93)
    assert (first["area"], first["iscrowd"]) == (100.5 * 199.5, 0)
    assert (second["id"], second["category_id"]) == (2, 7)


def test_coco_results_load_over_the_data_set(tmp_path: Path) -> None:
    data = coco(exports.to_coco([NONE, TWO], LABELS), tmp_path)
    file = tmp_path / "results.json"
    file.write_bytes(exports.to_coco_results([NONE, TWO]))
    with contextlib.redirect_stdout(io.StringIO()):
        results = data.loadRes(str(file))
    assert [found["bbox"] for found in results.loadAnns(results.getAnnIds())] == [
        [10.25, 20.5, 100.5, 199.5],
        [0.0, 0.0, 640.0, 480.0],
    ]


@given(detected_images())
def test_coco_boxes_are_the_same_boxes(image: DetectedImage) -> None:
    results = json.loads(exports.to_coco_results([image]))
    boxes = np.array([found["bbox"] for found in results]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    assert boxes == pytest.approx(image.detections.boxes, abs=2e-3)


# Pascal VOC.


def read_voc(data: bytes) -> list[tuple[str, list[int]]]:
    """Names and corners, as the development kit's readers take them."""
    return [
        (
            item.findtext("name", ""),
            [int(item.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")],
        )
        for item in ElementTree.fromstring(data).iter("object")
    ]


def test_a_voc_file_without_objects_has_its_size() -> None:
    root = ElementTree.fromstring(exports.to_voc(NONE, LABELS))
    assert root.tag == "annotation"
    assert root.findtext("filename") == "empty.jpg"
    assert [root.findtext(f"size/{name}") for name in ("width", "height", "depth")] == [
        "300",
        "200",
        "3",
    ]
    assert root.findall("object") == []


def test_voc_corners_are_whole_pixels_from_1_and_inside() -> None:
    assert read_voc(exports.to_voc(TWO, LABELS)) == [
        ("watch", [11, 21, 111, 220]),
        ("computer", [1, 1, 640, 480]),
    ]


@given(detected_images())
def test_voc_corners_are_the_nearest_inside_the_picture(image: DetectedImage) -> None:
    width, height = image.size
    found = read_voc(exports.to_voc(image, LABELS))
    assert len(found) == len(image.detections)
    for (_, corners), box in zip(found, image.detections.boxes, strict=True):
        xmin, ymin, xmax, ymax = corners
        assert 1 <= xmin <= xmax <= width
        assert 1 <= ymin <= ymax <= height
        # A side shorter than a pixel becomes a pixel.
        for low, high, (left, right) in ((xmin, xmax, box[::2]), (ymin, ymax, box[1::2])):
            off = 0.5001 if right - left >= 1 else 1.5001
            assert [low - 1, high] == pytest.approx([left, right], abs=off)


# YOLO.


def test_a_yolo_file_of_nothing_is_empty() -> None:
    assert exports.to_yolo(NONE) == b""


def test_yolo_counts_classes_from_0_and_lengths_in_fractions() -> None:
    assert exports.to_yolo(TWO) == (
        b"3 0.094531 0.250521 0.157031 0.415625\n6 0.500000 0.500000 1.000000 1.000000\n"
    )


def test_yolo_has_the_score_at_the_end_when_asked() -> None:
    assert exports.to_yolo(TWO, with_scores=True).splitlines()[0].endswith(b" 0.415625 0.930000")


@given(detected_images())
def test_yolo_gives_the_boxes_back(image: DetectedImage) -> None:
    width, height = image.size
    rows = [line.split() for line in exports.to_yolo(image).decode().splitlines()]
    assert [int(row[0]) + 1 for row in rows] == image.detections.class_ids.tolist()
    for row, box in zip(rows, image.detections.boxes, strict=True):
        cx, cy, w, h = (float(value) for value in row[1:])
        corners = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
        pixels = np.array(corners) * (width, height, width, height)
        assert pixels == pytest.approx(box, abs=0.01 * max(1, width / 9000, height / 9000))


# Archives and names.


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (
        exports.voc_zip([NONE, TWO], LABELS)
        + exports.yolo_zip([NONE, TWO], LABELS)
        + exports.to_coco([NONE, TWO], LABELS)
        for _ in range(2)
    )
    assert first == second


def test_a_voc_archive_has_a_file_for_each_picture() -> None:
    with zipfile.ZipFile(io.BytesIO(exports.voc_zip([NONE, TWO, TWO], LABELS))) as archive:
        assert archive.namelist() == [
            "Annotations/empty.xml",
            "Annotations/shelf.xml",
            "Annotations/shelf-2.xml",
        ]
        assert len(read_voc(archive.read("Annotations/shelf.xml"))) == 2


def test_a_yolo_archive_names_the_classes() -> None:
    with zipfile.ZipFile(io.BytesIO(exports.yolo_zip([NONE, TWO], LABELS))) as archive:
        assert archive.read("classes.txt").decode().splitlines()[3] == "watch"
        assert archive.read("labels/empty.txt") == b""
        assert archive.read("labels/shelf.txt").startswith(b"3 ")


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        ([], []),
        (["a/x.jpg", "b/x.png", "x-2.gif"], ["x", "x-2", "x-2-2"]),
        (["Photo.JPG", "photo.jpg"], ["Photo", "photo-2"]),
        (["../../etc/passwd", "C:\\pics\\me.png"], ["passwd", "me"]),
        (["", "..", "/", ".jpg", "a:b?.png"], ["image", "image-2", "image-3", "jpg", "a_b_"]),
    ],
)
def test_files_get_distinct_names_without_folders(names: list[str], stems: list[str]) -> None:
    assert exports.unique_stems(names) == stems


def test_names_that_are_taken_are_not_given_out() -> None:
    assert exports.unique_stems(["a.jpg"], taken=["A"]) == ["a-2"]


@given(st.lists(st.text(max_size=8)))
def test_names_are_always_distinct_and_safe(names: list[str]) -> None:
    stems = exports.unique_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert stem.encode()
        assert not set(stem) & set('/\\:\0\n"')
        assert stem not in ("", ".", "..")


def test_a_picture_of_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="0"):
        DetectedImage("x", (0, 5), Detections.empty())
