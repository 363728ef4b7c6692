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
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.boxes import BLOCK, Boxes, GreedyNMS, clip_boxes, cxcywh_to_xyxy, xyxy_to_cxcywh
from detector.errors import OutputError
from detector.images import RGBImage
from detector.translation import _, noted

INPUT_SIZE = (300, 300)  # (width, height)
SCORE_FLOOR = 0.01  # only scores above it are candidates, whatever the threshold
MAX_KEPT_PER_CLASS = 400

# Mean blue, green and red of ImageNet: Keras' "caffe" preprocessing.
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)

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
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a (H, W, 3) uint8 image, got {image.shape} {image.dtype}")
        image = Image.fromarray(image)
    elif image.mode != "RGB":
        raise ValueError(f"expected an image of mode RGB, got {image.mode}")
    return np.array(image.resize(INPUT_SIZE, Image.Resampling.BILINEAR))


def normalize(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, H, W, 3) float32: BGR minus the ImageNet means.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    batch = np.empty((1, *pixels.shape), np.float32)
    np.subtract(pixels[:, :, ::-1], _MEAN_BGR, out=batch[0])
    return batch


@dataclass(frozen=True, eq=False)
class RawPrediction:
    """What the model says of one image, split once. All float32 and read-only.

    Attributes:
        offsets: (P, 4) cx, cy, w, h relative to the priors.
        scores: (P, C) softmax scores, class 0 = background.
        priors: (P, 4) xyxy in 0..1.
        variances: (P, 4).
        prior_indices: (P,) int64, rising: the place of each row in the model's output. May be left
            out: all rows are there.
        prior_count: how many rows the model's output has. May be left out: P.
    """

    offsets: NDArray[np.float32]
    scores: NDArray[np.float32]
    priors: NDArray[np.float32]
    variances: NDArray[np.float32]
    prior_indices: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    prior_count: int = -1

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or self.scores.shape[1] < 2:
            raise ValueError(f"expected scores (P, C) with C >= 2, got {self.scores.shape}")
        prior_count = len(self.scores)
        for name in ("offsets", "priors", "variances"):
            shape = getattr(self, name).shape
            if shape != (prior_count, 4):
                raise ValueError(f"expected {name} ({prior_count}, 4), got {shape}")
            _set_read_only(self, name, getattr(self, name), np.float32, "C")
        # Class after class in memory, as post-processing reads them.
        _set_read_only(self, "scores", self.scores, np.float32, "F")
        if self.prior_count < 0:
            object.__setattr__(self, "prior_count", prior_count)
            object.__setattr__(self, "prior_indices", np.arange(prior_count))
        if self.prior_indices.shape != (prior_count,):
            raise ValueError(f"expected prior_indices ({prior_count},)")
        _set_read_only(self, "prior_indices", self.prior_indices, np.int64, "C")

    @classmethod
    def of_single(cls, output: NDArray[np.floating[Any]], class_count: int | None = None) -> Self:
        """The output (1, P, classes + 12) of a request with one image. Raises OutputError."""
        if output.ndim != 3 or len(output) != 1:
            raise OutputError(
                _(
                    "the output has shape {shape}, expected (1, P, classes + 12) for one image",
                    shape=output.shape,
                ),
                _("Serve a model whose output has the batch as its first dimension."),
            )
        return cls.from_output(output[0], class_count)

    @classmethod
    def from_output(cls, output: NDArray[np.floating[Any]], class_count: int | None = None) -> Self:
        """The parts of one image's output.

        Args:
            output: (P, C + 12), one image, without the batch axis.
            class_count: C, background included. None = whatever the columns say.

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
        if not np.issubdtype(output.dtype, np.floating):
            raise OutputError(
                _("the output has dtype {dtype}, expected float32", dtype=output.dtype)
            )
        raw = cls(
            offsets=output[:, :4],
            scores=output[:, 4:-8],
            priors=output[:, -8:-4],
            variances=output[:, -4:],
        )
        _check(raw)
        return raw

    def compact(self) -> Self:
        """Only the rows with a score above the floor: all that post-processing ever reads.

        Its detections and their ids are the same; a photo's 614 kB become some 20 kB.
        """
        rows = np.flatnonzero((self.scores[:, 1:] > SCORE_FLOOR).any(axis=1))
        return type(self)(
            self.offsets[rows],
            self.scores[rows],
            self.priors[rows],
            self.variances[rows],
            self.prior_indices[rows],
            self.prior_count,
        )


def _check(raw: RawPrediction) -> None:
    """Raises OutputError where the numbers are no SSD's: boxes made of them would mean nothing.

    Scores are probabilities, but for what rounding adds. Default boxes may reach beyond the image
    by their own size.
    """
    for name, values in (("offsets", raw.offsets), ("scores", raw.scores)):
        _expect(np.isfinite(values), values, _("{name} that are finite", name=name), _EXPORT)
    scores, priors, variances = raw.scores, raw.priors, raw.variances
    is_score = (scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)
    _expect(is_score, scores, _("scores from 0 to 1"), _SOFTMAX)
    is_prior = (priors >= -1) & (priors <= 2)
    _expect(is_prior, priors, _("prior corners from 0 to 1"), _PRIORS)
    sides = priors[:, 2:] - priors[:, :2]
    _expect(sides >= 0, sides, _("prior corners xmin, ymin, xmax, ymax"), _PRIORS)
    _expect(variances > 0, variances, _("variances above 0"), _EXPORT)
    with np.errstate(over="ignore"):
        growth = raw.offsets[:, 2:] * variances[:, 2:]
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
    prior_boxes = xyxy_to_cxcywh(priors)
    sizes = prior_boxes[:, 2:]
    with np.errstate(over="ignore", invalid="ignore"):
        boxes = offsets * variances
        boxes[:, :2] *= sizes
        boxes[:, :2] += prior_boxes[:, :2]
        boxes[:, 2:] = sizes * np.exp(boxes[:, 2:])
        corners = cxcywh_to_xyxy(boxes)
    return clip_boxes(corners, (1.0, 1.0))


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
    """What post-processing keeps. Hashable.

    Attributes:
        score_threshold: 0..1; a score is shown when it is at or above it, and above the floor of
            0.01.
        iou_threshold: 0..1; a box is suppressed when its IoU with a better one is above it.
        class_agnostic: boxes of different classes suppress each other too.
        class_thresholds: class id -> score threshold, in place of `score_threshold` for that class.
        classes: ids of the classes that are shown. None = all. The others still take part in NMS.
        top_k: the most boxes that are shown.
    """

    score_threshold: float = 0.30
    iou_threshold: float = 0.45
    class_agnostic: bool = False
    class_thresholds: Mapping[int, float] = field(default_factory=dict)
    classes: frozenset[int] | None = None
    top_k: int = 200

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

    Same result as NMS over every class and candidate, but only as far down the scores as `top_k`
    asks: candidates are judged in blocks, best first, and only a block's own boxes are decoded.

    Args:
        raw: the model's output for one image.
        settings: thresholds, classes and limits.
        size: (width, height) of the original image, in pixels.
    """
    greedy = GreedyNMS(settings.iou_threshold)
    class_count = raw.scores.shape[1]
    room = np.full(class_count, MAX_KEPT_PER_CLASS)
    shown_classes = np.array(
        [
            settings.classes is None or class_id in settings.classes
            for class_id in range(class_count)
        ]
    )
    missing = settings.top_k
    kept_boxes = [np.empty((0, 4), np.float32)]
    kept_classes = [np.empty(0, np.int64)]
    kept_priors = [np.empty(0, np.int64)]
    for class_ids, priors in _blocks(raw.scores, settings):
        if missing <= 0:
            break
        boxes = decode(raw.offsets[priors], raw.priors[priors], raw.variances[priors])
        if settings.class_agnostic:
            kept = greedy.add(boxes, np.zeros_like(class_ids))
        else:
            kept = greedy.add(boxes, class_ids)
            kept = kept[_within(room, class_ids[kept])]
        kept = kept[shown_classes[class_ids[kept]]][:missing]
        missing -= len(kept)
        kept_boxes.append(boxes[kept])
        kept_classes.append(class_ids[kept])
        kept_priors.append(priors[kept])
    class_ids, priors = np.concatenate(kept_classes), np.concatenate(kept_priors)
    return Detections(
        boxes=np.concatenate(kept_boxes) * np.array([*size, *size], np.float32),
        scores=raw.scores[priors, class_ids],
        class_ids=class_ids,
        prior_indices=raw.prior_indices[priors],
    )


def _blocks(
    scores: NDArray[np.float32], settings: Settings
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Class ids and priors of the candidates: score falling, ties by class id, then by prior."""
    prior_count, class_count = scores.shape
    by_class = scores.T[1:]
    lowest = np.array(
        [
            # The floor is exclusive and the threshold inclusive: the next float32 above the floor
            # makes one comparison of both.
            max(
                np.nextafter(np.float32(SCORE_FLOOR), np.float32(1)),
                np.float32(settings.threshold_of(class_id)),
            )
            for class_id in range(1, class_count)
        ],
        np.float32,
    )
    if settings.classes is not None and not settings.class_agnostic:
        # Class-aware, a hidden class changes nothing: leave it out from the start.
        hidden = [class_id not in settings.classes for class_id in range(1, class_count)]
        lowest[hidden] = np.inf
    candidates = np.flatnonzero(by_class >= lowest[:, None])
    # Positive floats sort as their bits do: score and position in one integer, sorted at once.
    keys = (~by_class.reshape(-1)[candidates].view(np.uint32)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= candidates.astype(np.uint64)
    keys.sort()
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    for start in range(0, len(order), BLOCK):
        class_index, priors = np.divmod(order[start : start + BLOCK], prior_count)
        yield class_index + 1, priors


def _within(room: NDArray[np.int64], class_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these boxes, in order, still fit into their class; takes their places."""
    fits = np.ones(len(class_ids), np.bool_)
    for class_id in np.unique(class_ids):
        members = np.flatnonzero(class_ids == class_id)
        fits[members[max(room[class_id], 0) :]] = False
        room[class_id] -= len(members)
    return fits


def _set_read_only(owner: object, name: str, value: NDArray[Any], dtype: Any, order: Any) -> None:
    array = np.array(value, dtype=dtype, order=order)
    array.setflags(write=False)
    object.__setattr__(owner, name, array)
