"""The frame of every page: sign-in, title, menu, state of the model server, the box for an error.

Each page calls `page` and so runs alone: there is no st.navigation, which with classic pages/ would
run a page without app.py on the first deep link after a start.

Streamlit handles what is raised in a fragment inside the fragment, and what is raised in a callback
before the script: the page sees neither. So fragments and callbacks are made by `fragment` and
`callback` here, and nothing that goes wrong reaches a visitor as a traceback.
"""

import functools
import gc
import html
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, ParamSpec
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from dashboard import languages, login, media, metrics, state
from dashboard.answers import config, embedded, served_version
from detector.drawing.fonts import untold
from detector.errors import ConfigError, ImageError, LensError, ServingError
from detector.translation import LANGUAGES, _, language, noted

MENU = (
    ("app.py", noted("Detect"), ":material/center_focus_strong:"),
    ("pages/1_Thresholds.py", noted("Thresholds"), ":material/tune:"),
    ("pages/2_Compare.py", noted("Compare"), ":material/compare:"),
    ("pages/5_Robustness.py", noted("Robustness"), ":material/thunderstorm:"),
    ("pages/3_Batch.py", noted("Batch"), ":material/burst_mode:"),
    ("pages/6_Video.py", noted("Video"), ":material/movie:"),
    ("pages/4_Server.py", noted("Server"), ":material/dns:"),
)
ASSETS = Path(__file__).resolve().parent / "frontend"
COLORS = {"ready": "#2e9e5b", "starting": "#e6a700", "down": "#d64545"}

P = ParamSpec("P")

_log = logging.getLogger(__name__)
_settled_modules = 0
_MANY_MODULES = 20  # a page's; single ones come at any time


@contextmanager
def page(title: str) -> Iterator[None]:
    """The frame around a page's content; what goes wrong inside is shown in it."""
    languages.choose()
    _settle_modules()
    _stop_others()
    st.set_page_config(
        page_title=f"{_(title)} · Commodity Lens",
        # A file: an icon given by name is fetched from a font server on the internet.
        page_icon=str(ASSETS / "icon.svg"),
        layout="wide",
    )
    _let_in()
    if state.read(state.Visit).page != title:
        state.write(state.Visit(title))
    st.logo(ASSETS / "logo.svg", size="large", icon_image=ASSETS / "icon.svg")
    with st.container(key="title"):
        st.html(f'<h1 class="lens-title">{html.escape(_(title))}</h1>')
    with st.sidebar:
        for path, label, icon in MENU:
            st.page_link(path, label=_(label), icon=icon, width="stretch")
        login.show_sign_out()
        media.component("menu", key="menu", data={"language": languages.tag()})
        media.component("print", key="print")
        media.component("typed", key="typed", data={"label": _("a number, then Enter")})
        st.divider()
        line = st.container(key="server_state")
        _show_languages()
    with line:
        waiting = st.empty()
    with waiting:
        _write_state("starting", _("Asking the model server…"), "")
    with guarded():
        _tell_failures()
        yield
    media.readdress_sliders()
    # Of the run that brought the page alone: what a fragment draws later is the visitor's choice.
    state.update(state.Visit, is_new=False, started=frozenset())
    batch = state.read(state.Batch)
    # The browser asks before a reload loses a batch's results; the gallery's come again.
    ask_before_leaving("leave", batch.job is not None and batch.job.count > 0 and bool(batch.files))
    waiting.empty()
    with line:
        _watch_server()


def ask_before_leaving(key: str, has_results: bool = False) -> None:
    """Have the browser ask before a reload ends the session, where that would lose something:
    these results, or ground truth that was mended and not exported.

    Args:
        key: of the container.
    """
    asks = has_results or state.read(state.Mendings).is_unsaved
    with st.container(key=key):
        media.component("leave", key=f"{key}_asks", data={"asks": asks})


def _stop_others() -> None:
    """End the run where another browser than the session's own is connected.

    Streamlit gives a session to whoever presents its id, which stands in addresses of uploads and
    so in logs of proxies. Its owner goes on as soon as the owner's browser connects again.
    """
    here = media.visitor()
    owner = state.read(state.Owner).visitor
    if owner is None:
        state.write(state.Owner(here))
    elif owner != here:
        st.error(
            _("This page is open in another browser. Reload it to begin anew in this one."),
            icon=":material/person_off:",
        )
        st.stop()


def _let_in() -> None:
    """End the run where somebody has to sign in first, or may not come in."""
    is_in = False
    with guarded():
        is_in = login.let_in()
    if not is_in:
        st.stop()


def _settle_modules() -> None:
    """Take what the imports have made out of the garbage collector's sight.

    Streamlit collects after every run of every visitor's page, and each time went through some
    127,000 objects of modules, which never become garbage. Anew for the modules of another page.
    """
    global _settled_modules
    if len(sys.modules) >= _settled_modules + _MANY_MODULES:
        _settled_modules = len(sys.modules)
        gc.collect()
        gc.freeze()


def fragment(
    function: Callable[P, None] | None = None, *, run_every: float | str | None = None
) -> Any:
    """`st.fragment`, with the page's handling of errors inside."""
    if function is None:
        return functools.partial(fragment, run_every=run_every)

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        languages.speak()
        _stop_others()
        _let_in()
        with guarded():
            _tell_failures()  # a callback of the fragment's own draws nothing but the fragment
            function(*args, **kwargs)
        media.readdress_sliders()

    return st.fragment(wrapped, run_every=run_every)


def callback(function: Callable[P, None]) -> Callable[P, None]:
    """A callback of a widget; what goes wrong in it is told by the page that is drawn next."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        languages.speak()
        failures = state.read(state.Failures)
        try:
            function(*args, **kwargs)
        except LensError as error:
            told = (*failures.errors, error.with_traceback(None))
            state.update(state.Failures, errors=told)
        except Exception as error:  # noqa: BLE001, the outermost place of a callback
            state.update(state.Failures, ids=(*failures.ids, report(error)))

    return wrapped


def report(error: BaseException) -> str:
    """Log an unexpected error with its traceback. Returns the id under which the log has it."""
    metrics.unexpected.inc()
    error_id = uuid.uuid4().hex[:8]
    _log.error("unexpected error %s", error_id, exc_info=error)
    return error_id


def show_unexpected(error_id: str) -> None:
    """One calm box for an error that nobody foresaw; the traceback is in the log."""
    st.error(
        _(
            "**Something went wrong here, and it is not your fault.** The rest of the dashboard"
            " goes on. Whoever runs it finds the reason in the log under **{error_id}**.",
            error_id=error_id,
        ),
        icon=":material/report:",
    )


@contextmanager
def guarded() -> Iterator[None]:
    """What goes wrong inside is shown in its place, and what comes after it goes on."""
    try:
        yield
    except ServingError as error:
        show_error(error)
        try_again()
    except LensError as error:
        show_error(error)
    except Exception as error:  # noqa: BLE001, the outermost place of a page and of a fragment
        show_unexpected(report(error))


def _tell_failures() -> None:
    failures = state.read(state.Failures)
    if failures == state.Failures():
        return
    state.write(state.Failures())
    for error in failures.errors:
        if isinstance(error, LensError):
            show_error(error)
    for error_id in failures.ids:
        show_unexpected(error_id)


def plain(text: str) -> str:
    """The text as it is: what a server or a file name says is never read as Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|$~:.@&" else c for c in text)


# A letter that is no mark, what is to do by hand, an icon; and what makes bold, slanted, code.
_MARKDOWN = re.compile(r"\\(.)|:gray\[(?:[^\[\]\\]|\\.)*\]|:material/\w+:|\*+|`")


def unmarked(markdown: str) -> str:
    """A text of a page without Markdown's marks, and as on paper without what is to do by hand."""
    return _MARKDOWN.sub(lambda found: found[1] or "", markdown).strip(" ·\n")


def show_refused(files: tuple[state.RefusedFile, ...]) -> None:
    """A line for each file that cannot be used, and why."""
    for file in files:
        st.error(refused_line(file), icon=":material/broken_image:")


def refused_line(file: state.RefusedFile) -> str:
    """A file that cannot be used, in one line of Markdown."""
    hint = _(file.hint) if file.hint else ""
    return f"**{plain(file.name)}**: {plain(file.message)} {plain(hint)}"


def tell_lacking_letters(texts: Iterable[str]) -> None:
    """Say of an image to come that its texts have letters of no font, if they do."""
    if told := untold(texts):
        st.caption(f":material/font_download_off: {plain(told)}")


def show_link(key: str, *, is_sample: bool, has_file: bool = False) -> None:
    """A button with the page's address, and what of the page that address does not reopen.

    Args:
        key: of the button.
        is_sample: the image is one of the gallery; others are in no address.
        has_file: boxes of a results file are shown, which is in no address either.
    """
    link = st.popover(_("Link"), icon=":material/link:", key=key, on_change="rerun")
    if not link.open:
        return
    with link:
        st.caption(_("Opens this page with the same sample and the same settings."))
        if not is_sample:
            st.warning(
                _(
                    "Your own image is not in the link: it opens a sample in its place. To show"
                    " what you see, send the annotated image."
                ),
                icon=":material/image_not_supported:",
            )
        if has_file:
            st.warning(
                _("The results file is not in the link: it opens the model server in its place."),
                icon=":material/description:",
            )
        if (urlsplit(st.context.url or "").hostname or "") in _OWN_MACHINE:
            st.warning(
                _(
                    "This address is of this machine alone: neither a phone nor another computer"
                    " can reach it."
                ),
                icon=":material/link_off:",
            )
        elif not is_phone():
            _show_code(_address())
        st.code(_address(), language=None, wrap_lines=True)


def _show_code(address: str) -> None:
    """The address for a phone's camera."""
    try:
        code = segno.make(address, error="l", micro=False)
    except segno.DataOverflowError:  # of 3 kB: own names of many images
        return
    # Dark on white in the dark theme too: not every camera reads it the other way round.
    svg = BytesIO()
    code.save(svg, kind="svg", xmldecl=False, light="#fff", scale=8)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(svg.getvalue().decode(), width=176, alt=_("The address as a QR code"))
        with st.container(width=150):
            st.caption(_("A phone's camera opens the page from this code."))


def is_phone() -> bool:
    """Whether the browser is a phone's."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


_OWN_MACHINE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def _address() -> str:
    """The page's address with what its widgets say."""
    base = (st.context.url or "").split("?")[0]
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    parameters = urlencode(given, doseq=True)
    return f"{base}?{parameters}" if parameters else base


def show_error(error: LensError) -> None:
    """One clear message: what was wrong, and what to do; further lines, of a log, below it."""
    icons = {ImageError: ":material/broken_image:", ConfigError: ":material/settings_alert:"}
    headline, _rest, log = str(error).partition("\n")
    headline = headline[:1].upper() + headline[1:]
    st.error(
        f"**{plain(headline)}**\n\n{plain(_(error.hint) if error.hint else '')}",
        icon=icons.get(type(error), ":material/cloud_off:"),
    )
    if log:
        st.code(log, language=None)


def show_beside(error: LensError) -> None:
    """The same in a line or two, for what is shown all the same; the state line has the whole."""
    headline, _separator, _details = str(error).partition(": ")
    hint = _(error.hint) if error.hint else ""
    st.warning(plain(f"{headline[:1].upper()}{headline[1:]}. {hint}"), icon=":material/cloud_off:")


def _show_languages() -> None:
    state.set_widget(languages.SWITCH, language.get())
    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        required=True,
        key=languages.SWITCH,
        format_func=LANGUAGES.__getitem__,
        on_change=_switch_language,
        label_visibility="collapsed",
    )


@callback
def _switch_language() -> None:
    languages.switch()


def try_again() -> None:
    """Say that the page tries again by itself, and do so every few seconds."""
    _rerun_after(time.monotonic())


@st.fragment(run_every="3s")
def _rerun_after(drawn: float) -> None:
    languages.speak()
    # The first run of a fragment is part of the page's own: only the timer's runs try again.
    if time.monotonic() - drawn > 2.0:
        st.rerun()
    st.caption(_(":material/autorenew: Trying again by itself every few seconds."))


def _watch_server() -> None:
    """The state line, kept true by a timer; the page is drawn again when the state changed."""
    fragment(_keep_line, run_every="5s")()


def _keep_line() -> None:
    line = _server_line()
    _write_state(*line)
    if line[0] == "ready":
        before = state.read(state.ServerSeen).line
        state.write(state.ServerSeen(line))
        if before not in (None, line):
            st.rerun()  # another version has come: the page is still by the one before


def _server_line() -> tuple[str, str, str]:
    try:
        version = served_version()
        where = _("embedded") if embedded() is not None else "TensorFlow Serving"
        if not version:
            told = _("{model}, version not known", model=config().model_name)
            return "ready", _("Model server"), f"{told} · {where}"
        told = _("{model}, version {version}", model=config().model_name, version=version)
        return "ready", _("Model server ready"), f"{told} · {where}"
    except ConfigError as error:
        return "down", _("Configuration needs a look"), _headline(error)
    except ServingError as error:
        return "down", _("Model server not ready"), _headline(error)


def _headline(error: LensError) -> str:
    return str(error).partition("\n")[0]


def _write_state(name: str, text: str, where: str) -> None:
    st.html(
        f'<div class="lens-state" data-state="{name}" role="status">'
        f'<span class="dot" style="background:{COLORS[name]}"></span>'
        f"<b>{html.escape(text)}</b><br><small>{html.escape(where)}</small></div>"
    )
