"""Two sets of detections in one image, side A and side B: what they share and where they differ.

Boxes are paired one to one and greedily: of all pairs at the IoU threshold or above, the one with
the highest IoU first; equal ones in the order of A's scores, then of B's. Boxes of the same class
are paired before any others, because one prior may carry the same box for two classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detector.boxes import iou_matrix
from detector.evaluation import curves, matching
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Matches, Outcome
from detector.ssd import Detections, Settings
from detector.translation import _, noted

Ints = NDArray[np.int64]


class Kind(IntEnum):
    """What became of a box, in the order in which differences are told."""

    ANOTHER_CLASS = 0  # the same box with another class
    ONLY_A = 1
    ONLY_B = 2
    BOTH = 3


KIND_NAMES = {
    Kind.ANOTHER_CLASS: noted("Same box, another class"),
    Kind.ONLY_A: noted("Only in A"),
    Kind.ONLY_B: noted("Only in B"),
    Kind.BOTH: noted("In both"),
}
_KIND_COUNTS = {
    Kind.ANOTHER_CLASS: noted("{count} same box, another class"),
    Kind.ONLY_A: noted("{count} only in A"),
    Kind.ONLY_B: noted("{count} only in B"),
    Kind.BOTH: noted("{count} in both"),
}
# The two nearest of the four are 28 apart (CIE76) for people without red, green or blue cones.
# What both sides have is pale: the differences are what one looks for.
KIND_COLORS = {
    Kind.ANOTHER_CLASS: "#D81B60",
    Kind.ONLY_A: "#E69F00",
    Kind.ONLY_B: "#2F80ED",
    Kind.BOTH: "#C4CCD2",
}
# Of A and B, and of the further models of a whole set.
SIDE_COLORS = {
    "a": KIND_COLORS[Kind.ONLY_A],
    "b": KIND_COLORS[Kind.ONLY_B],
    "c": "#009E73",
    "d": "#CC79A7",
    "e": "#8B6FD6",
    "f": "#7F8C8D",
}


class Verdict(IntEnum):
    """Which side is right about a row of the pairing, by the ground-truth boxes."""

    A = 0
    B = 1
    BOTH = 2
    NEITHER = 3
    UNJUDGED = 4  # the ground-truth boxes say nothing of this class or this place


@dataclass(frozen=True, eq=False)
class Pairing:
    """Each box of A and each of B in exactly one row; rows by kind, then by falling score.

    Attributes:
        a, b: the detections.
        iou_threshold: 0..1; two boxes are one and the same at this IoU or above.
        kinds: (K,) int64 `Kind`.
        rows_a, rows_b: (K,) index into `a` and `b`, -1 = that side has no such box.
        ious: (K,) float32, 0 where a side has no box.
    """

    a: Detections
    b: Detections
    iou_threshold: float
    kinds: Ints
    rows_a: Ints
    rows_b: Ints
    ious: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.kinds)

    def counts(self) -> dict[Kind, int]:
        """How many rows there are of each kind."""
        counts = np.bincount(self.kinds, minlength=len(Kind)).tolist()
        return {kind: counts[kind] for kind in Kind}

    def rows_of(self, side: str) -> Ints:
        """(N,) the row that each box of the side "a" or "b" stands in."""
        indices = self.rows_a if side == "a" else self.rows_b
        here = np.flatnonzero(indices >= 0)
        rows = np.empty(len(here), np.int64)
        rows[indices[here]] = here
        return rows

    def score_change(self, row: int) -> float | None:
        """B's score minus A's; None where one side has no box."""
        a, b = int(self.rows_a[row]), int(self.rows_b[row])
        return float(self.b.scores[b]) - float(self.a.scores[a]) if min(a, b) >= 0 else None

    def box(self, row: int) -> tuple[float, float, float, float]:
        """xyxy in pixels of what the row shows: the box, or the smallest one around both."""
        boxes = [
            found.boxes[index]
            for found, index in ((self.a, self.rows_a[row]), (self.b, self.rows_b[row]))
            if index >= 0
        ]
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def pair(a: Detections, b: Detections, iou_threshold: float = 0.5) -> Pairing:
    """The boxes of both sides, one to one.

    Args:
        iou_threshold: above 0, at most 1.
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"expected an IoU threshold above 0, at most 1, got {iou_threshold}")
    ious = iou_matrix(a.boxes, b.boxes)
    # A box without area has an IoU of 0 with itself, and is the same box all the same.
    ious[(a.boxes[:, None] == b.boxes).all(axis=2)] = 1
    candidates = np.argwhere(ious >= np.float32(iou_threshold))
    i, j = candidates.T
    another = a.class_ids[i] != b.class_ids[j]
    order = np.lexsort((j, i, -ious[i, j], another))
    free_a, free_b = set(range(len(a))), set(range(len(b)))
    pairs: list[tuple[int, int]] = []
    for row, column in candidates[order].tolist():
        if row in free_a and column in free_b:
            free_a.remove(row)
            free_b.remove(column)
            pairs.append((row, column))
    pairs += [(row, -1) for row in free_a] + [(-1, column) for column in free_b]
    rows = np.array(pairs, np.int64).reshape(-1, 2)
    in_a, in_b = rows.T >= 0
    kinds = np.where(in_a, Kind.ONLY_A, Kind.ONLY_B).astype(np.int64)
    both = in_a & in_b
    same = a.class_ids[rows[both, 0]] == b.class_ids[rows[both, 1]]
    kinds[both] = np.where(same, Kind.BOTH, Kind.ANOTHER_CLASS)
    # -1 takes the appended 0, which is below every score and the IoU of no pair.
    best = np.maximum(np.append(a.scores, 0)[rows[:, 0]], np.append(b.scores, 0)[rows[:, 1]])
    shared = np.where(both, np.pad(ious, (0, 1))[rows[:, 0], rows[:, 1]], np.float32(0))
    order = np.lexsort((rows[:, 1], rows[:, 0], -best, kinds))
    return Pairing(a, b, iou_threshold, kinds[order], rows[order, 0], rows[order, 1], shared[order])


def summary(pairing: Pairing) -> str:
    """The counts in words: "2 only in A, 3 in both"."""
    counts = pairing.counts()
    parts = [_(text, count=counts[kind]) for kind, text in _KIND_COUNTS.items() if counts[kind]]
    return ", ".join(parts) or _("No boxes on either side")


@dataclass(frozen=True, eq=False)
class Standing:
    """How good one side is, by the ground-truth boxes of one or more images.

    Attributes:
        matches: of the shown detections.
        counts: right, wrong and missed over all classes, with precision, recall and F1.
        average_precision: mean over the classes that have ground-truth boxes; NaN where none has.
            It asks all detections, whatever the score threshold.
    """

    matches: Matches
    counts: curves.Counts
    average_precision: float


def standing(
    truths: Sequence[GroundTruth],
    shown: Sequence[Detections],
    everything: Sequence[Detections],
    class_count: int,
    iou_threshold: float = 0.5,
) -> Standing:
    """How good the detections are.

    Args:
        truths: of each image.
        shown: what the side's settings show of each image.
        everything: the same without score threshold and limit, for the average precision.
        class_count: C, background included.
        iou_threshold: a detection finds a ground-truth box at this IoU or above.
    """
    matches, all_matches = (
        matching.match(
            matching.compare(zip(truths, found, strict=True), class_count), iou_threshold
        )
        for found in (shown, everything)
    )
    counts = curves.tally(matches, Settings(score_threshold=0.0)).total()
    averages = [curves.average_precision(all_matches, class_id) for class_id in range(class_count)]
    return Standing(matches, counts, curves.mean_without_nan(averages))


def verdicts(pairing: Pairing, a: Standing, b: Standing) -> list[Verdict]:
    """Which side is right about each row of the pairing.

    Where only one side has a box, that side is right when it found a ground-truth box that the
    other did not find with another box, and the other side is right when the box is wrong.

    Args:
        a: of the pairing's own image alone.
        b: of the same image.
    """
    return [
        _verdict(a.matches, int(row_a), b.matches, int(row_b))
        for row_a, row_b in zip(pairing.rows_a, pairing.rows_b, strict=True)
    ]


def _verdict(a: Matches, row_a: int, b: Matches, row_b: int) -> Verdict:
    is_right, ignored = [], []
    for own, row, other, other_row in ((a, row_a, b, row_b), (b, row_b, a, row_a)):
        if row >= 0:
            is_right.append(own.outcomes[row] == Outcome.RIGHT)
            ignored.append(own.outcomes[row] == Outcome.IGNORED)
        else:
            found = int(other.truth_of[other_row])
            wrong = other.outcomes[other_row] not in (Outcome.RIGHT, Outcome.IGNORED)
            is_right.append(wrong or (found >= 0 and own.found_by[found] >= 0))
    if any(ignored) and not any(is_right):
        return Verdict.UNJUDGED
    return {
        (True, True): Verdict.BOTH,
        (True, False): Verdict.A,
        (False, True): Verdict.B,
        (False, False): Verdict.NEITHER,
    }[bool(is_right[0]), bool(is_right[1])]
