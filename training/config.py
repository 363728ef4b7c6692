"""The one configuration of a run, saved inside each checkpoint and beside the export, and what the
contract fixes: labels, grids, default boxes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
INPUT_SIDE = 300
GRIDS = (38, 19, 10, 5, 3, 1)
VARIANCES = (0.1, 0.1, 0.2, 0.2)

# (width, height) in pixels of the 300 x 300 input. k-means under IoU over the training boxes,
# classes weighted by 1/sqrt(count) and scales jittered as the augmentation does, one size range a
# grid.
PRIOR_SIZES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((16, 14), (22, 36), (38, 24)),
    ((52, 32), (32, 53), (53, 63), (87, 42), (59, 103), (87, 72)),
    ((68, 111), (103, 74), (103, 123), (160, 104), (95, 192), (137, 151)),
    ((112, 167), (154, 127), (165, 185), (123, 256), (241, 168), (186, 245)),
    ((139, 264), (181, 203), (242, 159), (204, 274), (264, 215), (270, 276)),
    ((210, 226), (173, 277), (266, 185), (227, 284), (276, 240), (291, 292)),
)

# The fields of Config that weights fit to, and no others
ARCHITECTURE = ("body", "stem", "widths", "depths", "head")


@dataclass(frozen=True)
class Config:
    """Everything that decides how a run turns out, besides the data itself."""

    # architecture: a body of its own, or "mobilenet" or "efficientnet", pretrained
    body: str = "own"
    stem: int = 16
    widths: tuple[int, ...] = (64, 96, 160, 192)  # channels on the 75, 38, 19 and 10 grids
    depths: tuple[int, ...] = (1, 2, 2, 1)  # residual pairs in the stage of each grid
    head: int = 64  # channels of the two 3 x 3 branches before the predictions

    # schedule: linear warm-up, constant, then a cosine down to 1 % over the last `decay` of it.
    # With `minutes` the run ends, and its schedule with it, at that age at the latest.
    samples: int = 150_000
    minutes: float = 0.0
    workers: int = 2  # processes that send gradients, each on one core and its own batch
    batch: int = 16
    lr: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 4_000  # samples
    frozen: int = 0  # samples before a pretrained body is trained, too
    body_rate: float = 0.15  # its learning rate, as a part of the others'
    decay: float = 0.7  # the part of the schedule spent going down
    calm: float = 0.12  # the last part, without mosaic and with less pasting
    ema: float = 0.998
    clip: float = 10.0
    seed: int = 1

    # augmentation (probabilities)
    mosaic: float = 0.4
    zoom_out: float = 0.2
    crop: float = 0.75
    paste: float = 0.35
    mix: float = 0.0  # of two images blended into one, with the boxes of both (mixup)
    repeat: float = 0.4  # class balance: images are drawn with weight (class frequency) ** -repeat
    scene_share: float = 0.6  # part of the draws that are scenes; the rest are product images
    render_share: float = 0.0  # part of the draws that are rendered images, where there are any
    background_share: float = 0.0  # part that are background images, where there are any

    # loss
    topk: int = 10  # priors assigned to a box at the most
    class_power: float = 0.5  # task-aligned assignment: score ** class_power * IoU ** box_power
    box_power: float = 6.0
    gamma: float = 2.0  # focal exponent on background places
    box_weight: float = 2.0
    doubt: float = 0.15  # weight of plain background where a category is unlabelled but unlikely

    def __post_init__(self) -> None:
        # From JSON and the command line these come as lists and words.
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "depths", tuple(self.depths))
        if self.body not in ("own", "mobilenet", "efficientnet"):
            raise ValueError(f"body is {self.body!r}, not 'own', 'mobilenet' or 'efficientnet'")

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def default_boxes() -> NDArray[np.float32]:
    """(7308, 4) float32, xyxy in 0..1: grid by grid, row by row, cell by cell, size by size.

    Boxes are cut at the image's edge, and the cut box is what the offsets refer to.
    """
    rows = []
    for grid, sizes in zip(GRIDS, PRIOR_SIZES, strict=True):
        half = np.array(sizes, np.float64) / INPUT_SIDE / 2
        y, x = np.mgrid[0:grid, 0:grid]
        centre = (np.stack([x, y], -1).reshape(-1, 1, 2) + 0.5) / grid
        rows.append(np.concatenate([centre - half, centre + half], -1).reshape(-1, 4))
    return np.concatenate(rows).clip(0, 1).astype(np.float32)


def cell_centres() -> NDArray[np.float32]:
    """(1940, 2) float32, xy in 0..1: the centres of the cells of all grids."""
    rows = []
    for grid in GRIDS:
        y, x = np.mgrid[0:grid, 0:grid]
        rows.append((np.stack([x, y], -1).reshape(-1, 2) + 0.5) / grid)
    return np.concatenate(rows).astype(np.float32)


def cell_of_prior() -> NDArray[np.int64]:
    """(7308,) int64: index into cell_centres() of each default box."""
    counts = np.repeat([len(s) for s in PRIOR_SIZES], [g * g for g in GRIDS])
    return np.repeat(np.arange(len(counts)), counts)
