"""The replicas behind the address, each by itself: its state, and how fast it answers.

They are asked for their model's status, a small call, while somebody looks at the page. What they
said in the last minutes is kept for the process: all visitors see the same.
"""

import math
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import frame, paper
from dashboard.answers import client, config
from detector.errors import ServingError
from detector.serving import ModelSpec, ServingClient
from detector.translation import _

EVERY_S = 5.0
KEPT = 60  # samples: five minutes
WAIT_S = 2.0  # for an answer


@dataclass
class Replica:
    """One replica, and what it said.

    Attributes:
        ready: the versions that it has ready; a text: why it does not say.
        times_ms: of the last calls, oldest first; NaN where there was no answer.
    """

    client: ServingClient
    ready: list[str] | str = ""
    times_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def ask(self, model: str) -> None:
        """Ask once. An answer that says that it has no such model is one too."""
        started = time.perf_counter()
        try:
            statuses = self.client.model(ModelSpec(model)).versions(WAIT_S)
        except ServingError as error:
            self.ready = str(error).partition(": ")[0]
            self.times_ms.append(float("nan"))
        else:
            self.ready = [str(each.version) for each in statuses if each.state == "AVAILABLE"]
            self.times_ms.append((time.perf_counter() - started) * 1000)

    @property
    def state(self) -> str:
        """In words, of the language of whoever looks."""
        if isinstance(self.ready, str):
            return self.ready
        if not self.ready:
            return _("no version")
        return _("ready: {versions}", versions=", ".join(self.ready))


class Watch:
    """The replicas of one address. Thread-safe."""

    def __init__(self, replicas: list[ServingClient]) -> None:
        self._replicas = [Replica(each) for each in replicas]
        self._lock = threading.Lock()
        self._asked_at = -float("inf")

    def close(self) -> None:
        """End the connections."""
        for replica in self._replicas:
            replica.client.close()

    def rows(self, model: str) -> list[tuple[str, str, float, float, list[float]]]:
        """Address, state, median and 95th percentile in ms, and the times, a row a replica."""
        with self._lock:
            if time.monotonic() - self._asked_at > EVERY_S / 2:
                with ThreadPoolExecutor(len(self._replicas)) as pool:
                    list(pool.map(lambda replica: replica.ask(model), self._replicas))
                self._asked_at = time.monotonic()
            return [_row(replica) for replica in self._replicas]


def _row(replica: Replica) -> tuple[str, str, float, float, list[float]]:
    times_ms = list(replica.times_ms)
    answered = [each for each in times_ms if not math.isnan(each)]
    median, p95 = np.percentile(answered, (50, 95)) if answered else (math.nan, math.nan)
    return replica.client.address, replica.state, median, p95, times_ms


@st.cache_resource(show_spinner=False, max_entries=64, on_release=Watch.close)
def _watch(address: str) -> Watch:
    return Watch(client(address).replicas())


def show(address: str) -> None:
    """The table, kept true by a timer of its own."""
    frame.fragment(_table, run_every=EVERY_S)(address)


def _table(address: str) -> None:
    rows = _watch(address).rows(config().model_name)
    paper.dataframe(
        pd.DataFrame(rows, columns=["Replica", "State", "Median", "p95", "Last minutes"]),
        key="replicas",
        column_config={
            "Replica": st.column_config.TextColumn(_("Replica")),
            "State": st.column_config.TextColumn(_("State")),
            "Median": st.column_config.NumberColumn(_("Median"), format="%.1f ms"),
            "p95": st.column_config.NumberColumn(_("95th percentile"), format="%.1f ms"),
            "Last minutes": st.column_config.LineChartColumn(
                _("Last minutes, ms"), y_min=0, width="medium"
            ),
        },
    )
