"""What a batch did, in a file from which it can be repeated and compared: manifest.json."""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
import numpy as np

from detector.batch.run import Done
from detector.errors import LensError
from detector.formats.detected import DetectedImage, shortest
from detector.formats.tables import settings_record
from detector.formats.typed_json import JsonError, parse, shown, typed
from detector.paths import ROOT
from detector.ssd import Detections, Settings, postprocess
from detector.tiling import Tiling
from detector.translation import _, noted

FORMAT = "commodity-lens-batch"
VERSION = 1
# Another machine's model server computes other last digits.
SAME_SCORE = 1e-4
SAME_PIXELS = 0.1


_Count = Annotated[int, msgspec.Meta(ge=1, le=2**53)]  # to 2^53: JSON's whole numbers everywhere
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Pixels = Annotated[float, msgspec.Meta(ge=0, le=2**31)]
_Side = Annotated[int, msgspec.Meta(ge=1, le=2**24)]  # float32 has them all
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]*$")]
_Box = tuple[_Count, _Share, _Pixels, _Pixels, _Pixels, _Pixels, _Whole]


class ManifestError(LensError):
    """A manifest, or the state of an interrupted batch, cannot be read or does not fit."""

    hint = noted("Use a manifest.json as a batch writes it.")


class _Settings(msgspec.Struct):
    score_threshold: _Share
    iou_threshold: _Share
    class_agnostic: bool
    class_thresholds: dict[_Whole, _Share]
    classes: list[_Whole] | None
    top_k: _Count
    tiles: Tiling = Tiling.OFF  # the first manifests do not say it

    def made(self) -> Settings:
        return Settings(
            self.score_threshold,
            self.iou_threshold,
            class_agnostic=self.class_agnostic,
            class_thresholds=self.class_thresholds,
            classes=None if self.classes is None else frozenset(self.classes),
            top_k=self.top_k,
            tiles=self.tiles,
        )


class _Header(msgspec.Struct):
    """What stands in a manifest, and in the first line of a state file."""

    program: str
    model: str
    labels: tuple[str, ...]
    settings: _Settings


class _Times(msgspec.Struct):
    started: str
    finished: str


class _Manifest(msgspec.Struct):
    times: _Times
    images: list[Any] = msgspec.field(name="pictures")  # as the first manifests have it


class _Named(msgspec.Struct):
    """What is written of every image."""

    name: str
    sha256: _Digest


class _Failed(_Named):
    error: str
    hint: str


class _Answered(_Named):
    size: tuple[_Side, _Side]
    model_version: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    boxes: list[_Box]


@dataclass(frozen=True, eq=False)
class Result:
    """An image of a batch: what was found in it, or why nothing could be.

    Attributes:
        name: as the visitor knows it.
        digest: SHA-256 of the file's bytes; "" where it could not be read.
        found: None with an error.
        error: in English, as all in a file; "" where there is none.
        hint: what to do about it, in English too.
    """

    name: str
    digest: str
    found: DetectedImage | None = None
    error: str = ""
    hint: str = ""

    @classmethod
    def of(cls, done: Done, settings: Settings) -> Self:
        """What the settings show of an image that is done."""
        if done.raw is None or done.size is None or done.model is None:
            error = done.error or LensError(_("no answer"))
            return cls(done.name, done.digest, None, *error.in_english)
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
                [class_id, shortest(score), *map(shortest, box), prior]
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
    def of_json(cls, data: Any, batch: "Batch", at: str = "") -> Self:
        """The result again, to the last bit. Raises JsonError.

        Args:
            batch: that it is of.
            at: where the data stand in their file, for errors.
        """
        if isinstance(data, dict) and "error" in data:
            failed = typed(data, _Failed, at)
            return cls(failed.name, failed.sha256, None, failed.error, failed.hint)
        answered = typed(data, _Answered, at)
        boxes = answered.boxes
        _check_classes(f"{at}.boxes", [box[0] for box in boxes], batch.labels)
        width, height = answered.size
        for row, (_class_id, _score, xmin, ymin, xmax, ymax, _prior) in enumerate(boxes):
            if not (xmin <= xmax <= width and ymin <= ymax <= height):
                box = shown([xmin, ymin, xmax, ymax])
                raise JsonError(
                    _(
                        "{where} is {box}, which is not in an image of {width} × {height}",
                        where=f"{at}.boxes[{row}]",
                        box=box,
                        width=width,
                        height=height,
                    )
                )
        detections = Detections(
            np.array([box[2:6] for box in boxes], np.float32).reshape(-1, 4),
            np.array([box[1] for box in boxes], np.float32),
            np.array([box[0] for box in boxes], np.int64),
            np.array([box[6] for box in boxes], np.int64),
        )
        found = DetectedImage(
            answered.name,
            answered.size,
            detections,
            batch.model_name,
            answered.model_version,
            batch.settings,
        )
        return cls(answered.name, answered.sha256, found)


@dataclass(frozen=True)
class Batch:
    """A batch: which model with which settings over which images.

    Attributes:
        labels: index = class id, background first.
        program: the version of this program that ran it.
        started, finished: UTC, ISO 8601; "" where that is not known.
        results: an image each, in the order of the images.
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
            raise ManifestError(
                _(
                    '{where}: expected a JSON object with "format": "{format}"',
                    where=where,
                    format=FORMAT,
                )
            )
        if data.get("version") != VERSION:
            raise ManifestError(
                _(
                    "{where} has version {value}, expected {version}",
                    where=where,
                    value=shown(data.get("version")),
                    version=VERSION,
                ),
                _("Use the release that wrote it."),
            )
        try:
            header = typed(data, _Header)
            named = {*header.settings.class_thresholds, *(header.settings.classes or ())}
            _check_classes("settings", named, header.labels)
            return cls(header.model, header.labels, header.settings.made(), header.program)
        except ValueError as error:  # of the settings too, which check themselves
            raise ManifestError(_("{where}: {error}", where=where, error=error)) from error


def to_manifest(batch: Batch) -> bytes:
    """manifest.json."""
    content = {
        **batch.header(),
        "model_versions": batch.versions,
        "times": {"started": batch.started, "finished": batch.finished},
    }
    # A line an image: a thousand of them can still be read, and compared line by line.
    images = ",\n".join(f"  {json.dumps(result.as_json())}" for result in batch.results)
    start = json.dumps(content, indent=1).removesuffix("\n}")
    return f'{start},\n "pictures": [\n{images}\n ]\n}}\n'.encode()


def read_manifest(data: bytes, where: str = "the manifest") -> Batch:
    """What a manifest.json says. Raises ManifestError.

    Args:
        where: the file's name, for errors.
    """
    try:
        content = parse(data)
        batch = Batch.of_header(content, where)
        manifest = typed(content, _Manifest)
        results = tuple(
            Result.of_json(entry, batch, f"pictures[{place}]")
            for place, entry in enumerate(manifest.images)
        )
    except JsonError as error:
        raise ManifestError(_("{where}: {error}", where=where, error=error)) from error
    times = manifest.times
    return replace(batch, started=times.started, finished=times.finished, results=results)


def check_same_run(path: Path, earlier: Batch, batch: Batch) -> None:
    """Raises ManifestError where the earlier run, of that file, cannot go on as this one."""
    if differing := _differing(earlier.header(), batch.header()):
        raise ManifestError(
            _("{path} is of a run with {differing}", path=path, differing="; ".join(differing)),
            _("Go on with the same settings, or start again without --resume."),
        )


@dataclass(frozen=True)
class Difference:
    """Where a repeated run saw an image otherwise."""

    name: str
    what: str


def compare(before: Iterable[Result], after: Iterable[Result]) -> tuple[list[Difference], float]:
    """Where two runs over the same images differ, and by how much the scores of the rest do."""
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


def _check_classes(at: str, class_ids: Iterable[int], labels: Sequence[str]) -> None:
    """Raises JsonError where one of them is not of a class with a label, or the background's."""
    if unknown := [class_id for class_id in class_ids if not 0 < class_id < len(labels)]:
        raise JsonError(
            _("{where} has class id {class_id}, which has no label", where=at, class_id=unknown[0])
        )


def _difference(old: Result, new: Result) -> str | None:
    if new.digest != old.digest:
        return new.error if not new.digest else _("the file is another one than it was")
    if old.found is None or new.found is None:
        return None if old.error == new.error else new.error or _("it can be read now")
    before, after = old.found.detections, new.found.detections
    if before.ids != after.ids:
        missing, added = set(before.ids) - set(after.ids), set(after.ids) - set(before.ids)
        if not missing and not added:
            return _("the same boxes in another order")
        return _(
            "{before} boxes then, {after} now; {gone} gone, {new} new",
            before=len(before),
            after=len(after),
            gone=len(missing),
            new=len(added),
        )
    if len(before):
        score = float(np.abs(before.scores - after.scores).max())
        corner = float(np.abs(before.boxes - after.boxes).max())
        if score > SAME_SCORE or corner > SAME_PIXELS:
            return _(
                "a score differs by {score}, a corner by {corner} pixels at most",
                score=f"{score:.2g}",
                corner=f"{corner:.2g}",
            )
    return None


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What stands otherwise in two headers, in words; of the settings only those that differ."""
    before, after = ({**each, **each["settings"]} for each in (old, new))
    return [
        _("{key} {old}, not {new}", key=key, old=shown(before[key]), new=shown(after[key]))
        for key in ("program", "model", "labels", *new["settings"])
        if before[key] != after[key]
    ]
