"""Who may call a model server next: so many calls at a time, and single images before batches."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from detector.errors import ServerBusyError
from detector.translation import plural

# After so many single images in a row one of a batch gets its turn, so that no batch stands still.
_IN_A_ROW = 16


class Turns:
    """So many calls at a time; the others wait. Thread-safe.

    A single image, for which a visitor waits, goes before all of the batches': it waits until one
    running call has ended. Within both, who came first goes first. A batch has few calls waiting
    at a time, so several batches take turns.
    """

    def __init__(self, places: int, most_waiting: int) -> None:
        """
        Args:
            places: calls at a time.
            most_waiting: single images that may wait; a batch waits for as long as it takes.
        """
        self._free = places
        self._most_waiting = most_waiting
        self._singles: deque[object] = deque()
        self._batches: deque[object] = deque()
        self._row = 0  # single images that went before a waiting batch
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many calls wait now."""
        return len(self._singles) + len(self._batches)

    @contextmanager
    def one(self, wait_s: float, *, of_batch: bool = False) -> Iterator[None]:
        """A turn, once it has come.

        Args:
            wait_s: how long a single image waits for it, at most.

        Raises:
            ServerBusyError: there are too many before it, or it did not come in time.
        """
        line, ticket = self._batches if of_batch else self._singles, object()
        with self._changed:
            if not of_batch and len(line) >= self._most_waiting:
                raise self._busy()
            line.append(ticket)
            try:
                is_there = self._changed.wait_for(
                    lambda: self._free > 0 and self._next() is ticket, None if of_batch else wait_s
                )
                if not is_there:
                    raise self._busy()
                self._row = self._row + 1 if self._batches and not of_batch else 0
                self._free -= 1
            finally:
                line.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _next(self) -> object:
        is_batchs = self._batches and (not self._singles or self._row >= _IN_A_ROW)
        return self._batches[0] if is_batchs else self._singles[0]

    def _busy(self) -> ServerBusyError:
        return ServerBusyError(
            plural(
                "{count} image waits for the model server already",
                "{count} images wait for the model server already",
                self.waiting,
            )
        )
