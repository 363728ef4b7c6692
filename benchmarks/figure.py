"""From moving a slider to the painted figure, for a 12-megapixel photo, in Chromium.

    python -m benchmarks.figure [--steps 12]

Compares `detector.drawing.photo.draw` over a small JPEG with `plotly.express.imshow` over the
array, each in a tab of its own, step by step in turn. A step is timed in the page, from the key
that moves the slider to the second frame after the figure with that threshold is in the page.
"""

import argparse
import base64
import sys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmarks.measuring import Figure

SIZE = (4000, 3000)
LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
WAYS = ("draw", "imshow")


def photo() -> NDArray[np.uint8]:
    """(3000, 4000, 3) uint8: soft colours with the grain of a camera, so that it compresses as a
    photo does: 1.1 MB as a JPEG of 1600 pixels would be noise, 0.1 MB a drawing.
    """
    from PIL import Image

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(40, 216, (30, 40, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-6, 7, (*smooth.shape[:2], 1), dtype=np.int16)
    pixels: NDArray[np.uint8] = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return pixels


def page() -> None:
    """The app: one slider, one figure."""
    import plotly.express as px
    import streamlit as st

    from detector.drawing import photo as figures
    from detector.images import encode_jpeg
    from detector.ssd import Detections

    array = st.cache_resource(photo)()

    @st.cache_resource
    def data_uri() -> str:
        return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(array)).decode()

    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 0.8, (30, 2)) * SIZE
    sides = rng.uniform(0.03, 0.2, (30, 2)) * SIZE
    scores = np.sort(rng.uniform(0.3, 1, 30).astype(np.float32))[::-1]
    everything = Detections(
        boxes=np.hstack([corners, corners + sides]).astype(np.float32),
        scores=scores,
        class_ids=rng.integers(1, 9, 30),
        prior_indices=np.arange(30),
    )

    st.set_page_config(layout="wide")
    threshold = st.slider("score", 0.0, 1.0, 0.3, 0.01)
    shown = everything.take(everything.scores >= threshold)
    step = round(100 * threshold)
    if st.query_params["way"] == "draw":
        figure = figures.draw(data_uri(), SIZE, shown, LABELS, revision=step)
        st.plotly_chart(figure, key="figure", config=figures.CONFIG, on_select="rerun")
    else:
        figure = px.imshow(array)
        shapes = [
            {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
            for x0, y0, x1, y1 in shown.boxes.tolist()
        ]
        figure.update_layout(shapes=shapes, meta=step, height=728)
        st.plotly_chart(figure, key="figure")


# The milliseconds from the next key to the second frame after another step's figure is there; null
# where the key went astray.
STEP = """() => new Promise(done => {
    const plot = () => document.querySelector('.js-plotly-plot')?._fullLayout;
    const before = plot().meta;
    let start = 0;
    addEventListener('keydown', () => { start = performance.now(); },
                     {capture: true, once: true});
    setTimeout(() => done(null), 30000);
    const look = () => {
        const photo = document.querySelector('.js-plotly-plot image');
        if (!start || !photo || !plot() || plot().meta === before)
            return setTimeout(look, 5);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
    };
    look();
})"""


def figures(options: argparse.Namespace) -> list["Figure"]:
    from benchmarks.measuring import Figure, family, processor_s
    from benchmarks.pages import browser, served

    case = "slider moved to figure painted, 12 megapixels, 30 boxes at most"
    measured = {way: Figure(case, way) for way in WAYS}
    with served("benchmarks/figure.py", "--app") as address, browser() as chromium:
        tabs = {}
        for way in WAYS:
            tabs[way] = chromium.new_page(viewport={"width": 1440, "height": 900})
            tabs[way].goto(f"{address}/?way={way}")
            tabs[way].wait_for_selector(".js-plotly-plot image", timeout=60_000)
        for number in range(options.steps + 2):
            for way, tab in tabs.items():
                tab.bring_to_front()
                tab.locator("input[type=range]").focus()
                timing = tab.evaluate_handle(f"() => ({{ms: ({STEP})()}})")
                processes = family()
                cpu_s = processor_s(processes)
                tab.keyboard.press("ArrowRight")
                spent_ms = timing.evaluate("timing => timing.ms")
                if number >= 2 and spent_ms is not None:  # The first two warm up.
                    measured[way].values.append(spent_ms / 1000)
                    measured[way].cpu_s.append(processor_s(processes) - cpu_s)
    return list(measured.values())


if __name__ == "__main__" and "--app" in sys.argv:
    page()
elif __name__ == "__main__":
    from benchmarks.measuring import main

    main(__doc__, figures, lambda parser: parser.add_argument("--steps", type=int, default=12))
