"""The tables beside the figure, and the one picked box that figure and table share."""

import html
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.answers import Picture, Prepared, jpeg_uri
from detector import ssd
from detector.drawing import photo
from detector.drawing.colors import class_color

THUMBNAIL = 72


def by_class(detections: ssd.Detections, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """A row a class: how many, how sure, at which threshold, shown or not."""
    # HTML: it fits a phone, is text to a screen reader, and is quicker to draw than a grid.
    rows = "".join(
        _class_row(
            label,
            class_color(class_id),
            detections.scores[detections.class_ids == class_id],
            settings.threshold_of(class_id),
            settings.classes is None or class_id in settings.classes,
        )
        for class_id, label in enumerate(labels[1:], start=1)
    )
    with st.container(key="by_class"):
        st.html(
            '<table class="lens-classes"><thead><tr><th scope="col">Class<th scope="col">Boxes'
            '<th scope="col">Best<th scope="col">Mean<th scope="col">Threshold<th scope="col">Shown'
            f"</tr></thead><tbody>{rows}</tbody></table>"
        )


def detections(
    picture: Picture, prepared: Prepared, found: ssd.Detections, labels: Sequence[str]
) -> None:
    """A row a box. The selected row and the box clicked in the figure are one and the same."""
    if not len(found):
        st.info(
            "No box reaches the threshold. Lower the score threshold, or try another picture.",
            icon=":material/search_off:",
        )
        return
    ids = found.ids
    crops = _crops(picture.digest, prepared.display)
    scale = crops.width / prepared.size[0]
    boxes = found.boxes.astype(float)
    table = pd.DataFrame(
        {
            "Crop": [crops.uri(tuple((box * scale).round().astype(int))) for box in boxes],
            "Class": [labels[class_id] for class_id in found.class_ids],
            "Score": found.scores.astype(float),
            "Left": boxes[:, 0].round(),
            "Top": boxes[:, 1].round(),
            "Width": (boxes[:, 2] - boxes[:, 0]).round(),
            "Height": (boxes[:, 3] - boxes[:, 1]).round(),
        }
    )
    picked = st.session_state.get("picked")
    rows = [ids.index(picked)] if picked in ids else []
    st.session_state["detections"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    pixels = st.column_config.NumberColumn(format="%d px", width=90)
    st.dataframe(
        table,
        key="detections",
        hide_index=True,
        on_select=_pick_from_table,
        selection_mode="single-row",
        row_height=52,
        height=min(52 * len(table) + 38, 480),
        column_config={
            "Crop": st.column_config.ImageColumn(width=90),
            "Score": st.column_config.ProgressColumn(format="%.2f", min_value=0.0, max_value=1.0),
            **dict.fromkeys(("Left", "Top", "Width", "Height"), pixels),
        },
        alt=photo.summary(found, labels),
    )
    st.session_state["rows"] = ids


def forget_pick_of_another(picture: Picture) -> None:
    """Ids of detections are those of one picture: another picture begins with none picked."""
    if st.session_state.get("picked_in") != picture.digest:
        st.session_state["picked_in"] = picture.digest
        st.session_state["picked"] = None


def pick(picture: Picture, detection_id: str | None) -> None:
    """Choose a box of a picture that is about to be shown."""
    st.session_state["picked_in"] = picture.digest
    st.session_state["picked"] = detection_id


def pick_from_figure() -> None:
    """Callback of the chart: the clicked box, or none."""
    points = st.session_state["figure"]["selection"]["points"]
    st.session_state["picked"] = _detection_id(points[0]) if points else None


def _pick_from_table() -> None:
    rows = st.session_state["detections"]["selection"]["rows"]
    picked = st.session_state["rows"][rows[0]] if rows else None
    st.session_state["picked"] = st.session_state["figure_pick"] = picked
    # The same box again, after a click elsewhere in the figure, must redraw the chart too.
    st.session_state["figure_revision"] += 1


def _detection_id(point: dict[str, object]) -> str | None:
    data = point.get("customdata")
    return str(data[0]) if isinstance(data, (list, tuple)) else None


def _class_row(
    label: str, color: str, scores: NDArray[np.float32], threshold: float, shown: bool
) -> str:
    best, mean = (f"{scores.max():.2f}", f"{scores.mean():.2f}") if len(scores) else ("–", "–")
    cells = (str(len(scores)), best, mean, f"{threshold:.2f}", "yes" if shown else "no")
    return (
        f'<tr{"" if len(scores) else " class=none"}><th scope="row">'
        f'<i style="background:{color}"></i>{html.escape(label)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


class _Crops:
    """Small pictures of boxes, cut out of the picture on the screen; each is cut once."""

    def __init__(self, display: bytes) -> None:
        with Image.open(io.BytesIO(display)) as image:
            self._image = image.convert("RGB")
        self.width = self._image.width
        self._uris: dict[tuple[int, ...], str] = {}

    def uri(self, box: tuple[int, ...]) -> str:
        """Data URI of what is in the box (xyxy, pixels of the screen's picture)."""
        if box not in self._uris:
            left, top, right, bottom = box
            crop = self._image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
            crop.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)
            data = io.BytesIO()
            crop.save(data, "JPEG", quality=75)
            self._uris[box] = jpeg_uri(data.getvalue())
        return self._uris[box]


@st.cache_resource(show_spinner=False, scope="session", max_entries=16)
def _crops(digest: str, _display: bytes) -> _Crops:
    return _Crops(_display)
