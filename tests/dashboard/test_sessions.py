"""A visitor's session, and a client that presents its id: real dashboard, real browser."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import websockets
from playwright.sync_api import FilePayload, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Origin, Subprotocol

from tests.support.browser import element, settled
from tests.support.files import png
from tests.support.running import dashboard

SECRET = "my-secret-photo"


def messages_to(url: str, session_id: str) -> list[ForwardMsg]:
    """What a client without the visitor's cookie gets that presents the visitor's session."""

    async def ask() -> list[ForwardMsg]:
        rerun = BackMsg()
        rerun.rerun_script.query_string = "source=Upload"
        got = []
        async with websockets.connect(
            url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=[Subprotocol(part) for part in ("streamlit", "none", session_id)],
            origin=Origin(url),
            max_size=None,
        ) as connection:
            await connection.send(rerun.SerializeToString())
            async with asyncio.timeout(60):
                while not got or got[-1].WhichOneof("type") != "script_finished":
                    message = await connection.recv()
                    assert isinstance(message, bytes)
                    got.append(ForwardMsg.FromString(message))
        return got

    with ThreadPoolExecutor() as pool:  # this thread's loop is the browser's
        return pool.submit(asyncio.run, ask()).result()


def test_a_session_is_shown_to_the_browser_that_began_it_and_to_no_other(
    visit: Callable[..., Page], tmp_path: Path, embedded_server
) -> None:
    session_ids: list[str] = []

    def listen(frame: str | bytes) -> None:
        message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "new_session":
            session_ids.append(message.new_session.initialize.session_id)

    with dashboard(tmp_path / "log", COMMODITY_LENS_SERVER=embedded_server.address) as running:
        page = visit("about:blank")
        page.on("websocket", lambda socket: socket.on("framereceived", listen))
        page.goto(f"{running.url}/?source=Upload")
        file = FilePayload(name=f"{SECRET}.png", mimeType="image/png", buffer=png(size=(400, 300)))
        element(page, "upload").locator("input[type=file]").set_input_files([file])
        caption = page.get_by_text(SECRET)
        expect(caption).to_have_count(2)  # the uploader's, and the figure's
        settled(page)

        others = messages_to(running.url, session_ids[-1])
        told = b"".join(message.SerializeToString() for message in others)
        assert b"open in another browser" in told
        assert SECRET.encode() not in told
