"""Whether detections outlast a worse photo: what a model says of altered images, what is left of
each box of the unaltered one, and average precision against how much is altered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.alterations import Alteration, Floats, Knob, inside
from detector.answers import Requests, SSDModel
from detector.evaluation.curves import average_precision
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import compare, match
from detector.ssd import Detections, RawPrediction, Settings, normalize, resize

MATCH_IOU = 0.5
# An object of which less is left in the picture is nothing to find any more.
LEAST_LEFT = 0.3


def altered_by(knob: Knob, base: Alteration | None = None) -> list[Alteration]:
    """The alterations of a sweep, one for each of the knob's levels.

    Args:
        base: what the other knobs do; None = nothing.
    """
    return [replace(base or Alteration(), **{knob.name: level}) for level in knob.levels]


def pixels_of(working: Image.Image, alterations: Iterable[Alteration]) -> NDArray[np.uint8]:
    """(N, 300, 300, 3) uint8 RGB: what the model sees of an image under each alteration.

    Args:
        working: of `alterations.working_copy`.
    """
    return np.array([resize(alteration.apply(working)) for alteration in alterations], np.uint8)


def ask(model: SSDModel, pixels: NDArray[np.uint8]) -> list[RawPrediction]:
    """What the model says of each, several in a request.

    Args:
        pixels: (N, 300, 300, 3), of `pixels_of`.

    Raises:
        ServingError: as of `SSDModel.ask`.
    """
    requests = Requests(model)
    answered: list[RawPrediction] = []
    while len(answered) < len(pixels):
        chunk = pixels[len(answered) : len(answered) + requests.at_once]
        answered += requests.ask(np.concatenate([normalize(each) for each in chunk]))
    return answered


@dataclass(frozen=True, eq=False)
class Held:
    """What is left of each of N boxes in an altered image.

    Attributes:
        boxes: (N, 4) float64 where they are now, cut at the image's edge, in its pixels.
        in_sight: (N,) whether enough of each is in the picture.
        scores: (N,) of the detection of the same class that has each box at an IoU of 0.5 or above,
            0 where there is none; NaN where the box is not in sight.
        ious: (N,) its IoU, likewise.
        rows: (N,) its index, -1 = none.
    """

    boxes: Floats
    in_sight: NDArray[np.bool_]
    scores: Floats
    ious: Floats
    rows: NDArray[np.int64]

    def lost(self, unaltered: Detections, settings: Settings) -> NDArray[np.bool_]:
        """(N,) whether each is in sight, and its score below its threshold."""
        thresholds = [settings.threshold_of(int(each)) for each in unaltered.class_ids]
        # In float32, as in post-processing; NaN is not below.
        below: NDArray[np.bool_] = self.scores.astype(np.float32) < np.array(thresholds, np.float32)
        return below


def held(
    unaltered: Detections,
    found: Detections,
    alteration: Alteration,
    size: tuple[int, int],
    class_count: int,
) -> Held:
    """What is left of the boxes of the unaltered image. Matched one to one, as COCO matches.

    Args:
        unaltered: the boxes, in pixels of the unaltered image.
        found: all detections of the altered image (`matching.at_floor`), in its pixels.
        size: (width, height) of the unaltered image.
        class_count: C, background included.
    """
    count, after = len(unaltered), alteration.size_after(size)
    boxes, left = inside(alteration.boxes_after(unaltered.boxes, size), after)
    in_sight = left >= LEAST_LEFT
    wanted = GroundTruth("", after, boxes[in_sight], unaltered.class_ids[in_sight])
    matches = match(compare([(wanted, found)], class_count), MATCH_IOU)
    rows = np.full(count, -1)
    rows[in_sight] = matches.found_by
    scores, ious = np.where(in_sight, 0.0, np.nan), np.where(in_sight, 0.0, np.nan)
    is_there = rows >= 0
    scores[is_there] = found.scores[rows[is_there]]
    ious[is_there] = matches.ious[rows[is_there]]
    return Held(boxes, in_sight, scores, ious, rows)


def truth_after(truth: GroundTruth, alteration: Alteration) -> GroundTruth:
    """The ground truth of the altered image.

    An object of which less than LEAST_LEFT is still in the picture need not be found, and what is
    found of it is neither right nor wrong; of one that is outside nothing is left.
    """
    if not alteration.moves:
        return truth
    after = alteration.size_after(truth.size)
    boxes, left = inside(alteration.boxes_after(truth.boxes, truth.size), after)
    regions, region_left = inside(alteration.boxes_after(truth.regions, truth.size), after)
    return replace(
        truth,
        size=after,
        boxes=boxes[left > 0],
        class_ids=truth.class_ids[left > 0],
        crowd=(truth.crowd | (left < LEAST_LEFT))[left > 0],
        regions=regions[region_left > 0],
        region_class_ids=truth.region_class_ids[region_left > 0],
    )


@dataclass(frozen=True, eq=False)
class Precisions:
    """Average precision against how much is altered.

    Attributes:
        by_class: (S, C) AP at an IoU of 0.5 at each of S levels; NaN where a class has no objects.
        objects: (S, C) how many there are to find.
    """

    by_class: Floats
    objects: NDArray[np.int64]

    @property
    def mean(self) -> Floats:
        """(S,) mAP: the mean over the classes that have objects; NaN where none has."""
        has_any = self.objects > 0
        total = np.where(has_any, self.by_class, 0).sum(axis=1)
        none = np.full(len(total), np.nan)
        mean: Floats = np.divide(total, has_any.sum(axis=1), none, where=has_any.any(axis=1))
        return mean


def precisions(
    images: Sequence[tuple[GroundTruth, Sequence[Detections]]],
    alterations: Sequence[Alteration],
    class_count: int,
) -> Precisions:
    """Average precision of many images under each alteration.

    Args:
        images: the ground truth of each unaltered image, and all detections (`at_floor`) under each
            alteration, in pixels of the altered image.
        class_count: C, background included.
    """
    by_class = np.full((len(alterations), class_count), np.nan)
    objects = np.zeros((len(alterations), class_count), np.int64)
    for level, alteration in enumerate(alterations):
        pairs = [(truth_after(truth, alteration), found[level]) for truth, found in images]
        matches = match(compare(pairs, class_count), MATCH_IOU)
        truths = matches.comparison.truths
        objects[level] = np.bincount(truths.class_ids[~truths.ignored], minlength=class_count)
        for class_id in np.flatnonzero(objects[level]):
            by_class[level, class_id] = average_precision(matches, int(class_id))
    return Precisions(by_class, objects)
