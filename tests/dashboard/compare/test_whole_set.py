"""Compare over a whole set: the figures are those of an evaluation of its own."""

import json
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from detector import ssd
from detector.answers import AnswerStore, Detector
from detector.batch.calls import Calls
from detector.config import Config
from detector.evaluation import curves
from detector.evaluation.matching import Matches, at_floor, compare, match
from detector.formats.coco import read_coco
from tests.support.paths import BEFORE, NEWEST, ROOT
from tests.support.running import free_port

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("empty_caches")]

PAGE = "pages/2_Compare.py"


@pytest.fixture
def opened(embedded_server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)

    def open_page(**query: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for name, value in {"compare_mode": "Whole set", **query}.items():
            app.query_params[name] = value
        app.switch_page(PAGE).run()
        assert not app.exception
        return app

    return open_page


@pytest.fixture
def page(opened: Callable[..., AppTest]) -> AppTest:
    return opened()


def columns(app: AppTest) -> tuple[list[str], dict[str, list[str]]]:
    """The table of several models: its headings, and the cells of each row as text."""
    [markup] = [each.value for each in app.get("html") if "lens-models" in each.value]

    def text(cell: str) -> str:
        return " ".join(re.sub("<.*?>", " ", cell).split())

    head, *rows = (
        [text(f"<{cell}") for cell in re.split("<(?=t[hd])", row.partition("</thead>")[0])[1:]]
        for row in markup.split("<tr>")[1:]
    )
    return head, {name: cells for name, *cells in rows if cells}


def table(app: AppTest, column: str) -> pd.DataFrame:
    [found] = [each.value for each in app.dataframe if column in each.value]
    return found


def evaluated(
    address: str, version: str, settings: ssd.Settings
) -> tuple[list[float], float, Matches]:
    """AP of each class and F1 over all, of the gallery, and the matches."""
    config = Config.load({}, {"COMMODITY_LENS_SERVER": address})
    config = config.model_copy(update={"model_version": int(version)})
    data = (ROOT / "samples" / "annotations.json").read_bytes()
    with Detector(config) as detector:
        answers = {
            path.name: detector.answer(path)
            for path in (ROOT / "samples").glob("*.*")
            if path.suffix in {".jpg", ".heic", ".png"}
        }
        sizes = {name: answer.size for name, answer in answers.items()}
        truth = read_coco(data, detector.labels, sizes).images
        pairs = [(each, answers[each.file_name].detections(at_floor(settings))) for each in truth]
        matches = match(compare(pairs, len(detector.labels)), 0.5)
    precisions = [curves.average_precision(matches, c) for c in range(1, len(detector.labels))]
    return precisions, float(curves.tally(matches, settings).total().f1), matches


def test_the_figures_are_those_of_both_versions(page: AppTest, embedded_server):
    settings = ssd.Settings()
    expected = [
        evaluated(embedded_server.address, version, settings) for version in (BEFORE, NEWEST)
    ]
    measures = table(page, "Interval").set_index("Class")
    for side, (precisions, _f1, _matches) in zip("AB", expected, strict=True):
        assert measures[side].iloc[0] == pytest.approx(curves.mean_without_nan(precisions))
        assert list(measures[side].iloc[1:]) == pytest.approx(precisions)
    assert (measures["B"] - measures["A"]).to_numpy() == pytest.approx(measures["Difference"])
    page.button_group(key="set_measure").set_value("F1").run()
    f1 = table(page, "Interval").iloc[0]
    assert (f1["A"], f1["B"]) == pytest.approx((expected[0][1], expected[1][1]))


def test_curves_and_confusion_are_those_of_both_versions(page: AppTest, embedded_server):
    settings = ssd.Settings()
    a, b = (
        curves.confusion(matches, settings).counts
        for matches in (
            evaluated(embedded_server.address, version, settings)[2] for version in (BEFORE, NEWEST)
        )
    )
    lines, cells = (json.loads(each.proto.spec)["data"] for each in page.get("plotly_chart"))
    shown = dict(zip(map(tuple, cells[0]["customdata"]), cells[0]["text"], strict=True))
    assert shown == {cell: f"{b[cell] - a[cell]:+d}".replace("+0", "") for cell in shown}
    assert any(shown.values())
    measures = table(page, "Interval").set_index("Class")
    names = [f"{side} · mAP {measures[side].iloc[0]:.3f}" for side in "AB"]
    assert [line["name"] for line in lines if "name" in line] == names
    page.selectbox(key="set_class").set_value("watch").run()
    lines, _cells = (json.loads(each.proto.spec)["data"] for each in page.get("plotly_chart"))
    names = [f"{side} · AP {measures[side]['watch']:.3f}" for side in "AB"]
    assert [line["name"] for line in lines if "name" in line] == names


def test_a_side_is_no_better_than_itself(page: AppTest):
    page.selectbox(key="version_a").set_value(page.selectbox(key="version_b").value).run()
    measures = table(page, "Interval")
    assert set(measures["Says"]) == {"no difference"}
    assert (table(page, "Differences")["Differences"] == 0).all()


def test_a_side_that_finds_nothing_is_worse_and_that_is_no_luck(page: AppTest):
    page.slider(key="score_b").set_value(1.0).run()
    page.button_group(key="set_measure").set_value("Recall").run()
    first = table(page, "Interval").iloc[0]
    assert first["Says"] == "A is better"
    assert first["B"] == 0
    assert any("A is better over 17 images" in each.value for each in page.markdown)
    changed = table(page, "Differences")
    assert (np.diff(changed["Differences"]) <= 0).all()
    assert (changed["Only in B"] == 0).all()


def test_a_slider_asks_nothing_again_however_many_images(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
):
    """A large set does not fit into the store of single answers."""
    monkeypatch.setattr(AnswerStore, "get", lambda *_: None)
    calls = Calls.ask
    asked = []
    monkeypatch.setattr(Calls, "ask", lambda *of: asked.append(of) or calls(*of))
    before = table(page, "Interval")["B"].iloc[0]
    page.slider(key="score_b").set_value(1.0).run()
    assert table(page, "Interval")["B"].iloc[0] == before  # AP does not depend on it
    assert (table(page, "Differences")["Only in B"] == 0).all()
    assert asked == []


def test_a_column_with_the_settings_of_b_has_its_figures_and_its_interval(
    opened: Callable[..., AppTest],
):
    both = table(opened(score_b="0.3"), "Interval").set_index("Class")
    app = opened(
        score_b="0.3",
        further=["C", "D"],
        version_c=NEWEST,
        like_a_c="false",
        score_c="0.3",
        version_d=BEFORE,
    )
    head, rows = columns(app)
    assert [name[:1] for name in head[2:]] == ["A", "B", "C", "D"]
    for label in both.index[1:]:
        objects, a, b, c, d = rows[label]
        assert c == b
        figure, difference, low, _to, high, *_says = b.replace("best ", "").split()
        expected = both.loc[label]
        assert objects == str(expected["Objects"])
        assert (figure, a.split()[0]) == (f"{expected['B']:.3f}", f"{expected['A']:.3f}")
        assert difference == f"{expected['Difference']:+.3f}"
        assert f"{low[1:]} … {high[:-1]}" == expected["Interval"]
        assert d.replace("best ", "") == f"{a.split()[0]} +0.000 (+0.00 … +0.00)"
    assert {"AP at IoU 0.5", "Precision", "Recall", "F1"} < set(rows)
    assert rows["Recall"][2] == rows["Recall"][3]
    lines, _cells = (json.loads(each.proto.spec)["data"] for each in app.get("plotly_chart"))
    assert [line["name"][:1] for line in lines if "name" in line] == ["A", "B", "C", "D"]


def test_the_best_value_of_a_row_is_said_and_none_where_all_are_the_same(
    opened: Callable[..., AppTest],
):
    _head, rows = columns(opened(further=["C"], like_a_c="false", score_c="1.0"))
    _objects, *cells = rows["Recall"]
    figures = [float(cell.split()[0]) for cell in cells]
    assert ["best" in cell for cell in cells] == [figure == max(figures) for figure in figures]
    assert figures[2] == 0
    assert cells[2].endswith(" worse")
    _head, rows = columns(opened(version_a=NEWEST, version_b=NEWEST, further=["C"]))
    assert "best" not in " ".join(map(" ".join, rows.values()))


def test_a_further_model_is_kept_in_the_address(opened: Callable[..., AppTest]):
    app = opened()
    app.button_group(key="further").set_value(["D"]).run()
    app.toggle(key="like_a_d").set_value(False).run()
    app.slider(key="score_d").set_value(0.7).run()
    app.selectbox(key="version_d").set_value(BEFORE).run()
    again = opened(further=["D"], like_a_d="false", score_d="0.7", version_d=BEFORE)
    assert columns(again) == columns(app)
    assert [name[:1] for name in columns(app)[0][2:]] == ["A", "B", "D"]


def test_a_model_that_does_not_answer_says_so_and_the_others_stay(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMMODITY_LENS_SERVERS", f"gone=127.0.0.1:{free_port()}")
    head, rows = columns(opened(further=["C", "D"], server_c="gone"))
    assert ["no answer" in name for name in head] == [False] * 4 + [True, False]
    for _objects, a, b, c, d in rows.values():
        assert c == "–"
        assert "–" not in (a, b, d)
