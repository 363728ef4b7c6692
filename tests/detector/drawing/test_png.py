"""PNG files: what every reader makes of them are the pixels that went in."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detector.drawing.png import encode_png
from tests.support.paths import ROOT


def read(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        image.load()  # raises where a checksum is wrong
        return np.asarray(image)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 7), (3, 1000), (1500, 700), (300_000, 1)])
def test_the_pixels_are_those_that_went_in(size: tuple[int, int]):
    width, height = size
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(read(encode_png(Image.fromarray(pixels))), pixels)


def test_a_photo_is_hardly_larger_than_by_pillow():
    photo = Image.open(Path(ROOT) / "samples" / "bookshelf.jpg").convert("RGB")
    file = io.BytesIO()
    photo.save(file, "PNG", compress_level=3)
    data = encode_png(photo)
    assert np.array_equal(read(data), np.asarray(photo))
    assert len(data) < 1.3 * len(file.getvalue())


def test_an_image_of_another_mode_is_refused():
    with pytest.raises(ValueError, match="mode RGB, got L"):
        encode_png(Image.new("L", (3, 3)))
