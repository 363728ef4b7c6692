"""Reports as files: what browsers, and readers without scripts, make of them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import html5lib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from detector.drawing import charts
from detector.report import boxes
from detector.report.document import (
    Chart,
    Columns,
    Measure,
    Measures,
    Photo,
    Photos,
    Report,
    Row,
    Section,
    Table,
    Text,
)
from detector.report.page import to_html
from detector.ssd import Settings
from tests.support.detected import detections

HOSTILE = "</script><script>document.title = 'gone'</script><img src=x onerror=\"alert(1)\">'`&amp;"
SIZE = (400, 300)
LOW, HIGH = (10, 20, 110, 220, 1, 0.93), (200, 40, 330, 160, 2, 0.2)
LABELS = ("background", "watch", "shoes")


def chart(labels=LABELS) -> Chart:
    counted = np.zeros((100, 3), np.int64)
    counted[:40, 1] = 3
    histogram = np.zeros((50, 3), np.int64)
    histogram[20, 1] = 3
    return Chart("Counts", charts.counts(counted, histogram, labels, Settings()), "Boxes.")


def photo(name: str = "shelf.jpg", count: int = 1, size: int = 400, crowd: bool = False) -> Photo:
    noise = np.random.default_rng(0).integers(0, 256, (size * 3 // 4, size, 3), np.uint8)
    smooth = Image.fromarray(noise).resize((size // 4, size // 5)).resize((size, size * 3 // 4))
    jpeg = boxes.jpeg_of_many(smooth, count)
    if crowd:
        found = detections(
            *[(i, i / 2, i + 150.25, i / 2 + 90, 1, 0.9 - i / 300) for i in range(200)]
        )
        return Photo(name, "200 objects", jpeg, SIZE, found, found)
    return Photo(name, "1 object", jpeg, SIZE, detections(LOW), detections(LOW, HIGH))


def report(name: str = "shelf.jpg", labels=LABELS, photos: int = 1, **options) -> Report:
    group = Photos([photo(name, photos, **options)] * photos, Settings(), labels, columns=2)
    table = Table(("Class", name), [Row((labels[1], "3"), "#E69F00")])
    parts = [group, Measures([Measure("Precision", "0.706", name)]), Text(name), table]
    return Report(
        name,
        datetime(2026, 11, 29, 12, tzinfo=UTC),
        [("Model", f"{name} 2")],
        [Section(name, parts), Section("", [Columns([[chart(labels)], [Text(name)]])])],
        [name],
    )


def parsed(report: Report):
    """As HTML's own rules read it. Raises where anything is not as they say."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(to_html(report))


def test_it_is_html_without_a_mistake():
    assert parsed(report()).find("head/title").text == "shelf.jpg · Commodity Lens"


def test_what_others_may_name_is_text_wherever_it_stands():
    usual, hostile = (
        parsed(report(name, ("background", name, "shoes"))) for name in ("a", HOSTILE)
    )
    tags = [
        [each.tag for each in tree.iter() if each.tag != "span"]  # a long label has no room
        for tree in (usual, hostile)
    ]
    assert tags[0] == tags[1]
    names = {name for each in hostile.iter() for name in each.attrib}
    assert names == {name for each in usual.iter() for name in each.attrib}
    assert hostile.find("body/header/h1").text == HOSTILE
    assert HOSTILE in [each.text for each in hostile.iter("h2")]
    assert any(each.tail == HOSTILE for each in hostile.iter("i"))


def test_no_text_turns_the_writing_around_or_has_half_a_letter():
    html = to_html(report("a\u202egpj.exe\ud83d"))
    assert "\u202e" not in html
    assert r"a\u202egpj.exe\ud83d" in html
    html.encode()


def test_nothing_in_it_is_elsewhere():
    html = to_html(report())
    own = re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.S)
    assert set(re.findall(r"""(?:src|href)\s*=\s*["']?(\w+:)""", own)) == {"data:"}
    assert set(re.findall(r"https?://[^\s\"'<]+", own)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html


def test_twenty_images_full_of_boxes_and_charts_have_less_than_5_mb():
    html = to_html(report(photos=20, size=1600, crowd=True))
    assert html.count("<rect ") == 20 * 200
    assert len(html.encode()) < 5_000_000


# --- in a browser that has no network


@pytest.fixture
def opened(visit: Callable[..., Page], tmp_path: Path) -> Callable[..., tuple[Page, list[str]]]:
    def show(report: Report, **options: object) -> tuple[Page, list[str]]:
        file = tmp_path / "report.html"
        file.write_text(to_html(report), "utf-8")
        page = visit("about:blank", offline=True, **options)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(file.as_uri())
        return page, said

    return show


def test_the_slider_moves_the_boxes_and_leads_back(opened: Callable[..., tuple[Page, list[str]]]):
    page, said = opened(report(HOSTILE, ("background", HOSTILE, "shoes")))
    drawn, caption = page.locator(".boxes rect:not(.halo)"), page.locator(".said")
    expect(drawn).to_have_count(1)
    expect(caption).to_have_text("1 object")
    page.locator(".threshold input").fill("0.2")  # as the score, in 32 bits
    expect(drawn).to_have_count(2)
    expect(caption).to_have_text("2 boxes from a score of 0.20 on")
    page.locator(".threshold input").fill("0.94")
    expect(drawn).to_have_count(0)
    page.get_by_role("button", name="As in the report").click()
    expect(drawn).to_have_count(1)
    expect(caption).to_have_text("1 object")
    expect(page.locator(".labels span")).to_have_text(f"{HOSTILE} 0.93")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    assert page.title() == f"{HOSTILE} · Commodity Lens"
    assert said == []


@pytest.mark.parametrize("width", [390, 1440])
def test_it_is_no_wider_than_the_window_and_readable_in_the_dark(
    opened: Callable[..., tuple[Page, list[str]]], width: int
):
    screen = {"width": width, "height": 800}
    page, _said = opened(report(), viewport=screen, color_scheme="dark")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink = page.locator(".plot .xtick text").first.evaluate("each => getComputedStyle(each).fill")
    assert ink == "rgb(232, 237, 240)"


def test_on_paper_charts_have_its_width(opened: Callable[..., tuple[Page, list[str]]]):
    page, _said = opened(report(), viewport={"width": 1440, "height": 900}, color_scheme="dark")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 900})
    expect(page.locator(".threshold")).to_be_hidden()
    assert page.locator(".plot .main-svg").first.bounding_box()["width"] <= 703
    assert page.locator("body").evaluate("b => getComputedStyle(b).backgroundColor") == (
        "rgb(255, 255, 255)"
    )


def test_without_scripts_it_is_whole_but_for_the_charts(chromium: Browser, tmp_path: Path):
    file = tmp_path / "report.html"
    file.write_text(to_html(report()), "utf-8")
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.locator(".boxes rect:not(.halo)")).to_have_count(1)
    expect(page.locator(".labels span")).to_have_text("watch 0.93")
    expect(page.locator(".threshold")).to_be_hidden()
    expect(page.get_by_text("The chart is drawn where scripts may run")).to_be_visible()
    expect(page.locator("td")).to_have_text("3")
    context.close()
