"""The gallery: enough images, small enough, each with ground-truth boxes that lie inside it."""

import json
from collections import Counter

import pytest
from PIL import Image

NAMES = ("clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")


@pytest.fixture
def gallery(samples_dir):
    return json.loads((samples_dir / "annotations.json").read_text())


def test_the_categories_are_the_eight_classes_in_order(gallery):
    assert [(c["id"], c["name"]) for c in gallery["categories"]] == list(enumerate(NAMES, 1))


def test_the_gallery_has_at_least_sixteen_images_in_under_six_megabytes(samples_dir):
    images = list(samples_dir.glob("*.jpg"))
    assert len(images) >= 16
    assert sum(image.stat().st_size for image in images) < 6_000_000


def test_every_image_is_annotated_and_every_entry_has_its_image(gallery, samples_dir):
    listed = [image["file_name"] for image in gallery["images"]]
    assert sorted(listed) == sorted(image.name for image in samples_dir.glob("*.jpg"))


def test_ids_are_unique_and_every_box_belongs_to_an_image(gallery):
    image_ids = [image["id"] for image in gallery["images"]]
    box_ids = [box["id"] for box in gallery["annotations"]]
    assert len(set(image_ids)) == len(image_ids)
    assert len(set(box_ids)) == len(box_ids)
    assert {box["image_id"] for box in gallery["annotations"]} <= set(image_ids)


def test_every_image_is_an_rgb_jpeg_of_the_size_that_its_entry_says(gallery, samples_dir):
    for image in gallery["images"]:
        with Image.open(samples_dir / image["file_name"]) as opened:
            assert (opened.format, opened.mode) == ("JPEG", "RGB"), image["file_name"]
            assert opened.size == (image["width"], image["height"]), image["file_name"]
            # About 1280 x 960 in pixels, whatever the shape.
            assert 0.8 < opened.width * opened.height / (1280 * 960) < 1.25, image["file_name"]


def test_every_box_lies_inside_its_image_and_has_an_area(gallery):
    sizes = {image["id"]: (image["width"], image["height"]) for image in gallery["images"]}
    for box in gallery["annotations"]:
        x, y, width, height = box["bbox"]
        limit_x, limit_y = sizes[box["image_id"]]
        assert x >= 0
        assert y >= 0
        assert width >= 8
        assert height >= 8
        assert x + width <= limit_x
        assert y + height <= limit_y
        assert 0 < box["area"] <= width * height
        assert box["category_id"] in range(1, 9)
        assert box["iscrowd"] == 0


def test_one_image_has_nothing_and_one_is_crowded(gallery):
    boxes = Counter(box["image_id"] for box in gallery["annotations"])
    assert any(boxes[image["id"]] == 0 for image in gallery["images"])
    assert max(boxes.values()) >= 15


def test_every_image_has_a_title_and_an_alternative_text(gallery):
    titles = [image["title"] for image in gallery["images"]]
    assert len(set(titles)) == len(titles)
    for image in gallery["images"]:
        assert 3 <= len(image["title"]) <= 60, image["file_name"]
        assert 20 <= len(image["alt"]) <= 160, image["file_name"]
