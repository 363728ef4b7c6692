"""A run of many images against their ground truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.batch.run import Done
from detector.errors import GroundTruthError
from detector.evaluation.curves import average_precision, mean_without_nan, tally
from detector.evaluation.ground_truth import Problem
from detector.evaluation.matching import at_floor, compare, match
from detector.formats.annotations import read_ground_truth
from detector.formats.class_mapping import ClassMapping
from detector.formats.packed import SUFFIXES, Files
from detector.ssd import Detections, Settings, postprocess
from detector.translation import _, plural

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Accuracy:
    """How good the detections of a run are, over the images whose ground truth was understood.

    Attributes:
        images: how many those are.
        right, wrong, missed: at the run's settings.
        precision, recall, f1: of these; None where there is nothing to divide by.
        mean_average_precision: COCO's, at MATCH_IOU, over all scores; None without ground truth.
        unread: entries that were not understood: nothing found there is right or wrong.
        not_counted: images whose ground truth was not understood.
        problems: what was wrong in the files.
    """

    images: int
    right: int
    wrong: int
    missed: int
    precision: float | None
    recall: float | None
    f1: float | None
    mean_average_precision: float | None
    unread: int
    not_counted: tuple[str, ...]
    problems: tuple[Problem, ...]

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "images": self.images,
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            f"map@{MATCH_IOU}": self.mean_average_precision,
            "entries_not_understood": self.unread,
            "images_not_counted": list(self.not_counted),
            "problems": [str(problem) for problem in self.problems],
        }

    def lines(self) -> list[str]:
        """In words: the figures, what they leave out, and why."""
        counts = {"right": self.right, "wrong": self.wrong, "missed": self.missed}
        figures = {
            "precision": _figure(self.precision),
            "recall": _figure(self.recall),
            "f1": _figure(self.f1),
            "iou": MATCH_IOU,
            "map": _figure(self.mean_average_precision),
        }
        lines = [
            plural(
                "{count} image with ground truth: {right} right, {wrong} wrong, {missed} missed",
                "{count} images with ground truth: {right} right, {wrong} wrong, {missed} missed",
                self.images,
                **counts,
            ),
            _(
                "precision {precision}, recall {recall}, F1 {f1}, mAP@{iou} {map}",
                **figures,
            ),
        ]
        if self.unread:
            lines.append(
                plural(
                    "{count} entry was not understood: nothing found there is right or wrong",
                    "{count} entries were not understood: nothing found there is right or wrong",
                    self.unread,
                )
            )
        if self.not_counted:
            lines.append(
                plural(
                    "{count} image does not count, for its ground truth was not understood",
                    "{count} images do not count, for their ground truth was not understood",
                    len(self.not_counted),
                )
            )
        return [*lines, *(f"  {problem}" for problem in self.problems)]


class Judge:
    """Gathers the detections of a run, and compares them with the ground truth at its end."""

    def __init__(
        self, files: Files, labels: Sequence[str], settings: Settings, mapping: ClassMapping
    ) -> None:
        self._files, self._mapping = tuple(files), mapping
        self._labels, self._settings = labels, settings
        self._found: dict[str, tuple[str, tuple[int, int], Detections]] = {}
        self._ambiguous: set[str] = set()

    def add(self, done: Done) -> None:
        """Take in an image. Two different ones of one name do not count."""
        if done.raw is None or done.size is None:
            return
        found = postprocess(done.raw, at_floor(self._settings), done.size)
        digest, *_others = self._found.setdefault(done.name, (done.digest, done.size, found))
        if digest != done.digest:
            self._ambiguous.add(done.name)

    def accuracy(self) -> Accuracy:
        """What came out. Raises GroundTruthError where nothing in the files can be used."""
        found = {name: own for name, own in self._found.items() if name not in self._ambiguous}
        sizes = {name: size for name, (_digest, size, _found) in found.items()}
        read = read_ground_truth(self._files, self._labels, sizes, self._mapping)
        pairs = [(truth, found[truth.file_name][2]) for truth in read.images]
        matches = match(compare(pairs, len(self._labels)), MATCH_IOU)
        total = tally(matches, self._settings).total()
        classes = range(1, len(self._labels))
        mean = mean_without_nan([average_precision(matches, class_id) for class_id in classes])
        return Accuracy(
            len(read.images),
            int(total.true_positives),
            int(total.false_positives),
            int(total.misses),
            _number(total.precision),
            _number(total.recall),
            _number(total.f1),
            _number(mean),
            sum(truth.unread for truth in read.images),
            (*read.not_counted, *sorted(self._ambiguous)),
            read.problems,
        )


def files_at(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Name and content of some files of ground truth, and of all those in folders.

    Raises:
        GroundTruthError: one cannot be read.
    """
    found = []
    for path in paths:
        try:
            if path.is_dir():
                inside = sorted(each for each in path.rglob("*") if _is_wanted(each))
                found += [(str(each.relative_to(path)), each.read_bytes()) for each in inside]
            else:
                found.append((path.name, path.read_bytes()))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise GroundTruthError(
                _("{path} cannot be read: {reason}", path=path, reason=reason), _("Check the path.")
            ) from error
    return found


def _is_wanted(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts[-2:])
    return path.suffix.lower() in (*SUFFIXES, ".zip") and not is_hidden and path.is_file()


def _number(value: Any) -> float | None:
    number = float(value)
    return round(number, 6) if number == number else None


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
