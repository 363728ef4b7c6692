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

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from detector.colors import class_color, text_color
from detector.ssd import Detections

Boxes = NDArray[np.float32]
# Plain dictionaries: Plotly checks a trace of its own type twice, which is most of the time.
Trace = dict[str, Any]

# For st.plotly_chart(config=...) and Figure.show(config=...).
CONFIG: dict[str, Any] = {
    "scrollZoom": True,
    "displaylogo": False,
    "displayModeBar": "hover",
    "doubleClick": "reset",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "filename": "commodity-lens", "scale": 2},
}

# Arial, Helvetica, Liberation Sans and Arimo have the same widths, so that a chip fits its text on
# every system.
_FONT_FAMILY = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"
_FONT_SIZE = 12
_CHIP_HEIGHT = 18
_LEGEND_HEIGHT = 48
# (width, height) that a photo is fitted into on an ordinary screen: labels are laid out for it.
_USUAL_SIZE = (860, 620)
# Plotly takes the bar with the least distance to the pointer, and bends that distance by the bar's
# width and by how near its end the pointer is. Against a distance this large both vanish in
# rounding: all bars under the pointer are equally near, and then the last drawn one wins, which is
# the smallest.
_HOVER_DISTANCE = 10**17
_DIMMED = 0.5


def draw(
    image_uri: str,
    size: tuple[int, int],
    detections: Detections,
    labels: Sequence[str],
    *,
    picked: str | None = None,
    revision: int = 0,
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
        revision: kept in `layout.meta`; another revision is another chart for Streamlit, with a
            fresh view.
    """
    width, photo_height = size
    traces = _halo_traces(detections, picked)
    traces += _box_traces(detections, labels, picked)
    traces += _label_traces(detections, labels, picked, size)
    figure_height = _height_for(size)
    axis = {
        "visible": False,
        "fixedrange": False,
        "constrain": "domain",
        "showgrid": False,
        "zeroline": False,
    }
    layout = {
        "images": [
            {
                "source": image_uri,
                "xref": "x",
                "yref": "y",
                "x": 0,
                "y": 0,
                "sizex": width,
                "sizey": photo_height,
                "xanchor": "left",
                "yanchor": "top",
                "sizing": "stretch",
                "layer": "below",
            }
        ],
        "xaxis": {**axis, "range": [0, width], "constraintoward": "left"},
        "yaxis": {
            **axis,
            "range": [photo_height, 0],
            "domain": [0, _rounded(1 - (_CHIP_HEIGHT / 2 + 1) / figure_height, 4)],
            "scaleanchor": "x",
            "scaleratio": 1,
            "constraintoward": "top",
        },
        "barmode": "overlay",
        "clickmode": "event+select",
        "dragmode": "pan",
        "hovermode": "closest",
        "hoverdistance": _HOVER_DISTANCE,
        "hoverlabel": {"font": {"family": _FONT_FAMILY, "size": 13}, "align": "left"},
        # Room for the half of a chip that stands over the photo's edge; the upper one's is in the
        # axis' domain, because the legend takes the margin.
        "margin": {"l": 0, "r": 0, "t": 0, "b": _CHIP_HEIGHT // 2 + 1, "pad": 0},
        "height": figure_height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#9A9A9A", "activecolor": "#3B82F6"},
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
        "meta": revision,
        "uirevision": revision,
    }
    # Checking each property of each trace is two thirds of the time that this takes (200 boxes:
    # 68 -> 23 ms without); what is drawn here is checked by the tests instead.
    return go.Figure(data=traces, layout=layout, _validate=False)


def summary(detections: Detections, labels: Sequence[str]) -> str:
    """What the figure shows, in words: "3 objects: 2 shoes (best 0.93), 1 watch (0.88)".

    Classes with more objects come first, then those with the better best score.
    """
    if len(detections) == 0:
        return "No objects found."
    groups = []
    for class_id in np.unique(detections.class_ids):
        scores = detections.scores[detections.class_ids == class_id]
        groups.append((-len(scores), -float(scores.max()), int(class_id)))
    parts = []
    for negative_count, negative_best, class_id in sorted(groups):
        best = "best " if negative_count < -1 else ""
        parts.append(f"{-negative_count} {labels[class_id]} ({best}{-negative_best:.2f})")
    count = len(detections)
    return f"{count} {'object' if count == 1 else 'objects'}: {', '.join(parts)}"


def _halo_traces(detections: Detections, picked: str | None) -> list[Trace]:
    """A wide soft outline under each box, dark around light colours and light around dark ones."""
    ids = detections.ids
    traces = []
    for class_id, rows in _rows_by_class(detections):
        light = text_color(class_color(class_id)) == "#FFFFFF"
        traces.append(
            dict(
                type="bar",
                **_bar_geometry(detections, rows),
                marker={
                    "color": "rgba(0,0,0,0)",
                    "line": {
                        "width": 5,
                        "color": "rgba(255,255,255,0.6)" if light else "rgba(0,0,0,0.5)",
                    },
                },
                unselected={"marker": {"opacity": _DIMMED / 2}},
                selectedpoints=_selected(picked, [ids[row] for row in rows], ids),
                hoverinfo="skip",
                legendgroup=str(class_id),
                showlegend=False,
            )
        )
    return traces


def _box_traces(detections: Detections, labels: Sequence[str], picked: str | None) -> list[Trace]:
    """Bars, one trace a class and layer; the first of a class carries its entry in the legend."""
    layers = _layers(detections)
    ids = detections.ids
    counts = np.bincount(detections.class_ids, minlength=len(labels))
    areas = _areas(detections.boxes)
    in_legend: set[int] = set()
    traces = []
    for layer in range(int(layers.max(initial=-1)) + 1):
        for class_id, rows in _rows_by_class(detections, layers == layer):
            rows = rows[np.argsort(-areas[rows], kind="stable")]
            color = class_color(class_id)
            label = html.escape(labels[class_id])
            customdata = [
                [
                    ids[row],
                    label,
                    _rounded(detections.scores[row], 4),
                    *_pixel_size(detections, row),
                ]
                for row in rows
            ]
            traces.append(
                dict(
                    type="bar",
                    **_bar_geometry(detections, rows),
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
                    marker={"color": _rgba(color, 0.06), "line": {"width": 2.5, "color": color}},
                    selected={"marker": {"color": _rgba(color, 0.32)}},
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
    detections: Detections, labels: Sequence[str], picked: str | None, size: tuple[int, int]
) -> list[Trace]:
    """A chip with "watch 0.93" at each box that has room for one; the hover tells the others'."""
    ids = detections.ids
    texts = [
        f"\u00a0{labels[class_id]} {score:.2f}\u00a0"
        for class_id, score in zip(detections.class_ids, detections.scores, strict=True)
    ]
    widths = np.array([_text_width(text) for text in texts])
    first = ids.index(picked) if picked in ids else None
    places = _label_places(detections.boxes, widths, size, first)
    has_place = np.array([place is not None for place in places], dtype=bool)
    traces = []
    for class_id, rows in _rows_by_class(detections, has_place):
        color = class_color(class_id)
        chosen = [place for row in rows if (place := places[row]) is not None]
        place = {
            "x": [_rounded(x) for x, _, _ in chosen],
            "y": [_rounded(y) for _, y, _ in chosen],
            "selectedpoints": _selected(picked, [ids[row] for row in rows], ids),
            "cliponaxis": False,
            "hoverinfo": "skip",
            "legendgroup": str(class_id),
            "showlegend": False,
        }
        chips = dict(
            type="scatter",
            **place,
            mode="markers",
            marker={
                # A vertical line turned by 90°: its stroke's width is the chip's height, and
                # `standoff` moves it along its own direction, so that it starts at the corner
                # instead of being centred on it. A line symbol reaches 1.4 times its radius to both
                # sides.
                "symbol": "line-ns",
                "angle": [90 if left else -90 for _, _, left in chosen],
                "standoff": [_rounded(width / 2) for width in widths[rows]],
                "size": [_rounded(width / 1.4) for width in widths[rows]],
                "line": {"width": _CHIP_HEIGHT, "color": color},
                "opacity": 1,
            },
            # A click in the browser selects bars only, and must not dim the label of the clicked
            # box.
            unselected={"marker": {"opacity": 1}},
        )
        names = dict(
            type="scatter",
            **place,
            mode="text",
            text=[html.escape(texts[row]) for row in rows],
            textposition=["middle left" if left else "middle right" for _, _, left in chosen],
            textfont={"family": _FONT_FAMILY, "size": _FONT_SIZE, "color": text_color(color)},
            unselected={"textfont": {"color": text_color(color)}},
        )
        traces += [chips, names]
    return traces


def _label_places(
    boxes: Boxes, widths: NDArray[np.float64], size: tuple[int, int], first: int | None
) -> list[tuple[float, float, bool] | None]:
    """Where each label goes: (x, y) of its left end and False, or of its right end and True.

    None where no place is free.
    The best scored choose first, after the row `first`. Labels keep their size on the screen, so
    that what overlaps depends on the zoom: they are laid out for a photo of ordinary size on the
    screen.

    Args:
        boxes: (N, 4) xyxy in pixels of the photo, best first.
        widths: (N,) of the labels, in pixels of the screen.
        size: (width, height) of the photo.
    """
    places: list[tuple[float, float, bool] | None] = [None] * len(boxes)
    scale = max(size[0] / _USUAL_SIZE[0], size[1] / _USUAL_SIZE[1])
    half_height = _CHIP_HEIGHT / 2 * scale
    taken = np.empty((0, 4))
    rows = list(range(len(boxes)))
    if first is not None:
        rows.insert(0, rows.pop(first))
    for row in rows:
        xmin, ymin, xmax, ymax = (float(value) for value in boxes[row])
        # On the upper edge, as the existing system has it; else on the lower one.
        candidates = [
            (xmin, ymin, False),
            (xmax, ymin, True),
            (xmin, ymax, False),
            (xmax, ymax, True),
        ]
        # Beside a box that the label would hide.
        if ymax - ymin < 4 * half_height:
            middle = (ymin + ymax) / 2
            candidates = [(xmax, middle, False), (xmin, middle, True), *candidates]
        for x, y, leftward in candidates:
            left = x - widths[row] * scale if leftward else x
            right = left + widths[row] * scale
            clash = (
                (taken[:, 0] < right)
                & (left < taken[:, 2])
                & (taken[:, 1] < y + half_height)
                & (y - half_height < taken[:, 3])
            )
            if left >= 0 and right <= size[0] and not clash.any():
                places[row] = (x, y, leftward)
                taken = np.vstack([taken, [left, y - half_height, right, y + half_height]])
                break
    return places


def _layers(detections: Detections) -> NDArray[np.int64]:
    """(N,) int64: a layer for each box, such that of two that overlap the smaller is drawn later.

    Traces are drawn by layer, then by class id, and inside a trace by falling area; so boxes share
    a layer wherever that order is right already, and a picture without overlaps has one.
    """
    boxes, class_ids = detections.boxes, detections.class_ids
    order = np.argsort(-_areas(boxes), kind="stable")
    layers = np.zeros(len(boxes), dtype=np.int64)
    for position, row in enumerate(order):
        larger = order[:position]
        overlaps = (
            (boxes[larger, 0] < boxes[row, 2])
            & (boxes[row, 0] < boxes[larger, 2])
            & (boxes[larger, 1] < boxes[row, 3])
            & (boxes[row, 1] < boxes[larger, 3])
        )
        below = larger[overlaps]
        needs = layers[below] + (class_ids[below] > class_ids[row])
        layers[row] = needs.max(initial=0)
    return layers


def _rows_by_class(
    detections: Detections, mask: NDArray[np.bool_] | None = None
) -> list[tuple[int, NDArray[np.int64]]]:
    """(class id, rows in order of score) of each class that has any, by class id."""
    rows = np.arange(len(detections)) if mask is None else np.flatnonzero(mask)
    class_ids = detections.class_ids[rows]
    return [(int(class_id), rows[class_ids == class_id]) for class_id in np.unique(class_ids)]


def _bar_geometry(detections: Detections, rows: NDArray[np.int64]) -> dict[str, list[float]]:
    """A bar's middle and width along x, its base and length along y."""
    boxes = detections.boxes[rows].astype(np.float64)
    return {
        "x": [_rounded(value) for value in (boxes[:, 0] + boxes[:, 2]) / 2],
        "width": [_rounded(value) for value in boxes[:, 2] - boxes[:, 0]],
        "base": [_rounded(value) for value in boxes[:, 1]],
        "y": [_rounded(value) for value in boxes[:, 3] - boxes[:, 1]],
    }


def _selected(picked: str | None, shown: list[str], everything: list[str]) -> list[int] | None:
    """Plotly's `selectedpoints`: None dims nothing, an empty list dims all of the trace."""
    if picked is None or picked not in everything:
        return None
    return [index for index, name in enumerate(shown) if name == picked]


def _pixel_size(detections: Detections, row: int) -> tuple[int, int]:
    xmin, ymin, xmax, ymax = (float(value) for value in detections.boxes[row])
    return round(xmax - xmin), round(ymax - ymin)


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _height_for(size: tuple[int, int]) -> int:
    width, height = size
    return round(min(max(960 * height / width, 260), 680)) + _LEGEND_HEIGHT


def _rounded(value: float, digits: int = 2) -> float:
    """The number without binary noise: a hundredth of a pixel is enough for the screen."""
    return round(float(value), digits)


def _rgba(color: str, alpha: float) -> str:
    red, green, blue = (int(color[index : index + 2], 16) for index in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _text_width(text: str) -> float:
    """Width in pixels of a text in Helvetica's metrics; other letters count as wide ones."""
    ems = sum(
        _HELVETICA_WIDTHS.get(character, 600 if ord(character) < 0x2E80 else 1000)
        for character in text
    )
    return ems / 1000 * _FONT_SIZE


# Widths in thousandths of an em, from Helvetica's font metrics file.
_HELVETICA_WIDTHS = {
    character: width
    for width, characters in {
        191: "'",
        222: "ijl",
        260: "|",
        278: " \u00a0!,./:;I[\\]ft",
        333: "()-r`",
        334: "{}",
        355: '"',
        389: "*",
        469: "^",
        500: "Jckvsxyz",
        556: "#$0123456789?L_abdeghnopqu",
        584: "+<=>~",
        611: "FTZ",
        667: "&ABEKPSVXY",
        722: "CDHNRUw",
        778: "GOQ",
        833: "Mm",
        889: "%",
        944: "W",
        1015: "@",
    }.items()
    for character in characters
}
