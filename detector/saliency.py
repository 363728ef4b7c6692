"""Which parts of an image a box rests on: D-RISE (Petsiuk et al., "Black-box explanation of object
detectors via saliency maps", CVPR 2021, arXiv:2006.03204).

The model answers for the image with random parts hidden, over gRPC as ever: nothing of its inside
is needed. Where a part is shown and the box stays, and hidden and it goes, the box rests on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.answers import Requests, SSDModel
from detector.boxes import iou_matrix
from detector.ssd import INPUT_SIZE, RawPrediction, decode, normalize

Floats = NDArray[np.float32]

GRID = 8  # cells a side that are hidden or shown together; finer ones need more masks
SHOWN = 0.5  # the share of cells that a mask shows
AT_ONCE = 8  # images in a request, fewer where the server does not take so many
STEPS = 12  # points of the curves beside their start


@dataclass(frozen=True, eq=False)
class Target:
    """The box to explain.

    Attributes:
        box: (4,) float32 xyxy in 0..1 of the image.
        scores: (C,) float32 of its prior, background first.
    """

    box: Floats
    scores: Floats

    @classmethod
    def of(cls, raw: RawPrediction, prior_index: int) -> "Target":
        """The box that comes from that prior. Raises KeyError: the prediction has no such row."""
        rows = np.flatnonzero(raw.prior_indices == prior_index)
        if not len(rows):
            raise KeyError(prior_index)
        [box] = decode(raw.offsets[rows], raw.priors[rows], raw.variances[rows])
        return cls(box, raw.scores[rows[0]])


@dataclass(frozen=True, eq=False)
class Saliency:
    """What is known after some masks.

    Attributes:
        heat: (300, 300) float32: how much of the box is left, 0..1, on average over the masks that
            show a pixel.
        count: masks so far.
        stability: correlation, -1..1, of the maps of both halves of the masks: near 1, more masks
            would change little. NaN while one of the halves has none.
    """

    heat: Floats
    count: int
    stability: float


@dataclass(frozen=True, eq=False)
class Curves:
    """Whether a map can be believed.

    Attributes:
        shares: the shares of pixels, 0..1, that are hidden or shown, the most important first.
        deleted: how much of the box is left, 0..1, when these are hidden.
        inserted: the same when only these are shown.
    """

    shares: Floats
    deleted: Floats
    inserted: Floats

    @property
    def deletion(self) -> float:
        """Area under `deleted`: the lower, the more the map is right."""
        return float(np.trapezoid(self.deleted, self.shares))

    @property
    def insertion(self) -> float:
        """Area under `inserted`: the higher, the more the map is right."""
        return float(np.trapezoid(self.inserted, self.shares))


def similarity(raw: RawPrediction, target: Target) -> float:
    """How much of the box is in a prediction: 0 nothing, 1 the same box.

    The best over all rows with a score above the floor of: IoU with its box, times cosine of the
    class scores without background, times what is not background (the paper's objectness).
    """
    boxes = decode(raw.offsets, raw.priors, raw.variances)
    ious = iou_matrix(boxes, target.box[None])[:, 0]
    near = np.flatnonzero(ious > 0)
    if not len(near):
        return 0.0
    classes, wanted = raw.scores[near, 1:], target.scores[1:]
    lengths = np.linalg.norm(classes, axis=1) * np.linalg.norm(wanted)
    cosines = classes @ wanted / np.maximum(lengths, np.finfo(np.float32).tiny)
    return float((ious[near] * cosines * (1 - raw.scores[near, 0])).max())


def masks(count: int, rng: np.random.Generator) -> Floats:
    """(count, 300, 300) float32 in 0..1, 1 = shown: grids of chance, enlarged smoothly and shifted
    by up to a cell, as RISE makes them."""
    width, height = INPUT_SIZE
    cell = (-(-width // GRID), -(-height // GRID))
    made = np.empty((count, height, width), np.float32)
    for mask in made:
        grid = (rng.random((GRID + 1, GRID + 1)) < SHOWN).astype(np.float32)
        large = Image.fromarray(grid).resize(
            (cell[0] * (GRID + 1), cell[1] * (GRID + 1)), Image.Resampling.BILINEAR
        )
        left, top = rng.integers(cell[0]), rng.integers(cell[1])
        mask[:] = np.asarray(large)[top : top + height, left : left + width]
    return made


def explain(
    model: SSDModel, pixels: NDArray[np.uint8], target: Target, count: int = 500, seed: int = 0
) -> Iterator[Saliency]:
    """The map after each request, so that a use of the first hundred masks can begin early.

    Args:
        pixels: (300, 300, 3) uint8 RGB, what the model sees of the image.
        count: masks in all.
        seed: the same seed gives the same map.

    Raises:
        ServingError: a call failed.
    """
    rng = np.random.default_rng(seed)
    asking = _Asking(model, pixels, target)
    # Even and odd masks apart, for the stability: sums of weight times mask, and of masks.
    weighted = np.zeros((2, *pixels.shape[:2]), np.float64)
    shown = np.zeros_like(weighted)
    done = 0
    while done < count:
        drawn = masks(min(asking.at_once, count - done), rng)
        for mask, left in zip(drawn, asking.left(drawn), strict=True):
            weighted[done % 2] += left * mask
            shown[done % 2] += mask
            done += 1
        heat = _mean(weighted.sum(axis=0), shown.sum(axis=0))
        yield Saliency(heat.astype(np.float32), done, _stability(weighted, shown))


def curves(model: SSDModel, pixels: NDArray[np.uint8], target: Target, heat: Floats) -> Curves:
    """What is left of the box as the map's most important pixels go, or come first.

    Raises:
        ServingError: a call failed.
    """
    places = np.empty(heat.size, np.int64)
    places[np.argsort(-heat, axis=None, kind="stable")] = np.arange(heat.size)
    shares = np.linspace(0, 1, STEPS + 1, dtype=np.float32)
    first = [(places < share * heat.size).reshape(heat.shape) for share in shares]
    shown = np.array([*(~each for each in first), *first], np.float32)
    asking = _Asking(model, pixels, target)
    left: list[float] = []
    while len(left) < len(shown):
        left += asking.left(shown[len(left) : len(left) + asking.at_once])
    of_each = np.array(left, np.float32).reshape(2, -1)
    return Curves(shares, of_each[0], of_each[1])


class _Asking:
    """Requests of several masked images."""

    def __init__(self, model: SSDModel, pixels: NDArray[np.uint8], target: Target) -> None:
        self._requests = Requests(model, AT_ONCE)
        # Hidden is 0: the mean colour that the model's input is relative to.
        self._input = normalize(pixels)[0]
        self._target = target

    @property
    def at_once(self) -> int:
        return self._requests.at_once

    def left(self, shown: Floats) -> list[float]:
        """How much of the box is left, under each of these masks.

        Args:
            shown: (N, 300, 300), 1 = shown, 0 = hidden.
        """
        answered = self._requests.ask(self._input * shown[..., None])
        return [similarity(raw, self._target) for raw in answered]


def _mean(weighted: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    return weighted / np.maximum(shown, np.finfo(np.float64).tiny)


def _stability(weighted: NDArray[np.float64], shown: NDArray[np.float64]) -> float:
    halves = [_mean(*each).ravel() for each in zip(weighted, shown, strict=True)]
    if any(np.ptp(half) == 0 for half in halves):
        return float("nan")
    return float(np.atleast_2d(np.corrcoef(np.array(halves)))[0, 1])
