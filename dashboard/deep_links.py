"""After the sign-in, the page that was asked for: Streamlit leads to the first one.

Part of the server, beside its pages: which page it was is in a cookie meanwhile.
"""

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "lens_return"
MINUTES = 10  # to sign in


class Returning:
    """Notes the page that leads to the provider, and leads back to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.endswith(("/auth/login", "/oauth2callback")):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.endswith("/auth/login"):
                    value = f"{quote(_page_before(asked), safe='')}; Max-Age={60 * MINUTES}"
                else:
                    kept = cookie_parser(asked.get("cookie", "")).get(COOKIE, "")
                    if message["status"] == 302 and (page := _own(unquote(kept))):
                        headers["location"] = page
                    value = "; Max-Age=0"
                headers.append("set-cookie", f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax")
            await send(message)

        await self._app(scope, receive, led)


def _page_before(headers: Headers) -> str:
    """Path and query of the page that led here; "" where it was of another site."""
    before = urlsplit(headers.get("referer", ""))
    own = before.netloc == headers.get("host")
    return _own(f"{before.path}?{before.query}" if before.query else before.path) if own else ""


def _own(page: str) -> str:
    """The page, if it can be of no other site than this one; else "" """
    is_path = page.startswith("/") and page[1:2] not in ("/", "\\")
    return page if is_path and page.isascii() and page.isprintable() else ""


RETURNING = Middleware(Returning)
