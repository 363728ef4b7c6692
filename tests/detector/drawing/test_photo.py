"""The figure: its spec, and what Chromium makes of it with a real mouse."""

import itertools
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, Page
from plotly.offline import get_plotlyjs

from detector.drawing import photo
from detector.drawing.colors import class_color, text_color
from detector.evaluation.ground_truth import GroundTruth
from detector.ssd import Detections
from tests.support.figures import texts_of

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
SIZE = (800, 600)
# A single grey pixel, stretched over the photo's place.
GREY = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCB"
    "d81ytgAAAABJRU5ErkJggg=="
)


def detections(*rows: tuple[float, float, float, float, int, float]) -> Detections:
    """Rows of xmin, ymin, xmax, ymax, class id, score; the prior index is the row's number."""
    columns = np.array(rows, dtype=np.float64).reshape(-1, 6)
    order = np.argsort(-columns[:, 5], kind="stable")
    columns = columns[order]
    return Detections(
        boxes=columns[:, :4].astype(np.float32),
        scores=columns[:, 5].astype(np.float32),
        class_ids=columns[:, 4].astype(np.int64),
        prior_indices=order.astype(np.int64),
    )


def random_detections(count: int, seed: int) -> Detections:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 0.8, (count, 2)) * SIZE
    sides = rng.uniform(0.02, 0.2, (count, 2)) * SIZE
    return detections(
        *(
            (*corner, *(corner + side), int(rng.integers(1, 9)), float(rng.uniform(0.3, 1)))
            for corner, side in zip(corners, sides, strict=True)
        )
    )


TRUE_BOXES = [(10.0, 20.0, 60.0, 90.0), (300.0, 200.0, 420.0, 310.0)]


def draw_nested(truth: GroundTruth | None) -> go.Figure:
    return photo.draw(GREY, SIZE, NESTED, LABELS, truth=truth)


def bars(figure: go.Figure) -> list[go.Bar]:
    """The clickable ones, in the order in which they are drawn."""
    return [trace for trace in figure.data if trace.type == "bar" and trace.hoverinfo != "skip"]


# The spec.


def test_without_detections_the_figure_is_the_photo_alone() -> None:
    figure = photo.draw(GREY, SIZE, Detections.empty(), LABELS)
    assert len(figure.data) == 0
    [image] = figure.layout.images
    assert image.source == GREY
    assert (image.x, image.y, image.sizex, image.sizey) == (0, 0, 800, 600)
    assert (image.xanchor, image.yanchor, image.sizing) == ("left", "top", "stretch")
    assert figure.layout.xaxis.range == (0, 800)
    assert figure.layout.yaxis.range == (600, 0)


def test_a_box_is_a_bar_in_pixels_of_the_original() -> None:
    figure = photo.draw(GREY, SIZE, detections((100, 50, 300, 450, 4, 0.93)), LABELS)
    [bar] = bars(figure)
    assert (bar.x[0], bar.width[0], bar.base[0], bar.y[0]) == (200, 200, 50, 400)
    assert list(bar.customdata[0]) == ["4-0", "watch", 0.93, 200, 400]
    assert bar.marker.line.color == class_color(4)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["watch · 1"]


def test_the_size_of_a_box_is_told_in_whole_pixels() -> None:
    [bar] = bars(photo.draw(GREY, SIZE, detections((0.1, 0.2, 100.3, 50.9, 1, 0.7)), LABELS))
    assert json.dumps(list(bar.customdata[0][3:])) == "[100, 51]"


def test_the_photo_fills_the_figure_in_its_aspect_and_can_be_zoomed() -> None:
    layout = photo.draw(GREY, SIZE, Detections.empty(), LABELS).to_plotly_json()["layout"]
    x, y = layout["xaxis"], layout["yaxis"]
    assert (y["scaleanchor"], y["scaleratio"], x["constraintoward"]) == ("x", 1, "left")
    for axis in (x, y):
        assert (axis["visible"], axis["fixedrange"], axis["showgrid"]) == (False, False, False)
    # Half a chip, 9 pixels and one more, may stand over the upper and the lower edge.
    assert (1 - y["domain"][1]) * layout["height"] == pytest.approx(10, abs=0.05)
    assert layout["margin"] == {"l": 0, "r": 0, "t": 0, "b": 10, "pad": 0}
    legend = layout["legend"]
    assert [legend[key] for key in ("x", "y", "xanchor", "yanchor")] == [0, 1, "left", "top"]


def test_the_same_arguments_give_the_same_spec() -> None:
    first, second = (
        photo.draw(GREY, SIZE, random_detections(40, seed=1), LABELS) for _ in range(2)
    )
    assert first.to_json() == second.to_json()


def test_the_spec_has_no_binary_noise() -> None:
    figure = photo.draw(GREY, SIZE, detections((0.1, 0.2, 100.3, 50.7, 1, 0.7)), LABELS)
    [bar] = bars(figure)
    numbers = [bar.x[0], bar.width[0], bar.base[0], bar.y[0], bar.customdata[0][2]]
    assert json.dumps([float(number) for number in numbers]) == "[50.2, 100.2, 0.2, 50.5, 0.7]"


def test_the_revision_is_kept_in_the_spec() -> None:
    assert (
        photo.draw(GREY, SIZE, Detections.empty(), LABELS, revision=7).layout.meta["revision"] == 7
    )


def test_the_height_follows_the_photo() -> None:
    def height(size: tuple[int, int]) -> int | None:
        return photo.draw(GREY, size, Detections.empty(), LABELS).layout.height

    assert height((960, 480)) == 480 + 48
    assert height((1000, 4000)) == 680 + 48
    assert height((4000, 400)) == 260 + 48


def test_each_class_has_one_entry_in_the_legend_and_one_group() -> None:
    found = detections(
        (0, 0, 400, 400, 3, 0.9),
        (50, 50, 100, 100, 1, 0.8),
        (60, 60, 90, 90, 3, 0.7),
        (62, 62, 80, 80, 1, 0.6),
    )
    figure = photo.draw(GREY, SIZE, found, LABELS)
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(entries) == ["clothes · 2", "shoes · 2"]
    assert {trace.legendgroup for trace in figure.data} == {"1", "3"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_two_boxes_that_overlap_the_smaller_is_drawn_later(seed: int) -> None:
    found = random_detections(60, seed)
    drawn = [
        (x - w / 2, top, x + w / 2, top + h, w * h)
        for bar in bars(photo.draw(GREY, SIZE, found, LABELS))
        for x, w, top, h in zip(bar.x, bar.width, bar.base, bar.y, strict=True)
    ]
    assert len(drawn) == 60
    overlaps = 0
    for first, second in itertools.combinations(drawn, 2):
        if (
            first[0] < second[2] - 0.1
            and second[0] < first[2] - 0.1
            and first[1] < second[3] - 0.1
            and second[1] < first[3] - 0.1
        ):
            overlaps += 1
            assert first[4] >= second[4] - 1
    assert overlaps > 20


def test_boxes_that_do_not_overlap_need_one_trace_a_class() -> None:
    found = detections(*((60 * i, 10, 60 * i + 50, 50 + i, 1 + i % 2, 0.9) for i in range(10)))
    assert len(bars(photo.draw(GREY, SIZE, found, LABELS))) == 2


def test_two_hundred_boxes_need_few_traces() -> None:
    figure = photo.draw(GREY, SIZE, random_detections(200, seed=4), LABELS)
    assert sum(len(bar.x) for bar in bars(figure)) == 200
    assert len(figure.data) <= 100


def test_the_picked_detection_is_the_only_selected_one() -> None:
    found = detections((0, 0, 90, 90, 1, 0.9), (200, 0, 290, 90, 1, 0.8), (400, 0, 490, 90, 2, 0.7))
    figure = photo.draw(GREY, SIZE, found, LABELS, picked="1-1")
    for bar in bars(figure):
        selected = [bar.customdata[index][0] for index in bar.selectedpoints]
        assert selected == (["1-1"] if bar.legendgroup == "1" else [])
    # Its halo, chip and text are, too.
    for trace in figure.data:
        places = [trace.x[index] for index in trace.selectedpoints]
        assert places == ([245 if trace.type == "bar" else 200] if trace.legendgroup == "1" else [])


@pytest.mark.parametrize("picked", [None, "5-77"])
def test_without_a_picked_detection_nothing_is_dimmed(picked: str | None) -> None:
    figure = photo.draw(GREY, SIZE, random_detections(10, seed=5), LABELS, picked=picked)
    assert {trace.selectedpoints for trace in figure.data} == {None}


def test_true_boxes_are_dotted_in_the_colours_of_their_classes_with_one_legend_entry() -> None:
    truth = GroundTruth("a.jpg", SIZE, np.array(TRUE_BOXES), np.array([3, 7]))
    lines = list(draw_nested(truth).select_traces({"mode": "lines"}))
    assert [line.line.color for line in lines[1:]] == [class_color(3), class_color(7)]
    assert lines[1].x == (10, 60, 60, 10, 10, None)
    assert lines[1].y == (20, 20, 90, 90, 20, None)
    assert [line.name for line in lines if line.showlegend] == ["Ground truth · 2"]
    one = GroundTruth("a.jpg", SIZE, np.array(TRUE_BOXES), np.array([3, 3]))
    lines = list(draw_nested(one).select_traces({"mode": "lines"}))
    assert [line.name for line in lines if line.showlegend] == ["Ground truth · 2"]


def test_a_image_with_nothing_to_find_has_no_true_boxes_to_draw() -> None:
    names = [trace.name for trace in draw_nested(GroundTruth("a.jpg", SIZE)).data]
    assert not any("True" in (name or "") for name in names)


def test_true_boxes_leave_the_rest_of_the_figure_as_it_is() -> None:
    truth = GroundTruth("a.jpg", SIZE, np.array(TRUE_BOXES), np.array([3, 7]))
    with_truth, without = draw_nested(truth).to_plotly_json(), draw_nested(None).to_plotly_json()
    assert with_truth["data"][: len(without["data"])] == without["data"]
    assert with_truth["layout"] == without["layout"]


@pytest.mark.parametrize(("usual_size", "at_least"), [((860, 620), 30), ((350, 480), 5)])
def test_labels_never_cover_each_other_at_the_usual_size(
    usual_size: tuple[int, int], at_least: int
) -> None:
    found = random_detections(120, seed=6)
    labels = [
        trace
        for trace in photo.draw(GREY, SIZE, found, LABELS, usual_size=usual_size).data
        if trace.type == "scatter" and trace.mode == "markers"
    ]
    scale = 800 / usual_size[0]
    half = 9 * scale - 0.1
    rectangles = []
    for trace in labels:
        for x, y, size, angle in zip(
            trace.x, trace.y, trace.marker.size, trace.marker.angle, strict=True
        ):
            left = x if angle < 0 else x - size * 1.4 * scale
            rectangles.append((left, y - half, left + size * 1.4 * scale, y + half))
    assert len(rectangles) > at_least
    for first, second in itertools.combinations(rectangles, 2):
        apart = (
            first[2] <= second[0] + 0.1
            or second[2] <= first[0] + 0.1
            or first[3] <= second[1] + 0.1
            or second[3] <= first[1] + 0.1
        )
        assert apart


def test_a_label_near_the_right_edge_stays_inside_the_photo() -> None:
    figure = photo.draw(GREY, SIZE, detections((760, 100, 800, 500, 7, 0.9)), LABELS)
    [text] = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert (text.x, text.y, text.textposition) == ((800,), (100,), ("middle left",))


def test_labels_from_a_file_cannot_inject_markup() -> None:
    names = ("background", "<b>x</b>")
    figure = photo.draw(GREY, SIZE, detections((0, 0, 50, 50, 1, 0.9)), names)
    texts = texts_of(figure)
    assert [text for text in texts if "<b>x" in text] == []
    assert any("&lt;b&gt;x&lt;/b&gt;" in text for text in texts)


# Colours.


def test_the_colours_of_eight_classes_differ_for_colour_blind_people() -> None:
    # Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
    cones = {
        "all": np.eye(3),
        "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }
    for matrix in cones.values():
        seen = [lab(class_color(class_id), np.array(matrix)) for class_id in range(1, 9)]
        distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
        assert min(distances) > 15


def lab(color: str, cones: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a colour as seen through a matrix on linear RGB."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(cones @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ linear / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_twenty_classes_have_twenty_colours() -> None:
    assert len({class_color(class_id) for class_id in range(21)}) == 21


def test_a_negative_class_id_has_no_colour() -> None:
    with pytest.raises(ValueError, match="-1"):
        class_color(-1)


@pytest.mark.parametrize(
    ("background", "text"), [("#F0E442", "#000000"), ("#0072B2", "#FFFFFF"), ("#882255", "#FFFFFF")]
)
def test_text_on_a_colour_is_black_or_white(background: str, text: str) -> None:
    assert text_color(background) == text


# The summary.


def test_the_summary_of_nothing_says_so() -> None:
    assert photo.summary(Detections.empty(), LABELS) == "No objects found."


def test_the_summary_counts_classes_with_their_best_scores() -> None:
    found = detections((0, 0, 9, 9, 4, 0.88), (0, 0, 9, 9, 3, 0.93), (0, 0, 9, 9, 3, 0.5))
    assert photo.summary(found, LABELS) == "3 objects: shoes × 2 (best 0.93), watch (0.88)"
    found = detections(
        (0, 0, 9, 9, 1, 0.9), (0, 0, 9, 9, 2, 0.95), (0, 0, 9, 9, 3, 0.4), (0, 0, 9, 9, 3, 0.3)
    )
    assert photo.summary(found, LABELS) == (
        "4 objects: shoes × 2 (best 0.40), pants (0.95), clothes (0.90)"
    )


def test_the_summary_of_one_object_is_singular() -> None:
    found = detections((0, 0, 9, 9, 4, 0.88))
    assert photo.summary(found, LABELS) == "1 object: watch (0.88)"


# In the browser.


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Page:
    page = chromium.new_page(viewport={"width": 900, "height": 800})
    page.add_script_tag(content=get_plotlyjs())
    return page


def show(page: Page, figure: go.Figure) -> None:
    # Two clicks of a test must not be taken for a double click.
    config = {**photo.CONFIG, "doubleClickDelay": 1}
    page.mouse.move(899, 799)
    page.evaluate(
        """async ([figure, config]) => {
            document.body.innerHTML = '<div id="figure"></div>';
            await Plotly.newPlot('figure', figure.data, figure.layout, config);
            window.clicked = [];
            document.querySelector('#figure').on(
                'plotly_click', event => window.clicked.push(event.points[0].customdata[0]));
        }""",
        [json.loads(figure.to_json()), config],
    )


def position(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the photo is on the page."""
    left, top = page.evaluate(
        """([x, y]) => {
            const plot = document.querySelector('#figure');
            const {xaxis, yaxis} = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.c2p(x),
                    box.top + yaxis._offset + yaxis.c2p(y)];
        }""",
        [x, y],
    )
    return left, top


def click(page: Page, x: float, y: float) -> str | None:
    """The id of the detection that a click on a pixel of the photo picks."""
    left, top = position(page, x, y)
    page.evaluate("() => { window.clicked = []; }")
    page.mouse.move(left, top)
    # Plotly looks for what is under the pointer 20 times a second at most, and a click takes what
    # was found last: be no faster than that.
    page.wait_for_function(
        """([left, top]) => {
            const plot = document.querySelector('#figure');
            const box = plot.getBoundingClientRect();
            return Math.abs(box.left + plot._hoverPointerX - left) <= 1
                && Math.abs(box.top + plot._hoverPointerY - top) <= 1;
        }""",
        arg=[left, top],
    )
    page.mouse.down()
    page.mouse.up()
    clicked = page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(window.clicked))))"
    )
    return clicked[0] if clicked else None


NESTED = detections(
    (50, 50, 750, 550, 5, 0.9),
    (100, 100, 700, 500, 2, 0.8),
    (120, 110, 300, 250, 7, 0.7),
    (150, 130, 200, 170, 1, 0.6),
    (140, 105, 160, 590, 5, 0.5),
)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (60, 60, "5-0"),
        (740, 540, "5-0"),
        (105, 120, "2-1"),
        (105, 490, "2-1"),
        (690, 110, "2-1"),
        (290, 115, "7-2"),
        (290, 245, "7-2"),
        (125, 245, "7-2"),
        (155, 135, "1-3"),
        (195, 165, "1-3"),
        (150, 580, "5-4"),
        (150, 300, "5-4"),
        (150, 190, "5-4"),
        (20, 20, None),
        (780, 300, None),
    ],
)
def test_a_click_picks_the_smallest_box_under_the_pointer(
    page: Page, x: float, y: float, expected: str | None
) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    assert click(page, x, y) == expected


def test_any_click_on_overlapping_boxes_picks_the_smallest(page: Page) -> None:
    found = random_detections(60, seed=7)
    show(page, photo.draw(GREY, SIZE, found, LABELS))
    boxes = found.boxes.astype(np.float64)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    crowded = 0
    for x, y in np.random.default_rng(8).uniform((100, 100), (600, 450), (80, 2)):
        margins = np.array([boxes[:, 0] - x, x - boxes[:, 2], boxes[:, 1] - y, y - boxes[:, 3]])
        if np.abs(margins.max(axis=0)).min() < 2:  # On some box's edge: a question of rounding.
            continue
        under = np.flatnonzero((margins < 0).all(axis=0))
        expected = found.ids[under[np.argmin(areas[under])]] if len(under) else None
        assert click(page, x, y) == expected
        crowded += len(under) > 1
    assert crowded > 20


def test_a_click_goes_through_a_true_box(page: Page) -> None:
    truth = GroundTruth("a.jpg", SIZE, np.array([(150.0, 140.0, 220.0, 180.0)]), np.array([2]))
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS, truth=truth))
    assert click(page, 175, 165) == "1-3"
    assert click(page, 151, 141) == click_without_truth(page, 151, 141)


def click_without_truth(page: Page, x: float, y: float) -> str | None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    return click(page, x, y)


def test_a_click_after_zooming_picks_the_same_box(page: Page) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    page.mouse.move(*position(page, 175, 150))
    for _ in range(5):
        page.mouse.wheel(0, -100)
    page.wait_for_function("() => document.querySelector('#figure').layout.xaxis.range[1] < 600")
    assert click(page, 175, 165) == "1-3"
    assert click(page, 290, 240) == "7-2"


def test_a_click_on_the_legend_hides_boxes_and_labels_of_the_class(page: Page) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    assert page.locator(".textpoint").filter(has_text="pants").count() == 1
    page.locator(".legendtoggle").nth(1).click()
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.textpoint')].some(e => /pants/.test(e.textContent))"
    )
    assert click(page, 690, 110) == "5-0"


def test_a_clicked_box_stands_out_and_the_others_stay_visible(page: Page) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    assert click(page, 195, 165) == "1-3"
    opacities = page.evaluate(
        "() => [...document.querySelectorAll('.barlayer path')]"
        ".map(path => +getComputedStyle(path).opacity)"
    )
    assert max(opacities) == 1
    assert min(opacities) >= 0.2
    assert opacities.count(1) == 1
    fills = page.evaluate(
        "() => [...document.querySelectorAll('.barlayer path')].map(p => p.style.fillOpacity)"
    )
    assert "0.32" in fills


def test_hovering_tells_class_score_and_size(page: Page) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    page.mouse.move(*position(page, 194, 160))
    page.mouse.move(*position(page, 195, 160))
    page.wait_for_selector(".hoverlayer .hovertext")
    assert page.locator(".hoverlayer .hovertext tspan.line").all_text_contents() == [
        "clothes 0.60",
        "50 × 40 px",
    ]


def test_each_label_fits_its_chip(page: Page) -> None:
    show(page, photo.draw(GREY, SIZE, NESTED, LABELS))
    widths = page.evaluate(
        """() => ['.points path', '.textpoint text'].map(kind =>
            [...document.querySelectorAll('.scatterlayer ' + kind)].map(
                element => element.getBoundingClientRect().width))"""
    )
    [chips, texts] = widths
    assert len(chips) == len(texts) == 5
    assert chips == pytest.approx(texts, rel=0.06)
