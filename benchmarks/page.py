"""What a visitor waits for on the real page, in Chromium: the start, and a moved slider.

    python -m benchmarks.page [--starts 3] [--steps 20] [--megapixels 12]

The start is timed from launching `streamlit run app.py` (installed, files in the disk's cache) to
the first boxes in the figure. A slider step is timed in the page, from the key that moves it to the
second frame after the figure has other boxes; the photo is one of the gallery, enlarged.
"""

import argparse
import io
import time

from PIL import Image
from playwright.sync_api import FilePayload, Page

from benchmarks.measuring import ROOT, Figure, family, main, processor_s
from benchmarks.pages import browser, served

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


def figures(options: argparse.Namespace) -> list[Figure]:
    start = "from the start of `streamlit run app.py`"
    up, first = Figure(start, "the server answers"), Figure(start, "first boxes in the browser")
    with browser() as chromium:
        for number in range(options.starts):
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            cpu_s, started = processor_s(family()), time.perf_counter()
            with served("app.py") as address:
                up.values.append(time.perf_counter() - started)
                page.goto(address)
                page.wait_for_selector(".st-key-figure .barlayer .point", state="attached")
                first.values.append(time.perf_counter() - started)
                first.cpu_s.append(processor_s(family()) - cpu_s)
                if number == options.starts - 1:
                    upload(page, options.megapixels)
                    slider = steps(page, options.steps, options.megapixels)
            page.close()
    return [up, first, slider]


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


def steps(page: Page, count: int, megapixels: float) -> Figure:
    """The steps that changed the figure."""
    page.locator(SLIDER).focus()
    page.keyboard.press("PageDown")  # to and fro between 0.10 and 0.20: there the boxes differ
    page.wait_for_timeout(1000)
    figure = Figure(f"slider moved to figure painted, {megapixels:g} megapixels", "Detect")
    counts = []
    for step in range(count + 4):
        page.evaluate(f"() => {{ window.step = ({STEP})() }}")
        processes = family()
        cpu_s = processor_s(processes)
        page.keyboard.press("PageUp" if step % 2 else "PageDown")
        measured = page.evaluate("() => window.step")
        if measured and step >= 4:  # the first ones warm up
            figure.values.append(measured[0] / 1000)
            figure.cpu_s.append(processor_s(processes) - cpu_s)
            counts.append(measured[1])
        page.wait_for_timeout(300)
    if not counts:
        raise SystemExit("no step changed the number of boxes")
    figure.note = f"{min(counts):.0f} to {max(counts):.0f} boxes"
    return figure


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=12.0)


if __name__ == "__main__":
    main(__doc__, figures, add_options)
