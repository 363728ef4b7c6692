import numpy as np
import pytest
from PIL import Image

from detector.tiling import Tile, Tiling, cut, tiles_of

SIZES = [(1, 1), (2, 700), (1280, 960), (1600, 801), (7000, 4999)]


@pytest.mark.parametrize(
    ("size", "count"),
    [((1, 1), 1), ((599, 599), 1), ((600, 10), 2), ((10, 1599), 2), ((1600, 900), 3)],
)
def test_the_automatic_choice_goes_by_the_longer_side(size, count):
    assert Tiling.AUTO.count_a_side(size) == count


def test_the_other_choices_hold_for_every_size():
    for size in SIZES:
        counts = [len(tiling.tiles(size)) for tiling in (Tiling.OFF, Tiling.TWO, Tiling.THREE)]
        assert counts == [0, 4, 9]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2, 3])
def test_tiles_cover_the_image_and_lie_in_it(size, count):
    width, height = size
    tiles = tiles_of(size, count)
    covered = np.zeros((height, width), np.bool_)
    for tile in tiles:
        assert 0 <= tile.xmin < tile.xmax <= width
        assert 0 <= tile.ymin < tile.ymax <= height
        covered[tile.ymin : tile.ymax, tile.xmin : tile.xmax] = True
    assert covered.all()


@pytest.mark.parametrize("count", [2, 3])
def test_neighbours_share_a_quarter_and_come_row_by_row(count):
    first, second, *_rest = tiles = tiles_of((1400, 700), count)
    shared = (first.xmax - second.xmin) / (first.xmax - first.xmin)
    assert shared == pytest.approx(0.25, abs=0.01)
    assert [tile.ymin for tile in tiles] == sorted(tile.ymin for tile in tiles)
    assert tiles_of((700, 350), 2) == (
        Tile(0, 0, 401, 201),
        Tile(299, 0, 700, 201),
        Tile(0, 149, 401, 350),
        Tile(299, 149, 700, 350),
    )


def test_a_tile_is_cut_from_its_place_at_the_full_size():
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[100:300, 500:800] = 200
    pixels[100:300, 650:800, 0] = 255
    [of_tile] = cut(Image.fromarray(pixels), (Tile(500, 100, 800, 300),), (300, 300))
    assert of_tile.shape == (300, 300, 3)
    assert (of_tile[5:-5, 5:140] == 200).all()
    assert (of_tile[5:-5, 155:, 0] == 255).all()
