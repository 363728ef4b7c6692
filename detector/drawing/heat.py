"""A saliency map over its image, and the colours of its legend."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

# From little to much: dark violet over red to light yellow, also told apart without colours.
STOPS = ("#1b0c41", "#781c6d", "#cf4446", "#fb9b06", "#fcffa4")
_STRENGTH = 0.62  # of the colours over the image


def over_image(
    image: Image.Image, heat: NDArray[np.float32], box: NDArray[np.float32]
) -> Image.Image:
    """The image in the map's colours, with the box that is explained.

    Args:
        image: of mode RGB.
        heat: (H, W) of any size and range: its least has the first colour, its most the last.
        box: (4,) xyxy in 0..1.
    """
    spread = float(np.ptp(heat)) or 1.0
    levels = Image.fromarray(((heat - heat.min()) / spread).astype(np.float32))
    share = np.asarray(levels.resize(image.size, Image.Resampling.BICUBIC)).clip(0, 1)
    colors = _table()[(share * 255).astype(np.uint8)]
    mixed = np.asarray(image) * (1 - _STRENGTH) + colors * _STRENGTH
    drawn = Image.fromarray(mixed.astype(np.uint8))
    width, height = image.size
    corners = (box * np.array([width, height, width, height])).tolist()
    pen = ImageDraw.Draw(drawn)
    thick = max(2, round(max(image.size) / 200))
    around = [c + d for c, d in zip(corners, (-1, -1, 1, 1), strict=True)]
    pen.rectangle(around, outline="black", width=thick + 2)
    pen.rectangle(corners, outline="white", width=thick)
    return drawn


def _table() -> NDArray[np.float32]:
    """(256, 3) the colours between the stops."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in STOPS])
    places = np.linspace(0, len(STOPS) - 1, 256)
    return np.stack(
        [np.interp(places, np.arange(len(STOPS)), stops[:, c]) for c in range(3)], axis=1
    ).astype(np.float32)
