"""A large image as overlapping tiles: which there are, for objects that are small in the whole.

The model sees 300 × 300 pixels of whatever it is given. Each tile is given to it as an image of its
own, beside the whole image, which alone shows what is larger than a tile. What is answered of
all of them becomes one prediction in `merging.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OVERLAP = 0.25  # of a tile's side, with the next
# Sides in pixels from which the automatic choice cuts. Below the first a tile has fewer pixels than
# the model sees; from the second on a tile of 2 × 2 is shrunk to a third or less.
CUT_FROM, CUT_FINER_FROM = 600, 1600


class Tiling(StrEnum):
    """How an image is cut: not at all, by its size, or into so many tiles."""

    OFF = "off"
    AUTO = "auto"
    TWO = "2x2"
    THREE = "3x3"

    def count_a_side(self, size: tuple[int, int]) -> int:
        """Tiles in a row and in a column; 1: the image is not cut.

        Args:
            size: (width, height) of the image, in pixels.
        """
        if self is Tiling.AUTO:
            longer = max(size)
            return 1 if longer < CUT_FROM else 2 if longer < CUT_FINER_FROM else 3
        return {Tiling.OFF: 1, Tiling.TWO: 2, Tiling.THREE: 3}[self]

    @classmethod
    def of_count(cls, count: int) -> "Tiling":
        """The one that always cuts into so many tiles: 0, 4 or 9."""
        return {0: cls.OFF, 4: cls.TWO, 9: cls.THREE}[count]

    def tiles(self, size: tuple[int, int]) -> tuple["Tile", ...]:
        """The tiles of an image of that size, row by row; none where it is not cut."""
        count = self.count_a_side(size)
        return tiles_of(size, count) if count > 1 else ()


@dataclass(frozen=True)
class Tile:
    """A part of an image, xyxy in whole pixels of it."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


def tiles_of(size: tuple[int, int], count: int) -> tuple[Tile, ...]:
    """`count` × `count` tiles that cover an image and overlap by a quarter, row by row.

    Args:
        size: (width, height), in pixels.
        count: 2 or more.
    """
    columns, rows = (_spans(side, count) for side in size)
    return tuple(Tile(left, top, right, bottom) for top, bottom in rows for left, right in columns)


def _spans(side: int, count: int) -> list[tuple[int, int]]:
    """Beginning and end of each tile along a side."""
    length = min(round(side / (count - (count - 1) * OVERLAP)) + 1, side)
    starts = [round(index * (side - length) / (count - 1)) for index in range(count)]
    return [(start, start + length) for start in starts]


def cut(image: Image.Image, tiles: tuple[Tile, ...], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8 RGB: each tile as an image of that size.

    Args:
        image: of mode RGB.
        size: (width, height) of each.
    """
    pixels = np.empty((len(tiles), size[1], size[0], 3), np.uint8)
    for tile, of_tile in zip(tiles, pixels, strict=True):
        # Not cropped first: of 48 megapixels that takes 20 MB and more, and at the tile's edge the
        # resize averages over what is beyond it, as anywhere else in the image.
        box = (tile.xmin, tile.ymin, tile.xmax, tile.ymax)
        of_tile[:] = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box))
    return pixels
