"""The folder of a batch: an image with its boxes for each image, tables, and the manifest."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from detector.answers import decode
from detector.batch.manifest import (
    Batch,
    ManifestError,
    Result,
    check_same_run,
    now,
    read_manifest,
    to_manifest,
    write_whole,
)
from detector.batch.run import Source
from detector.batch.state import State
from detector.config import Config
from detector.drawing.annotate import annotated_png
from detector.errors import ImageError, LensError
from detector.formats.bundle import unique_stems
from detector.formats.coco import to_coco, to_coco_results
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv
from detector.formats.voc import voc_zip
from detector.formats.yolo import yolo_zip
from detector.translation import _

# What may be written besides, and the file it becomes.
EXPORTS = {
    "coco": "detections.coco.json",
    "coco-results": "results.coco.json",
    "voc": "pascal-voc.zip",
    "yolo": "yolo.zip",
}
SUFFIX = "-detected.png"
_STATE = "unfinished.jsonl"
_DRAWERS = 2


class OutputError(LensError):
    """A result could not be written."""


def digest_of(source: Source) -> str:
    """SHA-256 of what the source gives. Raises ImageError or OSError."""
    return hashlib.sha256(source.read()).hexdigest()


class _Claim:
    """One run's claim on a folder. The kernel lets go of it when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        """Raises OutputError where another run has it."""
        self._folder = -1
        if sys.platform == "win32":  # no such locks
            return
        import fcntl

        self._folder = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise OutputError(
                _("another run is writing to {folder}", folder=folder),
                _("Wait for its end, or give --out another folder."),
            ) from error
        except OSError:  # a file system without locks
            return

    def close(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1


class OutputFolder:
    """The folder of --out: NAME-detected.png for each image, tables for all, and the manifest.

    While it runs, each image's result is kept in a file of lines; --resume goes on from there. It
    belongs to one run at a time.

    Attributes:
        todo: the sources that are not done yet.
        began_with: the version of the model that gave the results of the run that goes on; 0: none
            did, or any version is welcome.
    """

    def __init__(
        self,
        folder: Path,
        sources: Sequence[Source],
        batch: Batch,
        config: Config,
        *,
        exports: Collection[str] = (),
        draws: bool = True,
        resumes: bool = False,
        any_version: bool = False,
    ) -> None:
        """
        Args:
            batch: without results yet.
            exports: keys of EXPORTS.
            draws: write annotated images.
            resumes: go on with the run that is in the folder.
            any_version: it may go on with another version of the model.

        Raises:
            OutputError, ManifestError
        """
        self._folder = folder
        self._exports = exports
        self._draws = draws
        self._sources = sources
        self._limits = config.image_limits
        self._batch = batch
        self._results: dict[int, Result] = {}
        self._lock = threading.Lock()
        self._drawn: set[Future[None]] = set()
        self.began_with = 0
        state = self._folder / _STATE
        with self._writing(), ExitStack() as undone:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._claim = undone.enter_context(closing(_Claim(self._folder)))
            self._files = self._file_names() if self._draws else [""] * len(sources)
            self._places = list(range(len(sources)))
            # An image that is given twice is drawn once: two would write one file at a time.
            self._drawn_at = dict(zip(reversed(self._files), reversed(self._places), strict=True))
            if resumes:
                before = self._earlier(state)
                if not any_version:
                    self.began_with = self._only_version(before, config.model_version)
                self._go_on(before)
            else:
                state.unlink(missing_ok=True)
            self._state = State(state, self._batch)
            undone.pop_all()
        # Drawing takes longer than detecting. Pillow lets other threads run meanwhile.
        self._pool = ThreadPoolExecutor(_DRAWERS, thread_name_prefix="draw")
        self.todo = [sources[place] for place in self._places]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()  # what was detected is drawn and kept
        self._state.close()
        self._claim.close()

    def add(self, index: int, result: Result) -> None:
        """Keep the result of `todo[index]`; its image is drawn meanwhile."""
        place = self._places[index]
        self._results[place] = result
        if len(self._drawn) >= 2 * _DRAWERS:
            done, self._drawn = wait(self._drawn, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
        self._drawn.add(self._pool.submit(self._keep, place, result))

    def finish(self) -> Batch:
        """Write what is of all images, and return it."""
        for future in self._drawn:
            future.result()
        results = tuple(self._results[place] for place in sorted(self._results))
        batch = replace(self._batch, results=results, finished=now())
        found = [result.found for result in results if result.found is not None]
        labels = batch.labels
        files: dict[str, Callable[[], bytes]] = {
            "detections.csv": lambda: to_csv(found, labels),
            "detections.coco.json": lambda: to_coco(found, labels),
            "results.coco.json": lambda: to_coco_results(found),
            "pascal-voc.zip": lambda: voc_zip(found, labels),
            "yolo.zip": lambda: yolo_zip(found, labels),
            "manifest.json": lambda: to_manifest(batch),
        }
        wanted = {"detections.csv", "manifest.json", *(EXPORTS[name] for name in self._exports)}
        with self._writing():
            for name, build in files.items():
                if name in wanted:
                    write_whole(self._folder / name, build())
            self._state.close()
            (self._folder / _STATE).unlink()
        return batch

    def _keep(self, place: int, result: Result) -> None:
        """Draw the image, then say in the file of lines that this one is done."""
        file = self._files[place]
        if self._draws and result.found is not None and self._drawn_at[file] == place:
            png = self._annotated(place, result.found)
            with self._writing():
                write_whole(self._folder / file, png)
        with self._lock, self._writing():
            self._state.add(result, file)

    def _annotated(self, place: int, found: DetectedImage) -> bytes:
        """The image again, with its boxes, as PNG."""
        try:
            data = self._sources[place].read()
            return decode(
                data,
                self._limits,
                lambda image: annotated_png(image, found.detections, self._batch.labels),
            )
        except (ImageError, OSError) as error:
            raise OutputError(
                _("{name} cannot be read again: {error}", name=found.file_name, error=error)
            ) from error

    def _only_version(
        self, before: Mapping[tuple[str, str], tuple[Result, str]], asked: int | None
    ) -> int:
        """The version of the earlier results; 0 where none is known. Raises ManifestError."""
        found = {r.found.model_version or 0 for r, file in before.values() if r.found is not None}
        versions = sorted(found - {0})
        if len(versions) > 1 or (versions and asked not in (None, versions[0])):
            raise ManifestError(
                _(
                    "the run in {folder} has results of the model's version {versions}",
                    folder=self._folder,
                    versions=", ".join(map(str, versions)),
                ),
                _("Give --any-version to mix versions, or start again without --resume."),
            )
        return versions[0] if versions else 0

    def _go_on(self, before: Mapping[tuple[str, str], tuple[Result, str]]) -> None:
        """Take over the results of an interrupted or a finished run; the rest is to do."""
        names = {name for name, digest in before}
        todo = []
        for place, (source, file) in enumerate(zip(self._sources, self._files, strict=True)):
            result, drawn = None, ""
            if source.name in names:
                with suppress(ImageError, OSError):
                    result, drawn = before.get((source.name, digest_of(source)), (None, ""))
            is_drawn = drawn == file and (not file or (self._folder / file).exists())
            if result is None or not is_drawn:
                todo.append(place)
            else:
                self._results[place] = result
        self._places = todo

    def _earlier(self, state: Path) -> dict[tuple[str, str], tuple[Result, str]]:
        """The results of the run in the folder and their images' files, by (name, digest)."""
        manifest = self._folder / "manifest.json"
        if not state.exists() and manifest.exists():
            # It has ended: its state again, for images that came after it.
            ended = read_manifest(manifest.read_bytes(), str(manifest))
            check_same_run(manifest, ended, self._batch)
            files = dict(zip((source.name for source in self._sources), self._files, strict=True))
            part = state.with_suffix(".part")  # half a state would outrank the whole manifest
            part.unlink(missing_ok=True)
            again = State(part, ended)
            for result in ended.results:
                again.add(result, files.get(result.name, ""))
            again.close()
            part.replace(state)
        if not state.exists():
            return {}
        started, before = State.read(state, self._batch)
        self._batch = replace(self._batch, started=started or self._batch.started)
        return before

    def _file_names(self) -> list[str]:
        """A name for each annotated image, none of them an input's."""
        # --out may be the folder of the images, and none of them may be written over.
        # realpath: unlike Path.resolve it takes a link that leads to itself.
        names = [source.name for source in self._sources]
        inputs = [Path(os.path.realpath(name)) for name in names if "\0" not in name]
        here = [path.name for path in inputs if path.parent == self._folder.resolve()]
        distinct = dict.fromkeys(names)
        taken = [name.removesuffix(SUFFIX) for name in here if name.endswith(SUFFIX)]
        stems = dict(zip(distinct, unique_stems(distinct, taken), strict=True))
        return [f"{stems[name]}{SUFFIX}" for name in names]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                _(
                    "cannot write to {path}: {reason}",
                    path=error.filename or self._folder,
                    reason=error.strerror,
                ),
                _("Give --out a folder that you may write to, on a disk with room."),
            ) from error
