"""What a batch did, in a file from which it can be repeated and compared: manifest.json.

While a batch runs, each picture's result is appended to a file of lines as soon as it is there, so
that a run that was interrupted, however it was, goes on where it stopped.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from detector.batch.run import Done
from detector.errors import LensError
from detector.formats.exports import DetectedImage, settings_record
from detector.paths import ROOT
from detector.ssd import Detections, Settings, postprocess

FORMAT = "commodity-lens-batch"
VERSION = 1
# Another machine's model server computes other last digits.
SAME_SCORE = 1e-4
SAME_PIXELS = 0.1


class ManifestError(LensError):
    """A manifest, or the state of an interrupted batch, cannot be read or does not fit."""

    hint = "Use a manifest.json as a batch writes it."


@dataclass(frozen=True, eq=False)
class Result:
    """A picture of a batch: what was found in it, or why nothing could be.

    Attributes:
        name: as the visitor knows it.
        digest: SHA-256 of the file's bytes; "" where it could not be read.
        found: None with an error.
        error: "" where there is none.
        hint: what to do about it.
    """

    name: str
    digest: str
    found: DetectedImage | None = None
    error: str = ""
    hint: str = ""

    @classmethod
    def of(cls, done: Done, settings: Settings) -> Self:
        """What the settings show of a picture that is done."""
        if done.raw is None or done.size is None or done.model is None:
            error = done.error or LensError("no answer")
            return cls(done.name, done.digest, None, str(error), error.hint)
        found = DetectedImage(
            done.name,
            done.size,
            postprocess(done.raw, settings, done.size),
            done.model.name,
            done.model.version,
            settings,
        )
        return cls(done.name, done.digest, found)

    def as_json(self) -> dict[str, Any]:
        """As plain data: boxes as [class id, score, xmin, ymin, xmax, ymax, prior]."""
        start = {"name": self.name, "sha256": self.digest}
        if self.found is None:
            return {**start, "error": self.error, "hint": self.hint}
        boxes = self.found.detections
        return {
            **start,
            "size": list(self.found.size),
            "model_version": self.found.model_version,
            "boxes": [
                [class_id, _number(score), *map(_number, box), prior]
                for class_id, score, box, prior in zip(
                    boxes.class_ids.tolist(),
                    boxes.scores,
                    boxes.boxes,
                    boxes.prior_indices.tolist(),
                    strict=True,
                )
            ],
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any], model_name: str, settings: Settings) -> Self:
        """The result again, to the last bit. Raises KeyError, TypeError or ValueError."""
        name, digest = str(data["name"]), str(data["sha256"])
        if "error" in data:
            return cls(name, digest, None, str(data["error"]), str(data["hint"]))
        width, height = map(int, data["size"])
        rows = [tuple(row) for row in data["boxes"]]
        detections = Detections(
            np.array([row[2:6] for row in rows], np.float32).reshape(-1, 4),
            np.array([row[1] for row in rows], np.float32),
            np.array([row[0] for row in rows], np.int64),
            np.array([row[6] for row in rows], np.int64),
        )
        version = int(data["model_version"])
        found = DetectedImage(name, (width, height), detections, model_name, version, settings)
        return cls(name, digest, found)


@dataclass(frozen=True)
class Batch:
    """A batch: which model with which settings over which pictures.

    Attributes:
        labels: index = class id, background first.
        program: the version of this program that ran it.
        started, finished: UTC, ISO 8601; "" where that is not known.
        results: a picture each, in the order of the pictures.
    """

    model_name: str
    labels: tuple[str, ...]
    settings: Settings
    program: str = ""
    started: str = ""
    finished: str = ""
    results: tuple[Result, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.program:
            object.__setattr__(self, "program", program_version())

    @property
    def versions(self) -> list[int]:
        """The versions of the model that answered, rising. One, unless the server got another."""
        found = {r.found.model_version for r in self.results if r.found is not None}
        return sorted(version for version in found if version is not None)

    def header(self) -> dict[str, Any]:
        """All but times and results: what must be the same for a run to go on."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "program": self.program,
            "model": self.model_name,
            "labels": list(self.labels),
            "settings": settings_record(self.settings),
        }

    @classmethod
    def of_header(cls, data: Any, where: str) -> Self:
        """The batch without results. Raises ManifestError."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ManifestError(f'{where}: expected a JSON object with "format": "{FORMAT}"')
        if data.get("version") != VERSION:
            raise ManifestError(
                f"{where} has version {data.get('version')!r}, expected {VERSION}",
                "Use the release that wrote it.",
            )
        try:
            return cls(
                str(data["model"]),
                tuple(map(str, data["labels"])),
                _settings(data["settings"]),
                str(data["program"]),
            )
        except _UNFIT as error:
            raise ManifestError(f"{where} lacks something or is damaged: {error!r}") from error


def to_manifest(batch: Batch) -> bytes:
    """manifest.json."""
    content = {
        **batch.header(),
        "model_versions": batch.versions,
        "times": {"started": batch.started, "finished": batch.finished},
    }
    # A line a picture: a thousand of them can still be read, and compared line by line.
    pictures = ",\n".join(f"  {json.dumps(result.as_json())}" for result in batch.results)
    start = json.dumps(content, indent=1).removesuffix("\n}")
    return f'{start},\n "pictures": [\n{pictures}\n ]\n}}\n'.encode()


def read_manifest(data: bytes, where: str = "the manifest") -> Batch:
    """What a manifest.json says. Raises ManifestError.

    Args:
        where: the file's name, for errors.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{where} is broken JSON: {error}") from error
    batch = Batch.of_header(content, where)
    try:
        times = content["times"]
        return replace(
            batch,
            started=str(times["started"]),
            finished=str(times["finished"]),
            results=tuple(
                Result.of_json(entry, batch.model_name, batch.settings)
                for entry in content["pictures"]
            ),
        )
    except _UNFIT as error:
        raise ManifestError(f"{where} lacks something or is damaged: {error!r}") from error


def check_same_run(path: Path, earlier: Batch, batch: Batch) -> None:
    """Raises ManifestError where the earlier run, of that file, cannot go on as this one."""
    if differing := _differing(earlier.header(), batch.header()):
        raise ManifestError(
            f"{path} is of a run with {'; '.join(differing)}",
            "Go on with the same settings, or start again without --resume.",
        )


class State:
    """The file of lines to which a running batch appends. A line that was cut off is not there."""

    def __init__(self, path: Path, batch: Batch) -> None:
        """Begins the file, or goes on in it with the results that `read` found. Raises OSError."""
        # Whole lines only: what a kill has cut off would run into the next line.
        self._file = path.open("r+b" if path.exists() else "w+b")
        content = self._file.read()
        self._file.seek(content.rfind(b"\n") + 1)
        self._file.truncate()
        if not content:
            self._append({**batch.header(), "started": batch.started})

    def add(self, result: Result, file: str) -> None:
        """Append a result, and the name of the picture that was written of it."""
        self._append({**result.as_json(), "file": file})

    def close(self) -> None:
        self._file.close()

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        # The kernel has it then, and a killed process loses nothing.
        self._file.flush()

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
        found: dict[tuple[str, str], tuple[Result, str]] = {}
        try:
            entries = [json.loads(line) for line in lines]
            if not entries:
                return "", {}
            check_same_run(path, Batch.of_header(entries[0], str(path)), batch)
            for entry in entries[1:]:
                result = Result.of_json(entry, batch.model_name, batch.settings)
                if result.found is not None:  # a file that was bad may have been mended
                    found[result.name, result.digest] = result, str(entry["file"])
            return str(entries[0]["started"]), found
        except (*_UNFIT, RecursionError) as error:
            raise ManifestError(
                f"{path} is damaged: {error!r}", "Start again without --resume."
            ) from error


@dataclass(frozen=True)
class Difference:
    """Where a repeated run saw a picture otherwise."""

    name: str
    what: str


def compare(before: Iterable[Result], after: Iterable[Result]) -> tuple[list[Difference], float]:
    """Where two runs over the same pictures differ, and by how much the scores of the rest do."""
    differences = []
    most = 0.0
    for old, new in zip(before, after, strict=True):
        if (what := _difference(old, new)) is not None:
            differences.append(Difference(old.name, what))
        elif old.found is not None and new.found is not None and len(old.found.detections):
            change = np.abs(old.found.detections.scores - new.found.detections.scores)
            most = max(most, float(change.max()))
    return differences, most


def now() -> str:
    """The time as it stands in manifests: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def program_version() -> str:
    """The version of this program."""
    try:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, ValueError, LookupError):
        return "unknown"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises OSError."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    os.replace(beside, path)  # noqa: PTH105


_UNFIT = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def _difference(old: Result, new: Result) -> str | None:
    if new.digest != old.digest:
        return new.error if not new.digest else "the file is another one than it was"
    if old.found is None or new.found is None:
        return None if old.error == new.error else f"{new.error or 'it can be read now'}"
    before, after = old.found.detections, new.found.detections
    if before.ids != after.ids:
        missing, added = set(before.ids) - set(after.ids), set(after.ids) - set(before.ids)
        if not missing and not added:
            return "the same boxes in another order"
        return f"{len(before)} boxes then, {len(after)} now; {len(missing)} gone, {len(added)} new"
    if len(before):
        score = float(np.abs(before.scores - after.scores).max())
        corner = float(np.abs(before.boxes - after.boxes).max())
        if score > SAME_SCORE or corner > SAME_PIXELS:
            return f"a score differs by {score:.2g}, a corner by {corner:.2g} pixels at most"
    return None


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What stands otherwise in two headers, in words."""
    return [
        f"{key} {old[key]!r}, not {new[key]!r}"
        for key in ("program", "model", "labels", "settings")
        if old[key] != new[key]
    ]


def _settings(data: Mapping[str, Any]) -> Settings:
    return Settings(
        score_threshold=float(data["score_threshold"]),
        iou_threshold=float(data["iou_threshold"]),
        class_agnostic=bool(data["class_agnostic"]),
        class_thresholds={int(key): float(v) for key, v in data["class_thresholds"].items()},
        classes=None if data["classes"] is None else frozenset(map(int, data["classes"])),
        top_k=int(data["top_k"]),
    )


def _number(value: np.float32) -> float:
    """The shortest decimal that is read back as the same float32."""
    return float(str(value))
