"""A crowd: so many visitors on the Detect page over real WebSocket sessions, in Streamlit's own
protocol.

    python -m benchmarks.visitors [--visitors 50] [--seconds 60] [--pause 10] [--leave]

Each opens the page and then, some `pause` seconds apart, moves the score threshold or now and then
looks at another sample. Timed is from the message to the end of the script that it caused; then
how much memory the dashboard has at the start, at the most, and with --leave after all have left.
"""

import argparse
import random
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from benchmarks.measuring import Figure, family, main, processor_s
from benchmarks.pages import running

OPENS_A_SECOND = 2.0
# Streamlit keeps a session for two minutes after its page was closed.
GONE_AFTER_S = 150.0


class Visitor:
    """One session, and how long its actions took."""

    def __init__(self, address: str, seed: int) -> None:
        self._address = f"ws://{urlsplit(address).netloc}/_stcore/stream"
        self._random = random.Random(seed)
        self._ids: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._samples: list[str] = []
        self._values: dict[str, WidgetState] = {}
        self.opened_s = 0.0
        self.slider_s: list[float] = []
        self.sample_s: list[float] = []

    def stay(self, end: float, pause_s: float) -> None:
        """Open the page and use it until that time of time.monotonic()."""
        with connect(self._address, max_size=None, subprotocols=["streamlit"]) as session:  # type: ignore[list-item]
            self.opened_s = self._run(session, "")
            while True:
                wait_s = self._random.uniform(0.5, 1.5) * pause_s
                if time.monotonic() + wait_s > end:
                    return
                self._idle(session, wait_s)
                if self._random.random() < 0.8:
                    state = WidgetState(id=self._ids["score_threshold"])
                    state.double_array_value.data.append(self._random.randint(5, 95) / 100)
                    self.slider_s.append(self._run(session, "score_threshold", state))
                else:
                    state = WidgetState(id=self._ids["sample"])
                    state.string_array_value.data.append(self._random.choice(self._samples))
                    self.sample_s.append(self._run(session, "sample", state))

    def _run(self, session: ClientConnection, key: str, state: WidgetState | None = None) -> float:
        """Seconds until the script has come to its end."""
        if state is not None:
            self._values[key] = state
        message = BackMsg()
        message.rerun_script.query_string = ""
        message.rerun_script.widget_states.widgets.extend(self._values.values())
        message.rerun_script.fragment_id = self._fragments.get(key, "")
        started = time.monotonic()
        session.send(message.SerializeToString())
        while not self._take(session.recv(timeout=60)):
            pass
        return time.monotonic() - started

    def _idle(self, session: ClientConnection, wait_s: float) -> None:
        """Take what timers of the page cause meanwhile."""
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            try:
                self._take(session.recv(timeout=left))
            except TimeoutError:
                return

    def _take(self, data: str | bytes) -> bool:
        """Whether it is the end of a script."""
        message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            which = element.WhichOneof("type")
            identity = getattr(getattr(element, which or "", None), "id", "")
            for key in ("score_threshold", "sample"):
                if which in ("slider", "button_group") and re.search(rf"-{key}$", identity):
                    self._ids[key] = identity
                    self._fragments[key] = message.delta.fragment_id
                    if key == "sample":
                        self._samples = [option.content for option in element.button_group.options]
        return bool(kind == "script_finished")


def stay_all(visitors: Sequence[Visitor], seconds: float, pause_s: float) -> float:
    """Have all of them come, one after the other, and stay so long. Returns the processor time of
    all processes meanwhile, without this one's."""
    cpu_s = processor_s(family()) - processor_s()
    end = time.monotonic() + len(visitors) / OPENS_A_SECOND + seconds
    with ThreadPoolExecutor(len(visitors)) as pool:
        stays = []
        for visitor in visitors:
            stays.append(pool.submit(visitor.stay, end, pause_s))
            time.sleep(1 / OPENS_A_SECOND)
        for each in stays:
            each.result()
    return processor_s(family()) - processor_s() - cpu_s


def figures(options: argparse.Namespace) -> list[Figure]:
    with running("app.py") as (address, pid):
        with ThreadPoolExecutor(1) as pool:  # what is loaded once
            pool.submit(Visitor(address, 0).stay, time.monotonic() + 5, 1.0).result()
        before = resident(pid)
        most = [before]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                most.append(resident(pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        visitors = [Visitor(address, seed) for seed in range(1, options.visitors + 1)]
        cpu_s = stay_all(visitors, options.seconds, options.pause)
        if options.leave:
            time.sleep(GONE_AFTER_S)
        ended.set()
        watcher.join()
        after = resident(pid)
    times = {
        "opening the page": [visitor.opened_s for visitor in visitors],
        "a slider moved": [spent for visitor in visitors for spent in visitor.slider_s],
        "another sample": [spent for visitor in visitors for spent in visitor.sample_s],
    }
    case = f"{options.visitors} visitors, an action every {options.pause:g} s"
    actions = sum(map(len, times.values()))
    found = [Figure(case, way, values) for way, values in times.items() if values]
    # Of dashboard and model server together, shared out evenly.
    for figure in found:
        figure.cpu_s = [cpu_s / actions]
    memory = {"with one visitor": before, "at the most": max(most)}
    if options.leave:
        memory["after all have left"] = after
    case = f"memory of the dashboard, {options.visitors} visitors"
    return found + [Figure(case, way, [value], unit="byte") for way, value in memory.items()]


def resident(pid: int) -> float:
    """Bytes of memory that the process has now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1024


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=10.0)
    parser.add_argument("--leave", action="store_true", help="wait until their sessions are gone")


if __name__ == "__main__":
    main(__doc__, figures, add_options)
