"""What NMS does to one image: how many boxes each step leaves, and who suppressed whom."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import frame, paper, state, tiles
from dashboard.answers import labels_shown
from dashboard.files import ImageFile
from dashboard.media import photo_url
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import charts
from detector.drawing.colors import class_color
from detector.report.document import Row, Table
from detector.translation import _, plural
from detector.xray import Funnel, XRay, xray


def show(image: ImageFile, loaded: LoadedImage, answer: Answer, settings: ssd.Settings) -> None:
    """The funnel of counts, the picked box's story, and the map of scores."""
    labels = labels_shown()
    seen = xray(answer.raw, settings, loaded.size)
    st.caption(
        _(
            "From the places where the model looks (*default boxes*, the same for each class) to "
            "the boxes on the screen: how many are left after each step."
        )
    )
    if answer.tiles:
        st.caption(
            _(
                "The image was looked at as a whole and in {count} tiles, each with default boxes"
                " of its own. Boxes that come close to the inner edge of a tile were left out"
                " before: they are likely parts of objects that go on beyond it.",
                count=len(answer.tiles),
            )
        )
    st.html(_funnel(seen.funnel, labels))
    _suppressed(seen, answer, settings, labels)
    st.caption(
        _(
            "Where the default boxes fire: the highest score of any class at each place, from dark "
            "(none) over red to yellow (sure). Several bright places in one object: it is seen "
            "several times, and NMS keeps one."
        )
    )
    st.plotly_chart(
        charts.density(answer.raw, loaded.size, photo_url(image, loaded)),
        key="density",
        config=charts.CONFIG,
        alt=_("Map of the highest score at each place of the image."),
    )


def funnel(counted: Funnel, labels: Sequence[str]) -> Table:
    """How many boxes each step leaves, a row a class."""
    steps = _steps(counted)
    rows = [
        Row(
            (label, *(str(int(counts[class_id])) for _name, counts in steps)),
            class_color(class_id),
        )
        for class_id, label in enumerate(labels[1:], start=1)
    ]
    return Table(
        (_("Class"), *(name for name, _counts in steps)), [*rows, Row((_("All"), *_sums(counted)))]
    )


def _steps(counted: Funnel) -> tuple[tuple[str, NDArray[np.int64]], ...]:
    return (
        (_("Default boxes"), counted.priors),
        (_("Above 0.01"), counted.above_floor),
        (_("Above threshold"), counted.above_threshold),
        (_("After NMS"), counted.after_nms),
        (_("Shown"), counted.shown),
    )


def _sums(counted: Funnel) -> list[str]:
    """Of all classes; the default boxes are the same for each."""
    (_name, priors), *steps = _steps(counted)
    return [str(int(priors.max())), *(str(int(counts.sum())) for _name, counts in steps)]


def _funnel(counted: Funnel, labels: Sequence[str]) -> str:
    """A row a class, a column a step, and in each cell a bar on a logarithmic scale."""
    table = funnel(counted, labels)
    longest = np.log1p(max(int(counted.priors.max()), 1))

    def cell(count: str, color: str) -> str:
        width = np.log1p(int(count)) / longest
        return (
            f'<td><span class="bar" style="width:{width:.1%};background:{color}"></span>'
            f"<b>{count}</b></td>"
        )

    rows = ""
    for row in table.rows:
        label, *counts = row.cells
        swatch = f'<i style="background:{row.color}"></i>' if row.color else ""
        cells = "".join(cell(count, row.color or "#8795A1") for count in counts)
        rows += f'<tr><th scope="row">{swatch}{html.escape(label)}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    return (
        f'<table class="lens-funnel"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _suppressed(seen: XRay, answer: Answer, settings: ssd.Settings, labels: Sequence[str]) -> None:
    """The picked box: what it suppressed, or which box suppressed it."""
    picked = state.read(state.Pick).detection_id
    if picked not in seen.candidates.ids:
        st.caption(
            _(":gray[:material/ads_click: Click a box in the image to see what it suppressed.]")
        )
        return
    index = seen.candidates.ids.index(picked)
    st.markdown(in_words(seen, index, answer, settings, labels))
    losers = seen.suppressed_by(index)
    if len(losers):
        _losers(seen, losers, answer, labels)


def in_words(
    seen: XRay, index: int, answer: Answer, settings: ssd.Settings, labels: Sequence[str]
) -> str:
    """What became of a candidate and of others by it, in Markdown; with tiles also which part of
    the image each was seen in."""

    def named(i: int) -> str:
        label = frame.plain(labels[seen.candidates.class_ids[i]])
        part = tiles.part_in_words(answer, int(seen.candidates.prior_indices[i]))
        return f"{label} {seen.candidates.scores[i]:.2f}" + (f" · {part}" if part else "")

    limit = f"{settings.iou_threshold:.2f}"
    if not seen.kept[index]:
        return _(
            "**{box}** was removed: **{winner}** overlaps it with an IoU of **{iou}**,"
            " above {limit}.",
            box=named(index),
            winner=named(int(seen.suppressor[index])),
            iou=f"{seen.ious[index]:.2f}",
            limit=limit,
        )
    losers = seen.suppressed_by(index)
    if not len(losers):
        return _("**{box}** suppressed no other box.", box=named(index))
    return plural(
        "**{box}** suppressed {count} box that overlaps it by more than {limit}:",
        "**{box}** suppressed {count} boxes that overlap it by more than {limit}:",
        len(losers),
        box=named(index),
        limit=limit,
    )


def losers(seen: XRay, rows: NDArray[np.int64], answer: Answer, labels: Sequence[str]) -> Table:
    """A row a box that was suppressed."""
    names, found = seen.candidates.ids, seen.candidates
    seen_in = (_("Seen in"),) if answer.tiles else ()
    return Table(
        (_("Box"), _("Class"), _("Score"), _("IoU"), *seen_in),
        [
            Row(
                (
                    names[i],
                    labels[found.class_ids[i]],
                    f"{found.scores[i]:.3f}",
                    f"{seen.ious[i]:.3f}",
                    *(_parts(seen, [i], answer) if answer.tiles else []),
                )
            )
            for i in rows.tolist()
        ],
        frozenset({_("Class"), *seen_in}),
    )


def _parts(seen: XRay, rows: Sequence[int], answer: Answer) -> list[str]:
    """Which part of the image each of these candidates was seen in."""
    priors = seen.candidates.prior_indices
    return [tiles.part_in_words(answer, int(priors[row])) for row in rows]


def _losers(seen: XRay, losers: NDArray[np.int64], answer: Answer, labels: Sequence[str]) -> None:
    """A row a box that was suppressed."""
    ids = seen.candidates.ids

    def fraction(name: str) -> Any:
        return st.column_config.ProgressColumn(name, format="%.3f", min_value=0.0, max_value=1.0)

    paper.dataframe(
        pd.DataFrame(
            {
                "class": [labels[c] for c in seen.candidates.class_ids[losers]],
                "score": seen.candidates.scores[losers].astype(float),
                "iou": seen.ious[losers].astype(float),
                "box": [ids[i] for i in losers],
                **({"part": _parts(seen, losers.tolist(), answer)} if answer.tiles else {}),
            }
        ),
        key="suppressed",
        height=min(35 * len(losers) + 38, 240),
        column_config={
            "class": st.column_config.TextColumn(_("Class")),
            "score": fraction(_("Score")),
            "iou": fraction(_("IoU")),
            "box": st.column_config.TextColumn(_("Box"), help=_("class id - default box")),
            "part": st.column_config.TextColumn(_("Seen in")),
        },
    )
