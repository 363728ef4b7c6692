"""Who found what: detections matched with the ground-truth boxes of many images.

`compare` once finds all overlaps; `match` then decides for one IoU threshold. Every question at a
score threshold is a filter over the resulting tables (detector/evaluation/curves.py).

Matching is COCO's: in each image and class, detections in order of falling score each take the
ground-truth box that they overlap most, if that is at the IoU threshold or above and not taken
yet. So a
detection never depends on one with a lower score, and a score threshold never changes a match.

What is neither right nor wrong (*ignored*): a detection without a match that lies in a crowd box or
an ignore region of its class (intersection / area of the detection at the IoU threshold or above),
and everything of a class that is not labelled in the image. Crowd boxes need not be found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth
from detector.ssd import Detections, Settings

# Below it, a detection has nothing to do with a ground-truth box: TIDE's background threshold.
BACKGROUND_IOU = 0.1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Outcome(IntEnum):
    """What became of a detection or of a ground-truth box.

    The errors are TIDE's (Bolya and others, "TIDE: A General Toolbox for Identifying Object
    Detection Errors", 2020), asked in this order. "Overlaps" is the highest IoU with any
    ground-truth box.
    """

    HIDDEN = 0  # a detection below its threshold, or of a class that is not shown
    RIGHT = 1  # a detection with a match; a ground-truth box that was found
    IGNORED = 2  # neither right nor wrong
    LOCALISATION = 3  # overlaps its own class, less than the IoU threshold but 0.1 or more
    CLASS = 4  # overlaps another class, the IoU threshold or more
    DUPLICATE = 5  # overlaps its own class enough, but a better one has that ground-truth box
    BACKGROUND = 6  # overlaps nothing, that is, by 0.1 at most
    BOTH = 7  # overlaps another class, less than the IoU threshold: wrong place and class
    MISSED = 8  # a ground-truth box that nothing explains
    MISSED_NEARLY = (
        9  # a ground-truth box not found, but a localisation or class error points at it
    )


@dataclass(frozen=True, eq=False)
class DetectionTable:
    """All detections of all images, image after image, each in its own order.

    Attributes:
        images: (N,) index of the image.
        rows: (N,) index into the `Detections` of that image.
        class_ids: (N,)
        scores: (N,) float32.
        boxes: (N, 4) float32 xyxy in pixels of the image.
    """

    images: Ints
    rows: Ints
    class_ids: Ints
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]

    def __post_init__(self) -> None:
        _make_read_only(self)

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, eq=False)
class TruthTable:
    """All ground-truth boxes of all images, image after image, each in its own order.

    Attributes:
        images: (M,) index of the image.
        rows: (M,) index into the boxes of the `GroundTruth` of that image.
        class_ids: (M,)
        ignored: (M,) crowd boxes, and those of classes that are not labelled in the image.
        boxes: (M, 4) float64 xyxy in pixels of the image.
    """

    images: Ints
    rows: Ints
    class_ids: Ints
    ignored: Mask
    boxes: Floats

    def __post_init__(self) -> None:
        _make_read_only(self)

    def __len__(self) -> int:
        return len(self.class_ids)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The ground-truth box that each detection overlaps most; of equal ones the first.

    Attributes:
        ious: (N,) 0 = it overlaps none.
        truths: (N,) index of that ground-truth box, -1 = none.
    """

    ious: Floats
    truths: Ints

    def __post_init__(self) -> None:
        _make_read_only(self)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every overlap of detections and ground-truth boxes, whatever the thresholds.

    Attributes:
        class_count: C, background included.
        file_names: of the images.
        detections, truths: the tables that all indices point into.
        pair_detections, pair_truths, pair_ious: (K,) each detection and ground-truth box of one
            image, of any class, that overlap; without ignored ground-truth boxes.
        crowd_overlaps: (N,) the largest share of a detection's area in a crowd box or ignore region
            of its class, 0..1.
        unlabelled: (N,) detections of classes that are not labelled in their image.
        ranks: (N,) the detection's place in its image and class, 0 = best.
        own, other: each detection's nearest ground-truth box of its own class, and of the other
            classes.
    """

    class_count: int
    file_names: tuple[str, ...]
    detections: DetectionTable
    truths: TruthTable
    pair_detections: Ints
    pair_truths: Ints
    pair_ious: Floats
    crowd_overlaps: Floats
    unlabelled: Mask
    ranks: Ints
    own: Nearest
    other: Nearest

    def __post_init__(self) -> None:
        _make_read_only(self)


@dataclass(frozen=True, eq=False)
class Matches:
    """Who found what at an IoU threshold, for all detections, whatever their scores.

    Attributes:
        comparison: the tables.
        iou_threshold: 0..1.
        truth_of: (N,) index of the ground-truth box that the detection found, -1 = none.
        ious: (N,) IoU with that box, 0 where there is none.
        ignored: (N,) detections that are neither right nor wrong.
        found_by: (M,) index of the detection that found the ground-truth box, -1 = none.
        outcomes: (N,) `Outcome` of each detection where it is shown.
        aims_at: (N,) index of the ground-truth box that a localisation, class or duplicate error
            is about, -1 = none.
    """

    comparison: Comparison
    iou_threshold: float
    truth_of: Ints
    ious: Floats
    ignored: Mask
    found_by: Ints
    outcomes: NDArray[np.int8]
    aims_at: Ints

    def __post_init__(self) -> None:
        _make_read_only(self)


def at_floor(settings: Settings) -> Settings:
    """The settings that evaluation wants: the same NMS, class-aware, and nothing cut off after it.

    Thresholds can then be filters: no detection depends on one with a lower score.
    """
    return replace(
        settings,
        score_threshold=0.0,
        class_thresholds={},
        class_agnostic=False,
        classes=None,
        top_k=2**31,
    )


def compare(images: Iterable[tuple[GroundTruth, Detections]], class_count: int) -> Comparison:
    """All overlaps in all images; what is slow is done here, once.

    Args:
        images: the truth and the detections (`at_floor`) of each. An iterator may report progress
            as it is read.
        class_count: C, background included.

    Raises:
        ValueError: a class id of `class_count` or more.
    """
    pairs = [_Overlaps.of(truth, detections) for truth, detections in images]
    found = DetectionTable(
        _joined([np.full(len(pair.found), i) for i, pair in enumerate(pairs)], np.int64),
        _joined([np.arange(len(pair.found)) for pair in pairs], np.int64),
        _joined([pair.found.class_ids for pair in pairs], np.int64),
        _joined([pair.found.scores for pair in pairs], np.float32),
        _joined([pair.found.boxes for pair in pairs], np.float32, 4),
    )
    truths = TruthTable(
        _joined([np.full(len(pair.ignored), i) for i, pair in enumerate(pairs)], np.int64),
        _joined([np.arange(len(pair.ignored)) for pair in pairs], np.int64),
        _joined([pair.truth.class_ids for pair in pairs], np.int64),
        _joined([pair.ignored for pair in pairs], np.bool_),
        _joined([pair.truth.boxes for pair in pairs], np.float64, 4),
    )
    for class_ids in (found.class_ids, truths.class_ids):
        if len(class_ids) and class_ids.max() >= class_count:
            raise ValueError(f"expected class ids below {class_count}, got {class_ids.max()}")
    found_starts = np.searchsorted(found.images, np.arange(len(pairs)))
    truth_starts = np.searchsorted(truths.images, np.arange(len(pairs)))
    rows = _joined(
        [pair.rows + start for pair, start in zip(pairs, found_starts, strict=True)], np.int64
    )
    columns = _joined(
        [pair.columns + start for pair, start in zip(pairs, truth_starts, strict=True)], np.int64
    )
    ious = _joined([pair.ious for pair in pairs], np.float64)
    own = found.class_ids[rows] == truths.class_ids[columns]
    return Comparison(
        class_count,
        tuple(pair.truth.file_name for pair in pairs),
        found,
        truths,
        rows,
        columns,
        ious,
        _joined([pair.crowd_overlaps for pair in pairs], np.float64),
        _joined([pair.unlabelled for pair in pairs], np.bool_),
        _ranks(found, class_count),
        _nearest(len(found), rows[own], columns[own], ious[own]),
        _nearest(len(found), rows[~own], columns[~own], ious[~own]),
    )


def match(comparison: Comparison, iou_threshold: float = 0.5) -> Matches:
    """Who found what, as COCO matches; and what is wrong with the others, as TIDE names it.

    Args:
        iou_threshold: above 0, at most 1. A detection finds a ground-truth box at this IoU or
            above.
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"expected an IoU threshold above 0, at most 1, got {iou_threshold}")
    enough = enough_iou(iou_threshold)
    found, truths = comparison.detections, comparison.truths
    rows, columns = comparison.pair_detections, comparison.pair_truths
    ious = comparison.pair_ious
    close = np.flatnonzero(ious >= enough)
    close = close[found.class_ids[rows[close]] == truths.class_ids[columns[close]]]
    truth_of = np.full(len(found), -1)
    found_by = np.full(len(truths), -1)
    match_ious = np.zeros(len(found))
    for pair in first_come(comparison, close):
        truth_of[rows[pair]] = columns[pair]
        found_by[columns[pair]] = rows[pair]
        match_ious[rows[pair]] = ious[pair]
    # Unlabelled classes have no pair of their own: their ground-truth boxes are ignored too.
    ignored = (truth_of < 0) & (comparison.crowd_overlaps >= enough) | comparison.unlabelled

    own, other = comparison.own, comparison.other
    kinds: list[tuple[Mask, Outcome, Ints | None]] = [
        (truth_of >= 0, Outcome.RIGHT, None),
        (ignored, Outcome.IGNORED, None),
        ((own.ious >= BACKGROUND_IOU) & (own.ious < enough), Outcome.LOCALISATION, own.truths),
        (other.ious >= enough, Outcome.CLASS, other.truths),
        (own.ious >= enough, Outcome.DUPLICATE, own.truths),
        (np.maximum(own.ious, other.ious) <= BACKGROUND_IOU, Outcome.BACKGROUND, None),
    ]
    outcomes = np.full(len(found), Outcome.BOTH, np.int8)
    aims_at = np.full(len(found), -1)
    for holds, outcome, aims in reversed(kinds):  # the first that holds is written last
        outcomes[holds] = outcome
        aims_at[holds] = -1 if aims is None else aims[holds]
    return Matches(
        comparison, iou_threshold, truth_of, match_ious, ignored, found_by, outcomes, aims_at
    )


def enough_iou(iou_threshold: float) -> float:
    """The IoU that counts as at the threshold: COCO lets rounding keep no box from 1."""
    return min(iou_threshold, 1 - 1e-10)


def first_come(comparison: Comparison, pairs: Ints, last: Mask | None = None) -> list[int]:
    """Those of the pairs that are matched: best score first, each takes what it overlaps most.

    Equal IoUs go to the later ground-truth box, as in pycocotools.

    Args:
        last: (M,) ground-truth boxes that a detection takes only where it can have no other.
    """
    rows, columns = comparison.pair_detections[pairs], comparison.pair_truths[pairs]
    scores = comparison.detections.scores[rows]
    yields = np.zeros(len(pairs), np.bool_) if last is None else last[columns]
    order = np.lexsort((-columns, -comparison.pair_ious[pairs], yields, rows, -scores))
    matched, busy, taken = [], set(), set()
    for pair, row, column in zip(
        pairs[order].tolist(), rows[order].tolist(), columns[order].tolist(), strict=True
    ):
        if row not in busy and column not in taken:
            busy.add(row)
            taken.add(column)
            matched.append(pair)
    return matched


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """The overlaps in one image; rows are detections, columns ground-truth boxes."""

    truth: GroundTruth
    found: Detections
    ignored: Mask
    rows: Ints
    columns: Ints
    ious: Floats
    crowd_overlaps: Floats
    unlabelled: Mask

    @classmethod
    def of(cls, truth: GroundTruth, found: Detections) -> "_Overlaps":
        boxes = found.boxes.astype(np.float64)
        area = _areas(boxes)
        unlabelled = _not_labelled(truth, found.class_ids)
        ignored = truth.crowd | _not_labelled(truth, truth.class_ids)

        shared = _intersections(boxes, truth.boxes)
        union = area[:, None] + _areas(truth.boxes) - shared
        ious = np.where(ignored, 0.0, shared) / np.where(union > 0, union, 1.0)
        rows, columns = np.nonzero(ious)

        regions = np.concatenate([truth.boxes[truth.crowd], truth.regions])
        region_classes = np.concatenate([truth.class_ids[truth.crowd], truth.region_class_ids])
        holds = (found.class_ids[:, None] == region_classes) | (region_classes == ANY_CLASS)
        inside = np.where(holds, _intersections(boxes, regions), 0.0).max(axis=1, initial=0.0)
        crowd_overlaps = inside / np.where(area > 0, area, 1.0)
        return cls(
            truth, found, ignored, rows, columns, ious[rows, columns], crowd_overlaps, unlabelled
        )


def _make_read_only(table: object) -> None:
    """A table may be cached and shared."""
    for value in vars(table).values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)


def _intersections(boxes: Floats, others: Floats) -> Floats:
    """(N, M) areas shared, in double precision as in pycocotools."""
    low = np.maximum(boxes[:, None, :2], others[:, :2])
    high = np.minimum(boxes[:, None, 2:], others[:, 2:])
    sides = np.maximum(high - low, 0.0)
    areas: Floats = sides[..., 0] * sides[..., 1]
    return areas


def _areas(boxes: Floats) -> Floats:
    # A ground-truth box may reach far over the edge: its area may be infinite, and its IoU is then
    # 0.
    with np.errstate(over="ignore"):
        areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _not_labelled(truth: GroundTruth, class_ids: Ints) -> Mask:
    if truth.labelled is None:
        return np.zeros(len(class_ids), np.bool_)
    return np.isin(class_ids, sorted(truth.labelled), invert=True)


def _ranks(found: DetectionTable, class_count: int) -> Ints:
    groups = found.images * class_count + found.class_ids
    order = np.lexsort((-found.scores, groups))
    places = np.arange(len(order))
    begins = np.diff(groups[order], prepend=-1) > 0
    ranks = np.empty(len(order), np.int64)
    ranks[order] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return ranks


def _nearest(count: int, rows: Ints, columns: Ints, ious: Floats) -> Nearest:
    order = np.lexsort((-columns, ious))  # the best, and of equals the first, is written last
    best = np.zeros(count)
    best[rows[order]] = ious[order]
    truths = np.full(count, -1)
    truths[rows[order]] = columns[order]
    return Nearest(best, truths)


def _joined(parts: Sequence[NDArray[Any]], dtype: type, columns: int | None = None) -> NDArray[Any]:
    """Arrays one after the other; there may be none."""
    shape = (0,) if columns is None else (0, columns)
    return np.concatenate([np.empty(shape, dtype), *parts])
