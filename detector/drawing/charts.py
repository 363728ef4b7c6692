"""Charts about thresholds, as Plotly figures: counts, precision and recall, confusion, density.

A click is to mean something everywhere, and of Plotly's traces only bars answer on their whole
area. So a chart over the threshold has one clear bar a step on top of its curves, whose
`customdata` is the threshold; a confusion matrix is made of bars.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from detector.drawing.colors import class_color
from detector.drawing.marks import escaped
from detector.drawing.unchecked import figure
from detector.evaluation.curves import Counts, Curve
from detector.evaluation.pairing import SIDE_COLORS
from detector.ssd import RawPrediction, Settings
from detector.translation import _

CONFIG: dict[str, Any] = {"displayModeBar": False, "doubleClick": False}

# What the sliders offer: 0.01, 0.02 ... 1.00.
GRID: NDArray[np.float64] = np.round(np.arange(1, 101) / 100, 2)

# Readable on light and on dark ground.
_GREY = "#8795A1"
_INK = "#10171B"  # on the cells of the confusion matrix
_CLEAR = "rgba(0,0,0,0)"
_MARK = "#D1495B"
_BAR = "#3F97A6"
_FAINT = 0.15
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_MARGIN = {"l": 8, "r": 8, "t": 30, "b": 8}
# Of the precision-recall curves: more points than can be told apart only cost time.
_MOST_POINTS = 240

Trace = dict[str, Any]
_Look = tuple[str, str, str]  # of a cell: its text, its colour, and in words what it is


def counts(
    counted: NDArray[np.int64],
    histogram: NDArray[np.int64],
    labels: Sequence[str],
    settings: Settings,
    chosen: int = 0,
) -> go.Figure:
    """How many boxes each threshold shows, a curve a class; below it how many scores lie where.

    `customdata` of a clicked point is the threshold of that place.

    Args:
        counted: (100, C) boxes at each threshold of GRID.
        histogram: (50, C) boxes by score, in steps of 0.02.
        labels: index = class id, background first.
        settings: the thresholds to mark.
        chosen: id of the class that stands out; 0 for none.
    """
    labels = [escaped(label) for label in labels]
    traces: list[Trace] = []
    for class_id, label in enumerate(labels[1:], start=1):
        if counted[:, class_id].any():
            own = settings.class_thresholds.get(class_id)
            columns = counted[:, class_id], histogram[:, class_id]
            traces += _class_counts(*columns, class_id, label, own)
    most = max(int(counted.max(initial=0)), 1)
    words = [
        f"<b>{threshold:.2f}</b>: {_listed(row, labels)}"
        for threshold, row in zip(GRID, counted, strict=True)
    ]
    tallest = max(int(histogram.sum(axis=1).max(initial=0)), 1)
    traces.append(_catcher(GRID, 0.5, 1.7 * most, words))
    traces.append({**_catcher(GRID, 0, 1.05 * tallest, words), "yaxis": "y2"})
    return _figure(
        _standing_out(traces, chosen),
        height=430,
        xaxis=_threshold_axis(anchor="y2"),
        yaxis={
            "type": "log",
            "title": {"text": _("Boxes")},
            "range": [np.log10(0.8), np.log10(1.7 * most)],
            "domain": [0.42, 1],
            "dtick": 1,
            "fixedrange": True,
        },
        yaxis2={
            "title": {"text": _("Scores")},
            "domain": [0, 0.34],
            "range": [0, 1.05 * tallest],
            "fixedrange": True,
            "nticks": 4,
        },
        shapes=[_mark(settings.score_threshold)],
        barmode="stack",
    )


def rates(
    curves: Mapping[int | None, Curve],
    labels: Sequence[str],
    settings: Settings,
    chosen: int = 0,
) -> go.Figure:
    """Precision, recall and F1 against the threshold, a curve a class and one over all.

    `customdata` of a clicked point is the threshold of that place.

    Args:
        curves: by class id; None = all classes together.
        labels: index = class id, background first.
        settings: the thresholds to mark.
        chosen: id of the class that stands out; 0 for none.
    """
    labels = [escaped(label) for label in labels]
    traces: list[Trace] = []
    at_grid = {class_id: curve.at(GRID) for class_id, curve in curves.items()}
    names = (_("Precision"), _("Recall"), "F1")
    for row, name in enumerate(names, start=1):
        axis = "y" if row == 1 else f"y{row}"
        for class_id, found in at_grid.items():
            values = _rate(found, name)
            label, color = _name_and_color(class_id, labels)
            line = _line(GRID, _numbers(values), label, color, class_id or 0)
            line |= {"yaxis": axis, "showlegend": row == 1}
            line["line"] = {"color": color, "width": 3.5 if class_id is None else 1.5}
            traces.append(line)
            own = settings.class_thresholds.get(class_id or 0)
            if own is not None and class_id is not None:
                value = float(_rate(curves[class_id].at(own), name))
                traces.append({**_point(own, value, color, class_id), "yaxis": axis})
        words = [
            _(
                "<b>{threshold}</b> · {rate} over all {value}",
                threshold=f"{threshold:.2f}",
                rate=name,
                value=rate(_rate(at_grid[None], name)[place]),
            )
            for place, threshold in enumerate(GRID)
        ]
        traces.append({**_catcher(GRID, 0, 1.02, words), "yaxis": axis})
    axes = {
        "yaxis" if row == 1 else f"yaxis{row}": {
            "title": {"text": name},
            "domain": [round(1.08 - row * 0.36, 2), round(1.36 - row * 0.36, 2)],
            "range": [0, 1.02],
            "fixedrange": True,
            "nticks": 5,
        }
        for row, name in enumerate(names, start=1)
    }
    return _figure(
        _standing_out(traces, chosen),
        height=600,
        xaxis=_threshold_axis(anchor="y3"),
        shapes=[_mark(settings.score_threshold)],
        **axes,
    )


def precision_recall(
    curves: Mapping[int | None, Curve],
    average_precisions: Mapping[int | None, float],
    labels: Sequence[str],
    settings: Settings,
    chosen: int = 0,
) -> go.Figure:
    """Precision against recall, a curve a class and one over all, AP in the legend.

    `customdata` of a clicked point is [threshold, class id or 0 for all].

    Args:
        curves: by class id; None = all classes together.
        average_precisions: AP by class id; None = their mean.
        labels: index = class id, background first.
        settings: the thresholds to mark.
        chosen: id of the class that stands out; 0 for none.
    """
    labels = [escaped(label) for label in labels]
    traces: list[Trace] = []
    for class_id, curve in curves.items():
        label, color = _name_and_color(class_id, labels)
        traces.append(
            _precision_recall_line(class_id, curve, average_precisions[class_id], label, color)
        )
        here = curve.at(settings.threshold_of(class_id or 0))
        if class_id is not None or not settings.class_thresholds:
            traces.append(
                _point(float(here.recall), float(here.precision), color, class_id or 0, size=12)
            )
    return _precision_recall(_standing_out(traces, chosen), 560)


def precision_recall_of_sides(
    curves: Mapping[str, Curve],
    average_precisions: Sequence[float],
    settings: Sequence[Settings],
    class_id: int | None = None,
) -> go.Figure:
    """Precision against recall of A, B and further models, with AP in the legend.

    Args:
        curves: by the side's letter, "a" to "f".
        average_precisions: theirs.
        settings: what marks on each curve where the side stands.
        class_id: the class that the curves are of; None = all classes together.
    """
    traces: list[Trace] = []
    for place, ((letter, curve), ap, used) in enumerate(
        zip(curves.items(), average_precisions, settings, strict=True)
    ):
        name, color = letter.upper(), SIDE_COLORS[letter]
        line = _precision_recall_line(class_id, curve, ap, name, color)
        drawn = {"color": color, "width": 2.5, "dash": _DASHES[max(place - 1, 0)]}
        traces.append({**line, "legendgroup": name, "line": drawn})
        if class_id is not None or not used.class_thresholds:
            here = curve.at(used.threshold_of(class_id or 0))
            point = _point(float(here.recall), float(here.precision), color, 0, size=12)
            traces.append({**point, "legendgroup": name})
    return _precision_recall(traces, 470)


def _precision_recall(traces: list[Trace], height: int) -> go.Figure:
    axis = {"range": [-0.01, 1.03], "fixedrange": True, "nticks": 6}
    return _figure(
        traces,
        height=height,
        xaxis={**axis, "title": {"text": _("Recall: found objects / all objects")}},
        yaxis={**axis, "title": {"text": _("Precision: correct boxes / boxes shown")}},
        hoverdistance=40,
    )


@dataclass(frozen=True)
class SliceBar:
    """A slice in a chart.

    Attributes:
        objects: how many its value rests on.
        value: 0..1, or NaN.
        interval: of it, from and to; NaN where there is none.
    """

    name: str
    objects: int
    value: float
    interval: tuple[float, float]


def slices(bars: Sequence[SliceBar], measure: str, few: int) -> go.Figure:
    """A bar a slice with its interval; hatched where it rests on few objects.

    `customdata` of a clicked point is [the slice's place].
    """
    values = [0.0 if np.isnan(bar.value) else bar.value for bar in bars]
    whiskers = [
        (0.0, 0.0)
        if np.isnan(bar.interval[0])
        else (bar.value - bar.interval[0], bar.interval[1] - bar.value)
        for bar in bars
    ]
    names = [escaped(bar.name) for bar in bars]
    texts = ["–" if np.isnan(bar.value) else f"{bar.value:.3f}" for bar in bars]
    told = [
        f"{name}<br>{escaped(measure)} {text}<br>" + _("{count} objects", count=bar.objects)
        for name, text, bar in zip(names, texts, bars, strict=True)
    ]
    trace: Trace = {
        "type": "bar",
        "x": names,
        "y": values,
        "customdata": [[place] for place in range(len(bars))],
        "text": texts,
        "textposition": "inside",
        "insidetextanchor": "start",
        "hovertext": told,
        "hoverinfo": "text",
        "marker": {
            "color": _BAR,
            "pattern": {"shape": ["/" if bar.objects < few else "" for bar in bars]},
        },
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high) for _low, high in whiskers],
            "arrayminus": [max(0.0, low) for low, _high in whiskers],
            "color": _GREY,
            "thickness": 2,
        },
    }
    axis = {"title": {"text": escaped(measure)}, "range": [0, 1.03], "fixedrange": True}
    return _figure(
        [trace], height=300, yaxis=axis, xaxis={"fixedrange": True}, bargap=0.35, showlegend=False
    )


def confusion(cells: NDArray[np.int64], labels: Sequence[str]) -> go.Figure:
    """The confusion matrix: rows are true classes, columns what was found; each cell clickable.

    `customdata` of a clicked point is [true class id, found class id].

    Args:
        cells: (C, C) counts; row 0 = there is nothing, column 0 = not found.
        labels: index = class id, background first.
    """
    labels = [escaped(label) for label in labels]
    most = _most(cells)

    def look(true: int, found: int) -> _Look:
        count = int(cells[true, found])
        text = str(count) if count else ""
        return text, _shade(count / most, true == found), _in_words(count, labels, true, found)

    return _matrix(labels, look)


def confusion_change(
    a: NDArray[np.int64], b: NDArray[np.int64], labels: Sequence[str]
) -> go.Figure:
    """What changes in the confusion matrix from A to B: green where B is better, red where worse.

    Args:
        a: (C, C) counts, as of `confusion`.
        b: the same of the other side.
        labels: index = class id, background first.
    """
    labels = [escaped(label) for label in labels]
    change = b - a
    most = _most(np.abs(change))

    def look(true: int, found: int) -> _Look:
        here = int(change[true, found])
        is_better = (here > 0) == (true == found)
        words = _change_in_words(int(a[true, found]), int(b[true, found]), labels, true, found)
        return f"{here:+d}" if here else "", _shade(abs(here) / most, is_better), words

    return _matrix(labels, look)


def _most(cells: NDArray[np.int64]) -> int:
    """The largest of the cells that are shown, at least 1."""
    shown = cells.copy()
    shown[0, 0] = 0
    return max(int(shown.max(initial=1)), 1)


def _matrix(labels: Sequence[str], look: Callable[[int, int], _Look]) -> go.Figure:
    columns = [*labels[1:], _("not found")]
    rows = [*labels[1:], _("nothing there")]
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False}
    return _figure(
        [_cells(len(labels), look)],
        height=470,
        xaxis={
            **axis,
            "side": "top",
            "tickvals": list(range(len(columns))),
            "ticktext": columns,
            "title": {"text": _("Detected")},
            "range": [-0.5, len(columns) - 0.5],
        },
        yaxis={
            **axis,
            "tickvals": list(range(len(rows))),
            "ticktext": rows,
            "title": {"text": _("Ground truth")},
            "range": [len(rows) - 0.5, -0.5],
        },
        barmode="overlay",
        margin={**_MARGIN, "t": 8},
    )


def density(
    raw: RawPrediction, size: tuple[int, int], image_uri: str, cells: int = 38
) -> go.Figure:
    """Where the priors fire: the highest score of any class at each place, over the photo.

    Args:
        raw: the model's output for the image.
        size: (width, height) of the original image.
        image_uri: the photo, a data URI or a URL.
        cells: places a side; 38 is the finest grid of the model's priors.
    """
    best = raw.scores[:, 1:].max(axis=1)
    centres = (raw.priors[:, :2] + raw.priors[:, 2:]) / 2
    columns, rows = (centres * cells).astype(np.int64).clip(0, cells - 1).T
    heat = np.zeros((cells, cells))
    np.maximum.at(heat, (rows, columns), best)
    width, height = size
    step = (width / cells, height / cells)
    trace = {
        "type": "heatmap",
        "z": np.round(heat, 3).tolist(),
        "x0": step[0] / 2,
        "dx": step[0],
        "y0": step[1] / 2,
        "dy": step[1],
        "zmin": 0,
        "zmax": 1,
        "zsmooth": "best",
        "colorscale": [
            [0, "rgba(20,10,60,0.55)"],
            [0.05, "rgba(70,10,120,0.5)"],
            [0.3, "rgba(200,50,90,0.5)"],
            [0.6, "rgba(250,150,40,0.5)"],
            [1, "rgba(255,250,150,0.6)"],
        ],
        "showscale": False,
        "hovertemplate": _("best score here {score}", score="%{z:.2f}") + "<extra></extra>",
    }
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    photo = {
        "source": image_uri,
        "xref": "x",
        "yref": "y",
        "x": 0,
        "y": 0,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }
    return _figure(
        [trace],
        height=int(np.clip(400 * height / width, 200, 420)),
        xaxis={**axis, "range": [0, width]},
        yaxis={**axis, "range": [height, 0], "scaleanchor": "x"},
        images=[photo],
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )


def belief(
    shares: Sequence[float], deleted: Sequence[float], inserted: Sequence[float]
) -> go.Figure:
    """How much of a box is left as a saliency map's best pixels are hidden, or alone are shown.

    Args:
        shares: of the pixels, 0..1.
        deleted: what is left of the box at each as that share is hidden, 0..1.
        inserted: the same as that share alone is shown.
    """
    lines = (
        (_("Hidden, the most important first"), deleted, _MARK),
        (_("Shown alone, the most important first"), inserted, "#0072B2"),
    )
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": list(shares),
            "y": list(left),
            "name": name,
            "line": {"color": color, "width": 2},
            "hovertemplate": "%{x:.0%}: <b>%{y:.2f}</b><extra></extra>",
        }
        for name, left, color in lines
    ]
    return _figure(
        traces,
        height=230,
        xaxis={
            "title": {"text": _("Share of the pixels")},
            "tickformat": ".0%",
            "range": [0, 1],
            "fixedrange": True,
        },
        yaxis={"title": {"text": _("Left of the box")}, "range": [0, 1.05], "fixedrange": True},
    )


@dataclass(frozen=True)
class BoxLine:
    """What is left of a box at each level of a sweep.

    Attributes:
        box_id: `customdata` of its points.
        name: "watch 0.93".
        scores, ious: 0..1 at each level; NaN where the box is not in the picture.
    """

    box_id: str
    class_id: int
    name: str
    scores: NDArray[np.float64]
    ious: NDArray[np.float64]


_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MOST_NAMED = 8  # lines with a legend entry each; of more there is one a class


def sweep(
    boxes: Sequence[BoxLine],
    levels: Sequence[str],
    axis: str,
    labels: Sequence[str],
    settings: Settings,
    *,
    usual: int,
    now: float | None = None,
    picked: str | None = None,
) -> go.Figure:
    """Score and, below it, IoU of each box against how much the image is altered.

    Args:
        levels: the levels in words; they are drawn evenly apart.
        axis: what is altered.
        labels: index = class id, background first.
        settings: the thresholds to mark.
        usual: index of the level that alters nothing.
        now: where the image that is looked at stands, as an index of the levels.
        picked: id of the box that stands out.
    """
    traces: list[Trace] = []
    so_far: dict[int, int] = {}
    of_class = Counter(box.class_id for box in boxes)
    named_alone = len(boxes) <= _MOST_NAMED
    usual_width = 2 if named_alone else 1
    for box in boxes:
        number = so_far[box.class_id] = so_far.get(box.class_id, -1) + 1
        label = escaped(labels[box.class_id])
        name = escaped(box.name) if named_alone else f"{label} · {of_class[box.class_id]}"
        for values, y_axis in ((box.scores, "y"), (box.ious, "y2")):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "x": list(range(len(levels))),
                    "y": _numbers(values),
                    "yaxis": y_axis,
                    "name": name,
                    "legendgroup": box.box_id if named_alone else str(box.class_id),
                    "showlegend": y_axis == "y" and (named_alone or number == 0),
                    "customdata": [box.box_id] * len(levels),
                    "line": {
                        "color": class_color(box.class_id),
                        "width": 3.5 if box.box_id == picked else usual_width,
                        "dash": _DASHES[number % len(_DASHES)] if named_alone else "solid",
                    },
                    "marker": {
                        "size": 7 if named_alone else 4,
                        "color": class_color(box.class_id),
                    },
                    "opacity": 1 if picked in (None, box.box_id) else _FAINT,
                    "unselected": {"marker": {"opacity": 1}},
                    "meta": [escaped(box.name)],
                    "text": list(levels),
                    "hovertemplate": "%{meta[0]} · %{text}: <b>%{y:.2f}</b><extra></extra>",
                }
            )
    own = {box.class_id: settings.class_thresholds.get(box.class_id) for box in boxes}
    marks = [_level_of(value, class_color(class_id)) for class_id, value in own.items() if value]
    if None in own.values() or not own:
        marks.append(_level_of(settings.score_threshold, _MARK))
    upright = {"type": "line", "y0": 0, "y1": 1, "yref": "paper"}
    line = {"color": _GREY, "width": 1}
    marks.append({**upright, "x0": usual, "x1": usual, "line": line})
    if now is not None and now != usual:
        marks.append({**upright, "x0": now, "x1": now, "line": {**line, "width": 2, "dash": "dot"}})
    scale = {"range": [-0.03, 1.05], "fixedrange": True, "nticks": 6, "zeroline": False}
    return _figure(
        traces,
        height=430,
        xaxis=_levels_axis(levels, axis, anchor="y2"),
        yaxis={**scale, "title": {"text": _("Score")}, "domain": [0.42, 1]},
        yaxis2={**scale, "title": {"text": "IoU"}, "domain": [0, 0.36], "nticks": 4},
        shapes=marks,
        hoverdistance=40,
    )


def precision_against(
    precisions: Mapping[int | None, NDArray[np.float64]],
    levels: Sequence[str],
    axis: str,
    labels: Sequence[str],
    *,
    usual: int,
) -> go.Figure:
    """Average precision against how much the images are altered.

    Args:
        precisions: 0..1 at each level, by class id; None = the mean over the classes; NaN where
            there is nothing to find.
        levels: the levels in words; they are drawn evenly apart.
        axis: what is altered.
        labels: index = class id, background first.
        usual: index of the level that alters nothing.
    """
    names = [escaped(label) for label in labels]
    traces: list[Trace] = []
    for class_id, values in precisions.items():
        label, color = _name_and_color(class_id, names)
        kind = "mAP" if class_id is None else "AP"
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": list(range(len(levels))),
                "y": _numbers(values),
                "name": label,
                "line": {"color": color, "width": 4 if class_id is None else 1.5},
                "marker": {"size": 9 if class_id is None else 5, "color": color},
                "unselected": {"marker": {"opacity": 1}},
                "meta": [label],
                "text": list(levels),
                "hovertemplate": (
                    f"%{{meta[0]}} · %{{text}}: {kind} <b>%{{y:.3f}}</b><extra></extra>"
                ),
            }
        )
    line = {"color": _GREY, "width": 1}
    mark = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "x0": usual, "x1": usual}
    return _figure(
        traces,
        height=420,
        xaxis=_levels_axis(levels, axis),
        yaxis={
            "title": {"text": _("Average precision at IoU 0.5")},
            "range": [-0.03, 1.05],
            "fixedrange": True,
            "zeroline": False,
            "nticks": 6,
        },
        shapes=[{**mark, "line": line}],
        hoverdistance=40,
    )


def _levels_axis(levels: Sequence[str], title: str, **more: Any) -> dict[str, Any]:
    return {
        "title": {"text": title},
        "tickvals": list(range(len(levels))),
        "ticktext": [escaped(level) for level in levels],
        "range": [-0.4, len(levels) - 0.6],
        "fixedrange": True,
        "zeroline": False,
        **more,
    }


def _level_of(threshold: float, color: str) -> dict[str, Any]:
    """A score threshold, as a line across the upper panel."""
    line = {"color": color, "width": 2, "dash": "dot"}
    place = {"x0": 0, "x1": 1, "xref": "paper", "y0": threshold, "y1": threshold, "yref": "y"}
    return {"type": "line", **place, "line": line}


def rate(value: float | NDArray[np.float64]) -> str:
    """A precision, recall or F1 in writing; NaN is a dash."""
    return "–" if np.isnan(value) else f"{float(value):.2f}"


def _class_counts(
    counted: NDArray[np.int64],
    histogram: NDArray[np.int64],
    class_id: int,
    label: str,
    own: float | None,
) -> list[Trace]:
    """A class's curve, its scores as bars, and a mark at its own threshold where it has one."""
    color = class_color(class_id)
    # A curve on a logarithmic axis ends where nothing is left.
    height = [int(count) if count else None for count in counted]
    bars = {
        "type": "bar",
        "x": np.round(np.arange(50) * 0.02 + 0.01, 2).tolist(),
        "y": histogram.tolist(),
        "width": 0.019,
        "yaxis": "y2",
        "marker": {"color": color, "line": {"width": 0}},
        "hoverinfo": "skip",
        "legendgroup": str(class_id),
        "showlegend": False,
        "unselected": {"marker": {"opacity": 1}},
    }
    traces = [_line(GRID, height, label, color, class_id), bars]
    if own is not None:
        place = int(np.searchsorted(GRID, own - 1e-9))
        traces.append(_point(own, max(int(counted[place]), 1), color, class_id))
    return traces


def _cells(class_count: int, look: Callable[[int, int], _Look]) -> Trace:
    """The cells of a confusion matrix as bars; the background's row and column come last.

    Args:
        look: what a cell has in it, by its true class and the class found.
    """
    order = [*range(1, class_count), 0]
    last = len(order) - 1  # nothing there and not found: no box can be behind that
    places = [
        (row, column)
        for row in range(len(order))
        for column in range(len(order))
        if (row, column) != (last, last)
    ]
    chosen = [(order[row], order[column]) for row, column in places]
    texts, colors, words = zip(*(look(true, found) for true, found in chosen), strict=True)
    return {
        "type": "bar",
        "x": [column for _, column in places],
        "base": [row - 0.48 for row, _ in places],
        "y": [0.96] * len(places),
        "width": 0.96,
        "customdata": [list(cell) for cell in chosen],
        "marker": {"color": list(colors), "line": {"width": 0}},
        "text": list(texts),
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": _INK},
        "hovertext": list(words),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 0.75}, "textfont": {"color": _INK}},
        "showlegend": False,
    }


def _figure(traces: list[Trace], *, height: int, **layout: Any) -> go.Figure:
    whole = {
        "height": height,
        "margin": _MARGIN,
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "clickmode": "event+select",
        "dragmode": False,
        "hovermode": "closest",
        "bargap": 0,
        "legend": _LEGEND,
        **layout,
    }
    return figure(traces, whole)


def _standing_out(traces: list[Trace], chosen: int) -> list[Trace]:
    """The chosen class as it is, what is of others faint. What takes the clicks is of none."""
    if not chosen:
        return traces
    alike = (None, str(chosen))
    return [
        trace if trace.get("legendgroup") in alike else {**trace, "opacity": _FAINT}
        for trace in traces
    ]


def _threshold_axis(**more: Any) -> dict[str, Any]:
    return {
        "title": {"text": _("Score threshold")},
        "range": [0, 1.01],
        "fixedrange": True,
        "nticks": 11,
        **more,
    }


def _line(x: NDArray[np.float64], y: list[Any], label: str, color: str, class_id: int) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x.tolist(),
        "y": y,
        "name": label,
        "line": {"color": color, "width": 2},
        "legendgroup": str(class_id),
        "hoverinfo": "skip",
    }


def _precision_recall_line(
    class_id: int | None, curve: Curve, average_precision: float, label: str, color: str
) -> Trace:
    kind = "mAP" if class_id is None else "AP"
    ap = "–" if np.isnan(average_precision) else f"{average_precision:.3f}"
    places = slice(None, None, max(1, -(-len(curve.thresholds) // _MOST_POINTS)))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": _numbers(curve.recall[places]),
        "y": _numbers(curve.precision[places]),
        "customdata": [[float(str(t)), class_id or 0] for t in curve.thresholds[places]],
        "name": f"{label} · {kind} {ap}",
        "legendgroup": str(class_id or 0),
        "line": {"color": color, "width": 3 if class_id is None else 1.5},
        "marker": {"color": color, "size": 5},
        "unselected": {"marker": {"opacity": 1}},
        "meta": [label],  # of the words in a hover, the template takes these as they are
        "hovertemplate": (
            _(
                "<b>{label}</b> at {threshold}<br>precision {precision}, recall {recall}",
                label="%{meta[0]}",
                threshold="%{customdata[0]:.2f}",
                precision="%{y:.2f}",
                recall="%{x:.2f}",
            )
            + "<extra></extra>"
        ),
        "legendrank": 1 if class_id is None else 2,
    }


def _point(x: float, y: float, color: str, class_id: int, size: int = 11) -> Trace:
    """A mark on a curve: where it stands now."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [None if np.isnan(y) else y],
        "marker": {
            "symbol": "diamond",
            "size": size,
            "color": color,
            "line": {"width": 2, "color": "#FFFFFF"},
        },
        "unselected": {"marker": {"opacity": 1}},
        "legendgroup": str(class_id),
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _mark(threshold: float) -> dict[str, Any]:
    """The common threshold, as a line through all panels."""
    return {
        "type": "line",
        "x0": threshold,
        "x1": threshold,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": _MARK, "width": 2, "dash": "dot"},
    }


def _catcher(
    thresholds: NDArray[np.float64], base: float, height: float, words: list[str]
) -> Trace:
    """Clear bars, one a threshold, that take the hover and the click anywhere above it."""
    return {
        "type": "bar",
        "x": thresholds.tolist(),
        "base": [base] * len(thresholds),
        "y": [height - base] * len(thresholds),
        "width": 0.01,
        "offset": -0.005,
        "customdata": thresholds.tolist(),
        "hovertext": words,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"color": _CLEAR, "line": {"width": 0}},
        "showlegend": False,
    }


def _name_and_color(class_id: int | None, labels: Sequence[str]) -> tuple[str, str]:
    return (_("All"), _GREY) if class_id is None else (labels[class_id], class_color(class_id))


def _rate(found: Counts, name: str) -> NDArray[np.float64]:
    values = {_("Precision"): found.precision, _("Recall"): found.recall, "F1": found.f1}
    return values[name]


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """For JSON, which has no NaN: a curve has a gap where nothing is shown."""
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _listed(row: NDArray[np.int64], labels: Sequence[str]) -> str:
    parts = [f"{count} {label}" for count, label in zip(row, labels, strict=True) if count]
    return ", ".join(parts) if parts else "no boxes"


def _shade(part: float, right: bool) -> str:
    """Green on the diagonal, red off it; the more, the stronger.

    Opaque and never dark: the number in it is read on light and on dark ground.
    """
    if part == 0:
        return "rgba(128,140,150,0.06)"
    few, many = ((190, 226, 205), (62, 178, 113)) if right else ((245, 200, 198), (240, 104, 100))
    red, green, blue = (round(a + (b - a) * part**0.5) for a, b in zip(few, many, strict=True))
    return f"rgb({red},{green},{blue})"


def _change_in_words(a: int, b: int, labels: Sequence[str], true: int, found: int) -> str:
    if found == 0:
        return _("{label} not found: A {a}, B {b}", a=a, b=b, label=labels[true])
    if true == 0:
        return _("{label} where nothing is: A {a}, B {b}", a=a, b=b, label=labels[found])
    if true == found:
        return _("{label} found: A {a}, B {b}", a=a, b=b, label=labels[true])
    return _(
        "{label} taken for {other}: A {a}, B {b}",
        a=a,
        b=b,
        label=labels[true],
        other=labels[found],
    )


def _in_words(count: int, labels: Sequence[str], true: int, found: int) -> str:
    if found == 0:
        return _("{count} {label} not found", count=count, label=labels[true])
    if true == 0:
        return _("{count} × {label} where nothing is", count=count, label=labels[found])
    if true == found:
        return _("{count} {label} found", count=count, label=labels[true])
    return _(
        "{count} {label} taken for {other}", count=count, label=labels[true], other=labels[found]
    )
