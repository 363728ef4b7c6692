"""The photo and its boxes as one Plotly figure.

How the parts are made, and why:

- The photo is a layout image stretched to the original's size, so that every coordinate is a pixel
  of the original while the browser is sent only a small JPEG. Drawing the array itself costs ten
  times as much.
- A box is a bar: of Plotly's traces only bars answer a click on their whole area.
- A label is a scatter marker (the chip) with text on it: both have sizes in pixels of the screen,
  so that zooming enlarges the photo and never the label, and both belong to a trace, so that the
  legend hides them with their boxes.
- A figure is a pure function of its arguments: Streamlit takes a spec that differs in any way for
  another chart, and resets its zoom and selection.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from detector.drawing.colors import class_color, text_color
from detector.drawing.marks import (
    CHIP_HEIGHT,
    FONT_FAMILY,
    HOVER_DISTANCE,
    USUAL_SIZE,
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
from detector.drawing.unchecked import figure
from detector.evaluation.ground_truth import GroundTruth
from detector.ssd import Detections
from detector.translation import _, plural

# For st.plotly_chart(config=...) and Figure.show(config=...).
CONFIG: dict[str, Any] = {
    "scrollZoom": True,
    "displaylogo": False,
    "doubleClick": "reset",
    "modeBarButtonsToRemove": [
        *("select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d", "toImage"),
    ],
}

# Of the photo's axes.
AXIS: dict[str, Any] = {
    "visible": False,
    "fixedrange": False,
    "constrain": "domain",
    "showgrid": False,
    "zeroline": False,
}
LEGEND_HEIGHT = 48
_DIMMED = 0.5


def draw(
    image_uri: str,
    size: tuple[int, int],
    detections: Detections,
    labels: Sequence[str],
    *,
    picked: str | None = None,
    truth: GroundTruth | None = None,
    truth_name: str = "",
    revision: int = 0,
    usual_size: tuple[int, int] = USUAL_SIZE,
) -> go.Figure:
    """The photo with its boxes: clickable, with hover, and a legend that toggles classes.

    Boxes are drawn from large to small wherever they overlap, so that a click meets the smallest
    box under the pointer. `customdata[0]` of a clicked point is the detection's id.

    Args:
        image_uri: the photo, a data URI or a URL, of any resolution but of the original's aspect.
        size: (width, height) of the original, in pixels; the coordinates of the figure.
        detections: boxes in pixels of the original.
        labels: a name for each class id, the background's first.
        picked: id of a detection to show as selected while the others are dimmed; unknown ids are
            ignored.
        truth: ground-truth boxes to draw over the detections, dotted in the colours of their
            classes.
        truth_name: what these are called in the legend, if they are no ground truth.
        revision: kept in `layout.meta`; another revision is another chart for Streamlit, with a
            fresh view.
        usual_size: (width, height) that the photo is fitted into on the screen: labels that would
            overlap there are left out.
    """
    width, photo_height = size
    traces = _halo_traces(detections, picked)
    traces += _box_traces(detections, labels, picked)
    traces += _label_traces(detections, labels, picked, size, usual_size)
    if truth is not None:
        traces += _truth_traces(truth, truth_name)
    figure_height = _height_for(size)
    domains: dict[str, list[float]] = {
        "xaxis": [0, 1],
        "yaxis": [0, rounded(1 - (CHIP_HEIGHT / 2 + 1) / figure_height, 4)],
    }
    layout = {
        **shared_layout(figure_height, revision, domains),
        "images": [photo(image_uri, size)],
        "xaxis": {**AXIS, **allowed(width), "range": [0, width], "constraintoward": "left"},
        "yaxis": {
            **AXIS,
            **allowed(photo_height),
            "range": [photo_height, 0],
            "domain": domains["yaxis"],
            "scaleanchor": "x",
            "scaleratio": 1,
            "constraintoward": "top",
        },
        "clickmode": "event+select",
    }
    return figure(traces, layout)


def photo(image_uri: str, size: tuple[int, int], x: str = "x", y: str = "y") -> dict[str, Any]:
    """The photo below everything else, in pixels of the original, on the axes of these names."""
    return {
        "source": image_uri,
        "xref": x,
        "yref": y,
        "x": 0,
        "y": 0,
        "sizex": size[0],
        "sizey": size[1],
        "xanchor": "left",
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
    }


def allowed(side: int) -> dict[str, int]:
    """An axis that cannot be moved or zoomed beyond the photo, of that many pixels."""
    return {"minallowed": 0, "maxallowed": side}


def shared_layout(
    height: int, revision: int, domains: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """What the layouts of all figures of a photo have in common.

    Args:
        height: of the figure with its legend, in pixels.
        domains: of each axis. Plotly writes others into the layout; the page puts these back.
    """
    return {
        "barmode": "overlay",
        "dragmode": "pan",
        "hovermode": "closest",
        "hoverdistance": HOVER_DISTANCE,
        "hoverlabel": {"font": {"family": FONT_FAMILY, "size": 13}, "align": "left"},
        # Room for the half of a chip that stands over the photo's edge; the upper one's is in the
        # axis' domain, because the legend takes the margin.
        "margin": {"l": 0, "r": 0, "t": 0, "b": CHIP_HEIGHT // 2 + 1, "pad": 0},
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {
            "orientation": "h",
            "xref": "container",
            "yref": "container",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "top",
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
            "font": {"size": 13},
        },
        "meta": {"revision": revision, "domains": dict(domains)},
        "uirevision": revision,
    }


def summary(detections: Detections, labels: Sequence[str]) -> str:
    """What the figure shows, in words: "3 objects: shoes × 2 (best 0.93), watch (0.88)".

    A label is a name, and of anybody's choice: "2 watch" and "1 pants" are no English. Classes with
    more objects come first, then those with the better best score.
    """
    if len(detections) == 0:
        return _("No objects found.")
    groups = []
    for class_id in np.unique(detections.class_ids):
        scores = detections.scores[detections.class_ids == class_id]
        groups.append((-len(scores), -float(scores.max()), int(class_id)))
    parts = []
    for negative_count, negative_best, class_id in sorted(groups):
        places = {
            "count": -negative_count,
            "label": labels[class_id],
            "score": f"{-negative_best:.2f}",
        }
        parts.append(
            _("{label} × {count} (best {score})", **places)
            if negative_count < -1
            else _("{label} ({score})", **places)
        )
    return plural(
        "{count} object: {classes}",
        "{count} objects: {classes}",
        len(detections),
        classes=", ".join(parts),
    )


def _halo_traces(detections: Detections, picked: str | None) -> list[Trace]:
    ids = detections.ids
    return [
        halo(detections.boxes[rows], class_color(class_id))
        | {
            "unselected": {"marker": {"opacity": _DIMMED / 2}},
            "selectedpoints": _selected(picked, [ids[row] for row in rows], ids),
            "legendgroup": str(class_id),
        }
        for class_id, rows in rows_by_group(detections.class_ids)
    ]


def _box_traces(detections: Detections, labels: Sequence[str], picked: str | None) -> list[Trace]:
    """Bars, one trace a class and layer; the first of a class carries its entry in the legend."""
    layer_of = layers(detections.boxes, detections.class_ids)
    ids = detections.ids
    counts = np.bincount(detections.class_ids)
    sizes = areas(detections.boxes)
    in_legend: set[int] = set()
    traces = []
    for layer in range(int(layer_of.max(initial=-1)) + 1):
        for class_id, rows in rows_by_group(detections.class_ids, layer_of == layer):
            rows = rows[np.argsort(-sizes[rows], kind="stable")]
            color = class_color(class_id)
            label = escaped(labels[class_id])
            customdata = [
                [
                    ids[row],
                    label,
                    rounded(detections.scores[row], 4),
                    *_pixel_size(detections, row),
                ]
                for row in rows
            ]
            traces.append(
                dict(
                    type="bar",
                    **bar_geometry(detections.boxes[rows]),
                    customdata=customdata,
                    hovertemplate=(
                        "<b>%{customdata[1]}</b> %{customdata[2]:.2f}<br>"
                        "%{customdata[3]} × %{customdata[4]} px<extra></extra>"
                    ),
                    hoverlabel={
                        "bgcolor": color,
                        "bordercolor": text_color(color),
                        "font": {"color": text_color(color)},
                    },
                    marker={"color": rgba(color, 0.06), "line": {"width": 2.5, "color": color}},
                    selected={"marker": {"color": rgba(color, 0.32)}},
                    unselected={"marker": {"opacity": _DIMMED}},
                    selectedpoints=_selected(picked, [ids[row] for row in rows], ids),
                    name=f"{label} · {counts[class_id]}",
                    legendgroup=str(class_id),
                    legendrank=class_id,
                    showlegend=class_id not in in_legend,
                )
            )
            in_legend.add(class_id)
    return traces


def _label_traces(
    detections: Detections,
    labels: Sequence[str],
    picked: str | None,
    size: tuple[int, int],
    usual_size: tuple[int, int],
) -> list[Trace]:
    """A chip with "watch 0.93" at each box that has room for one; the hover tells the others'."""
    ids = detections.ids
    texts = label_texts(detections, labels)
    first = ids.index(picked) if picked in ids else None
    places = label_places(detections.boxes, texts, size, first, usual_size)
    has_place = np.array([place is not None for place in places], dtype=bool)
    traces = []
    for class_id, rows in rows_by_group(detections.class_ids, has_place):
        traces += chip_traces(
            [place for row in rows if (place := places[row]) is not None],
            [texts[row] for row in rows],
            class_color(class_id),
            {
                "selectedpoints": _selected(picked, [ids[row] for row in rows], ids),
                "legendgroup": str(class_id),
            },
        )
    return traces


def _truth_traces(truth: GroundTruth, name: str) -> list[Trace]:
    """Dotted outlines on a dark one, so that they are seen on any photo; one legend entry for all.

    Lines take no click: the detections below them do.
    """
    shared = {
        "type": "scatter",
        "mode": "lines",
        "hoverinfo": "skip",
        "legendgroup": "truth",
        "legendrank": 10**6,
    }
    traces: list[Trace] = [
        shared
        | _outline(truth.boxes)
        | {"line": {"color": "rgba(0,0,0,0.75)", "width": 4}, "showlegend": False}
    ]
    for number, class_id in enumerate(np.unique(truth.class_ids)):
        traces.append(
            shared
            | _outline(truth.boxes[truth.class_ids == class_id])
            | {
                "line": {"color": class_color(int(class_id)), "width": 2.5, "dash": "4px,4px"},
                "name": name or _("Ground truth · {count}", count=len(truth.boxes)),
                "showlegend": number == 0,
            }
        )
    return traces


def _outline(boxes: NDArray[np.float64]) -> dict[str, list[float | None]]:
    """The boxes (N, 4) as one line, with a gap after each."""
    x: list[float | None] = []
    y: list[float | None] = []
    for xmin, ymin, xmax, ymax in boxes.tolist():
        x += [*(rounded(value) for value in (xmin, xmax, xmax, xmin, xmin)), None]
        y += [*(rounded(value) for value in (ymin, ymin, ymax, ymax, ymin)), None]
    return {"x": x, "y": y}


def _selected(picked: str | None, shown: list[str], everything: list[str]) -> list[int] | None:
    """Plotly's `selectedpoints`: None dims nothing, an empty list dims all of the trace."""
    if picked not in everything:
        return None
    return [index for index, name in enumerate(shown) if name == picked]


def _pixel_size(detections: Detections, row: int) -> tuple[int, int]:
    xmin, ymin, xmax, ymax = (float(value) for value in detections.boxes[row])
    return round(xmax - xmin), round(ymax - ymin)


def _height_for(size: tuple[int, int]) -> int:
    width, height = size
    return round(min(max(960 * height / width, 260), 680)) + LEGEND_HEIGHT
