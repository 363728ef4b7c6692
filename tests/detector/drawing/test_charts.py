"""The charts about thresholds: what they draw, and what a click in them says."""

import numpy as np
import pytest

from detector.drawing import charts
from detector.evaluation import matching
from detector.evaluation.curves import average_precision, curve, mean_without_nan
from detector.evaluation.ground_truth import GroundTruth
from detector.ssd import Detections, RawPrediction, Settings
from tests.support.figures import texts_of
from tests.support.outputs import output_of

LABELS = ("background", "clothes", "shoes")
CLOTHES, SHOES = 1, 2


def of_kind(figure, kind):
    return [trace for trace in figure.to_plotly_json()["data"] if trace["type"] == kind]


def catchers(figure):
    """The clear bars that take a click."""
    return [trace for trace in of_kind(figure, "bar") if "hovertext" in trace]


def found(*rows):
    """Detections of (class id, score, box)."""
    return Detections(
        np.array([box for _, _, box in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([class_id for class_id, _, _ in rows], np.int64),
        np.arange(len(rows)),
    )


def curves_of(truth, detections):
    matches = matching.match(matching.compare([(truth, detections)], len(LABELS)))
    by_class = {class_id: curve(matches, class_id) for class_id in (CLOTHES, SHOES)}
    precisions = {c: average_precision(matches, c) for c in by_class}
    precisions[None] = mean_without_nan(list(precisions.values()))
    return {None: curve(matches), **by_class}, precisions


HERE, THERE = (0, 0, 10, 10), (50, 50, 60, 60)
TRUTH = GroundTruth("a.jpg", (100, 100), np.array([HERE, THERE], float), np.array([SHOES, CLOTHES]))
RIGHT_AND_WRONG = found((SHOES, 0.75, HERE), (SHOES, 0.5, THERE), (CLOTHES, 0.25, THERE))


def test_the_grid_is_what_the_sliders_offer():
    assert charts.GRID.tolist() == [float(f"{step / 100:.2f}") for step in range(1, 101)]


def test_without_a_box_the_counts_have_no_curve_and_still_take_a_click():
    nothing = np.zeros((100, 3), np.int64)
    figure = charts.counts(nothing, np.zeros((50, 3), np.int64), LABELS, Settings())
    assert of_kind(figure, "scatter") == []
    assert [bars["customdata"] for bars in catchers(figure)] == [charts.GRID.tolist()] * 2
    assert catchers(figure)[0]["hovertext"][29] == "<b>0.30</b>: no boxes"


def test_a_curve_of_counts_ends_where_no_box_is_left():
    counted = np.zeros((100, 3), np.int64)
    counted[:40, SHOES] = 7
    figure = charts.counts(counted, np.zeros((50, 3), np.int64), LABELS, Settings())
    [curve] = of_kind(figure, "scatter")
    assert curve["name"] == "shoes"
    assert curve["y"] == [7] * 40 + [None] * 60
    assert catchers(figure)[0]["hovertext"][39] == "<b>0.40</b>: 7 shoes"


def test_the_common_threshold_is_a_line_and_the_own_one_of_a_class_a_point_on_its_curve():
    counted = np.full((100, 3), 4)
    settings = Settings(score_threshold=0.35, class_thresholds={SHOES: 0.6})
    figure = charts.counts(counted, np.zeros((50, 3), np.int64), LABELS, settings)
    [line] = figure.to_plotly_json()["layout"]["shapes"]
    assert (line["x0"], line["x1"]) == (0.35, 0.35)
    [point] = [trace for trace in of_kind(figure, "scatter") if trace["mode"] == "markers"]
    assert (point["x"], point["y"]) == ([0.6], [4])


def test_rates_are_those_of_the_curve_and_stop_where_nothing_is_shown():
    curves, _ = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.rates(curves, LABELS, Settings())
    [precision] = [
        trace
        for trace in of_kind(figure, "scatter")
        if trace["name"] == "shoes" and trace["yaxis"] == "y"
    ]
    assert precision["y"] == [0.5] * 50 + [1.0] * 25 + [None] * 25
    assert len(catchers(figure)) == 3


def test_a_point_of_precision_against_recall_says_its_threshold_and_class():
    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.precision_recall(curves, precisions, LABELS, Settings())
    lines = {t["name"]: t for t in of_kind(figure, "scatter") if t["mode"] == "lines+markers"}
    shoes = lines["shoes · AP 1.000"]
    assert shoes["customdata"] == [[0.75, SHOES], [0.5, SHOES]]
    assert (shoes["x"], shoes["y"]) == ([1.0, 1.0], [1.0, 0.5])
    assert lines["All · mAP 1.000"]["customdata"][0] == [0.75, 0]


def test_the_curves_of_the_sides_have_a_mark_where_each_side_stands():
    curves, _precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    settings = Settings(0.6), Settings(0.9, class_thresholds={SHOES: 0.4})
    both = {"a": curves[SHOES], "b": curves[SHOES]}
    figure = charts.precision_recall_of_sides(both, (1.0, 0.5), settings, SHOES)
    drawn = [(t["name"], t["x"], t["y"]) for t in of_kind(figure, "scatter") if "name" in t]
    assert drawn == [
        ("A · AP 1.000", [1.0, 1.0], [1.0, 0.5]),
        ("B · AP 0.500", [1.0, 1.0], [1.0, 0.5]),
    ]
    marks = [t for t in of_kind(figure, "scatter") if t["mode"] == "markers"]
    assert [(t["legendgroup"], t["y"]) for t in marks] == [("A", [1.0]), ("B", [0.5])]
    overall = charts.precision_recall_of_sides(
        {"a": curves[None], "b": curves[None]}, (1.0, 0.5), settings
    )
    # Over all classes there is no one threshold where some have their own.
    marks = [t for t in of_kind(overall, "scatter") if t["mode"] == "markers"]
    assert [t["legendgroup"] for t in marks] == ["A"]


def test_a_change_of_the_confusion_matrix_is_green_where_b_is_better():
    a = np.array([[9, 5, 0], [2, 3, 1], [0, 0, 4]])
    b = np.array([[0, 1, 0], [2, 5, 2], [0, 0, 2]])
    [bars] = of_kind(charts.confusion_change(a, b, LABELS), "bar")
    cells = {
        tuple(cell): look
        for cell, *look in zip(
            bars["customdata"],
            bars["text"],
            bars["hovertext"],
            bars["marker"]["color"],
            strict=True,
        )
    }
    best, worst = "rgb(62,178,113)", "rgb(241,132,129)"
    assert cells[0, CLOTHES] == ["-4", "clothes where nothing is: A 5, B 1", best]
    assert cells[CLOTHES, SHOES][:2] == ["+1", "clothes taken for shoes: A 1, B 2"]
    assert cells[SHOES, SHOES] == ["-2", "shoes found: A 4, B 2", worst]
    assert cells[CLOTHES, CLOTHES][0] == "+2"
    assert cells[CLOTHES, 0] == ["", "clothes not found: A 2, B 2", "rgba(128,140,150,0.06)"]


def test_a_cell_of_the_confusion_matrix_says_its_classes_and_its_count():
    cells = np.array([[0, 5, 0], [2, 3, 1], [0, 0, 4]])
    [bars] = of_kind(charts.confusion(cells, LABELS), "bar")
    by_cell = {
        tuple(cell): (text, words)
        for cell, text, words in zip(
            bars["customdata"], bars["text"], bars["hovertext"], strict=True
        )
    }
    assert by_cell[CLOTHES, SHOES] == ("1", "1 clothes taken for shoes")
    assert by_cell[CLOTHES, 0] == ("2", "2 clothes not found")
    assert by_cell[0, CLOTHES] == ("5", "5 × clothes where nothing is")
    assert by_cell[SHOES, SHOES] == ("4", "4 shoes found")
    assert by_cell[SHOES, CLOTHES] == ("", "0 shoes taken for clothes")
    assert (0, 0) not in by_cell


def test_the_numbers_in_the_confusion_matrix_can_be_read_on_dark_ground_too():
    """A cell that lets the ground through is dark there, and so is its number."""
    [bars] = of_kind(charts.confusion(np.array([[0, 5, 0], [2, 9, 1], [0, 0, 90]]), LABELS), "bar")
    cells = [c for c, text in zip(bars["marker"]["color"], bars["text"], strict=True) if text]
    assert len(cells) == 5
    for color in cells:
        red, green, blue = map(int, color.removeprefix("rgb(").removesuffix(")").split(","))
        assert 0.299 * red + 0.587 * green + 0.114 * blue > 120
    assert bars["textfont"]["color"] == bars["unselected"]["textfont"]["color"] == "#10171B"


def test_the_chosen_class_stands_out_and_all_of_the_chart_takes_a_click():
    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    counted = np.ones((100, 3), np.int64)
    for figure in (
        charts.counts(counted, counted[:50], LABELS, Settings(), SHOES),
        charts.rates(curves, LABELS, Settings(), SHOES),
        charts.precision_recall(curves, precisions, LABELS, Settings(), SHOES),
    ):
        traces = figure.to_plotly_json()["data"]
        clear = {t.get("legendgroup") for t in traces if t.get("opacity", 1) == 1}
        faint = {t.get("legendgroup") for t in traces if t.get("opacity", 1) < 1}
        assert str(CLOTHES) in faint
        assert str(SHOES) in clear
        assert not faint & clear
        assert all("opacity" not in trace for trace in catchers(figure))


def test_each_curve_of_precision_and_recall_is_an_entry_of_its_own_in_the_legend_row():
    """Curves without a group would be one group: a column as high as the chart."""
    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.precision_recall(curves, precisions, LABELS, Settings())
    groups = [trace["legendgroup"] for trace in of_kind(figure, "scatter") if "name" in trace]
    assert len(groups) == len(set(groups)) > 1


def test_the_density_is_the_best_score_of_any_class_at_a_place():
    raw = RawPrediction.from_output(
        output_of(
            3,
            ((0.0, 0.0, 0.1, 0.1), {CLOTHES: 0.2, SHOES: 0.6}),
            ((0.0, 0.0, 0.1, 0.1), {SHOES: 0.4}),
            ((0.9, 0.4, 1.0, 0.6), {SHOES: 0.3}),
        )
    )
    [heat] = of_kind(charts.density(raw, (640, 480), "photo.jpg", cells=10), "heatmap")
    z = np.array(heat["z"])
    assert z[0, 0] == pytest.approx(0.6)
    assert z[5, 9] == pytest.approx(0.3)
    assert np.count_nonzero(z) == 2


def test_charts_are_legal_plotly_figures():
    import plotly.graph_objects as go

    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    raw = RawPrediction.from_output(output_of(3, ((0, 0, 0.1, 0.1), {SHOES: 0.6})))
    for figure in (
        charts.counts(np.ones((100, 3), int), np.ones((50, 3), int), LABELS, Settings()),
        charts.rates(curves, LABELS, Settings(class_thresholds={SHOES: 0.5})),
        charts.precision_recall(curves, precisions, LABELS, Settings()),
        charts.confusion(np.zeros((3, 3), int), LABELS),
        charts.density(raw, (640, 480), "photo.jpg"),
    ):
        go.Figure(figure.to_plotly_json())  # checks each property


NASTY = ("background", '<b>50% "off"</b> & %{x}', "a<br>b")


@pytest.mark.parametrize("name", ["counts", "rates", "precision_recall", "confusion"])
def test_labels_are_text_and_no_markup_wherever_a_chart_shows_them(name):
    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = {
        "counts": lambda: charts.counts(
            np.ones((100, 3), np.int64), np.ones((50, 3), np.int64), NASTY, Settings()
        ),
        "rates": lambda: charts.rates(curves, NASTY, Settings()),
        "precision_recall": lambda: charts.precision_recall(curves, precisions, NASTY, Settings()),
        "confusion": lambda: charts.confusion(np.ones((3, 3), np.int64), NASTY),
    }[name]()
    texts = texts_of(figure)
    assert [text for text in texts if "<b>50%" in text or "a<br>b" in text] == []
    assert any('&lt;b&gt;50% "off"&lt;/b&gt; &amp; %{x}' in text for text in texts)
    # In a template it would be a place for a value.
    templates = [trace.get("hovertemplate", "") for trace in figure.to_plotly_json()["data"]]
    assert not any("%{x}" in template.replace("recall %{x:.2f}", "") for template in templates)


def test_where_nothing_is_to_be_found_the_legend_has_a_dash_for_the_average_precision():
    curves, precisions = curves_of(GroundTruth("a.jpg", (100, 100)), RIGHT_AND_WRONG)
    figure = charts.precision_recall(curves, precisions, LABELS, Settings())
    names = [trace["name"] for trace in of_kind(figure, "scatter") if "name" in trace]
    assert names == ["All · mAP –", "clothes · AP –", "shoes · AP –"]


def layout_of(figure):
    return figure.to_plotly_json()["layout"]


def points_of(figure):
    """(class id, x, y, axis) of the marks on the curves."""
    return [
        (int(trace["legendgroup"]), trace["x"][0], trace["y"][0], trace.get("yaxis", "y"))
        for trace in of_kind(figure, "scatter")
        if trace["mode"] == "markers"
    ]


@pytest.mark.parametrize(("most", "tallest"), [(0, 0), (1, 1), (7, 5)])
def test_a_click_anywhere_above_a_threshold_is_taken(most, tallest):
    counted, histogram = np.zeros((100, 3), np.int64), np.zeros((50, 3), np.int64)
    counted[:40, SHOES] = most
    histogram[10, [CLOTHES, SHOES]] = [tallest // 2, tallest - tallest // 2]
    histogram[20, SHOES] = 1 if tallest else 0
    figure = charts.counts(counted, histogram, LABELS, Settings())
    layout, (above, below) = layout_of(figure), catchers(figure)
    assert layout["yaxis"]["type"] == "log"
    top = 1.7 * max(most, 1)
    assert 10 ** np.array(layout["yaxis"]["range"]) == pytest.approx([0.8, top])
    assert (above["base"][0], above["base"][0] + above["y"][0]) == (0.5, pytest.approx(top))
    top = 1.05 * max(tallest, 1)
    assert layout["yaxis2"]["range"] == pytest.approx([0, top])
    assert (below["base"][0], below["y"][0], below["yaxis"]) == (0, pytest.approx(top), "y2")
    for bars in (above, below):
        assert (bars["width"], bars["offset"], bars["showlegend"]) == (0.01, -0.005, False)
    assert layout["yaxis"]["domain"][0] > layout["yaxis2"]["domain"][1]
    # The scores of all classes stand on each other, and the axis of thresholds below them.
    assert (layout["barmode"], layout["xaxis"]["anchor"]) == ("stack", "y2")
    assert all(layout[axis]["fixedrange"] for axis in ("xaxis", "yaxis", "yaxis2"))


def test_a_chart_of_rates_has_a_row_for_each_with_one_legend_for_all():
    curves, _ = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.rates(curves, LABELS, Settings(0.35))
    layout = layout_of(figure)
    rows = [layout[axis] for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert [row["title"]["text"] for row in rows] == ["Precision", "Recall", "F1"]
    assert rows[0]["domain"][1] == 1
    assert rows[2]["domain"][0] == 0
    assert rows[0]["domain"][0] > rows[1]["domain"][1] > rows[1]["domain"][0]
    assert rows[1]["domain"][0] > rows[2]["domain"][1]
    assert all(row["range"] == [0, 1.02] and row["fixedrange"] for row in rows)
    for row, bars in zip(("y", "y2", "y3"), catchers(figure), strict=True):
        assert (bars["yaxis"], bars["base"][0], bars["y"][0]) == (row, 0, 1.02)
    entries = [
        (trace["name"], trace["legendgroup"], trace["yaxis"])
        for trace in of_kind(figure, "scatter")
        if trace["showlegend"]
    ]
    assert entries == [("All", "0", "y"), ("clothes", "1", "y"), ("shoes", "2", "y")]
    groups = {(t["name"], t["legendgroup"]) for t in of_kind(figure, "scatter")}
    assert len(groups) == 3
    assert layout["xaxis"]["anchor"] == "y3"
    assert [line["x0"] for line in layout["shapes"]] == [0.35]


def test_the_own_threshold_of_a_class_is_a_point_on_each_of_its_rates():
    curves, _ = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.rates(curves, LABELS, Settings(class_thresholds={SHOES: 0.45}))
    # One of two shown is right, and the only one there is.
    assert points_of(figure) == [
        (SHOES, 0.45, 0.5, "y"),
        (SHOES, 0.45, 1.0, "y2"),
        (SHOES, 0.45, pytest.approx(2 / 3), "y3"),
    ]


def test_precision_against_recall_is_marked_where_it_stands_now():
    curves, precisions = curves_of(TRUTH, RIGHT_AND_WRONG)
    figure = charts.precision_recall(curves, precisions, LABELS, Settings(0.3))
    assert points_of(figure) == [
        (0, 0.5, 0.5, "y"),
        (CLOTHES, 0.0, None, "y"),
        (SHOES, 1.0, 0.5, "y"),
    ]
    own = Settings(0.3, class_thresholds={CLOTHES: 0.2})
    figure = charts.precision_recall(curves, precisions, LABELS, own)
    assert {t["showlegend"] for t in of_kind(figure, "scatter") if t["mode"] == "markers"} == {
        False
    }
    # There is no one place for all classes with thresholds of their own.
    assert points_of(figure) == [(CLOTHES, 1.0, 1.0, "y"), (SHOES, 1.0, 0.5, "y")]
    layout = layout_of(figure)
    assert layout["xaxis"]["title"]["text"].startswith("Recall")
    assert layout["yaxis"]["title"]["text"].startswith("Precision")
    for axis in ("xaxis", "yaxis"):
        low, high = layout[axis]["range"]
        assert -0.1 < low < 0 < 1 < high < 1.1


def test_a_curve_of_thousands_of_scores_has_a_few_hundred_points():
    many = found(*((SHOES, 0.9 - number / 4000, THERE) for number in range(1000)))
    curves, precisions = curves_of(TRUTH, many)
    figure = charts.precision_recall(curves, precisions, LABELS, Settings())
    lines = {t["name"]: t for t in of_kind(figure, "scatter") if t["mode"] == "lines+markers"}
    assert 150 < len(lines["shoes · AP 0.000"]["x"]) <= 240


def test_the_cells_of_the_confusion_matrix_stand_at_the_names_of_their_classes():
    figure = charts.confusion(np.ones((3, 3), np.int64), LABELS)
    layout, [bars] = layout_of(figure), of_kind(figure, "bar")
    x, y = layout["xaxis"], layout["yaxis"]
    assert x["ticktext"] == ["clothes", "shoes", "not found"]
    assert y["ticktext"] == ["clothes", "shoes", "nothing there"]
    assert (x["range"], y["range"]) == ([-0.5, 2.5], [2.5, -0.5])
    assert (x["title"]["text"], y["title"]["text"]) == ("Detected", "Ground truth")
    order = [CLOTHES, SHOES, 0]
    for (true, seen), column, base, height in zip(
        bars["customdata"], bars["x"], bars["base"], bars["y"], strict=True
    ):
        assert order[column] == seen
        assert order[round(base + height / 2)] == true
        assert base + height / 2 == pytest.approx(round(base + height / 2))
    assert len(bars["x"]) == 8
    assert layout["barmode"] == "overlay"
    assert all(axis["fixedrange"] and not axis["showgrid"] for axis in (x, y))


def test_the_density_lies_over_the_photo_without_the_background():
    raw = RawPrediction.from_output(
        output_of(
            3,
            ((0.9, 0.9, 1.1, 1.1), {0: 0.9, CLOTHES: 0.1}),
            ((0.0, 0.0, 0.1, 0.1), {0: 0.99}),
        )
    )
    figure = charts.density(raw, (640, 480), "photo.jpg", cells=10)
    layout, [heat] = layout_of(figure), of_kind(figure, "heatmap")
    z = np.array(heat["z"])
    assert (z.shape, z[9, 9], np.count_nonzero(z)) == ((10, 10), 0.1, 1)
    # The middle of the first cell, and the steps to the next ones.
    assert [heat[key] for key in ("x0", "dx", "y0", "dy")] == [32, 64, 24, 48]
    assert (heat["zmin"], heat["zmax"]) == (0, 1)
    assert (layout["xaxis"]["range"], layout["yaxis"]["range"]) == ([0, 640], [480, 0])
    assert layout["yaxis"]["scaleanchor"] == "x"
    [photo] = layout["images"]
    assert [photo[key] for key in ("source", "x", "y", "sizex", "sizey", "layer")] == [
        "photo.jpg", 0, 0, 640, 480, "below"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "count"), [(0.0, 100), (0.01, 100), (0.6, 41), (0.605, 40), (0.99, 2), (1.0, 1)]
)
def test_the_own_threshold_of_a_class_stands_at_what_it_shows(own, count):
    counted = np.zeros((100, 3), np.int64)
    counted[:, SHOES] = np.arange(100, 0, -1)
    settings = Settings(class_thresholds={SHOES: own})
    figure = charts.counts(counted, np.zeros((50, 3), np.int64), LABELS, settings)
    assert points_of(figure) == [(SHOES, own, count, "y")]


def test_on_the_logarithmic_axis_nothing_is_marked_at_one():
    counted = np.zeros((100, 3), np.int64)
    counted[:10, SHOES] = 5
    settings = Settings(class_thresholds={SHOES: 0.5})
    figure = charts.counts(counted, np.zeros((50, 3), np.int64), LABELS, settings)
    assert points_of(figure) == [(SHOES, 0.5, 1, "y")]


def test_scores_are_bars_of_two_hundredths_below_the_counts():
    histogram = np.zeros((50, 3), np.int64)
    histogram[:, SHOES] = np.arange(50)
    figure = charts.counts(np.full((100, 3), 4), histogram, LABELS, Settings())
    [bars] = [
        trace
        for trace in of_kind(figure, "bar")
        if "hovertext" not in trace and trace["legendgroup"] == str(SHOES)
    ]
    assert bars["x"] == pytest.approx([(2 * place + 1) / 100 for place in range(50)])
    assert (bars["y"], bars["yaxis"], bars["showlegend"]) == (list(range(50)), "y2", False)


def test_the_hover_of_the_rates_tells_them_over_all_and_a_dash_where_nothing_is_shown():
    curves, _ = curves_of(TRUTH, RIGHT_AND_WRONG)
    precision, recall, _ = catchers(charts.rates(curves, LABELS, Settings()))
    assert precision["hovertext"][29] == "<b>0.30</b> · Precision over all 0.50"
    assert precision["hovertext"][99] == "<b>1.00</b> · Precision over all –"
    assert recall["hovertext"][99] == "<b>1.00</b> · Recall over all 0.00"


def test_right_cells_are_green_and_wrong_ones_red_the_more_the_stronger():
    [bars] = of_kind(charts.confusion(np.array([[0, 1, 0], [9, 9, 0], [0, 0, 1]]), LABELS), "bar")
    colors = dict(zip(map(tuple, bars["customdata"]), bars["marker"]["color"], strict=True))
    assert colors[CLOTHES, CLOTHES] == "rgb(62,178,113)"
    assert colors[CLOTHES, 0] == "rgb(240,104,100)"
    assert colors[SHOES, SHOES] == "rgb(147,210,174)"
    assert colors[0, CLOTHES] == "rgb(243,168,165)"
    assert colors[SHOES, 0] == colors[0, SHOES] == "rgba(128,140,150,0.06)"


def test_the_density_is_as_high_as_its_photo_between_two_bounds():
    raw = RawPrediction.from_output(output_of(3, ((0, 0, 0.1, 0.1), {SHOES: 0.6})))
    sizes = (400, 300), (400, 100), (400, 900)
    layouts = [layout_of(charts.density(raw, size, "photo.jpg")) for size in sizes]
    assert [layout["height"] for layout in layouts] == [300, 200, 420]


LEVELS = ("0%", "10%", "50%")
LINES = (
    charts.BoxLine("1-7", CLOTHES, "<b>coat 0.90", np.array([0.9, 0.5, 0]), np.array([1, 0.8, 0])),
    charts.BoxLine("1-9", CLOTHES, "coat 0.80", np.array([0.8, 0.7, 0.6]), np.array([1, 0.9, 0.9])),
    charts.BoxLine(
        "2-3", SHOES, "shoes 0.50", np.array([0.5, np.nan, np.nan]), np.array([1, np.nan, np.nan])
    ),
)


def swept(lines=LINES, settings=None, **more):
    used = settings or Settings()
    return charts.sweep(lines, LEVELS, "Noise", LABELS, used, usual=0, **more)


def test_of_no_boxes_a_sweep_has_its_levels_and_the_threshold():
    figure = swept(())
    assert figure.to_plotly_json()["data"] == []
    assert list(figure.layout.xaxis.ticktext) == list(LEVELS)


def test_each_box_has_a_line_of_scores_and_one_of_ious_with_a_gap_where_it_is_out_of_sight():
    lines = of_kind(swept(), "scatter")
    by_place = {(line["customdata"][0], line["yaxis"]): line for line in lines}
    assert len(by_place) == 6
    assert by_place["1-7", "y"]["y"] == [0.9, 0.5, 0]
    assert by_place["1-7", "y2"]["y"] == [1, 0.8, 0]
    assert by_place["2-3", "y"]["y"] == [0.5, None, None]
    named = [line["name"] for line in lines if line["showlegend"]]
    assert named == ["&lt;b&gt;coat 0.90", "coat 0.80", "shoes 0.50"]
    # Two of a class have one colour, and are told apart all the same.
    looks = {(line["line"]["color"], line["line"]["dash"]) for line in lines}
    assert len(looks) == 3


def test_of_many_boxes_the_legend_has_the_classes():
    lines = [
        charts.BoxLine(f"2-{i}", SHOES, "shoes", np.ones(3), np.ones(3)) for i in range(20)
    ] + list(LINES[:1])
    named = [line["name"] for line in of_kind(swept(lines), "scatter") if line["showlegend"]]
    assert named == ["shoes · 20", "clothes · 1"]


def test_a_picked_box_stands_out_of_a_sweep():
    lines = of_kind(swept(picked="1-9"), "scatter")
    assert {line["customdata"][0]: line["opacity"] for line in lines} == {
        "1-7": charts._FAINT,
        "1-9": 1,
        "2-3": charts._FAINT,
    }


def test_a_sweep_marks_each_threshold_that_holds_and_where_the_image_stands():
    def across(settings):
        shapes = swept(settings=settings).layout.shapes
        return [shape.y0 for shape in shapes if shape.yref == "y"]

    assert across(Settings(score_threshold=0.4)) == [0.4]
    assert across(Settings(score_threshold=0.4, class_thresholds={SHOES: 0.6})) == [0.6, 0.4]
    both = Settings(score_threshold=0.4, class_thresholds={SHOES: 0.6, CLOTHES: 0.2})
    assert across(both) == [0.2, 0.6]
    upright = [s.x0 for s in swept(now=1.5).layout.shapes if s.yref == "paper"]
    assert upright == [0, 1.5]


def test_precision_against_the_levels_has_a_curve_a_class_and_their_mean():
    figure = charts.precision_against(
        {None: np.array([0.9, 0.8, np.nan]), SHOES: np.array([0.7, 0.6, np.nan])},
        LEVELS,
        "Noise",
        LABELS,
        usual=0,
    )
    assert {line["name"]: line["y"] for line in of_kind(figure, "scatter")} == {
        "All": [0.9, 0.8, None],
        "shoes": [0.7, 0.6, None],
    }
