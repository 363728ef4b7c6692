"""The differences of two sides: their table, and which side is right by the ground truth."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import frame, languages, paper, state
from dashboard.answers import labels_shown
from dashboard.files import ImageFile
from detector.evaluation.pairing import (
    KIND_COLORS,
    KIND_NAMES,
    Kind,
    Pairing,
    Standing,
    Verdict,
    summary,
)
from detector.report.document import Row, Table
from detector.translation import _, noted

SETTINGS = ("same_box_iou", "kinds")
SAME_BOX_IOU = 0.5
MATCH_IOU = 0.5  # with the ground truth: COCO's usual one
VERDICTS = {
    Verdict.A: "A",
    Verdict.B: "B",
    Verdict.BOTH: noted("both"),
    Verdict.NEITHER: noted("neither"),
    Verdict.UNJUDGED: "–",
}


def show_settings() -> tuple[float, list[Kind]]:
    """Draw the settings of the table: when two boxes are one and the same, and what is listed."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        same_iou = st.slider(
            _("Same box from IoU"),
            0.05,
            1.0,
            SAME_BOX_IOU,
            0.05,
            key="same_box_iou",
            width=180,
            bind="query-params",
            help=_(
                "Boxes of A and B are paired one to one where they overlap at least this much "
                "(intersection over union): the highest IoU first, the same class before another."
            ),
        )
        languages.understand("kinds", KIND_NAMES.values(), several=True)
        shown = st.pills(
            _("Listed"),
            list(KIND_NAMES.values()),
            selection_mode="multi",
            default=list(KIND_NAMES.values()),
            key="kinds",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
            wrap=True,
        )
    return float(same_iou), [kind for kind in Kind if KIND_NAMES[kind] in shown]


def reset() -> None:
    """Put the settings back to their defaults, and all kinds of boxes into the figure. For
    callbacks."""
    state.set_widget("same_box_iou", SAME_BOX_IOU)
    state.set_widget("kinds", list(KIND_NAMES.values()))
    state.update(state.Comparison, revision=state.read(state.Comparison).revision + 1)


def picked_row(image: ImageFile, pairing: Pairing, kinds: Sequence[Kind]) -> int | None:
    """The row of the pairing that was clicked in the table, by what it is and not where it was."""
    picked = state.read(state.Comparison).picked
    for row, identity in enumerate(_identities(pairing)):
        if picked == (image.digest, identity) and Kind(int(pairing.kinds[row])) in kinds:
            return row
    return None


def _identities(pairing: Pairing) -> list[tuple[str, str]]:
    """A name for each row: the ids of its boxes, which no threshold changes."""
    a, b = [*pairing.a.ids, ""], [*pairing.b.ids, ""]
    return [(a[i], b[j]) for i, j in zip(pairing.rows_a, pairing.rows_b, strict=True)]


def table(
    image: ImageFile,
    pairing: Pairing,
    kinds: Sequence[Kind],
    row: int | None,
    verdicts: list[Verdict] | None,
) -> None:
    """A row of the pairing a row; a click zooms the figure to it."""
    rows = _listed(pairing, kinds)
    identities = _identities(pairing)
    listed = tuple((image.digest, identities[i]) for i in rows)
    state.update(state.Comparison, listed=listed)
    if not rows:
        st.info(_("No box to list."), icon=":material/search_off:")
        return
    columns = _columns(pairing, rows, verdicts)
    selected = [rows.index(row)] if row in rows else []
    state.set_widget("differences", {"selection": {"rows": selected, "columns": [], "cells": []}})

    def number(name: str, number_format: str = "%.2f") -> Any:
        return st.column_config.NumberColumn(name, format=number_format, width=75)

    paper.dataframe(
        pd.DataFrame(columns),
        key="differences",
        on_select=_zoom_to,
        selection_mode="single-row",
        height=min(35 * len(rows) + 38, 400),
        column_config={
            "": st.column_config.ImageColumn(width=30),
            "difference": st.column_config.TextColumn(_("Difference")),
            "score_A": number(_("Score A")),
            "score_B": number(_("Score B")),
            "iou": number("IoU"),
            "change": number(_("Change"), "%+.2f"),
            "right": st.column_config.TextColumn(_("Right")),
        },
        placeholder=paper.ABSENT,
        alt=summary(pairing),
    )
    swatches = "".join(
        f".st-key-kinds button:nth-of-type({number})::before{{background:{KIND_COLORS[kind]}}}"
        for number, kind in enumerate(Kind, start=1)
    )
    st.html(f"<style>{swatches}</style>")
    st.caption(
        _(
            ":gray[Click a row to zoom both panels to it, and again to see the whole image. A "
            "colour in the figure's legend hides and shows its boxes there.]"
        )
    )


def of_rows(pairing: Pairing, kinds: Sequence[Kind], verdicts: list[Verdict] | None) -> Table:
    """What `table` shows."""
    rows = _listed(pairing, kinds)
    cells = _columns(pairing, rows, verdicts)
    names = {
        "difference": _("Difference"),
        "A": "A",
        "score_A": _("Score A"),
        "B": "B",
        "score_B": _("Score B"),
        "change": _("Change"),
        "iou": "IoU",
        "right": _("Right"),
    }
    numbers = {"score_A": ".2f", "score_B": ".2f", "change": "+.2f", "iou": ".2f"}
    there = [name for name in names if name in cells]
    texts = [
        [
            paper.ABSENT if each is None else format(each, numbers.get(name, ""))
            for each in cells[name]
        ]
        for name in there
    ]
    colors = [KIND_COLORS[Kind(int(pairing.kinds[row]))] for row in rows]
    return Table(
        [names[name] for name in there],
        [
            Row(of_row, color)
            for of_row, color in zip(zip(*texts, strict=True), colors, strict=True)
        ],
        frozenset(names[name] for name in there if name not in numbers),
    )


def _listed(pairing: Pairing, kinds: Sequence[Kind]) -> list[int]:
    return [index for index in range(len(pairing)) if Kind(int(pairing.kinds[index])) in kinds]


def _columns(
    pairing: Pairing, rows: Sequence[int], verdicts: list[Verdict] | None
) -> dict[str, list[Any]]:
    """The cells of these rows of the pairing, by column."""
    labels = labels_shown()
    columns: dict[str, list[Any]] = {
        "": [_swatch(KIND_COLORS[Kind(int(pairing.kinds[index]))]) for index in rows],
        "difference": [_(KIND_NAMES[Kind(int(pairing.kinds[index]))]) for index in rows],
    }
    for letter, found, indices in (
        ("A", pairing.a, pairing.rows_a),
        ("B", pairing.b, pairing.rows_b),
    ):
        own = [int(indices[index]) for index in rows]
        columns[letter] = [labels[int(found.class_ids[i])] if i >= 0 else None for i in own]
        columns[f"score_{letter}"] = [float(found.scores[i]) if i >= 0 else None for i in own]
    columns["change"] = [pairing.score_change(index) for index in rows]
    columns["iou"] = [
        float(pairing.ious[index]) if pairing.score_change(index) is not None else None
        for index in rows
    ]
    if verdicts is not None:
        columns["right"] = [_(VERDICTS[verdicts[index]]) for index in rows]
    return columns


@frame.callback
def _zoom_to() -> None:
    rows = state.widget("differences")["selection"]["rows"]
    listed = state.read(state.Comparison).listed
    state.update(state.Comparison, picked=listed[rows[0]] if rows else None)


def accuracy(
    pairing: Pairing,
    standings: tuple[Standing, Standing] | None,
    verdicts: list[Verdict] | None,
) -> None:
    """Which side is right where they differ, and how good each is on this image."""
    if standings is None or verdicts is None:
        st.caption(
            _(
                "Which side is right is told where there is ground truth: the gallery's, and for "
                "your own images what you upload on the page Thresholds."
            )
        )
        return
    st.markdown(verdict_in_words(pairing, verdicts))
    body = ""
    for (name, *texts), better in _measured(standings):
        cells = "".join(
            f"<td{' class=better' if is_better else ''}>{text}"
            for text, is_better in zip(texts, (*better, False), strict=True)
        )
        body += f'<tr><th scope="row">{name}</th>{cells}</tr>'
    with st.container(key="standings"):
        st.html(
            '<table class="lens-classes"><thead><tr><th scope="col">'
            f"{_('By the ground truth')}"
            '<th scope="col">A<th scope="col">B<th scope="col">B − A</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )
    st.caption(basis_in_words())


def verdict_in_words(pairing: Pairing, verdicts: list[Verdict]) -> str:
    """Which side is right where they differ, and how often, in Markdown."""
    differing = [
        verdict
        for kind, verdict in zip(pairing.kinds.tolist(), verdicts, strict=True)
        if kind != Kind.BOTH
    ]
    if not differing:
        return _("The sides do not differ in their boxes.")
    told = [
        f"{_(VERDICTS[verdict])} {differing.count(verdict)}×"
        for verdict in (Verdict.A, Verdict.B, Verdict.BOTH, Verdict.NEITHER)
        if verdict in differing
    ]
    return _(
        "Where they differ, right by the ground truth: **{verdicts}**",
        verdicts=", ".join(told) or _("none"),
    )


def basis_in_words() -> str:
    """What the measures rest on."""
    return _(
        "On this image. A box is right from an IoU of {iou} with an object of its class. AP "
        "asks all boxes after NMS, whatever the score threshold.",
        iou=MATCH_IOU,
    )


def of_standings(standings: tuple[Standing, Standing]) -> Table:
    """How good each side is, and by how much B differs."""
    rows = [Row(cells) for cells, _better in _measured(standings)]
    return Table((_("By the ground truth"), "A", "B", "B − A"), rows)


def _measured(
    standings: tuple[Standing, Standing],
) -> Iterator[tuple[tuple[str, str, str, str], tuple[bool, bool]]]:
    """A measure, its figure of A, of B and their difference in writing; which of both is better."""
    for name, digits, is_more_better, pick in _MEASURES:
        of_a, of_b = (round(float(pick(standing)), digits) for standing in standings)
        better = (of_a > of_b, of_b > of_a) if is_more_better else (of_a < of_b, of_b < of_a)
        difference = _number(of_b - of_a, digits, "+")
        yield (_(name), _number(of_a, digits), _number(of_b, digits), difference), better


# Name, digits, whether more is better, value.
_MEASURES: tuple[tuple[str, int, bool, Callable[[Standing], Any]], ...] = (
    (noted("Precision"), 2, True, lambda standing: standing.counts.precision),
    (noted("Recall"), 2, True, lambda standing: standing.counts.recall),
    ("F1", 2, True, lambda standing: standing.counts.f1),
    ("AP@0.5", 2, True, lambda standing: standing.average_precision),
    (noted("Right"), 0, True, lambda standing: standing.counts.true_positives),
    (noted("Wrong"), 0, False, lambda standing: standing.counts.false_positives),
    (noted("Missed"), 0, False, lambda standing: standing.counts.misses),
)


def _number(value: float, digits: int, sign: str = "") -> str:
    if math.isnan(value):
        return "–"
    return f"{value:{sign if round(value, digits) else ''}.{digits}f}"


def _swatch(color: str) -> str:
    """Data URI of a small square."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="14" height="14">'
        f'<rect width="14" height="14" rx="3" fill="{color}"/></svg>'
    )
    return "data:image/svg+xml;utf8," + svg.replace("#", "%23")
