"""The page Video in a real browser."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, finished
from tests.support.videos import video

COUNTS = "canvas.counts"


@pytest.fixture
def watched(visit: Callable[..., Page], url: str) -> Page:
    page = visit(f"{url}/Video", viewport={"width": 1440, "height": 900})
    finished(page)
    element(page, "video_sample").get_by_role("button").click()
    expect(page.get_by_text("60 of 60 frames looked at")).to_be_visible(timeout=90_000)
    return page


def time_of(page: Page) -> float:
    seconds: float = page.locator("video").evaluate("(video) => video.currentTime")
    return seconds


def test_boxes_and_counts_are_in_step_with_the_player(watched: Page, tmp_path: Path):
    # A jump in the timeline, by mouse and by keyboard.
    timeline = watched.locator(COUNTS)
    place = timeline.bounding_box()
    assert place is not None
    timeline.click(position={"x": place["width"] / 2, "y": 5})
    expect(timeline).to_have_attribute("aria-valuenow", "6")
    assert abs(time_of(watched) - 6) < 0.1
    timeline.press("Home")
    expect(timeline).to_have_attribute("aria-valuenow", "0")
    timeline.press("ArrowRight")
    assert abs(time_of(watched) - 0.2) < 0.01

    # The browser can still get the video after the page's timer has drawn it some times.
    address = watched.locator("video").evaluate("(video) => video.src")
    assert watched.request.get(address).ok

    # What is said of a frame is what the table says of it.
    with watched.expect_download() as download:
        watched.get_by_role("button", name="Table (CSV)").click()
    table = Path(download.value.path()).read_text("utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    found = [row["label"] for row in rows if row["time_s"] == "0.200"]
    count = watched.locator(".watch .count")
    expect(count).to_contain_text(f"{len(found)} box")
    for label in set(found):
        expect(count).to_contain_text(f"{label} × {found.count(label)}")

    # The threshold is moved in the browser, and holds on the other pages.
    slider = watched.locator(".watch .slider")
    slider.evaluate("(node) => (node.value = '1', node.dispatchEvent(new Event('input')))")
    expect(count).to_have_text("0 boxes shown")
    expect(watched.get_by_text("No frame has a box above the thresholds.")).to_be_visible()

    # A file that is no video leaves what was there.
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    watched.locator("input[type=file]").set_input_files(bad)
    expect(watched.get_by_text("cannot be read")).to_be_visible()
    expect(timeline).to_have_count(1)
    expect(watched.get_by_text("60 of 60 frames looked at")).to_be_visible()


def test_an_own_video_is_looked_at(visit: Callable[..., Page], url: str, tmp_path: Path):
    page = visit(f"{url}/Video", viewport={"width": 390, "height": 844})
    finished(page)
    page.locator("input[type=file]").set_input_files(video(tmp_path / "own.mp4", ["gray"] * 12))
    expect(page.get_by_text("own.mp4 · 64 × 48 · 0:01 · h264")).to_be_visible()
    expect(page.get_by_text("6 of 6 frames looked at")).to_be_visible()
