"""The Chrome or Chromium that the browser tests drive. As a script: prints its path, or fails."""

import os
import shutil
import sys

from playwright.sync_api import FloatRect, Locator, Page, expect

# A loaded machine needs more: a browser that starves is no fault of the page.
TIMEOUT_MS = 1000 * int(os.environ.get("BROWSER_TIMEOUT_S", "30"))
expect.set_options(timeout=TIMEOUT_MS)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
]


def find() -> str | None:
    """Path of the browser: $CHROME, or the first of the usual names on the PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROME", ""), *NAMES))), None)


def element(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def settled(page: Page) -> None:
    """Wait until the script that runs has come to its end.

    Right after a click it may not have begun: wait for what the click changes, then for this.
    """
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def finished(page: Page) -> None:
    """Wait until all of the page is there."""
    # While the page takes its place, the line that was there before it is there too.
    page.wait_for_function(
        """() => {
            const lines = [...document.querySelectorAll(".lens-state")]
            return lines.length == 1 && lines[0].dataset.state == "ready"
        }"""
    )
    if "/Batch" in page.url:
        expect(element(page, "batch_progress")).to_contain_text("17 of 17")
        expect(page.locator(".lens-card").first).to_be_visible()
    settled(page)
    if "/Thresholds" in page.url:
        page.locator(".viewer .number:not(:empty)").wait_for(state="attached")
    page.wait_for_function("() => !document.querySelector('[data-stale=true], .stSpinner')")
    # What comes in with a fade has its colours only then.
    page.wait_for_function("() => document.getAnimations().every(a => a.playState != 'running')")


def asks_before_leaving(page: Page, *, it_does: bool) -> None:
    """Wait until the browser asks before the page is left, or no longer does."""
    page.wait_for_function(
        "asks => dispatchEvent(new Event('beforeunload', {cancelable: true})) !== asks", arg=it_does
    )


def darkened(page: Page) -> None:
    """The page as one whose system is dark sees it."""
    page.emulate_media(color_scheme="dark")
    expect(page.locator("[data-testid=stApp]")).to_have_css("color-scheme", "dark")
    page.wait_for_timeout(500)  # charts are drawn again in other colours
    finished(page)


def still(found: Locator) -> FloatRect:
    """Where it stands once it has stood there for a moment: a click must not miss it."""
    found.scroll_into_view_if_needed()
    before = None
    while (place := found.bounding_box()) is None or place != before:
        before = place
        found.page.wait_for_timeout(300)
    return place


def is_no_wider_than_the_window(page: Page) -> None:
    """Nothing of the page is, on a desktop and on a phone."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for part in ("html", "[data-testid=stMain]"):
            # Charts follow the window some time later.
            page.wait_for_function(
                "([part, width]) => document.querySelector(part).scrollWidth <= width",
                arg=[part, width],
            )


def move_slider(page: Page, key: str, value: float) -> None:
    settled(page)
    handle = element(page, key).locator("input[type=range]")
    handle.focus()
    steps = round((value - float(handle.input_value())) * 100)
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    settled(page)


if __name__ == "__main__":
    path = find()
    print(path or "no Chrome or Chromium found", file=sys.stdout if path else sys.stderr)
    sys.exit(path is None)
