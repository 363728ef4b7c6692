"""A batch's images as cards."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import cards, frame, state
from dashboard.batch.filters import View
from dashboard.media import boxes_html
from detector import ssd
from detector.drawing.colors import class_color, text_color
from detector.translation import _

PAGE_SIZE = 24


def show(views: Sequence[View], has_any: bool, labels: Sequence[str]) -> None:
    """The cards of the chosen page.

    Args:
        has_any: there are results, of which the filter may let none pass.
    """
    if views:
        cards.pages("batch_page", views, PAGE_SIZE, lambda view: _card(view, labels))
    elif has_any:
        st.info(_("No image passes the filter."), icon=":material/filter_alt_off:")


def _card(view: View, labels: Sequence[str]) -> None:
    """A small image with its boxes; a click anywhere on it opens it in Detect."""
    done = view.done
    if done.error is not None or done.size is None:
        name, unread = html.escape(done.name), _("Could not be read")
        with st.container(key=f"card_{done.index}"):
            st.html(
                f'<div class="lens-card bad"><div class="frame"><p>{html.escape(str(done.error))}'
                f'</p></div><b title="{name}">{name}</b><small>{unread}</small></div>'
            )
        return
    assert isinstance(done.made, bytes)
    boxes = boxes_html(view.detections, done.size, labels)
    cards.card(
        str(done.index),
        cards.shot(done.made, done.size, boxes),
        done.name,
        _counts(view.detections, labels),
        _("Open {name} in Detect", name=frame.plain(done.name)),
        _open,
        (done.index,),
    )


@frame.callback
def _open(index: int) -> None:
    """Callback: ask the page to open that image in Detect."""
    state.update(state.Batch, opened=index)


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
