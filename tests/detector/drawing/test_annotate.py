"""Annotated images."""

import io

import numpy as np
import pytest
from PIL import Image

from detector.drawing.annotate import annotated_png
from detector.drawing.colors import class_color
from detector.ssd import Detections
from tests.support.detected import LABELS, detections


def test_an_image_without_detections_is_exported_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    png = annotated_png(image, Detections.empty(), LABELS)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), image)


def test_a_box_is_outlined_in_its_colour_at_original_resolution() -> None:
    image = np.full((600, 1000, 3), 128, dtype=np.uint8)
    image.flags.writeable = False
    png = annotated_png(image, detections((100, 200, 900, 500, 4, 0.9)), LABELS)
    drawn = Image.open(io.BytesIO(png))
    assert (drawn.format, drawn.size, drawn.mode) == ("PNG", (1000, 600), "RGB")
    color = tuple(bytes.fromhex(class_color(4)[1:]))
    for pixel in [(100, 300), (899, 300), (500, 200), (500, 499), (100, 200), (899, 499)]:
        assert drawn.getpixel(pixel) == color
    for pixel in [(500, 350), (50, 300), (950, 300), (500, 550), (905, 300), (500, 504)]:
        assert drawn.getpixel(pixel) == (128, 128, 128)
    assert (image == 128).all()


def test_the_label_stands_above_the_box_at_its_left() -> None:
    png = annotated_png(
        np.zeros((600, 1000, 3), np.uint8), detections((400, 200, 900, 500, 4, 0.9)), LABELS
    )
    above = np.asarray(Image.open(io.BytesIO(png)))[150:195]
    rows, columns = np.nonzero((above == tuple(bytes.fromhex(class_color(4)[1:]))).all(axis=2))
    assert columns.min() == 400
    assert 470 < columns.max() < 600
    assert rows.min() > 10


@pytest.mark.parametrize("box", [(0, 0, 60, 90), (560, 0, 600, 90), (599.9, 399.9, 600, 400)])
def test_a_label_at_the_edge_stays_inside_the_image(box: tuple[float, ...]) -> None:
    black = np.zeros((400, 600, 3), np.uint8)
    png = annotated_png(black, detections((*box, 4, 0.9)), LABELS)
    image = np.asarray(Image.open(io.BytesIO(png)))
    middle = annotated_png(black, detections((200, 200, 260, 290, 4, 0.9)), LABELS)
    ink = tuple(bytes.fromhex(class_color(4)[1:]))
    label = (np.asarray(Image.open(io.BytesIO(middle)))[:199] == ink).all(axis=2).sum()
    assert (image == ink).all(axis=2).sum() >= label * 0.97


def test_lines_grow_with_the_image() -> None:
    widths = []
    for scale in (1, 4):
        image = np.zeros((500 * scale, 500 * scale, 3), np.uint8)
        box = (100 * scale, 100 * scale, 400 * scale, 400 * scale, 4, 0.9)
        png = annotated_png(image, detections(box), LABELS)
        row = np.asarray(Image.open(io.BytesIO(png)))[250 * scale, : 250 * scale]
        widths.append(int((row == tuple(bytes.fromhex(class_color(4)[1:]))).all(axis=1).sum()))
    assert widths == [2, 6]
