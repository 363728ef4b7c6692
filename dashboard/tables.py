"""The tables beside the figure, and the one picked box that figure and table share."""

import base64
import io
from collections.abc import Sequence
from urllib.parse import quote

import pandas as pd
import streamlit as st
from PIL import Image

from dashboard.session import Picture, Prepared
from detector import figures, ssd
from detector.colors import class_color

THUMBNAIL = 72


def by_class(detections: ssd.Detections, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """A row a class: how many, how sure, at which threshold, shown or not."""
    rows = []
    for class_id, label in enumerate(labels[1:], start=1):
        scores = detections.scores[detections.class_ids == class_id]
        rows.append(
            {
                "": _swatch(class_color(class_id)),
                "Class": label,
                "Boxes": len(scores),
                "Best": float(scores.max()) if len(scores) else None,
                "Mean": float(scores.mean()) if len(scores) else None,
                "Threshold": settings.threshold_of(class_id),
                "Shown": settings.classes is None or class_id in settings.classes,
            }
        )
    score = st.column_config.NumberColumn(format="%.2f", width=54)
    st.dataframe(
        pd.DataFrame(rows),
        key="by_class",
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={
            "": st.column_config.ImageColumn(width=24),
            "Boxes": st.column_config.NumberColumn(width=52),
            "Best": score,
            "Mean": score,
            "Threshold": st.column_config.NumberColumn(format="%.2f", width=76),
            "Shown": st.column_config.CheckboxColumn(width=54),
        },
        alt="Boxes found for each class",
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
        alt=figures.summary(found, labels),
    )
    st.session_state["rows"] = ids


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


def _swatch(color: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">'
        f'<rect width="16" height="16" rx="4" fill="{color}"/></svg>'
    )
    return "data:image/svg+xml," + quote(svg)


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
            self._uris[box] = "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
        return self._uris[box]


@st.cache_resource(show_spinner=False, scope="session", max_entries=16)
def _crops(digest: str, _display: bytes) -> _Crops:
    return _Crops(_display)
