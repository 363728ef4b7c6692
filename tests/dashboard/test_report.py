"""The report of each page, mostly in a real browser: it states what the page states."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from dashboard import state, why
from tests.support.browser import element, finished
from tests.support.paths import ROOT

# Tables, measures, captions and what is drawn: all that a page states, but for its controls.
STATED = """() => [...document.querySelectorAll(
        '.stMain :is(td, th, [data-testid=stMetricValue], [data-testid=stCaptionContainer] p,'
        + ' .lens-times b, .viewer .count, .legendtext, .bartext, figcaption)')]
    .filter(part => !part.closest('[data-testid=stDataFrame]'))  // whose rows are there for paper
    .map(part => part.textContent)"""
PAGES = {
    "/": "report",
    "/?score_threshold=0.05&own=shoes&threshold_shoes=0.4": "report",
    "/Batch": "batch_report",
    "/Compare": "compare_report",
    "/Compare?compare_mode=Whole+set": "set_report",
    "/Compare?compare_mode=Images": "images_report",
    "/Thresholds?tab=Curves": "thresholds_report",
    "/Thresholds?tab=Errors": "thresholds_report",
    "/Thresholds?tab=Slices": "thresholds_report",
    "/Thresholds?tab=Operating point": "thresholds_report",
}


def downloaded(page: Page, key: str) -> str:
    with page.expect_download() as download:
        element(page, key).get_by_role("button").click()
    assert download.value.suggested_filename.endswith("-report.html")
    return Path(download.value.path()).read_text("utf-8")


def numbers(texts: list[str]) -> set[str]:
    return set(re.findall(r"\d+\.\d+", " ".join(texts)))


@pytest.mark.parametrize(("path", "key"), PAGES.items())
def test_a_report_states_every_number_that_its_page_states(
    visit: Callable[..., Page], url: str, path: str, key: str
):
    page = visit(url + path)
    finished(page)
    for chart in page.locator(".js-plotly-plot").all():
        expect(chart.locator(".main-svg").first).to_be_attached()
    stated = numbers(page.evaluate(STATED))
    report = downloaded(page, key)
    assert len(stated) > 3
    assert stated - numbers([re.sub(r'"plotly">.*?</script>', "", report)]) == set()


@pytest.mark.server
@pytest.mark.usefixtures("empty_caches")
def test_a_heat_map_that_was_computed_is_in_it(embedded_server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    monkeypatch.setattr(why, "MASKS", 40)
    files: dict[str, Callable[[], str]] = {}

    def button(_label: str, data: Callable[[], str], name: str, *_rest, **_named) -> None:
        files[name] = data

    # The tester of pages has no button of this kind to click.
    monkeypatch.setattr(st, "download_button", button)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    [name] = [name for name in files if name.endswith("-report.html")]
    assert "masks · stability" not in files[name]()
    figure = app.session_state[state._key(state.DetectFigure)]
    pick = app.session_state[state._key(state.Pick)]
    app.session_state[state._key(state.Pick)] = state.Pick(pick.digest, figure.table_rows[0])
    app.run().button(key="why").click().run()
    [masking] = app.session_state[state._key(state.Why)].found.values()
    masking.join(60)
    app.run()
    report = files[name]()
    told = [each.value for each in app.caption if "stability" in each.value or "area" in each.value]
    assert len(told) == 2
    assert [text for text in told if text not in report] == []
    assert report.count("<img ") == 2
