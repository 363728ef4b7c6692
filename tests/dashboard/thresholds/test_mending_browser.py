"""Mending by hand, in a real browser: by mouse, by keyboard, by touch; and what comes of it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from detector.formats.coco import read_coco
from detector.labels import COMMODITY_LABELS as LABELS
from tests.support.browser import (
    TIMEOUT_MS,
    asks_before_leaving,
    element,
    finished,
    settled,
    still,
)
from tests.support.running import Dashboard

# In the gallery's first image, as parts of it: two places where nothing is, and the phone.
EMPTY = ((0.75, 0.05), (0.9, 0.2))
PHONE = (0.27, 0.57)


@pytest.fixture
def mending(visit: Callable[..., Page], url: str) -> Callable[..., Page]:
    def opened(**options: object) -> Page:
        page = visit(f"{url}/Thresholds?tab=Mend", **options)
        finished(page)
        expect(layer(page).locator("svg rect").first).to_be_attached()
        still(layer(page))
        return page

    return opened


def layer(page: Page) -> Locator:
    return page.locator(".lens-mend")


def at(page: Page, part: tuple[float, float]) -> tuple[float, float]:
    place = page.locator(".viewer img.photo").bounding_box()
    assert place is not None
    return place["x"] + part[0] * place["width"], place["y"] + part[1] * place["height"]


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, begin))
    page.mouse.down()
    page.mouse.move(*at(page, end), steps=4)
    page.mouse.up()


def told(page: Page, what: str) -> None:
    expect(element(page, "mend_picked")).to_contain_text(re.compile(what))
    settled(page)


def changed(page: Page, before: list[int]) -> list[int]:
    """The place that is told once it is another."""
    width, height, left, top = before
    picked = element(page, "mend_picked")
    expect(picked).not_to_contain_text(f"{width} × {height} px at {left}, {top}")
    expect(picked).to_contain_text("px at")
    settled(page)
    return place_told(page)


def place_told(page: Page) -> list[int]:
    """Width, height, left and top of the picked box, as they are told."""
    found = re.search(
        r"(\d+) × (\d+) px at (\d+), (\d+)", element(page, "mend_picked").inner_text()
    )
    assert found is not None
    return [int(number) for number in found.groups()]


def test_a_box_is_drawn_moved_resized_and_taken_back_and_the_export_has_it(
    mending: Callable[..., Page], tmp_path: Path
) -> None:
    page = mending(viewport={"width": 1440, "height": 1100})
    drag(page, *EMPTY)
    told(page, "clothes · ground truth")
    expect(page.get_by_text("1 image mended in this session")).to_be_visible()
    drawn = place_told(page)
    drag(page, (0.82, 0.12), (0.77, 0.12))
    moved = changed(page, drawn)
    assert moved == [*drawn[:2], pytest.approx(drawn[2] - drawn[0] / 3, abs=5), drawn[3]]
    drag(page, (0.85, 0.2), (0.9, 0.3))
    resized = changed(page, moved)
    assert resized[2:] == moved[2:]
    assert resized[1] == pytest.approx(drawn[1] * 5 / 3, abs=5)
    element(page, "mend_class").get_by_text("4 watch").click()
    told(page, "watch · ground truth")
    asks_before_leaving(page, it_does=True)
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        element(page, "mend_export").get_by_role("button", name="COCO").click()
    download.value.save_as(tmp_path / "a.json")
    [read] = read_coco((tmp_path / "a.json").read_bytes(), LABELS).images
    assert LABELS[read.class_ids[-1]] == "watch"
    asks_before_leaving(page, it_does=False)
    assert read.boxes[-1][:2] == pytest.approx(place_told(page)[2:], abs=1)
    undo = element(page, "mend_undo").get_by_role("button")
    undo.click()
    told(page, "clothes · ground truth")
    undo.click()
    assert changed(page, resized) == moved
    undo.click()
    assert changed(page, moved) == drawn
    undo.click()
    told(page, "Click a box")
    expect(page.get_by_text("1 image mended in this session")).to_have_count(0)


def test_clicks_on_undo_that_come_to_a_busy_server_together_are_all_heard(
    mending: Callable[..., Page], running: Dashboard
) -> None:
    page = mending(viewport={"width": 1440, "height": 1100})
    drag(page, *EMPTY)
    told(page, "clothes · ground truth")
    drag(page, (0.82, 0.12), (0.77, 0.12))
    changed(page, place_told(page))
    element(page, "mend_class").get_by_text("4 watch").click()
    told(page, "watch · ground truth")
    for button, outcome in (("undo", "Click a box"), ("redo", "watch · ground truth")):
        with running.held():
            for _step in range(3):
                element(page, f"mend_{button}").get_by_role("button").click()
        told(page, outcome)


def test_the_keyboard_does_all_of_it_and_leaves_by_tab(mending: Callable[..., Page]) -> None:
    page = mending(viewport={"width": 1440, "height": 1100})
    layer(page).focus()
    keys = page.keyboard
    for _step in range(4):
        keys.press("Shift+ArrowRight")
        keys.press("Shift+ArrowDown")
    keys.press("Enter")
    told(page, "clothes · ground truth")
    drawn = place_told(page)
    keys.press("ArrowLeft")
    moved = changed(page, drawn)
    assert moved[2] < drawn[2]
    keys.press("Shift+ArrowUp")
    assert changed(page, moved)[1] < moved[1]
    keys.press("b")
    told(page, "books · ground truth")
    keys.press("4")
    told(page, "watch · ground truth")
    keys.press("Delete")
    told(page, "Click a box")
    keys.press("Control+z")
    expect(element(page, "mend_redo").get_by_role("button")).to_be_enabled()
    settled(page)
    keys.press("Tab")
    told(page, "ground truth")
    keys.press("Shift+Tab")
    expect(layer(page)).not_to_be_focused()


def test_a_finger_draws_picks_and_deletes(mending: Callable[..., Page]) -> None:
    page = mending(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    (begin, end), scroll = EMPTY, page.evaluate("scrollY")
    touch("touchStart", at(page, begin))
    touch("touchMove", at(page, (0.8, 0.1)))
    touch("touchMove", at(page, end))
    touch("touchEnd")
    told(page, "clothes · ground truth")
    assert page.evaluate("scrollY") == scroll
    delete = layer(page).get_by_role("button", name="Delete")
    still(delete)  # with the page's answer its layer is another
    delete.tap()
    told(page, "Click a box")
    page.touchscreen.tap(*at(page, PHONE))
    told(page, "phone · ground truth")
    # Two fingers are the viewer's: they enlarge the photo, and draw nothing.
    picked = place_told(page)
    place = still(page.locator(".viewer img.photo"))
    left, right = at(page, (0.4, 0.5)), at(page, (0.6, 0.5))
    touch("touchStart", left)
    touch("touchStart", left, right)
    for step in (10, 20, 40):
        touch("touchMove", (left[0] - step, left[1]), (right[0] + step, right[1]))
    enlarged = page.locator(".viewer img.photo").bounding_box()
    assert enlarged is not None
    assert enlarged["width"] > 1.5 * place["width"]
    touch("touchEnd")
    settled(page)
    assert place_told(page) == picked


def test_with_the_space_bar_a_drag_moves_the_enlarged_photo(mending: Callable[..., Page]) -> None:
    page = mending(viewport={"width": 1440, "height": 1100})
    layer(page).focus()
    page.keyboard.press("+")
    boxes = layer(page).locator("svg rect").count()
    before = still(page.locator(".viewer img.photo"))
    page.keyboard.down("Space")
    drag(page, (0.5, 0.5), (0.55, 0.52))
    page.keyboard.up("Space")
    after = still(page.locator(".viewer img.photo"))
    assert after["x"] - before["x"] == pytest.approx(0.05 * before["width"], abs=2)
    assert after["width"] == before["width"]
    assert layer(page).locator("svg rect").count() == boxes
