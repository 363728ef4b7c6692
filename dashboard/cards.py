"""Small images as cards in a grid, a page of them at a time; a click on one does something."""

import html
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from dashboard import state
from dashboard.media import jpeg_uri
from detector.translation import _

T = TypeVar("T")


def pages(key: str, items: Sequence[T], size: int, draw: Callable[[T], None]) -> None:
    """The items of the chosen page as a grid, and the choice of a page below it.

    Args:
        key: of the choice.
        size: how many are on a page.
        draw: a card of an item.
    """
    count = math.ceil(len(items) / size)
    page = min(state.widget(key, 1), count)
    first = (page - 1) * size
    with st.container(key=f"cards_{key}"):
        for item in items[first : first + size]:
            draw(item)
    if count > 1:
        state.set_widget(key, page)
        with st.container(horizontal=True, vertical_alignment="center"):
            # As wide as there is room: of its content's width it would hide pages for good.
            st.pagination(count, key=key, width="stretch", persist_state="session")
            last = min(first + size, len(items))
            st.caption(
                _("{first} to {last} of {total}", first=first + 1, last=last, total=len(items))
            )


def card(
    key: str,
    shot: str,
    name: str,
    note: str,
    label: str,
    on_click: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    is_chosen: bool = False,
) -> None:
    """A card that is one button.

    Args:
        shot: HTML of what is in its frame.
        name: below it, plain text.
        note: HTML of the line below that.
        label: what the button is called where it is read aloud.
    """
    title, chosen = html.escape(name), " chosen" * is_chosen
    with st.container(key=f"card_{key}"):
        st.html(
            f'<div class="lens-card{chosen}"><div class="frame">{shot}</div>'
            f'<b title="{title}">{title}</b><small>{note}</small></div>'
        )
        st.button(label, key=f"open_{key}", on_click=on_click, args=args)


def shot(jpeg: bytes, size: tuple[float, float], boxes: str) -> str:
    """A small image with boxes over it, as HTML for a card's frame.

    Args:
        size: (width, height) of what the JPEG shows.
        boxes: of `media.boxes_html`.
    """
    width, height = size
    # The frame is 4:3: a wider image fills its width, a higher one its height.
    side = "width" if width * 3 >= height * 4 else "height"
    return (
        f'<div class="shot" style="aspect-ratio:{width:g}/{height:g};{side}:100%">'
        f'<img src="{jpeg_uri(jpeg)}" alt="">{boxes}</div>'
    )
