"""What a visitor waits for who moves a slider on the real page, in Chromium, and what it carries.

    python -m benchmarks.page [--steps 20] [--megapixels 12]

A step is timed in the page, from the key that moves the slider to the second frame after the figure
has other boxes; the photo is one of the gallery, enlarged. The bytes are those of the WebSocket,
both ways, unpacked.
"""

import argparse
import io

from PIL import Image
from playwright.sync_api import FilePayload, Page, WebSocket

from benchmarks.measuring import ROOT, Figure, family, main, processor_s
from benchmarks.pages import browser, running

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
    with browser() as chromium, running("app.py") as (address, dashboard):
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        carried = Carried(page)
        page.goto(address)
        page.wait_for_selector(".st-key-figure .barlayer .point", state="attached")
        upload(page, options.megapixels)
        return steps(page, dashboard, carried, options.steps, options.megapixels)


class Carried:
    """The bytes that a page's WebSocket has carried so far, both ways."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        page.on("websocket", self._follow)

    def _follow(self, socket: WebSocket) -> None:
        for event in ("framesent", "framereceived"):
            socket.on(event, self._add)

    def _add(self, payload: bytes | str) -> None:
        self.count += len(payload)


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


def steps(
    page: Page, dashboard: int, carried: Carried, count: int, megapixels: float
) -> list[Figure]:
    """The steps that changed the figure.

    Args:
        dashboard: the id of its process.
    """
    page.locator(SLIDER).focus()
    page.keyboard.press("PageDown")  # to and fro between 0.10 and 0.20: there the boxes differ
    page.wait_for_timeout(1000)
    figure = Figure(f"slider moved to figure painted, {megapixels:g} megapixels", "Detect")
    alone = Figure("processor time of such a move in the dashboard alone", "Detect")
    message = Figure("bytes of such a move on the WebSocket", "Detect", unit="byte")
    counts = []
    for step in range(count + 4):
        page.evaluate(f"() => {{ window.step = ({STEP})() }}")
        processes = family()
        cpu_s, bytes_before = processor_s(processes), carried.count
        alone_s = process_s(dashboard)
        page.keyboard.press("PageUp" if step % 2 else "PageDown")
        measured = page.evaluate("() => window.step")
        if measured and step >= 4:  # the first ones warm up
            figure.values.append(measured[0] / 1000)
            figure.cpu_s.append(processor_s(processes) - cpu_s)
            counts.append(measured[1])
        page.wait_for_timeout(300)
        if measured and step >= 4:
            alone.values.append(process_s(dashboard) - alone_s)
            message.values.append(carried.count - bytes_before)
    if not counts:
        raise SystemExit("no step changed the number of boxes")
    figure.note = f"{min(counts):.0f} to {max(counts):.0f} boxes"
    return [figure, alone, message]


def process_s(process: int) -> float:
    """Seconds of processor time that a process has used so far."""
    return processor_s([process]) - processor_s()


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=12.0)


if __name__ == "__main__":
    main(__doc__, figures, add_options)
