"""What NMS does to one image: how many boxes each step leaves, and who suppressed whom."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import frame, paper, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.media import photo_url
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import charts
from detector.drawing.colors import class_color
from detector.translation import _, plural
from detector.xray import Funnel, XRay, xray


def show(image: ImageFile, loaded: LoadedImage, answer: Answer, settings: ssd.Settings) -> None:
    """The funnel of counts, the picked box's story, and the map of scores."""
    labels = config().labels
    seen = xray(answer.raw, settings, loaded.size)
    st.caption(
        _(
            "From the places where the model looks (*default boxes*, the same for each class) to "
            "the boxes on the screen: how many are left after each step."
        )
    )
    st.html(_funnel(seen.funnel, labels))
    _suppressed(seen, settings, labels)
    st.caption(
        _(
            "Where the default boxes fire: the highest score of any class at each place, from dark "
            "(none) over red to yellow (sure). Several bright places in one object: it is seen "
            "several times, and NMS keeps one."
        )
    )
    st.plotly_chart(
        charts.density(answer.raw, loaded.size, photo_url(image, loaded)),
        key="density",
        config=charts.CONFIG,
        alt=_("Map of the highest score at each place of the image."),
    )


def _funnel(funnel: Funnel, labels: Sequence[str]) -> str:
    """A row a class, a column a step, and in each cell a bar on a logarithmic scale."""
    steps = (
        (_("Default boxes"), funnel.priors),
        (_("Above 0.01"), funnel.above_floor),
        (_("Above threshold"), funnel.above_threshold),
        (_("After NMS"), funnel.after_nms),
        (_("Shown"), funnel.shown),
    )
    longest = np.log1p(max(int(funnel.priors.max()), 1))

    def cell(count: int, color: str) -> str:
        width = np.log1p(count) / longest
        return (
            f'<td><span class="bar" style="width:{width:.1%};background:{color}"></span>'
            f"<b>{count}</b></td>"
        )

    rows = "".join(
        f'<tr><th scope="row"><i style="background:{class_color(class_id)}"></i>'
        f"{html.escape(label)}</th>"
        + "".join(cell(int(counts[class_id]), class_color(class_id)) for _step, counts in steps)
        + "</tr>"
        for class_id, label in enumerate(labels[1:], start=1)
    )
    sums = "".join(cell(int(counts.sum()), "#8795A1") for _step, counts in steps[1:])
    heads = "".join(
        f'<th scope="col">{html.escape(name)}</th>'
        for name in (_("Class"), *(step for step, _counts in steps))
    )
    return (
        f'<table class="lens-funnel"><thead><tr>{heads}</tr></thead>'
        f'<tbody>{rows}<tr><th scope="row">{_("All")}</th>'
        f"{cell(int(funnel.priors.max()), '#8795A1')}{sums}</tr></tbody></table>"
    )


def _suppressed(seen: XRay, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """The picked box: what it suppressed, or which box suppressed it."""
    ids = seen.candidates.ids
    picked = state.read(state.Pick).detection_id
    if picked not in ids:
        st.caption(
            _(":gray[:material/ads_click: Click a box in the image to see what it suppressed.]")
        )
        return
    index = ids.index(picked)

    def named(i: int) -> str:
        label = frame.plain(labels[seen.candidates.class_ids[i]])
        return f"{label} {seen.candidates.scores[i]:.2f}"

    limit = f"{settings.iou_threshold:.2f}"
    if not seen.kept[index]:
        st.markdown(
            _(
                "**{box}** was removed: **{winner}** overlaps it with an IoU of **{iou}**,"
                " above {limit}.",
                box=named(index),
                winner=named(int(seen.suppressor[index])),
                iou=f"{seen.ious[index]:.2f}",
                limit=limit,
            )
        )
        return
    losers = seen.suppressed_by(index)
    if not len(losers):
        st.markdown(_("**{box}** suppressed no other box.", box=named(index)))
        return
    st.markdown(
        plural(
            "**{box}** suppressed {count} box that overlaps it by more than {limit}:",
            "**{box}** suppressed {count} boxes that overlap it by more than {limit}:",
            len(losers),
            box=named(index),
            limit=limit,
        )
    )

    _losers(seen, losers, labels)


def _losers(seen: XRay, losers: NDArray[np.int64], labels: Sequence[str]) -> None:
    """A row a box that was suppressed."""
    ids = seen.candidates.ids

    def fraction(name: str) -> Any:
        return st.column_config.ProgressColumn(name, format="%.3f", min_value=0.0, max_value=1.0)

    paper.dataframe(
        pd.DataFrame(
            {
                "class": [labels[c] for c in seen.candidates.class_ids[losers]],
                "score": seen.candidates.scores[losers].astype(float),
                "iou": seen.ious[losers].astype(float),
                "box": [ids[i] for i in losers],
            }
        ),
        key="suppressed",
        height=min(35 * len(losers) + 38, 240),
        column_config={
            "class": st.column_config.TextColumn(_("Class")),
            "score": fraction(_("Score")),
            "iou": fraction(_("IoU")),
            "box": st.column_config.TextColumn(_("Box"), help=_("class id - default box")),
        },
    )
