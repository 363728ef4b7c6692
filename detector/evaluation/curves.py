"""How good detections are: curves, average precision, errors by name, confusion.

Works on the tables of detector/evaluation/matching.py: match once, then every threshold is a
filter.

Equal to pycocotools at its area range "all"; ranges by area are not offered. COCO counts the 100
best detections an image and class, and so does average precision here (`max_detections` changes
it), while curves and errors count all that are given. Give all detections at the floor
(`matching.at_floor`): a cut at the 200 best of an image would cut the curves too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detector.evaluation.matching import (
    Comparison,
    Floats,
    Ints,
    Mask,
    Matches,
    Outcome,
    enough_iou,
    first_come,
    match,
)
from detector.ssd import Detections, Settings

COCO_IOUS = tuple(np.linspace(0.5, 0.95, 10).tolist())  # COCO's very floats, for IoUs on them
COCO_MAX_DETECTIONS = 100  # an image and class, in COCO's average precision
RECALL_POINTS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class Counts:
    """Right, wrong and missed, as arrays of one shape. 0 / 0 is NaN."""

    true_positives: Ints
    false_positives: Ints
    misses: Ints

    @property
    def precision(self) -> Floats:
        """Right / shown; NaN where nothing is shown."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Floats:
        """Right / ground-truth boxes; NaN where there is none."""
        return _ratio(self.true_positives, self.true_positives + self.misses)

    @property
    def f1(self) -> Floats:
        """2 right / (2 right + wrong + missed), the harmonic mean of precision and recall."""
        right = 2 * self.true_positives
        return _ratio(right, right + self.false_positives + self.misses)

    def total(self) -> "Counts":
        """Sums over everything: micro-averaged."""
        return Counts(
            *(
                np.asarray(values.sum(), np.int64)
                for values in (self.true_positives, self.false_positives, self.misses)
            )
        )


@dataclass(frozen=True, eq=False)
class Curve(Counts):
    """Counts against the score threshold.

    Attributes:
        thresholds: (K,) float32, falling: the scores that occur, each once. At a threshold, all
            detections with a score at or above it are shown.
        truth_count: how many ground-truth boxes there are to find.
    """

    thresholds: NDArray[np.float32]
    truth_count: int

    def at(self, thresholds: ArrayLike) -> Counts:
        """The counts at any thresholds, in the same shape."""
        asked = np.asarray(thresholds, np.float32)
        # How many of the scores, from the top, are at or above the threshold; 0 = nothing is shown.
        shown = len(self.thresholds) - np.searchsorted(self.thresholds[::-1], asked, side="left")
        right = np.concatenate([[0], self.true_positives])[shown]
        wrong = np.concatenate([[0], self.false_positives])[shown]
        return Counts(right, wrong, self.truth_count - right)


def curve(matches: Matches, class_id: int | None = None) -> Curve:
    """Right, wrong and missed against the score threshold.

    Args:
        class_id: None = all classes together (micro-averaged).
    """
    found, truths = matches.comparison.detections, matches.comparison.truths
    counted, to_find = ~matches.ignored, ~truths.ignored
    if class_id is not None:
        counted = counted & (found.class_ids == class_id)
        to_find = to_find & (truths.class_ids == class_id)
    falling = np.flatnonzero(counted)
    falling = falling[np.argsort(-found.scores[falling])]
    scores = found.scores[falling]
    # All detections of one score come and go together: the counts stand at the last of them.
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)[: len(scores)])
    right = np.cumsum(matches.truth_of[falling] >= 0, dtype=np.int64)[last]
    truth_count = int(to_find.sum())
    return Curve(right, last + 1 - right, truth_count - right, scores[last], truth_count)


def interpolated_precision(
    matches: Matches, class_id: int, max_detections: int | None = COCO_MAX_DETECTIONS
) -> Floats:
    """(101,) COCO's precision at recall 0, 0.01, ... 1: the best at that recall or a higher one.

    0 where the recall is not reached; NaN where the class has no ground-truth box. Detections of
    one score count one after the other, in the order of the images, as in pycocotools.

    Args:
        max_detections: only the best in each image count. None = all.
    """
    found, truths = matches.comparison.detections, matches.comparison.truths
    truth_count = int((~truths.ignored & (truths.class_ids == class_id)).sum())
    if truth_count == 0:
        return np.full(len(RECALL_POINTS), np.nan)
    counted = (found.class_ids == class_id) & ~matches.ignored
    if max_detections is not None:
        counted &= matches.comparison.ranks < max_detections
    falling = np.flatnonzero(counted)
    falling = falling[np.argsort(-found.scores[falling], kind="stable")]
    right = np.cumsum(matches.truth_of[falling] >= 0, dtype=np.int64)
    precision = right / np.arange(1, len(falling) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(right / truth_count, RECALL_POINTS, side="left")
    return np.append(envelope, 0.0)[reached]


def average_precision(
    matches: Matches, class_id: int, max_detections: int | None = COCO_MAX_DETECTIONS
) -> float:
    """COCO's 101-point AP at the matches' IoU threshold; NaN where a class has no ground truth."""
    return float(interpolated_precision(matches, class_id, max_detections).mean())


def average_precisions(
    comparison: Comparison,
    iou_thresholds: Iterable[float] = COCO_IOUS,
    max_detections: int | None = COCO_MAX_DETECTIONS,
) -> Floats:
    """(T, C) average precision at each IoU threshold; NaN for classes without a ground-truth box.

    COCO's headline figure, mAP at 0.50:0.95, is `mean_without_nan` of it.
    """
    rows = []
    for iou_threshold in iou_thresholds:
        matches = match(comparison, iou_threshold)
        rows.append(
            [
                average_precision(matches, class_id, max_detections)
                for class_id in range(comparison.class_count)
            ]
        )
    return np.array(rows, np.float64).reshape(-1, comparison.class_count)


def mean_without_nan(values: ArrayLike) -> float:
    """Mean of those that are numbers; NaN where none is."""
    numbers = np.asarray(values, np.float64)
    numbers = numbers[~np.isnan(numbers)]
    return float(numbers.mean()) if len(numbers) else float("nan")


def count_detections(found: Iterable[Detections], class_count: int, thresholds: ArrayLike) -> Ints:
    """(K, C) how many detections of each class are shown at each threshold. Needs no truth.

    Args:
        found: the detections of each image (`at_floor`).
        class_count: C, background included.
        thresholds: (K,)
    """
    images = [Detections.empty(), *found]
    scores = np.concatenate([image.scores for image in images])
    class_ids = np.concatenate([image.class_ids for image in images])
    asked = np.asarray(thresholds, np.float32)
    counts = np.empty((len(asked), class_count), np.int64)
    for class_id in range(class_count):
        own = np.sort(scores[class_ids == class_id])
        counts[:, class_id] = len(own) - np.searchsorted(own, asked, side="left")
    return counts


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of everything at given thresholds.

    Attributes:
        detections: (N,) `Outcome`: HIDDEN, RIGHT, IGNORED or an error.
        truths: (M,) `Outcome`: RIGHT, IGNORED, MISSED or MISSED_NEARLY; HIDDEN where the class is
            not shown.
    """

    detections: NDArray[np.int8]
    truths: NDArray[np.int8]


def outcomes(matches: Matches, settings: Settings) -> Outcomes:
    """What became of each detection and each ground-truth box at the settings' thresholds and
    classes.

    Classes that are not shown take no part. `top_k` cuts nothing here.
    """
    comparison = matches.comparison
    truths = comparison.truths
    shown = _shown(comparison, settings)
    of_detections = np.where(shown, matches.outcomes, np.int8(Outcome.HIDDEN))
    of_truths = np.full(len(truths), Outcome.MISSED, np.int8)
    near = np.isin(of_detections, (Outcome.LOCALISATION, Outcome.CLASS))
    of_truths[matches.aims_at[near]] = Outcome.MISSED_NEARLY
    of_truths[matches.truth_of[shown & (matches.truth_of >= 0)]] = Outcome.RIGHT
    of_truths[truths.ignored] = Outcome.IGNORED
    of_truths[~_shown_classes(comparison, settings)[truths.class_ids]] = Outcome.HIDDEN
    return Outcomes(of_detections, of_truths)


def outcome_counts(matches: Matches, settings: Settings) -> Ints:
    """(C, O) how often each `Outcome` happened to each class at the settings.

    Detections, except for MISSED and MISSED_NEARLY, which count ground-truth boxes.
    """
    image_count = len(matches.comparison.file_names)
    counts: Ints = outcome_counts_by_image(matches, settings, image_count).sum(axis=0)
    return counts


def outcome_counts_by_image(matches: Matches, settings: Settings, image_count: int) -> Ints:
    """(I, C, O) the same for each image by itself."""
    comparison, result = matches.comparison, outcomes(matches, settings)
    found, truths = comparison.detections, comparison.truths
    counts = np.zeros((image_count, comparison.class_count, len(Outcome)), np.int64)
    np.add.at(counts, (found.images, found.class_ids, result.detections), 1)
    missed = np.isin(result.truths, (Outcome.MISSED, Outcome.MISSED_NEARLY))
    where = (truths.images[missed], truths.class_ids[missed], result.truths[missed])
    np.add.at(counts, where, 1)
    return counts


def tally(matches: Matches, settings: Settings) -> Counts:
    """(C,) right, wrong and missed of each class at the settings; `.total()` is over all."""
    counts = outcome_counts(matches, settings)
    misses = counts[:, [Outcome.MISSED, Outcome.MISSED_NEARLY]].sum(axis=1)
    wrong = (
        Outcome.LOCALISATION,
        Outcome.CLASS,
        Outcome.DUPLICATE,
        Outcome.BACKGROUND,
        Outcome.BOTH,
    )
    return Counts(counts[:, Outcome.RIGHT], counts[:, wrong].sum(axis=1), misses)


@dataclass(frozen=True, eq=False)
class Confusion:
    """What was taken for what.

    Attributes:
        counts: (C, C): row = the true class, column = the class found. Row 0 is background: found
            where nothing is; column 0: not found.
        detection_rows: (N,) the row in which the detection counts, -1 = it does not count.
        truth_columns: (M,) the column in which the ground-truth box counts, -1 = it does not count.
        comparison: the tables.
    """

    counts: Ints
    detection_rows: Ints
    truth_columns: Ints
    comparison: Comparison

    def cell(self, true_class: int, found_class: int) -> tuple[Ints, Ints]:
        """Indices of the detections and of the ground-truth boxes behind a cell.

        In row 0 there are no ground-truth boxes, in column 0 no detections.
        """
        found, truths = self.comparison.detections, self.comparison.truths
        return (
            np.flatnonzero((self.detection_rows == true_class) & (found.class_ids == found_class)),
            np.flatnonzero((self.truth_columns == found_class) & (truths.class_ids == true_class)),
        )


def confusion(matches: Matches, settings: Settings) -> Confusion:
    """The confusion matrix at the settings.

    The diagonal is the matches. Of what is left, detections in order of falling score each take the
    ground-truth box of another class that they overlap most, at the IoU threshold or above. So each
    detection and each ground-truth box that counts stands in one cell: column sums are what is
    shown, row sums what is true.
    """
    comparison = matches.comparison
    found, truths = comparison.detections, comparison.truths
    result = outcomes(matches, settings)
    counted = ~np.isin(result.detections, (Outcome.HIDDEN, Outcome.IGNORED))
    right = result.detections == Outcome.RIGHT
    missed = np.isin(result.truths, (Outcome.MISSED, Outcome.MISSED_NEARLY))
    rows = np.where(right, found.class_ids, np.where(counted, 0, -1))
    columns = np.where(result.truths == Outcome.RIGHT, truths.class_ids, np.where(missed, 0, -1))
    pairs = np.flatnonzero(
        (comparison.pair_ious >= enough_iou(matches.iou_threshold))
        & (counted & ~right)[comparison.pair_detections]
        & missed[comparison.pair_truths]
    )
    for pair in first_come(comparison, pairs):
        detection, truth = comparison.pair_detections[pair], comparison.pair_truths[pair]
        rows[detection] = truths.class_ids[truth]
        columns[truth] = found.class_ids[detection]
    counts = np.zeros((comparison.class_count, comparison.class_count), np.int64)
    np.add.at(counts, (rows[counted], found.class_ids[counted]), 1)
    np.add.at(counts, (truths.class_ids[columns == 0], 0), 1)
    return Confusion(counts, rows, columns, comparison)


def _shown(comparison: Comparison, settings: Settings) -> Mask:
    """(N,) detections that the settings show. Compared in float32, as in post-processing."""
    found = comparison.detections
    thresholds = [settings.threshold_of(class_id) for class_id in range(comparison.class_count)]
    shown: Mask = found.scores >= np.array(thresholds, np.float32)[found.class_ids]
    return shown & _shown_classes(comparison, settings)[found.class_ids]


def _shown_classes(comparison: Comparison, settings: Settings) -> Mask:
    classes = settings.classes
    return np.array([classes is None or c in classes for c in range(comparison.class_count)])


def _ratio(part: Ints, whole: Ints) -> Floats:
    ratio: Floats = np.divide(
        part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0
    )
    return ratio
