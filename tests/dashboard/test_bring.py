"""Images as people bring them: pasted, or dropped anywhere on the page, in a real browser."""

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, settled
from tests.support.paths import ROOT

PHOTOS = ("canvas_shoes.jpg", "jeans_flat.jpg")
# What a browser makes of a paste or a drop: the same events with the same files.
BRING = """([kind, files]) => {
    const given = new DataTransfer()
    for (const [name, data] of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
        given.items.add(new File([bytes], name, { type: "image/jpeg" }))
    }
    const how = { bubbles: true, cancelable: true }
    const target = document.querySelector("[data-testid=stSidebar]") ?? document.body
    if (kind === "paste") {
        target.dispatchEvent(new ClipboardEvent("paste", { ...how, clipboardData: given }))
        return
    }
    target.dispatchEvent(new DragEvent("dragover", { ...how, dataTransfer: given }))
    window.veil = document.querySelector(".lens-veil").checkVisibility()
    target.dispatchEvent(new DragEvent("drop", { ...how, dataTransfer: given }))
}"""


def files(*names: str) -> list[tuple[str, str]]:
    data = (ROOT / "samples" / shown for shown in PHOTOS)
    return [
        (name, base64.b64encode(path.read_bytes()).decode())
        for name, path in zip(names, data, strict=False)
    ]


def opened(visit: Callable[..., Page], url: str) -> Page:
    page = visit(url, viewport={"width": 1440, "height": 900})
    expect(page.locator(".lens-state")).to_have_attribute("data-state", "ready")
    element(page, "bring_upload").or_(element(page, "bring_batch_upload")).first.wait_for(
        state="attached"
    )
    page.locator(".lens-veil").wait_for(state="attached")
    settled(page)
    return page


@pytest.mark.parametrize("path", ["/", "/Thresholds", "/Compare"])
def test_a_pasted_image_is_looked_at_from_whatever_source(visit, url, path):
    page = opened(visit, url + path)
    page.evaluate(BRING, ["paste", files("image.png")])
    expect(page.get_by_text("Pasted: pasted-1.png").first).to_be_visible()
    expect(element(page, "upload")).to_contain_text("pasted-1.png")
    expect(element(page, "source").get_by_role("radio", name="Upload")).to_be_checked()


def test_several_images_that_are_dropped_join_those_that_are_there(visit, url):
    page = opened(visit, url)
    page.evaluate(BRING, ["drop", files("a.jpg")])
    assert page.evaluate("window.veil")
    expect(page.locator(".lens-veil")).to_be_hidden()
    expect(element(page, "upload")).to_contain_text("a.jpg")
    settled(page)
    page.evaluate(BRING, ["drop", files("b.jpg", "c.jpg")])
    expect(element(page, "picture").get_by_role("radio")).to_have_count(3)


def test_on_batch_they_wait_for_the_run(visit, url):
    page = opened(visit, f"{url}/Batch")
    page.evaluate(BRING, ["drop", files("a.jpg", "b.jpg")])
    expect(page.get_by_role("button", name="Run 2 files")).to_be_visible()


def test_text_is_pasted_as_ever(visit, url):
    page = opened(visit, url)
    prevented = page.evaluate(
        """() => {
            const clipboardData = new DataTransfer()
            clipboardData.setData("text/plain", "words")
            const how = { bubbles: true, cancelable: true, clipboardData }
            return !document.body.dispatchEvent(new ClipboardEvent("paste", how))
        }"""
    )
    assert not prevented
