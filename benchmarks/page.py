"""What a visitor waits for on the real page, in Chromium: the start, and a moved slider.

    python -m benchmarks.page [--steps 20] [--megapixels 12]

The start is timed from launching `streamlit run app.py` (installed, files in the disk's cache) to
the first boxes in the figure. A slider step is timed in the page, from the key that moves it to the
second frame after the figure has other boxes; the photo is one of the gallery, enlarged.
"""

import argparse
import io
import platform
import statistics
import time

from PIL import Image
from playwright.sync_api import FilePayload, Page

from benchmarks.pages import ROOT, browser, served

SLIDER = ".st-key-score_threshold input[type=range]"
# Steps between thresholds at which the number of boxes differs: an equal figure is not drawn again.
STEP = """() => new Promise(done => {
    const boxes = () => document.querySelectorAll(".st-key-figure .barlayer .point").length
    const before = boxes()
    addEventListener("keydown", () => {
        const start = performance.now()
        const look = () => boxes() === before ? requestAnimationFrame(look)
            : requestAnimationFrame(() => requestAnimationFrame(() => done(
                [performance.now() - start, boxes() / 2])))
        look()
    }, {once: true, capture: true})
    setTimeout(() => done(null), 5000)
})"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=12.0)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        started = time.perf_counter()
        with served("app.py") as address:
            up = time.perf_counter() - started
            page.goto(address)
            page.wait_for_selector(".st-key-figure .barlayer .point", state="attached")
            first = time.perf_counter() - started
            print(f"start: the server answers after {up:.1f} s, first boxes after {first:.1f} s")
            upload(page, options.megapixels)
            times, counts = steps(page, options.steps)
            times.sort()
            print(
                f"slider to paint, {options.megapixels:g} megapixels, {min(counts):.0f} to"
                f" {max(counts):.0f} boxes, {len(times)} steps: median"
                f" {statistics.median(times):.0f} ms, p95 {times[int(0.95 * len(times))]:.0f} ms"
            )


def upload(page: Page, megapixels: float) -> None:
    sample = Image.open(ROOT / "samples" / "electronics_flatlay.jpg")
    scale = (megapixels * 1e6 / (sample.width * sample.height)) ** 0.5
    data = io.BytesIO()
    sample.resize((round(sample.width * scale), round(sample.height * scale))).save(data, "JPEG")
    page.locator(".st-key-source").get_by_text("Upload").click()
    page.locator(".st-key-upload input[type=file]").set_input_files(
        FilePayload(name="large.jpg", mimeType="image/jpeg", buffer=data.getvalue())
    )
    page.get_by_text("· large.jpg").wait_for()
    page.wait_for_timeout(1000)


def steps(page: Page, count: int) -> tuple[list[float], list[float]]:
    """Times in ms and numbers of boxes of the steps that changed the figure."""
    page.locator(SLIDER).focus()
    page.keyboard.press("PageDown")  # to and fro between 0.10 and 0.20: there the boxes differ
    page.wait_for_timeout(1000)
    found = []
    for step in range(count + 4):
        page.evaluate(f"() => {{ window.step = ({STEP})() }}")
        page.keyboard.press("PageUp" if step % 2 else "PageDown")
        found.append(page.evaluate("() => window.step"))
        page.wait_for_timeout(300)
    changed = [measured for measured in found[4:] if measured]
    if not changed:
        raise SystemExit("no step changed the number of boxes")
    return [time_ms for time_ms, _ in changed], [boxes for _, boxes in changed]


if __name__ == "__main__":
    main()
