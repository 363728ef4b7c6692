"""The frame of every page: title, menu, state of the model server, and the box for an error.

Each page calls `page` and so runs alone: there is no st.navigation, which with classic pages/ would
run a page without app.py on the first deep link after a start.
"""

import html
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import streamlit as st

from dashboard.answers import ROOT, config, embedded, served_version
from detector.errors import ConfigError, ImageError, LensError, ServingError

MENU = (
    ("app.py", "Detect", ":material/center_focus_strong:"),
    ("pages/1_Thresholds.py", "Thresholds", ":material/tune:"),
    ("pages/2_Compare.py", "Compare", ":material/compare:"),
    ("pages/3_Batch.py", "Batch", ":material/burst_mode:"),
    ("pages/4_Server.py", "Server", ":material/dns:"),
)
ASSETS = ROOT / "dashboard" / "frontend"
COLORS = {"ready": "#2e9e5b", "starting": "#e6a700", "down": "#d64545"}


@contextmanager
def page(title: str) -> Iterator[None]:
    """The frame around a page's content; what goes wrong inside is shown in it."""
    st.set_page_config(
        page_title=f"{title} · Commodity Lens",
        # A file: an icon given by name is fetched from a font server on the internet.
        page_icon=str(ASSETS / "icon.svg"),
        layout="wide",
    )
    st.html(ASSETS / "style.css")
    st.logo(ASSETS / "logo.svg", size="large", icon_image=ASSETS / "icon.svg")
    with st.sidebar:
        for path, label, icon in MENU:
            st.page_link(path, label=label, icon=icon, width="stretch")
        st.divider()
        state = st.container(key="server_state")
    with state:
        waiting = st.empty()
    with waiting:
        _write_state("starting", "Asking the model server…", "")
    try:
        yield
    except ServingError as error:
        show_error(error)
        try_again()
    except LensError as error:
        show_error(error)
    waiting.empty()
    with state:
        _watch_server()


def plain(text: str) -> str:
    """The text as it is: what a server or a file name says is never read as Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|$~:.@" else c for c in text)


def refused(name: str, message: str, hint: str) -> str:
    """A file that cannot be used, in one line of Markdown."""
    return f"**{plain(name)}**: {plain(message)} {plain(hint)}"


def link() -> str:
    """The page's address with what its knobs say."""
    base = (st.context.url or "").split("?")[0]
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    parameters = urlencode(given, doseq=True)
    return f"{base}?{parameters}" if parameters else base


def show_error(error: LensError) -> None:
    """One clear message: what was wrong, and what to do; further lines, of a log, below it."""
    icons = {ImageError: ":material/broken_image:", ConfigError: ":material/settings_alert:"}
    headline, _, log = str(error).partition("\n")
    headline = headline[:1].upper() + headline[1:]
    st.error(
        f"**{plain(headline)}**\n\n{plain(error.hint)}",
        icon=icons.get(type(error), ":material/cloud_off:"),
    )
    if log:
        st.code(log, language=None)


def report(error: BaseException) -> str:
    """Log an unexpected exception with its traceback. Returns its id in the log. Thread-safe."""
    error_id = uuid.uuid4().hex[:8]
    logging.getLogger(__name__).error("Unexpected error %s", error_id, exc_info=error)
    return error_id


def show_unexpected(error_id: str) -> None:
    """One calm message about an exception that was reported."""
    st.error(
        "**Something went wrong that nobody expected.**\n\nTry again. If it comes back, give the "
        f"dashboard's administrator this id: `{error_id}`. The log tells more under it.",
        icon=":material/error:",
    )


def try_again() -> None:
    """Say that the page tries again by itself, and do so every few seconds."""
    _rerun_after(time.monotonic())


@st.fragment(run_every="3s")
def _rerun_after(drawn: float) -> None:
    # The first run of a fragment is part of the page's own: only the timer's runs try again.
    if time.monotonic() - drawn > 2.0:
        st.rerun()
    st.caption(":material/autorenew: Trying again by itself every few seconds.")


@st.fragment(run_every="5s")
def _watch_server() -> None:
    """The state line, kept true by a timer; the page is drawn again when the state changed."""
    try:
        version = served_version()
        server = embedded()
        where = "embedded" if server is not None else "TensorFlow Serving"
        seen = (
            "ready",
            "Model server ready",
            f"{config().model_name}, version {version} · {where}",
        )
    except ConfigError as error:
        seen = ("down", "Configuration needs a look", _headline(error))
    except ServingError as error:
        seen = ("down", "Model server not ready", _headline(error))
    _write_state(*seen)
    if seen[0] == "ready":
        before = st.session_state.get("server_seen", seen)
        st.session_state["server_seen"] = seen
        if before != seen:
            st.rerun()  # another version has come: the page is still by the one before


def _headline(error: LensError) -> str:
    return str(error).partition("\n")[0]


def _write_state(state: str, text: str, where: str) -> None:
    st.html(
        f'<div class="lens-state" data-state="{state}" role="status">'
        f'<span class="dot" style="background:{COLORS[state]}"></span>'
        f"<b>{html.escape(text)}</b><br><small>{html.escape(where)}</small></div>"
    )
