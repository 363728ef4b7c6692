"""Servers that die, freeze, come back, are slow, or are cut off, alone and among replicas."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from detector.channel import KEEPALIVE_MS
from detector.errors import ServerTimeoutError, ServerUnavailableError
from detector.serving import ModelSpec, ServedModel, ServingClient
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving
from tests.support.proxy import resetting
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


def test_a_frozen_replica_is_found_out_long_before_a_long_deadline(replicas):
    address = "ipv4:" + ",".join(replica.address for replica in replicas)
    with ServingClient(address, timeout_s=300) as client:
        served = client.model(ModelSpec("commodity"))
        for _ in range(6):
            call(served)
        os.kill(replicas[1].process.pid, signal.SIGSTOP)
        started = time.monotonic()
        for _ in range(6):
            call(served)
        assert time.monotonic() - started < 4 * KEEPALIVE_MS / 1000


ANSWER = answer({"concat_3:0": encode_tensor(np.ones((1, 7308, 21), np.float32))})  # 614 kB


@pytest.mark.parametrize("after_bytes", [10_000, 300_000, 600_000])
def test_a_connection_that_is_reset_in_the_middle_of_an_answer_costs_no_request(after_bytes):
    with (
        serving(Foreign(ANSWER)) as server,
        resetting(server.address, after_bytes) as address,
        ServingClient(address, timeout_s=60) as client,
    ):
        call(client.model(ModelSpec("commodity")))
        assert len(server.requests) == 2


def test_a_network_that_resets_each_answer_is_an_error_soon():
    with (
        serving(Foreign(ANSWER)) as server,
        resetting(server.address, 300_000, times=1000) as address,
        ServingClient(address, timeout_s=60) as client,
        pytest.raises(ServerUnavailableError),
    ):
        call(client.model(ModelSpec("commodity")))
    assert len(server.requests) == 2


def test_an_answer_of_twenty_seconds_is_waited_for_where_the_deadline_allows_it():
    def slow(request, context):
        time.sleep(20)  # longer than a ping, and one that is not answered, may take
        return ANSWER(request, context)

    with serving(Foreign(slow)) as server, ServingClient(server.address, timeout_s=60) as client:
        call(client.model(ModelSpec("commodity")))
        assert len(server.requests) == 1


def test_after_an_outage_of_half_a_minute_the_first_answer_comes_within_a_second():
    """gRPC by itself would next try to connect 42 seconds after the first try."""
    with serving(Foreign(ANSWER)) as server:
        port = int(server.address.rpartition(":")[2])
        client = ServingClient(server.address, timeout_s=10)
        served = client.model(ModelSpec("commodity"))
        call(served)
    with client:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with pytest.raises(ServerUnavailableError):
                call(served)
            time.sleep(3)  # as a page's timer asks
        with serving(Foreign(ANSWER), port=port):
            started = time.monotonic()
            call(served)
            assert time.monotonic() - started < 1
