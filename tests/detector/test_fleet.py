"""Several replicas behind one address: one that dies, one that freezes, one that comes back."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from detector.errors import ServerTimeoutError
from detector.serving import ModelSpec, ServedModel, ServingClient
from tests.support.running import ModelServer, model_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

TIMEOUT_S = 4.0
IMAGE = np.zeros((1, 300, 300, 3), np.float32)


@pytest.fixture
def replicas() -> Iterator[list[ModelServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(model_server()) for _ in range(3)]


@pytest.fixture
def model(replicas: list[ModelServer]) -> Iterator[ServedModel]:
    address = "ipv4:" + ",".join(replica.address for replica in replicas)
    with ServingClient(address, timeout_s=TIMEOUT_S) as client:
        served = client.model(ModelSpec("commodity"))
        for _ in range(6):
            call(served)
        yield served


def call(model: ServedModel) -> None:
    model.predict({"images": IMAGE}, ["concat_3:0"])


def test_a_replica_that_is_killed_under_load_costs_no_request(model, replicas):
    ended = threading.Event()

    def calls() -> int:
        count = 0
        while not ended.is_set():
            call(model)
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(calls) for _ in range(4)]
        time.sleep(1)
        replicas[0].process.kill()
        time.sleep(2)
        ended.set()
        assert sum(each.result() for each in running) > 12


def test_a_frozen_replica_costs_one_deadline(model, replicas):
    os.kill(replicas[1].process.pid, signal.SIGSTOP)
    failed = 0
    started = time.monotonic()
    for _ in range(18):
        try:
            call(model)
        except ServerTimeoutError:
            failed += 1
    assert failed <= 1
    assert time.monotonic() - started < 3 * TIMEOUT_S
