"""The comparison as one image."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFont

from detector.drawing.comparison_sheet import _fitting, sheet_png
from detector.evaluation.pairing import KIND_COLORS, Kind, pair
from detector.ssd import Detections
from tests.detector.drawing.test_photo import LABELS, detections

FIRST = (100.0, 100.0, 300.0, 260.0, 4, 0.9)
SECOND = (112.0, 108.0, 312.0, 268.0, 6, 0.6)


def colored(found: Detections) -> int:
    """How many pixels of the sheet have the colour of what A alone has."""
    image = np.full((400, 500, 3), 90, np.uint8)
    png = sheet_png(image, pair(found, Detections.empty()), LABELS, title="", captions=([""], [""]))
    sheet = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    color = np.array([int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)])
    return int((sheet == color).all(axis=2).sum())


def test_boxes_at_one_place_have_both_labels() -> None:
    bare = colored(detections())
    alone = [colored(detections(row)) - bare for row in (FIRST, SECOND)]
    assert colored(detections(FIRST, SECOND)) - bare > 0.95 * sum(alone)


SIZE = (500, 400)
A_ALONE, B_ALONE = (40.0, 60.0, 140.0, 160.0, 4, 0.9), (300.0, 200.0, 460.0, 380.0, 4, 0.8)
SHARED = (200.0, 20.0, 280.0, 90.0, 2, 0.7)


def sheet(a: Detections, b: Detections, size: tuple[int, int] = SIZE) -> np.ndarray:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    captions = (["model 1"], ["model 2", "score 0.50"])
    png = sheet_png(image, pair(a, b), LABELS, title="A title", captions=captions)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def where(sheet: np.ndarray, kind: Kind) -> list[tuple[int, int]]:
    """(x, y) of the pixels of a kind's colour, in the panels: below the title, above the legend."""
    color = [int(KIND_COLORS[kind][index : index + 2], 16) for index in (1, 3, 5)]
    ys, xs = np.nonzero((sheet == color).all(axis=2)[: -3 * 11])
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def panels(sheet: np.ndarray) -> list[tuple[int, int]]:
    """(x, y) of each panel's upper left corner, found by the photo's grey."""
    grey = (sheet == 90).all(axis=2)
    across = np.flatnonzero(grey.sum(axis=0) > 100)
    down = np.flatnonzero(grey.sum(axis=1) > 100)
    return [
        (int(x), int(y))
        for x in across[np.diff(across, prepend=-2) > 1]
        for y in down[np.diff(down, prepend=-2) > 1]
    ]


def test_each_side_has_its_own_boxes_in_its_own_panel() -> None:
    found = sheet(detections(A_ALONE, SHARED), detections(B_ALONE, SHARED))
    (left, top), (right, _) = panels(found)
    for kind, panel, box in ((Kind.ONLY_A, left, A_ALONE), (Kind.ONLY_B, right, B_ALONE)):
        pixels = where(found, kind)
        assert min(x for x, _ in pixels) == panel + box[0]
        assert max(y for _, y in pixels) == top + box[3] - 1
        assert (panel + box[2] - 1, top + (box[1] + box[3]) // 2) in pixels
    shared = where(found, Kind.BOTH)
    for panel in (left, right):
        assert (panel + SHARED[2] - 1, top + 60) in shared


def test_wide_images_stand_one_above_the_other() -> None:
    found = sheet(detections(A_ALONE), detections(), size=(900, 200))
    (left, top), (below_left, below) = panels(found)
    assert left == below_left
    assert below > top + 200
    assert {y < below for _, y in where(found, Kind.ONLY_A)} == {True}


def test_a_large_image_is_shrunk_with_its_boxes() -> None:
    image = np.full((3200, 3200, 3), 90, np.uint8)
    large = pair(detections((320, 640, 1600, 1280, 4, 0.9)), Detections.empty())
    png = sheet_png(image, large, LABELS, title="", captions=([""], [""]))
    found = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    (left, top), (right, _) = panels(found)
    assert right - left == pytest.approx(1600, abs=40)
    pixels = where(found, Kind.ONLY_A)
    assert (left + 160, top + 480) in pixels
    assert max(x for x, _ in pixels) == left + 800 - 1


def test_text_that_is_too_wide_is_cut_and_letters_of_no_font_are_told() -> None:
    font = ImageFont.load_default(size=12)
    assert _fitting("caf\u00e9 \u9774 \ue123", 12, 1000)[0] == "caf\u00e9 \u9774 ?"
    cut, same = _fitting("a" * 100, 12, 60)
    assert same.getname() == font.getname()
    assert cut.endswith("a...")
    assert font.getlength(cut) <= 60 < font.getlength("a" + cut)
    assert _fitting("a\nb", 12, font.getlength("a?b"))[0] == "a?b"
    assert _fitting("abc", 12, 1)[0] == "..."


@pytest.mark.parametrize(("size", "columns"), [((380, 200), 2), ((400, 200), 1)])
def test_an_image_twice_as_wide_as_high_stands_above_the_other(
    size: tuple[int, int], columns: int
) -> None:
    found = sheet(detections(), detections(), size)
    assert len({x for x, _ in panels(found)}) == columns


def ink_rows(sheet: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) row of each line of dark text."""
    dark = np.flatnonzero((sheet.max(axis=2) < 80).any(axis=1))
    breaks = np.flatnonzero(np.diff(dark) > 1)
    starts, ends = dark[np.r_[0, breaks + 1]], dark[np.r_[breaks, len(dark) - 1]]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def test_title_panels_captions_and_legend_stand_one_below_the_other() -> None:
    found = sheet(detections(), detections())
    (_, top), (right, _) = panels(found)
    title, caption, second_line, legend = ink_rows(found)
    assert title[1] < top
    assert top + SIZE[1] < caption[0] < caption[1] < second_line[0]
    assert second_line[1] < legend[0] < legend[1] < len(found)
    # Only B's caption has a second line.
    dark = found[second_line[0] : second_line[1] + 1].max(axis=2) < 80
    assert np.flatnonzero(dark.any(axis=0)).min() >= right
    for kind in Kind:
        color = [int(KIND_COLORS[kind][index : index + 2], 16) for index in (1, 3, 5)]
        rows = np.flatnonzero((found == color).all(axis=2).any(axis=1))
        assert legend[0] <= rows.min() <= rows.max() <= legend[1]


def test_a_line_has_an_edge_that_parts_it_from_the_photo() -> None:
    found = sheet(detections(A_ALONE), detections())
    (left, top), _ = panels(found)
    color = [int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)]
    across = [[90] * 3, [0] * 3, color, color, [0] * 3, [90] * 3]
    xmin, ymin, xmax, ymax = (int(value) for value in A_ALONE[:4])
    row, column = found[top + 110], found[:, left + 135]  # beside the label
    assert row[left + xmin - 2 : left + xmin + 4].tolist() == across
    assert row[left + xmax - 4 : left + xmax + 2].tolist() == across
    assert column[top + ymin - 2 : top + ymin + 4].tolist() == across
    assert column[top + ymax - 4 : top + ymax + 2].tolist() == across


def test_a_label_stands_across_the_upper_edge_of_its_box() -> None:
    found = sheet(detections(A_ALONE), detections())
    (left, top), _ = panels(found)
    color = [int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)]
    chip = np.flatnonzero((found[:, left + int(A_ALONE[0]) + 3] == color).all(axis=1))
    chip = chip[chip < top + A_ALONE[3] - 10]  # not the box's lower line
    assert chip.max() - chip.min() > 12
    assert (chip.min() + chip.max()) / 2 == pytest.approx(top + A_ALONE[1], abs=1)


UNIT = 11  # the least: margins, and the height of letters
LARGE = (1600, 1200)  # here it is 28


@pytest.mark.parametrize(("size", "unit"), [((60, 40), UNIT), (SIZE, UNIT), (LARGE, 28)])
def test_panels_beside_each_other_have_one_margin(size: tuple[int, int], unit: int) -> None:
    found = sheet(detections(), detections(), size)
    grey = (found == 90).all(axis=2)
    columns, rows = np.flatnonzero(grey.any(axis=0)), np.flatnonzero(grey.any(axis=1))
    assert (columns[0], rows[0]) == (unit, 3 * unit)
    assert found.shape[1] - columns[-1] - 1 == unit
    assert np.diff(columns).max() - 1 == unit
    # Below: captions of two lines, then the legend.
    assert found.shape[0] - rows[-1] - 1 == 3 * unit + unit + 3 * unit


def test_panels_above_each_other_have_one_margin() -> None:
    found = sheet(detections(), detections(), (900, 200))
    (left, top), (_, below) = panels(found)
    assert (left, top) == (UNIT, 3 * UNIT)
    assert found.shape[1] == 900 + 2 * UNIT
    assert below - (top + 200) == 3 * UNIT + UNIT
    assert found.shape[0] - (below + 200) == 3 * UNIT + UNIT + 3 * UNIT


def test_letters_and_lines_grow_with_the_image() -> None:
    heights, widths = [], []
    for size in (SIZE, LARGE):
        found = sheet(detections(A_ALONE), detections(), size)
        (first, last), *_ = ink_rows(found)
        heights.append(last - first)
        row = panels(found)[0][1] + 120
        pixels = [x for x, y in where(found, Kind.ONLY_A) if y == row]
        widths.append(len(pixels) / 2)  # of the left line and the right one
    assert heights[1] > 2 * heights[0]
    assert widths == [2, 4]


def test_a_long_title_ends_before_the_margin() -> None:
    image = np.full((400, 500, 3), 90, np.uint8)
    nothing = pair(detections(), detections())
    png = sheet_png(image, nothing, LABELS, title="m" * 500, captions=([""], [""]))
    found = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    dark = np.flatnonzero((found[: 3 * UNIT].max(axis=2) < 80).any(axis=0))
    assert found.shape[1] - 3 * UNIT < dark.max() < found.shape[1] - UNIT


@pytest.mark.parametrize(("size", "unit"), [(SIZE, UNIT), (LARGE, 28)])
def test_each_kind_in_the_legend_has_its_name_beside_it(size: tuple[int, int], unit: int) -> None:
    found = sheet(detections(), detections(), size)[-round(2.5 * unit) - unit // 2 :]
    dark = np.flatnonzero((found.max(axis=2) < 80).any(axis=0))
    squares = []
    for kind in Kind:
        color = [int(KIND_COLORS[kind][index : index + 2], 16) for index in (1, 3, 5)]
        xs = np.flatnonzero((found == color).all(axis=2).any(axis=0))
        squares.append((int(xs.min()), int(xs.max())))
    assert squares[0][0] == unit + 1
    ends = [first for first, _ in squares[1:]] + [found.shape[1]]
    for (first, last), end in zip(squares, ends, strict=True):
        assert last - first == pytest.approx(unit, abs=2)
        name = dark[(dark > last + 1) & (dark < end - 1)]
        assert name.min() - last == pytest.approx(unit / 2, abs=unit / 4)
        assert name.max() - name.min() > 3 * unit
        if end < found.shape[1]:
            assert end - name.max() == pytest.approx(2 * unit, abs=unit / 3)


def test_the_better_scored_of_two_boxes_lies_on_top_and_one_without_an_inside_is_a_point() -> None:
    rows = (40.0, 160.0, 200.0, 300.0, 4, 0.9), (60.0, 100.0, 150.0, 250.0, 5, 0.5)
    found = sheet(
        detections(*rows, SHARED), detections((60.0, 100.0, 150.0, 250.0, 5, 0.5), SHARED)
    )
    (left, top), _ = panels(found)
    color = [int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)]
    assert found[top + 160, left + 149].tolist() == color
    found = sheet(detections((250.0, 300.0, 250.0, 300.0, 4, 0.9)), detections())
    assert found[top + 300, left + 250].tolist() == color


@pytest.mark.parametrize("top_edge", [0.0, 200.0, 399.0])
def test_a_label_is_whole_and_has_its_letters_wherever_its_box_is(top_edge: float) -> None:
    row = (200.0, top_edge, 490.0, 400.0, 4, 0.9)
    found = sheet(detections(row), detections())
    left, top = UNIT, 3 * UNIT
    color = [int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)]
    panel = found[top : top + 400, left : left + 500]
    # Beside the lines at its ends.
    chip = panel[max(int(top_edge) - 16, 0) : int(top_edge) + 16, 202 if top_edge < 390 else 130 :]
    assert ((chip == color).all(axis=2).sum(axis=1) > 10).sum() >= 15
    assert (chip == 0).all(axis=2).sum() > 50


def test_a_label_in_a_shrunk_image_stands_at_its_box() -> None:
    image = np.full((3200, 3200, 3), 90, np.uint8)
    row = (2000.0, 2000.0, 3000.0, 3000.0, 4, 0.9)
    png = sheet_png(
        image, pair(detections(row), detections()), LABELS, title="", captions=([""], [""])
    )
    found = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    (left, top), _ = panels(found)
    chip = found[top + 1000 - 12, left + 1000 : left + 1100]
    color = [int(KIND_COLORS[Kind.ONLY_A][index : index + 2], 16) for index in (1, 3, 5)]
    assert (chip == color).all(axis=1).mean() > 0.5


def test_chinese_labels_and_names_are_drawn_with_their_letters() -> None:
    image = np.full((400, 500, 3), 90, np.uint8)
    sheets = []
    for name in ("椅子", "桌子"):
        labels = [name if label == LABELS[4] else label for label in LABELS]
        a = pair(detections(A_ALONE), detections())
        sheets.append(sheet_png(image, a, labels, title="", captions=([""], [""])))
    assert sheets[0] != sheets[1]
