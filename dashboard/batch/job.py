"""A batch in the background of one session. No Streamlit here: a thread must not call it."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from detector.batch import run
from detector.batch.manifest import now
from detector.config import Config
from detector.errors import LensError
from detector.images import RGBImage, encode_jpeg
from detector.serving import ServedModel

# Cards are some 200 points wide; screens have up to two pixels a point.
THUMBNAIL_SIDE = 360


class Job:
    """Pictures that are run one after the other, results that come meanwhile. Thread-safe.

    Attributes:
        sources: the pictures. They hold references to uploads, no copies.
        started: UTC, ISO 8601.
    """

    def __init__(self, sources: Sequence[run.Source]) -> None:
        self.sources = tuple(sources)
        self.started = now()
        self._lock = threading.Lock()  # guards what follows
        self._done: dict[int, run.Done] = {}
        self._error: LensError | None = None
        self._finished = ""
        self._spent_s = 0.0
        self._counted = 0  # results of the time spent
        self._since = 0.0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def go_on(self, client: ServedModel, config: Config) -> None:
        """Run what is not done yet, in the background. Nothing happens while it runs."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            todo = [index for index in range(len(self.sources)) if index not in self._done]
            if not todo:
                return
            self._error = None
            self._stop = threading.Event()
            self._since = time.monotonic()
            self._thread = threading.Thread(
                target=self._run, args=(todo, client, config), name="batch-job", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End it after the pictures that are under way. What is done stays."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it does not run."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    @property
    def is_running(self) -> bool:
        """It runs, or ends after the pictures that are under way."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """It was told to stop and has not yet."""
        return self._stop.is_set() and self.is_running

    @property
    def error(self) -> LensError | None:
        """Why it ended before all was done, unless it was stopped."""
        return self._error

    @property
    def finished(self) -> str:
        """When the last result came: UTC, ISO 8601."""
        return self._finished

    @property
    def results(self) -> list[run.Done]:
        """What is done, in the order of the sources; `made` is a small JPEG."""
        with self._lock:
            return [self._done[index] for index in sorted(self._done)]

    @property
    def count(self) -> int:
        """How many are done."""
        return len(self._done)

    @property
    def rate(self) -> float:
        """Pictures a second while it ran; 0 before the first."""
        with self._lock:
            spent_s = self._spent_s + (time.monotonic() - self._since if self.is_running else 0)
            return self._counted / spent_s if spent_s > 0 else 0.0

    def _run(self, todo: Sequence[int], client: ServedModel, config: Config) -> None:
        sources = (self.sources[index] for index in todo)
        try:
            with closing(run.run(sources, client, config, make=_thumbnail)) as results:
                for done in results:
                    with self._lock:
                        index = todo[done.index]
                        self._done[index] = replace(done, index=index)
                        self._counted += 1
                        self._finished = now()
                    if self._stop.is_set():
                        break
        except LensError as error:
            self._error = error.with_traceback(None)
        finally:
            with self._lock:
                self._spent_s += time.monotonic() - self._since


def _thumbnail(image: RGBImage) -> bytes:
    return encode_jpeg(image, max_side=THUMBNAIL_SIDE, quality=80)
