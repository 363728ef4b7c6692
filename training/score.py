"""How good detections are on a split of the training data: by kind of image, and by calibration.

Matching, average precision and thresholds are those of the product (detector/evaluation/). They
know partial labels: a detection of a category that is not in the image's `labelled`, or that lies
in an ignore region of its category, is neither right nor wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import GroundTruthError
from detector.evaluation.curves import average_precisions, curve, mean_without_nan
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Comparison, compare, match
from detector.evaluation.operating_points import best_f1
from detector.formats.coco import read_coco
from detector.ssd import Detections

KINDS = ("product", "scene")  # of images: a thing alone, and things among others


@dataclass(frozen=True)
class Split:
    """The images of one split and their ground truth, in the same order.

    Attributes:
        images: their entries in the COCO file: file_name, width, height, kind.
        ground_truth: of each.
        labels: the model's; index = class id, background first.
    """

    images: tuple[Mapping[str, Any], ...]
    ground_truth: tuple[GroundTruth, ...]
    labels: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path, split: str, labels: tuple[str, ...]) -> Split:
        """Of a folder with annotations.json; images that name no split belong to all."""
        return cls.of(json.loads((folder / "annotations.json").read_text()), split, labels)

    @classmethod
    def of(cls, content: Mapping[str, Any], split: str, labels: tuple[str, ...]) -> Split:
        """Raises ValueError where an image or a box cannot be used: figures would be of less."""
        images = [image for image in content["images"] if image.get("split", split) == split]
        kept = {image["id"] for image in images}
        notes = [note for note in content["annotations"] if note["image_id"] in kept]
        chosen = {**content, "images": images, "annotations": notes}
        try:
            read = read_coco(json.dumps(chosen).encode(), labels)
        except GroundTruthError as error:
            raise ValueError(str(error)) from error
        if lost := [problem for problem in read.problems if problem.kind != "over the edge"]:
            raise ValueError(str(lost[0]))
        return cls(tuple(images), read.images, labels)

    @staticmethod
    def path(folder: Path, image: Mapping[str, Any]) -> Path:
        """The image's file: in `images` or in the folder itself."""
        inner = folder / "images" / image["file_name"]
        return inner if inner.exists() else folder / image["file_name"]

    @property
    def kinds(self) -> list[str]:
        """Those kinds of images that there are."""
        return [kind for kind in KINDS if any(image.get("kind") == kind for image in self.images)]

    def compared(self, found: Sequence[Detections], kind: str | None = None) -> Comparison:
        """The detections of each image against its ground truth.

        Args:
            kind: of the images that count; None = all.
        """
        pairs = zip(self.images, self.ground_truth, found, strict=True)
        chosen = [(truth, own) for image, truth, own in pairs if kind in (None, image.get("kind"))]
        return compare(chosen, len(self.labels))


@dataclass(frozen=True)
class Figures:
    """What one evaluation says. NaN where a class has no box."""

    ap50: float
    ap: float
    ap50_of: Mapping[str, float]
    threshold_of: Mapping[str, float]  # the score threshold with the best F1
    f1_of: Mapping[str, float]
    f1_at: Mapping[float, float]  # threshold -> F1 over all classes together
    calibration_error: float  # expected, over detections of at least 0.05, ten bins of equal width

    @property
    def best_threshold(self) -> float:
        return max(self.f1_at, key=lambda threshold: self.f1_at[threshold])


def figures(split: Split, found: Sequence[Detections], kind: str | None = None) -> Figures:
    """Average precision, best thresholds and calibration on images of one kind, or all.

    Args:
        found: the detections of each image of the split.
        kind: of KINDS; None = all.
    """
    comparison = split.compared(found, kind)
    matches = match(comparison)
    precisions = average_precisions(comparison)  # by IoU threshold, 0.5 first, and class
    names = dict(enumerate(split.labels[1:], start=1))
    thresholds, best = {}, {}
    for class_id, threshold in best_f1(matches).items():
        name = names[class_id]
        thresholds[name] = best[name] = float("nan")
        if threshold is not None:
            thresholds[name] = threshold
            best[name] = float(curve(matches, class_id).at(threshold).f1)
    grid = np.round(np.arange(0.05, 0.951, 0.05), 2)
    return Figures(
        mean_without_nan(precisions[0]),
        mean_without_nan(precisions),
        {name: float(precisions[0, class_id]) for class_id, name in names.items()},
        thresholds,
        best,
        dict(zip(grid.tolist(), curve(matches).at(grid).f1.tolist(), strict=True)),
        calibration_error(marks(comparison)),
    )


def held_out(ids: list[int]) -> set[int]:
    """The 300 background images with the highest ids: false alarms are counted on them."""
    return set(sorted(ids)[-300:])


def marks(comparison: Comparison) -> np.ndarray:
    """(K, 3) float64: score, right or wrong (1 or 0), class id of the detections that count."""
    matches = match(comparison)
    found, counted = comparison.detections, ~matches.ignored
    columns = (found.scores, matches.truth_of >= 0, found.class_ids)
    return np.stack([column[counted].astype(np.float64) for column in columns], axis=1)


def calibration_error(marks: np.ndarray, floor: float = 0.05) -> float:
    """Mean distance of score and share of right ones over ten bins, weighted by their size."""
    marks = marks[marks[:, 0] >= floor]
    if not len(marks):
        return float("nan")
    bins = np.minimum((marks[:, 0] * 10).astype(int), 9)
    gaps = [
        abs(marks[bins == b, 0].mean() - marks[bins == b, 1].mean()) * (bins == b).sum()
        for b in range(10)
        if (bins == b).any()
    ]
    return float(sum(gaps) / len(marks))
