"""The phone's own Share sheet for the annotated image; where there is none, nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard import frame, media, state
from detector.translation import _

KEY = "share_mounted"


@dataclass(frozen=True)
class ShareData:
    """What the component is given; dashboard/frontend/share/types.d.ts has the same fields.

    Attributes:
        url: of the annotated image; "" until it is asked for.
        name: of its file.
        texts: of the button: "share"; "drawing" while the image is drawn; "now" where the browser
            wants another tap.
    """

    url: str
    name: str
    texts: dict[str, str]


def offer(name: str, digest: str, draw: Callable[[], bytes]) -> None:
    """The button, on a phone.

    Args:
        name: of the file.
        digest: of the image that it is of.
        draw: makes the PNG, when it is asked for.
    """
    if not frame.is_phone():
        return
    is_asked = state.widget(KEY, {}).get("asked") is not None
    url = media.file_url(draw(), "image/png", f"share-{digest}") if is_asked else ""
    texts = {"share": _("Share"), "drawing": _("Drawing…"), "now": _("Share now")}
    with st.container(key="share", width="content"):
        media.component(
            "share",
            key=KEY,
            data=asdict(ShareData(url, name, texts)),
            on_asked_change=_look_in_the_run,
        )


def _look_in_the_run() -> None:
    """Streamlit hands on what has a callback only; the image is drawn where the button is."""
