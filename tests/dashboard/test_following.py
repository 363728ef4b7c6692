"""Boxes that follow a slider of Detect or Compare while it is dragged, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, finished, still

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
    track = element(page, key).locator("[role=group]")
    at = still(track)
    before = page.evaluate(DRAWN)
    middle = at["y"] + at["height"] / 2
    thumb = element(page, key).locator("[data-rac]:has(> [data-testid=stSliderThumbValue])")
    place = thumb.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + 0.06 * at["width"], middle, steps=4)
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
