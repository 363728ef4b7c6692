"""A batch's images as cards, a page of them at a time."""

import html
import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import frame, state
from dashboard.batch.filters import View
from dashboard.media import boxes_html, jpeg_uri
from detector import ssd
from detector.drawing.colors import class_color, text_color
from detector.translation import _

PAGE_SIZE = 24


def show(views: Sequence[View], has_any: bool, labels: Sequence[str]) -> None:
    """The cards of the chosen page.

    Args:
        has_any: there are results, of which the filter may let none pass.
    """
    if not views:
        if has_any:
            st.info(_("No image passes the filter."), icon=":material/filter_alt_off:")
        return
    pages = math.ceil(len(views) / PAGE_SIZE)
    page = min(state.widget("batch_page", 1), pages)
    first = (page - 1) * PAGE_SIZE
    with st.container(key="batch_gallery"):
        for view in views[first : first + PAGE_SIZE]:
            _card(view, labels)
    if pages > 1:
        state.set_widget("batch_page", page)
        with st.container(horizontal=True, vertical_alignment="center"):
            # As wide as there is room: of its content's width it would hide pages for good.
            st.pagination(pages, key="batch_page", width="stretch", persist_state="session")
            last = min(first + PAGE_SIZE, len(views))
            st.caption(
                _(
                    "{first} to {last} of {total} images",
                    first=first + 1,
                    last=last,
                    total=len(views),
                )
            )


def _card(view: View, labels: Sequence[str]) -> None:
    """A small image with its boxes; a click anywhere on it opens it in Detect."""
    done = view.done
    with st.container(key=f"card_{done.index}"):
        name = html.escape(done.name)
        if done.error is not None or done.size is None:
            unread = _("Could not be read")
            st.html(
                f'<div class="lens-card bad"><div class="frame"><p>{html.escape(str(done.error))}'
                f'</p></div><b title="{name}">{name}</b><small>{unread}</small></div>'
            )
            return
        st.html(
            f'<div class="lens-card"><div class="frame">{_shot(view, done.size, labels)}</div>'
            f'<b title="{name}">{name}</b><small>{_counts(view.detections, labels)}</small></div>'
        )
        st.button(
            _("Open {name} in Detect", name=frame.plain(done.name)),
            key=f"open_{done.index}",
            on_click=_open,
            args=(done.index,),
        )


@frame.callback
def _open(index: int) -> None:
    """Callback: ask the page to open that image in Detect."""
    state.update(state.Batch, opened=index)


def _shot(view: View, size: tuple[int, int], labels: Sequence[str]) -> str:
    """The small image with its boxes over it, as HTML."""
    width, height = size
    # The frame is 4:3: a wider image fills its width, a higher one its height.
    side = "width" if width * 3 >= height * 4 else "height"
    assert isinstance(view.done.made, bytes)
    boxes = boxes_html(view.detections, size, labels)
    return (
        f'<div class="shot" style="aspect-ratio:{width}/{height};{side}:100%">'
        f'<img src="{jpeg_uri(view.done.made)}" alt="">{boxes}</div>'
    )


def _counts(detections: ssd.Detections, labels: Sequence[str]) -> str:
    """How many of each class, as chips in its colour."""
    if not len(detections):
        return _("No objects")
    class_ids, counts = np.unique(detections.class_ids, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return "".join(
        f'<em style="background:{class_color(class_id)};color:{text_color(class_color(class_id))}">'
        f"{count} {html.escape(labels[class_id])}</em>"
        for class_id, count in zip(class_ids[order].tolist(), counts[order].tolist(), strict=True)
    )
