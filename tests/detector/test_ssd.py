import copy
import pickle
import warnings

import numpy as np
import pytest

from detector.boxes import BLOCK
from detector.errors import OutputError
from detector.ssd import (
    Detections,
    RawPrediction,
    Settings,
    decode,
    postprocess,
    preprocess,
)
from tests.support import reference
from tests.support.outputs import (
    EVERYWHERE,
    SIZE,
    VARIANCES,
    apart,
    output_of,
    random_output,
    random_settings,
    unchecked,
)


def found(output, **settings):
    """(class id, prior) of each detection, in order."""
    detections = postprocess(unchecked(output), Settings(**settings), SIZE)
    return list(zip(detections.class_ids.tolist(), detections.prior_indices.tolist(), strict=True))


# --- preprocess


def test_a_black_image_becomes_minus_the_imagenet_means_in_bgr_order():
    batch = preprocess(np.zeros((20, 10, 3), np.uint8))
    assert batch.shape == (1, 300, 300, 3)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    expected = np.array([-103.939, -116.779, -123.68], np.float32)
    assert (batch == expected).all()


def test_red_ends_in_the_last_channel():
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    assert preprocess(red)[0, 150, 150].tolist() == pytest.approx([-103.939, -116.779, 131.32])


def test_enlarging_is_bilinear_between_pixel_centres():
    image = np.zeros((1, 3, 3), np.uint8)
    image[0, 1:] = [[100, 100, 100], [200, 200, 200]]
    row = preprocess(image)[0, 0, :, 0] + np.float32(103.939)
    # Centres of the three pixels are at 49.5, 149.5 and 249.5; a step is 1 grey value a pixel.
    assert row[[0, 49, 100, 149, 200, 249, 299]].tolist() == pytest.approx(
        [0, 0, 51, 100, 151, 200, 200], abs=1
    )


def test_shrinking_averages_over_all_pixels():
    stripes = np.zeros((600, 1200, 3), np.uint8)
    stripes[:, ::2] = 200  # plain bilinear sampling would see only one of the two colours
    grey = preprocess(stripes)[0, 10:-10, 10:-10, 1] + np.float32(116.779)
    assert np.abs(grey - 100).max() <= 1


def test_the_resize_is_pillows_own_with_known_values():
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (317, 431, 3), dtype=np.uint8)
    batch = preprocess(image)
    assert (batch[0, 0, 0] + [103.939, 116.779, 123.68]).round().tolist() == [176, 227, 168]
    assert (batch[0, 123, 217] + [103.939, 116.779, 123.68]).round().tolist() == [112, 92, 169]
    assert float(batch.astype(np.float64).sum()) == pytest.approx(3410725, abs=10)


def test_a_tall_image_is_squeezed_without_keeping_the_aspect():
    image = np.zeros((900, 100, 3), np.uint8)
    image[450:] = 255  # the lower half
    batch = preprocess(image)[0, :, :, 2]
    assert batch[:149].max() < 0 < batch[151:].min()


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3), np.float32)],
)
def test_preprocess_refuses_what_is_not_an_rgb_image(image):
    with pytest.raises(ValueError, match="expected a"):
        preprocess(image)


# --- RawPrediction


def test_an_output_without_priors_is_an_empty_prediction():
    raw = RawPrediction.from_output(np.empty((0, 21), np.float32))
    assert raw.scores.shape == (0, 9)
    assert raw.offsets.shape == raw.priors.shape == raw.variances.shape == (0, 4)


@pytest.mark.parametrize("class_count", [2, 9, 21])
def test_the_columns_are_offsets_scores_priors_and_variances(class_count):
    columns = class_count + 12
    output = np.arange(2 * columns, dtype=np.float32).reshape(2, columns) / (2 * columns)
    raw = RawPrediction.from_output(output, class_count)
    np.testing.assert_array_equal(raw.offsets, output[:, :4])
    np.testing.assert_array_equal(raw.scores, output[:, 4 : 4 + class_count])
    np.testing.assert_array_equal(raw.priors, output[:, 4 + class_count : 8 + class_count])
    np.testing.assert_array_equal(raw.variances, output[:, 8 + class_count :])


def test_the_compact_prediction_is_the_rows_above_the_floor_with_their_places():
    output = output_of(
        3, (apart(0), {0: 0.9, 1: 0.01}), (apart(1), {2: 0.02}), (apart(2), {1: 0.5})
    )
    whole = unchecked(output)
    assert (whole.prior_indices.tolist(), whole.prior_count) == ([0, 1, 2], 3)
    read = RawPrediction.from_output(output)
    for compact in (whole.compact(), whole.compact().compact(), read, read.compact()):
        assert (compact.prior_indices.tolist(), compact.prior_count) == ([1, 2], 3)
        for name in ("offsets", "scores", "priors", "variances"):
            assert getattr(compact, name).tolist() == getattr(whole, name)[1:].tolist()


def test_a_prediction_is_read_only_and_does_not_follow_its_source():
    output = np.full((3, 21), 0.5, np.float32)
    raw = RawPrediction.from_output(output)
    output[:] = 7
    for part in (raw.offsets, raw.scores, raw.priors, raw.variances):
        assert part.max() == 0.5
        assert part.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            part[0, 0] = 1
    for same in (raw, raw.compact()):
        assert not same.prior_indices.flags.writeable


@pytest.mark.parametrize("shape", [(7308, 20), (7308, 33), (1, 7308, 21), (21,), (7308, 0)])
def test_an_output_of_another_shape_is_refused_with_both_shapes(shape):
    with pytest.raises(OutputError) as refusal:
        RawPrediction.from_output(np.zeros(shape, np.float32), 9)
    assert str(shape) in str(refusal.value)
    assert "(P, 21)" in str(refusal.value)
    assert refusal.value.hint


def test_of_a_request_with_one_image_the_output_is_that_of_the_image():
    output = random_output(np.random.default_rng(1), 5, 9, "softmax")
    raw, alone = RawPrediction.of_single(output[None], 9), RawPrediction.from_output(output, 9)
    assert raw.scores.tolist() == alone.scores.tolist()
    with pytest.raises(OutputError, match="21 classes"):
        RawPrediction.of_single(output[None], 21)


@pytest.mark.parametrize("shape", [(5, 21), (2, 5, 21), (0, 5, 21), (1, 1, 5, 21)])
def test_an_output_that_is_not_of_one_image_is_refused(shape):
    with pytest.raises(OutputError, match="for one image") as refusal:
        RawPrediction.of_single(np.zeros(shape, np.float32))
    assert str(shape) in str(refusal.value)
    assert refusal.value.hint.startswith("Serve a model")


def test_an_output_without_room_for_one_class_is_refused():
    with pytest.raises(OutputError, match=r"\(P, C \+ 12\): 4 offsets, classes, 4 prior"):
        RawPrediction.from_output(np.zeros((5, 13), np.float32))


def test_an_output_of_integers_is_refused():
    with pytest.raises(OutputError, match="int64"):
        RawPrediction.from_output(np.zeros((5, 21), np.int64))


OFFSET, SCORE, PRIOR, VARIANCE = 2, 6, 13, 19


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (OFFSET, np.nan, "offsets that are finite, got nan"),
        (SCORE, np.inf, "scores that are finite, got inf"),
        (PRIOR, np.nan, "prior corners"),
        (VARIANCE, np.nan, "variances"),
        (SCORE, 7.25, "scores from 0 to 1, got 7.25"),  # without its softmax
        (SCORE, -3.0, "scores from 0 to 1, got -3"),
        (SCORE, 97.0, "scores from 0 to 1, got 97"),  # in percent
        (SCORE, 1.01, "scores from 0 to 1, got 1.01"),
        (PRIOR, 2.5, "prior corners from 0 to 1, got 2.5"),
        (PRIOR + 2, 300.0, "prior corners from 0 to 1, got 300"),  # in pixels
        (PRIOR + 2, 0.05, "prior corners xmin, ymin, xmax, ymax"),  # centre and size
        (VARIANCE, 0.0, "variances above 0, got 0"),
        (VARIANCE, -0.1, "variances above 0, got -0.1"),
        (OFFSET, 1e30, "sizes that can be numbers, got"),
        (OFFSET, 500.0, "sizes that can be numbers, got 100"),
    ],
)
def test_numbers_that_no_ssd_gives_are_refused_with_the_number(column, value, words):
    output = output_of(9, (EVERYWHERE, {1: 0.5}), (EVERYWHERE, {}))
    output[1, column] = value
    with pytest.raises(OutputError, match=words) as refusal:
        RawPrediction.from_output(output, 9)
    assert "output are wrong" in str(refusal.value)
    assert "xport" in refusal.value.hint


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((SCORE, 1.0000001), (SCORE, -1e-7), (SCORE, 1.0005)),
        *((PRIOR, -0.45), (PRIOR + 2, 1.5), (OFFSET, -1e30), (OFFSET - 2, 1e6)),
    ],
)
def test_what_rounding_and_boxes_beyond_the_edge_give_is_accepted(column, value):
    output = output_of(9, (EVERYWHERE, {1: 0.5}))
    output[0, column] = value
    assert len(RawPrediction.from_output(output, 9).scores) == 1


def test_a_prediction_is_kept_in_float32_and_column_after_column():
    output = np.full((3, 21), 0.5, np.float64)
    for raw in (RawPrediction.from_output(output), unchecked(output)):
        for part in (raw.offsets, raw.scores, raw.priors, raw.variances):
            assert part.dtype == np.float32
            assert part.flags.f_contiguous


def test_numbers_that_need_a_second_look_are_accepted_with_the_same_rows():
    # Steep variances and offsets, as long as their product is below 80; scores that are rounded.
    output = random_output(np.random.default_rng(4), 300, 9, "softmax")
    expected = RawPrediction.from_output(output)
    output[7, 2], output[8, -1], output[9, 4], output[10, 0] = 70, 9, 1.0005, -1e30
    raw = RawPrediction.from_output(output)
    assert raw.prior_indices.tolist() == expected.prior_indices.tolist()
    assert raw.scores.tolist() == output[raw.prior_indices, 4:-8].tolist()
    assert (
        postprocess(raw, Settings(), SIZE).ids
        == postprocess(unchecked(output), Settings(), SIZE).ids
    )


@pytest.mark.parametrize("prior_count", [1, 2, 127, 128, 129, 1000, 7308])
@pytest.mark.parametrize("column", range(21))
def test_a_number_is_looked_at_in_every_row_and_column(prior_count, column):
    output = random_output(np.random.default_rng(5), prior_count, 9, "softmax")
    for row in {0, prior_count // 2, prior_count - 1}:
        for wrong in (np.nan, -np.inf):
            changed = output.copy()
            changed[row, column] = wrong
            with pytest.raises(OutputError, match="1 numbers of the output are wrong"):
                RawPrediction.from_output(changed)


def test_parts_of_different_lengths_are_refused():
    four = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match=r"expected priors \(3, 4\), got \(2, 4\)"):
        RawPrediction(four, np.zeros((3, 9), np.float32), four[:2], four)
    nine = np.zeros((3, 9), np.float32)
    with pytest.raises(ValueError, match=r"expected prior_indices \(3,\)"):
        RawPrediction(four, nine, four, four, np.arange(2), 10)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 1, 9)])
def test_scores_of_another_shape_are_refused(shape):
    four = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match=r"expected scores \(P, C\) with C >= 2"):
        RawPrediction(four, np.zeros(shape, np.float32), four, four)


# --- decode


def decode_one(offsets, prior, variances=VARIANCES):
    rows = [np.array([row], np.float32) for row in (offsets, prior, variances)]
    return decode(*rows)[0].tolist()


def test_no_offsets_decode_to_no_boxes():
    nothing = np.empty((0, 4), np.float32)
    assert decode(nothing, nothing, nothing).shape == (0, 4)


def test_offsets_of_zero_give_the_prior():
    assert decode_one([0, 0, 0, 0], [0.25, 0.125, 0.75, 0.375]) == [0.25, 0.125, 0.75, 0.375]


def test_the_y_offset_counts_in_heights_of_a_tall_prior():
    # Prior 0.1 wide and 0.4 high: one height times 0.1 is 0.04, one width would be 0.01.
    box = decode_one([0, 1, 0, 0], [0.4, 0.3, 0.5, 0.7])
    assert box == pytest.approx([0.4, 0.34, 0.5, 0.74], abs=1e-6)


def test_the_y_offset_counts_in_heights_of_a_wide_prior():
    box = decode_one([0, -1, 0, 0], [0.2, 0.4, 0.8, 0.5])
    assert box == pytest.approx([0.2, 0.39, 0.8, 0.49], abs=1e-6)


def test_the_x_offset_counts_in_widths():
    box = decode_one([2, 0, 0, 0], [0.2, 0.4, 0.6, 0.5])
    assert box == pytest.approx([0.28, 0.4, 0.68, 0.5], abs=1e-6)


def test_sizes_grow_by_the_exponential_of_their_own_variance():
    # exp(0.2 * 5 ln 2) = 2 for the width, exp(0.1 * -10 ln 2) = 1/2 for the height
    ln2 = float(np.log(2))
    box = decode_one([0, 0, 5 * ln2, -10 * ln2], [0.4, 0.4, 0.6, 0.6], [0.1, 0.1, 0.2, 0.1])
    assert box == pytest.approx([0.3, 0.45, 0.7, 0.55], abs=1e-6)


def test_each_variance_scales_its_own_offset():
    box = decode_one([1, 1, 0, 0], [0.4, 0.4, 0.6, 0.6], [0.5, 0.25, 9, 9])
    assert box == pytest.approx([0.5, 0.45, 0.7, 0.65], abs=1e-6)


def test_boxes_are_clipped_to_the_image():
    assert decode_one([0, 0, 9, 9], [0.2, 0.2, 0.8, 0.8]) == [0, 0, 1, 1]
    assert decode_one([99, -99, 0, 0], [0.4, 0.4, 0.6, 0.6]) == [1, 0, 1, 0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("huge", [500.0, 1e10, 3e38, np.inf])
def test_extreme_offsets_clip_without_warnings_or_nan(huge, sign):
    prior = [0.4, 0.3, 0.6, 0.5]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_one([0, 0, huge, huge], prior) == [0, 0, 1, 1]
        everywhere = decode_one([sign * huge, sign * huge, 1000, 1000], prior, (9, 9, 9, 9))
        assert not np.isnan(everywhere).any()
        vanished = decode_one([0, 0, -huge, -huge], prior)
    assert vanished == pytest.approx([0.5, 0.4, 0.5, 0.4], abs=1e-6)


def test_decoding_undoes_encoding():
    rng = np.random.default_rng(6)
    low, high = np.sort(rng.random((2, 1000, 4)).astype(np.float32), axis=0)
    priors = np.concatenate([low[:, :2], high[:, :2]], axis=1)
    truth = np.concatenate([low[:, 2:], high[:, 2:]], axis=1)
    prior_size = priors[:, 2:] - priors[:, :2]
    middle = ((truth[:, :2] + truth[:, 2:]) - (priors[:, :2] + priors[:, 2:])) / 2
    offsets = np.concatenate(
        [middle / prior_size / 0.1, np.log((truth[:, 2:] - truth[:, :2]) / prior_size) / 0.2],
        axis=1,
    )
    variances = np.tile(np.array(VARIANCES, np.float32), (1000, 1))
    assert np.allclose(decode(offsets, priors, variances), truth, atol=1e-4)


def test_a_box_decodes_to_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(7)
    offsets = rng.normal(0, 3, (777, 4)).astype(np.float32)
    priors = np.array([reference_prior(rng) for _ in range(777)], np.float32)
    variances = np.tile(np.array(VARIANCES, np.float32), (777, 1))
    together = decode(offsets, priors, variances)
    for index in range(777):
        alone = reference.decode_one(offsets[index], priors[index], variances[index])
        assert together[index].tolist() == [float(value) for value in alone]


def reference_prior(rng):
    (x, y), (w, h) = rng.random(2), rng.random(2) * 0.6
    return np.clip([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 0, 1)


# --- Settings


def test_the_defaults_are_those_of_the_existing_system():
    settings = Settings()
    assert (settings.score_threshold, settings.iou_threshold, settings.top_k) == (0.30, 0.45, 200)
    assert settings.classes is None
    assert not settings.class_agnostic


def test_the_threshold_of_a_class_stands_in_place_of_the_common_one():
    settings = Settings(score_threshold=0.3, class_thresholds={4: 0.7})
    assert (settings.threshold_of(4), settings.threshold_of(5)) == (0.7, 0.3)


def test_equal_settings_are_equal_keys():
    one = Settings(class_thresholds={1: 0.5, 2: 0.6}, classes={1, 2})
    other = Settings(class_thresholds={2: 0.6, 1: 0.5}, classes=frozenset({2, 1}))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Settings(class_thresholds={1: 0.5}, classes={1, 2})


def test_settings_do_not_follow_the_mapping_they_were_made_from():
    thresholds = {1: 0.5}
    settings = Settings(class_thresholds=thresholds)
    thresholds[1] = 0.9
    assert dict(settings.class_thresholds) == {1: 0.5}
    with pytest.raises(TypeError):
        settings.class_thresholds[1] = 0.9


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_settings_can_be_copied_and_pickled(copied):
    settings = Settings(class_thresholds={1: 0.5}, classes={1})
    assert copied(settings) == settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"score_threshold": -0.1},
        {"score_threshold": 1.1},
        {"score_threshold": float("nan")},
        {"iou_threshold": 1.5},
        {"class_thresholds": {3: 2.0}},
        {"top_k": -1},
    ],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Settings(**wrong)


# --- Detections


def three_detections():
    return Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([0.9, 0.8, 0.7], np.float32),
        np.array([4, 2, 4]),
        np.array([17, 0, 3]),
    )


def test_empty_detections_have_no_length_and_no_ids():
    empty = Detections.empty()
    assert len(empty) == 0
    assert empty.ids == []
    assert empty.boxes.shape == (0, 4)
    assert (empty.boxes.dtype, empty.class_ids.dtype) == (np.float32, np.int64)
    assert len(empty.take([])) == 0


def test_ids_name_the_class_and_the_prior():
    assert three_detections().ids == ["4-17", "2-0", "4-3"]


@pytest.mark.parametrize(
    ("indices", "ids"),
    [([2, 0], ["4-3", "4-17"]), (np.array([False, True, False]), ["2-0"]), ([], [])],
)
def test_take_keeps_the_chosen_detections_in_that_order(indices, ids):
    chosen = three_detections().take(indices)
    assert chosen.ids == ids
    assert chosen.boxes.shape == (len(ids), 4)


def test_detections_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        three_detections().scores[0] = 1


def test_detections_have_one_type_of_number_whatever_they_are_made_of():
    made = Detections(np.zeros((2, 4)), np.zeros(2), np.zeros(2), np.zeros(2))
    assert (made.boxes.dtype, made.scores.dtype) == (np.float32, np.float32)
    assert (made.class_ids.dtype, made.prior_indices.dtype) == (np.int64, np.int64)


def test_detections_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"expected boxes \(2, 4\), got \(3, 4\)"):
        Detections(np.zeros((3, 4)), np.zeros(2), np.zeros(2), np.zeros(2))


# --- postprocess


def test_an_output_without_priors_has_no_detections():
    assert found(np.empty((0, 21), np.float32)) == []


def test_scores_below_the_threshold_are_no_detections():
    assert found(output_of(9, (EVERYWHERE, {1: 0.29}))) == []


def test_boxes_are_scaled_to_the_pixels_of_the_original_image():
    output = output_of(9, ((0.25, 0.5, 0.75, 1.0), {6: 0.5}))
    detections = postprocess(unchecked(output), Settings(), (1000, 200))
    assert detections.boxes.tolist() == [[250, 100, 750, 200]]
    assert detections.scores.tolist() == [0.5]
    assert detections.ids == ["6-0"]


def test_background_is_never_found():
    assert found(output_of(9, (EVERYWHERE, {0: 0.99, 3: 0.4}))) == [(3, 0)]


def test_a_score_at_the_threshold_is_shown():
    output = output_of(9, (apart(0), {1: 0.3}), (apart(1), {1: np.nextafter(np.float32(0.3), 0)}))
    assert found(output, score_threshold=0.3) == [(1, 0)]


def test_a_threshold_is_compared_in_float32_as_numpy_does():
    # float32(0.7) is a little below 0.7.
    assert found(output_of(9, (EVERYWHERE, {1: 0.7})), score_threshold=0.7) == [(1, 0)]


def test_a_score_at_the_floor_is_never_shown():
    above = np.nextafter(np.float32(0.01), np.float32(1))
    output = output_of(9, (apart(0), {1: 0.01}), (apart(1), {1: above}))
    for threshold in (0.0, 0.005, 0.01):
        assert found(output, score_threshold=threshold) == [(1, 1)]
        assert found(output, score_threshold=1, class_thresholds={1: threshold}) == [(1, 1)]


def test_nms_keeps_classes_apart():
    output = output_of(9, (EVERYWHERE, {1: 0.9, 2: 0.8}), (EVERYWHERE, {1: 0.7, 2: 0.85}))
    assert found(output) == [(1, 0), (2, 1)]


def test_class_agnostic_nms_lets_classes_suppress_each_other():
    output = output_of(9, (EVERYWHERE, {1: 0.8, 2: 0.9}), (apart(0), {1: 0.7}))
    assert found(output, class_agnostic=True) == [(2, 0), (1, 1)]


def test_ties_are_ordered_by_class_and_then_by_prior():
    output = output_of(9, *((apart(index), {3: 0.5, 1: 0.5}) for index in range(3)))
    assert found(output) == [(1, 0), (1, 1), (1, 2), (3, 0), (3, 1), (3, 2)]


def test_of_tied_overlapping_boxes_the_first_prior_is_kept():
    assert found(output_of(9, *[(EVERYWHERE, {5: 0.5})] * 3)) == [(5, 0)]


def test_of_tied_overlapping_classes_the_first_class_is_kept_when_agnostic():
    output = output_of(9, (EVERYWHERE, {4: 0.5}), (EVERYWHERE, {2: 0.5}))
    assert found(output, class_agnostic=True) == [(2, 1)]


def test_boxes_without_area_are_kept_and_suppress_nothing():
    flat = (0.5, 0.5, 0.5, 0.6)
    output = output_of(9, (flat, {1: 0.9}), (flat, {1: 0.8}), (EVERYWHERE, {1: 0.7}))
    assert found(output, iou_threshold=0.0) == [(1, 0), (1, 1), (1, 2)]


def test_an_iou_at_the_threshold_is_kept():
    half = output_of(9, ((0, 0, 0.5, 0.5), {1: 0.9}), ((0, 0, 0.25, 0.5), {1: 0.8}))
    assert found(half, iou_threshold=0.5) == [(1, 0), (1, 1)]
    assert found(half, iou_threshold=0.499) == [(1, 0)]


def test_a_class_threshold_replaces_the_common_one_in_both_directions():
    output = output_of(9, (apart(0), {1: 0.5, 2: 0.5}), (apart(1), {1: 0.2, 2: 0.2}))
    assert found(output, class_thresholds={1: 0.1, 2: 0.6}) == [(1, 0), (1, 1)]


def test_class_agnostic_candidates_pass_their_own_threshold_before_nms():
    # Filtered after NMS, the higher score of class 1 would take class 2 with it.
    output = output_of(9, (EVERYWHERE, {1: 0.8, 2: 0.6}))
    assert found(output, class_agnostic=True, class_thresholds={1: 0.9}) == [(2, 0)]


def test_only_the_shown_classes_are_found():
    output = output_of(9, (apart(0), {1: 0.9, 2: 0.8, 3: 0.7}))
    assert found(output, classes={2, 3}) == [(2, 0), (3, 0)]
    assert found(output, classes=set()) == []


def test_a_hidden_class_still_suppresses_when_agnostic():
    output = output_of(9, (EVERYWHERE, {1: 0.9, 2: 0.8}), (apart(0), {2: 0.7}))
    assert found(output, class_agnostic=True, classes={2}) == [(2, 1)]
    assert found(output, class_agnostic=False, classes={2}) == [(2, 0), (2, 1)]


def test_top_k_cuts_after_thresholds_and_shown_classes():
    rows = [(apart(index), {1: 0.9 - 0.001 * index, 2: 0.4}) for index in range(50)]
    output = output_of(9, *rows)
    assert found(output, top_k=3) == [(1, 0), (1, 1), (1, 2)]
    assert found(output, top_k=2, class_thresholds={1: 0.95}) == [(2, 0), (2, 1)]
    assert found(output, top_k=2, classes={2}) == [(2, 0), (2, 1)]
    assert found(output, top_k=2, classes={2}, class_agnostic=True, iou_threshold=1.0) == [
        (2, 0),
        (2, 1),
    ]
    assert found(output, top_k=0) == []


def test_at_most_400_boxes_of_a_class_are_kept():
    assert 3 * BLOCK < 900
    rows = [(apart(index), {1: 0.9 - 0.0005 * index}) for index in range(900)]
    rows += [(apart(index), {2: 0.35}) for index in range(900, 910)]
    output = output_of(3, *rows)
    kept = found(output, top_k=1000)
    assert kept == [(1, index) for index in range(400)] + [(2, index) for index in range(900, 910)]


def test_the_200_best_are_shown_by_default():
    rows = [(apart(index), {1 + index % 2: 0.4 + 0.001 * index}) for index in range(500)]
    kept = found(output_of(3, *rows))
    assert kept == [(1 + index % 2, index) for index in range(499, 299, -1)]


def test_a_higher_threshold_shows_a_part_of_what_a_lower_one_shows():
    output = random_output(np.random.default_rng(8), 300, 9, "softmax")
    everything = found(output, score_threshold=0.0, top_k=10_000)
    scores = {(c, p): output[p, 4 + c] for c, p in everything}
    for threshold in (0.02, 0.1, 0.3, 0.7):
        assert found(output, score_threshold=threshold, top_k=10_000) == [
            pair for pair in everything if scores[pair] >= np.float32(threshold)
        ]


def test_the_same_box_has_the_same_id_at_every_threshold():
    raw = RawPrediction.from_output(random_output(np.random.default_rng(8), 300, 9, "softmax"))
    many = postprocess(raw, Settings(score_threshold=0.1), SIZE)
    few = postprocess(raw, Settings(score_threshold=0.6), SIZE)
    boxes = dict(zip(many.ids, many.boxes.tolist(), strict=True))
    assert 0 < len(few) < len(many)
    assert all(boxes[name] == box for name, box in zip(few.ids, few.boxes.tolist(), strict=True))


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_whatever_was_asked_before_a_prediction_gives_the_same(class_agnostic):
    output = random_output(np.random.default_rng(9), 3000, 4, "softmax")
    seen = unchecked(output)
    changes = [
        *({"score_threshold": threshold} for threshold in (0.9, 0.3, 0.95, 0.2, 0.0, 0.5)),
        *({"score_threshold": 0.0, "top_k": top_k} for top_k in (5, 1000, 100)),
        *({"classes": classes, "score_threshold": 0.1} for classes in ({1}, {1, 2}, {9}, None)),
        *({"class_thresholds": own} for own in ({1: 0.8}, {1: 0.1, 3: 1.0}, {7: 0.1}, {})),
        *({"iou_threshold": iou} for iou in (0.9, 0.1)),
    ]
    for change in changes:
        settings = Settings(class_agnostic=class_agnostic, **change)
        again, fresh = (postprocess(raw, settings, SIZE) for raw in (seen, unchecked(output)))
        assert again.ids == fresh.ids, change
        assert again.boxes.tolist() == fresh.boxes.tolist()


def assert_equals_reference(output, settings):
    detections = postprocess(unchecked(output), Settings(**settings), SIZE)
    rows = reference.postprocess(output, SIZE, **settings)
    ours = zip(
        detections.class_ids.tolist(),
        detections.prior_indices.tolist(),
        detections.scores.tolist(),
        *detections.boxes.T.tolist(),
        strict=True,
    )
    assert list(ours) == [tuple(map(float, row)) for row in rows], settings


@pytest.mark.parametrize("class_count", [2, 9, 21])
@pytest.mark.parametrize("kind", ["softmax", "tied", "at the thresholds", "extreme", "one heap"])
def test_postprocess_equals_the_reference_on_random_outputs(kind, class_count):
    rng = np.random.default_rng([11, class_count, len(kind)])
    for _ in range(60):
        output = random_output(rng, int(rng.integers(0, 40)), class_count, kind)
        assert_equals_reference(output, random_settings(rng, class_count))


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("kind", ["softmax", "tied", "one heap"])
def test_postprocess_equals_the_reference_across_many_blocks(kind, class_agnostic):
    rng = np.random.default_rng([12, len(kind)])
    output = random_output(rng, 500, 4, kind)
    assert (output[:, 5:-8] > 0.01).sum() > 3 * BLOCK
    assert_equals_reference(
        output,
        {"score_threshold": 0.01, "class_agnostic": class_agnostic, "iou_threshold": 0.6},
    )
