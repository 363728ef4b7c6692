"""What any detector found, as its file says it, and joined with the images at hand: an answer each.

Detections have no raw prediction: in an answer that is made of them each box is a default box of
its own, which is not moved, with a score of one class. Post-processing, measures and comparisons
take it like a model's answer.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.answers import Answer
from detector.errors import ResultsError
from detector.evaluation.ground_truth import Problem
from detector.formats.class_mapping import ClassMapping
from detector.formats.names import NO_CLASS, ClassNames, Id, ImageNames, Sizes, same_id
from detector.formats.reading import Box, Report, number, size_fault
from detector.formats.typed_json import shown
from detector.serving import ModelVersion
from detector.ssd import SCORE_FLOOR, RawPrediction
from detector.translation import _, noted, plural

# How far a box may reach over the image's edge without a word: rounded corners.
_EDGE_PIXELS = 1.0
# A box of which less is inside was made for another image, in other units or in another order.
_LEAST_INSIDE = 0.5
# So far over the edge, in sides of the image, no detector reaches.
_FAR = 0.05
# So many boxes outside their images, and all of them inside as corners: they are corners.
_MANY = 0.1
# Where more cannot be used, the file is not what it was taken for.
_MOST_UNUSED = 0.5
_ROUNDING = 1e-3
_FAULTS = {
    "no area": noted("{image}: the box {box} has no area"),
    "outside": noted("{image}: most of the box {box} lies outside the image"),
    "over the edge": noted("{image}: the box {box} reaches over the edge, and is cut there"),
}


@dataclass(frozen=True)
class Subject:
    """An image that a file of results speaks of.

    Attributes:
        written: its name, or its id.
        is_id: what is written is an id, which a data set's annotations give a name.
        size: (width, height) that the file says it has; None = it says nothing.
    """

    written: Id
    is_id: bool = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Legend:
    """What the ids in files of results mean, as the annotations of a data set say it.

    Attributes:
        images: file name by id.
        categories: name by id.
    """

    images: Mapping[Id, str] = field(default_factory=dict)
    categories: Mapping[Id, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The same for the same legend."""
        told = repr(
            (sorted(self.images.items(), key=str), sorted(self.categories.items(), key=str))
        )
        return hashlib.sha256(told.encode()).hexdigest()

    def over(self, other: "Legend") -> "Legend":
        """Both; of what both say, this one holds."""
        return Legend({**other.images, **self.images}, {**other.categories, **self.categories})


@dataclass(frozen=True, eq=False)
class Results:
    """Detections as a file says them, N in all. At least one.

    Attributes:
        name: of the file.
        images: those that it speaks of.
        classes: (name or id, whether it is an id) of each class that it speaks of.
        image_rows, class_rows: (N,) int64, places in these.
        scores: (N,) float32, 0..1.
        boxes: (N, 4) float64 xyxy, in pixels or in fractions of the image.
        in_fractions: (N,) bool.
        has_sizes: boxes in pixels were written as x, y, width, height, not as corners.
        is_complete: images in which nothing was found are among the images too.
        problems: what in the file was not understood.
    """

    name: str
    images: tuple[Subject, ...]
    classes: tuple[tuple[Id, bool], ...]
    image_rows: NDArray[np.int64] = field(repr=False)
    class_rows: NDArray[np.int64] = field(repr=False)
    scores: NDArray[np.float32] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)
    in_fractions: NDArray[np.bool_] = field(repr=False)
    has_sizes: bool
    is_complete: bool
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def has_ids(self) -> bool:
        """Whether it speaks of images or classes by ids, which annotations give names."""
        return any(subject.is_id for subject in self.images) or any(c[1] for c in self.classes)

    @cached_property
    def digest(self) -> str:
        """The same for the same detections."""
        digest = hashlib.sha256(repr((self.images, self.classes, self.is_complete)).encode())
        for part in (self.image_rows, self.class_rows, self.scores, self.boxes):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def named(self, name: str) -> "Results":
        """The same under another name."""
        return replace(self, name=name)

    @property
    def lowest_score(self) -> float:
        """What no threshold reaches below."""
        return float(self.scores.min())

    def joined(
        self,
        sizes: Sizes,
        labels: Sequence[str],
        mapping: ClassMapping | None = None,
        legend: Legend | None = None,
    ) -> "Joined":
        """The answers for the images at hand.

        Args:
            sizes: the images at hand.
            labels: the model's; index = class id, background first.
            mapping: name of a class in the file -> label, or None for none of the classes.
            legend: what ids mean. Without one, an image's id is its file name but for the ending,
                and a class's id that of the model.

        Raises:
            ResultsError: nothing in the file is about these images, or their boxes and classes are
                not what they were taken for.
        """
        return _Joining(self, sizes, labels, mapping or {}, legend or Legend()).done()


@dataclass(frozen=True, eq=False)
class Joined:
    """The answers of a file for the images at hand.

    Attributes:
        answers: by the image's name.
        unspoken: images that the file says nothing of, though it does not list all of its images:
            they have an answer, in which nothing was found.
        lacking: why an image has no answer, by its name.
        problems: what of the file was left out, and what was taken for something.
        foreign: names of classes in the file that are no labels of the model.
        used: how many detections are in the answers.
    """

    answers: Mapping[str, Answer]
    unspoken: tuple[str, ...]
    lacking: Mapping[str, str]
    problems: tuple[Problem, ...]
    foreign: tuple[str, ...]
    used: int


class ResultsDraft:
    """Detections while they are read.

    Attributes:
        report: what was not understood.
        is_complete, has_sizes: as of `Results`; its reader says so.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.report = Report()
        self.is_complete = False
        self.has_sizes = False
        self._images: dict[Id, int] = {}
        self._subjects: list[Subject] = []
        self._classes: dict[tuple[Id, bool], int] = {}
        self._rows: list[tuple[int, int, float, Box, bool]] = []
        self._without_score = 0

    def __len__(self) -> int:
        return len(self._rows)

    def image(self, subject: Subject) -> int:
        """The place of an image, also of one in which nothing was found."""
        place = self._images.setdefault(subject.written, len(self._subjects))
        if place == len(self._subjects):
            self._subjects.append(subject)
        return place

    def class_of(self, written: Id, *, is_id: bool) -> int:
        """The place of a class."""
        return self._classes.setdefault((written, is_id), len(self._classes))

    def add(
        self,
        entry: Callable[[], str],
        image: int,
        class_row: int,
        score: Any,
        box: Box | None,
        written: Any,
        *,
        in_fractions: bool = False,
    ) -> None:
        """Takes a detection in, or reports why it is not understood.

        Args:
            entry: where it stands in the file.
            image: the place of its image.
            class_row: the place of its class.
            score: as the file has it; None or "" = it has none.
            box: xyxy; None = not four finite numbers.
            written: the box as the file has it.
        """
        if score is None or score == "":
            self._without_score += 1
            self.report.add("no score", _("{entry}: there is no score", entry=entry()))
            return
        found = number(score)
        if found is None:
            message = _(
                "{entry}: the score is {value}, expected a number",
                entry=entry(),
                value=shown(score),
            )
            self.report.add("score", message)
            return
        if box is None:
            message = _(
                "{entry}: the box {box} is not four numbers", entry=entry(), box=shown(written)
            )
            self.report.add("no numbers", message)
            return
        self._rows.append((image, class_row, found, box, in_fractions))

    def made(self) -> Results:
        """The detections.

        Raises:
            ResultsError: there are none, or their scores are no probabilities.
        """
        if not self._rows:
            if self._without_score:
                raise ResultsError(
                    _("no detection has a score: this is ground truth, not results"),
                    _("Choose it as ground truth instead; results need a score for each box."),
                )
            problems = self.report.problems
            raise ResultsError(
                str(problems[0]) if problems else _("there are no detections in the file")
            )
        image_rows, class_rows, scores, boxes, in_fractions = zip(*self._rows, strict=True)
        of_rows = np.array(scores, np.float64)
        self._check_scores(of_rows)
        corners = np.array(boxes, np.float64)
        fractions = np.array(in_fractions, np.bool_)
        if not fractions.any() and np.abs(corners).max() <= 1 + _ROUNDING:
            fractions[:] = True
            message = _("all boxes lie within 0 to 1: they are taken as fractions of the image")
            self.report.add("fractions", message)
        return Results(
            self.name,
            tuple(self._subjects),
            tuple(self._classes),
            np.array(image_rows, np.int64),
            np.array(class_rows, np.int64),
            np.minimum(of_rows, 1).astype(np.float32),
            corners,
            fractions,
            self.has_sizes,
            self.is_complete,
            self.report.problems,
        )

    def _check_scores(self, scores: NDArray[np.float64]) -> None:
        highest, lowest = float(scores.max()), float(scores.min())
        if lowest >= 0 and highest <= 1 + _ROUNDING:
            return
        value = lowest if lowest < 0 else highest
        message = _("there is a score of {value}, expected 0 to 1", value=f"{value:g}")
        if lowest >= 0 and 1 < highest <= 100:
            raise ResultsError(message, _("They look like percent: divide them by 100."))
        raise ResultsError(message, _("Write probabilities, not logits."))


class _Joining:
    """The joining of a file's detections with the images at hand."""

    def __init__(
        self,
        results: Results,
        sizes: Sizes,
        labels: Sequence[str],
        mapping: ClassMapping,
        legend: Legend,
    ) -> None:
        self._results, self._sizes, self._labels = results, sizes, labels
        self._legend = legend
        self._names = ClassNames(labels, mapping)
        self._images = ImageNames(sizes)
        self._numbered = _by_number(sizes)
        self._report = Report()
        self._lacking: dict[str, str] = {}

    def done(self) -> Joined:
        results = self._results
        names = [self._name_of(subject) for subject in results.images]
        self._tell_unmatched(names)
        at_hand = list(self._sizes)
        places = {name: place for place, name in enumerate(at_hand)}
        of_images = np.array([-1 if name is None else places[name] for name in names], np.int64)
        of_classes = self._class_ids()
        image_rows = of_images[results.image_rows]
        class_ids = of_classes[results.class_rows]
        rows = np.flatnonzero((image_rows >= 0) & (class_ids > 0))
        rows = rows[np.isfinite(results.boxes[rows]).all(axis=1)]
        fractions, rows = self._usable(rows, image_rows)
        under = int((results.scores[rows] <= SCORE_FLOOR).sum())
        if under:
            message = plural(
                "{count} detection has a score of {floor} or less, which no threshold shows",
                "{count} detections have a score of {floor} or less, which no threshold shows",
                under,
                floor=SCORE_FLOOR,
            )
            self._report.add("floor", message)
        spoken = {name for name in names if name is not None}
        self._tell_unspoken([name for name in at_hand if name not in spoken])
        answers = {}
        order = np.argsort(image_rows[rows], kind="stable")
        parts = np.split(order, np.searchsorted(image_rows[rows][order], range(1, len(at_hand))))
        for name, part in zip(at_hand, parts, strict=True):
            if name not in self._lacking:
                answers[name] = self._answer(name, rows[part], fractions[part], class_ids)
        unspoken = () if results.is_complete else tuple(n for n in at_hand if n not in spoken)
        foreign = tuple(name for name, _uses in self._names.foreign.most_common())
        problems = (*results.problems, *self._report.problems)
        return Joined(answers, unspoken, self._lacking, problems, foreign, len(rows))

    def _name_of(self, subject: Subject) -> str | None:
        """The image at hand that is meant; None where there is none, or it has another size."""
        written = str(subject.written)
        named = self._legend.images.get(same_id(subject.written)) if subject.is_id else None
        found = self._images.named(named) if named is not None else None
        found = found or self._images.named(written) or self._images.with_stem(written)
        if found is None and subject.is_id:
            found = self._numbered.get(same_id(subject.written))
        if found is not None and (fault := size_fault(subject.size, self._sizes[found])):
            self._lacking[found] = f"{self._results.name}: {fault}"
            return None
        return found

    def _tell_unmatched(self, names: Sequence[str | None]) -> None:
        unmatched = [
            subject for subject, name in zip(self._results.images, names, strict=True) if not name
        ]
        if len(unmatched) == len(names) and not self._lacking:
            first = unmatched[0]
            what = _("image id {id}", id=shown(first.written))
            raise ResultsError(
                _(
                    "none of its {count} images is among those at hand: there is no {image}",
                    count=len(unmatched),
                    image=what if first.is_id else shown(first.written),
                ),
                _(
                    "Image ids get their names from the annotations file of the data set: choose it"
                    " with the results, or as ground truth."
                )
                if first.is_id
                else _("Bring the images that the results were made for, under their names."),
            )

    def _class_ids(self) -> NDArray[np.int64]:
        """The class id of each of the file's classes; 0 = it has none here."""
        found, left_out = [], Counter[str]()
        uses = np.bincount(self._results.class_rows, minlength=len(self._results.classes))
        by_number = False
        for (written, is_id), count in zip(self._results.classes, uses.tolist(), strict=True):
            name = self._legend.categories.get(same_id(written)) if is_id else str(written)
            if name is None:
                by_number = True
                found.append(self._by_number(written))
                continue
            class_id = self._names.id(name)
            if class_id is None:
                left_out[name] += count
            found.append(class_id or NO_CLASS)
        if by_number:
            listed = ", ".join(f"{i} = {label}" for i, label in enumerate(self._labels) if i > 0)
            message = _("class numbers are taken as this model's: {classes}", classes=listed)
            self._report.add("class numbers", message)
        for name, count in left_out.most_common():
            message = plural(
                "{count} detection of {name} is left out, which is no class of the model",
                "{count} detections of {name} are left out, which is no class of the model",
                count,
                name=shown(name),
            )
            self._report.add("unknown class", message)
        if not any(found):
            raise ResultsError(
                _(
                    "none of its classes is one of the model's: {names}",
                    names=", ".join(shown(name) for name in list(left_out)[:5]),
                ),
                _("Say in a class-names.json which label each stands for, and choose it too."),
            )
        return np.array(found, np.int64)

    def _by_number(self, written: Id) -> int:
        value = number(same_id(written))
        if value is None or value != int(value) or not 0 < value < len(self._labels):
            raise ResultsError(
                _(
                    "there is a class number {number}, and the model's are 1 to {last}",
                    number=shown(written),
                    last=len(self._labels) - 1,
                ),
                _(
                    "Choose the annotations file of the data set with the results: it says what "
                    "its category ids mean."
                ),
            )
        return int(value)

    def _usable(
        self, rows: NDArray[np.int64], image_rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Boxes in fractions of their images, cut at its edges, and the rows that they are of."""
        boxes, in_fractions = self._results.boxes[rows], self._results.in_fractions[rows]
        sizes = np.array(list(self._sizes.values()), np.float64).reshape(-1, 2)[image_rows[rows]]
        whole = np.concatenate([sizes, sizes], axis=1)
        pixels = np.where(in_fractions[:, None], boxes * whole, boxes)
        low, high = pixels[:, :2], pixels[:, 2:]
        inside_low, inside_high = np.clip(low, 0, sizes), np.clip(high, 0, sizes)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = ((inside_high - inside_low) / (high - low)).prod(axis=1)
        no_area = (high <= low).any(axis=1)
        outside = ~no_area & ~(inside >= _LEAST_INSIDE)
        over = np.maximum(-low, high - sizes)
        if self._results.has_sizes and not in_fractions.any():
            self._check_form(pixels, sizes, outside | (over > _FAR * sizes).any(axis=1))
        bad = no_area | outside
        is_over = ~bad & (over > _EDGE_PIXELS).any(axis=1)
        first = ""
        for kind, is_one in (
            ("no area", no_area),
            ("outside", outside),
            ("over the edge", is_over),
        ):
            if is_one.any():
                row = rows[is_one.argmax()]
                box = [round(side, 3) for side in self._results.boxes[row].tolist()]
                name = list(self._sizes)[image_rows[row]]
                message = _(_FAULTS[kind], image=name, box=shown(box))
                self._report.add(kind, message, int(is_one.sum()))
                first = first or message
        if len(rows) and bad.mean() > _MOST_UNUSED:
            raise ResultsError(
                _(
                    "{count} of {total} boxes do not fit their images: {fault}",
                    count=int(bad.sum()),
                    total=len(rows),
                    fault=first,
                ),
                _("Use results that were made for these images, with boxes in their pixels."),
            )
        cut = np.concatenate([inside_low, inside_high], axis=1) / whole
        return cut[~bad], rows[~bad]

    def _check_form(
        self,
        pixels: NDArray[np.float64],
        sizes: NDArray[np.float64],
        is_odd: NDArray[np.bool_],
    ) -> None:
        """Raises ResultsError for corners that were written as x, y, width, height."""
        if not len(is_odd) or is_odd.mean() <= _MANY:
            return
        low, high = pixels[:, :2], pixels[:, 2:]
        as_corners = high - low
        if ((as_corners > low) & (as_corners <= sizes + _EDGE_PIXELS)).all():
            raise ResultsError(
                _(
                    "{count} of {total} boxes reach out of their images as x, y, width, height, and"
                    " all of them fit as corners (xmin, ymin, xmax, ymax)",
                    count=int(is_odd.sum()),
                    total=len(is_odd),
                ),
                _(
                    "Write x, y, width, height; or use a CSV with the columns xmin, ymin, xmax,"
                    " ymax."
                ),
            )

    def _tell_unspoken(self, names: Sequence[str]) -> None:
        if self._results.is_complete:
            for name in names:
                self._lacking.setdefault(
                    name,
                    _("{file} does not list this image", file=self._results.name),
                )
            return
        for name in names:
            if name not in self._lacking:
                message = _("{image}: not in the file, taken as nothing found there", image=name)
                self._report.add("unspoken", message)

    def _answer(
        self,
        name: str,
        rows: NDArray[np.int64],
        boxes: NDArray[np.float64],
        class_ids: NDArray[np.int64],
    ) -> Answer:
        results = self._results
        scores = np.zeros((len(rows), len(self._labels)), np.float32)
        scores[np.arange(len(rows)), class_ids[rows]] = results.scores[rows]
        raw = RawPrediction(
            np.zeros((len(rows), 4), np.float32),
            scores,
            boxes.astype(np.float32),
            np.ones((len(rows), 4), np.float32),
        )
        return Answer(
            raw.compact(), self._sizes[name], ModelVersion(results.name, 0), {}, file=results.name
        )


def _by_number(sizes: Sizes) -> dict[Id, str]:
    """Images whose names are numbers, by these: 000000000139.jpg is 139."""
    numbers = Counter(same_id(PurePosixPath(name).stem) for name in sizes)
    return {
        found: name
        for name in sizes
        if numbers[found := same_id(PurePosixPath(name).stem)] == 1 and isinstance(found, int)
    }
