import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.curves import (
    Counts,
    average_precision,
    average_precisions,
    confusion,
    count_detections,
    curve,
    interpolated_precision,
    mean_without_nan,
    outcome_counts,
    outcomes,
    tally,
)
from detector.evaluation.matching import Outcome, compare, match
from detector.ssd import Detections, Settings
from tests.detector.evaluation.test_matching import (
    BOOKS,
    CLASS_COUNT,
    SHOES,
    WATCH,
    found,
    truth,
)
from tests.support.coco import random_images

BOX, NEXT, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def matched(*images, class_count=CLASS_COUNT, iou_threshold=0.5):
    return match(compare(images, class_count), iou_threshold)


def settings(score_threshold=0.0, **more):
    return Settings(score_threshold, **more)


@pytest.fixture
def two_right_two_wrong():
    """Watches: right at 0.9 and 0.7, wrong at 0.8 and 0.6, one of three is never found."""
    return matched(
        (
            truth((WATCH, BOX), (WATCH, NEXT), (WATCH, (80, 80, 90, 90))),
            found((WATCH, 0.9, BOX), (WATCH, 0.8, FAR), (WATCH, 0.7, NEXT), (WATCH, 0.6, FAR)),
        )
    )


# --- Counts


def test_without_detections_precision_is_not_a_number_and_recall_is_nought():
    counts = Counts(np.array(0), np.array(0), np.array(3))
    assert np.isnan(counts.precision)
    assert counts.recall == counts.f1 == 0


def test_without_anything_nothing_is_a_number():
    counts = Counts(np.array(0), np.array(0), np.array(0))
    assert np.isnan([counts.precision, counts.recall, counts.f1]).all()


def test_precision_recall_and_f1_of_known_counts():
    counts = Counts(np.array([6, 1]), np.array([2, 0]), np.array([4, 0]))
    assert counts.precision.tolist() == [0.75, 1]
    assert counts.recall.tolist() == [0.6, 1]
    assert counts.f1.tolist() == [12 / 18, 1]


def test_a_total_adds_up_before_it_divides():
    total = Counts(np.array([6, 1]), np.array([2, 0]), np.array([4, 0])).total()
    assert total.precision == 7 / 9
    assert total.recall == 7 / 11


# --- curve


def test_a_curve_without_images_is_empty():
    points = curve(matched())
    assert points.thresholds.shape == points.precision.shape == points.recall.shape == (0,)
    assert points.truth_count == 0
    assert points.at(0.5).true_positives == 0


def test_a_curve_has_one_point_for_each_score(two_right_two_wrong):
    points = curve(two_right_two_wrong, WATCH)
    assert points.thresholds.tolist() == np.float32([0.9, 0.8, 0.7, 0.6]).tolist()
    assert points.true_positives.tolist() == [1, 1, 2, 2]
    assert points.false_positives.tolist() == [0, 1, 1, 2]
    assert points.misses.tolist() == [2, 2, 1, 1]
    assert points.truth_count == 3
    assert points.precision.tolist() == [1, 1 / 2, 2 / 3, 1 / 2]
    assert points.recall.tolist() == [1 / 3, 1 / 3, 2 / 3, 2 / 3]
    assert points.f1.tolist() == [1 / 2, 2 / 5, 2 / 3, 4 / 7]


def test_detections_of_one_score_come_and_go_together():
    points = curve(
        matched((truth((WATCH, BOX)), found((WATCH, 0.5, FAR), (WATCH, 0.5, BOX)))), WATCH
    )
    assert points.thresholds.tolist() == [0.5]
    assert points.precision.tolist() == [0.5]
    points = curve(
        matched((truth(), found((WATCH, 0.75, FAR), (WATCH, 0.5, FAR), (WATCH, 0.5, FAR)))), WATCH
    )
    assert points.thresholds.tolist() == [0.75, 0.5]


def test_a_curve_over_all_classes_pools_them():
    points = curve(
        matched((truth((WATCH, BOX), (BOOKS, FAR)), found((WATCH, 0.9, BOX), (SHOES, 0.5, NEXT))))
    )
    assert points.true_positives.tolist() == [1, 1]
    assert points.false_positives.tolist() == [0, 1]
    assert points.truth_count == 2


def test_ignored_detections_and_true_boxes_are_in_no_curve():
    truths = truth((WATCH, BOX), (WATCH, FAR), crowd=[1])
    points = curve(matched((truths, found((WATCH, 0.9, FAR), (WATCH, 0.8, BOX)))), WATCH)
    assert points.thresholds.tolist() == np.float32([0.8]).tolist()
    assert points.precision.tolist() == points.recall.tolist() == [1]


def test_a_score_at_the_threshold_is_shown(two_right_two_wrong):
    points = curve(two_right_two_wrong, WATCH)
    # float32(0.7) is a little below 0.7, and passes it all the same, as in post-processing.
    asked = points.at([1, 0.95, 0.9, 0.85, 0.7, 0.65, 0])
    assert asked.true_positives.tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert asked.false_positives.tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert asked.misses.tolist() == [3, 3, 2, 2, 1, 1, 1]


# --- average precision


def test_average_precision_of_a_class_without_true_boxes_is_not_a_number():
    matches = matched((truth((WATCH, BOX)), found((BOOKS, 0.9, BOX))))
    assert np.isnan(average_precision(matches, BOOKS))


def test_average_precision_without_detections_is_nought():
    assert average_precision(matched((truth((WATCH, BOX)), found())), WATCH) == 0


def test_average_precision_of_perfect_detections_is_one():
    assert average_precision(matched((truth((WATCH, BOX)), found((WATCH, 0.1, BOX)))), WATCH) == 1


def test_the_interpolated_precision_is_the_best_at_that_recall_or_above(two_right_two_wrong):
    precision = interpolated_precision(two_right_two_wrong, WATCH)
    # 1 up to a recall of 1/3, then 2/3 up to 2/3, then nothing.
    assert precision[[0, 33]].tolist() == [1, 1]
    assert precision[[34, 66]].tolist() == [2 / 3, 2 / 3]
    assert precision[[67, 100]].tolist() == [0, 0]
    assert average_precision(two_right_two_wrong, WATCH) == pytest.approx(
        (34 + 33 * 2 / 3) / 101, abs=1e-12
    )


def test_only_the_best_detections_of_a_image_count_in_average_precision():
    rows = [(WATCH, 0.9 - 0.001 * number, FAR) for number in range(100)]
    matches = matched((truth((WATCH, BOX)), found(*rows, (WATCH, 0.1, BOX))))
    assert average_precision(matches, WATCH) == 0
    assert average_precision(matches, WATCH, max_detections=None) == pytest.approx(1 / 101)
    assert average_precision(matches, WATCH, max_detections=101) == pytest.approx(1 / 101)


def test_detections_of_other_classes_and_images_do_not_count_among_the_best():
    rows = [(SHOES, 0.9 - 0.001 * number, FAR) for number in range(100)]
    matches = matched(
        (truth(), found(*[(WATCH, 0.05, FAR)] * 100)),
        (truth((WATCH, BOX)), found(*rows, (WATCH, 0.1, BOX))),
    )
    assert average_precision(matches, WATCH) == 1


def test_in_average_precision_detections_of_one_score_count_in_the_order_of_the_images():
    others = [(truth(), found((WATCH, 0.9, FAR), (WATCH, 0.5, FAR)))] * 99
    one = (truth((WATCH, BOX)), found((WATCH, 0.5, BOX)))
    assert average_precision(matched(one, *others), WATCH) == pytest.approx(1 / 100)
    assert average_precision(matched(*others, one), WATCH) == pytest.approx(1 / 199)


def test_average_precisions_are_a_table_of_iou_thresholds_and_classes():
    # IoU 0.8: right at 0.50 to 0.80, wrong at 0.85 to 0.95.
    comparison = compare([(truth((WATCH, BOX)), found((WATCH, 0.9, (0, 0, 10, 8))))], CLASS_COUNT)
    table = average_precisions(comparison)
    assert table.shape == (10, 4)
    assert table[:, WATCH].tolist() == [1] * 7 + [0] * 3
    assert np.isnan(table[:, [0, SHOES, BOOKS]]).all()
    assert mean_without_nan(table) == 0.7


def test_the_mean_of_nothing_is_not_a_number():
    assert np.isnan(mean_without_nan([np.nan, np.nan]))
    assert np.isnan(mean_without_nan([]))


# --- counts of detections


def test_counts_without_images_are_nought():
    assert count_detections([], CLASS_COUNT, [0.0, 0.5]).tolist() == [[0] * 4, [0] * 4]


def test_counts_of_detections_by_threshold_and_class():
    first = found((WATCH, 0.9, BOX), (WATCH, 0.7, BOX), (BOOKS, 0.3, BOX))
    counts = count_detections([first, Detections.empty(), first], CLASS_COUNT, [0, 0.3, 0.7, 1])
    assert counts.tolist() == [[0, 0, 4, 2], [0, 0, 4, 2], [0, 0, 4, 0], [0, 0, 0, 0]]


# --- outcomes at thresholds


def test_outcomes_without_images_are_empty():
    result = outcomes(matched(), settings())
    assert result.detections.shape == result.truths.shape == (0,)


def test_a_true_box_is_missed_where_its_detection_is_below_the_threshold():
    matches = matched((truth((WATCH, BOX)), found((WATCH, 0.6, BOX))))
    assert outcomes(matches, settings(0.6)).truths.tolist() == [Outcome.RIGHT]
    assert outcomes(matches, settings(0.6)).detections.tolist() == [Outcome.RIGHT]
    assert outcomes(matches, settings(0.61)).truths.tolist() == [Outcome.MISSED]
    assert outcomes(matches, settings(0.61)).detections.tolist() == [Outcome.HIDDEN]


def test_a_class_has_its_own_threshold():
    matches = matched(
        (truth((WATCH, BOX), (BOOKS, FAR)), found((WATCH, 0.6, BOX), (BOOKS, 0.6, FAR)))
    )
    result = outcomes(matches, settings(0.5, class_thresholds={BOOKS: 0.7}))
    assert result.truths.tolist() == [Outcome.RIGHT, Outcome.MISSED]


def test_a_class_that_is_not_shown_takes_no_part():
    matches = matched(
        (truth((WATCH, BOX), (BOOKS, FAR)), found((WATCH, 0.6, BOX), (BOOKS, 0.6, FAR)))
    )
    result = outcomes(matches, settings(classes=frozenset({WATCH})))
    assert result.detections.tolist() == [Outcome.RIGHT, Outcome.HIDDEN]
    assert result.truths.tolist() == [Outcome.RIGHT, Outcome.HIDDEN]


@pytest.mark.parametrize("detection", [(WATCH, 0.6, (0, 0, 10, 4)), (BOOKS, 0.6, BOX)])
def test_a_miss_that_a_near_miss_explains_is_told_apart_while_that_is_shown(detection):
    matches = matched((truth((WATCH, BOX)), found(detection)))
    assert outcomes(matches, settings(0.6)).truths.tolist() == [Outcome.MISSED_NEARLY]
    assert outcomes(matches, settings(0.7)).truths.tolist() == [Outcome.MISSED]


def test_a_found_box_stays_found_when_a_class_error_points_at_it():
    matches = matched((truth((WATCH, BOX)), found((WATCH, 0.9, BOX), (BOOKS, 0.8, BOX))))
    assert outcomes(matches, settings()).truths.tolist() == [Outcome.RIGHT]


def test_a_crowd_box_is_neither_found_nor_missed():
    matches = matched((truth((WATCH, BOX), crowd=[0]), found()))
    assert outcomes(matches, settings()).truths.tolist() == [Outcome.IGNORED]
    assert tally(matches, settings()).misses.tolist() == [0, 0, 0, 0]


def test_outcomes_are_counted_by_class(two_right_two_wrong):
    counts = outcome_counts(two_right_two_wrong, settings(0.65))
    assert counts.shape == (4, 10)
    assert counts[WATCH, Outcome.RIGHT] == 2
    assert counts[WATCH, Outcome.BACKGROUND] == 1
    assert counts[WATCH, Outcome.HIDDEN] == 1
    assert counts[WATCH, Outcome.MISSED] == 1
    assert counts.sum() == 5


def test_a_tally_is_the_point_of_each_curve_at_its_threshold(two_right_two_wrong):
    counts = tally(two_right_two_wrong, settings(0.75))
    assert counts.true_positives.tolist() == [0, 0, 1, 0]
    assert counts.false_positives.tolist() == [0, 0, 1, 0]
    assert counts.misses.tolist() == [0, 0, 2, 0]
    assert counts.total().precision == 0.5


# --- confusion


def test_a_confusion_without_images_is_nought():
    assert confusion(matched(), settings()).counts.tolist() == [[0] * 4] * 4


def test_a_confusion_counts_right_mistaken_invented_and_missed():
    matches = matched(
        (
            truth((WATCH, BOX), (BOOKS, NEXT), (SHOES, (80, 80, 90, 90))),
            found((WATCH, 0.9, BOX), (WATCH, 0.8, NEXT), (BOOKS, 0.7, FAR)),
        )
    )
    matrix = confusion(matches, settings())
    assert matrix.counts.tolist() == [
        [0, 0, 0, 1],  # nothing there: books
        [1, 0, 0, 0],  # shoes: not found
        [0, 0, 1, 0],  # watch: watch
        [0, 0, 1, 0],  # books: watch
    ]
    cells = {(0, BOOKS): ([2], []), (SHOES, 0): ([], [2]), (BOOKS, WATCH): ([1], [1])}
    for cell, (detections, truths) in cells.items():
        assert [indices.tolist() for indices in matrix.cell(*cell)] == [detections, truths]


def test_a_box_that_is_found_is_not_mistaken_as_well():
    matches = matched((truth((WATCH, BOX)), found((BOOKS, 0.9, BOX), (WATCH, 0.2, BOX))))
    assert confusion(matches, settings()).counts[WATCH].tolist() == [0, 0, 1, 0]
    assert confusion(matches, settings()).counts[0].tolist() == [0, 0, 0, 1]
    assert confusion(matches, settings(0.5)).counts[WATCH].tolist() == [0, 0, 0, 1]


def test_a_box_of_another_class_is_mistaken_at_the_iou_threshold_and_not_below_it():
    images = (truth((WATCH, BOX)), found((BOOKS, 0.9, (0, 0, 10, 5))))  # an IoU of one half
    mistaken = [
        confusion(matched(images, iou_threshold=iou), settings()).counts[WATCH, BOOKS]
        for iou in (0.5, 0.51)
    ]
    assert mistaken == [1, 0]


def test_ignored_detections_and_true_boxes_are_in_no_cell():
    matches = matched((truth((WATCH, BOX), crowd=[0]), found((WATCH, 0.9, BOX))))
    matrix = confusion(matches, settings())
    assert matrix.counts.sum() == 0
    assert matrix.detection_rows.tolist() == matrix.truth_columns.tolist() == [-1]


# --- properties

# The same examples on every machine, however busy it is.
steadily = hypothesis.settings(derandomize=True, deadline=None, max_examples=60)


@steadily
@given(
    seed=st.integers(0, 200),
    score_threshold=st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.73, 0.95, 1.0]),
    class_thresholds=st.dictionaries(st.integers(1, 4), st.sampled_from([0.1, 0.45, 0.9])),
)
def test_every_table_tells_the_same_numbers(seed, score_threshold, class_thresholds):
    matches = match(compare(random_images(seed), 5))
    chosen = settings(score_threshold, class_thresholds=class_thresholds)
    counts, matrix = tally(matches, chosen), confusion(matches, chosen)
    for class_id in range(5):
        point = curve(matches, class_id).at(chosen.threshold_of(class_id))
        assert counts.true_positives[class_id] == point.true_positives
        assert counts.false_positives[class_id] == point.false_positives
        assert counts.misses[class_id] == point.misses
    assert np.diag(matrix.counts)[1:].tolist() == counts.true_positives[1:].tolist()
    shown = counts.true_positives + counts.false_positives
    assert matrix.counts.sum(axis=0)[1:].tolist() == shown[1:].tolist()
    true = counts.true_positives + counts.misses
    assert matrix.counts.sum(axis=1)[1:].tolist() == true[1:].tolist()
    for true_class, found_class in np.ndindex(5, 5):
        detections, truths = matrix.cell(true_class, found_class)
        if found_class:
            assert len(detections) == matrix.counts[true_class, found_class]
        if true_class:
            assert len(truths) == matrix.counts[true_class, found_class]


@steadily
@given(seed=st.integers(0, 200), score_threshold=st.sampled_from([0.15, 0.4, 0.75]))
def test_a_threshold_is_a_filter_matching_what_is_left_gives_the_same(seed, score_threshold):
    images = random_images(seed)
    all_of_them = outcomes(match(compare(images, 5)), settings(score_threshold))
    filtered = [
        (truths, detections.take(detections.scores >= score_threshold))
        for truths, detections in images
    ]
    left = outcomes(match(compare(filtered, 5)), settings())
    shown = all_of_them.detections != Outcome.HIDDEN
    assert all_of_them.detections[shown].tolist() == left.detections.tolist()
    assert all_of_them.truths.tolist() == left.truths.tolist()
