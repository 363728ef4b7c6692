import numpy as np
import pytest

from detector.evaluation.curves import curve
from detector.evaluation.matching import compare, match
from detector.evaluation.operating_points import (
    OperatingPoint,
    at_least_cost,
    at_precision,
    at_recall,
    best_f1,
    reachable,
)
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

LABELS = ("background", "shoes", "watch", "books")
FAR = (50, 50, 60, 60)


def place(number):
    return (12 * number, 0, 12 * number + 10, 10)


def watches(rights, true_count=None, first=0.9, step=0.1):
    """Watches with scores 0.9, 0.8, ...: "+" is right, "-" is wrong."""
    count = rights.count("+") if true_count is None else true_count
    free = iter(range(count))
    rows = [
        (WATCH, first - step * number, place(next(free)) if right == "+" else FAR)
        for number, right in enumerate(rights)
    ]
    truths = truth(*[(WATCH, place(number)) for number in range(count)])
    return match(compare([(truths, found(*rows))], CLASS_COUNT))


# --- best F1


def test_without_images_no_class_has_a_threshold():
    matches = match(compare([], CLASS_COUNT))
    assert best_f1(matches) == {SHOES: None, WATCH: None, BOOKS: None}
    assert reachable(best_f1(matches)) == {}


def test_a_class_without_true_boxes_has_no_threshold():
    matches = match(compare([(truth(), found((WATCH, 0.9, FAR)))], CLASS_COUNT))
    for chosen in (
        best_f1(matches),
        at_precision(matches, 0),
        at_recall(matches, 0),
        at_least_cost(matches, 1, 1),
    ):
        assert chosen == {SHOES: None, WATCH: None, BOOKS: None}


def test_a_class_of_which_nothing_is_right_has_no_best_f1():
    assert best_f1(watches("--", true_count=1))[WATCH] is None


def test_the_best_f1_is_found_at_the_score_that_reaches_it():
    # F1 of the first one, two, ... : 2/4, 2/5, 4/6, 4/7, 4/8; then 2/3 and falling, 4/9 at last.
    assert best_f1(watches("+-+--", true_count=3))[WATCH] == 0.7
    assert best_f1(watches("+-----+", true_count=2))[WATCH] == 0.9
    assert best_f1(watches("-+"))[WATCH] == 0.8


def test_of_equal_f1_the_threshold_that_finds_most_is_taken():
    # F1 is 2/4 with the first alone, and 4/8 with all five.
    points = curve(watches("+---+", true_count=3), WATCH)
    assert points.f1[[0, 4]].tolist() == [0.5, 0.5]
    assert best_f1(watches("+---+", true_count=3))[WATCH] == 0.5


@pytest.mark.parametrize(
    ("right", "wrong", "threshold"),
    [
        (0.7, 0.1, "0.7"),
        (0.40041476, 0.1, "0.4"),
        (0.40041476, 0.4003, "0.4004"),
        (0.40041476, 0.4004146, "0.4004147"),
        (0.0151, 0.01, "0.015"),
        (0.45678, 0.1, "0.45"),
    ],
)
def test_a_threshold_has_no_more_digits_than_part_its_score_from_the_next(right, wrong, threshold):
    found_one = found((WATCH, right, place(0)), (WATCH, wrong, FAR))
    matches = match(compare([(truth((WATCH, place(0))), found_one)], CLASS_COUNT))
    chosen = best_f1(matches)[WATCH]
    assert repr(chosen) == threshold
    at = curve(matches, WATCH).at(chosen)
    assert (at.true_positives, at.false_positives) == (1, 0)


def test_the_threshold_of_the_only_detection_has_two_digits():
    assert best_f1(watches("+", first=0.40041476))[WATCH] == 0.4


# --- precision and recall


def test_the_lowest_threshold_that_reaches_a_precision():
    # Precision: 1, 1/2, 2/3, 3/4, 3/5.
    matches = watches("+-++-")
    assert at_precision(matches, 0.75)[WATCH] == 0.6
    assert at_precision(matches, 0.7)[WATCH] == 0.6
    assert at_precision(matches, 0.76)[WATCH] == 0.9
    assert at_precision(matches, 0.5)[WATCH] == 0.5
    assert at_precision(matches, 1)[WATCH] == 0.9


def test_a_precision_that_no_threshold_reaches():
    assert at_precision(watches("-+"), 0.9)[WATCH] is None


def test_the_highest_threshold_that_reaches_a_recall():
    # Recall: 1/4, 1/4, 2/4, 3/4, 3/4 of four.
    matches = watches("+-++-", true_count=4)
    assert at_recall(matches, 0.5)[WATCH] == 0.7
    assert at_recall(matches, 0.51)[WATCH] == 0.6
    assert at_recall(matches, 0)[WATCH] == 0.9


def test_a_recall_that_no_threshold_reaches():
    assert at_recall(watches("++", true_count=3), 0.7)[WATCH] is None


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_required_share_outside_its_range_is_refused(value):
    with pytest.raises(ValueError, match="precision"):
        at_precision(watches("+"), value)
    with pytest.raises(ValueError, match="recall"):
        at_recall(watches("+"), value)


# --- cost


def test_dear_misses_lower_the_threshold_and_dear_false_alarms_raise_it():
    matches = watches("+-+--+")
    assert at_least_cost(matches, false_alarm=1, miss=10)[WATCH] == 0.4
    assert at_least_cost(matches, false_alarm=1, miss=1.5)[WATCH] == 0.7
    assert at_least_cost(matches, false_alarm=10, miss=1)[WATCH] == 0.9


def test_of_equal_costs_the_threshold_that_finds_most_is_taken():
    assert at_least_cost(watches("+-+"), false_alarm=1, miss=1)[WATCH] == 0.7


def test_what_costs_nothing_does_not_count():
    assert at_least_cost(watches("+-+-"), false_alarm=0, miss=1)[WATCH] == 0.6
    assert at_least_cost(watches("+-+-"), false_alarm=1, miss=0)[WATCH] == 0.9


def test_where_it_costs_least_to_show_nothing_the_threshold_is_one():
    assert at_least_cost(watches("--+"), false_alarm=1, miss=1)[WATCH] == 1.0
    assert at_least_cost(watches("-+"), false_alarm=1, miss=1)[WATCH] == 0.8


def test_a_detection_with_a_score_of_one_cannot_be_hidden():
    assert at_least_cost(watches("--+", first=1.0), false_alarm=1, miss=1)[WATCH] is None


@pytest.mark.parametrize(
    "costs", [(-1, 1), (1, -1), (1, float("nan")), (float("inf"), 1), (1, float("inf"))]
)
def test_costs_below_nought_or_without_bound_are_refused(costs):
    with pytest.raises(ValueError, match="costs"):
        at_least_cost(watches("+"), *costs)


@pytest.mark.parametrize("seed", range(10))
def test_no_other_threshold_does_better(seed):
    matches = match(compare(random_images(seed), 5))
    grid = np.linspace(0, 1, 501)
    chosen = {
        "f1": best_f1(matches),
        "precision": at_precision(matches, 0.4),
        "recall": at_recall(matches, 0.5),
        "cost": at_least_cost(matches, 1, 2),
    }
    for class_id in range(1, 5):
        points = curve(matches, class_id)
        on_grid = points.at(grid)
        if (threshold := chosen["f1"][class_id]) is not None:
            assert points.at(threshold).f1 >= np.nanmax(on_grid.f1)
        if (threshold := chosen["precision"][class_id]) is not None:
            assert points.at(threshold).precision >= 0.4
            lower = points.precision[points.thresholds < np.float32(threshold)]
            assert not (lower >= 0.4).any()
        if (threshold := chosen["recall"][class_id]) is not None:
            assert points.at(threshold).recall >= 0.5
            assert not (on_grid.recall[grid > threshold + 1e-6] >= 0.5).any()
        if (threshold := chosen["cost"][class_id]) is not None:
            least = np.min(on_grid.false_positives + 2 * on_grid.misses)
            there = points.at(threshold)
            assert there.false_positives + 2 * there.misses <= least


def test_chosen_thresholds_fit_the_settings():
    chosen = reachable(best_f1(watches("+-")))
    assert Settings(class_thresholds=chosen).threshold_of(WATCH) == 0.9


def test_an_operating_point_is_hashable_and_checked():
    assert hash(OperatingPoint(0.5, {WATCH: 0.4})) == hash(OperatingPoint(0.5, {WATCH: 0.4}))
    with pytest.raises(ValueError, match="threshold of class 2"):
        OperatingPoint(0.5, {WATCH: 1.4})


def test_an_operating_point_replaces_thresholds_and_nothing_else():
    settings = Settings(0.9, class_thresholds={BOOKS: 0.8}, top_k=7)
    assert OperatingPoint(0.5, {WATCH: 0.4}).apply(settings) == Settings(
        0.5, class_thresholds={WATCH: 0.4}, top_k=7
    )
    assert OperatingPoint().apply(Settings()) == Settings()


def test_detections_may_be_missing_altogether():
    matches = match(compare([(truth((WATCH, FAR)), Detections.empty())], CLASS_COUNT))
    for chosen in (
        best_f1(matches),
        at_precision(matches, 0),
        at_recall(matches, 0.5),
        at_least_cost(matches, 1, 1),
    ):
        assert chosen[WATCH] is None
