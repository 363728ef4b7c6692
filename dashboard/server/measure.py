"""Measure: how many answers a second the model server gives to so many callers at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import paper
from dashboard.answers import config, served
from detector import ssd
from detector.translation import _, carried

CALLERS = (1, 2, 4, 8)
SECONDS = 2.0  # for each; a call that has begun is waited for


class Rate(NamedTuple):
    """What so many callers got.

    Attributes:
        rate: answers a second.
        median, p95: milliseconds of one call.
    """

    callers: int
    rate: float
    median: float
    p95: float


def show(where: str) -> None:
    """The button, and what was measured. Raises ServingError."""
    st.subheader(_("Round trip"), anchor=False)
    st.caption(
        _(
            "Calls with one grey image from this machine, {seconds} s each by 1, 2, 4 and 8 callers"
            " at once. Whoever uses the server meanwhile has a share in the figures.",
            seconds=f"{SECONDS:g}",
        )
    )
    if not st.button(_("Measure"), icon=":material/timer:", key="measure"):
        return
    settings = config()
    started = time.perf_counter()
    images = ssd.preprocess(np.full((300, 300, 3), 128, np.uint8))
    preprocess_ms = (time.perf_counter() - started) * 1000
    rates: list[Rate] = []
    bar = st.progress(0.0)
    for callers in CALLERS:
        bar.progress(len(rates) / len(CALLERS), _("Callers at once: {count}", count=callers))
        rates.append(_rate(where, images, callers))
    bar.empty()
    _table(rates)
    started = time.perf_counter()
    answer = served(where).predict({settings.input_name: images}, (settings.output_name,))
    call_ms = (time.perf_counter() - started) * 1000
    output = answer.outputs[settings.output_name]
    started = time.perf_counter()
    raw = ssd.RawPrediction.of_single(output, len(settings.labels))
    ssd.postprocess(raw, ssd.Settings(), (300, 300))
    st.caption(
        _(
            "One call: preprocess {preprocess} ms, request of {request} kB, server and network"
            " {call} ms, answer of {answer} kB, post-process {postprocess} ms.",
            preprocess=f"{preprocess_ms:.1f}",
            request=f"{images.nbytes / 1000:,.0f}",
            call=f"{call_ms:.1f}",
            answer=f"{output.nbytes / 1000:,.0f}",
            postprocess=f"{(time.perf_counter() - started) * 1000:.1f}",
        )
    )


def _rate(where: str, images: np.ndarray, callers: int) -> Rate:
    settings, model = config(), served(where)
    end = time.monotonic() + SECONDS
    failed = threading.Event()

    def call() -> list[float]:
        times_ms: list[float] = []
        while not failed.is_set() and (not times_ms or time.monotonic() < end):
            started = time.perf_counter()
            try:
                model.predict({settings.input_name: images}, (settings.output_name,))
            except BaseException:
                failed.set()
                raise
            times_ms.append((time.perf_counter() - started) * 1000)
        return times_ms

    started = time.monotonic()
    with ThreadPoolExecutor(callers) as pool:
        running = [pool.submit(carried(call)) for _caller in range(callers)]
        times_ms = [spent for each in running for spent in each.result()]
    rate = len(times_ms) / (time.monotonic() - started)
    median, p95 = np.percentile(times_ms, (50, 95))
    return Rate(callers, rate, median, p95)


def _table(rates: list[Rate]) -> None:
    paper.dataframe(
        pd.DataFrame(rates, columns=["Callers", "Rate", "Median", "p95"]),
        key="rates_at_once",
        column_config={
            "Callers": st.column_config.NumberColumn(_("Callers"), format="%d"),
            "Rate": st.column_config.NumberColumn(_("Answers a second"), format="%.1f"),
            "Median": st.column_config.NumberColumn(_("Median"), format="%.1f ms"),
            "p95": st.column_config.NumberColumn(_("95th percentile"), format="%.1f ms"),
        },
    )
