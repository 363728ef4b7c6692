"""What the model server says of itself, and how fast it answers."""

import json
import statistics
import time

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.session import address, client, config, served_version
from detector import ssd

CALLS = 20


def show() -> None:
    """State, versions, signature, a measured round trip, and the model card."""
    st.title("Model server", anchor=False)
    where = address()
    version = served_version()
    first, second, third, fourth = st.columns(4)
    first.metric("Model", config().model_name, border=True)
    second.metric("Version", version, border=True)
    third.metric("Address", where, border=True)
    fourth.metric("Kind", "Embedded" if config().server is None else "Remote", border=True)
    left, right = st.columns(2, gap="large")
    with left:
        _versions(where)
        _round_trip(where)
    with right:
        _signature(where)
    _card()


def _versions(where: str) -> None:
    st.subheader("Versions", anchor=False)
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "Version": status.version,
                    "State": status.state,
                    "Message": status.error_message or status.error_code,
                }
                for status in client(where).model_status()
            ]
        ),
        hide_index=True,
        key="versions",
    )


def _signature(where: str) -> None:
    st.subheader("Signatures", anchor=False)
    rows = [
        {
            "Signature": signature.name,
            "": direction,
            "Tensor": tensor.name,
            "Type": tensor.dtype,
            "Shape": _shape(tensor.shape),
        }
        for signature in client(where).model_metadata()
        for direction, tensors in (("in", signature.inputs), ("out", signature.outputs))
        for tensor in tensors
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="signatures")


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "any"
    return " × ".join("N" if side is None else str(side) for side in shape)


def _round_trip(where: str) -> None:
    st.subheader("Round trip", anchor=False)
    st.caption(f"{CALLS} calls with one grey picture, one after the other, from this machine.")
    if not st.button("Measure", icon=":material/timer:", key="measure"):
        return
    settings = config()
    batch = ssd.preprocess(np.full((300, 300, 3), 128, np.uint8))
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        client(where).predict({settings.input_name: batch}, outputs=(settings.output_name,))
        times.append((time.perf_counter() - started) * 1000)
    middle, tail = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    one, two, three = st.columns(3)
    one.metric("Median", f"{middle:.1f} ms")
    two.metric("95th percentile", f"{tail:.1f} ms")
    three.metric("First", f"{times[0]:.1f} ms")


def _card() -> None:
    path = config().model_base_path / "card.json"
    if config().server is not None or not path.is_file():
        return
    st.subheader("Model card", anchor=False)
    card = json.loads(path.read_text("utf-8"))
    with st.expander("What it was trained on, how good it is, and where it fails", expanded=True):
        st.json(card, expanded=1)
