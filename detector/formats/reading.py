"""What the readers of ground truth share: reports of faults, and the ground truth of an image.

What is understood is used. What is not understood is named, and never held against the detector:
where its place is known, nothing found there is right or wrong; where it is not, the image does not
count. `GroundTruths.problems` has one line for each kind of fault, with the first offending entry
and how many more there are.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth, GroundTruths, Problem
from detector.formats.names import NO_CLASS, ClassNames, ImageNames, Sizes, path_of
from detector.formats.typed_json import shown
from detector.translation import _, noted

Box = tuple[float, float, float, float]

# How far a box may reach over the image's edge without a word: corners that were rounded, and
# Pascal VOC files that count from 0.
_EDGE_PIXELS = 1.0
# A box of which less is inside was made for another image, in other units or in another order.
_LEAST_INSIDE = 0.5
# The same box, written by two programs: corners rounded to whole pixels, counted from 0 or from 1.
_SAME_PIXELS = 1.5
_OVER_THE_EDGE = "over the edge"
_FAULTS = {
    "no numbers": noted("{entry}: the box {box} is not four numbers"),
    "no area": noted("{entry}: the box {box} has no area"),
    "outside": noted("{entry}: the box {box} lies outside the {width} x {height} image"),
    "mostly outside": noted(
        "{entry}: most of the box {box} lies outside the {width} x {height} image"
    ),
    _OVER_THE_EDGE: noted(
        "{entry}: the box {box} reaches {over} pixels over the edge of the {width} x {height} "
        "image; it is used as it is"
    ),
}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)


class NoImageError(GroundTruthError):
    """A file is about an image that is not at hand."""


class Report:
    """Collects faults: of each kind the first, and how many more."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}

    def add(self, kind: str, message: str, count: int = 1) -> None:
        """Takes a fault in, or so many of the same kind of which the message tells the first."""
        met = self._problems.get(kind)
        self._problems[kind] = (
            Problem(kind, met.first, met.more + count) if met else Problem(kind, message, count - 1)
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems.values())


class Reading:
    """What every reader needs, and where it says what it did not understand.

    Attributes:
        names: the model's classes.
        images: those at hand; None = take them as the files describe them.
        first_loss: the first fault for which an image does not count.
    """

    def __init__(
        self,
        labels: Sequence[str],
        sizes: Sizes | None = None,
        mapping: Mapping[str, str | None] | None = None,
        report: Report | None = None,
    ) -> None:
        self.labels = labels
        self.names = ClassNames(labels, mapping)
        self.images = None if sizes is None else ImageNames(sizes)
        self.report = report or Report()
        self.first_loss = ""

    def result(self, drafts: Iterable["Draft"], nothing: str) -> GroundTruths:
        """What was read, an image each.

        Raises:
            GroundTruthError: that is nothing. It names the first fault, else it says `nothing`.
        """
        by_image: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_image.setdefault(draft.file_name, []).append(draft)
        made = {name: self._agreed(name, own) for name, own in by_image.items()}
        images = tuple(truth for truth in made.values() if truth is not None)
        problems = self.report.problems
        if not images:
            raise GroundTruthError(self.first_loss or (str(problems[0]) if problems else nothing))
        lost = tuple(name for name, truth in made.items() if truth is None)
        foreign = tuple(name for name, _uses in self.names.foreign.most_common())
        return GroundTruths(images, problems, lost, foreign)

    def _agreed(self, name: str, drafts: Sequence["Draft"]) -> GroundTruth | None:
        """The one ground truth of an image; None where it was not understood, or contradicts."""
        if self.images is not None:  # a.txt says more of a.jpg than 0123abcd-a.txt does
            near = [self.images.nearness(draft.written, name) for draft in drafts]
            pairs = zip(drafts, near, strict=True)
            drafts = [draft for draft, nearness in pairs if nearness == max(near)]
        understood = [draft for draft in drafts if draft.is_understood]
        if not understood:
            message = _(
                "{image}: does not count, for not all of its ground truth was understood",
                image=name,
            )
            self.report.add("not counted", message)
            return None
        first, *others = (draft.made() for draft in understood)
        for other in others:
            if not _are_same(first, other):
                message = _(
                    "{image}: does not count, for {first} and {second} contradict each other",
                    image=name,
                    first=understood[0].source,
                    second=understood[1].source,
                )
                self.report.add("image twice", message)
                return None
            first = replace(first, labelled=_both(first.labelled, other.labelled))
        return first


class Draft:
    """The ground truth of an image while it is read.

    Attributes:
        file_name: the image, as it is called at hand.
        written: the image's name as the file has it.
        source: the file or entry that it comes from, for messages.
        labelled, attributes: as of `GroundTruth`.
        is_understood: nothing about the image was lost without a place.
    """

    def __init__(
        self,
        file_name: str,
        size: tuple[int, int],
        reading: Reading,
        written: str = "",
        source: str = "",
    ) -> None:
        self.file_name = file_name
        self.size = size
        self.written = written or file_name
        self.source = source or self.written
        self.labelled: frozenset[int] | None = None
        self.attributes: Mapping[str, str] = {}
        self.is_understood = True
        self._regions: list[tuple[Box, int]] = []
        self._boxes: list[tuple[Box, int, bool]] = []
        self._unread = 0
        self._reading = reading

    def add(
        self,
        entry: str,
        name: str | None,
        box: Box | None,
        written: Any,
        crowd: bool | None = False,
    ) -> None:
        """Takes an object in, or reports why it is not understood.

        Args:
            entry: where it stands in the file.
            name: of the class, as the file has it; None = not understood, and reported already.
            box: xyxy in pixels; None = not four finite numbers.
            written: the box as the file has it.
            crowd: it need not be found; None = not understood, and reported already.
        """
        class_id = None if name is None else self._reading.names.id(name)
        if class_id == NO_CLASS or not self._is_usable(box, entry, written):
            return
        if name is not None and class_id is None:
            message = _(
                "{entry}: unknown class {name}; nothing found there is right or wrong",
                entry=entry,
                name=shown(name),
            )
            self._reading.report.add("unknown class", message)
        if class_id is None or crowd is None:
            self.count_unread()
            self.ignore(box, class_id or ANY_CLASS)
        else:
            self._boxes.append((box, class_id, crowd))

    def ignore(self, box: Box, class_id: int = ANY_CLASS) -> None:
        """Nothing found there is right or wrong."""
        self._regions.append((box, class_id))

    def count_unread(self) -> None:
        """An entry that was not understood, and for which the image still counts."""
        self._unread += 1

    def lose(self, kind: str, message: str) -> None:
        """Reports an entry that may be anywhere in the image: the image does not count."""
        self._reading.report.add(kind, message)
        self._reading.first_loss = self._reading.first_loss or message
        self.is_understood = False

    def made(self) -> GroundTruth:
        return GroundTruth(
            self.file_name,
            self.size,
            np.array([box for box, _id, _crowd in self._boxes], np.float64).reshape(-1, 4),
            np.array([class_id for _box, class_id, _crowd in self._boxes], np.int64),
            np.array([crowd for _box, _id, crowd in self._boxes], np.bool_),
            np.array([box for box, _id in self._regions], np.float64).reshape(-1, 4),
            np.array([class_id for _box, class_id in self._regions], np.int64),
            self.labelled,
            self._unread,
            self.attributes,
        )

    def _is_usable(self, box: Box | None, entry: str, written: Any) -> TypeGuard[Box]:
        """Whether the box is one, in this image; what is wrong with it is reported."""
        fault = _fault(box, self.size)
        if fault is None:
            return True
        message = _(
            _FAULTS[fault],
            entry=entry,
            box=shown(written),
            width=self.size[0],
            height=self.size[1],
            over=f"{_over(box, self.size):.0f}" if box else "",
        )
        if fault == _OVER_THE_EDGE:
            self._reading.report.add(fault, message)
            return True
        self.lose(fault, message)
        return False


def _over(box: Box, size: tuple[int, int]) -> float:
    """How many pixels a box reaches over the image's edge."""
    return max(-box[0], -box[1], box[2] - size[0], box[3] - size[1])


def _fault(box: Box | None, size: tuple[int, int]) -> str | None:
    """What is wrong with a box in an image of that size, a key of _FAULTS."""
    if box is None or not all(map(math.isfinite, box)):
        return "no numbers"
    (xmin, ymin, xmax, ymax), (width, height) = box, size
    if xmax <= xmin or ymax <= ymin:
        return "no area"
    if xmin >= width or ymin >= height or xmax <= 0 or ymax <= 0:
        return "outside"
    across = (min(xmax, width) - max(xmin, 0)) / (xmax - xmin)
    down = (min(ymax, height) - max(ymin, 0)) / (ymax - ymin)
    if across * down < _LEAST_INSIDE:
        return "mostly outside"
    return _OVER_THE_EDGE if _over(box, size) > _EDGE_PIXELS else None


def own_or_named(reading: Reading, file_name: str, image: str) -> str:
    """The image at hand that a file of one image is about.

    Args:
        file_name: the file's own. It comes first; where the other contradicts it, that is named.
        image: the name of the image that is written in the file.

    Raises:
        GroundTruthError: there is none.
    """
    at_hand = reading.images
    own = at_hand.with_stem(file_name) if at_hand and file_name else None
    named = at_hand.named(image) if at_hand and image else None
    if own and named and own != named:
        message = _(
            "{file}: says that it is about {named}; by its own name it is about {own}, and is used "
            "so",
            file=file_name,
            named=shown(named),
            own=shown(own),
        )
        reading.report.add("names contradict", message)
    found = own or named or (at_hand.with_stem(image) if at_hand and image else None)
    if found is None:
        raise NoImageError(
            _("there is no image named {name}", name=shown(image or path_of(file_name).stem))
        )
    return found


def as_text(data: bytes, file_name: str) -> str:
    """The text of a file, in UTF-8 or with a mark in UTF-16. Raises GroundTruthError."""
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise GroundTruthError(_("{file}: not a text file (UTF-8)", file=file_name)) from error


def number(value: Any) -> float | None:
    """A finite number, or the text of one; None for anything else."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def numbers(values: Iterable[Any]) -> list[float] | None:
    """The values as floats, from numbers or their texts; None where one is not a finite number."""
    found = [number(value) for value in values]
    finite = [each for each in found if each is not None]
    return finite if len(finite) == len(found) else None


def whole_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height where they are whole numbers of 1 or more."""
    found = numbers([width, height])
    if found is None or not all(value >= 1 and value == int(value) for value in found):
        return None
    return int(found[0]), int(found[1])


def size_fault(written: tuple[int, int] | None, actual: tuple[int, int]) -> str | None:
    """What to say where a file is made for another size than the image has."""
    if written is None or written == actual:
        return None
    return _(
        "its boxes are for {width} x {height} pixels, the image has {actual_width} x "
        "{actual_height}",
        width=written[0],
        height=written[1],
        actual_width=actual[0],
        actual_height=actual[1],
    )


def around(xs: Sequence[float], ys: Sequence[float]) -> Box:
    """The box around points, xyxy."""
    return min(xs), min(ys), max(xs), max(ys)


def _both(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _are_same(one: GroundTruth, other: GroundTruth) -> bool:
    """Whether two say the same of an image, in whatever order."""
    left = list(_rows(other))
    for kind, box in _rows(one):
        for place, (other_kind, other_box) in enumerate(left):
            if kind == other_kind and np.allclose(box, other_box, rtol=0, atol=_SAME_PIXELS):
                del left[place]
                break
        else:
            return False
    return not left


def _rows(truth: GroundTruth) -> Iterable[tuple[tuple[int, bool, bool], NDArray[np.float64]]]:
    """Class id, whether it is a crowd box or a region, and the box, of all that is in it."""
    crowd = truth.crowd.tolist()
    for class_id, is_crowd, box in zip(truth.class_ids.tolist(), crowd, truth.boxes, strict=True):
        yield (class_id, is_crowd, False), box
    for class_id, box in zip(truth.region_class_ids.tolist(), truth.regions, strict=True):
        yield (class_id, False, True), box
