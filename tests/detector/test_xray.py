import time
import tracemalloc

import numpy as np
import pytest

from detector.ssd import Settings, postprocess
from detector.xray import xray
from tests.support import reference
from tests.support.outputs import SIZE, apart, output_of, random_output, random_settings, unchecked

# On one line of height 1: IoU of the first with the second 9/11, with the third 8/12; the second
# with the third 9/11.
FIRST, SECOND, THIRD = (0.0, 0, 0.5, 1), (0.05, 0, 0.55, 1), (0.1, 0, 0.6, 1)
SHOES, WATCH = 1, 2
KINDS = ["softmax", "tied", "at the thresholds", "extreme", "one heap"]


def looked_at(*rows, class_count=3, **settings):
    raw = unchecked(output_of(class_count, *rows))
    return xray(raw, Settings(**settings), SIZE)


def funnel_of(result, class_id):
    funnel = result.funnel
    return [
        int(step[class_id])
        for step in (
            funnel.priors,
            funnel.above_floor,
            funnel.above_threshold,
            funnel.after_nms,
            funnel.shown,
        )
    ]


# --- the funnel


def test_without_priors_nothing_is_left_from_the_start():
    result = looked_at()
    assert len(result.candidates) == 0
    assert [funnel_of(result, class_id) for class_id in range(3)] == [[0] * 5] * 3


def test_the_funnel_counts_what_each_step_leaves_of_a_class():
    rows = [
        (FIRST, {WATCH: 0.9}),
        (SECOND, {WATCH: 0.8}),
        ((0.7, 0, 0.8, 1), {WATCH: 0.7}),
        ((0.9, 0, 1, 1), {WATCH: 0.2}),
        (THIRD, {WATCH: 0.01, SHOES: 0.6}),
    ]
    result = looked_at(*rows, top_k=2)
    assert funnel_of(result, WATCH) == [5, 4, 3, 2, 2]
    assert funnel_of(result, SHOES) == [5, 1, 1, 1, 0]
    assert funnel_of(result, 0) == [0] * 5


def test_hidden_classes_fall_out_in_the_last_step():
    result = looked_at((FIRST, {WATCH: 0.9, SHOES: 0.5}), classes={SHOES})
    assert funnel_of(result, WATCH) == [1, 1, 1, 1, 0]
    assert funnel_of(result, SHOES) == [1, 1, 1, 1, 1]


def test_the_limit_of_400_a_class_is_in_the_last_step():
    rows = [(apart(index), {WATCH: 0.9}) for index in range(401)]
    assert funnel_of(looked_at(*rows, top_k=1000), WATCH) == [401, 401, 401, 401, 400]


def test_class_agnostic_the_limit_of_400_does_not_hold():
    rows = [(apart(index), {WATCH: 0.9}) for index in range(401)]
    result = looked_at(*rows, top_k=1000, class_agnostic=True)
    assert funnel_of(result, WATCH)[-1] == 401


# --- who suppressed whom


def test_a_box_is_suppressed_by_the_best_one_that_overlaps_it():
    # Both of the first two overlap the third too much; the second is gone when the third comes.
    result = looked_at(
        (FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.8}), (THIRD, {WATCH: 0.7}), iou_threshold=0.5
    )
    assert result.suppressor.tolist() == [-1, 0, 0]
    assert result.kept.tolist() == [True, False, False]
    assert result.ious.tolist() == pytest.approx([0, 9 / 11, 8 / 12], abs=1e-6)
    assert result.suppressed_by(0).tolist() == [1, 2]
    assert result.suppressed_by(1).tolist() == []


def test_a_suppressed_box_suppresses_nothing():
    result = looked_at(
        (FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.8}), (THIRD, {WATCH: 0.7}), iou_threshold=0.7
    )
    assert result.suppressor.tolist() == [-1, 0, -1]


def test_of_two_kept_that_overlap_a_box_the_better_scored_suppressed_it():
    result = looked_at(
        (SECOND, {WATCH: 0.5}), (FIRST, {WATCH: 0.8}), (THIRD, {WATCH: 0.9}), iou_threshold=0.7
    )
    # In order of scores: THIRD, FIRST, SECOND.
    assert result.candidates.prior_indices.tolist() == [2, 1, 0]
    assert result.suppressor.tolist() == [-1, -1, 0]


def test_classes_suppress_each_other_only_when_agnostic():
    rows = [(FIRST, {WATCH: 0.9}), (FIRST, {SHOES: 0.8})]
    assert looked_at(*rows).suppressor.tolist() == [-1, -1]
    assert looked_at(*rows, class_agnostic=True).suppressor.tolist() == [-1, 0]


def test_boxes_below_the_threshold_are_seen_with_who_suppressed_them():
    result = looked_at(
        (FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.1}), ((0.9, 0, 1, 1), {WATCH: 0.1})
    )
    assert result.above_threshold.tolist() == [True, False, False]
    assert result.suppressor.tolist() == [-1, 0, -1]
    assert result.shown.tolist() == [True, False, False]


def test_a_score_at_the_threshold_is_above_it_as_in_postprocess():
    # float32(0.7) is a little below 0.7.
    result = looked_at((FIRST, {WATCH: 0.7}), score_threshold=0.7)
    assert result.shown.tolist() == [True]
    assert funnel_of(result, WATCH) == [1] * 5


def test_class_agnostic_a_box_below_the_threshold_takes_no_part():
    result = looked_at((FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.1}), class_agnostic=True)
    assert result.candidates.prior_indices.tolist() == [0]


def test_candidates_are_in_pixels_of_the_image_and_named_as_detections_are():
    result = looked_at((FIRST, {WATCH: 0.9}))
    assert result.candidates.boxes.tolist() == [[0, 0, 320, 371]]
    assert result.candidates.ids == ["2-0"]


def test_what_is_found_is_read_only():
    result = looked_at((FIRST, {WATCH: 0.9}))
    names = ("above_threshold", "kept", "shown", "suppressor", "ious")
    assert [name for name in names if getattr(result, name).flags.writeable] == []


# --- the same as post-processing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(15))
def test_the_shown_candidates_are_exactly_those_of_postprocess(kind, seed):
    rng = np.random.default_rng([21, seed, len(kind)])
    output = random_output(rng, int(rng.choice([0, 1, 40, 600])), 5, kind)
    settings = Settings(**random_settings(rng, 5))
    raw = unchecked(output)
    result, expected = xray(raw, settings, SIZE), postprocess(raw, settings, SIZE)
    shown = result.candidates.take(result.shown)
    assert shown.ids == expected.ids
    assert shown.boxes.tolist() == expected.boxes.tolist()
    assert shown.scores.tolist() == expected.scores.tolist()
    by_class = np.bincount(expected.class_ids, minlength=5)
    assert result.funnel.shown.tolist() == by_class.tolist()


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_suppressed_box_has_the_suppressor_of_the_blackboard(kind, class_agnostic):
    rng = np.random.default_rng([22, len(kind)])
    output = random_output(rng, 60, 4, kind)
    settings = Settings(0.1, 0.5, class_agnostic)
    result = xray(unchecked(output), settings, (1, 1))
    boxes = [reference.decode_one(row[:4], row[-8:-4], row[-4:]) for row in output]
    kept = []
    for index, (class_id, prior) in enumerate(
        zip(result.candidates.class_ids, result.candidates.prior_indices, strict=True)
    ):
        suppressors = [
            better
            for better in kept
            if (class_agnostic or result.candidates.class_ids[better] == class_id)
            and reference.iou(boxes[prior], boxes[result.candidates.prior_indices[better]])
            > np.float32(0.5)
        ]
        if not suppressors:
            kept.append(index)
        assert result.suppressor[index] == (suppressors[0] if suppressors else -1)
    assert np.flatnonzero(result.kept).tolist() == kept


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_the_rows_above_the_floor_say_all_that_the_whole_output_says(kind, seed):
    rng = np.random.default_rng([23, seed, len(kind)])
    output = random_output(rng, 600, 5, kind)
    output[rng.random(600) < 0.6, 5:-8] = 0.01  # at the floor, not above it
    settings = Settings(**random_settings(rng, 5))
    raw = unchecked(output)
    compact = raw.compact()
    assert len(compact.scores) < 300
    expected, found = postprocess(raw, settings, SIZE), postprocess(compact, settings, SIZE)
    assert found.ids == expected.ids
    assert found.boxes.tolist() == expected.boxes.tolist()
    funnel, same = xray(raw, settings, SIZE).funnel, xray(compact, settings, SIZE).funnel
    assert funnel.priors.tolist() == same.priors.tolist() == [0, 600, 600, 600, 600]
    assert funnel.shown.tolist() == same.shown.tolist()


# --- many


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2600])
def test_each_of_thousands_has_its_suppressor_and_its_iou(count: int):
    """Two boxes that are kept, and under each of them as many again, the worse the later."""
    rows = [((0.0, 0, 0.4, 1), {SHOES: 1.0}), ((0.5, 0, 0.9, 1), {SHOES: 0.99})]
    for number in range(count):
        left = 0.5 * (number % 2)
        right = left + 0.4 - 0.1 * number / count
        rows.append(((left, 0, right, 1), {SHOES: 0.9 - 0.5 * number / count}))
    result = looked_at(*rows)
    assert np.flatnonzero(result.kept).tolist() == [0, 1]
    expected = np.arange(count) % 2
    assert result.suppressor[2:].tolist() == expected.tolist()
    widths = 0.4 - 0.1 * np.arange(count) / count
    assert np.abs(result.ious[2:] - widths / 0.4).max() < 1e-4
    assert len(result.suppressed_by(0)) + len(result.suppressed_by(1)) == count


def test_the_memory_for_thousands_that_are_kept_and_suppressed_has_a_bound():
    output = np.repeat(output_of(2, *((apart(i), {SHOES: 0.9}) for i in range(1000))), 8, axis=0)
    raw = unchecked(output)
    tracemalloc.start()
    try:
        result = xray(raw, Settings(), SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.kept.sum() == 1000
    assert peak < 30_000_000


def test_sixty_thousand_flat_scores_of_21_classes_take_about_a_second():
    rng = np.random.default_rng(3)
    low = rng.random((3000, 2)) * 0.8
    output = np.zeros((3000, 33), np.float32)
    output[:, 4:-8] = rng.random((3000, 21))
    output[:, -8:-4] = np.concatenate([low, low + 0.05 + 0.15 * rng.random((3000, 2))], axis=1)
    output[:, -4:] = 0.1
    everything = Settings(score_threshold=0, top_k=10**6)
    for work in (xray, postprocess):
        raw = unchecked(output)
        started = time.process_time()
        work(raw, everything, SIZE)
        assert time.process_time() - started < 3  # compared across classes it is 11 s
