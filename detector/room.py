"""How much memory may be taken at a time by whatever runs in this process."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """So many bytes may be taken at a time; who needs more has to be alone. Thread-safe.

    Who came first goes first, and the others wait behind even where there is room for them: else
    small images would keep a large one out for ever.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    @contextmanager
    def taken(self, needed: int) -> Iterator[None]:
        """Room for so many bytes, once it is there."""
        needed, ticket = min(needed, self._size), object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._free >= needed)
            finally:
                self._waiting.remove(ticket)
            self._free -= needed
            self._changed.notify_all()  # the next may fit too
        try:
            yield
        finally:
            with self._changed:
                self._free += needed
                self._changed.notify_all()
