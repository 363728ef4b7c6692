"""The detections of a batch's images, and the table that sums them up."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from dashboard import state
from dashboard.batch.job import Job
from detector import ssd
from detector.batch.run import Done
from detector.drawing.colors import class_color
from detector.report.document import Row, Table
from detector.translation import _


def postprocessed(
    job: Job, results: Sequence[Done], settings: ssd.Settings
) -> Mapping[int, ssd.Detections]:
    """The detections of each image by its index, none where it could not be read.

    Those that were computed before are kept until the job or the settings are others.
    """
    kept_job, kept_settings, kept = state.read(state.Batch).shown
    detections: dict[int, ssd.Detections] = kept
    if kept_job is not job or kept_settings != settings:
        detections = {}
        state.update(state.Batch, shown=(job, settings, detections))
    for done in results:
        if done.index not in detections:
            if done.raw is None or done.size is None:
                detections[done.index] = ssd.Detections.empty()
            else:
                detections[done.index] = ssd.postprocess(done.raw, settings, done.size)
    return detections


def show_summary(
    results: Sequence[Done],
    detections: Mapping[int, ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> None:
    """A row a class: in how many images, how many boxes, how sure."""
    table = summary(results, detections, settings, labels)
    rows = ""
    for row in table.rows:
        label, *cells = row.cells
        rows += (
            f'<tr{" class=none" if row.is_faint else ""}><th scope="row">'
            f'<i style="background:{row.color}"></i>{html.escape(label)}</th>'
            f"{''.join(f'<td>{cell}' for cell in cells)}</tr>"
        )
    heads = "".join(f'<th scope="col">{html.escape(name)}' for name in table.columns)
    with st.container(key="batch_summary"):
        st.html(
            f'<table class="lens-classes"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def summary(
    results: Sequence[Done],
    detections: Mapping[int, ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> Table:
    """What `show_summary` shows."""
    found = [detections[done.index] for done in results]
    class_ids = np.concatenate([np.empty(0, np.int64), *(each.class_ids for each in found)])
    scores = np.concatenate([np.empty(0, np.float32), *(each.scores for each in found)])
    rows = []
    for class_id, label in enumerate(labels[1:], start=1):
        mine = scores[class_ids == class_id]
        image_count = sum(bool((each.class_ids == class_id).any()) for each in found)
        best, mean = (f"{mine.max():.2f}", f"{mine.mean():.2f}") if len(mine) else ("–", "–")
        threshold = f"{settings.threshold_of(class_id):.2f}"
        cells = (label, str(len(mine)), str(image_count), best, mean, threshold)
        rows.append(Row(cells, class_color(class_id), is_faint=not len(mine)))
    columns = (_("Class"), _("Boxes"), _("Images"), _("Best"), _("Mean"), _("Threshold"))
    return Table(columns, rows)
