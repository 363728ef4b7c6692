import numpy as np
import pytest

from detector.merging import EDGE, into_image, into_tile, merged
from detector.ssd import RawPrediction, Settings, decode, postprocess
from detector.tiling import Tile, Tiling
from detector.xray import xray
from tests.support.outputs import output_of, random_output

SIZE = (1280, 801)
TILES = Tiling.TWO.tiles(SIZE)
MIDDLE = (0.4, 0.4, 0.6, 0.6)
SHOES, WATCH = 1, 2


def raw_of(*rows):
    return RawPrediction.from_output(output_of(3, *rows))


def nothing():
    return raw_of((MIDDLE, {0: 1.0}))


def test_without_tiles_the_prediction_is_the_very_same():
    whole = raw_of((MIDDLE, {WATCH: 0.9}))
    assert merged(whole, [], (), SIZE) is whole


@pytest.mark.parametrize("tiling", [Tiling.TWO, Tiling.THREE])
def test_a_row_of_a_tile_decodes_to_its_box_moved_into_the_image(tiling):
    rng = np.random.default_rng(5)
    tiles = tiling.tiles(SIZE)
    whole, *parts = (
        RawPrediction.from_output(random_output(rng, 300, 3, "softmax"), whole=True)
        for _each in range(len(tiles) + 1)
    )
    raw = merged(whole, parts, tiles, SIZE)
    boxes = decode(raw.offsets, raw.priors, raw.variances)
    seen = set()
    for row, index in enumerate(raw.prior_indices.tolist()):
        part, prior = raw.part_of(index), index % 300
        seen.add(part)
        own = whole if part == 0 else parts[part - 1]
        one = slice(prior, prior + 1)
        expected = decode(own.offsets[one], own.priors[one], own.variances[one])
        if part:
            expected = into_image(expected, tiles[part - 1], SIZE)
        np.testing.assert_allclose(boxes[row], expected[0], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(raw.scores[row], own.scores[prior])
    assert seen == set(range(len(tiles) + 1))


def test_the_default_boxes_of_all_parts_have_indices_of_their_own_and_rise():
    whole = raw_of((MIDDLE, {WATCH: 0.9}), (MIDDLE, {SHOES: 0.2}))
    parts = [raw_of((MIDDLE, {0: 1.0}), (MIDDLE, {WATCH: 0.5})) for _tile in TILES]
    raw = merged(whole, parts, TILES, SIZE)
    assert raw.prior_indices.tolist() == [0, 1, 3, 5, 7, 9]
    assert (raw.prior_count, raw.part_count) == (10, 5)
    assert [raw.part_of(index) for index in raw.prior_indices.tolist()] == [0, 0, 1, 2, 3, 4]
    assert raw.compact().part_count == 5
    assert xray(raw, Settings(), SIZE).funnel.priors.tolist() == [0, 10, 10]


def test_one_box_of_whole_and_tile_is_shown_once():
    in_image = np.array([[0.2, 0.2, 0.3, 0.3]], np.float32)
    [in_tile] = into_tile(in_image, TILES[0], SIZE)
    whole = raw_of((tuple(in_image[0]), {WATCH: 0.6}))
    parts = [raw_of((tuple(in_tile), {WATCH: 0.9})), nothing(), nothing(), nothing()]
    found = postprocess(merged(whole, parts, TILES, SIZE), Settings(), SIZE)
    assert found.ids == ["2-1"]
    np.testing.assert_allclose(found.boxes, in_image * [*SIZE, *SIZE], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("box", "kept_of"),
    [
        ((0.3, 0.3, 0.6, 0.6), {0, 1, 2, 3}),
        ((0.0, 0.3, 0.6, 0.6), {0, 2}),  # reaches the left side: the image's for two of them
        ((0.3, 0.0, 0.6, 0.6), {0, 1}),
        ((0.3, 0.3, 1.0, 0.6), {1, 3}),
        ((0.3, 0.3, 0.6, 1.0), {2, 3}),
        ((0.3, 0.3, 1 - EDGE / 2, 0.6), {1, 3}),
        ((0.3, 0.3, 1 - 2 * EDGE, 0.6), {0, 1, 2, 3}),
        ((0.0, 0.0, 1.0, 1.0), set()),
    ],
)
def test_a_box_at_a_side_that_is_not_the_images_is_left_out(box, kept_of):
    raw = merged(nothing(), [raw_of((box, {WATCH: 0.9}))] * 4, TILES, SIZE)
    assert {raw.part_of(index) - 1 for index in raw.prior_indices.tolist()} == kept_of


def test_into_tile_undoes_into_image():
    boxes = np.array([[0.1, 0.2, 0.7, 0.9]], np.float32)
    tile = Tile(100, 7, 611, 300)
    np.testing.assert_allclose(into_tile(into_image(boxes, tile, SIZE), tile, SIZE), boxes, 1e-5)
