"""Connections that flood the dashboard are ended.

Each message of a browser may begin a run of the page, and while Streamlit takes messages from a
full queue it answers nobody else. A browser sends a few a second, and connects again when it is cut
off.
"""

import logging
import time

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

AT_ONCE, A_SECOND = 100, 20  # messages of a connection
_TOO_MANY = 1008  # WebSocket's "policy violation"


class Bounded:
    """Ends a WebSocket over which more messages come than a visitor can cause."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        left, before = float(AT_ONCE), time.monotonic()

        async def bounded() -> Message:
            nonlocal left, before
            message = await receive()
            now = time.monotonic()
            left, before = min(left + (now - before) * A_SECOND, AT_ONCE) - 1, now
            if left > 0 or message["type"] != "websocket.receive":
                return message
            _log.warning("a connection is ended: it sent too many messages")
            await send({"type": "websocket.close", "code": _TOO_MANY})
            return {"type": "websocket.disconnect", "code": _TOO_MANY}

        await self._app(scope, bounded, send)


BOUNDED = Middleware(Bounded)
