"""From nothing to the first boxes: the page, the command line, and the memory that they take.

    python -m benchmarks.start [--starts 3]

All is installed and in the disk's cache. A page is timed from launching `streamlit run` to the
first boxes in Chromium, its memory is that of the dashboard's process then. What it stands beside
is the least that Streamlit's pages of this kind do: a slider, a Plotly chart and a table, over
nothing. The two take turns. The browser draws on the same cores as the dashboard and the model
server.
"""

import argparse
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring import Figure

LEAST = "Streamlit alone: a slider, a chart, a table"
CHART = ".barlayer .point"


def page() -> None:
    """The least page."""
    import pandas as pd
    import plotly.graph_objects as go
    import streamlit as st

    heights = [1, 2, st.slider("height", 1, 9, 3)]
    st.plotly_chart(go.Figure(go.Bar(y=heights)))
    st.dataframe(pd.DataFrame({"height": heights}))


def figures(options: argparse.Namespace) -> list["Figure"]:
    import psutil
    from playwright.sync_api import Browser

    from benchmarks.measuring import ROOT, Figure, family, processor_s
    from benchmarks.pages import browser, running

    scripts = {"Commodity Lens": ["app.py"], LEAST: ["benchmarks/start.py", "--app"]}
    cases = ("`streamlit run` to its first answer", "`streamlit run` to the first boxes")
    up, first = ({way: Figure(case, way) for way in scripts} for case in cases)
    memory = {way: Figure("memory of the dashboard then", way, unit="byte") for way in scripts}

    def start(chromium: Browser, way: str) -> None:
        tab = chromium.new_page(viewport={"width": 1440, "height": 900})
        cpu_s, started = processor_s(family()), time.perf_counter()
        with running(*scripts[way]) as (address, process):
            up[way].values.append(time.perf_counter() - started)
            tab.goto(address)
            tab.wait_for_selector(CHART, state="attached")
            first[way].values.append(time.perf_counter() - started)
            first[way].cpu_s.append(processor_s(family()) - cpu_s)
            memory[way].values.append(psutil.Process(process).memory_info().rss)
        tab.close()

    with browser() as chromium:
        for _ in range(options.starts):
            for way in scripts:
                start(chromium, way)

    photo = ROOT / "samples" / "desk_laptop_books.jpg"
    command = [sys.executable, "-m", "detector", "predict", str(photo)]
    predict = Figure("`python -m detector predict` one image", "with the embedded server's start")
    for _ in range(options.starts):
        cpu_s, started = children_s(), time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        predict.values.append(time.perf_counter() - started)
        predict.cpu_s.append(children_s() - cpu_s)
    return [*up.values(), *first.values(), *memory.values(), predict]


def children_s() -> float:
    """Seconds of processor time of the processes that this one started and that have ended."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__" and "--app" in sys.argv:
    page()
elif __name__ == "__main__":
    from benchmarks.measuring import main

    main(__doc__, figures, lambda parser: parser.add_argument("--starts", type=int, default=3))
