"""The calls of a run: few at a time, repeated while waiting helps, and all to one version."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from detector.answers import Answer, LoadedImage, SSDModel
from detector.errors import (
    ModelNotFoundError,
    ServerBusyError,
    ServerFaultError,
    ServerTimeoutError,
    ServerUnavailableError,
)
from detector.translation import _

IN_FLIGHT = 4
# How long a server that restarts may take. gRPC's own repeats end after 0.7 s.
PATIENCE_S = 6.0
# A server that is full has others to serve: it has room again when they are done.
BUSY_PATIENCE_S = 60.0
_LONGEST_PAUSE_S = 5.0
_PASSES = 16  # in a row, until one more is made at a time


class Calls:
    """Several threads' calls to one model.

    The version that answers first answers all the others: boxes of two models are not mixed, unless
    any version is welcome.
    """

    def __init__(
        self,
        model: SSDModel,
        stop: threading.Event,
        *,
        began_with: int = 0,
        any_version: bool = False,
        patience_s: float | None = None,
        busy_patience_s: float | None = None,
    ) -> None:
        """
        Args:
            stop: set when the run ends; no call begins after that.
            began_with: the version that gave the run's earlier results; 0: there are none.
            patience_s: for how long a call is repeated where the server cannot be reached; None:
                PATIENCE_S.
            busy_patience_s: the same where it is reached and has no room; None: BUSY_PATIENCE_S.
        """
        self._stop = stop
        self._any_version = any_version
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._busy_patience_s = BUSY_PATIENCE_S if busy_patience_s is None else busy_patience_s
        self._model = model
        self.version = 0
        self._first = threading.Lock()
        self._is_settled = any_version or began_with > 0
        self._places = _Places(IN_FLIGHT)
        if began_with:
            self.keep_to(began_with)

    def keep_to(self, version: int) -> None:
        """Ask for no other version from now on; 0, of a server that tells none, changes nothing."""
        if version and not self._any_version and not self.version:
            served = self._model.served.at(version)
            self._model = replace(self._model, served=served)
            self.version = version

    def suits(self, version: int) -> bool:
        """Whether an answer of this version may stand among those of the run."""
        return self._any_version or self.version in (0, version)

    def ask(self, image: LoadedImage) -> Answer:
        """The model's answer. Raises ServingError: waiting did not help, or would not."""
        pause_s = 0.1
        with self._places.one():
            started = time.monotonic()
            while True:
                if self._stop.is_set():
                    raise ServerUnavailableError(_("the run was ended before this image's call"))
                try:
                    return self._ask(image)
                except ServerBusyError:
                    self._places.fewer()
                    if not self._waited(pause_s, started + self._busy_patience_s):
                        raise
                except (ServerUnavailableError, ServerTimeoutError, ServerFaultError):
                    if not self._waited(pause_s, started + self._patience_s):
                        raise
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _ask(self, image: LoadedImage) -> Answer:
        first = None if self._is_settled else self._first_answer(image)
        return self._asked(image) if first is None else first

    def _first_answer(self, image: LoadedImage) -> Answer | None:
        """The answer that says which version answers all; None: another thread has got it."""
        with self._first:
            if self._is_settled:
                return None
            answer = self._asked(image)
            self.keep_to(answer.model.version)
            self._is_settled = True
            return answer

    def _asked(self, image: LoadedImage) -> Answer:
        try:
            return self._model.ask(image)
        except ModelNotFoundError as error:
            if not self.version:
                raise
            raise ModelNotFoundError(
                _(
                    "the run began with version {version}, which is gone: {error}",
                    version=self.version,
                    error=error,
                ),
                _(
                    "Serve that version again and go on, or begin anew with the version that is"
                    " served now. --any-version goes on with any."
                ),
            ) from error

    def _waited(self, pause_s: float, end: float) -> bool:
        """Pause; False where there is no time for it, or the run ends."""
        return time.monotonic() + pause_s <= end and not self._stop.wait(pause_s)


class _Places:
    """How many calls are made at a time: fewer while the server is full, then more again."""

    def __init__(self, most: int) -> None:
        self._most = self._allowed = most
        self._taken = self._passed = 0
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for a call, once there is one; held while the call is repeated too."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken < self._allowed)
            self._taken += 1
        try:
            yield
            with self._changed:
                self._passed += 1
                if self._passed % _PASSES == 0:
                    self._allowed = min(self._allowed + 1, self._most)
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify_all()

    def fewer(self) -> None:
        """One call less at a time, but always one."""
        with self._changed:
            self._allowed = max(self._allowed - 1, 1)
            self._passed = 0
