"""What a running batch has done so far, in a file of lines.

Each image's result is appended as soon as it is there, so that a run that was interrupted, however
it was, goes on where it stopped.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec

from detector.batch.manifest import Batch, ManifestError, Result, check_same_run
from detector.formats.typed_json import JsonError, parse, typed
from detector.translation import _


class _Started(msgspec.Struct):
    """What the first line has besides the header of a manifest."""

    started: str


class _Drawn(msgspec.Struct):
    """What the other lines have besides a result: the annotated image's name."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[^/\\\x00]*$")]  # in the folder itself


class State:
    """The file of lines to which a running batch appends. A line that was cut off is not there."""

    def __init__(self, path: Path, batch: Batch) -> None:
        """Begins the file, or goes on in it with the results that `read` found. Raises OSError."""
        # Unbuffered: nothing is left to write when it is closed.
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        # Whole lines only: what a kill has cut off would run into the next line.
        whole = self._file.read().rfind(b"\n") + 1
        self._file.seek(whole)
        self._file.truncate()
        if not whole:
            self._append({**batch.header(), "started": batch.started})

    def add(self, result: Result, file: str) -> None:
        """Append a result, and the name of the image that was written of it."""
        self._append({**result.as_json(), "file": file})

    def close(self) -> None:
        self._file.close()

    def _append(self, line: dict[str, Any]) -> None:
        # The kernel has it then, and a killed process loses nothing.
        start, data = self._file.tell(), json.dumps(line).encode() + b"\n"
        try:
            if (written := self._file.write(data)) != len(data):
                self._file.write(data[written:])  # of a full disk this gives the reason
        except OSError:
            self._file.truncate(start)  # no half a line before the next
            self._file.seek(start)
            raise

    @staticmethod
    def read(path: Path, batch: Batch) -> tuple[str, dict[tuple[str, str], tuple[Result, str]]]:
        """When an interrupted run began, and its results with their files by (name, digest).

        Args:
            batch: the run that is to go on.

        Raises:
            ManifestError: it ran otherwise, or is no such file.
            OSError: the file cannot be read.
        """
        lines = path.read_bytes().split(b"\n")[:-1]
        if not lines:
            return "", {}
        found: dict[tuple[str, str], tuple[Result, str]] = {}
        try:
            header = parse(lines[0])
            check_same_run(path, Batch.of_header(header, str(path)), batch)
            started = typed(header, _Started).started
            for number, line in enumerate(lines[1:], start=2):
                entry = parse(line)
                result = Result.of_json(entry, batch, f"line {number}")
                if result.found is not None:  # a file that was bad may have been mended
                    drawn = typed(entry, _Drawn, f"line {number}")
                    found[result.name, result.digest] = result, drawn.file
        except JsonError as error:
            raise ManifestError(
                _("{path} is damaged: {error}", path=path, error=error),
                _("Start again without --resume."),
            ) from error
        return started, found
