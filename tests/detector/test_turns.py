"""Turns at a model server: how many calls at a time, who is first, who is sent away."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from detector.answers import SSDModel, load
from detector.batch.run import file_source, run
from detector.config import Config
from detector.errors import ServerBusyError
from detector.images import ImageLimits
from detector.serving import ModelSpec, ServingClient
from detector.turns import Turns
from tests.support.foreign import gated
from tests.support.paths import ROOT
from tests.support.running import until

WAIT_S = 30.0


class Line:
    """Threads that take a turn each; the place is held until they are told to go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.go = threading.Semaphore(0)
        self.pool = ThreadPoolExecutor(64)
        self.futures = []

    def add(self, name: str, *, of_batch: bool = False) -> None:
        def take() -> None:
            with self.turns.one(WAIT_S, of_batch=of_batch):
                self.order.append(name)
                assert self.go.acquire(timeout=WAIT_S)

        before = self.turns.waiting + len(self.order)
        self.futures.append(self.pool.submit(take))
        until(lambda: self.turns.waiting + len(self.order) == before + 1)

    def end(self) -> list[str]:
        for _ in self.futures:
            self.go.release()
        for future in self.futures:
            future.result(WAIT_S)
        return self.order


def test_no_more_than_the_places_are_taken_at_a_time_and_all_come_in_order():
    line = Line(Turns(3, 100))
    for name in "abcdefg":
        line.add(name)
    assert (sorted(line.order), line.turns.waiting) == (["a", "b", "c"], 4)
    assert line.end() == list("abcdefg")
    assert line.turns.waiting == 0


def test_single_images_go_before_a_batchs():
    line = Line(Turns(1, 100))
    line.add("first", of_batch=True)
    for number in range(3):
        line.add(f"batch {number}", of_batch=True)
    line.add("one")
    line.add("two")
    assert line.end() == ["first", "one", "two", "batch 0", "batch 1", "batch 2"]


def test_single_images_that_no_batch_waited_for_are_not_held_against_later_ones():
    line = Line(Turns(1, 100))
    for number in range(20):
        line.add(f"before {number}")
    for _ in range(19):
        line.go.release()
    until(lambda: len(line.order) == 20)
    line.add("batch", of_batch=True)
    line.add("one")
    assert line.end()[20:] == ["one", "batch"]


def test_a_batch_does_not_stand_still_behind_single_images():
    line = Line(Turns(1, 100))
    line.add("first")
    line.add("batch", of_batch=True)
    for number in range(40):
        line.add(str(number))
    assert 1 <= line.end().index("batch") <= 17


def test_one_too_many_is_told_so_and_a_batchs_waits_all_the_same():
    line = Line(Turns(1, 2))
    for name in "abc":
        line.add(name)
    with pytest.raises(ServerBusyError, match="2 images wait"), line.turns.one(WAIT_S):
        pass
    line.add("batch", of_batch=True)
    assert line.end() == ["a", "b", "c", "batch"]
    with line.turns.one(WAIT_S):  # there is room again
        pass


def test_who_waited_too_long_is_told_so_and_does_not_stand_in_the_way():
    line = Line(Turns(1, 10))
    line.add("first")
    with pytest.raises(ServerBusyError), line.turns.one(0.05):
        pass
    line.add("second")
    assert line.end() == ["first", "second"]


def test_a_turn_that_ends_with_an_error_is_given_back():
    turns = Turns(1, 1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turns.one(WAIT_S):
            raise ZeroDivisionError
    with turns.one(WAIT_S):
        pass


def test_a_visitors_image_waits_for_one_call_of_a_batch_at_most(embedded_server):
    images = sorted((ROOT / "samples").glob("*.jpg"))
    limits = ImageLimits()
    with gated(embedded_server.address) as (_gate, server):
        turns = Turns(1, 10)
        with ServingClient(server.address, timeout_s=60, turns=turns) as client:
            model = client.model(ModelSpec("commodity"))
            batch = ThreadPoolExecutor(1).submit(
                lambda: list(run([file_source(i, limits) for i in images], model, Config()))
            )
            visitors = load(images[0].read_bytes(), limits)
            until(lambda: len(server.requests) >= 3 and turns.waiting >= 2)
            before = len(server.requests)
            SSDModel(model, "images", "concat_3:0", 9).ask(visitors)
            after = len(server.requests)
            assert len(batch.result(60)) == len(images)
    # The one that ran, perhaps one that began while this one joined the queue, and its own.
    assert after - before <= 3
