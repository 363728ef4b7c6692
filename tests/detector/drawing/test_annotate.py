"""Annotated images."""

import io

import numpy as np
import pytest
from PIL import Image

from detector.drawing.annotate import annotated_jpeg, annotated_png, annotated_webp
from detector.drawing.colors import class_color, text_color
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


def drawn(image: np.ndarray, *rows: tuple[float, ...]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(annotated_png(image, detections(*rows), LABELS))))


def rgb(color: str) -> list[int]:
    return list(bytes.fromhex(color[1:]))


GREY = np.full((600, 1000, 3), 128, np.uint8)


def test_a_line_has_an_edge_on_both_sides_that_parts_it_from_the_image() -> None:
    found = drawn(GREY, (100, 200, 900, 500, 4, 0.9))
    color, edge, grey = rgb(class_color(4)), rgb(text_color(class_color(4))), [128] * 3
    across = [grey, edge, color, color, edge, grey]
    assert found[300, 98:104].tolist() == found[300, 896:902].tolist() == across
    assert found[496:502, 500].tolist() == found[198:204, 700].tolist() == across


def test_the_better_scored_of_two_boxes_and_of_two_labels_lies_on_top() -> None:
    better, worse = (300, 200, 900, 500, 4, 0.9), (310, 100, 600, 400, 1, 0.5)
    found = drawn(GREY, better, worse)
    assert found[399, 300].tolist() == rgb(class_color(4))  # no line of the other there
    assert found[200, 599].tolist() == rgb(class_color(4))
    same = drawn(GREY, (300, 200, 900, 500, 4, 0.9), (300, 200, 900, 500, 1, 0.5))
    assert same[199, 301].tolist() == rgb(class_color(4))


def test_a_box_without_an_inside_is_drawn_as_a_point() -> None:
    for x, y in ((100, 50), (999, 599)):
        found = drawn(GREY, (x + 0.2, y + 0.2, x + 0.3, y + 0.3, 4, 0.9))
        assert found[y, x].tolist() == rgb(class_color(4))
    found = drawn(GREY, (999.9, 599.9, 1000, 600, 4, 0.9))
    assert found[599, 999].tolist() == rgb(class_color(4))


def test_a_box_in_a_tiny_image_has_a_line_of_one_pixel() -> None:
    found = drawn(GREY[:60, :90], (20, 30, 80, 55, 4, 0.9))
    color, edge, grey = rgb(class_color(4)), rgb(text_color(class_color(4))), [128] * 3
    assert found[45, 76:82].tolist() == [grey, grey, edge, color, edge, grey]


def label_of(side: int) -> np.ndarray:
    """The chip above a box in a black image of that side."""
    x, y = side // 4, side // 2
    found = drawn(np.zeros((side, side, 3), np.uint8), (x, y, side * 0.9, side * 0.9, 5, 0.9))
    above = found[:y]
    rows, columns = np.nonzero((above == rgb(class_color(5))).all(axis=2))
    top, left = int(rows.min()), int(columns.min())
    assert (rows.max(), left) == (y - 1, x)
    return above[top:, left : columns.max() + 1]


@pytest.mark.parametrize("side", [500, 1000, 2000])
def test_the_letters_of_a_label_stand_in_the_middle_of_its_chip(side: int) -> None:
    chip = label_of(side)
    ink = (chip != rgb(class_color(5))).any(axis=2)
    assert (chip[ink] >= rgb(class_color(5))).all()  # towards white
    assert chip[ink].min(axis=1).max() > 200
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = ink.shape
    margin = columns[0]
    assert margin >= 2
    assert width - 1 - columns[-1] == pytest.approx(margin, abs=2)
    assert 0 < rows[0] < height / 3
    assert 0 < height - 1 - rows[-1] < height / 3
    assert rows[-1] - rows[0] > height / 2


def test_letters_grow_with_the_image_and_stay_readable_in_a_small_one() -> None:
    small, usual, large = (len(label_of(side)) for side in (200, 500, 2000))
    assert small == usual >= 10
    assert large == pytest.approx(3.6 * usual, rel=0.1)


def test_a_label_that_is_wider_than_the_image_shows_its_beginning() -> None:
    found = drawn(np.zeros((80, 40, 3), np.uint8), (10, 50, 30, 70, 4, 0.9))
    columns = np.flatnonzero((found[:45] == rgb(class_color(4))).all(axis=2).any(axis=0))
    assert (columns[0], columns[-1]) == (0, 39)
    whole = drawn(np.zeros((80, 200, 3), np.uint8), (0, 50, 30, 70, 4, 0.9))
    assert np.array_equal(found[:45, :8], whole[:45, :8])


def test_chinese_labels_are_drawn_with_their_letters() -> None:
    names = list(LABELS)
    drawn_names = []
    for name in ("椅子", "桌子", "\ue001\ue001"):
        names[4] = name
        png = annotated_png(GREY, detections((100, 200, 900, 500, 4, 0.9)), names)
        drawn_names.append(np.asarray(Image.open(io.BytesIO(png))))
    first, second, unknown = drawn_names
    assert (first != second).any()
    assert (first != unknown).any()


@pytest.mark.parametrize(
    "others",
    [
        [(204, 203, 380, 320, 3, 0.8)],
        [(204, 203, 380, 320, 3, 0.8), (199, 205, 420, 350, 2, 0.7), (202, 198, 390, 340, 1, 0.6)],
        [(0, 0, 600, 400, 3, 0.8), (0, 0, 600, 390, 2, 0.7)],
    ],
)
def test_no_label_hides_another(others: list[tuple[float, ...]]) -> None:
    grey = np.full((400, 600, 3), 128, np.uint8)
    first = (200.0, 200.0, 400.0, 330.0, 4, 0.9)
    together = drawn(grey, first, *others)
    for box in (first, *others):
        alone = drawn(grey, (100, 100, 300, 200, *box[4:]))
        rows, columns = np.nonzero((alone[:99] == rgb(class_color(int(box[4])))).all(axis=2))
        label = alone[rows.min() : 99, columns.min() : columns.max() + 1]
        assert label.shape[1] > 40
        assert is_in(label, together)


def is_in(part: np.ndarray, image: np.ndarray) -> bool:
    height, width = part.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(image, part.shape)[:, :, 0]
    starts = (windows[:, :, 0, 0] == part[0, 0]).all(axis=2)
    ends = (windows[:, :, height - 1, width - 1] == part[-1, -1]).all(axis=2)
    return any(np.array_equal(windows[y, x], part) for y, x in np.argwhere(starts & ends))


@pytest.mark.parametrize("write", [annotated_png, annotated_jpeg, annotated_webp])
def test_pillows_image_gives_the_same_file_without_what_it_said_of_itself(write) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.info = {"comment": b"taken at home", "icc_profile": b"mine", "exif": b"Exif\0\0 home"}
    found = detections((10, 10, 40, 40, 3, 0.9))
    assert write(image, found, LABELS) == write(pixels, found, LABELS)
