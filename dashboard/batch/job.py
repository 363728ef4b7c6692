"""A batch in the background of one session. No Streamlit here: a thread must not call it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from PIL import Image

from dashboard.background import Background
from detector.answers import StoredAnswers
from detector.batch import run
from detector.batch.manifest import now
from detector.config import Config
from detector.images import encode_jpeg
from detector.serving import ServedModel
from detector.tiling import Tiling

# Cards are some 200 points wide; screens have up to two pixels a point.
THUMBNAIL_SIDE = 360


class Job(Background):
    """Images that are run in the background, and the results that have come. Thread-safe.

    Attributes:
        sources: the images. They hold references to uploads, no copies.
        started: UTC, ISO 8601.
        tiling: the tiles of each image that are asked about too.
    """

    def __init__(
        self,
        sources: Sequence[run.Source],
        report: Callable[[Exception], str],
        tiling: Tiling = Tiling.OFF,
    ) -> None:
        """
        Args:
            report: as of `Background`.
            tiling: of which tiles of each image the model is asked too.
        """
        super().__init__("batch-job", report)
        self.tiling = tiling
        self.sources = tuple(sources)
        self.started = now()
        self._lock = threading.Lock()  # guards what follows
        self._done: dict[int, run.Done] = {}
        self._begun: set[int] = set()
        self._finished = ""
        self._spent_s = 0.0
        self._counted = 0  # results of the time spent
        self._since = 0.0

    def go_on(
        self, model: ServedModel, config: Config, stored: StoredAnswers | None = None
    ) -> None:
        """Run what is not done yet, in the background. Nothing happens while it runs.

        Args:
            stored: the session's answers by the version that is served now.
        """
        if self.is_running or self.count == len(self.sources):
            return
        self._begin(partial(self._run, model, config, stored))

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
        """Images a second while it ran; 0 before the first."""
        with self._lock:
            spent_s = self._spent_s + (time.monotonic() - self._since if self._since else 0)
            return self._counted / spent_s if spent_s > 0 else 0.0

    def _run(self, model: ServedModel, config: Config, stored: StoredAnswers | None) -> None:
        todo = [index for index in range(len(self.sources)) if index not in self._done]
        # An image that ended the last run may end this one too: it comes after the others.
        todo.sort(key=self._begun.__contains__)
        with self._lock:
            self._since = time.monotonic()
        try:
            results = run.run(
                self._until_stopped(todo),
                model,
                config,
                make=_thumbnail,
                stored=stored,
                began_with=self._version(),
                tiling=self.tiling,
            )
            for done in results:
                with self._lock:
                    index = todo[done.index]
                    self._done[index] = replace(done, index=index)
                    self._counted += 1
                    self._finished = now()
        finally:
            with self._lock:
                self._spent_s += time.monotonic() - self._since
                self._since = 0.0

    def _version(self) -> int:
        """The version that gave the results that are there; 0: there are none."""
        return max((done.model.version for done in self.results if done.model), default=0)

    def _until_stopped(self, todo: Sequence[int]) -> Iterator[run.Source]:
        for index in todo:
            if self._stop.is_set():
                return
            yield replace(self.sources[index], read=partial(self._read, index))

    def _read(self, index: int) -> bytes:
        self._begun.add(index)
        return self.sources[index].read()


def _thumbnail(image: Image.Image) -> bytes:
    return encode_jpeg(image, max_side=THUMBNAIL_SIDE, quality=80)
