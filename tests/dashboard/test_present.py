"""Present, in a real browser: the image on the whole screen, and nothing of the page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import element, settled

SCREEN = {"width": 1920, "height": 1080}
SHOWN = "() => document.querySelector('.lens-present').lens.shownIds.length"
# What a canvas was last told to write with.
FONT = "canvas => canvas.getContext('2d').font"


@pytest.fixture
def opened(visit: Callable[..., Page], url: str) -> Callable[..., Page]:
    """Opens a page that presents its image."""

    def at(path: str = "/", **options: object) -> Page:
        page = visit(url + path, **{"viewport": SCREEN, **options})
        page.get_by_role("button", name="Present").click()
        expect(page.locator(".lens-present .count")).to_have_text(re.compile("boxes shown: "))
        return page

    return at


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Present")


@pytest.mark.parametrize("path", ["/", "/Thresholds"])
def test_the_image_fills_the_screen_until_escape(opened: Callable[..., Page], path: str):
    page = opened(path)
    photo = dialog(page).locator(".photo")
    assert photo.bounding_box() == {"x": 0, "y": 0, **SCREEN}
    expect(photo).to_have_css("object-fit", "contain")
    assert re.match(r"600 20px ", dialog(page).locator(".boxes").evaluate(FONT))
    # Of the page nothing can be seen or reached.
    assert page.evaluate("() => document.elementFromPoint(20, 20).closest('.lens-present') != null")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Present")).to_be_focused()
    assert page.evaluate("() => document.fullscreenElement") is None


def test_boxes_follow_the_slider_without_a_run_and_the_page_hears_it_on_release(
    opened: Callable[..., Page],
):
    page = opened()
    settled(page)
    before = page.evaluate(SHOWN)
    assert before
    slider = dialog(page).get_by_role("slider", name="Score threshold")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + box["height"] / 2, steps=5)
    page.wait_for_function(f"() => ({SHOWN})() === 0")
    assert "score_threshold" not in page.url
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"score_threshold=1\b"))
    expect(element(page, "score_threshold").locator("input[type=range]")).to_have_value("1")


def test_arrow_keys_and_a_finger_go_through_the_strip(opened: Callable[..., Page]):
    page = opened(has_touch=True)
    line = dialog(page).locator(".line")
    expect(line).to_have_text(re.compile("1 of 17$"))
    first = dialog(page).locator(".photo").get_attribute("src")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # at once: none is skipped or lost
    expect(line).to_have_text("Bookshelf3 of 17")
    assert dialog(page).locator(".photo").get_attribute("src") != first
    fingers = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": 900, "y": 400}]),
        ("touchMove", [{"x": 1100, "y": 410}]),
        ("touchEnd", []),
    ):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(line).to_have_text("Book covers2 of 17")
    page.keyboard.press("Escape")
    expect(element(page, "sample").get_by_role("radio", name="Book covers")).to_be_checked()
