"""A part of an image around a box."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detector.drawing.crops import ASPECT, LEAST, around, crop


def test_the_part_shows_the_box_with_six_tenths_of_it_on_each_side():
    assert around((1000, 1000), (400, 400, 600, 550)) == pytest.approx((280, 310, 720, 640))


def test_around_a_small_box_there_is_enough_to_see_what_it_is():
    left, top, right, bottom = around((1000, 500), (500, 250, 504, 253))
    assert right - left == pytest.approx(LEAST * 1000)
    assert bottom - top == pytest.approx(LEAST * 1000 / ASPECT)


def test_at_the_edge_the_part_ends_with_the_image_and_is_as_large():
    assert around((400, 300), (0, 0, 40, 30)) == pytest.approx((0, 0, 88, 66))


def test_a_box_as_large_as_the_image_shows_all_of_it():
    assert around((400, 300), (0, 0, 400, 300)) == (0, 0, 400, 300)


@given(
    st.integers(8, 5000),
    st.integers(8, 5000),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_the_part_lies_in_the_image_and_holds_the_box(width, height, corners):
    xs, ys = sorted(corners[:2]), sorted(corners[2:])
    box = (xs[0] * width, ys[0] * height, xs[1] * width, ys[1] * height)
    left, top, right, bottom = around((width, height), box)
    slack = 1e-6 * max(width, height)
    assert -slack <= left <= box[0] + slack
    assert box[2] - slack <= right <= width + slack
    assert -slack <= top <= box[1] + slack
    assert box[3] - slack <= bottom <= height + slack


def test_the_pixels_are_those_of_the_box_at_its_place():
    pixels = np.zeros((600, 800, 3), np.uint8)
    pixels[200:300, 300:420] = 255
    part = crop(Image.fromarray(pixels), (300, 200, 420, 300), side=120)
    seen = np.asarray(Image.open(io.BytesIO(part.jpeg)).convert("L"))
    assert max(seen.shape) == 120
    scale = seen.shape[1] / part.size[0]
    xmin, ymin, xmax, ymax = (round(value * scale) for value in part.box)
    assert seen[ymin + 2 : ymax - 2, xmin + 2 : xmax - 2].min() > 200
    seen = seen.copy()
    seen[max(ymin - 2, 0) : ymax + 2, max(xmin - 2, 0) : xmax + 2] = 0
    assert seen.max() < 60


def test_a_small_part_is_not_enlarged():
    part = crop(Image.new("RGB", (80, 60)), (10, 10, 30, 30), side=500)
    assert Image.open(io.BytesIO(part.jpeg)).width <= 80
