"""The parts that all figures of a photo share."""

import numpy as np
import pytest

from detector.drawing import marks
from tests.support.detected import detections

SIZE = (860, 620)  # of the photo, as large as on an ordinary screen: a pixel is a pixel
TEXT = "watch 0.93"


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def places(*rows: tuple[float, float, float, float], first: int | None = None) -> list:
    return marks.label_places(boxes(*rows), [TEXT] * len(rows), SIZE, first)


def test_without_boxes_there_are_no_places() -> None:
    assert places() == []


def test_a_label_stands_at_the_upper_left_corner_of_a_large_box() -> None:
    assert places((100, 100, 400, 300)) == [(100, 100, False)]


def test_a_label_may_begin_at_the_very_edge_of_the_photo_and_end_there() -> None:
    assert places((0, 100, 400, 300)) == [(0, 100, False)]
    width = marks.text_width(TEXT)
    exact = marks.label_places(boxes((0, 100, 400, 300)), [TEXT], (width, SIZE[1]))
    assert exact == [(0, 100, False)]


def test_labels_that_only_touch_have_both_their_places() -> None:
    assert places((100, 100, 400, 300), (100, 118, 400, 300)) == [
        (100, 100, False),
        (100, 118, False),
    ]
    assert places((100, 118, 400, 300), (100, 100, 400, 300)) == [
        (100, 118, False),
        (100, 100, False),
    ]
    row = [(100, 100, 400, 300), (112, 100, 400, 300)]  # "kk" is 12 pixels wide
    for order in (row, row[::-1]):
        found = marks.label_places(boxes(*order), ["kk", "kk"], SIZE)
        assert found == [(x, y, False) for x, y, _, _ in order]


def test_a_label_stands_beside_a_box_that_it_would_hide() -> None:
    # Chips are 18 pixels high: a box of less than twice that has its label beside it.
    assert places((100, 100, 400, 135)) == [(400, 117.5, False)]
    assert places((100, 100, 400, 136)) == [(100, 100, False)]


def test_a_label_of_a_small_box_at_the_right_edge_stands_at_its_left() -> None:
    assert places((800, 100, 850, 120)) == [(800, 110, True)]


def test_a_label_moves_to_the_next_free_corner() -> None:
    same = (100, 100, 400, 300)
    assert places(same, same, same, same, same) == [
        (100, 100, False),
        (400, 100, True),
        (100, 300, False),
        (400, 300, True),
        None,
    ]


def test_a_label_ends_at_the_corner_where_the_photo_ends_before_it() -> None:
    assert places((820, 100, 858, 300)) == [(858, 100, True)]


def test_no_label_begins_outside_the_photo() -> None:
    # The first label is in the way of one that begins at 0, not of one that ends at 15.
    assert places((20, 100, 400, 300), (0, 100, 15, 300)) == [(20, 100, False), (0, 300, False)]


def test_the_first_row_chooses_before_better_scored_ones() -> None:
    same = (100, 100, 400, 300)
    assert places(same, same, first=1) == [(400, 100, True), (100, 100, False)]


def test_labels_take_more_of_a_photo_that_is_shrunk_to_the_screen() -> None:
    width, height = SIZE
    row = boxes((100, 100, 400, 170))  # 70 pixels, 17.5 of the screen
    for large in ((4 * width, 4 * height), (4 * width, height), (width, 4 * height)):
        assert marks.label_places(row, [TEXT], large) == [(400, 135, False)]
    at_the_edge = boxes((4 * width - 100, 100, 4 * width - 10, 900))
    assert marks.label_places(at_the_edge, [TEXT], (4 * width, 4 * height)) == [
        (4 * width - 10, 100, True)
    ]


def test_the_width_of_a_text_is_that_of_helvetica() -> None:
    # "W" 944, "i" 222, "5" 556 thousandths of 12 pixels.
    assert marks.text_width("Wi5") == pytest.approx((0.944 + 0.222 + 0.556) * 12)
    assert marks.text_width("é") == pytest.approx(0.6 * 12)
    assert marks.text_width("靴") == pytest.approx(12)


def test_a_smaller_box_over_a_larger_one_of_a_later_group_has_a_later_layer() -> None:
    large, small, aside = (0, 0, 100, 100), (10, 10, 20, 20), (200, 200, 210, 210)
    order = marks.layers(boxes(small, large, aside), np.array([1, 2, 1]))
    assert order.tolist() == [1, 0, 0]
    # Groups are drawn in order: a later group needs no layer of its own.
    assert marks.layers(boxes(small, large), np.array([2, 1])).tolist() == [0, 0]
    # In a group the larger is drawn first.
    assert marks.layers(boxes(small, large), np.array([1, 1])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("small", "layer"),
    [
        ((150, 20, 160, 30), 1),
        ((95, 20, 105, 30), 1),
        ((195, 20, 205, 30), 1),
        ((120, 5, 130, 15), 1),
        ((120, 55, 130, 65), 1),
        ((90, 20, 100, 30), 0),
        ((200, 20, 210, 30), 0),
        ((120, 0, 130, 10), 0),
        ((120, 60, 130, 70), 0),
    ],
)
def test_only_boxes_that_overlap_need_layers(
    small: tuple[float, float, float, float], layer: int
) -> None:
    found = marks.layers(boxes((100, 10, 200, 60), small), np.array([2, 1]))
    assert found.tolist() == [0, layer]


def test_rows_are_grouped_in_their_order() -> None:
    groups = np.array([3, 1, 3, 2])
    found = [(group, rows.tolist()) for group, rows in marks.rows_by_group(groups)]
    assert found == [(1, [1]), (2, [3]), (3, [0, 2])]
    chosen = marks.rows_by_group(groups, np.array([False, True, True, False]))
    assert [(group, rows.tolist()) for group, rows in chosen] == [(1, [1]), (3, [2])]


def test_a_bar_covers_its_box() -> None:
    assert marks.bar_geometry(boxes((10, 20, 40, 80))) == {
        "x": [25.0],
        "width": [30.0],
        "base": [20.0],
        "y": [60.0],
    }


def test_geometry_has_no_binary_noise() -> None:
    numbers = marks.bar_geometry(boxes((0.1, 0.3, 0.3, 0.6)))
    assert numbers == {"x": [0.2], "width": [0.2], "base": [0.3], "y": [0.3]}


def test_the_area_of_a_box() -> None:
    assert marks.areas(boxes((1, 2, 4, 8))).tolist() == [18]


def test_a_colour_with_an_opacity() -> None:
    assert marks.rgba("#E69F00", 0.06) == "rgba(230,159,0,0.06)"


def test_a_text_for_plotly_shows_its_own_letters() -> None:
    # Plotly knows no &quot;.
    assert marks.escaped('<b>"a" & b</b>') == '&lt;b&gt;"a" &amp; b&lt;/b&gt;'


def test_the_text_of_a_label_is_class_and_score_between_spaces_that_stay() -> None:
    found = detections((0, 0, 9, 9, 4, 0.93), (0, 0, 9, 9, 1, 0.5))
    labels = [f"class {class_id}" for class_id in range(5)]
    assert marks.label_texts(found, labels) == [
        "\u00a0class 4 0.93\u00a0",
        "\u00a0class 1 0.50\u00a0",
    ]


def test_a_halo_is_light_around_dark_colours() -> None:
    around_dark = marks.halo(boxes((0, 0, 1, 1)), "#000000")["marker"]["line"]["color"]
    around_light = marks.halo(boxes((0, 0, 1, 1)), "#FFFFFF")["marker"]["line"]["color"]
    assert around_dark.startswith("rgba(255,255,255")
    assert around_light.startswith("rgba(0,0,0")


def test_a_chip_begins_or_ends_at_its_place() -> None:
    chip, text = marks.chip_traces(
        [(5, 6, False), (7, 8, True)], ["a & b", "c"], "#E69F00", {"legendgroup": "1"}
    )
    assert (chip["x"], chip["y"]) == (text["x"], text["y"]) == ([5, 7], [6, 8])
    assert chip["marker"]["angle"] == [-90, 90]
    assert text["textposition"] == ["middle right", "middle left"]
    assert text["text"] == ["a &amp; b", "c"]
    assert chip["marker"]["line"] == {"width": marks.CHIP_HEIGHT, "color": "#E69F00"}
    assert text["textfont"]["color"] == text["unselected"]["textfont"]["color"] == "#000000"
    assert chip["legendgroup"] == text["legendgroup"] == "1"
    # A line symbol reaches 1.4 times its size to both sides of its middle.
    for width, size, standoff in zip(
        map(marks.text_width, ("a & b", "c")),
        chip["marker"]["size"],
        chip["marker"]["standoff"],
        strict=True,
    ):
        assert size * 1.4 == pytest.approx(width, abs=0.01)
        assert standoff == pytest.approx(width / 2, abs=0.01)


def test_neither_halos_nor_chips_are_in_the_legend_or_take_a_hover() -> None:
    halo = marks.halo(boxes((0, 0, 1, 1)), "#000000")
    for trace in (halo, *marks.chip_traces([(5, 6, False)], ["a"], "#E69F00", {})):
        assert (trace["showlegend"], trace["hoverinfo"]) == (False, "skip")


def test_the_half_of_a_chip_over_the_photos_edge_is_seen() -> None:
    for trace in marks.chip_traces([(0, 0, False)], ["a"], "#E69F00", {}):
        assert trace["cliponaxis"] is False
