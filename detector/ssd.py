"""The SSD300 contract: what goes into the model, what comes out, and how that becomes detections.

The output of one image is (P, C + 12): 4 offsets (cx, cy, w, h), C softmax scores (0 = background),
4 prior corners (xmin, ymin, xmax, ymax in 0..1), 4 variances. Any number of priors P and classes C.

Post-processing, as the detector's existing users know it: for each class except background, keep
scores above 0.01, greedy hard NMS, at most 400 boxes a class; then thresholds, sorting, and a cut
at `top_k`.

Comparisons are NumPy's of a float32 array with a Python number: the number is rounded to float32
first. So a score of float32(0.7), which is a little below 0.7, passes a threshold of 0.7.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.boxes import Boxes, GreedyNMS, boxes_of, columns_of
from detector.errors import OutputError
from detector.images import RGBImage
from detector.tiling import Tiling
from detector.translation import _, noted

INPUT_SIZE = (300, 300)  # (width, height)
SCORE_FLOOR = 0.01  # only scores above it are candidates, whatever the threshold
MAX_KEPT_PER_CLASS = 400

# Mean blue, green and red of ImageNet: Keras' "caffe" preprocessing.
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)

_Made = TypeVar("_Made")

_BOX_COLUMNS = 12  # offsets, prior corners, variances


def preprocess(image: RGBImage) -> NDArray[np.float32]:
    """(1, 300, 300, 3) float32 model input: BGR minus the ImageNet means, about -124..152.

    Raises:
        ValueError: `image` is not (H, W, 3) uint8.
    """
    return normalize(resize(image))


def resize(image: RGBImage | Image.Image) -> NDArray[np.uint8]:
    """(300, 300, 3) uint8 RGB: what the model sees of an image.

    Pillow's bilinear resize without keeping the aspect. It averages over the pixels that it shrinks
    (OpenCV's and TensorFlow's plain bilinear skip them); the model is trained on the same.

    Args:
        image: (H, W, 3) uint8 RGB, or Pillow's image of mode RGB.

    Raises:
        ValueError: `image` is something else.
    """
    return np.array(pillow_image(image).resize(INPUT_SIZE, Image.Resampling.BILINEAR))


def pillow_image(image: RGBImage | Image.Image) -> Image.Image:
    """The image as Pillow's, of mode RGB. Args, Raises: as of `resize`."""
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a (H, W, 3) uint8 image, got {image.shape} {image.dtype}")
        return Image.fromarray(image)
    if image.mode != "RGB":
        raise ValueError(f"expected an image of mode RGB, got {image.mode}")
    return image


def normalize(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, H, W, 3) float32: BGR minus the ImageNet means.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    batch = np.empty((1, *pixels.shape), np.float32)
    for channel, mean in enumerate(_MEAN_BGR):  # one at a time: over all three NumPy is slower
        np.subtract(pixels[:, :, 2 - channel], mean, out=batch[0, :, :, channel])
    return batch


@dataclass(frozen=True, eq=False)
class RawPrediction:
    """What the model says of one image, split once. All float32 and read-only, and in memory column
    after column, as post-processing reads them.

    Attributes:
        offsets: (P, 4) cx, cy, w, h relative to the priors.
        scores: (P, C) softmax scores, class 0 = background.
        priors: (P, 4) xyxy in 0..1.
        variances: (P, 4).
        prior_indices: (P,) int64, rising: the place of each row in the model's output. May be left
            out: all rows are there.
        prior_count: how many rows the model's output has. May be left out: P.
        part_count: of how many images it is: the image, and its tiles, see `merging.py`. Each has
            the same share of the default boxes.
    """

    offsets: NDArray[np.float32]
    scores: NDArray[np.float32]
    priors: NDArray[np.float32]
    variances: NDArray[np.float32]
    prior_indices: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    prior_count: int = -1
    part_count: int = 1

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or self.scores.shape[1] < 2:
            raise ValueError(f"expected scores (P, C) with C >= 2, got {self.scores.shape}")
        prior_count = len(self.scores)
        for name in ("offsets", "priors", "variances"):
            shape = getattr(self, name).shape
            if shape != (prior_count, 4):
                raise ValueError(f"expected {name} ({prior_count}, 4), got {shape}")
            _set_read_only(self, name, getattr(self, name), np.float32, "F")
        _set_read_only(self, "scores", self.scores, np.float32, "F")
        if self.prior_count < 0:
            object.__setattr__(self, "prior_count", prior_count)
            object.__setattr__(self, "prior_indices", np.arange(prior_count))
        if self.prior_indices.shape != (prior_count,):
            raise ValueError(f"expected prior_indices ({prior_count},)")
        _set_read_only(self, "prior_indices", self.prior_indices, np.int64, "C")

    @classmethod
    def of_single(
        cls,
        output: NDArray[np.floating[Any]],
        class_count: int | None = None,
        *,
        whole: bool = False,
    ) -> Self:
        """The output (1, P, classes + 12) of a request with one image. See `from_output`."""
        if output.ndim != 3 or len(output) != 1:
            raise OutputError(
                _(
                    "the output has shape {shape}, expected (1, P, classes + 12) for one image",
                    shape=output.shape,
                ),
                _("Serve a model whose output has the batch as its first dimension."),
            )
        return cls.from_output(output[0], class_count, whole=whole)

    @classmethod
    def from_output(
        cls,
        output: NDArray[np.floating[Any]],
        class_count: int | None = None,
        *,
        whole: bool = False,
    ) -> Self:
        """The parts of one image's output, compact.

        All numbers are looked at, and only the rows with a score above the floor are copied.

        Args:
            output: (P, C + 12), one image, without the batch axis.
            class_count: C, background included. None = whatever the columns say.
            whole: all rows, also those that post-processing never reads.

        Raises:
            OutputError: another shape or dtype, or numbers that no SSD gives: see `_check`.
        """
        classes = "classes" if class_count is None else f"{class_count} classes"
        columns = "C + 12" if class_count is None else str(class_count + _BOX_COLUMNS)
        if (
            output.ndim != 2
            or output.shape[1] < _BOX_COLUMNS + 2
            or class_count not in (None, output.shape[1] - _BOX_COLUMNS)
        ):
            raise OutputError(
                _(
                    "the output of one image has shape {shape}, expected (P, {columns}): 4 "
                    "offsets, {classes}, 4 prior corners, 4 variances",
                    shape=output.shape,
                    columns=columns,
                    classes=classes,
                )
            )
        if output.dtype.kind != "f":
            raise OutputError(
                _("the output has dtype {dtype}, expected float32", dtype=output.dtype)
            )
        values = np.ascontiguousarray(output, np.float32)
        all_rows, class_ids, found = _checked_scores(values)
        if whole:
            return cls(*_parts(values))
        is_first = np.ones(len(found), np.bool_)
        np.not_equal(all_rows[1:], all_rows[:-1], out=is_first[1:])
        rows = all_rows[is_first]
        offsets, scores, priors, variances = _parts(values.take(rows, axis=0).T.copy().T)
        by_class = (class_ids - 1) * len(rows) + np.cumsum(is_first) - 1
        return _made(
            cls,
            offsets=offsets,
            scores=scores,
            priors=priors,
            variances=variances,
            prior_indices=rows,
            prior_count=len(values),
            _ranked=_keys(found, by_class),
        )

    @cached_property
    def _ranked(self) -> NDArray[np.uint64]:
        """(K,) the candidates, (class, row) with a score above the floor, as one number each.

        They rise as scores fall, ties by class id, then by row: `_places` says what is in them.
        """
        by_class = self.scores.T[1:].reshape(-1)
        places = np.flatnonzero(by_class > SCORE_FLOOR)
        return _keys(by_class[places], places)

    def compact(self) -> Self:
        """Only the rows with a score above the floor: all that post-processing ever reads.

        Its detections and their ids are the same; a photo's 614 kB become some 80 kB.
        """
        rows = np.flatnonzero((self.scores[:, 1:] > SCORE_FLOOR).any(axis=1))
        if len(rows) == len(self.scores):
            return self
        return type(self)(
            self.offsets[rows],
            self.scores[rows],
            self.priors[rows],
            self.variances[rows],
            self.prior_indices[rows],
            self.prior_count,
            self.part_count,
        )

    def part_of(self, prior_index: int) -> int:
        """Which part the default box of that index is of: 0 = the image, 1 = its first tile."""
        return prior_index // (self.prior_count // self.part_count)


_Values = NDArray[np.float32]


def _parts(values: _Values) -> tuple[_Values, _Values, _Values, _Values]:
    """Offsets, scores, prior corners and variances of an output (P, C + 12), as views."""
    return values[:, :4], values[:, 4:-8], values[:, -8:-4], values[:, -4:]


def _checked_scores(values: _Values) -> tuple[NDArray[np.int64], NDArray[np.int64], _Values]:
    """Rows, rising, class ids and scores above the floor of an output (P, C + 12).

    All numbers are looked at, twice and no more often: an output is 614 kB.

    Raises:
        OutputError: as of `_check`.
    """
    columns = values.shape[1]
    lowest, highest = _limits(*values.shape)
    flat = values.reshape(-1)
    wide = flat.reshape(flat.size // lowest.size, lowest.size)
    looked_at = wide > highest
    places = np.flatnonzero(looked_at)
    rows, class_ids = np.divmod(places - 4, columns)
    scores = flat[places]
    if not (
        class_ids.min(initial=1) > 0
        and class_ids.max(initial=1) < columns - _BOX_COLUMNS
        and scores.max(initial=0) <= 1 + _ROUNDING
        and np.greater_equal(wide, lowest, out=looked_at).all()  # NaN is not
        and _sides(values).min(initial=0) >= 0
    ):
        _check(values)
        is_score = (class_ids > 0) & (class_ids < columns - _BOX_COLUMNS)
        return rows[is_score], class_ids[is_score], scores[is_score]
    return rows, class_ids, scores


def _sides(values: _Values) -> _Values:
    """(P, 2) width and height of the default boxes; as complex numbers both are one long loop."""
    low, high = values[:, -8:-6].view(np.complex64), values[:, -6:-4].view(np.complex64)
    return (high - low).view(np.float32)


def _keys(scores: _Values, places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`RawPrediction._ranked` of these scores above 0 at these places, class after class."""
    # Positive floats sort as their bits do: score and place in one integer, sorted at once.
    keys = (~scores.view(np.uint32)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= places.view(np.uint64)
    keys.sort()
    keys.setflags(write=False)
    return keys


@lru_cache(16)
def _limits(prior_count: int, columns: int) -> tuple[_Values, _Values]:
    """The least that the columns of an output hold and the most, as far as nobody need look closer.

    They are repeated for some rows that make one long one: NumPy has a loop for each row, and over
    long ones it is ten times as fast as over 21 columns.
    """
    most = np.finfo(np.float32).max
    lowest, highest = np.full(columns, -most), np.full(columns, most)
    lowest[4:-8], highest[4], highest[5:-8] = -_ROUNDING, 1 + _ROUNDING, SCORE_FLOOR
    lowest[-8:-4], highest[-8:-4] = -1, 2
    lowest[-4:] = np.nextafter(np.float32(0), np.float32(1))
    # Sizes grow by e^(offset variance).
    highest[2:4], highest[-4:] = _MOST_GROWTH / 2 - 1, 2
    together = next(
        (n for n in range(128, prior_count) if prior_count % n == 0), max(prior_count, 1)
    )
    return np.tile(lowest, together), np.tile(highest, together)


def _check(values: _Values) -> None:
    """Raises OutputError where the numbers are no SSD's: boxes made of them would mean nothing.

    Scores are probabilities, but for what rounding adds. Default boxes may reach beyond the image
    by their own size.

    Args:
        values: (P, C + 12).
    """
    offsets, scores, priors, variances = _parts(values)
    for name, part in (("offsets", offsets), ("scores", scores)):
        _expect(np.isfinite(part), part, _("{name} that are finite", name=name), _EXPORT)
    is_score = (scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)
    _expect(is_score, scores, _("scores from 0 to 1"), _SOFTMAX)
    is_prior = (priors >= -1) & (priors <= 2)
    _expect(is_prior, priors, _("prior corners from 0 to 1"), _PRIORS)
    sides = priors[:, 2:] - priors[:, :2]
    _expect(sides >= 0, sides, _("prior corners xmin, ymin, xmax, ymax"), _PRIORS)
    _expect(variances > 0, variances, _("variances above 0"), _EXPORT)
    with np.errstate(over="ignore"):
        growth = offsets[:, 2:] * variances[:, 2:]
    _expect(growth < _MOST_GROWTH, growth, _("sizes that can be numbers"), _EXPORT)


_ROUNDING = 1e-3
_MOST_GROWTH = 80  # e^88 is the largest float32
_EXPORT = noted("The model itself is at fault: export it again, or serve another version.")
_SOFTMAX = noted(
    "Export the model with its softmax: scores must be probabilities, neither logits nor percent."
)
_PRIORS = noted(
    "Export the model with its default boxes as corners relative to the image, not in pixels or as"
    " centre and size."
)


def _expect(is_good: NDArray[np.bool_], values: NDArray[np.float32], what: str, hint: str) -> None:
    if is_good.all():
        return
    bad = values[~is_good]
    raise OutputError(
        _(
            "{count} numbers of the output are wrong: expected {what}, got {value:g}",
            count=len(bad),
            what=what,
            value=bad[0],
        ),
        _(hint),
    )


def decode(
    offsets: NDArray[np.float32], priors: NDArray[np.float32], variances: NDArray[np.float32]
) -> Boxes:
    """(K, 4) float32 boxes xyxy, clipped to 0..1.

    cx = t0 v0 pw + pcx, cy = t1 v1 ph + pcy, w = pw exp(t2 v2), h = ph exp(t3 v3). Offsets so large
    that the box becomes infinite are clipped like all others, never NaN.

    Args:
        offsets: (K, 4) cx, cy, w, h.
        priors: (K, 4) xyxy in 0..1.
        variances: (K, 4).
    """
    # All x in a row, all y in the next: NumPy's loops are then K long and not 4.
    low, high = priors.T[:2], priors.T[2:]
    sizes = high - low
    corners = np.empty((4, len(offsets)), np.float32)
    zero, one = np.float32(0), np.float32(1)
    with np.errstate(over="ignore", invalid="ignore"):
        centres, halves = np.multiply(offsets.T, variances.T).reshape(2, 2, -1)
        centres *= sizes
        centres += (low + high) * np.float32(0.5)
        np.exp(halves, out=halves)
        halves *= sizes
        halves *= np.float32(0.5)
        low = np.subtract(centres, halves, out=corners[:2])
        high = np.add(centres, halves, out=corners[2:])
    # fmin and fmax prefer the number to NaN, so the first of the two decides what NaN becomes: the
    # edge that makes the box larger.
    np.fmin(np.fmax(low, zero, out=low), one, out=low)
    np.fmax(np.fmin(high, one, out=high), zero, out=high)
    return corners.T


class ClassThresholds(Mapping[int, float]):
    """Class id -> score threshold. Unlike a dict it cannot change, so settings can be a key."""

    def __init__(self, thresholds: Mapping[int, float]) -> None:
        self._items = tuple(sorted((int(key), float(value)) for key, value in thresholds.items()))

    def __getitem__(self, class_id: int) -> float:
        for key, value in self._items:
            if key == class_id:
                return value
        raise KeyError(class_id)

    def __iter__(self) -> Iterator[int]:
        return (key for key, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return repr(dict(self._items))


@dataclass(frozen=True)
class Settings:
    """What post-processing keeps, and of which tiles. Hashable.

    Attributes:
        score_threshold: 0..1; a score is shown when it is at or above it, and above the floor of
            0.01.
        iou_threshold: 0..1; a box is suppressed when its IoU with a better one is above it.
        class_agnostic: boxes of different classes suppress each other too.
        class_thresholds: class id -> score threshold, in place of `score_threshold` for that class.
        classes: ids of the classes that are shown. None = all. The others still take part in NMS.
        top_k: the most boxes that are shown.
        tiles: how the image is cut for the model. It decides what the model is asked; what
            post-processing makes of the answer does not depend on it.
    """

    score_threshold: float = 0.30
    iou_threshold: float = 0.45
    class_agnostic: bool = False
    class_thresholds: Mapping[int, float] = field(default_factory=dict)
    classes: frozenset[int] | None = None
    top_k: int = 200
    tiles: Tiling = Tiling.OFF

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_thresholds", ClassThresholds(self.class_thresholds))
        if self.classes is not None:
            object.__setattr__(self, "classes", frozenset(map(int, self.classes)))
        thresholds = {
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
            **{f"threshold of class {key}": value for key, value in self.class_thresholds.items()},
        }
        for name, value in thresholds.items():
            if not 0 <= value <= 1:
                raise ValueError(f"expected {name} in 0..1, got {value}")
        if self.top_k < 0:
            raise ValueError(f"expected top_k of 0 or more, got {self.top_k}")

    def threshold_of(self, class_id: int) -> float:
        """The score threshold that holds for a class."""
        return self.class_thresholds.get(class_id, self.score_threshold)


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes found in one image: score falling, ties by class id, then by prior. Read-only.

    Attributes:
        boxes: (N, 4) float32 xyxy, in pixels of the original image.
        scores: (N,) float32.
        class_ids: (N,) int64, never 0.
        prior_indices: (N,) int64, the prior that each box comes from.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    prior_indices: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, shape, dtype in (
            ("boxes", (count, 4), np.float32),
            ("scores", (count,), np.float32),
            ("class_ids", (count,), np.int64),
            ("prior_indices", (count,), np.int64),
        ):
            value = getattr(self, name)
            if value.shape != shape:
                raise ValueError(f"expected {name} {shape}, got {value.shape}")
            _set_read_only(self, name, value, dtype, "C")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Self:
        """No detections."""
        none = np.empty(0, np.int64)
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), none, none)

    @property
    def ids(self) -> list[str]:
        """A name for each detection, "class-prior": the same whatever the thresholds."""
        return [
            f"{class_id}-{prior}"
            for class_id, prior in zip(
                self.class_ids.tolist(), self.prior_indices.tolist(), strict=True
            )
        ]

    def take(self, indices: Any) -> Self:
        """The detections at these indices (integers or a mask), in that order."""
        chosen = np.asarray(indices)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)
        return type(self)(
            self.boxes[chosen],
            self.scores[chosen],
            self.class_ids[chosen],
            self.prior_indices[chosen],
        )


def postprocess(raw: RawPrediction, settings: Settings, size: tuple[int, int]) -> Detections:
    """The detections that the settings show.

    Same result as NMS over every class and candidate, but only as far down the scores as thresholds
    and `top_k` ask. What was kept so far stays with the prediction: a moved threshold goes on from
    there, or takes less of it.

    Args:
        raw: the model's output for one image.
        settings: thresholds, classes and limits.
        size: (width, height) of the original image, in pixels.
    """
    rules = _rules(settings)
    judged = raw.__dict__.get("_judged")
    if judged is None or judged.rules != rules:
        judged = _none_judged(raw, rules)
    # Own thresholds of classes are among the rules: who takes part has reached his.
    least = 0.0 if settings.class_thresholds else settings.score_threshold
    end = raw._ranked.searchsorted(_end_of(least))
    reached = int(end if judged.places is None else judged.places.searchsorted(end))
    chosen = _chosen(judged, settings, end)
    while judged.done < reached and len(chosen) < settings.top_k:
        # As many as are likely to be enough, by how many those so far were good for.
        likely = (settings.top_k - len(chosen)) * judged.done // max(len(chosen), 1)
        most = min(reached - judged.done, _MOST_PAIRS // (len(judged.kept) + 1))
        judged = _judge(raw, judged, judged.done + max(min(likely, most), _LEAST))
        chosen = _chosen(judged, settings, end)
    raw.__dict__["_judged"] = judged
    return _made(
        Detections,
        boxes=judged.boxes[chosen] * np.array([*size, *size], np.float32),
        scores=judged.scores[chosen],
        class_ids=judged.class_ids[chosen],
        prior_indices=judged.prior_indices[chosen],
    )


_LEAST = 96  # candidates judged at once, also where fewer are asked for: a slider comes back
_MOST_PAIRS = 2**22  # of these and those that are kept: bounds the memory


class _Rules(NamedTuple):
    """The settings that decide which candidates take part, and which suppress which.

    A common score threshold is none of them: a score suppresses lower ones only, so what is above a
    threshold is kept or not whatever is below. The thresholds of classes are.
    """

    iou_threshold: float
    is_agnostic: bool
    classes: frozenset[int] | None
    score_threshold: float
    class_thresholds: Mapping[int, float]


class _Judged(NamedTuple):
    """How far down the candidates of one image NMS has come, and what it kept.

    Attributes:
        places: of those that take part, in `RawPrediction._ranked`, rising; None = all.
        done: so many of them are judged, from the best.
        columns: (6, K) the kept boxes, as NMS takes them.
        kept: (K,) their places in `_ranked`, rising.
        boxes: (K, 4) xyxy in 0..1.
        scores, class_ids, prior_indices: (K,), as of `Detections`.
    """

    rules: _Rules
    places: NDArray[np.int64] | None
    done: int
    columns: NDArray[np.float32]
    kept: NDArray[np.int64]
    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    prior_indices: NDArray[np.int64]


def _rules(settings: Settings) -> _Rules:
    own = settings.class_thresholds
    return _Rules(
        settings.iou_threshold,
        settings.class_agnostic,
        # Class-aware, a hidden class changes nothing: it is left out from the start.
        None if settings.class_agnostic else settings.classes,
        settings.score_threshold if own else 0.0,
        own,
    )


def _none_judged(raw: RawPrediction, rules: _Rules) -> _Judged:
    places = None
    if rules.class_thresholds or rules.classes is not None:
        class_ids, rows = _places(raw, raw._ranked)
        thresholds = np.full(raw.scores.shape[1], rules.score_threshold, np.float32)
        for class_id, threshold in rules.class_thresholds.items():
            if 0 <= class_id < len(thresholds):
                thresholds[class_id] = threshold
        if rules.classes is not None:
            thresholds[~np.isin(np.arange(len(thresholds)), list(rules.classes))] = np.inf
        places = np.flatnonzero(raw.scores[rows, class_ids] >= thresholds[class_ids])
    integers, columns = np.empty(0, np.int64), np.empty((6, 0), np.float32)
    return _Judged(
        rules, places, 0, columns, integers, columns[:4].T, columns[0], integers, integers
    )


def _judge(raw: RawPrediction, judged: _Judged, count: int) -> _Judged:
    """The same after so many candidates, or all that take part."""
    if judged.places is None:
        places = np.arange(judged.done, min(count, len(raw._ranked)))
    else:
        places = judged.places[judged.done : count]
    class_ids, rows = _places(raw, raw._ranked[places])
    parts = (part.T.take(rows, axis=1).T for part in (raw.offsets, raw.priors, raw.variances))
    columns = columns_of(decode(*parts), 0 if judged.rules.is_agnostic else class_ids)
    greedy = GreedyNMS(judged.rules.iou_threshold, judged.columns)
    kept = greedy.add_columns(columns)
    class_ids, rows = class_ids[kept], rows[kept]
    return _Judged(
        judged.rules,
        judged.places,
        done=judged.done + len(places),
        columns=greedy.kept,
        kept=np.concatenate([judged.kept, places[kept]]),
        boxes=boxes_of(greedy.kept),
        scores=np.concatenate([judged.scores, raw.scores[rows, class_ids]]),
        class_ids=np.concatenate([judged.class_ids, class_ids]),
        prior_indices=np.concatenate([judged.prior_indices, raw.prior_indices[rows]]),
    )


def _chosen(judged: _Judged, settings: Settings, end: np.int64) -> NDArray[np.int64]:
    """Which of the kept boxes are shown, of those before this place in `RawPrediction._ranked`."""
    chosen = np.arange(judged.kept.searchsorted(end))
    if not settings.class_agnostic and len(chosen) > MAX_KEPT_PER_CLASS:
        chosen = chosen[_place_in_class(judged.class_ids[chosen]) < MAX_KEPT_PER_CLASS]
    if settings.class_agnostic and settings.classes is not None:
        chosen = chosen[np.isin(judged.class_ids[chosen], list(settings.classes))]
    return chosen[: settings.top_k]


def _end_of(threshold: float) -> np.uint64:
    """What the keys of scores at or above the threshold are below."""
    bits = int(max(np.float32(threshold), np.float32(SCORE_FLOOR)).view(np.uint32))
    return np.uint64((0xFFFFFFFF - bits + 1) << 32)


def _places(
    raw: RawPrediction, ranked: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Class ids and rows of some of `RawPrediction._ranked`."""
    places = (ranked & np.uint64(0xFFFFFFFF)).view(np.int64)
    class_index, rows = np.divmod(places, max(len(raw.scores), 1))
    return class_index + 1, rows


def _place_in_class(class_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same class stand before each."""
    places = np.empty(len(class_ids), np.int64)
    for class_id in np.unique(class_ids):
        members = np.flatnonzero(class_ids == class_id)
        places[members] = np.arange(len(members))
    return places


def _made(kind: type[_Made], **values: Any) -> _Made:
    """An object of arrays that were made for it alone and fit: neither copied nor looked at."""
    made = object.__new__(kind)
    for value in values.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    made.__dict__.update(values)
    return made


def _set_read_only(owner: object, name: str, value: NDArray[Any], dtype: Any, order: Any) -> None:
    array = np.array(value, dtype=dtype, order=order)
    array.setflags(write=False)
    object.__setattr__(owner, name, array)
