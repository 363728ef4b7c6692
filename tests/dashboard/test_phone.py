"""Detect in the hand: photo and slider in one view, and the phone's own Share sheet."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, settled

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142 Mobile Safari/537",
}
# Chromium for Linux has no sheet. This one opens at the second tap, as after a long wait.
SHEET = """
    window.shared = []
    window.taps = 0
    navigator.canShare = ({files}) => files[0].type === "image/png"
    navigator.share = async ({files: [file]}) => {
        if (!window.taps++) throw new DOMException("too late", "NotAllowedError")
        const {width, height} = await createImageBitmap(file)
        window.shared.push([file.name, width, height])
    }
"""


@pytest.fixture
def page(visit: Callable[..., Page], url: str) -> Page:
    opened = visit("about:blank", **PHONE)
    opened.add_init_script(SHEET)
    opened.goto(url)
    element(opened, "figure").locator(".barlayer .point path").first.wait_for()
    settled(opened)
    return opened


def test_a_phone_has_photo_and_slider_in_one_view_and_shares_the_image(page: Page):
    expect(page.locator(".st-key-figure .imagelayer image")).to_be_in_viewport(ratio=0.99)
    expect(element(page, "score_threshold")).to_be_in_viewport(ratio=0.99)
    page.get_by_role("button", name="Share").tap()
    page.get_by_role("button", name="Share now").tap()
    page.wait_for_function("() => window.shared.length === 1")
    assert page.evaluate("() => window.shared[0]") == ["outfit_flatlay.png", 960, 1280]
    expect(page.get_by_role("button", name="Share", exact=True)).to_be_enabled()
