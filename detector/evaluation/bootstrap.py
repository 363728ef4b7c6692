"""How far a measure may be luck: the same measures over images drawn again and again.

A bootstrap over images (Efron 1979): each resample draws as many images as there are, with
replacement, and a measure's spread over the resamples is an interval for it. Two models are judged
on the same draws (*paired*), so what is hard in an image is hard for both, and the interval of
their difference is narrow.

An image that is drawn k times counts k times. Nothing is matched again: the tables of
detector/evaluation/matching.py are weighted, all resamples at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.evaluation.curves import (
    COCO_IOUS,
    COCO_MAX_DETECTIONS,
    RECALL_POINTS,
    outcome_counts_by_image,
)
from detector.evaluation.matching import Matches, Outcome, match
from detector.ssd import Settings

Floats = NDArray[np.float64]
Weights = NDArray[np.int64]

RESAMPLES = 1000
LEVEL = 0.95
SEED = 20

_WRONG = (
    Outcome.LOCALISATION,
    Outcome.CLASS,
    Outcome.DUPLICATE,
    Outcome.BACKGROUND,
    Outcome.BOTH,
)


@dataclass(frozen=True, eq=False)
class Measures:
    """Measures of each class in each resample; NaN where there is nothing to measure.

    Attributes:
        average_precision: (R, C) at the matches' IoU threshold.
        coco_precision: (R, C) its mean over COCO's ten IoU thresholds, 0.5 to 0.95.
        precision, recall, f1: (R, C) at the settings' thresholds.
        overall: the same over all classes by name, (R,): AP as the mean over classes, the others of
            the summed counts.
    """

    average_precision: Floats
    coco_precision: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    overall: dict[str, Floats]


def resamples(image_count: int, count: int = RESAMPLES, seed: int = SEED) -> Weights:
    """(R, I) how often each image is drawn in each resample. Row 0 is the images as they are.

    Args:
        count: R - 1, how many are drawn.
        seed: the same draws for the same seed, whichever model is measured.
    """
    whole = np.ones((1, image_count), np.int64)
    if image_count == 0:
        return np.ones((count + 1, 0), np.int64)
    drawn = np.random.default_rng(seed).multinomial(
        image_count, np.full(image_count, 1 / image_count), count
    )
    return np.concatenate([whole, drawn])


def measure(
    matches: Matches,
    settings: Settings,
    weights: Weights,
    known: Mapping[str, Floats] | None = None,
) -> Measures:
    """All measures in all resamples.

    Args:
        matches: of the images, in the order of the columns of `weights`.
        settings: thresholds and classes for precision, recall and F1.
        weights: (R, I) of `resamples`.
        known: the `precisions` of these, where they are known: no threshold changes them.
    """
    of_precision = precisions(matches, weights) if known is None else known
    of_classes, overall = rates(matches, settings, weights)
    means = {name: mean_without_nan(values) for name, values in of_precision.items()}
    return Measures(**of_precision, **of_classes, overall={**means, **overall})


def precisions(matches: Matches, weights: Weights) -> dict[str, Floats]:
    """Average precision by name, (R, C): at the matches' IoU threshold, and over COCO's.

    Args: as of `measure`.
    """

    def of_classes(matched: Matches) -> Floats:
        class_ids = range(matches.comparison.class_count)
        return np.stack([average_precision(matched, c, weights) for c in class_ids], axis=1)

    each = [of_classes(match(matches.comparison, iou)) for iou in COCO_IOUS]
    return {
        "average_precision": of_classes(matches),
        "coco_precision": np.mean(each, axis=0),
    }


def rates(
    matches: Matches, settings: Settings, weights: Weights
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Precision, recall and F1 by name: (R, C) of each class, and (R,) over all of them.

    Args: as of `measure`.
    """
    by_image = outcome_counts_by_image(matches, settings, weights.shape[1])  # (I, C, O)
    counts = np.tensordot(weights, by_image, axes=1)
    right = counts[:, :, Outcome.RIGHT]
    wrong = counts[:, :, _WRONG].sum(axis=2)
    missed = counts[:, :, [Outcome.MISSED, Outcome.MISSED_NEARLY]].sum(axis=2)
    return (
        _ratios(right, wrong, missed),
        _ratios(right.sum(axis=1), wrong.sum(axis=1), missed.sum(axis=1)),
    )


def average_precision(matches: Matches, class_id: int, weights: Weights) -> Floats:
    """(R,) COCO's 101-point AP of a class in each resample; NaN where it has no ground truth.

    Detections of one score count in the order of the images, an image's copies together.
    """
    found, truths = matches.comparison.detections, matches.comparison.truths
    image_count = weights.shape[1]
    to_find = ~truths.ignored & (truths.class_ids == class_id)
    truth_counts = weights @ np.bincount(truths.images[to_find], minlength=image_count)
    counted = (found.class_ids == class_id) & ~matches.ignored
    counted &= matches.comparison.ranks < COCO_MAX_DETECTIONS
    falling = np.flatnonzero(counted)
    falling = falling[np.argsort(-found.scores[falling], kind="stable")]
    is_right = matches.truth_of[falling] >= 0
    # Precision is highest just where something right came: what is wrong in between is summed up.
    # Row k: how many of each image's detections came after the one right before, to the k-th.
    count = int(is_right.sum())
    steps = np.zeros((count + 1, image_count), np.int64)
    step_of: Weights = np.cumsum(is_right) - is_right
    np.add.at(steps, (step_of, found.images[falling]), 1)
    # As floats, which are exact here: NumPy has no quick product of integers.
    shown = np.cumsum(weights.astype(float) @ steps[:count].T.astype(float), axis=1)  # (R, K)
    right = np.cumsum(weights[:, found.images[falling[is_right]]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # What an image that was not drawn found is no place on the curve: its precision is that of
        # the place before, or nothing at all.
        precision = np.where(shown > 0, right / shown, 0.0)
        recall = right / truth_counts[:, None]
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.concatenate([envelope, np.zeros((len(weights), 1))], axis=1)
    reached = np.stack([np.searchsorted(row, RECALL_POINTS, side="left") for row in recall])
    ap: Floats = np.take_along_axis(envelope, reached, axis=1).mean(axis=1)
    ap[truth_counts == 0] = np.nan
    return ap


def mean_without_nan(values: Floats) -> Floats:
    """(R,) mean over the classes that have a number."""
    is_number = ~np.isnan(values)
    total = np.where(is_number, values, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean: Floats = total / is_number.sum(axis=1)
    return mean


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """The middle part of a measure's resamples, row 0 left out; NaN if half have no number."""
    drawn = values[1:]
    numbers = drawn[~np.isnan(drawn)]
    if len(numbers) * 2 <= len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(numbers, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _ratios(right: Weights, wrong: Weights, missed: Weights) -> dict[str, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": right / (right + wrong),
            "recall": right / (right + missed),
            "f1": 2 * right / (2 * right + wrong + missed),
        }
