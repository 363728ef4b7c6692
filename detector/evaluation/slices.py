"""The same measures for a part of the objects: small ones, those at the edge, in dark images.

A slice is judged as COCO judges its area ranges: objects outside it need not be found, a detection
that finds one of them is neither right nor wrong, and neither is one without an object that lies
outside itself. A detection prefers an object in the slice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detector.evaluation.matching import (
    Floats,
    Ints,
    Mask,
    Matches,
    Outcome,
    enough_iou,
    first_come,
)
from detector.translation import noted

# COCO's, in pixels of the original image: https://cocodataset.org/#detection-eval
SMALL, LARGE = 32.0**2, 96.0**2
MODEL_SIDE = 300
EDGE = 0.02  # of the image's sides: nearer than this a box is at its edge
LONG = 1.5  # a side against the other
FEW_OBJECTS, MANY_OBJECTS = 2, 8  # in an image
DARK, BRIGHT = 85, 170  # of 0..255, on average

SIZE, MODEL_SIZE = noted("Size in the image"), noted("Size for the model")
PLACE, SHAPE = noted("Place in the image"), noted("Shape")
COMPANY, BRIGHTNESS = noted("Objects in the image"), noted("Brightness of the image")
_SIZES = (noted("Small"), noted("Medium"), noted("Large"))


@dataclass(frozen=True, eq=False)
class Slice:
    """A part of what there is.

    Attributes:
        name: what its objects have in common.
        truths: (M,) the ground-truth boxes in it.
        detections: (N,) the detections in it.
    """

    name: str
    truths: Mask
    detections: Mask

    def judge(self, matches: Matches) -> Matches:
        """The matches for what is in the slice; all else is ignored.

        What is wrong in it is a background error, whatever its kind: no errors by name.
        """
        comparison = matches.comparison
        found, truths = comparison.detections, comparison.truths
        rows, columns = comparison.pair_detections, comparison.pair_truths
        close = np.flatnonzero(comparison.pair_ious >= enough_iou(matches.iou_threshold))
        close = close[found.class_ids[rows[close]] == truths.class_ids[columns[close]]]
        outside = ~self.truths
        # Of what need not be found, too, a detection takes what it overlaps most.
        crowd = comparison.crowd_overlaps[rows[close]]
        close = close[~outside[columns[close]] | (crowd <= comparison.pair_ious[close])]
        truth_of, ious = np.full(len(found), -1), np.zeros(len(found))
        found_by, took_other = np.full(len(truths), -1), np.zeros(len(found), np.bool_)
        for pair in first_come(comparison, close, last=outside):
            row, column = rows[pair], columns[pair]
            if outside[column]:
                took_other[row] = True
            else:
                truth_of[row], found_by[column] = column, row
                ious[row] = comparison.pair_ious[pair]
        in_crowd = comparison.crowd_overlaps >= enough_iou(matches.iou_threshold)
        free = (truth_of < 0) & (in_crowd | ~self.detections)
        ignored = took_other | free | comparison.unlabelled
        outcomes = np.full(len(found), Outcome.BACKGROUND, np.int8)
        outcomes[truth_of >= 0] = Outcome.RIGHT
        outcomes[ignored] = Outcome.IGNORED
        return Matches(
            replace(comparison, truths=replace(truths, ignored=truths.ignored | outside)),
            matches.iou_threshold,
            truth_of,
            ious,
            ignored,
            found_by,
            outcomes,
            np.full(len(found), -1),
        )

    def images(self, matches: Matches) -> Ints:
        """Indices of the images with an object in the slice."""
        truths = matches.comparison.truths
        return np.unique(truths.images[self.truths & ~truths.ignored])


def slices_by(
    dimension: str,
    matches: Matches,
    sizes: Sequence[tuple[int, int]],
    attributes: Sequence[Mapping[str, str]],
    brightness: Sequence[float] = (),
) -> list[Slice]:
    """What there is, divided by one of `dimensions`. A slice may be empty.

    Args:
        sizes: (width, height) of each image, in pixels.
        attributes: of each image, as of `GroundTruth`.
        brightness: the mean of each image's pixels, 0..255; asked for BRIGHTNESS only.
    """
    comparison = matches.comparison
    sides = np.array(sizes, np.float64).reshape(-1, 2)
    if dimension in (SIZE, MODEL_SIZE, PLACE, SHAPE):
        own = {PLACE: _PLACES, SHAPE: _SHAPES}.get(dimension, _SIZES)
        truths, detections = (
            _divided(dimension, table.boxes.astype(np.float64), sides[table.images])
            for table in (comparison.truths, comparison.detections)
        )
        return [Slice(*parts) for parts in zip(own, truths, detections, strict=True)]
    names: tuple[str, ...]
    if dimension == COMPANY:
        there = comparison.truths.images[~comparison.truths.ignored]
        names, counts = _COMPANIES, np.bincount(there, minlength=len(sides))
        of_image = np.digitize(counts, (FEW_OBJECTS, MANY_OBJECTS))
    elif dimension == BRIGHTNESS:
        names = _BRIGHTNESSES
        of_image = np.digitize(np.asarray(brightness, np.float64), (DARK, BRIGHT))
    else:
        values = [each.get(dimension, "") for each in attributes]
        names = tuple(sorted(set(values) - {""}))
        of_image = np.array([names.index(value) if value else -1 for value in values], np.int64)
    return [
        Slice(
            name,
            of_image[comparison.truths.images] == index,
            of_image[comparison.detections.images] == index,
        )
        for index, name in enumerate(names)
    ]


_PLACES = (noted("At the edge"), noted("In the middle third"), noted("In between"))
_SHAPES = (noted("Tall"), noted("About square"), noted("Wide"))
_COMPANIES = (noted("1 object"), noted("2 to 7 objects"), noted("8 objects or more"))
_BRIGHTNESSES = (noted("Dark"), noted("Medium light"), noted("Bright"))


def dimensions(attributes: Sequence[Mapping[str, str]], most: int = 12) -> list[str]:
    """By what these images can be divided: always by the same six, and by those attributes that
    have two values or more, `most` at the most."""
    names = dict.fromkeys(name for each in attributes for name in each)
    useful = [
        name
        for name in names
        if 2 <= len({each[name] for each in attributes if name in each}) <= most
    ]
    own = [SIZE, MODEL_SIZE, PLACE, SHAPE, COMPANY, BRIGHTNESS]
    return own + [name for name in useful if name not in own]


def _divided(dimension: str, boxes: Floats, sides: Floats) -> list[Mask]:
    """(K,) for each of the dimension's slices, whether each box is in it.

    Args:
        boxes: (K, 4) xyxy in pixels.
        sides: (K, 2) of each box's image.
    """
    lengths = boxes[:, 2:] - boxes[:, :2]
    if dimension == SHAPE:
        with np.errstate(divide="ignore", invalid="ignore"):
            aspects = lengths[:, 0] / lengths[:, 1]
        tall, wide = aspects < 1 / LONG, aspects > LONG
        return [tall, ~tall & ~wide, wide]
    if dimension == PLACE:
        low, high = boxes[:, :2] / sides, boxes[:, 2:] / sides
        at_edge = np.any((low < EDGE) | (high > 1 - EDGE), axis=1)
        middle = np.all(np.abs((low + high) / 2 - 0.5) <= 1 / 6, axis=1)
        places = np.where(at_edge, 0, np.where(middle, 1, 2))
        return [places == place for place in range(3)]
    if dimension == MODEL_SIZE:
        lengths = lengths * (MODEL_SIDE / sides)
    areas: Floats = lengths.prod(axis=1)
    # A box on the end of two of COCO's ranges is in both.
    ranges = ((0.0, SMALL), (SMALL, LARGE), (LARGE, np.inf))
    return [np.asarray((areas >= low) & (areas <= high)) for low, high in ranges]
