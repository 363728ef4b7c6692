"""Frames a second while the score threshold is dragged over a 12-megapixel photo, in Chromium.

    python -m benchmarks.scrub [--boxes 200] [--frames 300] [--mode Classes|X-ray]

The slider gets a value and its input event in every frame of the browser, to and fro between 0.01
and 0.60. The frames' own timestamps say when each came; none can come before the screen's 60 a
second. Chromium runs without a window and without a graphics card. What the page's main thread
computed a frame is told too: it hardly depends on what else the machine is doing.
"""

import argparse
import sys
from typing import cast

import numpy as np
import streamlit as st
from playwright.sync_api import CDPSession, Page

from benchmarks.figure import LABELS, SIZE, photo
from benchmarks.measuring import Figure, main
from benchmarks.pages import browser, served
from dashboard.media import jpeg_uri
from dashboard.thresholds import viewer
from detector.drawing.viewer import Mode, view
from detector.images import encode_jpeg
from detector.ssd import RawPrediction, Settings, postprocess

# Timestamps of the frames in ms, and how many boxes each showed.
SCRUB = """({lens}, frames) => new Promise(done => {
    const values = [], times = [], boxes = []
    for (let step = 1; step <= 60; step++) values.push(step / 100)
    const round = [...values, ...values.slice().reverse()]
    const frame = now => {
        times.push(now)
        boxes.push(lens.shownIds.length)
        if (times.length > frames) return done([times, boxes])
        lens.slider.value = String(round[times.length % round.length])
        lens.slider.dispatchEvent(new Event("input", {bubbles: true}))
        requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
})"""


def prediction(boxes: int) -> RawPrediction:
    """That many boxes which NMS keeps, each with some that it suppresses around it."""
    rng = np.random.default_rng(0)
    columns = int(np.ceil(np.sqrt(boxes * 4 / 3)))
    rows = -(-boxes // columns)
    across, down = np.arange(boxes) % columns, np.arange(boxes) // columns
    low = np.stack([across / columns, down / rows], axis=1)
    corners = np.hstack([low, low + np.array([1.25 / columns, 1.25 / rows])])
    around = np.repeat(corners, 6, axis=0)
    around[np.arange(len(around)) % 6 > 0] += rng.normal(0, 0.05 / columns, (boxes * 5, 4))
    scores = np.repeat(rng.uniform(0.2, 1, boxes), 6)
    scores[np.arange(len(scores)) % 6 > 0] *= rng.uniform(0.3, 0.95, boxes * 5)
    output = np.zeros((len(around), len(LABELS) + 12), np.float32)
    output[np.arange(len(around)), 4 + np.repeat(rng.integers(1, len(LABELS), boxes), 6)] = scores
    output[:, -8:-4] = np.clip(around, 0, 1)
    output[:, -4:] = (0.1, 0.1, 0.2, 0.2)
    return RawPrediction.from_output(output)


def page(boxes: int, mode: str) -> None:
    """The app: one viewer."""
    st.set_page_config(layout="wide")
    viewer.show(
        "viewer",
        view(prediction(boxes), Settings(), SIZE, LABELS, digest="photo"),
        st.cache_resource(lambda: jpeg_uri(encode_jpeg(photo())))(),
        mode=cast(Mode, mode),
        on_thresholds=lambda score, own: None,
        on_target=lambda class_id: None,
        on_pick=lambda picked: None,
    )


def figures(options: argparse.Namespace) -> list[Figure]:
    raw = prediction(options.boxes)
    kept = len(postprocess(raw, Settings(score_threshold=0.0, top_k=10**6), SIZE))
    app = served("benchmarks/scrub.py", "--app", str(options.boxes), options.mode)
    with app as address, browser() as chromium:
        tab = chromium.new_page(viewport={"width": 1440, "height": 900})
        tab.goto(address)
        measure(tab, 60)  # the first ones warm up
        spans, busy_s, boxes = measure(tab, options.frames)
    late = sum(span > 0.0334 for span in spans)
    note = f"{kept} boxes, {np.mean(boxes):.0f} shown on average; {late} frames over 33 ms"
    figure = Figure("a threshold dragged over 12 megapixels", "a frame", spans, note=note)
    computing = Figure(figure.case, "of it computing, on average", [busy_s])
    return [figure, computing]


def measure(page: Page, frames: int) -> tuple[list[float], float, list[int]]:
    """Seconds from frame to frame, of processor time a frame, and the boxes shown in each."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot"
        "?.querySelector('.viewer')?.lens?.photo.complete"
    )
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy_s(session)
    times, boxes = page.locator(".viewer").evaluate(SCRUB, frames)
    spans = (np.diff(times) / 1000).tolist()
    return spans, (busy_s(session) - before) / frames, boxes


def busy_s(session: CDPSession) -> float:
    """Seconds of processor time that the page's main thread has used so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--mode", choices=("Classes", "X-ray"), default="Classes")


if sys.argv[1:2] == ["--app"]:
    page(int(sys.argv[2]), sys.argv[3])
elif __name__ == "__main__":
    main(__doc__, figures, add_options)
