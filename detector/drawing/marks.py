"""How a box and its label are drawn in a Plotly figure: the parts that all figures share.

A box is a bar with a soft halo; a label is a chip (a scatter marker) with text on it. Boxes come in
groups, the classes or whatever gives them their colour, and each group has its own traces.
"""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.drawing.colors import text_color
from detector.ssd import Detections

Boxes = NDArray[np.float32]
# Plain dictionaries: Plotly checks a trace of its own type twice, which is most of the time.
Trace = dict[str, Any]
# (x, y) of a label's left end and False, or of its right end and True.
Place = tuple[float, float, bool]

# Arial, Helvetica, Liberation Sans and Arimo have the same widths, so that a chip fits its text on
# every system.
FONT_FAMILY = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"
FONT_SIZE = 12
CHIP_HEIGHT = 18
# (width, height) that a photo is fitted into on an ordinary screen: labels are laid out for it.
USUAL_SIZE = (860, 620)
# Plotly takes the bar with the least distance to the pointer, and bends that distance by the bar's
# width and by how near its end the pointer is. Against a distance this large both vanish in
# rounding: all bars under the pointer are equally near, and then the last drawn one wins, which is
# the smallest.
HOVER_DISTANCE = 10**17


def halo(boxes: Boxes, color: str) -> Trace:
    """A wide soft outline under each box, dark around light colours and light around dark ones."""
    light = text_color(color) == "#FFFFFF"
    return dict(
        type="bar",
        **bar_geometry(boxes),
        marker={
            "color": "rgba(0,0,0,0)",
            "line": {
                "width": 5,
                "color": "rgba(255,255,255,0.6)" if light else "rgba(0,0,0,0.5)",
            },
        },
        hoverinfo="skip",
        showlegend=False,
    )


def chip_traces(
    places: Sequence[Place], texts: Sequence[str], color: str, common: dict[str, Any]
) -> list[Trace]:
    """A chip and the text on it, at each place.

    Args:
        places: of the labels, as `label_places` gives them.
        color: of the chips.
        common: further properties of both traces.
    """
    widths = [text_width(text) for text in texts]
    place = {
        "x": [rounded(x) for x, _, _ in places],
        "y": [rounded(y) for _, y, _ in places],
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
        **common,
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
            "angle": [90 if left else -90 for _, _, left in places],
            "standoff": [rounded(width / 2) for width in widths],
            "size": [rounded(width / 1.4) for width in widths],
            "line": {"width": CHIP_HEIGHT, "color": color},
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
        text=[escaped(text) for text in texts],
        textposition=["middle left" if left else "middle right" for _, _, left in places],
        textfont={"family": FONT_FAMILY, "size": FONT_SIZE, "color": text_color(color)},
        unselected={"textfont": {"color": text_color(color)}},
    )
    return [chips, names]


def escaped(text: str) -> str:
    """A text for Plotly, which reads its texts as HTML, such that its own letters are shown.

    Quotes stay as they are: Plotly knows no `&quot;`.
    """
    return html.escape(text, quote=False)


def label_texts(found: Detections, labels: Sequence[str]) -> list[str]:
    """ "watch 0.93" for each detection, between two spaces that stay."""
    return [
        f"\u00a0{labels[class_id]} {score:.2f}\u00a0"
        for class_id, score in zip(found.class_ids, found.scores, strict=True)
    ]


def label_places(
    boxes: Boxes,
    texts: Sequence[str],
    size: tuple[int, int],
    first: int | None = None,
    usual_size: tuple[int, int] = USUAL_SIZE,
) -> list[Place | None]:
    """Where each label goes: (x, y) of its left end and False, or of its right end and True.

    None where no place is free.
    The best scored choose first. Labels keep their size on the screen, so
    that what overlaps depends on the zoom: they are laid out for a photo of ordinary size on the
    screen.

    Args:
        boxes: (N, 4) xyxy in pixels of the photo, best first.
        texts: (N,) of the labels.
        size: (width, height) of the photo.
        first: a row that chooses before all others.
        usual_size: (width, height) that the photo is fitted into on an ordinary screen.
    """
    places: list[Place | None] = [None] * len(boxes)
    scale = max(size[0] / usual_size[0], size[1] / usual_size[1])
    half_height = CHIP_HEIGHT / 2 * scale
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
        width = text_width(texts[row]) * scale
        for x, y, leftward in candidates:
            left = x - width if leftward else x
            right = left + width
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


def layers(boxes: Boxes, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) int64: a layer for each box, such that of two that overlap the smaller is drawn later.

    Traces are drawn by layer, then by group, and inside a trace by falling area; so boxes share
    a layer wherever that order is right already, and an image without overlaps has one.
    """
    order = np.argsort(-areas(boxes), kind="stable")
    found = np.zeros(len(boxes), dtype=np.int64)
    for position, row in enumerate(order):
        larger = order[:position]
        overlaps = (
            (boxes[larger, 0] < boxes[row, 2])
            & (boxes[row, 0] < boxes[larger, 2])
            & (boxes[larger, 1] < boxes[row, 3])
            & (boxes[row, 1] < boxes[larger, 3])
        )
        below = larger[overlaps]
        needs = found[below] + (groups[below] > groups[row])
        found[row] = needs.max(initial=0)
    return found


def rows_by_group(
    groups: NDArray[np.int64], mask: NDArray[np.bool_] | None = None
) -> list[tuple[int, NDArray[np.int64]]]:
    """(group, rows in their order) of each group that has any, by group."""
    rows = np.arange(len(groups)) if mask is None else np.flatnonzero(mask)
    return [(int(group), rows[groups[rows] == group]) for group in np.unique(groups[rows])]


def bar_geometry(boxes: Boxes) -> dict[str, list[float]]:
    """A bar's middle and width along x, its base and length along y; for each box xyxy."""
    boxes = boxes.astype(np.float64)
    return {
        "x": [rounded(value) for value in (boxes[:, 0] + boxes[:, 2]) / 2],
        "width": [rounded(value) for value in boxes[:, 2] - boxes[:, 0]],
        "base": [rounded(value) for value in boxes[:, 1]],
        "y": [rounded(value) for value in boxes[:, 3] - boxes[:, 1]],
    }


def areas(boxes: Boxes) -> NDArray[np.float32]:
    """(N,) of boxes xyxy."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def rounded(value: float, digits: int = 2) -> float:
    """The number without binary noise: a hundredth of a pixel is enough for the screen."""
    return round(float(value), digits)


def rgba(color: str, alpha: float) -> str:
    """Of "#RRGGBB" and an opacity, 0..1."""
    red, green, blue = (int(color[index : index + 2], 16) for index in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def text_width(text: str) -> float:
    """Width in pixels of a text in Helvetica's metrics; other letters count as wide ones."""
    ems = sum(
        _HELVETICA_WIDTHS.get(character, 600 if ord(character) < 0x2E80 else 1000)
        for character in text
    )
    return ems / 1000 * FONT_SIZE


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
