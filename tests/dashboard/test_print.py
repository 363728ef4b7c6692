"""The pages on paper, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import settled
from tests.support.running import dashboard

PAPER = 681  # px between the margins of an A4 page
WIDTHS = """() => [...document.querySelectorAll('.js-plotly-plot .main-svg')]
    .map(chart => chart.getBoundingClientRect().width)"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, embedded_server) -> Iterator[str]:
    log = tmp_path_factory.mktemp("app") / "log.txt"
    with dashboard(log, COMMODITY_LENS_SERVER=embedded_server.address) as running:
        yield running.url


@pytest.mark.parametrize("path", ["/", "/Thresholds", "/Compare"])
def test_on_paper_no_chart_is_wider_than_the_page(
    visit: Callable[..., Page], url: str, path: str
) -> None:
    page = visit(url + path, viewport={"width": 1440, "height": 900})
    expect(page.locator(".lens-state")).to_have_attribute("data-state", "ready")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    settled(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert max(page.evaluate(WIDTHS)) <= PAPER
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    stage = page.locator(".stage")
    if stage.count():
        assert stage.bounding_box()["width"] <= PAPER
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".js-plotly-plot[style*=zoom]")).to_have_count(0)
