"""Post-processing as one would explain it on a blackboard: loops over classes, boxes and pairs.

Slow and obvious on purpose. It shares nothing with detector/ssd.py and detector/boxes.py but the
arithmetic: float32, in the order in which the contract writes it.
"""

import numpy as np

FLOOR = np.float32(0.01)
MAX_KEPT_PER_CLASS = 400


def decode_one(offsets, prior, variances):
    """(xmin, ymin, xmax, ymax) in 0..1 of one prior, as float32 scalars."""
    with np.errstate(all="ignore"):
        xmin, ymin, xmax, ymax = prior
        half = np.float32(0.5)
        width, height = xmax - xmin, ymax - ymin
        cx = offsets[0] * variances[0] * width + (xmin + xmax) * half
        cy = offsets[1] * variances[1] * height + (ymin + ymax) * half
        w = width * np.exp(offsets[2] * variances[2])
        h = height * np.exp(offsets[3] * variances[3])
        corners = [cx - w * half, cy - h * half, cx + w * half, cy + h * half]
    for index, edge in enumerate([0, 0, 1, 1]):
        if np.isnan(corners[index]):  # infinity minus infinity: the box is everywhere
            corners[index] = np.float32(edge)
        corners[index] = min(max(corners[index], np.float32(0)), np.float32(1))
    return tuple(corners)


def iou(a, b):
    """Intersection over union of two boxes xyxy; 0 when one of them has no area."""
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    if area_a <= 0 or area_b <= 0:
        return np.float32(0)
    width = max(min(a[2], b[2]) - max(a[0], b[0]), np.float32(0))
    height = max(min(a[3], b[3]) - max(a[1], b[1]), np.float32(0))
    return width * height / (area_a + area_b - width * height)


def greedy_nms(boxes, order, iou_threshold):
    """The members of `order` that no better kept one overlaps by more than the threshold."""
    kept: list[int] = []
    for index in order:
        if all(iou(boxes[index], boxes[better]) <= np.float32(iou_threshold) for better in kept):
            kept.append(index)
    return kept


def postprocess(
    output,
    size,
    score_threshold=0.30,
    iou_threshold=0.45,
    class_agnostic=False,
    class_thresholds=None,
    classes=None,
    top_k=200,
):
    """Rows (class id, prior, score, xmin, ymin, xmax, ymax in pixels), as the contract orders them.

    `output` is (P, C + 12) float32, `size` (width, height).
    """
    class_count = output.shape[1] - 12
    scores = output[:, 4 : 4 + class_count]
    boxes = [decode_one(row[:4], row[-8:-4], row[-4:]) for row in output]

    def passes(class_id, prior):
        threshold = (class_thresholds or {}).get(class_id, score_threshold)
        score = scores[prior, class_id]
        return score > FLOOR and score >= np.float32(threshold)

    found = []
    if class_agnostic:
        everything = [
            (class_id, prior)
            for class_id in range(1, class_count)
            for prior in range(len(output))
            if passes(class_id, prior)
        ]
        everything.sort(key=lambda pair: (-scores[pair[1], pair[0]], pair[0], pair[1]))
        pair_boxes = {pair: boxes[pair[1]] for pair in everything}
        found = greedy_nms(pair_boxes, everything, iou_threshold)
    else:
        for class_id in range(1, class_count):
            candidates = [prior for prior in range(len(output)) if scores[prior, class_id] > FLOOR]
            candidates.sort(key=lambda prior: (-scores[prior, class_id], prior))
            kept = greedy_nms(boxes, candidates, iou_threshold)[:MAX_KEPT_PER_CLASS]
            found += [(class_id, prior) for prior in kept if passes(class_id, prior)]
    found = [pair for pair in found if classes is None or pair[0] in classes]
    found.sort(key=lambda pair: (-scores[pair[1], pair[0]], pair[0], pair[1]))
    scale = np.array([size[0], size[1], size[0], size[1]], np.float32)
    return [
        (class_id, prior, scores[prior, class_id], *(np.array(boxes[prior], np.float32) * scale))
        for class_id, prior in found[:top_k]
    ]


class Everything:
    """The same for a real output, where the loops over pairs would take minutes: all boxes are
    decoded, and of each class the best is kept and what it overlaps dropped, again and again."""

    def __init__(self, output):
        self._scores = output[:, 4:-8]
        offsets, priors, variances = output[:, :4], output[:, -8:-4], output[:, -4:]
        half = np.float32(0.5)
        sizes = priors[:, 2:] - priors[:, :2]
        centres = offsets[:, :2] * variances[:, :2] * sizes + (priors[:, :2] + priors[:, 2:]) * half
        sizes = sizes * np.exp(offsets[:, 2:] * variances[:, 2:]) * half
        self._boxes = np.clip(np.concatenate([centres - sizes, centres + sizes], axis=1), 0, 1)

    def postprocess(
        self,
        size,
        score_threshold=0.30,
        iou_threshold=0.45,
        class_agnostic=False,
        class_thresholds=None,
        classes=None,
        top_k=200,
    ):
        """Class ids, priors, scores and boxes in pixels, as the contract orders them."""
        class_count = self._scores.shape[1]
        thresholds = np.full(class_count, score_threshold, np.float32)
        for class_id, threshold in (class_thresholds or {}).items():
            thresholds[class_id] = threshold
        class_ids, priors = np.nonzero((self._scores > FLOOR).T)
        class_ids, priors = class_ids[class_ids > 0], priors[class_ids > 0]
        scores = self._scores[priors, class_ids]
        passes = scores >= thresholds[class_ids]
        order = np.argsort(-scores, kind="stable")
        if class_agnostic:
            kept = self._nms(priors, order[passes[order]], iou_threshold)
        else:
            groups = [order[class_ids[order] == group] for group in range(1, class_count)]
            kept = [
                index
                for group in groups
                for index in self._nms(priors, group, iou_threshold)[:MAX_KEPT_PER_CLASS]
                if passes[index]
            ]
        place = {int(index): rank for rank, index in enumerate(order)}
        kept = [i for i in kept if classes is None or class_ids[i] in classes]
        kept = np.array(sorted(kept, key=lambda index: place[index])[:top_k], np.int64)
        scale = np.array([*size, *size], np.float32)
        priors = priors[kept]
        return class_ids[kept], priors, scores[kept], self._boxes[priors] * scale

    def _nms(self, priors, order, iou_threshold):
        kept = []
        while len(order):
            kept.append(int(order[0]))
            (xmin, ymin, xmax, ymax), others = self._boxes[priors[order[0]]], order[1:]
            left, top, right, bottom = self._boxes[priors[others]].T
            width = np.maximum(np.minimum(right, xmax) - np.maximum(left, xmin), 0)
            height = np.maximum(np.minimum(bottom, ymax) - np.maximum(top, ymin), 0)
            union = (right - left) * (bottom - top) + (xmax - xmin) * (ymax - ymin) - width * height
            overlap = np.divide(width * height, union, out=np.zeros_like(union), where=union > 0)
            order = others[overlap <= np.float32(iou_threshold)]
        return kept
