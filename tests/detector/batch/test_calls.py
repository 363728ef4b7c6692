"""The calls of a run, before servers that are full and servers that change their version."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

import grpc
import pytest
from PIL import Image

from detector.batch.calls import IN_FLIGHT
from detector.batch.run import Source, run
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import ModelNotFoundError, OutputError, ServerBusyError
from detector.serving import ModelSpec, ServedModel, ServingClient
from tests.support.foreign import Foreign, gated

CONFIG = Config()


def images(count: int) -> list[Source]:
    return [_image(number) for number in range(count)]


def _image(number: int) -> Source:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), (number, 0, 0)).save(buffer, "PNG")
    return Source(str(number), buffer.getvalue)


@contextmanager
def in_front_of(
    embedded: EmbeddedServer, change: Callable
) -> Iterator[tuple[Foreign, ServedModel]]:
    """The embedded server behind one that changes its answers: change(server, request, context)."""
    with gated(embedded.address) as (_, server):
        answer = server.predict

        def changed(request, context):
            return change(lambda: answer(request, context), request, context)

        server.predict = changed
        with ServingClient(server.address, timeout_s=20) as client:
            yield server, client.model(ModelSpec("commodity"))


class Versions:
    """A server whose newest version becomes 2 after some calls; it may keep 1 as well."""

    def __init__(self, after: int, keeps: bool) -> None:
        self._left = after
        self._keeps = keeps
        self._lock = threading.Lock()

    def __call__(self, answer, request, context):
        with self._lock:
            self._left -= 1
            newest = 1 if self._left >= 0 else 2
        asked = request.model_spec.version.value or newest
        if asked != newest and not (self._keeps and asked < newest):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: Specific({asked})")
        request.model_spec.ClearField("version_choice")
        response = answer()
        response.model_spec.version.value = asked
        return response


def test_a_run_keeps_to_the_version_that_it_began_with(embedded_server):
    with in_front_of(embedded_server, Versions(after=5, keeps=True)) as (_, model):
        found = list(run(images(20), model, CONFIG))
    assert [done.model.version for done in found] == [1] * 20


def test_a_run_ends_when_its_version_goes_and_keeps_what_has_come(embedded_server):
    found = []
    with (
        in_front_of(embedded_server, Versions(after=5, keeps=False)) as (_, model),
        pytest.raises(ModelNotFoundError, match="began with version 1, which is gone") as caught,
    ):
        found.extend(run(images(20), model, CONFIG))
    assert "--any-version" in caught.value.hint
    assert {done.model.version for done in found} <= {1}


def test_any_version_may_be_welcome(embedded_server):
    with in_front_of(embedded_server, Versions(after=5, keeps=False)) as (_, model):
        found = list(run(images(20), model, CONFIG, any_version=True))
    assert sorted(done.model.version for done in found) == [1] * 5 + [2] * 15


def test_a_run_goes_on_with_the_version_of_its_earlier_results(embedded_server):
    with in_front_of(embedded_server, Versions(after=0, keeps=True)) as (_, model):
        found = list(run(images(3), model, CONFIG, began_with=1))
    assert [done.model.version for done in found] == [1, 1, 1]


def test_an_answer_by_another_version_than_the_one_asked_for_is_refused(embedded_server):
    def lying(answer, request, context):
        response = answer()
        response.model_spec.version.value = 999
        return response

    with (
        in_front_of(embedded_server, lying) as (_, model),
        pytest.raises(OutputError, match="asked for version 1 and answered as version 999"),
    ):
        list(run(images(1), model.at(1), CONFIG))


def test_a_server_that_takes_one_call_at_a_time_is_asked_again(embedded_server):
    busy = threading.Lock()

    def one_at_a_time(answer, request, context):
        if not busy.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "")
        try:
            return answer()
        finally:
            busy.release()

    with in_front_of(embedded_server, one_at_a_time) as (_, model):
        found = list(run(images(12), model, CONFIG))
    assert sorted(done.index for done in found) == list(range(12))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OOM when allocating tensor"),
        (grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue is full"),
    ],
)
def test_a_server_that_is_full_for_a_while_costs_no_image(embedded_server, code, words):
    refused = 0

    def full_at_first(answer, request, context):
        nonlocal refused
        if refused < 15:
            refused += 1
            context.abort(code, words)
        return answer()

    with in_front_of(embedded_server, full_at_first) as (_, model):
        found = list(run(images(6), model, CONFIG))
    assert len(found) == 6


def test_a_server_that_was_full_gets_fewer_calls_at_a_time(embedded_server):
    lock = threading.Lock()
    refused = running = 0
    most: list[int] = []

    def full_at_first(answer, request, context):
        nonlocal refused, running
        with lock:
            running += 1
            most.append(running)
            # For so long that gRPC's own repeats of all calls under way come to their end.
            is_full = refused < 10 * IN_FLIGHT
            refused += is_full
        time.sleep(0.05)
        try:
            if is_full:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "")
            return answer()
        finally:
            with lock:
                running -= 1

    with in_front_of(embedded_server, full_at_first) as (_, model):
        found = list(run(images(12), model, CONFIG, any_version=True))
    assert len(found) == 12
    assert max(most[:IN_FLIGHT]) > 1
    assert set(most[-6:]) == {1}


def test_patience_with_a_full_server_ends(embedded_server):
    def full(answer, request, context):
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "OOM")

    with (
        in_front_of(embedded_server, full) as (_, model),
        pytest.raises(ServerBusyError, match="no room for this call"),
    ):
        list(run(images(3), model, CONFIG, busy_patience_s=0.2))
