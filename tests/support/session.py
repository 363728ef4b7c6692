"""A visitor without a browser: Streamlit's own messages over its WebSocket."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Origin, Subprotocol

T = TypeVar("T")


def connected(url: str, *said: str) -> websockets.connect:
    return websockets.connect(
        url.replace("http", "ws") + "/_stcore/stream",
        subprotocols=[Subprotocol(part) for part in ("streamlit", *said)],
        origin=Origin(url),
        max_size=None,
    )


def run(work: Coroutine[None, None, T]) -> T:
    with ThreadPoolExecutor() as pool:  # this thread's loop is the browser's
        return pool.submit(asyncio.run, work).result()


async def visited(url: str, page: str = "", query: str = "", *said: str) -> list[ForwardMsg]:
    """What a visitor gets of a page until its script has come to its end.

    Args:
        page: its name; the home page has none.
        said: what stands in the connection's head beside the protocol.
    """
    async with connected(url, *said) as connection:
        return await answers(connection, ClientState(query_string=query, page_name=page))


async def answers(connection: websockets.ClientConnection, state: ClientState) -> list[ForwardMsg]:
    """What comes for a run with that state, until it has come to its end."""
    got: list[ForwardMsg] = []
    await connection.send(BackMsg(rerun_script=state).SerializeToString())
    async with asyncio.timeout(60):
        while not got or got[-1].WhichOneof("type") != "script_finished":
            got.append(ForwardMsg.FromString(cast(bytes, await connection.recv())))
    return got
