"""Many images through the model server, several at a time, in a memory that does not grow.

Each worker takes an image the whole way: read, decode, preprocess, call, and keep of the answer
what post-processing reads. While one waits for the server another decodes, so that the server
always has a request; more than a few of them would only queue there and come near their deadline.

Images are decoded at their full size, as for a single one. A JPEG can be decoded at a half or a
quarter of it in 40 % of the time, but the model then sees other pixels: of photos of 12 megapixels
scores changed by up to 0.24, and 1 of 52 boxes crossed a threshold of 0.3.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from detector.answers import Answer, LoadedImage, SSDModel, StoredAnswers, digest_of, load
from detector.batch.calls import Calls
from detector.config import Config
from detector.errors import (
    ImageError,
    LensError,
    ServingError,
)
from detector.images import ImageLimits, read_file
from detector.serving import ModelVersion, ServedModel
from detector.ssd import RawPrediction
from detector.tiling import Tiling
from detector.translation import _, carried

# Two cores are busy with three images already; the rest hides what a network adds.
WORKERS = max(4, min(8, (os.cpu_count() or 1) + 2))

# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib",
    ".tif", ".tiff", ".gif", ".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs",
})
# fmt: on


@dataclass(frozen=True)
class Source:
    """An image that is read when its turn comes.

    Attributes:
        name: as the visitor knows it; need not be unique.
        read: gives the file's bytes, in any thread; raises ImageError, or OSError.
    """

    name: str
    read: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Done:
    """What became of an image: an answer of the model, or an error.

    Attributes:
        index: the place of its source, from 0.
        digest: SHA-256 of the file's bytes; "" where it could not be read.
        size: (width, height) of the upright original, in pixels; None with an error.
        raw: the model's answer, `compact`; None with an error.
        error: why there is no answer. The image is at fault, never the server.
        timings: seconds by step: decode, preprocess, call.
        made: what the run's `make` gave.
    """

    index: int
    name: str
    digest: str
    size: tuple[int, int] | None = None
    raw: RawPrediction | None = field(default=None, repr=False)
    error: LensError | None = None
    model: ModelVersion | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    made: object = field(default=None, repr=False)


def run(
    sources: Iterable[Source],
    model: ServedModel,
    config: Config,
    *,
    make: Callable[[Image.Image], object] | None = None,
    stored: StoredAnswers | None = None,
    workers: int = WORKERS,
    patience_s: float | None = None,
    busy_patience_s: float | None = None,
    began_with: int = 0,
    any_version: bool = False,
    tiling: Tiling = Tiling.OFF,
) -> Generator[Done, None, None]:
    """Each image's result, in any order, as they come.

    No more than twice as many images as workers are under way or waiting to be taken, so whoever
    is slow to take them slows the run. To end it early and keep what is under way, end the sources:
    closing the iterator drops that, and waits for its calls all the same.

    Args:
        sources: taken one after the other, from the caller's thread.
        make: what else is wanted of an image while it is decoded, a small one for instance;
            called by the workers.
        stored: answers that are known already are taken from here, and new ones are put here.
        patience_s: for how long a call is repeated where the server cannot be reached; None: some
            seconds.
        busy_patience_s: the same where it is reached and has no room; None: a minute.
        began_with: the version of the model that gave the run's earlier results; 0: there are none.
        any_version: else the version that answers first answers all, or the run ends.
        tiling: of which tiles of each image the model is asked too.

    Raises:
        ServingError: the server does not answer, or its answers cannot be used.
        Exception: what `make` or a source raised beyond what they may.
            Any of them comes after the results of what was under way.
    """
    stop = threading.Event()
    calls = Calls(
        SSDModel(model.for_batch(), config.input_name, config.output_name, len(config.labels)),
        stop,
        began_with=began_with,
        any_version=any_version,
        patience_s=patience_s,
        busy_patience_s=busy_patience_s,
    )
    work = _Work(calls, config.image_limits, make, stored, tiling)
    yield from _carried_out(work, sources, workers, stop)


def read_source(source: Source) -> bytes:
    """The file's bytes. Raises ImageError, and nothing else that a file or a folder may cause."""
    try:
        return source.read()
    except OSError as error:
        raise ImageError(
            _("cannot be opened: {reason}", reason=error.strerror), _("Check the path.")
        ) from error


def file_source(path: Path, limits: ImageLimits, name: str | None = None) -> Source:
    """A file as a source. Reading it raises ImageError."""
    return Source(str(path) if name is None else name, lambda: read_file(path, limits))


def images_in(folder: Path) -> list[Path]:
    """The files in a folder and its folders whose names end like an image's, sorted by path.

    Hidden files and folders are left out, and links that lead out of the folder or to a folder.

    Raises:
        ImageError: the folder, or one in it, cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise ImageError(
            _(
                "{filename} cannot be read: {reason}",
                filename=error.filename,
                reason=error.strerror,
            ),
            _("Check the path."),
        ) from error

    inside = Path(os.path.realpath(folder))
    found = []
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            looks_like_one = path.suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
            if not (looks_like_one and path.is_file()):
                continue
            if not path.is_symlink() or inside in Path(os.path.realpath(path)).parents:
                found.append(path)
    return sorted(found)


class _Work:
    """One image's way, for several threads at a time."""

    def __init__(
        self,
        calls: Calls,
        limits: ImageLimits,
        make: Callable[[Image.Image], object] | None,
        stored: StoredAnswers | None,
        tiling: Tiling,
    ) -> None:
        self.calls = calls
        self._limits = limits
        self._make = make
        self._stored = stored
        self._tiling = tiling

    def __call__(self, index: int, source: Source) -> Done:
        done = Done(index, source.name, "")
        try:
            data = read_source(source)
            done = replace(done, digest=digest_of(data))
            image = load(data, self._limits, self._make, self._tiling)
        except ImageError as error:
            # Its traceback holds the file and half an image.
            return replace(done, error=error.with_traceback(None))
        del data  # not kept while the server works
        answer = self._answer(done.digest, image)
        return replace(
            done,
            size=answer.size,
            raw=answer.raw,
            model=answer.model,
            timings=answer.timings_s,
            made=image.made,
        )

    def _answer(self, digest: str, image: LoadedImage) -> Answer:
        """The answer: one that is known already, or the model's."""
        if self._stored is not None:
            known = self._stored.get(digest, len(image.tiles))
            if known is not None and self.calls.suits(known.model.version):
                self.calls.keep_to(known.model.version)
                return known
        answer = self.calls.ask(image)
        if self._stored is not None:
            self._stored.put(digest, answer)
        return answer


def _carried_out(
    work: _Work, sources: Iterable[Source], workers: int, stop: threading.Event
) -> Generator[Done, None, None]:
    """What becomes of each source, by a pool of threads. Raises the first error of any of them.

    Args:
        stop: set when nothing more is to be waited for.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
    carry_out = carried(work)
    running: set[Future[Done]] = set()
    failure: BaseException | None = None
    left = enumerate(sources)
    exhausted = False
    try:
        while running or not exhausted:
            while not exhausted and len(running) < 2 * workers:
                if (following := next(left, None)) is None:
                    exhausted = True
                else:
                    running.add(pool.submit(carry_out, *following))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                if future.cancelled():
                    continue
                if (error := future.exception()) is None:
                    yield future.result()
                    continue
                failure = failure or error  # the first is the reason
                exhausted = True
                if isinstance(error, ServingError):
                    stop.set()  # the others would wait for the same server
                for other in running:
                    other.cancel()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure
