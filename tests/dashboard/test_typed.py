"""A number that is typed on a slider, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, finished, settled

FIELD = ".lens-typed"
# That a slider takes what is typed on it: what does so comes after all that is seen.
TAKES = """() => {
    const key = new KeyboardEvent("keydown", { key: "-", bubbles: true, cancelable: true })
    return !document.querySelector("input[type=range]").dispatchEvent(key)
}"""


@pytest.fixture
def opened(visit: Callable[..., Page], url: str) -> Callable[[str], Page]:
    def opened(path: str) -> Page:
        page = visit(url + path, viewport={"width": 1440, "height": 900})
        finished(page)
        page.wait_for_function(TAKES)
        page.keyboard.press("Escape")
        expect(page.locator(FIELD)).to_have_count(0)
        return page

    return opened


@pytest.fixture
def detect(opened: Callable[[str], Page]) -> Page:
    return opened("/")


def test_a_typed_number_sets_the_slider_and_reaches_the_page(detect: Page):
    slider = element(detect, "score_threshold").locator("input[type=range]")
    for typed, value in (("0,62", "0.62"), (".01", "0.01"), ("9", "1")):
        slider.focus()
        detect.keyboard.type(typed)
        detect.keyboard.press("Enter")
        expect(detect.locator(FIELD)).to_have_count(0)
        expect(slider).to_have_value(value)
        expect(slider).to_be_focused()
        settled(detect)
        expect(detect).to_have_url(re.compile(rf"score_threshold={float(value):g}(&|$|\.0)"))


def test_escape_and_what_is_no_number_leave_it(detect: Page):
    slider = element(detect, "iou_threshold").locator("input[type=range]")
    for typed, ends in (("0.9", "Escape"), ("0.9.9", "Enter"), ("-", "Tab")):
        slider.focus()
        detect.keyboard.type(typed)
        expect(detect.locator(FIELD)).to_be_focused()
        detect.keyboard.press(ends)
        expect(detect.locator(FIELD)).to_have_count(0)
        expect(slider).to_have_value("0.45")


def test_the_viewers_own_slider_takes_one_too(opened: Callable[[str], Page]):
    page = opened("/Thresholds")
    slider = page.locator(".viewer input[type=range]")
    slider.focus()
    page.keyboard.type("0.77")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer .number")).to_have_text("0.77")
    settled(page)
    expect(page).to_have_url(re.compile("score_threshold=0.77"))
