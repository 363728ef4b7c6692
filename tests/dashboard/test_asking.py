"""Ask a place, in a real browser: by click, by drag, by keyboard; and what the answer offers."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, finished, settled, still

# In the gallery's first image, as parts of it: on the watch, and all of it.
WATCH = (0.485, 0.58)
AROUND_WATCH = ((0.43, 0.52), (0.53, 0.68))
FRAMES = {"/": "figure_frame", "/Thresholds": "viewer_frame"}
PHOTO = """(frame) => {
    const find = (node) => {
        const found = node.querySelector(".imagelayer image, img.photo")
        if (found) return found
        for (const each of node.querySelectorAll("*")) {
            const deeper = each.shadowRoot && find(each.shadowRoot)
            if (deeper) return deeper
        }
    }
    const place = find(document.querySelector(frame))?.getBoundingClientRect()
    // It has no place while it loads.
    return place?.width ? [place.x, place.y, place.width, place.height] : null
}"""


@pytest.fixture(params=FRAMES)
def asking(request: pytest.FixtureRequest, visit: Callable[..., Page], url: str) -> Page:
    """A page on which the button is pressed, at a threshold that the watch is below."""
    address = f"{url}{request.param}?score_threshold=0.9"
    page = visit(address, viewport={"width": 1440, "height": 900})
    button = element(page, f"{FRAMES[request.param]}_ask").get_by_role("button")
    finished(page)
    page.wait_for_function(PHOTO, arg=frame_of(page))
    still(page.locator(frame_of(page)))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    return page


def frame_of(page: Page) -> str:
    return f".st-key-{FRAMES[urlsplit(page.url).path]}"


def at(page: Page, part: tuple[float, float]) -> tuple[float, float]:
    x, y, width, height = page.evaluate(PHOTO, frame_of(page))
    return x + part[0] * width, y + part[1] * height


def row(page: Page, label: str):
    return element(page, "asked").get_by_role("row").filter(has_text=re.compile(rf"^{label}"))


def test_a_click_says_what_took_the_box_away_and_one_more_brings_it(asking: Page):
    asking.mouse.click(*at(asking, WATCH))
    expect(row(asking, "watch")).to_contain_text("below its threshold of 0.90")
    element(asking, "asked").get_by_role("button", name=re.compile("^.*Show watch from")).click()
    expect(row(asking, "watch")).to_contain_text("shown")
    settled(asking)
    asked = parse_qs(urlsplit(asking.url).query)
    assert asked["own"] == ["watch"]
    assert float(asked["threshold_watch"][0]) < 0.90
    element(asking, "asked").get_by_role("button", name="Close").click()
    expect(element(asking, "asked")).to_have_count(0)


def test_a_drag_asks_for_what_is_in_a_rectangle(asking: Page):
    asking.mouse.move(*at(asking, AROUND_WATCH[0]))
    asking.mouse.down()
    asking.mouse.move(*at(asking, AROUND_WATCH[1]), steps=4)
    asking.mouse.up()
    expect(element(asking, "asked")).to_contain_text(re.compile(r"from \d+, \d+ to \d+, \d+"))
    expect(row(asking, "watch")).to_be_visible()
    expect(row(asking, "pants")).to_have_count(0)  # it is elsewhere


def test_the_keyboard_asks_too_and_keeps_its_place(asking: Page):
    asking.keyboard.press("Enter")  # in the middle
    asked = element(asking, "asked")
    expect(asked).to_contain_text(re.compile(r"at \d+, \d+"))
    settled(asking)
    before = asked.inner_text()
    for _ in range(8):
        asking.keyboard.press("ArrowUp")
    asking.keyboard.press("Enter")
    expect(asked).not_to_have_text(before)
    expect(row(asking, "clothes")).to_contain_text("shown")
    asking.keyboard.press("Escape")
    frame = FRAMES[urlsplit(asking.url).path]
    button = element(asking, f"{frame}_ask").get_by_role("button")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_be_focused()
