"""A batch in the background: stopped, gone on with, and ended by what nobody expected."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import pytest
from PIL import Image

from dashboard.batch.job import THUMBNAIL_SIDE, Job
from detector.batch.calls import IN_FLIGHT
from detector.batch.run import Source
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import ServerUnavailableError
from detector.serving import ServedModel
from tests.support.files import png
from tests.support.foreign import Foreign, Gate, gated
from tests.support.running import served

CONFIG = Config()


@dataclass
class Reports:
    """Takes the unexpected exceptions of a job."""

    errors: list[Exception] = field(default_factory=list)

    def __call__(self, error: Exception) -> str:
        self.errors.append(error)
        return f"id{len(self.errors)}"


def sources(count: int) -> list[Source]:
    return [Source(str(i), lambda i=i: png(size=(30 + i, 30))) for i in range(count)]


def failing(times: int) -> Source:
    """An image whose reading fails so often by a fault of our own."""
    left = [RuntimeError("a fault of our own")] * times

    def read() -> bytes:
        if left:
            raise left.pop()
        return png()

    return Source("failing", read)


def finish(job: Job, client: ServedModel) -> None:
    job.go_on(client, CONFIG)
    job.join(60)
    assert not job.is_running


@pytest.fixture
def held(embedded_server: EmbeddedServer) -> Iterator[tuple[Gate, Foreign, ServedModel]]:
    with (
        gated(embedded_server.address) as (gate, server),
        served(server.address) as client,
    ):
        yield gate, server, client


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_results_are_in_the_order_of_the_sources_with_a_small_jpeg(client: ServedModel) -> None:
    images = [png(size=(40, 30)), b"no image", png(size=(1000, 500))]
    job = Job([Source(str(i), lambda i=i: images[i]) for i in range(3)], Reports())
    assert (job.count, job.results, job.finished, job.rate) == (0, [], "", 0)
    assert not job.is_running
    finish(job, client)
    small, bad, wide = job.results
    assert [small.name, bad.name, wide.name] == ["0", "1", "2"]
    assert bad.error is not None
    assert isinstance(wide.made, bytes)
    thumbnail = Image.open(BytesIO(wide.made))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2))
    assert (job.count, job.error, job.error_id) == (3, None, "")
    assert job.started <= job.finished
    assert job.rate > 0


def test_the_rate_is_of_the_time_that_it_ran(client: ServedModel) -> None:
    job = Job(sources(4), Reports())
    started = time.monotonic()
    finish(job, client)
    spent_s = time.monotonic() - started
    first = job.rate
    assert first >= 4 / spent_s
    finish(job, client)  # there is nothing to do
    assert job.rate == first


def test_what_is_under_way_when_it_is_stopped_is_kept(
    held: tuple[Gate, Foreign, ServedModel],
) -> None:
    gate, server, client = held
    gate.close_after(5)
    job = Job(sources(60), Reports())
    job.go_on(client, CONFIG)
    wait_until(lambda: len(server.requests) == 5 + IN_FLIGHT and job.count == 5)
    assert not job.is_stopping
    job.stop()
    assert job.is_stopping
    gate.open()
    job.join(60)
    assert not job.is_stopping
    # Every answer that the server gave.
    assert len(job.results) == len(server.requests)
    assert 5 + IN_FLIGHT <= job.count < 60
    assert job.error is None
    finish(job, client)
    assert [done.index for done in job.results] == list(range(60))
    assert len(server.requests) == 60


def test_it_is_not_run_twice_at_a_time(held: tuple[Gate, Foreign, ServedModel]) -> None:
    gate, server, client = held
    gate.close_after(1)  # the first says which version answers
    job = Job(sources(3), Reports())
    job.go_on(client, CONFIG)
    wait_until(lambda: len(server.requests) == 3)
    job.go_on(client, CONFIG)
    gate.open()
    job.join(60)
    assert len(server.requests) == 3
    assert job.count == 3


def test_an_unexpected_exception_is_reported_once_and_leaves_the_rest_to_go_on_with(
    client: ServedModel,
) -> None:
    reports = Reports()
    job = Job([*sources(3), failing(1), *sources(40)], reports)
    finish(job, client)
    assert [str(error) for error in reports.errors] == ["a fault of our own"]
    assert (job.error, job.error_id) == (None, "id1")
    assert job.count < 44
    finish(job, client)
    assert [done.index for done in job.results] == list(range(44))
    assert (job.error, job.error_id) == (None, "")


def test_an_image_that_ends_every_run_does_not_keep_the_others_out(client: ServedModel) -> None:
    job = Job([failing(99), *sources(40)], Reports())
    finish(job, client)
    assert job.error_id == "id1"
    finish(job, client)
    assert job.error_id == "id2"
    assert [done.index for done in job.results] == list(range(1, 41))


def test_why_it_ended_is_kept_until_it_goes_on(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.batch.calls.PATIENCE_S", 0.1)
    job = Job(sources(3), Reports())
    with served("127.0.0.1:1") as nobody:
        finish(job, nobody)
    assert isinstance(job.error, ServerUnavailableError)
    assert job.error.__traceback__ is None
    finish(job, client)
    assert job.error is None
    assert job.count == 3


def test_no_thread_is_left(client: ServedModel) -> None:
    finish(Job(sources(3), Reports()), client)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batch")]
