"""What a model says of an image and of its tiles, as one prediction of the image.

SSD decodes a box as centre and size relative to its default box. So a default box that is moved
from its tile into the image decodes to the box that is moved the same way, and all that reads
predictions (post-processing, X-ray, asking a place) needs to know nothing of tiles.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.ssd import RawPrediction, decode
from detector.tiling import Tile

# Of a tile's side: a box that comes so near to a side that is not the image's own is likely the
# part of an object that goes on beyond it; the tile next to it has the object, or the whole image.
# Chosen by average precision on the gallery and on val, see docs/tiles.md.
EDGE = 0.06


def merged(
    whole: RawPrediction,
    of_tiles: Sequence[RawPrediction],
    tiles: Sequence[Tile],
    size: tuple[int, int],
) -> RawPrediction:
    """The prediction of an image with the rows of its tiles too, in the whole image's coordinates.

    Rows whose box touches an inner edge of their tile are left out. The default boxes of the whole
    keep their indices; those of the tiles follow, tile by tile.

    Args:
        of_tiles: as many as `tiles`; compact where the whole is.
        size: (width, height) of the image, in pixels.
    """
    if not tiles:
        return whole
    parts = [whole]
    indices = [whole.prior_indices]
    for number, (raw, tile) in enumerate(zip(of_tiles, tiles, strict=True), start=1):
        rows = np.flatnonzero(~_is_cut(raw, tile, size))
        moved = RawPrediction(
            raw.offsets[rows],
            raw.scores[rows],
            into_image(raw.priors[rows], tile, size),
            raw.variances[rows],
        )
        parts.append(moved)
        indices.append(raw.prior_indices[rows] + number * whole.prior_count)
    return RawPrediction(
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.priors for part in parts]),
        np.concatenate([part.variances for part in parts]),
        np.concatenate(indices),
        whole.prior_count * len(parts),
        len(parts),
    )


def into_image(
    boxes: NDArray[np.float32], tile: Tile, size: tuple[int, int]
) -> NDArray[np.float32]:
    """(N, 4) xyxy in 0..1 of the image, of boxes xyxy in 0..1 of a tile."""
    start, scale = _start_and_scale(tile, size)
    return (boxes * scale + start).astype(np.float32)


def into_tile(boxes: NDArray[np.float32], tile: Tile, size: tuple[int, int]) -> NDArray[np.float32]:
    """(N, 4) xyxy in 0..1 of a tile, of boxes xyxy in 0..1 of the image."""
    start, scale = _start_and_scale(tile, size)
    return ((boxes - start) / scale).astype(np.float32)


def _start_and_scale(
    tile: Tile, size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    width, height = size
    start = np.array([tile.xmin / width, tile.ymin / height] * 2)
    scale = np.array([(tile.xmax - tile.xmin) / width, (tile.ymax - tile.ymin) / height] * 2)
    return start, scale


def _is_cut(raw: RawPrediction, tile: Tile, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(P,) which boxes touch an edge of the tile that is not one of the image."""
    xmin, ymin, xmax, ymax = decode(raw.offsets, raw.priors, raw.variances).T
    width, height = size
    found: NDArray[np.bool_] = (
        ((xmin < EDGE) & (tile.xmin > 0))
        | ((ymin < EDGE) & (tile.ymin > 0))
        | ((xmax > 1 - EDGE) & (tile.xmax < width))
        | ((ymax > 1 - EDGE) & (tile.ymax < height))
    )
    return found
