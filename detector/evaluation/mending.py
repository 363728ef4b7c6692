"""Ground truth mended by hand: boxes accepted, drawn, moved, removed, given a class; and undo.

Only the boxes change. What else the ground truth says of its image stays: regions to ignore, crowd
boxes, attributes. Of a class that gets a box, all objects count as having one from then on.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.boxes import iou_matrix
from detector.evaluation.ground_truth import GroundTruth
from detector.ssd import Detections

MOST_STEPS = 100  # that can be undone
MOST_BOXES = 2000  # in one image
LEAST_SIDE = 1.0  # px: of a smaller box nothing is seen
_DECIMALS = 2  # of a pixel: what every format can write


@dataclass(frozen=True, eq=False)
class Mending:
    """What became of an image's ground truth, step by step.

    Attributes:
        steps: the ground truth after each step; None = that of the files, whatever they say.
        place: index of the step that holds.
    """

    steps: tuple[GroundTruth | None, ...] = (None,)
    place: int = 0

    @property
    def truth(self) -> GroundTruth | None:
        """What holds; None = that of the files."""
        return self.steps[self.place]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step before."""
        return self.place > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone."""
        return self.place < len(self.steps) - 1

    def then(self, truth: GroundTruth | None) -> "Mending":
        """One step on. What was undone before is forgotten, and so are the oldest steps."""
        steps = (*self.steps[: self.place + 1], truth)[-MOST_STEPS - 1 :]
        return Mending(steps, len(steps) - 1)

    def at(self, place: int) -> "Mending":
        """Some steps undone, or done again: the step of that index, or the nearest."""
        return replace(self, place=min(max(place, 0), len(self.steps) - 1))


def with_boxes(
    truth: GroundTruth,
    boxes: Sequence[Sequence[float]],
    class_ids: Sequence[int],
    crowd: Sequence[bool],
) -> GroundTruth:
    """The ground truth with these boxes in place of its own.

    A box that it has already stays as it is. Any other ends at the image's edge, is rounded to a
    hundredth of a pixel, and is left out where less than a pixel remains of a side.

    Args:
        boxes: (M, 4) xyxy in pixels.
        class_ids: (M,)
        crowd: (M,)
    """
    had = set(zip(map(tuple, truth.boxes.tolist()), truth.class_ids.tolist(), strict=True))
    own = {box for box, _class_id in had}
    kept = []
    for box, class_id, is_crowd in zip(boxes, class_ids, crowd, strict=True):
        found = tuple(box) if tuple(box) in own else clipped(box, truth.size)
        if found is not None:
            kept.append((found, class_id, is_crowd))
    given = {class_id for box, class_id, _crowd in kept if (box, class_id) not in had}
    return replace(
        truth,
        boxes=np.array([box for box, _id, _crowd in kept]).reshape(-1, 4),
        class_ids=np.array([class_id for _box, class_id, _crowd in kept], np.int64),
        crowd=np.array([is_crowd for _box, _id, is_crowd in kept], np.bool_),
        labelled=None if truth.labelled is None else truth.labelled | given,
    )


def without(truth: GroundTruth, index: int) -> GroundTruth:
    """The ground truth without one of its boxes."""
    keep = np.arange(len(truth.boxes)) != index
    return replace(
        truth,
        boxes=truth.boxes[keep],
        class_ids=truth.class_ids[keep],
        crowd=truth.crowd[keep],
    )


def with_class(truth: GroundTruth, index: int, class_id: int) -> GroundTruth:
    """The ground truth with one of its boxes of another class."""
    class_ids = truth.class_ids.tolist()
    class_ids[index] = class_id
    return with_boxes(truth, truth.boxes.tolist(), class_ids, truth.crowd.tolist())


def accepted(truth: GroundTruth, detections: Detections, iou: float) -> GroundTruth:
    """The ground truth with these detections as boxes, but for those that it has already; of
    several detections of one object, the best.

    Args:
        iou: of `lacking`.
    """
    new = detections.take(lacking(truth, detections, iou))
    alike = iou_matrix(new.boxes, new.boxes) >= iou
    alike &= new.class_ids[:, None] == new.class_ids[None, :]
    best: list[int] = []
    for row, overlaps in enumerate(alike):
        if not overlaps[best].any():
            best.append(row)
    new = new.take(best)
    return with_boxes(
        truth,
        [*truth.boxes.tolist(), *new.boxes.astype(np.float64).tolist()],
        [*truth.class_ids.tolist(), *new.class_ids.tolist()],
        [*truth.crowd.tolist(), *[False] * len(new)],
    )


def lacking(truth: GroundTruth, detections: Detections, iou: float) -> NDArray[np.bool_]:
    """(N,) whether the ground truth has no box of the detection's class that overlaps it by this
    IoU or more."""
    overlaps = iou_matrix(detections.boxes, truth.boxes.astype(np.float32))
    is_same = detections.class_ids[:, None] == truth.class_ids[None, :]
    found: NDArray[np.bool_] = ~((overlaps >= iou) & is_same & ~truth.crowd[None, :]).any(axis=1)
    return found


def clipped(box: Sequence[float], size: tuple[int, int]) -> tuple[float, ...] | None:
    """The part of a box that is in the image; None where less than a pixel of a side remains.

    Args:
        box: xyxy in pixels, its corners in any order.
        size: (width, height) of the image.
    """
    (width, height), sides = size, np.asarray(box, np.float64)
    if not np.isfinite(sides).all():
        return None
    xmin, xmax = np.clip(np.sort(sides[0::2]), 0, width).round(_DECIMALS).tolist()
    ymin, ymax = np.clip(np.sort(sides[1::2]), 0, height).round(_DECIMALS).tolist()
    if xmax - xmin < LEAST_SIDE or ymax - ymin < LEAST_SIDE:
        return None
    return xmin, ymin, xmax, ymax


def digest_of(truth: GroundTruth) -> str:
    """The same for the same boxes and regions of the same image."""
    digest = hashlib.sha256(f"{truth.file_name} {truth.size} {truth.labelled}".encode())
    regions = (truth.regions, truth.region_class_ids)
    for array in (truth.boxes, truth.class_ids, truth.crowd, *regions):
        digest.update(array.tobytes())
    return digest.hexdigest()
