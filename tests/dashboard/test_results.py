"""Other detectors' results on Thresholds and Compare, with and without a model server."""

import json
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from detector.answers import Detector
from detector.config import Config
from detector.formats.coco import to_coco_results
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv
from detector.ssd import Settings
from tests.support.paths import ROOT
from tests.support.running import free_port

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("empty_caches")]

THRESHOLDS, COMPARE = "pages/1_Thresholds.py", "pages/2_Compare.py"
Given = tuple[str, bytes, str]


@cache
def gallery_results(address: str) -> tuple[Given, Given]:
    """What the newest version says of the gallery, at the floor: as CSV and as COCO results."""
    settings = Settings(score_threshold=0.0, top_k=2**31)
    listed = json.loads((ROOT / "samples" / "annotations.json").read_bytes())["images"]
    found = []
    with Detector(Config.load({}, {"COMMODITY_LENS_SERVER": address})) as detector:
        for name in [image["file_name"] for image in listed]:
            answer = detector.answer(ROOT / "samples" / name)
            found.append(DetectedImage(name, answer.size, answer.detections(settings)))
        table = to_csv(found, detector.labels)
    return (
        ("ours.csv", table, "text/csv"),
        ("results.json", to_coco_results(found), "application/json"),
    )


@pytest.fixture
def given(embedded_server) -> tuple[Given, Given]:
    return gallery_results(embedded_server.address)


@pytest.fixture
def opened(embedded_server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def run(page: str, *, served: bool = True, **query: str) -> AppTest:
        address = embedded_server.address if served else f"127.0.0.1:{free_port()}"
        monkeypatch.setenv("COMMODITY_LENS_SERVER", address)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page(page).run()

    return run


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    """What makes each report that a page offers, by its file name."""
    files: dict[str, Callable[[], str]] = {}

    def button(_label: str, data: Callable[[], str], name: str, *_rest, **_named) -> None:
        files[name] = data

    # The tester of pages has no button of this kind to click.
    monkeypatch.setattr(st, "download_button", button)
    return files


def choose(app: AppTest, place: str, *files: Given) -> None:
    [uploader] = [each for each in app.file_uploader if each.key.startswith(f"results_{place}_")]
    uploader.set_value(list(files)).run()
    assert not app.exception


def texts(app: AppTest) -> str:
    boxes = [*app.caption, *app.info, *app.error, *app.warning, *app.markdown]
    return "\n".join(box.value for box in boxes).replace("\\", "")


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def measures(app: AppTest) -> pd.DataFrame:
    [found] = [each.value for each in app.dataframe if "Interval" in each.value]
    return found.set_index("Class")


def test_thresholds_measures_of_a_file_are_the_live_ones(opened, given):
    app = opened(THRESHOLDS, tab="Curves", score_threshold="0.6")
    live = metrics(app)
    choose(app, "thresholds", given[0])
    assert "**Results file** ours.csv" in texts(app)
    assert metrics(app) == live
    app.slider(key="iou_threshold").set_value(0.05).run()
    assert metrics(app) != live
    app.slider(key="iou_threshold").set_value(0.45).run()
    app.radio(key="results_chosen").set_value("").run()
    assert "Results file" not in texts(app)
    assert metrics(app) == live


def test_a_file_needs_no_server_and_says_what_it_cannot_do(opened, given):
    app = opened(THRESHOLDS, served=False, tab="X-ray")
    choose(app, "thresholds", given[0])
    said = texts(app)
    assert "X-ray, *Ask a place* and *Why this box?* need a model's raw prediction" in said
    assert "lowest score 0.010" in said
    assert "Recorded" not in said
    assert not [html for html in app.get("html") if "lens-funnel" in html.value]
    app.segmented_control(key="tab").set_value("Curves").run()
    assert float(metrics(app)["mAP@0.50"]) > 0.5


def test_a_file_of_other_images_is_refused_with_what_to_do(opened, given):
    app = opened(THRESHOLDS, served=False)
    lines = b"image,label,score,xmin,ymin,xmax,ymax\nother.jpg,shoes,0.9,1,2,30,40\n"
    choose(app, "thresholds", ("other.csv", lines, "text/csv"))
    assert "one of its 1 images is among those at hand" in texts(app)
    app.radio(key="results_chosen").set_value("").run()
    assert "Recorded" in texts(app)


def test_live_against_a_file_of_the_same_model_is_no_difference(opened, given):
    app = opened(COMPARE, compare_mode="Whole set")
    app.selectbox(key="version_a").set_value(app.selectbox(key="version_b").value)
    choose(app, "b", given[1])
    assert app.selectbox(key="server_b").value == "results.json"
    table = measures(app)
    assert set(table["Says"]) == {"no difference"}
    assert table["A"].to_numpy() == pytest.approx(table["B"].to_numpy())


def test_two_files_are_compared_without_a_server(opened, given):
    app = opened(COMPARE, served=False, compare_mode="Whole set")
    fewer = b"\r\n".join(given[0][1].split(b"\r\n")[:40])
    choose(app, "a", given[1])
    choose(app, "b", ("fewer.csv", fewer, "text/csv"))
    table = measures(app)
    assert table.loc["All classes", "Says"] == "A is better"
    assert any("remark on fewer" in each.label for each in app.expander)


def test_a_file_that_lacks_images_is_a_further_column_over_those_that_it_has(
    opened, given, offered
):
    app = opened(COMPARE, compare_mode="Whole set", further="C")
    lines = given[0][1].replace(b"outfit_flatlay.jpg,960,1280", b"outfit_flatlay.jpg,900,1000")
    choose(app, "c", ("fewer.csv", lines, "text/csv"))
    [shown] = [each.value for each in app.get("html") if "lens-models" in each.value]
    assert "fewer.csv · lacks 1 image" in shown
    newest, found = ([row.split("<td>")[i] for row in shown.split("<tr>")[3:7]] for i in (3, 4))
    assert all("best" not in cell for cell in found)
    assert not {*newest} & {*found}  # over other images, so other figures
    report = offered["comparison-report.html"]()
    assert "results file fewer.csv" in report
    assert all(cell[6:11] in report for cell in found)


def test_one_image_of_two_files_is_in_the_linked_figure(opened, given):
    app = opened(COMPARE, served=False, sample="An outfit from above")
    choose(app, "a", given[0])
    choose(app, "b", given[1])
    lines = "".join(html.value for html in app.get("html"))
    assert "A · ours.csv · score ≥ 0.30" in lines
    assert "B · results.json · score ≥ 0.30" in lines
    assert "The sides do not differ in their boxes." in texts(app)
    app.button(key="forget_results_b_results.json").click().run()
    assert not app.exception
    assert app.selectbox(key="server_b").value != "results.json"


def test_reports_name_the_file_in_the_models_place(opened, given, offered):
    app = opened(THRESHOLDS, served=False, tab="Slices", sample="An outfit from above")
    choose(app, "thresholds", given[1])
    [name] = [name for name in offered if name.endswith("-thresholds-report.html")]
    report = offered[name]()
    count = len(json.loads(given[1][1]))
    assert f"results.json · {count} detections · 17 images" in report
    assert "class numbers are taken as this model" in report
    assert "version ?" not in report
    assert "Where the default boxes fire" not in report
    app.query_params["compare_mode"] = "Whole set"
    app.switch_page(COMPARE).run()
    app.selectbox(key="server_a").set_value("results.json")
    choose(app, "b", given[0])
    assert "results file ours.csv" in offered["comparison-report.html"]()
