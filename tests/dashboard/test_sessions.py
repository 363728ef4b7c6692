"""A visitor's session, and a client that presents its id: real dashboard, real browser."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import websockets
from playwright.sync_api import FilePayload, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLsResponse
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from dashboard.media import keep_upload_addresses
from tests.support.browser import element, move_slider, settled
from tests.support.files import png
from tests.support.running import dashboard
from tests.support.session import connected, run, visited

SECRET = "my-secret-photo"
RERUN = BackMsg(rerun_script=ClientState(query_string="source=Upload")).SerializeToString()


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

        others = run(visited(running.url, "", "source=Upload", "none", session_ids[-1]))
        told = b"".join(message.SerializeToString() for message in others)
        assert b"open in another browser" in told
        assert SECRET.encode() not in told


def test_a_flood_of_messages_ends_its_connection_and_stops_nobody(
    visit: Callable[..., Page], tmp_path: Path, embedded_server
) -> None:
    async def flood(url: str) -> None:
        async with connected(url) as connection:
            with suppress(websockets.ConnectionClosed):
                for _ in range(3000):
                    await connection.send(RERUN)
            await asyncio.wait_for(connection.wait_closed(), 20)

    with dashboard(tmp_path / "log", COMMODITY_LENS_SERVER=embedded_server.address) as running:
        page = visit(running.url)
        element(page, "figure_frame").locator(".barlayer .point path").first.wait_for()
        settled(page)
        run(flood(running.url))
        move_slider(page, "score_threshold", 0.4)
        page.wait_for_url("**score_threshold=0.4**")
        assert "it sent too many messages" in (tmp_path / "log").read_text()


def test_an_upload_gets_its_address_though_a_run_begins_as_it_asks():
    keep_upload_addresses()
    told = ForwardMsg(file_urls_response=FileURLsResponse(response_id="a.jpg"))
    for fragments in (None, ["fragment"]):
        queue = ForwardMsgQueue()
        queue.enqueue(told)
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
        assert queue.flush() == [told]
        assert queue.flush() == []
