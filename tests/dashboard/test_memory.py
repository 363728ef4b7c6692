"""What a visitor leaves in the dashboard's memory: a process of its own, a real browser."""

import io
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import element, settled
from tests.support.paths import ROOT
from tests.support.running import Dashboard, dashboard, resident_mb

IMAGES, VISITORS = 12, 4
# Fifty such visitors stay under 1 GB together, with the process itself.
MOST_MB = 16


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """JPEG files of 12 megapixels, some 1.5 MB each."""
    made = []
    for _ in range(IMAGES):
        file = io.BytesIO()
        Image.effect_noise((100, 75), 90).convert("RGB").resize((4000, 3000)).save(file, "JPEG")
        made.append(file.getvalue())
    return made


@pytest.fixture
def running(tmp_path: Path, embedded_server):
    with dashboard(tmp_path / "log.txt", COMMODITY_LENS_SERVER=embedded_server.address) as app:
        yield app


def uploaded(page: Page, key: str, files: list[FilePayload]) -> None:
    element(page, key).locator("input[type=file]").set_input_files(files)


def settled_mb(pid: int) -> float:
    """Memory once the garbage of the last run has gone, whatever timers do meanwhile."""
    seen = []
    for _ in range(10):
        time.sleep(0.5)
        seen.append(resident_mb(pid))
    return min(seen)


@pytest.mark.slow
def test_a_visitor_who_looked_at_many_large_photos_leaves_little(
    visit: Callable[..., Page], running: Dashboard, photos: list[bytes]
) -> None:
    grown = []
    for visitor in range(VISITORS):
        page = visit(f"{running.url}/?source=Upload")
        files = [
            FilePayload(name=f"{n}.jpg", mimeType="image/jpeg", buffer=data + bytes([visitor]))
            for n, data in enumerate(photos)
        ]
        uploaded(page, "upload", files)
        strip = element(page, "picture").get_by_role("radio")
        expect(strip).to_have_count(IMAGES)
        settled(page)
        for photo in range(IMAGES):
            strip.nth(photo).click()
            expect(strip.nth(photo)).to_have_attribute("aria-checked", "true")
            settled(page)
        grown.append(settled_mb(running.pid))
    # What each leaves is in every step; some visitor has the process grow by what it uses from then
    # on, which is in one.
    steps = [after - before for before, after in pairwise(grown)]
    assert min(steps) < MOST_MB, grown


def test_an_upload_stays_when_another_joins_it(visit: Callable[..., Page], running: Dashboard):
    """The uploader's own copy is empty by then."""

    def photo(name: str) -> FilePayload:
        data = (ROOT / "samples" / name).read_bytes()
        return FilePayload(name=name, mimeType="image/jpeg", buffer=data)

    page = visit(f"{running.url}/?source=Upload")
    uploaded(page, "upload", [photo("bookshelf.jpg")])
    expect(element(page, "upload")).to_contain_text("bookshelf.jpg")
    settled(page)
    uploaded(page, "upload", [photo("book_covers.jpg")])
    strip = element(page, "picture").get_by_role("radio")
    expect(strip).to_have_count(2)
    strip.first.click()
    settled(page)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)

    page.goto(f"{running.url}/Compare?compare_mode=Images")
    page.get_by_role("button", name="Add images").click()
    for name in ("watch_marble.jpg", "jeans_flat.jpg"):
        uploaded(page, "compare_upload", [photo(name)])
        expect(element(page, "pictures")).to_contain_text(name)
        settled(page)
    expect(page.get_by_text("watch_marble.jpg").first).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
