"""Why there is a box at a place, or none: the best candidate there of each class, and the step of
post-processing that took it away.

It reads every default box, not only those that post-processing kept.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import floor

import numpy as np

from detector.boxes import Boxes, iou_matrix
from detector.ssd import (
    MAX_KEPT_PER_CLASS,
    SCORE_FLOOR,
    RawPrediction,
    Settings,
    decode,
    postprocess,
)
from detector.xray import XRay, xray

SAME_PLACE_IOU = 0.3  # from which a box is at the place of a rectangle


@dataclass(frozen=True)
class Place:
    """A point or a rectangle, in pixels of the original image; a point has no extent."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def is_point(self) -> bool:
        return self.xmin == self.xmax or self.ymin == self.ymax


class Fate(Enum):
    """What became of a candidate, by the first step that took it away."""

    SHOWN = "shown"
    BELOW_FLOOR = "below floor"  # its score is 0.01 or less
    CLASS_HIDDEN = "class hidden"
    BELOW_THRESHOLD = "below threshold"
    SUPPRESSED = "suppressed"  # a better box overlaps it by more than the IoU threshold
    BEYOND_CLASS_LIMIT = "beyond class limit"  # 400 better ones of its class were kept
    BEYOND_LIMIT = "beyond limit"  # as many better boxes are shown as may be


@dataclass(frozen=True, eq=False)
class Suppressor:
    """The kept box that suppressed another one.

    Attributes:
        detection_id: "class-prior", as of `Detections.ids`.
        iou: of the two.
    """

    detection_id: str
    class_id: int
    score: float
    iou: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """The best of a class at a place.

    Attributes:
        detection_id: "class-prior", as of `Detections.ids`.
        score: of the class; `background` is that of no class, for the same default box.
        box: (4,) xyxy in pixels of the original image.
        threshold: the score threshold that holds for the class.
        suppressor: where it is suppressed, or would be at any threshold that lets it in.
        shown_from: the highest threshold of two digits for its class that would show it; None where
            it is shown, or where no threshold would.
        others: class id -> how many other boxes that threshold would show too.
    """

    detection_id: str
    class_id: int
    score: float
    background: float
    box: Boxes
    fate: Fate
    threshold: float
    suppressor: Suppressor | None = None
    shown_from: float | None = None
    others: Mapping[int, int] = field(default_factory=dict)


def ask(
    raw: RawPrediction, settings: Settings, size: tuple[int, int], place: Place
) -> tuple[Candidate, ...]:
    """The best candidate of each class at the place, best score first; none where no box is there.

    At a point are the boxes that contain it, at the place of a rectangle those that overlap it by
    an IoU of 0.3 or more.

    Args:
        raw: the model's output. A compact one has no candidates below the floor.
        settings: that hold.
        size: (width, height) of the original image, in pixels.
    """
    boxes = decode(raw.offsets, raw.priors, raw.variances) * np.array([*size, *size], np.float32)
    rows = np.flatnonzero(_at(boxes, place))
    if not len(rows):
        return ()
    rays = xray(raw, settings, size)
    shown = frozenset(rays.candidates.take(rays.shown).ids)
    found = []
    for class_id in range(1, raw.scores.shape[1]):
        row = rows[np.argmax(raw.scores[rows, class_id])]
        candidate = Candidate(
            f"{class_id}-{raw.prior_indices[row]}",
            class_id,
            float(raw.scores[row, class_id]),
            float(raw.scores[row, 0]),
            boxes[row],
            Fate.BELOW_FLOOR,
            settings.threshold_of(class_id),
        )
        found.append(_judged(candidate, raw, settings, size, rays, shown))
    return tuple(sorted(found, key=lambda each: -each.score))


def _at(boxes: Boxes, place: Place) -> np.ndarray:
    """(P,) bool: which boxes are there."""
    if not place.is_point:
        corners = np.array([[place.xmin, place.ymin, place.xmax, place.ymax]], np.float32)
        overlaps: np.ndarray = iou_matrix(boxes, corners)[:, 0] >= SAME_PLACE_IOU
        return overlaps
    xmin, ymin, xmax, ymax = boxes.T
    inside: np.ndarray = (
        (xmin <= place.xmin) & (place.xmin <= xmax) & (ymin <= place.ymin) & (place.ymin <= ymax)
    )
    return inside


def _judged(
    candidate: Candidate,
    raw: RawPrediction,
    settings: Settings,
    size: tuple[int, int],
    rays: XRay,
    shown: frozenset[str],
) -> Candidate:
    score, class_id = np.float32(candidate.score), candidate.class_id
    if not score > np.float32(SCORE_FLOOR):
        return candidate
    if settings.classes is not None and class_id not in settings.classes:
        return replace(candidate, fate=Fate.CLASS_HIDDEN)
    if score < np.float32(candidate.threshold):
        return _below_threshold(candidate, raw, settings, size, rays, shown)
    index = _index(rays, candidate)
    if not rays.kept[index]:
        return replace(candidate, fate=Fate.SUPPRESSED, suppressor=_suppressor(rays, index))
    if rays.shown[index]:
        return replace(candidate, fate=Fate.SHOWN)
    better = rays.kept[:index] & (rays.candidates.class_ids[:index] == class_id)
    if not settings.class_agnostic and better.sum() >= MAX_KEPT_PER_CLASS:
        return replace(candidate, fate=Fate.BEYOND_CLASS_LIMIT)
    return replace(candidate, fate=Fate.BEYOND_LIMIT)


def _below_threshold(
    candidate: Candidate,
    raw: RawPrediction,
    settings: Settings,
    size: tuple[int, int],
    rays: XRay,
    shown: frozenset[str],
) -> Candidate:
    """With the threshold that would show it, and what else that shows, or what would stop it."""
    low = replace(candidate, fate=Fate.BELOW_THRESHOLD)
    threshold = highest_threshold(candidate.score)
    then = with_threshold(settings, candidate.class_id, threshold)
    found = postprocess(raw, then, size)
    if candidate.detection_id not in found.ids:
        if settings.class_agnostic:  # what is below a threshold took no part
            rays = xray(raw, then, size)
        index = _index(rays, candidate)
        return low if rays.kept[index] else replace(low, suppressor=_suppressor(rays, index))
    new = [
        class_id
        for name, class_id in zip(found.ids, found.class_ids.tolist(), strict=True)
        if name not in shown and name != candidate.detection_id
    ]
    return replace(low, shown_from=threshold, others=dict(Counter(new)))


def highest_threshold(score: float) -> float:
    """The highest threshold of two digits that a score passes, compared as float32."""
    hundredths = floor(score * 100) + 1
    while np.float32(score) < np.float32(hundredths / 100):
        hundredths -= 1
    return hundredths / 100


def with_threshold(settings: Settings, class_id: int, threshold: float) -> Settings:
    """The same settings with an own threshold for that class."""
    own = {**settings.class_thresholds, class_id: threshold}
    return replace(settings, class_thresholds=own)


def _index(rays: XRay, candidate: Candidate) -> int:
    """Its place among all candidates."""
    prior = int(candidate.detection_id.partition("-")[2])
    all_of_them = rays.candidates
    is_it = (all_of_them.class_ids == candidate.class_id) & (all_of_them.prior_indices == prior)
    return int(np.argmax(is_it))


def _suppressor(rays: XRay, index: int) -> Suppressor:
    by = int(rays.suppressor[index])
    candidates = rays.candidates
    return Suppressor(
        f"{candidates.class_ids[by]}-{candidates.prior_indices[by]}",
        int(candidates.class_ids[by]),
        float(candidates.scores[by]),
        float(rays.ious[index]),
    )
