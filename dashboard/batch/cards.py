"""A batch's images as cards, a page of them at a time."""

import html
import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import frame
from dashboard.answers import jpeg_uri
from dashboard.batch.filters import View
from detector import ssd
from detector.drawing.colors import class_color, text_color

PAGE_SIZE = 24


def show(views: Sequence[View], has_any: bool, labels: Sequence[str]) -> None:
    """The cards of the chosen page.

    Args:
        has_any: there are results, of which the filter may let none pass.
    """
    if not views:
        if has_any:
            st.info("No image passes the filter.", icon=":material/filter_alt_off:")
        return
    pages = math.ceil(len(views) / PAGE_SIZE)
    page = min(st.session_state.get("batch_page", 1), pages)
    first = (page - 1) * PAGE_SIZE
    with st.container(key="batch_gallery"):
        for view in views[first : first + PAGE_SIZE]:
            _card(view, labels)
    if pages > 1:
        st.session_state["batch_page"] = page
        with st.container(horizontal=True, vertical_alignment="center"):
            # As wide as there is room: of its content's width it would hide pages for good.
            st.pagination(pages, key="batch_page", width="stretch", persist_state="session")
            last = min(first + PAGE_SIZE, len(views))
            st.caption(f"{first + 1} to {last} of {len(views)} images")


def _card(view: View, labels: Sequence[str]) -> None:
    """A small image with its boxes; a click anywhere on it opens it in Detect."""
    done = view.done
    with st.container(key=f"card_{done.index}"):
        name = html.escape(done.name)
        if done.error is not None or done.size is None:
            st.html(
                f'<div class="lens-card bad"><div class="frame"><p>{html.escape(str(done.error))}'
                f'</p></div><b title="{name}">{name}</b><small>Could not be read</small></div>'
            )
            return
        st.html(
            f'<div class="lens-card"><div class="frame">{_shot(view, done.size)}</div>'
            f'<b title="{name}">{name}</b><small>{_counts(view.detections, labels)}</small></div>'
        )
        st.button(
            f"Open {frame.plain(done.name)} in Detect",
            key=f"open_{done.index}",
            on_click=_open,
            args=(done.index,),
        )


def _open(index: int) -> None:
    """Callback: ask the page to open that image in Detect."""
    st.session_state["batch_open"] = index


def _shot(view: View, size: tuple[int, int]) -> str:
    """The small image with its boxes over it, as HTML."""
    width, height = size
    boxes = view.detections.boxes.astype(float) / (width, height, width, height) * 100
    drawn = "".join(
        f'<i style="left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;'
        f'height:{bottom - top:.2f}%;border-color:{class_color(class_id)}"></i>'
        for class_id, (left, top, right, bottom) in zip(
            view.detections.class_ids.tolist(), boxes, strict=True
        )
    )
    # The frame is 4:3: a wider image fills its width, a higher one its height.
    side = "width" if width * 3 >= height * 4 else "height"
    assert isinstance(view.done.made, bytes)
    return (
        f'<div class="shot" style="aspect-ratio:{width}/{height};{side}:100%">'
        f'<img src="{jpeg_uri(view.done.made)}" alt="">{drawn}</div>'
    )


def _counts(detections: ssd.Detections, labels: Sequence[str]) -> str:
    """How many of each class, as chips in its colour."""
    if not len(detections):
        return "No objects"
    class_ids, counts = np.unique(detections.class_ids, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return "".join(
        f'<em style="background:{class_color(class_id)};color:{text_color(class_color(class_id))}">'
        f"{count} {html.escape(labels[class_id])}</em>"
        for class_id, count in zip(class_ids[order].tolist(), counts[order].tolist(), strict=True)
    )
