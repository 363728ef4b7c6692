"""What the model server says of itself, how fast it answers, and what its model can do."""

import statistics
import time
from dataclasses import astuple

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.answers import address, config, served, served_version
from dashboard.frame import plain
from detector import ssd
from detector.formats.card import read_card

CALLS = 20


def show() -> None:
    """State, versions, signatures, a measured round trip, and the model card."""
    where = address()
    version = served_version()
    st.header("Model server", anchor=False)
    kind = "Embedded in this dashboard" if config().server is None else "TensorFlow Serving"
    st.markdown(f"**{plain(config().model_name)}**, version **{version}** · {kind} · `{where}`")
    left, right = st.columns(2, gap="large")
    with left:
        _versions(where)
        _round_trip(where)
    with right:
        _signatures(where)
    _card()


def _versions(where: str) -> None:
    st.subheader("Versions", anchor=False)
    rows = [
        (status.version, status.state, status.error_message or status.error_code)
        for status in served(where).versions()
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Version", "State", "Message"]),
        hide_index=True,
        key="versions",
        column_config={"Version": st.column_config.NumberColumn(width="small", format="%d")},
    )


def _signatures(where: str) -> None:
    st.subheader("Signatures", anchor=False)
    rows = [
        (signature.name, direction, tensor.name, f"{tensor.dtype} {_shape(tensor.shape)}")
        for signature in served(where).signatures()
        for direction, tensors in (("in", signature.inputs), ("out", signature.outputs))
        for tensor in tensors
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Signature", "", "Tensor", "Type and shape"]),
        hide_index=True,
        key="signatures",
        column_config={"": st.column_config.TextColumn(width=50)},
    )


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "of any shape"
    return " × ".join("N" if side is None else str(side) for side in shape)


def _round_trip(where: str) -> None:
    st.subheader("Round trip", anchor=False)
    st.caption(f"{CALLS} calls with one grey image, one after the other, from this machine.")
    if not st.button("Measure", icon=":material/timer:", key="measure"):
        return
    settings = config()
    batch = ssd.preprocess(np.full((300, 300, 3), 128, np.uint8))
    model = served(where)
    times_ms = []
    for _ in range(CALLS):
        started = time.perf_counter()
        model.predict({settings.input_name: batch}, outputs=(settings.output_name,))
        times_ms.append((time.perf_counter() - started) * 1000)
    one, two, three = st.columns(3)
    one.metric("Median", f"{statistics.median(times_ms):.1f} ms")
    two.metric("95th percentile", f"{statistics.quantiles(times_ms, n=20)[-1]:.1f} ms")
    three.metric("Slowest", f"{max(times_ms):.1f} ms")


def _card() -> None:
    """The card of the model that ships; another server's model has none that we know."""
    path = config().model_base_path / "card.json"
    if config().server is not None or not path.is_file():
        return
    st.subheader("Model card", anchor=False)
    card = read_card(path)
    st.caption(f"{card.task} {f'Measured on: {card.measured_on}.' if card.measured_on else ''}")
    left, right = st.columns(2, gap="large")
    with left:
        if card.precisions:
            columns = st.columns(len(card.precisions))
            for column, (kind, value) in zip(columns, card.precisions.items(), strict=True):
                text = "–" if value is None else f"{value:.2f}"
                column.metric(f"mAP@0.5, {kind}", text, border=True)
        if card.weaknesses:
            st.markdown("**Where it fails**\n\n" + "\n".join(f"- {x}" for x in card.weaknesses))
        if card.licences:
            st.markdown(f"**Licences of the images**: {card.licences}")
    if card.classes:
        names = ["AP@0.5", "Best F1", "at threshold"]
        right.dataframe(
            pd.DataFrame([astuple(row) for row in card.classes], columns=["Class", *names]).astype(
                dict.fromkeys(names, float)
            ),
            hide_index=True,
            key="card_classes",
            column_config={
                "AP@0.5": st.column_config.ProgressColumn(
                    format="%.2f", min_value=0.0, max_value=1.0
                ),
                "Best F1": st.column_config.NumberColumn(format="%.2f"),
                "at threshold": st.column_config.NumberColumn(format="%.2f"),
            },
            placeholder="–",
        )
    with st.expander("The whole card", icon=":material/data_object:"):
        st.json(card.whole, expanded=1)
