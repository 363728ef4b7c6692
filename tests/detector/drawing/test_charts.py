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
