"""The figures of a photo under wheel, fingers and buttons, in a real browser: the page scrolls past
them, and the photo is never lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page

from tests.support.browser import settled

FRAMES = {"/": "figure_frame", "/Compare": "linked_frame"}
CHART = "document.querySelector('.js-plotly-plot')"
VIEW = f"() => {{const {{xaxis, yaxis}} = {CHART}._fullLayout; return [xaxis.range, yaxis.range]}}"
DOMAINS = VIEW.replace("range", "domain")
WIDTH = f"() => {CHART}._fullLayout.xaxis.range[1] - {CHART}._fullLayout.xaxis.range[0]"
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"


@pytest.fixture(params=FRAMES)
def path(request: pytest.FixtureRequest) -> str:
    return request.param


def opened(visit: Callable[..., Page], url: str, path: str, **options: object) -> Page:
    page = visit(url + path, **options)
    page.locator(f".st-key-{FRAMES[path]} .barlayer").first.wait_for()
    page.locator(f".st-key-{FRAMES[path]} .zoom .in").wait_for()
    page.wait_for_function(f"() => {CHART}.dataset.pinned === 'true'")
    settled(page)
    return page


def into(page: Page, path: str) -> tuple[float, float]:
    """A place in the photo, or in the left or upper one of two."""
    chart = page.locator(f".st-key-{FRAMES[path]} .draglayer .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    return box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"]


def press(page: Page, path: str, button: str) -> None:
    page.locator(f".st-key-{FRAMES[path]} .zoom .{button}").click()


def test_the_wheel_scrolls_the_page_and_zooms_with_ctrl_or_after_a_click(visit, url, path):
    page = opened(visit, url, path)
    whole = page.evaluate(WIDTH)
    page.mouse.move(*into(page, path))
    page.mouse.wheel(0, 100)
    page.wait_for_function(f"() => ({SCROLLED})() > 0")
    assert page.evaluate(WIDTH) == whole
    page.mouse.move(*into(page, path))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function(f"() => {CHART}.hasAttribute('data-zoomed')")
    assert page.evaluate(WIDTH) < whole
    press(page, path, "reset")
    page.wait_for_function(f"() => !{CHART}.hasAttribute('data-zoomed')")
    assert page.evaluate(WIDTH) == whole
    left, top = into(page, path)
    page.mouse.click(left, top)
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"whole => ({WIDTH})() < whole", arg=whole)


def test_the_photo_cannot_be_zoomed_or_dragged_away(visit, url, path):
    page = opened(visit, url, path)
    whole = page.evaluate(VIEW)
    for _ in range(3):
        press(page, path, "out")
    assert page.evaluate(VIEW) == whole
    press(page, path, "in")
    page.wait_for_function(f"() => {CHART}.hasAttribute('data-zoomed')")
    left, top = into(page, path)
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 300, top + 200, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => ({VIEW})()[0][0] === 0")
    (x_from, x_to), (y_from, y_to) = page.evaluate(VIEW)
    assert 0 <= x_from < x_to <= whole[0][1]
    assert whole[1][0] >= y_from > y_to >= 0


def test_full_screen_and_back_leaves_the_photo_as_it_was(visit, url, path):
    page = opened(visit, url, path)
    before = page.evaluate(DOMAINS)
    for _ in range(2):
        press(page, path, "full")
        page.locator('[data-title="Close fullscreen"]').wait_for(state="attached")
        page.wait_for_function(f"domains => ({DOMAINS})().join() !== domains", arg=_joined(before))
        press(page, path, "full")
        page.wait_for_function(f"domains => ({DOMAINS})().join() === domains", arg=_joined(before))
    assert page.evaluate(VIEW)[0][0] == 0


def _joined(domains: list[list[float]]) -> str:
    """As JavaScript joins them."""
    return ",".join(str(int(x) if x == int(x) else x) for each in domains for x in each)


def test_one_finger_scrolls_the_page_and_two_zoom_the_photo(visit, url, path):
    page = opened(visit, url, path, viewport={"width": 390, "height": 844}, has_touch=True,
                  is_mobile=True)  # fmt: skip
    whole = page.evaluate(WIDTH)
    fingers = page.context.new_cdp_session(page)
    left, top = into(page, path)
    before = page.evaluate(SCROLLED)
    touch(fingers, "touchStart", (left, top))
    for step in range(8):
        touch(fingers, "touchMove", (left, top - 15 * step))
    touch(fingers, "touchEnd")
    page.wait_for_function(f"before => ({SCROLLED})() > before", arg=before)
    assert page.evaluate(WIDTH) == whole
    left, top = into(page, path)
    touch(fingers, "touchStart", (left - 15, top))
    touch(fingers, "touchStart", (left - 15, top), (left + 15, top))
    for step in range(8):
        touch(fingers, "touchMove", (left - 15 - 5 * step, top), (left + 15 + 5 * step, top))
    touch(fingers, "touchEnd")
    page.wait_for_function(f"whole => ({WIDTH})() < 0.9 * whole", arg=whole)


def touch(fingers: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
