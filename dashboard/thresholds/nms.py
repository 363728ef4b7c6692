"""What NMS does to one picture: how many boxes each step leaves, and who suppressed whom."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.answers import Answer, Picture, Prepared, config
from dashboard.detect.page import photo_url
from detector import ssd
from detector.drawing import charts
from detector.drawing.colors import class_color
from detector.xray import Funnel, XRay, xray


def show(picture: Picture, prepared: Prepared, answer: Answer, settings: ssd.Settings) -> None:
    labels = config().labels
    seen = xray(answer.raw, settings, prepared.size)
    with st.container(key="xray"):
        st.subheader("NMS X-ray", anchor=False)
        left, right = st.columns([3, 2], gap="large")
        with left:
            st.caption(
                "From the places where the model looks (*priors*, the same for each class) to the "
                "boxes on the screen: how many are left after each step."
            )
            st.html(_funnel(seen.funnel, labels))
            _suppressed(seen, settings, labels)
        with right:
            st.caption(
                "Where the priors fire: the highest score of any class at each place, from dark "
                "(none) over red to yellow (sure). Several bright places in one object: it is seen "
                "several times, and NMS keeps one."
            )
            st.plotly_chart(
                charts.density(answer.raw, prepared.size, photo_url(picture, prepared)),
                key="density",
                config=charts.CONFIG,
                alt="Map of the highest score at each place of the picture.",
            )


def _funnel(funnel: Funnel, labels: Sequence[str]) -> str:
    """A row a class, a column a step, and in each cell a bar on a logarithmic scale."""
    steps = (
        ("Priors", funnel.priors),
        ("Above 0.01", funnel.above_floor),
        ("Above threshold", funnel.above_threshold),
        ("After NMS", funnel.after_nms),
        ("Shown", funnel.shown),
    )
    most = np.log1p(max(int(funnel.priors.max()), 1))

    def cell(count: int, color: str) -> str:
        return (
            f'<td><span class="bar" style="width:{np.log1p(count) / most:.1%};background:{color}">'
            f"</span><b>{count}</b></td>"
        )

    rows = "".join(
        f'<tr><th scope="row"><i style="background:{class_color(class_id)}"></i>'
        f"{html.escape(label)}</th>"
        + "".join(cell(int(counts[class_id]), class_color(class_id)) for _, counts in steps)
        + "</tr>"
        for class_id, label in enumerate(labels[1:], start=1)
    )
    sums = "".join(cell(int(counts.sum()), "#8795A1") for _, counts in steps[1:])
    heads = "".join(f'<th scope="col">{name}</th>' for name, _ in steps)
    return (
        f'<table class="lens-funnel"><thead><tr><th scope="col">Class</th>{heads}</tr></thead>'
        f'<tbody>{rows}<tr><th scope="row">All</th>'
        f"{cell(int(funnel.priors.max()), '#8795A1')}{sums}</tr></tbody></table>"
    )


def _suppressed(seen: XRay, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """The picked box: what it suppressed, or who suppressed it."""
    ids = seen.candidates.ids
    picked = st.session_state.get("picked")
    if picked not in ids:
        st.caption(":material/ads_click: Click a box in the picture to see what it suppressed.")
        return
    index = ids.index(picked)

    def named(i: int) -> str:
        label = labels[seen.candidates.class_ids[i]]
        return f"{label} {seen.candidates.scores[i]:.2f}"

    if not seen.kept[index]:
        winner = int(seen.suppressor[index])
        st.markdown(
            f"**{named(index)}** was removed: **{named(winner)}** overlaps it with an IoU of "
            f"**{seen.ious[index]:.2f}**, above {settings.iou_threshold:.2f}."
        )
        return
    losers = seen.suppressed_by(index)
    if not len(losers):
        st.markdown(f"**{named(index)}** suppressed no other box.")
        return
    st.markdown(
        f"**{named(index)}** suppressed {len(losers)} "
        f"{'box' if len(losers) == 1 else 'boxes'} that overlap it by more than "
        f"{settings.iou_threshold:.2f}:"
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Class": [labels[c] for c in seen.candidates.class_ids[losers]],
                "Score": seen.candidates.scores[losers].astype(float),
                "IoU": seen.ious[losers].astype(float),
                "Box": [ids[i] for i in losers],
            }
        ),
        hide_index=True,
        key="suppressed",
        height=min(35 * len(losers) + 38, 240),
        column_config={
            "Score": st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0),
            "IoU": st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0),
            "Box": st.column_config.TextColumn(help="class id - prior"),
        },
    )
