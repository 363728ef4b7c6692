"""One photo under two sets of detections, A and B, as one Plotly figure whose zoom is linked.

Zoom and pan of one panel are the other's: their axes match (`matches`), which works inside one
figure only. A box has the colour of what became of it on the other side. What one side alone has is
dotted on the other, so that the eye finds the place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from detector.drawing.colors import text_color
from detector.drawing.marks import (
    CHIP_HEIGHT,
    Trace,
    areas,
    bar_geometry,
    chip_traces,
    escaped,
    halo,
    label_places,
    label_texts,
    layers,
    rgba,
    rounded,
    rows_by_group,
)
from detector.drawing.photo import AXIS, LEGEND_HEIGHT, allowed, photo, shared_layout
from detector.drawing.unchecked import figure
from detector.evaluation.pairing import KIND_COLORS, KIND_NAMES, Kind, Pairing
from detector.ssd import Detections
from detector.translation import _

# (width, height) that one panel is fitted into on an ordinary screen, and on a phone's.
_PANEL_SIZE = (560, 520)
_STACKED_PANEL_SIZE = (350, 600)
_GAP = 0.016  # between the panels, of the figure's width
_HEADING_HEIGHT = 28  # above each panel, in pixels of the screen
# How much of the photo a view shows around its box, and at least.
_VIEW_MARGIN = 2.2
_VIEW_SMALLEST = 0.16


def draw(
    image_uri: str,
    size: tuple[int, int],
    pairing: Pairing,
    labels: Sequence[str],
    *,
    headings: tuple[str, str] = ("A", "B"),
    stacked: bool = False,
    row: int | None = None,
    absent: str = "",
    revision: int = 0,
) -> go.Figure:
    """Both sides next to each other, or A above B; the legend hides kinds of boxes, zoom kept.

    Args:
        image_uri: the photo, a data URI or a URL.
        size: (width, height) of the original, in pixels; the coordinates of the figure.
        pairing: boxes in pixels of the original.
        labels: a name for each class id, the background's first.
        headings: a text above each panel.
        stacked: A above B, for narrow screens.
        row: of the pairing: the figure opens zoomed to it, and it is filled.
        absent: "a" or "b": a side that has no answer. Nothing is drawn of it, and the other side's
            boxes are no differences: they are plain, without a legend.
        revision: as of `photo.draw`.
    """
    panel_size = _STACKED_PANEL_SIZE if stacked else _PANEL_SIZE
    traces = [] if absent else _legend(pairing)
    for side, axes in (("a", {}), ("b", {"xaxis": "x2", "yaxis": "y2"})):
        if side != absent:
            panel = _panel(pairing, side, labels, size, row, panel_size, plain=bool(absent))
            traces += [trace | axes for trace in panel]
    all_axes = _axes(size, panel_size, stacked, None if row is None else pairing.box(row))
    domains = {name: axis["domain"] for name, axis in all_axes.items()}
    layout = {
        **shared_layout(_height_for(size, stacked), revision, domains),
        "images": [photo(image_uri, size, *axes) for axes in (("x", "y"), ("x2", "y2"))],
        **all_axes,
        "annotations": [
            {
                "text": escaped(heading),
                "xref": f"{x} domain",
                "yref": f"{y} domain",
                "x": 0,
                "y": 1,
                "xanchor": "left",
                "yanchor": "bottom",
                "yshift": CHIP_HEIGHT // 2,
                "showarrow": False,
                "font": {"size": 13},
            }
            for heading, (x, y) in zip(headings, (("x", "y"), ("x2", "y2")), strict=True)
        ],
        "showlegend": not absent,
    }
    return figure(traces, layout)


def _legend(pairing: Pairing) -> list[Trace]:
    """An entry for each kind, of its own, so that it is there whichever sides have such boxes."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "marker": {"symbol": "square", "size": 12, "color": KIND_COLORS[kind]},
            "name": f"{_(KIND_NAMES[kind])} · {count}",
            "legendgroup": kind.name,
            "legendrank": int(kind),
        }
        for kind, count in pairing.counts().items()
    ]


def _axes(
    size: tuple[int, int],
    panel_size: tuple[int, int],
    stacked: bool,
    box: tuple[float, float, float, float] | None,
) -> dict[str, dict[str, Any]]:
    """The axes of both panels, with room for the headings above them.

    Args:
        box: that the view is zoomed to; None = the whole photo.
    """
    x_range, y_range = _view(size, box)
    across = {**AXIS, **allowed(size[0]), "range": x_range}
    down = {**AXIS, **allowed(size[1]), "range": y_range, "constraintoward": "top"}
    panel_height = size[1] * min(panel_size[0] / size[0], panel_size[1] / size[1])
    heading = rounded(_HEADING_HEIGHT / (_HEADING_HEIGHT + panel_height), 4)
    if stacked:
        x_domains = ((0.0, 1.0), (0.0, 1.0))
        y_domains = ((0.5, 1 - heading / 2), (0.0, 0.5 - heading / 2))
    else:
        x_domains = ((0.0, 0.5 - _GAP / 2), (0.5 + _GAP / 2, 1.0))
        y_domains = ((0.0, 1 - heading), (0.0, 1 - heading))
    return {
        "xaxis": {**across, "domain": x_domains[0]},
        "yaxis": {**down, "domain": y_domains[0], "scaleanchor": "x", "scaleratio": 1},
        "xaxis2": {**across, "domain": x_domains[1], "matches": "x", "anchor": "y2"},
        "yaxis2": {**down, "domain": y_domains[1], "matches": "y", "anchor": "x2"},
    }


def _panel(
    pairing: Pairing,
    side: str,
    labels: Sequence[str],
    size: tuple[int, int],
    row: int | None,
    panel_size: tuple[int, int],
    plain: bool,
) -> list[Trace]:
    """Ghosts of the other side, then halos, boxes and labels of this one.

    Args:
        plain: there is nothing to compare with: all boxes in one colour, whatever their kinds.
    """
    colors = {kind: KIND_COLORS[Kind.BOTH if plain else kind] for kind in Kind}
    found = pairing.a if side == "a" else pairing.b
    row_of = pairing.rows_of(side)
    kinds = pairing.kinds[row_of]
    missing = Kind.ONLY_B if side == "a" else Kind.ONLY_A
    traces = [] if plain else [_ghosts(pairing, missing)]
    for kind, rows in rows_by_group(kinds):
        traces.append(
            halo(found.boxes[rows], colors[Kind(kind)]) | {"legendgroup": Kind(kind).name}
        )
    layer_of = layers(found.boxes, kinds)
    sizes = areas(found.boxes)
    for layer in range(int(layer_of.max(initial=-1)) + 1):
        for kind, rows in rows_by_group(kinds, layer_of == layer):
            rows = rows[np.argsort(-sizes[rows], kind="stable")]
            color = colors[Kind(kind)]
            traces.append(
                dict(
                    type="bar",
                    **bar_geometry(found.boxes[rows]),
                    customdata=[
                        [int(row_of[index]), hover_text(pairing, int(row_of[index]), labels, plain)]
                        for index in rows
                    ],
                    hovertemplate="%{customdata[1]}<extra></extra>",
                    hoverlabel={
                        "bgcolor": color,
                        "bordercolor": text_color(color),
                        "font": {"color": text_color(color)},
                    },
                    marker={
                        "color": [
                            rgba(color, 0.36 if row_of[index] == row else 0.05) for index in rows
                        ],
                        "line": {"width": 2.5, "color": color},
                    },
                    legendgroup=Kind(kind).name,
                    showlegend=False,
                )
            )
    # Differences choose their places before what both sides have, and the zoomed row before all.
    order = np.lexsort((np.arange(len(found)), kinds == Kind.BOTH, row_of != row))
    return traces + _labels(found, labels, kinds, order, colors, size, panel_size)


def _labels(
    found: Detections,
    labels: Sequence[str],
    kinds: NDArray[np.int64],
    order: NDArray[np.int64],
    colors: Mapping[Kind, str],
    size: tuple[int, int],
    panel_size: tuple[int, int],
) -> list[Trace]:
    """The labels that have room, those of each kind as traces of their own.

    Args:
        kinds: (N,) of the detections.
        order: (N,) in which they choose their places.
    """
    texts = label_texts(found, labels)
    places = label_places(
        found.boxes[order], [texts[index] for index in order], size, usual_size=panel_size
    )
    traces = []
    for kind in Kind:
        chosen = [
            (place, texts[index])
            for place, index in zip(places, order, strict=True)
            if place is not None and kinds[index] == kind
        ]
        if chosen:
            traces += chip_traces(
                [place for place, _ in chosen],
                [text for _, text in chosen],
                colors[kind],
                {"legendgroup": kind.name},
            )
    return traces


def _ghosts(pairing: Pairing, kind: Kind) -> Trace:
    """Dotted outlines of the boxes that the other side alone has, one trace for all."""
    x: list[float | None] = []
    y: list[float | None] = []
    for index in np.flatnonzero(pairing.kinds == kind).tolist():
        left, top, right, bottom = (rounded(value) for value in pairing.box(index))
        x += [left, right, right, left, left, None]
        y += [top, top, bottom, bottom, top, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"width": 2, "dash": "dot", "color": KIND_COLORS[kind]},
        "hoverinfo": "skip",
        "legendgroup": kind.name,
        "showlegend": False,
    }


def hover_text(pairing: Pairing, row: int, labels: Sequence[str], plain: bool = False) -> str:
    """A row of the pairing as Plotly's HTML: its kind, and class and score on each side.

    Args:
        plain: without the kind.
    """
    lines = [] if plain else [f"<b>{_(KIND_NAMES[Kind(int(pairing.kinds[row]))])}</b>"]
    for name, found, index in (
        ("A", pairing.a, int(pairing.rows_a[row])),
        ("B", pairing.b, int(pairing.rows_b[row])),
    ):
        if index >= 0:
            label = escaped(labels[int(found.class_ids[index])])
            lines.append(f"{name}: {label} {found.scores[index]:.2f}")
    change = pairing.score_change(row)
    if change is not None:
        lines.append(
            _("score {change}, IoU {iou}", change=f"{change:+.2f}", iou=f"{pairing.ious[row]:.2f}")
        )
    return "<br>".join(lines)


def _view(
    size: tuple[int, int], box: tuple[float, float, float, float] | None
) -> tuple[list[float], list[float]]:
    """Ranges of the axes: the whole photo, or a part of its aspect around the box."""
    width, height = size
    if box is None:
        return [0, width], [height, 0]
    xmin, ymin, xmax, ymax = box
    share = min(
        max(
            (xmax - xmin) / width * _VIEW_MARGIN,
            (ymax - ymin) / height * _VIEW_MARGIN,
            _VIEW_SMALLEST,
        ),
        1.0,
    )
    left = min(max((xmin + xmax) / 2 - width * share / 2, 0.0), width * (1 - share))
    top = min(max((ymin + ymax) / 2 - height * share / 2, 0.0), height * (1 - share))
    return (
        [rounded(left), rounded(left + width * share)],
        [rounded(top + height * share), rounded(top)],
    )


def _height_for(size: tuple[int, int], stacked: bool) -> int:
    width, height = size
    panel = min(max(620 * height / width, 220), 620)
    return round(panel * (2.28 if stacked else 1.08)) + LEGEND_HEIGHT
