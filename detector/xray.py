"""Post-processing made visible: what each step leaves of one image, and who suppressed whom.

Follows `ssd.postprocess` to the letter, but to the end: that one stops when enough is found.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.boxes import BLOCK, Boxes, GreedyNMS, iou_matrix
from detector.ssd import (
    MAX_KEPT_PER_CLASS,
    SCORE_FLOOR,
    Detections,
    RawPrediction,
    Settings,
    decode,
)

# Rows of overlaps looked at together: bounds the memory of flat scores, where thousands are kept.
_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Funnel:
    """How many are left after each step, by class id. All (C,); background counts nothing.

    Attributes:
        priors: places where the model looks, the same for each class.
        above_floor: with a score above 0.01.
        above_threshold: with a score at or above the threshold too.
        after_nms: kept by NMS, of those above the threshold.
        shown: after the limit a class, the choice of classes and the cut at `top_k`.
    """

    priors: NDArray[np.int64]
    above_floor: NDArray[np.int64]
    above_threshold: NDArray[np.int64]
    after_nms: NDArray[np.int64]
    shown: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class XRay:
    """All candidates of one image and what became of each. Arrays are read-only.

    Attributes:
        candidates: K boxes before NMS, in the order of `ssd.postprocess`; `ids` are the same too.
            Class-aware: all above the floor, as a threshold then changes nothing in NMS.
            Class-agnostic: those above their thresholds, as no others take part.
        above_threshold: (K,) bool.
        kept: (K,) bool, kept by NMS.
        shown: (K,) bool; `candidates.take(shown)` is the result of `ssd.postprocess`.
        suppressor: (K,) index of the kept candidate that suppressed this one, the best of all that
            would have; -1 where it is kept.
        ious: (K,) float32 IoU with the suppressor, 0 where it is kept.
        funnel: counts by class.
    """

    candidates: Detections
    above_threshold: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    suppressor: NDArray[np.int64]
    ious: NDArray[np.float32]
    funnel: Funnel

    def __post_init__(self) -> None:
        for name in ("above_threshold", "kept", "shown", "suppressor", "ious"):
            getattr(self, name).setflags(write=False)

    def suppressed_by(self, index: int) -> NDArray[np.int64]:
        """Indices of the candidates that this kept one suppressed, best score first."""
        return np.flatnonzero(self.suppressor == index)


def xray(raw: RawPrediction, settings: Settings, size: tuple[int, int]) -> XRay:
    """What post-processing does with one image.

    Args:
        raw: the model's output for the image.
        settings: as for `ssd.postprocess`.
        size: (width, height) of the original image, in pixels.
    """
    class_count = raw.scores.shape[1]
    thresholds = np.array([settings.threshold_of(c) for c in range(class_count)], np.float32)
    above_floor = raw.scores.T > SCORE_FLOOR
    above_floor[0] = False
    above_threshold = above_floor & (raw.scores >= thresholds).T

    taking_part = above_threshold if settings.class_agnostic else above_floor
    class_ids, priors = np.nonzero(taking_part)
    scores = raw.scores[priors, class_ids]
    order = np.argsort(-scores, kind="stable")  # ties stay by class id, then by prior
    class_ids, priors, scores = class_ids[order], priors[order], scores[order]
    boxes = decode(raw.offsets[priors], raw.priors[priors], raw.variances[priors])
    groups = np.zeros_like(class_ids) if settings.class_agnostic else class_ids

    kept = np.zeros(len(scores), np.bool_)
    greedy = GreedyNMS(settings.iou_threshold)
    for start in range(0, len(scores), BLOCK):
        block = slice(start, start + BLOCK)
        kept[start + greedy.add(boxes[block], groups[block])] = True
    suppressor, ious = _suppressed(boxes, groups, kept, settings.iou_threshold)

    passing = above_threshold[class_ids, priors]
    shown = kept & passing
    if not settings.class_agnostic:
        shown &= _places(class_ids, kept) < MAX_KEPT_PER_CLASS
    if settings.classes is not None:
        shown &= np.isin(class_ids, sorted(settings.classes))
    shown[np.flatnonzero(shown)[settings.top_k :]] = False

    def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(class_ids[mask], minlength=class_count)

    every = np.full(class_count, raw.prior_count)
    every[0] = 0
    pixels = boxes * np.array([*size, *size], np.float32)
    return XRay(
        Detections(pixels, scores, class_ids, raw.prior_indices[priors]),
        passing,
        kept,
        shown,
        suppressor,
        ious,
        Funnel(
            every,
            above_floor.sum(axis=1),
            above_threshold.sum(axis=1),
            count(kept & passing),
            count(shown),
        ),
    )


def _suppressed(
    boxes: Boxes, groups: NDArray[np.int64], kept: NDArray[np.bool_], iou_threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Who suppressed each box, and their IoU: `suppressor` and `ious` of an XRay.

    Args:
        boxes: (K, 4) best first.
        groups: (K,) boxes suppress those of their own group only.
        kept: (K,) what NMS kept.
    """
    suppressor = np.full(len(boxes), -1)
    ious = np.zeros(len(boxes), np.float32)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        winners, losers = members[kept[members]], members[~kept[members]]
        for start in range(0, len(losers), _ROWS):
            rows = losers[start : start + _ROWS]
            overlaps = iou_matrix(boxes[rows], boxes[winners])
            # Of all that overlap too much the best came first, and it was enough.
            first = np.argmax(overlaps > np.float32(iou_threshold), axis=1)
            suppressor[rows] = winners[first]
            ious[rows] = overlaps[np.arange(len(rows)), first]
    return suppressor, ious


def _places(class_ids: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The place of each kept candidate among those kept of its class, 0 = best."""
    places = np.zeros(len(class_ids), np.int64)
    for class_id in np.unique(class_ids):
        members = np.flatnonzero(kept & (class_ids == class_id))
        places[members] = np.arange(len(members))
    return places
