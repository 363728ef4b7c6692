"""What a visitor's browser gets before any script of a page has run: the styles, in the document.

A style that a page draws comes late: Streamlit loads what shows it first, and draws the page
without it meanwhile. So what is below moves when the style is there, the menu beside it, and what
a page is going to be high as is not known.
"""

import gc
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from detector.errors import LensError

PARTS = ("Html", "PageLink", "ButtonGroup", "BidiComponent", "Slider", "Checkbox", "Button")
TIDY_EVERY_S = 30.0
_IMPORTED = re.compile(r'(?:from|import)"\./([^"]+\.js)"')
STYLE = Path(__file__).resolve().parent / "frontend" / "style.css"


class Styled:
    """Puts the styles into the document that Streamlit answers with for each of the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # In the body: what Streamlit writes into the head as it goes on must not come after it.
        self._style = f"<style>{STYLE.read_text('utf-8')}</style></body>".encode()
        self._parts = f"{''.join(_parts())}</head>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope.get("headers", ())
        if scope["type"] != "http" or not any(
            name == b"accept" and b"text/html" in value for name, value in headers
        ):
            await self._app(scope, receive, send)
            return
        # Neither packed nor "as you have it": both would be without the styles of now.
        left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
        scope["headers"] = [(name, value) for name, value in headers if name not in left_out]
        start: Message = {}
        body = b""

        async def styled(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=start)  # no dict: there may be several cookies
            if headers.get("content-type", "").startswith("text/html"):
                body = body.replace(b"</head>", self._parts).replace(b"</body>", self._style)
                headers["content-length"] = str(len(body))
                del headers["etag"], headers["last-modified"]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, styled)


def _parts() -> Iterator[str]:
    """Small parts of Streamlit's own that each page begins with, and what they import, so that they
    are loaded with the rest and not when the page is drawn. A name that another Streamlit does not
    have is left out."""
    folder = Path(get_static_dir(), "static", "js")
    found = [path.name for name in PARTS for path in folder.glob(f"{name}.*.js")]
    for name in found:
        imported = _IMPORTED.findall((folder / name).read_text("utf-8"))
        found += [each for each in dict.fromkeys(imported) if each not in found]
        yield f'<link rel="modulepreload" href="./static/js/{name}">'


STYLED = Middleware(Styled)


def warm_up() -> None:
    """Begin with what the first visitor would wait for: to import what a page needs, some seconds
    of it, and to start the embedded server."""
    Thread(target=_warm_up, name="warm-up", daemon=True).start()


def tidy_up() -> None:
    """From now on have what visitors leave behind go some time after they went."""
    Thread(target=_tidy_up, name="tidy-up", daemon=True).start()


def _tidy_up() -> None:
    while True:
        time.sleep(TIDY_EVERY_S)
        if import_module("dashboard.media").forget_ended_sessions():
            gc.unfreeze()  # they may have been there when the modules were put aside (see frame.py)
            gc.collect()
            gc.freeze()
            import_module("detector.image_memory").give_back()


def _warm_up() -> None:
    import_module("dashboard.media").keep_upload_addresses()
    answers = import_module("dashboard.answers")
    with suppress(LensError):  # told to the visitor
        answers.embedded()
        if (port := answers.config().metrics_port) is not None:
            count = import_module("dashboard.media").session_count
            import_module("dashboard.metrics").serve(port, count)
    import_module("dashboard.detect.page")
