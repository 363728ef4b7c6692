"""Two panels of one photo: what their spec says."""

import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from detector.drawing import linked
from detector.drawing.marks import CHIP_HEIGHT
from detector.evaluation.pairing import KIND_COLORS, Kind, pair
from detector.ssd import Detections
from tests.detector.drawing.test_photo import GREY, LABELS, SIZE, detections, random_detections
from tests.support.figures import texts_of

NONE = Detections.empty()


def test_two_empty_sides_are_two_photos_with_one_zoom() -> None:
    layout = linked.draw(GREY, SIZE, pair(NONE, NONE), LABELS).layout
    assert [(image.xref, image.yref) for image in layout.images] == [("x", "y"), ("x2", "y2")]
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y")


@pytest.mark.parametrize(("stacked", "width"), [(False, 560), (True, 350)])
def test_labels_never_cover_each_other_at_the_size_of_the_panels(stacked: bool, width: int) -> None:
    pairing = pair(random_detections(60, seed=6), NONE)
    figure = linked.draw(GREY, SIZE, pairing, LABELS, stacked=stacked)
    scale = SIZE[0] / width
    rectangles = [
        (
            x if angle < 0 else x - size * 1.4 * scale,
            y - CHIP_HEIGHT / 2 * scale,
            x + size * 1.4 * scale if angle < 0 else x,
            y + CHIP_HEIGHT / 2 * scale,
        )
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "markers" and trace.marker.angle is not None
        for x, y, size, angle in zip(
            trace.x, trace.y, trace.marker.size, trace.marker.angle, strict=True
        )
    ]
    assert len(rectangles) > 8
    for a, b in itertools.combinations(np.array(rectangles), 2):
        overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        assert overlap.min() <= 0.1


def test_headings_and_labels_are_text_and_no_markup() -> None:
    names = ("background", '<b>"x"</b>')
    found = detections((0, 0, 200, 200, 1, 0.9))
    figure = linked.draw(GREY, SIZE, pair(found, found), names, headings=("<i>A</i>", "B"))
    texts = texts_of(figure)
    assert [text for text in texts if "<b>" in text.replace("<b>In both</b>", "")] == []
    assert any('&lt;b&gt;"x"&lt;/b&gt;' in text for text in texts)
    assert figure.layout.annotations[0].text == "&lt;i&gt;A&lt;/i&gt;"


def texts_at(figure: go.Figure) -> dict[str, tuple[float, float, str]]:
    """Label -> (x, y, axis) of the chip's text."""
    return {
        text.strip("\u00a0"): (x, y, trace.xaxis or "x")
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "text"
        for text, x, y in zip(trace.text, trace.x, trace.y, strict=True)
    }


SAME = (100, 100, 400, 400)


def test_each_label_stands_at_its_own_box() -> None:
    a = detections((50, 100, 250, 300, 1, 0.9), (400, 100, 700, 300, 4, 0.5))
    b = detections((300, 350, 600, 500, 2, 0.8))
    assert texts_at(linked.draw(GREY, SIZE, pair(a, b), LABELS)) == {
        f"{LABELS[1]} 0.90": (50, 100, "x"),
        f"{LABELS[4]} 0.50": (400, 100, "x"),
        f"{LABELS[2]} 0.80": (300, 350, "x2"),
    }


def test_a_difference_has_the_better_place_than_what_both_sides_have() -> None:
    a = detections((*SAME, 1, 0.9), (*SAME, 2, 0.5))
    at = texts_at(linked.draw(GREY, SIZE, pair(a, detections((*SAME, 1, 0.8))), LABELS))
    assert at[f"{LABELS[2]} 0.50"] == (100, 100, "x")
    assert at[f"{LABELS[1]} 0.90"] == (400, 100, "x")


def test_the_row_that_is_looked_at_has_the_best_place_of_all() -> None:
    a = detections((*SAME, 1, 0.9), (*SAME, 2, 0.5))
    pairing = pair(a, detections((*SAME, 1, 0.8)))
    row = int(np.flatnonzero(pairing.kinds == Kind.BOTH)[0])
    at = texts_at(linked.draw(GREY, SIZE, pairing, LABELS, row=row))
    assert at[f"{LABELS[1]} 0.90"] == (100, 100, "x")


def test_each_panel_shows_its_side_and_dotted_what_the_other_alone_has() -> None:
    a, b = detections((50, 100, 250, 300, 1, 0.9)), detections((300, 350, 600, 500, 2, 0.8))
    figure = linked.draw(GREY, SIZE, pair(a, b), LABELS)
    bars = {
        trace.xaxis or "x": (trace.x[0], trace.marker.line.color, trace.yaxis or "y")
        for trace in figure.data
        if trace.type == "bar" and trace.customdata is not None
    }
    assert bars == {
        "x": (150, KIND_COLORS[Kind.ONLY_A], "y"),
        "x2": (450, KIND_COLORS[Kind.ONLY_B], "y2"),
    }
    ghosts = {
        trace.xaxis or "x": (trace.x[0], trace.y[2], trace.line.color)
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "lines"
    }
    assert ghosts == {
        "x": (300, 500, KIND_COLORS[Kind.ONLY_B]),
        "x2": (50, 300, KIND_COLORS[Kind.ONLY_A]),
    }


def test_the_legend_counts_the_kinds() -> None:
    a = detections((*SAME, 1, 0.9), (500, 100, 600, 200, 2, 0.5))
    figure = linked.draw(GREY, SIZE, pair(a, detections((*SAME, 3, 0.8))), LABELS)
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "Same box, another class · 1",
        "Only in A · 1",
        "Only in B · 0",
        "In both · 0",
    ]


def test_a_hover_says_class_score_and_overlap_of_both_sides() -> None:
    pairing = pair(detections((*SAME, 1, 0.9)), detections((*SAME, 3, 0.75)))
    assert linked.hover_text(pairing, 0, LABELS) == (
        f"<b>Same box, another class</b><br>A: {LABELS[1]} 0.90<br>B: {LABELS[3]} 0.75<br>"
        "score -0.15, IoU 1.00"
    )
    alone = pair(NONE, detections((*SAME, 3, 0.75)))
    assert linked.hover_text(alone, 0, LABELS, plain=True) == f"B: {LABELS[3]} 0.75"


def test_a_row_is_zoomed_to_with_room_around_it_and_inside_the_photo() -> None:
    width, height = SIZE
    pairing = pair(detections((0, 0, width / 4, height / 4, 1, 0.9)), NONE)
    layout = linked.draw(GREY, SIZE, pairing, LABELS, row=0).layout
    share = 0.25 * 2.2
    assert layout.xaxis.range == pytest.approx((0, width * share))
    assert layout.yaxis.range == pytest.approx((height * share, 0))
    pairing = pair(detections((width - 8, height - 6, width, height, 1, 0.9)), NONE)
    layout = linked.draw(GREY, SIZE, pairing, LABELS, row=0).layout
    assert layout.xaxis.range == pytest.approx((width * 0.84, width), abs=0.01)
    assert layout.yaxis.range == pytest.approx((height, height * 0.84), abs=0.01)
    whole = linked.draw(GREY, SIZE, pairing, LABELS).layout
    assert (whole.xaxis.range, whole.yaxis.range) == ((0, width), (height, 0))


def test_a_side_without_an_answer_has_no_boxes_and_the_other_no_legend() -> None:
    figure = linked.draw(GREY, SIZE, pair(detections((*SAME, 1, 0.9)), NONE), LABELS, absent="b")
    assert {trace.xaxis or "x" for trace in figure.data} == {"x"}
    assert [
        trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"
    ] == []
    assert not figure.layout.showlegend
    [bar] = [t for t in figure.data if t.type == "bar" and t.customdata is not None]
    assert bar.marker.line.color == KIND_COLORS[Kind.BOTH]
    assert bar.customdata[0][1] == f"A: {LABELS[1]} 0.90"


@pytest.mark.parametrize("stacked", [False, True])
def test_the_panels_are_alike_and_leave_room_for_their_headings(stacked: bool) -> None:
    figure = linked.draw(GREY, SIZE, pair(NONE, NONE), LABELS, stacked=stacked)
    layout = figure.to_plotly_json()["layout"]
    a_x, a_y, b_x, b_y = (layout[axis] for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2"))
    (a_left, a_right), (b_left, b_right) = a_x["domain"], b_x["domain"]
    (a_low, a_high), (b_low, b_high) = a_y["domain"], b_y["domain"]
    assert a_right - a_left == pytest.approx(b_right - b_left)
    assert a_high - a_low == pytest.approx(b_high - b_low)
    assert 0.9 < a_high < 1
    if stacked:
        assert (a_left, a_right, b_low) == (0, 1, 0)
        assert a_low == 0.5
        assert a_low - b_high == pytest.approx(1 - a_high)
    else:
        assert (a_left, a_low, b_low, b_right) == (0, 0, 0, 1)
        assert b_left - a_right == pytest.approx(0.016)
    headings = layout["annotations"]
    assert [(text["xref"], text["yref"], text["x"], text["y"]) for text in headings] == [
        ("x domain", "y domain", 0, 1),
        ("x2 domain", "y2 domain", 0, 1),
    ]
    assert {(text["xanchor"], text["yanchor"], text["showarrow"]) for text in headings} == {
        ("left", "bottom", False)
    }
    assert (a_y["scaleanchor"], a_y["scaleratio"]) == ("x", 1)
    assert (b_x["anchor"], b_y["anchor"]) == ("y2", "x2")


@pytest.mark.parametrize(
    ("size", "stacked", "panel_height"),
    [
        ((1120, 600), False, 300),
        ((600, 1040), False, 520),
        ((700, 400), True, 200),
        ((600, 1200), True, 600),
    ],
)
def test_a_heading_has_28_pixels_above_a_panel_on_an_ordinary_screen(
    size: tuple[int, int], stacked: bool, panel_height: int
) -> None:
    figure = linked.draw(GREY, size, pair(NONE, NONE), LABELS, stacked=stacked)
    _, top = figure.to_plotly_json()["layout"]["yaxis"]["domain"]
    share = (1 - top) * (2 if stacked else 1)
    assert share == pytest.approx(28 / (28 + panel_height), abs=1e-4)


def test_a_row_in_the_middle_is_the_middle_of_the_view_and_a_large_one_shows_all() -> None:
    width, height = SIZE
    x, y = width / 2, height / 2
    pairing = pair(detections((x - 20, y - 10, x + 20, y + 10, 1, 0.9)), NONE)
    layout = linked.draw(GREY, SIZE, pairing, LABELS, row=0).layout
    assert layout.xaxis.range == pytest.approx((width * 0.42, width * 0.58), abs=0.01)
    assert layout.yaxis.range == pytest.approx((height * 0.58, height * 0.42), abs=0.01)
    pairing = pair(detections((0, 0, width * 0.9, height * 0.9, 1, 0.9)), NONE)
    layout = linked.draw(GREY, SIZE, pairing, LABELS, row=0).layout
    assert (layout.xaxis.range, layout.yaxis.range) == ((0, width), (height, 0))


@pytest.mark.parametrize("stacked", [False, True])
def test_the_height_follows_the_photo(stacked: bool) -> None:
    # A panel is 220 to 620 pixels high; one figure has room for two of them and their headings.
    for size, panel in (((1240, 800), 400), ((1000, 100), 220), ((100, 1000), 620)):
        height = (
            linked.draw(GREY, size, pair(NONE, NONE), LABELS, stacked=stacked).layout.height - 48
        )
        assert height == round(panel * (2.28 if stacked else 1.08))


@pytest.mark.parametrize(("x_share", "y_share"), [(0.4, 0.1), (0.1, 0.4)])
def test_the_longer_side_of_a_row_decides_how_much_is_seen(x_share: float, y_share: float) -> None:
    width, height = SIZE
    box = (0, 0, width * x_share, height * y_share, 1, 0.9)
    layout = linked.draw(GREY, SIZE, pair(detections(box), NONE), LABELS, row=0).layout
    assert layout.xaxis.range == pytest.approx((0, width * 0.88))
    assert layout.yaxis.range == pytest.approx((height * 0.88, 0))


def clickable(figure: go.Figure, axis: str) -> list[tuple[float, ...]]:
    """Corners of one panel's boxes, in the order in which they are drawn."""
    return [
        (x - width / 2, top, x + width / 2, top + length)
        for trace in figure.data
        if trace.type == "bar" and trace.customdata is not None and (trace.xaxis or "x") == axis
        for x, width, top, length in zip(trace.x, trace.width, trace.base, trace.y, strict=True)
    ]


@pytest.mark.parametrize("axis", ["x", "x2"])
def test_of_two_boxes_that_overlap_the_smaller_is_drawn_later(axis: str) -> None:
    pairing = pair(random_detections(60, seed=1), random_detections(60, seed=2), 0.1)
    assert min(pairing.counts().values()) > 5
    drawn = np.array(clickable(linked.draw(GREY, SIZE, pairing, LABELS), axis))
    assert len(drawn) == 60
    for first, second in itertools.combinations(drawn, 2):
        if (np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])).min() > 0.1:
            areas = [np.prod(box[2:] - box[:2]) for box in (first, second)]
            assert areas[0] >= areas[1] - 1


def test_each_box_has_a_halo_that_the_legend_hides_with_it() -> None:
    a = detections((50, 100, 250, 300, 1, 0.9), (400, 100, 700, 300, 4, 0.5))
    figure = linked.draw(GREY, SIZE, pair(a, detections((50, 100, 250, 300, 1, 0.8))), LABELS)
    halos, boxes = (
        sorted(
            (trace.xaxis or "x", trace.legendgroup, trace.x, trace.width, trace.base, trace.y)
            for trace in figure.data
            if trace.type == "bar" and (trace.customdata is None) == without_data
        )
        for without_data in (True, False)
    )
    assert len(boxes) == 3
    assert halos == boxes


def test_the_row_that_is_looked_at_is_filled() -> None:
    found = detections((50, 100, 250, 300, 1, 0.9), (400, 100, 700, 300, 1, 0.5))
    figure = linked.draw(GREY, SIZE, pair(found, NONE), LABELS, row=1)
    fills = {
        trace.customdata[index][0]: color
        for trace in figure.data
        if trace.type == "bar" and trace.customdata is not None
        for index, color in enumerate(trace.marker.color)
    }
    assert fills[0].endswith(",0.05)")
    assert fills[1].endswith(",0.36)")
