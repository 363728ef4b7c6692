"""Measures of up to six models over the same images, a column each beside A."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from dashboard import paper
from dashboard.compare.sides import Side
from detector.errors import LensError
from detector.evaluation import bootstrap
from detector.evaluation.bootstrap import Floats, Measures
from detector.evaluation.matching import Matches
from detector.evaluation.pairing import SIDE_COLORS
from detector.report.document import Row, Table
from detector.translation import _, plural

FEW = 10  # objects; fewer, and a figure can be luck whatever its interval says


@dataclass(frozen=True, eq=False)
class Judged:
    """A model's matches over images, and its measures in each resample of them."""

    matches: Matches
    measures: Measures


@dataclass(frozen=True, eq=False)
class Column:
    """A model beside A.

    Attributes:
        own: None where it has no answer.
        of_a: what A measures on the images that this model has answered.
        lacking: how many images it has not answered that A has.
        error: why.
    """

    side: Side
    own: Judged | None
    of_a: Judged
    lacking: int = 0
    error: LensError | None = None

    @property
    def heading(self) -> str:
        """Who it is; what it lacks, and why."""
        if self.own is None:
            return f"{self.side.name} · {no_answer(self.error)}"
        if not self.lacking:
            return self.side.name
        lacks = plural("lacks {count} image", "lacks {count} images", self.lacking)
        return f"{self.side.name} · {lacks}" + (f": {_headline(self.error)}" if self.error else "")


@dataclass(frozen=True)
class Cell:
    """A measure of a model: its value, the difference to A with its interval, and what that says.
    NaN and "" where there is none."""

    value: float
    change: float
    interval: tuple[float, float]
    says: str
    is_best: bool = False

    @property
    def figure(self) -> str:
        return paper.ABSENT if math.isnan(self.value) else f"{self.value:.3f}"

    @property
    def beside(self) -> str:
        """The difference, its interval, and in words."""
        low, high = self.interval
        if math.isnan(low):
            return ""
        told = f"{self.change:+.3f} ({low:+.2f} … {high:+.2f})"
        return f"{told} {self.says}".rstrip()


@dataclass(frozen=True)
class Measured:
    """A row: what is measured, over how many objects, and a cell a column."""

    name: str
    objects: int
    cells: Sequence[Cell]


def no_answer(error: LensError | None) -> str:
    """That a model has no answer at all, and why."""
    return _("no answer: {error}", error=_headline(error))


def _headline(error: LensError | None) -> str:
    return str(error).partition(": ")[0]


def over_all(
    columns: Sequence[Column], measures: Mapping[str, str], objects: int
) -> list[Measured]:
    """A row a measure, over all classes.

    Args:
        measures: what each is called -> its field of `Measures`.
        objects: how many there are.
    """
    return [
        _row(_(name), objects, [_pair(column, field, None) for column in columns], columns)
        for name, field in measures.items()
    ]


def by_class(
    columns: Sequence[Column], field: str, objects: Mapping[int, int], labels: Sequence[str]
) -> list[Measured]:
    """A row a class.

    Args:
        field: the measure, of `Measures`.
        objects: how many there are, by class id.
    """
    return [
        _row(labels[c], count, [_pair(column, field, c) for column in columns], columns)
        for c, count in objects.items()
    ]


def _pair(column: Column, field: str, class_id: int | None) -> tuple[Floats, Floats] | None:
    """A measure of A and of the column's model, in each resample."""
    if column.own is None:
        return None
    of_a, own = (
        each.measures.overall[field]
        if class_id is None
        else getattr(each.measures, field)[:, class_id]
        for each in (column.of_a, column.own)
    )
    return of_a, own


def _row(
    name: str,
    objects: int,
    pairs: Sequence[tuple[Floats, Floats] | None],
    columns: Sequence[Column],
) -> Measured:
    values = [math.nan if pair is None else float(pair[1][0]) for pair in pairs]
    # Over other images a value is no better and no worse.
    rivals = [round(v, 3) for v, c in zip(values, columns, strict=True) if not c.lacking]
    rivals = [value for value in rivals if not math.isnan(value)]
    best = max(rivals) if len(set(rivals)) > 1 else math.inf
    cells = []
    for pair, value, column in zip(pairs, values, columns, strict=True):
        is_best = not column.lacking and round(value, 3) == best
        if pair is None or column.side.letter == "a":
            cells.append(Cell(value, math.nan, (math.nan, math.nan), "", is_best))
            continue
        difference = pair[1] - pair[0]
        interval = bootstrap.interval(difference)
        says = _says(*interval, objects)
        cells.append(Cell(value, float(difference[0]), interval, says, is_best))
    return Measured(name, objects, cells)


def _says(low: float, high: float, objects: int) -> str:
    if math.isnan(low) or low <= 0 <= high:
        return ""
    if objects < FEW:
        return _("better, of few objects") if low > 0 else _("worse, of few objects")
    return _("better") if low > 0 else _("worse")


def how() -> str:
    """How the table is read."""
    return _(
        "Under each value: the difference to A and its 95 % interval, of {count} bootstrap"
        " resamples over the images, the same draws for all. Where neither *better* nor *worse* is"
        " said, it may be luck. *Best* is the highest value of a row, by itself no proof.",
        count=bootstrap.RESAMPLES,
    )


def show(
    columns: Sequence[Column],
    groups: Sequence[tuple[str, Sequence[Measured]]],
    labels: Sequence[str],
) -> None:
    """The table; on a narrow screen it scrolls sideways by itself.

    Args:
        groups: what rows have in common, and the rows.
        labels: index = class id, background first.
    """
    heads = ""
    for each in columns:
        side, told = each.side, each.heading
        if side.settings != columns[0].side.settings:
            told += f" · {paper.settings_in_words(side.settings, labels)}"
        heads += (
            f'<th scope="col"><b class="lens-side" style="background:{SIDE_COLORS[side.letter]}">'
            f"{side.letter.upper()}</b><span>{html.escape(told)}</span>"
        )
    bodies = ""
    for group, rows in groups:
        told = "".join(
            f'<tr><th scope="row">{html.escape(row.name)}<td>{row.objects}'
            f"{''.join(map(_as_html, row.cells))}"
            for row in rows
        )
        title = f'<tr><th scope="rowgroup" colspan="{len(columns) + 2}">{html.escape(group)}'
        bodies += f"<tbody>{title}{told}</tbody>"
    label = html.escape(_("Measures, a column a model"))
    with st.container(key="set_columns"):
        st.html(
            f'<div class="lens-wide" tabindex="0" role="region" aria-label="{label}">'
            f'<table class="lens-classes lens-models" style="min-width:{11 + 8 * len(columns)}rem">'
            f'<thead><tr><th scope="col">{_("Class")}<th scope="col">{_("Objects")}{heads}</thead>'
            f"{bodies}</table></div>"
        )


def _as_html(cell: Cell) -> str:
    value = f"<b>{cell.figure}</b> <em>{_('best')}</em>" if cell.is_best else cell.figure
    return f"<td><span>{value}</span><small>{html.escape(cell.beside)}</small>"


def as_tables(
    columns: Sequence[Column], groups: Sequence[tuple[str, Sequence[Measured]]]
) -> list[Table]:
    """What `show` shows, a table a group."""
    letters = [column.side.letter.upper() for column in columns]
    return [
        Table(
            (group, _("Objects"), *letters),
            [Row([row.name, str(row.objects), *map(_as_text, row.cells)]) for row in rows],
            frozenset(letters),
        )
        for group, rows in groups
    ]


def _as_text(cell: Cell) -> str:
    value = f"{cell.figure} ({_('best')})" if cell.is_best else cell.figure
    return f"{value}; {cell.beside}" if cell.beside else value


def objects_of(judged: Judged, class_count: int) -> Mapping[int, int]:
    """How many objects of each class there are, by class id; of those that have any."""
    truths = judged.matches.comparison.truths
    counted = np.bincount(truths.class_ids[~truths.ignored], minlength=class_count)
    return {c: int(counted[c]) for c in range(1, class_count) if counted[c]}
