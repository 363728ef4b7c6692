"""What the readers of ground truth share: reports of faults, names of classes and images, drafts.

What can be used is used. What cannot be used is left out and named: `GroundTruths.problems` has one
line for each kind of fault, with the first offending entry and how many more there are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, GroundTruths, Problem
from detector.formats.typed_json import shown

Box = tuple[float, float, float, float]
Sizes = Mapping[str, tuple[int, int]]  # file name -> (width, height) in pixels

# How far a box may reach over the image's edge without a word: corners that were rounded, and
# Pascal VOC files that count from 0.
_EDGE_PIXELS = 1.0


class Report:
    """Collects faults: of each kind the first, and how many more."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}

    def add(self, kind: str, message: str, more: int = 0) -> None:
        met = self._problems.get(kind)
        self._problems[kind] = (
            Problem(kind, met.first, met.more + 1 + more) if met else Problem(kind, message, more)
        )

    def result(self, images: Iterable[GroundTruth], nothing: str) -> GroundTruths:
        """What was read; an error that names the first fault where that is nothing."""
        used, problems = tuple(images), tuple(self._problems.values())
        if not used:
            raise GroundTruthError(str(problems[0]) if problems else nothing)
        return GroundTruths(used, problems)


class ClassNames:
    """Class ids by label, whatever the case; the background is nobody's label."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._ids = {_folded(label): index for index, label in enumerate(labels) if index > 0}

    def id(self, name: str) -> int | None:
        return self._ids.get(_folded(name))

    def ids(self, names: Iterable[str]) -> frozenset[int]:
        """Those of them that are known."""
        return frozenset(class_id for name in names if (class_id := self.id(name)) is not None)


class ImageNames:
    """The images at hand, by name."""

    def __init__(self, sizes: Sizes) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._names = frozenset(sizes)
        for name in sizes:
            path = folded_path(name)
            self._by_name.setdefault(path.name, []).append(name)
            self._by_stem.setdefault(path.stem, []).append(name)

    def named(self, name: str) -> str | None:
        """The image of that name; else the only one when folders and case are left out."""
        if name in self._names:
            return name
        found = self._by_name.get(folded_path(name).name, [])
        return found[0] if len(found) == 1 else None

    def with_stem(self, name: str) -> str | None:
        """The only image of that name when folders, case and ending are left out."""
        found = self._by_stem.get(folded_path(name).stem, [])
        return found[0] if len(found) == 1 else None


class Draft:
    """The ground truth of an image while it is read."""

    def __init__(self, file_name: str, size: tuple[int, int], report: Report) -> None:
        self.file_name = file_name
        self.size = size
        self.labelled: frozenset[int] | None = None
        self.regions: list[tuple[Box, int]] = []
        self._boxes: list[tuple[Box, int, bool]] = []
        self._report = report

    def add(
        self,
        entry: str,
        name: str,
        class_id: int | None,
        box: Box | None,
        written: Any,
        crowd: bool = False,
    ) -> None:
        """Takes an object in, or reports why it cannot be used.

        Args:
            entry: where it stands in the file.
            name: of the class, as the file has it.
            class_id: None = there is no label of that name.
            box: xyxy in pixels; None = not four finite numbers.
            written: the box as the file has it.
            crowd: it need not be found.
        """
        if class_id is None:
            self._report.add("unknown class", f"{entry}: unknown class {shown(name)}")
            return
        if box is None or not all(map(math.isfinite, box)):
            self._report.add("no numbers", f"{entry}: the box {shown(written)} is not four numbers")
            return
        xmin, ymin, xmax, ymax = box
        width, height = self.size
        if xmax <= xmin or ymax <= ymin:
            self._report.add("no area", f"{entry}: the box {shown(written)} has no area")
            return
        over = max(-xmin, -ymin, xmax - width, ymax - height)
        if xmin >= width or ymin >= height or xmax <= 0 or ymax <= 0:
            self._report.add(
                "outside",
                f"{entry}: the box {shown(written)} lies outside the {width} x {height} image",
            )
            return
        if over > _EDGE_PIXELS:
            self._report.add(
                "over the edge",
                f"{entry}: the box {shown(written)} reaches {over:.0f} pixels over the edge of "
                f"the {width} x {height} image; it is used as it is",
            )
        self._boxes.append((box, class_id, crowd))

    def made(self) -> GroundTruth:
        return GroundTruth(
            self.file_name,
            self.size,
            np.array([box for box, _, _ in self._boxes], np.float64).reshape(-1, 4),
            np.array([class_id for _, class_id, _ in self._boxes], np.int64),
            np.array([crowd for _, _, crowd in self._boxes], np.bool_),
            np.array([box for box, _ in self.regions], np.float64).reshape(-1, 4),
            np.array([class_id for _, class_id in self.regions], np.int64),
            self.labelled,
        )


def as_text(data: bytes, file_name: str) -> str:
    """The text of a file in UTF-8. Raises GroundTruthError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GroundTruthError(f"{file_name}: not a text file (UTF-8)") from error


def finite(values: Iterable[Any]) -> list[float] | None:
    """The values as floats, from numbers or their texts; None where one is not a finite number."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def whole_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height where they are whole numbers of 1 or more."""
    numbers = finite([width, height])
    if numbers is None or not all(value >= 1 and value == int(value) for value in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


def size_fault(written: tuple[int, int] | None, actual: tuple[int, int]) -> str | None:
    """What to say where a file is made for another size than the image has."""
    if written is None or written == actual:
        return None
    return (
        f"its boxes are for {written[0]} x {written[1]} pixels, the image has "
        f"{actual[0]} x {actual[1]}"
    )


def folded_path(name: str) -> PurePosixPath:
    """A file name to compare with others: "/" between folders, whatever the case."""
    return PurePosixPath(name.replace("\\", "/").casefold())


def _folded(name: str) -> str:
    return name.strip().casefold()
