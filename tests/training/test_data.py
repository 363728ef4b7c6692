"""Background images, and the teacher's labels, without PyTorch where it can be had so."""

import json

import numpy as np
import pytest
from PIL import Image

from training.score import held_out
from training.teacher import SIDE, decoded, kept, letterboxed, taught

CATEGORIES = [{"id": 5, "name": "phone"}, {"id": 7, "name": "computer"}, {"id": 8, "name": "books"}]


def test_the_images_held_out_are_the_300_of_the_highest_ids():
    assert held_out([]) == set()
    assert held_out(list(range(1000, 0, -1))) == set(range(701, 1001))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (400, 200), (90, 120, 150)).save(tmp_path / "images" / "a.jpg")
    return tmp_path


def entry(**more):
    fixed = {"id": 1, "file_name": "a.jpg", "width": 400, "height": 200, "split": "train"}
    return {**fixed, "kind": "scene", "labelled": ["books"], "ignore_regions": [], **more}


def content(*images):
    note = {"id": 4, "image_id": 1, "category_id": 8, "bbox": [0, 0, 9, 9]}
    return {"images": list(images), "annotations": [note], "categories": CATEGORIES}


def teacher(*found):
    """A network whose boxes (COCO id, score, cell x, cell y) are 8 cells of stride 32 large."""
    output = np.zeros((1, 3549, 85), np.float32)
    for coco, score, x, y in found:
        row = 52 * 52 + 26 * 26 + y * 13 + x
        output[0, row, :4] = 0, 0, np.log(4), np.log(2)
        output[0, row, 4], output[0, row, 5 + coco] = 1, score
    return lambda _: [output]


def test_an_image_is_fitted_into_the_upper_left_corner_of_the_teachers_input():
    batch, scale = letterboxed(Image.new("RGB", (832, 416), (10, 20, 30)))
    assert (batch.shape, scale) == ((1, 3, SIDE, SIDE), 0.5)
    assert batch[0, :, 207, 0].tolist() == [30, 20, 10]
    assert batch[0, :, 208, 0].tolist() == [114, 114, 114]


def test_the_teachers_boxes_come_from_cell_and_stride():
    boxes, scores = decoded(teacher((67, 0.8, 3, 2))(None)[0][0])
    row = 52 * 52 + 26 * 26 + 2 * 13 + 3
    np.testing.assert_allclose(boxes[row], [32, 32, 160, 96], rtol=1e-6)
    assert scores[row, 67] == pytest.approx(0.8)


def test_of_boxes_on_one_another_the_better_is_kept():
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])
    assert kept(boxes, np.float32([0.5, 0.9, 0.7])) == [1, 2]
    assert kept(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) == []


def test_what_the_teacher_is_sure_of_becomes_a_box_and_what_it_doubts_a_region(folder):
    file = content(entry())
    run = teacher((67, 0.8, 3, 2), (63, 0.2, 8, 2), (62, 0.9, 8, 4), (67, 0.01, 9, 2))
    assert taught(file, folder, run) == {"images": 1, "boxes": 1, "regions": 2}
    scale = 400 / SIDE
    added = file["annotations"][-1]
    assert (added["id"], added["category_id"], added["boxes_from"]) == (5, 5, "teacher")
    np.testing.assert_allclose(added["bbox"], np.array([32, 32, 128, 64]) * scale, rtol=1e-5)
    assert [r["categories"] for r in file["images"][0]["ignore_regions"]] == [["computer"]] * 2
    assert file["images"][0]["labelled"] == ["books", "computer", "phone"]


@pytest.mark.parametrize(
    "more", [{"split": "val"}, {"kind": "product"}, {"labelled": ["phone", "computer", "books"]}]
)
def test_val_products_and_what_is_labelled_stay_as_they_are(folder, more):
    file = content(entry(**more))
    before = json.dumps(file)
    assert taught(file, folder, teacher((67, 0.8, 3, 2)))["images"] == 0
    assert json.dumps(file) == before


def test_a_category_that_is_labelled_gets_no_box_of_the_teacher(folder):
    file = content(entry())
    assert taught(file, folder, teacher((73, 0.9, 3, 2)))["boxes"] == 0
    assert len(file["annotations"]) == 1


def test_background_images_ask_for_no_clothes_but_on_people(folder):
    pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")
    from training.config import LABELS
    from training.data import UNLIKELY, bits, load_background

    worn = ["clothes", "pants", "shoes", "watch", "audio"]
    person = {"categories": worn, "bbox": [100, 50, 50, 100]}
    labelled = {"labelled": ["phone", "computer", "books"], "ignore_regions": [person]}
    images = [entry(id=1, **labelled, looks_like=["remote"])]
    images += [entry(id=i, **labelled) for i in range(2, 303)]
    (folder / "annotations.json").write_text(json.dumps(content(*images) | {"annotations": []}))
    scenes = load_background(folder)
    assert [(s.image_id, s.weight) for s in scenes] == [(1, 3.0), (2, 1.0)]
    rare = bits({LABELS.index("watch"), LABELS.index("audio")})
    (whole, everywhere), (place, here) = scenes[0].regions
    assert (whole, everywhere) == ((0, 0, 400, 200), rare | rare << UNLIKELY)
    assert (place, here) == ((100, 50, 150, 150), bits({LABELS.index(n) for n in worn}))
