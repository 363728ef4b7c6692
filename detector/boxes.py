"""Box geometry: conversions, clipping, IoU, greedy hard NMS. Knows no model.

Boxes are (N, 4) float32. `xyxy` is xmin, ymin, xmax, ymax; `cxcywh` is centre and size. N may be 0.
All arithmetic stays in float32, as in TensorFlow and torchvision: two implementations that do the
same float32 steps agree to the last bit, also on the IoUs that fall exactly on the threshold.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]

# Boxes judged at once. 128 to 512 are within 10 % of each other in benchmarks/postprocess.py.
BLOCK = 256

_TINY = np.float32(1e-45)  # the smallest float32 above zero


def cxcywh_to_xyxy(boxes: Boxes) -> Boxes:
    """(N, 4) corners xmin, ymin, xmax, ymax of boxes given by centre and size."""
    half = boxes[:, 2:] * np.float32(0.5)
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def xyxy_to_cxcywh(boxes: Boxes) -> Boxes:
    """(N, 4) centre and size of boxes given by their corners."""
    low, high = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([(low + high) * np.float32(0.5), high - low], axis=1)


def clip_boxes(boxes: Boxes, size: tuple[float, float]) -> Boxes:
    """(N, 4) boxes moved inside an image; what lies outside ends as a box without area on its edge.

    A corner that is not a number (an infinite box around an infinite centre) becomes the edge that
    makes the box larger: xmin and ymin 0, xmax and ymax the size.

    Args:
        boxes: (N, 4) xyxy, in the unit of `size`.
        size: (width, height) of the image.
    """
    clipped = np.empty_like(boxes)
    for axis, limit in enumerate(size):
        top = np.float32(limit)
        # fmin and fmax prefer the number to NaN, so the first of the two decides what NaN becomes.
        clipped[:, axis] = np.fmin(np.fmax(boxes[:, axis], np.float32(0)), top)
        clipped[:, axis + 2] = np.fmax(np.fmin(boxes[:, axis + 2], top), np.float32(0))
    return clipped


def iou_matrix(boxes: Boxes, others: Boxes) -> NDArray[np.float32]:
    """(N, M) intersection over union of each box with each other, in 0..1.

    A box without area has an IoU of 0 with everything, itself too (TensorFlow's rule).

    Args:
        boxes: (N, 4) xyxy.
        others: (M, 4) xyxy, in the same unit.
    """
    # Contiguous columns, and each (N, M) array used again: 256 × 256 boxes in 0.16 ms, not 0.20.
    xmin, ymin, xmax, ymax = boxes.T[:, :, None]
    other_xmin, other_ymin, other_xmax, other_ymax = np.ascontiguousarray(others.T)
    zero = np.float32(0)

    intersection = np.minimum(xmax, other_xmax)
    edge = np.maximum(xmin, other_xmin)
    intersection -= edge
    np.maximum(intersection, zero, out=intersection)
    height = np.minimum(ymax, other_ymax)
    height -= np.maximum(ymin, other_ymin, out=edge)
    np.maximum(height, zero, out=height)
    intersection *= height

    area = np.maximum(xmax - xmin, zero) * np.maximum(ymax - ymin, zero)
    other_area = np.maximum(other_xmax - other_xmin, zero) * np.maximum(
        other_ymax - other_ymin, zero
    )
    union = np.add(area, other_area, out=height)
    union -= intersection
    # 0 / 0 of two boxes without area would be NaN. Every union above zero passes unchanged.
    np.maximum(union, _TINY, out=union)
    iou: NDArray[np.float32] = np.divide(intersection, union, out=intersection)
    return iou


class GreedyNMS:
    """Greedy hard NMS over boxes that arrive in blocks, highest score first.

    A box is kept unless a box kept before it, of the same group, overlaps it with an IoU above the
    threshold (strictly, as in TensorFlow and torchvision). The blocks give exactly what one pass
    over all boxes gives: a block only meets those kept so far, so nobody pays for boxes that are
    never reached.
    """

    def __init__(self, iou_threshold: float) -> None:
        self._iou_threshold = np.float32(iou_threshold)
        self._boxes = np.empty((0, 4), np.float32)
        self._groups = np.empty(0, np.int64)

    def add(self, boxes: Boxes, groups: NDArray[np.int64]) -> NDArray[np.intp]:
        """Indices into the block of the boxes that are kept, ascending.

        Args:
            boxes: (N, 4) xyxy, the next ones in order of falling score.
            groups: (N,) boxes of different groups never meet.
        """
        rest = np.flatnonzero(~self._overlaps(boxes, groups, self._boxes, self._groups).any(axis=1))
        overlaps = self._overlaps(boxes[rest], groups[rest], boxes[rest], groups[rest])
        kept = rest[_first_come(overlaps)]
        self._boxes = np.concatenate([self._boxes, boxes[kept]])
        self._groups = np.concatenate([self._groups, groups[kept]])
        return kept

    def _overlaps(
        self,
        boxes: Boxes,
        groups: NDArray[np.int64],
        others: Boxes,
        other_groups: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        # Groups are kept apart by comparing them, not by moving their boxes apart: an offset costs
        # the coordinates their last bits, and with them the IoUs on the threshold.
        overlaps: NDArray[np.bool_] = iou_matrix(boxes, others) > self._iou_threshold
        overlaps &= groups[:, None] == other_groups
        return overlaps


def nms(
    boxes: Boxes,
    scores: NDArray[np.floating[Any]],
    iou_threshold: float,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.intp]:
    """(K,) indices of the boxes that greedy hard NMS keeps, in order of falling score, ties by
    index.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N,).
        iou_threshold: 0..1; a box is suppressed when its IoU with a kept one is above it.
        groups: (N,) boxes of different groups (classes) do not suppress each other. None = one
            group.
    """
    order = np.argsort(-scores, kind="stable")
    if groups is None:
        groups = np.zeros(len(boxes), np.int64)
    greedy = GreedyNMS(iou_threshold)
    kept = [np.empty(0, np.intp)]
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        kept.append(block[greedy.add(boxes[block], groups[block])])
    return np.concatenate(kept)


def _first_come(overlaps: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices that stay when each, in order, removes the later ones that it overlaps.

    Rows as Python's long integers: one OR removes a whole row, without an array operation a box.
    """
    rows = np.packbits(overlaps, axis=1, bitorder="little")
    removed = 0
    kept = []
    for index, row in enumerate(rows):
        if not removed >> index & 1:
            kept.append(index)
            removed |= int.from_bytes(row.tobytes(), "little")
    return np.array(kept, np.intp)
