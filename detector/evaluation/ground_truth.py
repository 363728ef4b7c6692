"""What is to be found in images: the types. detector/formats/ reads them from files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.translation import _

ANY_CLASS = 0  # the class id of a region in which every class is ignored


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What is to be found in one image. Arrays are read-only; M and K may be 0.

    Attributes:
        file_name: the image, as the visitor knows it.
        size: (width, height) in pixels.
        boxes: (M, 4) float64 xyxy in pixels. May reach over the image's edge.
        class_ids: (M,) int64, 1 or more.
        crowd: (M,) bool. A crowd box (COCO's `iscrowd`, Pascal VOC's `difficult`) need not be
            found, and what is found in it is neither right nor wrong. May be left out: none is.
        regions: (K, 4) float64 xyxy in pixels: what is found there is neither right nor wrong.
        region_class_ids: (K,) int64, the class that each region holds for; ANY_CLASS = all.
        labelled: class ids whose objects all have boxes here; None = all classes. Nothing is said
            of the others: what is found of them is neither right nor wrong.
        unread: how many entries about this image were not understood. Their places are among the
            regions: an image with an unread entry whose place is not known has no `GroundTruth`.
        attributes: what else its file says of the image, by name: its kind, for instance.
    """

    file_name: str
    size: tuple[int, int]
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    class_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    crowd: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    regions: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    region_class_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    labelled: frozenset[int] | None = None
    unread: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"expected size of 1 x 1 pixel or more, got {self.size}")
        count, region_count = len(self.boxes), len(self.regions)
        if len(self.crowd) == 0:
            object.__setattr__(self, "crowd", np.zeros(count, np.bool_))
        for name, shape, dtype in (
            ("boxes", (count, 4), np.float64),
            ("class_ids", (count,), np.int64),
            ("crowd", (count,), np.bool_),
            ("regions", (region_count, 4), np.float64),
            ("region_class_ids", (region_count,), np.int64),
        ):
            value = np.array(getattr(self, name), dtype)
            if value.shape != shape:
                raise ValueError(f"expected {name} {shape}, got {value.shape}")
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        for boxes in (self.boxes, self.regions):
            if not (np.isfinite(boxes).all() and (boxes[:, 2:] > boxes[:, :2]).all()):
                raise ValueError("expected finite boxes xyxy with an area")
        if (self.class_ids < 1).any() or (self.region_class_ids < 0).any():
            raise ValueError("expected class ids of 1 or more")
        if self.labelled is not None:
            object.__setattr__(self, "labelled", frozenset(map(int, self.labelled)))


@dataclass(frozen=True)
class Problem:
    """One kind of fault in a file: the first entry that has it, and how many more do.

    `str(problem)` is one line for the reader.
    """

    kind: str
    first: str
    more: int = 0

    def __str__(self) -> str:
        if not self.more:
            return self.first
        return _("{fault} (and {count} more)", fault=self.first, count=self.more)


@dataclass(frozen=True)
class GroundTruths:
    """What could be used, and what could not.

    Attributes:
        images: one for each image, in the file's order; never empty.
        problems: one for each kind of fault, in the order in which they were met.
        not_counted: images that the files speak of, but not in a way that was understood: nothing
            may be measured over them.
        foreign: names of classes in the files that are none of the model's labels; those of most
            objects first.
    """

    images: tuple[GroundTruth, ...]
    problems: tuple[Problem, ...] = ()
    not_counted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
