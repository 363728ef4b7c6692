"""Altered images, and the boxes that were in them: where the pixels of a painted box end up."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from detector.alterations import (
    IDENTITY,
    KNOBS,
    SIDE,
    Alteration,
    inside,
    working_copy,
)

SIZE = (800, 500)
BOX = (150, 120, 390, 260)


def painted(box: tuple[int, int, int, int] = BOX, size: tuple[int, int] = SIZE) -> Image.Image:
    """A white box on black. Pillow's rectangles have their last pixel too."""
    image = Image.new("RGB", size)
    ImageDraw.Draw(image).rectangle((*box[:2], box[2] - 1, box[3] - 1), fill="white")
    return image


def grey(value: int = 128, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


def scene(seed: int = 3, size: tuple[int, int] = SIZE) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (20, 32, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def test_no_alteration_is_the_image_itself():
    image = scene()
    assert IDENTITY.is_identity
    assert IDENTITY.apply(image) is image
    assert IDENTITY.key == ""
    boxes = np.array([BOX], np.float32)
    assert (IDENTITY.boxes_after(boxes, SIZE) == boxes).all()
    assert IDENTITY.size_after(SIZE) == SIZE


def test_the_knobs_are_the_fields_and_do_nothing_where_they_usually_are():
    assert [knob.name for knob in KNOBS] == [field.name for field in fields(Alteration)]
    for knob in KNOBS:
        assert getattr(IDENTITY, knob.name) == knob.usual
        assert knob.usual in knob.levels
        assert list(knob.levels) == sorted(set(knob.levels))
        assert knob.lowest <= knob.levels[0] < knob.levels[-1] <= knob.highest
        assert (
            replace(IDENTITY, **{knob.name: knob.levels[0]}).key
            != replace(IDENTITY, **{knob.name: knob.levels[-1]}).key
        )


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_a_value_that_cannot_be_is_refused(knob):
    for value in (knob.lowest - 0.01, knob.highest + 0.01, math.nan):
        with pytest.raises(ValueError, match=knob.name):
            Alteration(**{knob.name: value})


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_every_level_alters_the_image_and_the_same_way_each_time(knob):
    image = scene()
    seen = {np.asarray(image).tobytes()}
    for level in knob.levels:
        alteration = Alteration(**{knob.name: level})
        altered = alteration.apply(image)
        assert altered.mode == "RGB"
        assert altered.size == alteration.size_after(SIZE)
        assert np.array_equal(altered, alteration.apply(scene()))
        seen.add(np.asarray(altered).tobytes())
    assert len(seen) == len(knob.levels)


def where_it_is(image: Image.Image) -> np.ndarray:
    """The edges of what is white, in pixels."""
    white = np.asarray(image)[..., 0] > 190  # what comes into sight around it is 124
    columns, rows = np.flatnonzero(white.any(axis=0)), np.flatnonzero(white.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize(
    "alteration",
    [
        Alteration(rotation=30),
        Alteration(rotation=-45),
        Alteration(rotation=90, scale=0.5),
        Alteration(scale=0.3),
        Alteration(crop=0.25),
        Alteration(crop=0.6),
        Alteration(rotation=-20, scale=0.7, crop=0.3),
        Alteration(rotation=75, scale=0.35, crop=0.1),
    ],
    ids=lambda alteration: alteration.key,
)
@pytest.mark.parametrize("size", [SIZE, (411, 640)], ids=str)
def test_a_box_goes_where_its_pixels_go(alteration, size):
    image = painted(size=size)
    [expected], _left = inside(
        alteration.boxes_after(np.array([BOX], np.float32), size), alteration.size_after(size)
    )
    assert where_it_is(alteration.apply(image)) == pytest.approx(expected, abs=1.6)


def test_boxes_are_those_that_complex_numbers_give():
    alteration = Alteration(rotation=35, scale=0.6, crop=0.2)
    width, height = SIZE
    turn = 0.6 * complex(math.cos(math.radians(35)), math.sin(math.radians(35)))
    left, top, right, bottom = BOX
    corners = [complex(x, y) for x in (left, right) for y in (top, bottom)]
    moved = [turn * (c - complex(width, height) / 2) + complex(640, 400) / 2 for c in corners]
    expected = (
        min(c.real for c in moved),
        min(c.imag for c in moved),
        max(c.real for c in moved),
        max(c.imag for c in moved),
    )
    assert alteration.size_after(SIZE) == (640, 400)
    [box] = alteration.boxes_after(np.array([BOX]), SIZE)
    assert box == pytest.approx(expected)
    assert alteration.boxes_after(np.empty((0, 4)), SIZE).shape == (0, 4)


def test_boxes_of_a_large_photo_go_where_those_of_its_working_copy_go():
    alteration = Alteration(rotation=-25, scale=0.8, crop=0.35)
    large = np.array([[400, 300, 2400, 2900]])
    small = large * SIDE / 4000
    ratio = 4000 / SIDE
    assert alteration.boxes_after(large, (4000, 3000)) == pytest.approx(
        ratio * alteration.boxes_after(small, (800, 600))
    )


def test_what_is_left_of_boxes_at_the_edge():
    boxes = np.array([[0, 0, 10, 10], [-5, 0, 5, 10], [-5, -5, 5, 5], [90, 0, 100, 10]], float)
    cut, left = inside(boxes, (50, 20))
    assert cut[:3].tolist() == [[0, 0, 10, 10], [0, 0, 5, 10], [0, 0, 5, 5]]
    assert left.tolist() == [1, 0.5, 0.25, 0]


def test_a_stop_less_is_half_the_light():
    # sRGB 188 is half of the light of 255, 137 a quarter.
    white, half, quarter = (int(np.asarray(grey(value))[0, 0, 0]) for value in (255, 188, 137))
    for stops, before, after in ((-1, white, half), (-2, white, quarter), (1, quarter, half)):
        altered = np.asarray(Alteration(brightness=stops).apply(grey(before)))
        assert altered[0, 0].tolist() == pytest.approx([after] * 3, abs=1)


def test_half_the_contrast_is_half_the_distance_from_the_mean():
    image = scene()
    halved = Alteration(contrast=0.5).apply(image)
    before, after = (np.asarray(each.convert("L"), float) for each in (image, halved))
    assert after.mean() == pytest.approx(before.mean(), abs=1)
    assert after.std() == pytest.approx(before.std() / 2, rel=0.02)


def test_noise_is_as_strong_as_it_says_and_the_same_grain_at_every_strength():
    weak, strong = (np.asarray(Alteration(noise=n).apply(grey()), float) - 128 for n in (0.05, 0.1))
    assert weak.std() / 255 == pytest.approx(0.05, rel=0.02)
    assert strong.std() / 255 == pytest.approx(0.1, rel=0.02)
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("alteration", [Alteration(blur=6), Alteration(jpeg_quality=5)], ids=str)
def test_an_amount_is_as_much_of_a_small_image_as_of_a_large_one(alteration):
    large = scene(size=(3200, 2000))
    small = large.resize((600, 375), Image.Resampling.BILINEAR)
    of_large, of_small = (
        np.asarray(alteration.apply(working_copy(each)), float) for each in (large, small)
    )
    assert of_large.shape == of_small.shape == (500, 800, 3)
    assert np.abs(of_large - of_small).mean() < 2
    unaltered = np.asarray(working_copy(large), float)
    assert np.abs(of_large - unaltered).mean() > 4


def test_a_blur_is_a_gaussian_of_thousandths_of_the_longest_side():
    edge = painted((400, 0, 800, 500))
    row = np.asarray(Alteration(blur=10).apply(edge), float)[250, :, 0] / 255
    density = np.diff(row)  # of the step response: the kernel
    places = np.arange(len(density)) + 1
    mean = (places * density).sum()
    assert math.sqrt(((places - mean) ** 2 * density).sum()) == pytest.approx(8, rel=0.05)
