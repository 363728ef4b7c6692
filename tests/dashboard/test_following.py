"""Boxes that follow a slider of Detect or Compare while it is dragged, in a real browser."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, finished, still
from tests.support.running import dashboard

# What the page has of these, the swipe's own part included.
ALL = """const all = (what) => [document, ...[...document.querySelectorAll(".st-key-swipe *")]
    .map((each) => each.shadowRoot).filter(Boolean)]
    .flatMap((root) => [...root.querySelectorAll(what)])
"""
# Boxes that the figure itself has: two bars each, or an element of the grid or of the swipe.
DRAWN = f"""() => {{ {ALL}
    return all(".barlayer .point").length / 2 + all(".shot .box, .layer .box").length }}"""
FOLLOWING = f"""() => {{ {ALL}
    return all(".lens-follow").reduce((sum, canvas) => sum + Number(canvas.dataset.shown), 0) }}"""


def drag(page: Page, key: str, part: float) -> None:
    """Move the slider in there to that part of its width, and hold it."""
    at = still(element(page, key).locator("[role=group]"))
    thumb = element(page, key).locator("[data-rac]:has(> [data-testid=stSliderThumbValue])")
    place = thumb.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + part * at["width"], at["y"] + at["height"] / 2, steps=4)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/?sample=Flea market table", "score_threshold"),
        ("/Compare", "score_a"),
        ("/Compare?compare_view=Swipe", "score_a"),
        ("/Compare?compare_mode=Images", "score_all"),
    ],
)
def test_boxes_come_while_the_slider_is_dragged_and_the_figure_has_them_on_release(
    visit: Callable[..., Page], url: str, path: str, key: str
):
    page = visit(url + path, viewport={"width": 1440, "height": 1000})
    page.locator(".barlayer .point, .shot .box, .layer .box").first.wait_for(state="attached")
    finished(page)
    before = page.evaluate(DRAWN)
    drag(page, key, 0.06)
    page.wait_for_function(f"before => ({FOLLOWING})() > before", arg=before)
    # A run would have drawn the figure anew, and put the threshold into the address.
    assert page.evaluate(DRAWN) == before
    assert key not in page.url
    # The boxes of where the pointer is by now, not of a step on its way.
    drawn = "async () => { for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame) }"
    page.evaluate(drawn)
    shown = page.evaluate(FOLLOWING)
    page.mouse.up()
    page.wait_for_function(f"shown => ({DRAWN})() === shown", arg=shown)
    expect(page.locator(".lens-follow, [data-following]")).to_have_count(0)


def test_classes_whose_names_a_style_cannot_hold_are_told_apart(
    visit: Callable[..., Page], embedded_server, tmp_path: Path
):
    labels = "background,衣服,裤子,鞋子,手表,手机,音响,电脑,书籍"
    query = "&".join(
        ["sample=Flea market table", *(f"own={quote(label)}" for label in ("书籍", "手表"))]
    )
    with dashboard(
        tmp_path / "log.txt",
        COMMODITY_LENS_SERVER=embedded_server.address,
        COMMODITY_LENS_LABELS=labels,
    ) as app:
        page = visit(f"{app.url}/?{query}", viewport={"width": 1440, "height": 1200})
        page.locator(".barlayer .point").first.wait_for(state="attached")
        finished(page)
        page.get_by_text("Limits and single classes").click()
        before = page.evaluate(DRAWN)
        drag(page, "own_threshold_8", 0.02)
        page.wait_for_function(f"before => ({FOLLOWING})() > before", arg=before)
        page.mouse.up()
