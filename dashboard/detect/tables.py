"""The tables beside the figure, and the one picked box that figure and tables share."""

import html
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard import frame, paper, state
from dashboard.files import ImageFile
from dashboard.media import jpeg_uri, screen_of
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.boxes import Boxes
from detector.drawing import photo
from detector.drawing.colors import class_color
from detector.report.document import Row, Table
from detector.translation import _

CROP_SIDE = 72


def by_class(detections: ssd.Detections, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """A row a class: how many, how sure, at which threshold, shown or not."""
    # HTML: it fits a phone, is text to a screen reader, and is quicker to draw than a grid.
    table = of_classes(detections, settings, labels)
    rows = "".join(map(_class_row, table.rows))
    heads = "".join(f'<th scope="col">{html.escape(head)}' for head in table.columns)
    with st.container(key="by_class"):
        st.html(
            f'<table class="lens-classes"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def of_classes(detections: ssd.Detections, settings: ssd.Settings, labels: Sequence[str]) -> Table:
    """What `by_class` shows."""
    rows = []
    for class_id, label in enumerate(labels[1:], start=1):
        scores = detections.scores[detections.class_ids == class_id]
        best, mean = (f"{scores.max():.2f}", f"{scores.mean():.2f}") if len(scores) else ("–", "–")
        is_shown = settings.classes is None or class_id in settings.classes
        threshold = f"{settings.threshold_of(class_id):.2f}"
        cells = (label, str(len(scores)), best, mean, threshold, _("yes") if is_shown else _("no"))
        rows.append(Row(cells, class_color(class_id), is_faint=not len(scores)))
    heads = (_("Class"), _("Boxes"), _("Best"), _("Mean"), _("Threshold"), _("Shown"))
    return Table(heads, rows)


def of_boxes(found: ssd.Detections, labels: Sequence[str]) -> Table:
    """What `detections` shows, without the crops."""
    columns = (_("Class"), _("Score"), _("Left"), _("Top"), _("Width"), _("Height"))
    rows = []
    sides = [_sides(found.boxes)[name].tolist() for name in ("left", "top", "width", "height")]
    for class_id, score, *of_box in zip(found.class_ids, found.scores, *sides, strict=True):
        cells = (labels[class_id], f"{score:.2f}", *(f"{side:.0f} px" for side in of_box))
        rows.append(Row(cells, class_color(int(class_id))))
    return Table(columns, rows)


def _sides(boxes: Boxes) -> dict[str, NDArray[np.float64]]:
    """The columns of a table of boxes (N, 4), xyxy, that say where they are."""
    left, top, right, bottom = boxes.astype(float).T
    return {
        "left": left.round(),
        "top": top.round(),
        "width": (right - left).round(),
        "height": (bottom - top).round(),
    }


def detections(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    found: ssd.Detections,
    settings: ssd.Settings,
    labels: Sequence[str],
) -> None:
    """A row a box. The selected row and the box clicked in the figure are one and the same."""
    if not len(found):
        st.info(no_boxes(settings), icon=":material/search_off:")
        return
    ids = found.ids
    table = pd.DataFrame(
        {
            "crop": _crops(image, loaded, answer, settings, found.boxes),
            "class": [labels[class_id] for class_id in found.class_ids],
            "score": found.scores.astype(float),
            **_sides(found.boxes),
        }
    )
    pick = state.read(state.Pick).detection_id
    rows = [ids.index(pick)] if pick in ids else []
    state.set_widget("detections", {"selection": {"rows": rows, "columns": [], "cells": []}})

    def pixels(name: str) -> Any:
        return st.column_config.NumberColumn(name, format="%d px", width=90)

    paper.dataframe(
        table,
        key="detections",
        on_select=_pick_from_table,
        selection_mode="single-row",
        row_height=52,
        height=min(52 * len(table) + 38, 480),
        column_config={
            "crop": st.column_config.ImageColumn(_("Crop"), width=90),
            "class": st.column_config.TextColumn(_("Class")),
            "score": st.column_config.ProgressColumn(
                _("Score"), format="%.2f", min_value=0.0, max_value=1.0
            ),
            "left": pixels(_("Left")),
            "top": pixels(_("Top")),
            "width": pixels(_("Width")),
            "height": pixels(_("Height")),
        },
        alt=photo.summary(found, labels),
    )
    state.update(state.DetectFigure, table_rows=tuple(ids))


def no_boxes(settings: ssd.Settings) -> str:
    """Why there are none."""
    if settings.classes is not None and not settings.classes:
        return _("All classes are hidden. Choose some under “Classes shown”.")
    return _("No box reaches the threshold. Lower the score threshold, or try another image.")


def forget_pick_of_another(image: ImageFile) -> None:
    """Ids of detections are those of one image: another image begins with none picked."""
    if state.read(state.Pick).digest != image.digest:
        state.write(state.Pick(image.digest))


def pick(image: ImageFile, detection_id: str | None) -> None:
    """Choose a box of an image that is about to be shown."""
    state.write(state.Pick(image.digest, detection_id))


@frame.callback
def pick_from_figure() -> None:
    """Callback of the chart: the clicked box, or none."""
    points = state.widget("figure")["selection"]["points"]
    state.update(state.Pick, detection_id=_detection_id(points[0]) if points else None)


@frame.callback
def _pick_from_table() -> None:
    rows = state.widget("detections")["selection"]["rows"]
    figure = state.read(state.DetectFigure)
    picked = figure.table_rows[rows[0]] if rows else None
    state.update(state.Pick, detection_id=picked)
    # The same box again, after a click elsewhere in the figure, must redraw the chart too.
    state.update(state.DetectFigure, pick=picked, revision=figure.revision + 1)


def _detection_id(point: dict[str, object]) -> str | None:
    data = point.get("customdata")
    return str(data[0]) if isinstance(data, (list, tuple)) else None


def _class_row(row: Row) -> str:
    label, *cells = row.cells
    return (
        f'<tr{" class=none" if row.is_faint else ""}><th scope="row">'
        f'<i style="background:{row.color}"></i>{html.escape(label)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _crops(
    image: ImageFile, loaded: LoadedImage, answer: Answer, settings: ssd.Settings, boxes: Boxes
) -> list[str]:
    """Data URIs of what is in the boxes (xyxy, pixels of the original)."""
    known = _known_crops(image.digest)
    if any(tuple(box) not in known for box in boxes.tolist()):
        # All that another threshold could show is cut too: a slider's move decodes nothing.
        floor = replace(settings, score_threshold=0.0, class_thresholds={}, classes=None)
        possible = np.concatenate([boxes, answer.detections(floor).boxes])
        with Image.open(io.BytesIO(screen_of(loaded).display)) as display:
            scale = display.width / loaded.size[0]
            for box in possible.tolist():
                if tuple(box) not in known:
                    known[tuple(box)] = _crop(display, [round(side * scale) for side in box])
    return [known[tuple(box)] for box in boxes.tolist()]


@st.cache_resource(show_spinner=False, scope="session", max_entries=16)
def _known_crops(digest: str) -> dict[tuple[float, ...], str]:
    """An image's crops by their box, a kilobyte or two each."""
    return {}


def _crop(display: Image.Image, box: list[int]) -> str:
    left, top, right, bottom = box
    crop = display.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    crop.thumbnail((CROP_SIDE, CROP_SIDE), reducing_gap=2.0)
    data = io.BytesIO()
    crop.save(data, "JPEG", quality=75)
    return jpeg_uri(data.getvalue())
