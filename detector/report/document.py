"""What stands in a report, whatever page it is of: plain data, which `page.to_html` writes.

All texts are plain: what looks like HTML or Markdown in them is shown as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import plotly.graph_objects as go

from detector.evaluation.ground_truth import GroundTruth
from detector.ssd import Detections, Settings


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        is_note: a remark on what stands above it, in small letters.
    """

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Measure:
    """A number that stands out, and what it means."""

    name: str
    value: str
    meaning: str = ""


@dataclass(frozen=True)
class Measures:
    """Numbers next to each other."""

    measures: Sequence[Measure]


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        cells: a text a column.
        color: "#RRGGBB" of a square before the first; "" for none.
        is_faint: nothing to see here.
    """

    cells: Sequence[str]
    color: str = ""
    is_faint: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        columns: their names.
        texts: names of the further columns that hold words and no numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Chart:
    """A figure of `detector.drawing.charts`.

    Attributes:
        words: what there is to see, for who does not see it.
    """

    title: str
    figure: go.Figure
    words: str


@dataclass(frozen=True)
class Picture:
    """An image without boxes."""

    jpeg: bytes = field(repr=False)
    size: tuple[int, int]
    words: str


@dataclass(frozen=True, eq=False)
class Photo:
    """An image with its boxes.

    Attributes:
        name: the file's, or the gallery's title.
        caption: what is in it by the settings, in words.
        jpeg: of any resolution but of the original's aspect.
        size: (width, height) of the original, in pixels.
        shown: what the settings show.
        possible: what a lower score threshold could show too, as of `boxes.at_any_threshold`.
        colors: colour of a detection by its id, where it is not its class's.
        truth: what is in the image, drawn dotted.
    """

    name: str
    caption: str
    jpeg: bytes = field(repr=False)
    size: tuple[int, int]
    shown: Detections
    possible: Detections
    colors: dict[str, str] | None = None
    truth: GroundTruth | None = None


@dataclass(frozen=True, eq=False)
class Photos:
    """Images under the same settings, and the slider that moves their score threshold.

    Attributes:
        labels: index = class id, background first.
        title: whose they are, where there are several of these.
        legend: (colour, meaning) where the colours are not those of the classes.
        columns: how many stand next to each other on a wide screen.
    """

    photos: Sequence[Photo]
    settings: Settings
    labels: Sequence[str]
    title: str = ""
    legend: Sequence[tuple[str, str]] = ()
    columns: int = 1


Part: TypeAlias = "Text | Measures | Table | Chart | Picture | Photos | Columns"


@dataclass(frozen=True)
class Columns:
    """Parts next to each other, on a narrow screen and on paper one below the other."""

    parts: Sequence[Sequence[Part]]


@dataclass(frozen=True)
class Section:
    """A heading, "" for none, and what stands below it."""

    heading: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: the page's, and what it is about.
        made: when, with its time zone.
        facts: (name, value) of what it was made with: model, version, settings.
        reading: how to read it, a paragraph each.
    """

    title: str
    made: datetime
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    reading: Sequence[str]
