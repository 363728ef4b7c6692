"""What one sees of a page while it loads, in a real browser: nothing moves, the photo is there
before its boxes, and the state line says one thing."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from detector.recorded import FILE_NAME
from tests.support.browser import element, settled
from tests.support.paths import ROOT
from tests.support.running import dashboard, until

DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 14) Chrome/140.0 Mobile Safari/537.36",
}
# What comes last on each page.
PAGES = {
    "/": ".st-key-figure .imagelayer image",
    "/Compare": ".st-key-linked_figure .imagelayer image",
    "/Compare?compare_mode=Images": ".st-key-by_picture table",
    "/Thresholds": ".viewer .number:not(:empty)",
    "/Thresholds?tab=Curves": ".st-key-pr .js-plotly-plot",
    "/Batch": ".st-key-batch_gallery_run button",
    "/Server": ".st-key-signatures_grid canvas",
}
# Of the whole time: the sum is no less than the largest of the windows that CLS is defined by.
SHIFTS = """() => {
    window.shifts = []
    const seen = ({ value, startTime, sources }) => {
        const moved = sources.map(({ node, previousRect: a, currentRect: b }) =>
            `${node?.parentElement?.className} ${node?.className}: ${a.x},${a.y} to ${b.x},${b.y}`)
        window.shifts.push([value, Math.round(startTime), ...moved])
    }
    new PerformanceObserver(list => list.getEntries().forEach(seen))
        .observe({ type: "layout-shift", buffered: true })
}"""
MOST = 0.1  # above it, a page "needs improvement"


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def screen(request: pytest.FixtureRequest) -> dict[str, object]:
    return request.param


@pytest.mark.parametrize("path", PAGES)
def test_what_is_seen_of_a_page_stays_where_it_is_while_the_rest_loads(visit, url, path, screen):
    page = visit("about:blank", **screen)
    page.add_init_script(f"({SHIFTS})()")
    page.goto(url + path)
    page.locator(PAGES[path]).first.wait_for()
    expect(page.locator(".lens-state")).to_contain_text("version")
    settled(page)
    shifts = page.evaluate("() => window.shifts")
    assert sum(value for value, *_rest in shifts) < MOST, shifts


def test_the_styles_are_in_the_document_itself(visit, url):
    page = visit("about:blank")
    with page.expect_response(url + "/Compare") as answered:
        page.goto(url + "/Compare")
    document = answered.value.text()
    assert ".lens-state" in document.partition("</body>")[0].partition("<body>")[2]
    assert "etag" not in answered.value.headers  # it would be of the document without them


def test_the_photo_stands_where_its_chart_will_before_plotly_is_there(visit, url):
    page = visit("about:blank", **DESKTOP)
    held: list[Route] = []
    page.route("**/PlotlyChart*.js", lambda route: held.append(route))
    page.goto(url)
    element(page, "figure_frame").wait_for()
    settled(page)
    early = element(page, "figure_early").locator("img")
    expect(early).to_be_visible()
    before = early.bounding_box()
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    for route in held:
        route.continue_()
    chart = page.locator(".st-key-figure .imagelayer image").first
    chart.wait_for()
    expect(early).to_be_hidden()
    place = chart.bounding_box()
    assert before is not None
    assert place is not None
    assert (place["x"], place["y"]) == pytest.approx((before["x"], before["y"]), abs=2)
    assert place["height"] == pytest.approx(before["height"], abs=2)  # an upright photo


def test_both_photos_of_a_comparison_stand_where_their_figure_will_have_them(visit, url, screen):
    page = visit("about:blank", **screen)
    held: list[Route] = []
    page.route("**/PlotlyChart*.js", lambda route: held.append(route))
    page.goto(f"{url}/Compare")
    early = element(page, "linked_early").locator("img")
    expect(early).to_have_count(2)
    settled(page)
    before = [pytest.approx(each.bounding_box(), abs=3) for each in early.all()]
    for route in held:
        route.continue_()
    panels = page.locator(".st-key-linked_figure .imagelayer image")
    panels.first.wait_for()
    expect(early.first).to_be_hidden()
    # The chart takes the window's width some time later.
    until(lambda: [panel.bounding_box() for panel in panels.all()] == before)


@pytest.fixture
def silent_url(tmp_path: Path) -> Iterator[str]:
    """A dashboard whose model server accepts and never answers, and whose gallery has no recorded
    answers."""
    gallery = tmp_path / "gallery"
    shutil.copytree(ROOT / "samples", gallery)
    (gallery / FILE_NAME).unlink()
    settings = {"COMMODITY_LENS_SAMPLES_PATH": str(gallery)}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings["COMMODITY_LENS_SERVER"] = address
        with dashboard(tmp_path / "log.txt", **settings) as running:
            yield running.url


@pytest.mark.parametrize(("path", "key"), [("/", "photo_early"), ("/Compare", "awaited_early")])
def test_the_photo_is_there_before_any_server_has_answered(visit, silent_url, path, key):
    page = visit("about:blank", **DESKTOP)
    page.add_init_script(
        f"""document.addEventListener("load", ({{ target }}) => {{
            if (target.closest?.(".st-key-{key}"))
                window.alertsBefore = document.querySelectorAll("[role=alert]").length
        }}, true)"""
    )
    page.goto(silent_url + path)
    page.get_by_role("alert").first.wait_for()
    assert page.evaluate("() => window.alertsBefore") == 0


def test_the_state_line_says_one_thing_at_a_time(visit: Callable[..., Page], url: str):
    page = visit(url, **DESKTOP)
    page.locator(PAGES["/"]).first.wait_for()
    settled(page)
    page.evaluate(
        """() => {
            window.seen = new Set()
            const look = () => {
                const lines = [...document.querySelectorAll(".lens-state")]
                const shown = lines.filter(line => line.checkVisibility())
                window.seen.add(shown.map(line => line.dataset.state).join())
                requestAnimationFrame(look)
            }
            look()
        }"""
    )
    for number in (1, 2, 3):
        sample = element(page, "sample").get_by_role("radio").nth(number)
        sample.click()
        expect(sample).to_have_attribute("aria-checked", "true")
        page.wait_for_function("() => window.seen.has('starting')")
        expect(page.locator(".lens-state:visible")).to_have_attribute("data-state", "ready")
        settled(page)
    assert set(page.evaluate("() => [...window.seen]")) <= {"starting", "ready"}
