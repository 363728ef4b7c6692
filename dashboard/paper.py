"""What is on a page for paper only: its settings in words, and its tables whole.

On the screen a table is a grid that draws the cells in sight and no others, and settings are
controls. style.css shows what is here when a page is printed, in place of those.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import tiles
from detector.ssd import Settings
from detector.translation import _

ABSENT = "–"
ROW, FRAME = 35, 2  # pixels of a grid
MOST_ROWS = 10  # that a grid shows at once, unless its height is given


def dataframe(
    data: pd.DataFrame, *, key: str, column_config: Mapping[str, Any], **options: Any
) -> None:
    """`st.dataframe` without its index, and the same rows as an HTML table for paper.

    Images and small charts are left out there.

    Args:
        column_config: of each column that is not to be shown as it is.
        options: as of `st.dataframe`.
    """
    height = options.get("height") or ROW * (min(len(data), MOST_ROWS) + 1) + FRAME
    # Until the grid is there its place is as high, and what is for paper has none.
    places = f".st-key-{key}_grid{{--awaited:{height}px}}.st-key-{key}_paper{{--awaited:0px}}"
    with st.container(key=f"{key}_grid", gap=None):
        st.html(f"<style>{places}</style>")
        st.dataframe(data, key=key, hide_index=True, column_config=column_config, **options)
    heads, cells = "", []
    for name in map(str, data):
        config = column_config.get(name, {})
        kind = config.get("type_config") or {}
        if kind.get("type") in ("image", "line_chart"):
            continue
        is_text = not pd.api.types.is_numeric_dtype(data[name])
        heads += _cell("th", config.get("label") or name, is_text, ' scope="col"')
        cells.append([_cell("td", _text(v, kind.get("format")), is_text) for v in data[name]])
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    with st.container(key=f"{key}_paper"):
        st.html(
            f'<table class="lens-classes lens-paper"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def settings(used: Settings, labels: Sequence[str], model: str = "") -> None:
    """What the page was made with: the controls are not printed.

    Args:
        labels: index = class id, background first.
        model: its name and version, where they are known.
    """
    told = settings_in_words(used, labels)
    line(f"{model} · {told}" if model else told, "settings")


def settings_in_words(used: Settings, labels: Sequence[str]) -> str:
    """The settings in a line; those that are off or as usual are left out.

    Args:
        labels: index = class id, background first.
    """
    told = [
        _("Score threshold {threshold}", threshold=f"{used.score_threshold:.2f}"),
        *(
            _("{label} {threshold}", label=labels[class_id], threshold=f"{threshold:g}")
            for class_id, threshold in used.class_thresholds.items()
        ),
        _("IoU threshold {threshold}", threshold=f"{used.iou_threshold:.2f}"),
    ]
    if used.class_agnostic:
        told.append(_("Class-agnostic NMS"))
    if used.classes is not None:
        shown = ", ".join(labels[class_id] for class_id in sorted(used.classes)) or _("none")
        told.append(_("Classes shown: {classes}", classes=shown))
    if used.tiles is not Settings().tiles:
        told.append(tiles.in_words(used.tiles))
    if used.top_k != Settings().top_k:
        told.append(_("Maximum number of boxes: {count}", count=used.top_k))
    return " · ".join(told)


def line(text: str, key: str) -> None:
    """A line that is on paper only.

    Args:
        key: what it tells; each is on a page once.
    """
    # What stands for an element until its code has come cannot be told from others by itself.
    with st.container(key=f"paper_{key}"):
        st.html(f'<p class="lens-paper">{html.escape(text)}</p>')


def _text(value: Any, number_format: str | None) -> str:
    """The value as the grid has it, whose formats are those of C's printf."""
    if value is None or pd.isna(value):
        return ABSENT
    return number_format % value if number_format else str(value)


def _cell(tag: str, text: str, is_text: bool, attributes: str = "") -> str:
    kind = " class=text" if is_text else ""
    return f"<{tag}{kind}{attributes}>{html.escape(text)}</{tag}>"
