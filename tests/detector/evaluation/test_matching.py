import numpy as np
import pytest

from detector.evaluation.curves import COCO_IOUS, average_precisions
from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth
from detector.evaluation.matching import Outcome, at_floor, compare, match
from detector.ssd import Detections, Settings
from tests.support.coco import pycocotools, random_images

SHOES, WATCH, BOOKS = 1, 2, 3
CLASS_COUNT = 4

EVERYTHING = (0, 0, 100, 100)


def truth(*boxes, crowd=(), regions=(), labelled=None):
    """Ground truth of (class id, box); `crowd` are indices, `regions` (class id, box)."""
    return GroundTruth(
        "a.jpg",
        (100, 100),
        np.array([box for _, box in boxes], np.float64).reshape(-1, 4),
        np.array([class_id for class_id, _ in boxes], np.int64),
        np.isin(np.arange(len(boxes)), crowd),
        np.array([box for _, box in regions], np.float64).reshape(-1, 4),
        np.array([class_id for class_id, _ in regions], np.int64),
        labelled,
    )


def found(*rows):
    """Detections of (class id, score, box)."""
    return Detections(
        np.array([box for _, _, box in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([class_id for class_id, _, _ in rows], np.int64),
        np.arange(len(rows)),
    )


def matched(truths, detections, iou_threshold=0.5):
    return match(compare([(truths, detections)], CLASS_COUNT), iou_threshold)


def outcomes_of(matches):
    return [Outcome(value) for value in matches.outcomes]


# --- compare and match: who found what


def test_without_images_there_is_nothing_to_match():
    matches = match(compare([], CLASS_COUNT))
    assert matches.truth_of.shape == matches.found_by.shape == matches.outcomes.shape == (0,)
    assert matches.comparison.detections.boxes.shape == (0, 4)


def test_an_empty_image_without_detections_is_fine():
    assert len(matched(truth(), found()).truth_of) == 0


def test_a_detection_without_a_true_box_matches_none():
    matches = matched(truth(), found((WATCH, 0.9, (0, 0, 10, 10))))
    assert matches.truth_of.tolist() == [-1]
    assert matches.ignored.tolist() == [False]


def test_a_true_box_without_detections_is_found_by_none():
    assert matched(truth((WATCH, (0, 0, 10, 10))), found()).found_by.tolist() == [-1]


def test_an_iou_at_the_threshold_is_a_match():
    truths, detections = truth((WATCH, (0, 0, 10, 10))), found((WATCH, 0.9, (0, 0, 10, 5)))
    assert matched(truths, detections, 0.5).truth_of.tolist() == [0]
    assert matched(truths, detections, 0.5).ious.tolist() == [0.5]
    assert matched(truths, detections, 0.501).truth_of.tolist() == [-1]
    assert matched(truths, detections, 0.501).ious.tolist() == [0]
    assert match(compare([(truths, detections)], CLASS_COUNT)).truth_of.tolist() == [0]


def test_another_class_does_not_match():
    matches = matched(truth((WATCH, (0, 0, 10, 10))), found((BOOKS, 0.9, (0, 0, 10, 10))))
    assert matches.truth_of.tolist() == [-1]


def test_the_better_score_takes_the_box_even_where_the_worse_overlaps_more():
    truths = truth((WATCH, (0, 0, 10, 10)))
    detections = found((WATCH, 0.9, (0, 0, 10, 6)), (WATCH, 0.8, (0, 0, 10, 10)))
    matches = matched(truths, detections)
    assert matches.truth_of.tolist() == [0, -1]
    assert matches.found_by.tolist() == [0]


def test_a_detection_takes_the_box_that_it_overlaps_most():
    truths = truth((WATCH, (0, 0, 10, 6)), (WATCH, (0, 0, 10, 9)))
    assert matched(truths, found((WATCH, 0.9, (0, 0, 10, 10)))).truth_of.tolist() == [1]


def test_a_detection_takes_the_second_best_box_when_the_best_is_taken():
    truths = truth((WATCH, (0, 0, 10, 6)), (WATCH, (0, 0, 10, 9)))
    detections = found((WATCH, 0.9, (0, 0, 10, 10)), (WATCH, 0.8, (0, 0, 10, 10)))
    assert matched(truths, detections).truth_of.tolist() == [1, 0]


def test_of_equal_overlaps_the_later_true_box_is_taken():
    box = (0, 0, 10, 10)
    assert matched(
        truth((WATCH, box), (WATCH, box)), found((WATCH, 0.9, box))
    ).truth_of.tolist() == [1]


def test_equal_scores_come_in_the_order_given():
    truths = truth((WATCH, (0, 0, 10, 10)))
    detections = found((WATCH, 0.9, (0, 0, 10, 9)), (WATCH, 0.9, (0, 0, 10, 10)))
    assert matched(truths, detections).truth_of.tolist() == [0, -1]


def test_the_better_score_goes_first_wherever_it_stands():
    truths = truth((WATCH, (0, 0, 10, 10)))
    detections = found((WATCH, 0.1, (0, 0, 10, 10)), (WATCH, 0.9, (0, 0, 10, 9)))
    assert matched(truths, detections).truth_of.tolist() == [-1, 0]


def test_images_are_kept_apart():
    box = (0, 0, 10, 10)
    comparison = compare(
        [(truth((WATCH, box)), found()), (truth(), found((WATCH, 0.9, box)))], CLASS_COUNT
    )
    matches = match(comparison)
    assert matches.truth_of.tolist() == [-1]
    assert comparison.detections.images.tolist() == [1]
    assert comparison.truths.images.tolist() == [0]


def test_indices_lead_back_to_image_and_row():
    box, other = (0, 0, 10, 10), (50, 50, 60, 60)
    comparison = compare(
        [
            (truth((WATCH, box)), found((WATCH, 0.9, box), (BOOKS, 0.8, box))),
            (truth((BOOKS, other), (WATCH, box)), found((WATCH, 0.7, box))),
        ],
        CLASS_COUNT,
    )
    matches = match(comparison)
    assert matches.truth_of.tolist() == [0, -1, 2]
    assert comparison.detections.images.tolist() == [0, 0, 1]
    assert comparison.detections.rows.tolist() == [0, 1, 0]
    assert comparison.truths.images.tolist() == [0, 1, 1]
    assert comparison.truths.rows.tolist() == [0, 0, 1]


def test_a_detection_has_its_rank_by_score_in_its_image_and_class():
    box = (0, 0, 10, 10)
    images = [
        (truth(), found((WATCH, 0.9, box), (BOOKS, 0.8, box), (WATCH, 0.7, box))),
        (truth(), found((WATCH, 0.5, box), (WATCH, 0.6, box))),
    ]
    assert compare(images, CLASS_COUNT).ranks.tolist() == [0, 0, 1, 1, 0]


def test_boxes_that_are_equal_match_at_an_iou_threshold_of_one():
    box = (0.1, 0.2, 33.3, 77.7)
    assert matched(truth((WATCH, np.float32(box))), found((WATCH, 1, box)), 1.0).truth_of[0] == 0


def test_boxes_that_differ_by_a_rounding_match_at_an_iou_threshold_of_one():
    truths = truth((WATCH, (0, 0, 10, 10 + 1e-11)))
    assert matched(truths, found((WATCH, 1, (0, 0, 10, 10))), 1.0).truth_of[0] == 0


def test_a_detection_without_area_matches_nothing_and_divides_by_nothing():
    detections = found((WATCH, 0.9, (5, 5, 5, 9)), (WATCH, 0.8, (0, 0, 0, 0)))
    matches = matched(truth((WATCH, EVERYTHING), (WATCH, EVERYTHING), crowd=[1]), detections)
    assert matches.truth_of.tolist() == [-1, -1]
    assert matches.ignored.tolist() == [False, False]


def test_a_true_box_of_boundless_size_overlaps_nothing():
    truths = truth((WATCH, (-1e200, -1e200, 1e200, 1e200)))
    assert matched(truths, found((WATCH, 0.9, EVERYTHING))).truth_of.tolist() == [-1]


def test_only_overlaps_with_boxes_that_count_are_pairs():
    truths = truth(
        (WATCH, (0, 0, 10, 10)), (WATCH, (0, 0, 9, 9)), (WATCH, (50, 50, 60, 60)), crowd=[1]
    )
    comparison = compare([(truths, found((BOOKS, 0.9, (0, 0, 10, 5))))], CLASS_COUNT)
    assert (comparison.pair_truths.tolist(), comparison.pair_ious.tolist()) == ([0], [0.5])
    assert (comparison.own.truths.tolist(), comparison.other.truths.tolist()) == ([-1], [0])


def test_boxes_smaller_than_a_pixel_are_judged_as_others_are():
    truths = truth((WATCH, (0, 0, 0.25, 0.25)), (BOOKS, (10, 10, 20, 20)), crowd=[1])
    rows = (
        (WATCH, 0.9, (0, 0, 0.25, 0.25)),
        (BOOKS, 0.8, (12, 12, 12.25, 12.25)),
        (BOOKS, 0.7, (50, 50, 50.25, 50.25)),
        (SHOES, 0.6, (60, 60, 60.25, 60.25)),
    )
    expected = [Outcome.RIGHT, Outcome.IGNORED, Outcome.BACKGROUND, Outcome.BACKGROUND]
    assert outcomes_of(matched(truths, found(*rows))) == expected


@pytest.mark.parametrize("iou_threshold", [0, -0.1, 1.1, float("nan")])
def test_an_iou_threshold_outside_its_range_is_refused(iou_threshold):
    with pytest.raises(ValueError, match="IoU threshold"):
        matched(truth(), found(), iou_threshold)


def test_a_class_id_that_the_model_does_not_have_is_refused():
    with pytest.raises(ValueError, match="class ids below 4, got 4"):
        matched(truth((1, EVERYTHING), (4, EVERYTHING)), found())


def test_the_tables_are_read_only():
    matches = matched(truth((WATCH, EVERYTHING)), found((WATCH, 0.9, EVERYTHING)))
    comparison = matches.comparison
    tables = (comparison.detections, comparison.truths, comparison.own, comparison.other)
    for table in (matches, comparison, *tables):
        for value in vars(table).values():
            assert not (isinstance(value, np.ndarray) and value.flags.writeable)


# --- what is neither right nor wrong


def test_a_detection_in_a_crowd_box_of_its_class_is_ignored():
    truths = truth((WATCH, (0, 0, 50, 50)), crowd=[0])
    detections = found((WATCH, 0.9, (10, 10, 20, 20)), (BOOKS, 0.8, (10, 10, 20, 20)))
    matches = matched(truths, detections)
    assert matches.ignored.tolist() == [True, False]
    assert matches.truth_of.tolist() == [-1, -1]
    assert matches.comparison.truths.ignored.tolist() == [True]


def test_a_detection_is_in_a_crowd_box_by_the_share_of_its_own_area():
    truths = truth((WATCH, (0, 0, 50, 50)), crowd=[0])
    detections = found((WATCH, 0.9, (45, 0, 55, 10)), (WATCH, 0.8, (46, 0, 56, 10)))
    assert matched(truths, detections).ignored.tolist() == [True, False]


def test_a_crowd_box_takes_any_number_of_detections():
    truths = truth((WATCH, (0, 0, 50, 50)), crowd=[0])
    detections = found(*[(WATCH, 0.9, (10, 10, 20, 20))] * 3)
    assert matched(truths, detections).ignored.tolist() == [True, True, True]


def test_a_true_box_goes_before_a_crowd_box():
    one, crowd = (WATCH, (0, 0, 10, 10)), (WATCH, EVERYTHING)
    detections = found((WATCH, 0.9, (0, 0, 10, 6)), (WATCH, 0.8, (0, 0, 10, 10)))
    for place, truths in enumerate((truth(one, crowd, crowd=[1]), truth(crowd, one, crowd=[0]))):
        matches = matched(truths, detections)
        assert matches.truth_of.tolist() == [place, -1]
        assert matches.ignored.tolist() == [False, True]


def test_a_detection_in_an_ignore_region_of_its_class_or_of_all_is_ignored():
    truths = truth(regions=[(WATCH, (0, 0, 50, 50)), (ANY_CLASS, (50, 50, 99, 99))])
    detections = found(
        (WATCH, 0.9, (0, 0, 9, 9)), (BOOKS, 0.8, (0, 0, 9, 9)), (BOOKS, 0.7, (60, 60, 70, 70))
    )
    assert matched(truths, detections).ignored.tolist() == [True, False, True]


def test_a_class_that_is_not_labelled_in_a_image_takes_no_part_in_it():
    box = (0, 0, 10, 10)
    truths = truth((WATCH, box), (BOOKS, box), labelled=frozenset({BOOKS}))
    matches = matched(truths, found((WATCH, 0.9, box), (BOOKS, 0.8, box)))
    assert matches.ignored.tolist() == [True, False]
    assert matches.truth_of.tolist() == [-1, 1]
    assert matches.comparison.truths.ignored.tolist() == [True, False]


# --- errors by name


@pytest.mark.parametrize(
    ("detection", "outcome", "aims_at"),
    [
        ((WATCH, (0, 0, 10, 10)), Outcome.RIGHT, -1),
        ((WATCH, (0, 0, 10, 4)), Outcome.LOCALISATION, 0),
        ((WATCH, (0, 0, 10, 1)), Outcome.LOCALISATION, 0),
        ((BOOKS, (0, 0, 10, 10)), Outcome.CLASS, 0),
        ((BOOKS, (0, 0, 10, 5)), Outcome.CLASS, 0),  # an IoU of exactly one half
        ((BOOKS, (0, 0, 10, 4)), Outcome.BOTH, -1),
        ((BOOKS, (0, 0, 10, 1)), Outcome.BACKGROUND, -1),
        ((WATCH, (0, 0, 10, 0.5)), Outcome.BACKGROUND, -1),
        ((WATCH, (60, 60, 70, 70)), Outcome.BACKGROUND, -1),
    ],
)
def test_a_wrong_detection_has_the_name_of_its_error(detection, outcome, aims_at):
    class_id, box = detection
    matches = matched(truth((WATCH, (0, 0, 10, 10))), found((class_id, 0.9, box)))
    assert outcomes_of(matches) == [outcome]
    assert matches.aims_at.tolist() == [aims_at]


def test_a_second_detection_of_one_box_is_a_duplicate():
    box = (0, 0, 10, 10)
    rows = (WATCH, 0.9, box), (WATCH, 0.8, box), (WATCH, 0.7, (0, 0, 10, 5))
    matches = matched(truth((WATCH, box)), found(*rows))
    assert outcomes_of(matches) == [Outcome.RIGHT, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert matches.aims_at.tolist() == [-1, 0, 0]


@pytest.mark.parametrize(("bottoms", "aims_at"), [((3, 4, 2), 1), ((4, 3, 2), 0), ((2, 4, 4), 1)])
def test_an_error_is_about_the_box_that_is_overlapped_most_and_of_equals_the_first(
    bottoms, aims_at
):
    truths = truth(*[(WATCH, (0, 0, 10, bottom)) for bottom in bottoms])
    matches = matched(truths, found((WATCH, 0.9, (0, 0, 10, 10))))
    assert outcomes_of(matches) == [Outcome.LOCALISATION]
    assert matches.aims_at.tolist() == [aims_at]


def test_an_ignored_detection_has_no_error():
    matches = matched(truth(regions=[(WATCH, EVERYTHING)]), found((WATCH, 0.9, (0, 0, 9, 9))))
    assert outcomes_of(matches) == [Outcome.IGNORED]


def test_a_crowd_box_explains_no_error():
    truths = truth((WATCH, (0, 0, 10, 10)), crowd=[0])
    assert outcomes_of(matched(truths, found((BOOKS, 0.9, (0, 0, 10, 10))))) == [Outcome.BACKGROUND]


def test_a_localisation_error_goes_before_a_class_error_as_in_tide():
    truths = truth((WATCH, (0, 0, 10, 4)), (BOOKS, (0, 0, 10, 10)))
    matches = matched(truths, found((WATCH, 0.9, (0, 0, 10, 10))))
    assert outcomes_of(matches) == [Outcome.LOCALISATION]


def test_a_class_error_goes_before_a_duplicate_as_in_tide():
    box = (0, 0, 10, 10)
    truths = truth((WATCH, box), (BOOKS, box))
    matches = matched(truths, found((WATCH, 0.9, box), (WATCH, 0.8, box)))
    assert outcomes_of(matches) == [Outcome.RIGHT, Outcome.CLASS]
    assert matches.aims_at.tolist() == [-1, 1]


# --- settings for evaluation


def test_evaluation_wants_the_same_nms_and_nothing_cut_off():
    settings = at_floor(Settings(0.6, 0.3, True, {1: 0.7}, classes=frozenset({1}), top_k=5))
    assert settings.iou_threshold == 0.3
    assert settings.threshold_of(1) == settings.threshold_of(2) == 0
    assert settings.class_agnostic is False
    assert settings.classes is None
    assert settings.top_k > 7308 * 8


# --- the same as pycocotools


@pytest.mark.parametrize("seed", range(40))
def test_average_precision_and_every_match_are_those_of_pycocotools(seed):
    images = random_images(seed)
    for max_detections in (100, 10_000):
        theirs = pycocotools(images, 5, max_detections)
        expected = theirs.eval["precision"][:, :, :, 0, -1].mean(axis=1)  # (T, classes)
        expected[expected < 0] = np.nan
        comparison = compare(images, 5)
        ours = average_precisions(comparison, max_detections=max_detections)
        assert np.isnan(ours[:, 0]).all()
        np.testing.assert_allclose(ours[:, 1:], expected, atol=1e-12)

    matches = [match(comparison, iou_threshold) for iou_threshold in COCO_IOUS]
    for image in theirs.evalImgs:
        if image is None or image["aRng"] != theirs.params.areaRng[0]:
            continue
        detections = np.array(image["dtIds"], np.int64) - 1
        for row, ours in enumerate(matches):
            ids, ignored = image["dtMatches"][row], image["dtIgnore"][row].astype(bool)
            expected = np.where(ignored | (ids == 0), -1, ids - 1)
            assert ours.truth_of[detections].tolist() == expected.tolist()
            assert ours.ignored[detections].tolist() == ignored.tolist()


def test_the_random_images_have_all_that_is_hard():
    counts = dict.fromkeys(("crowd", "ignored", "duplicate", "ties", "empty", "more than 100"), 0)
    for seed in range(40):
        for truths, detections in random_images(seed):
            matches = match(compare([(truths, detections)], 5))
            counts["crowd"] += truths.crowd.sum()
            counts["ignored"] += matches.ignored.sum()
            counts["duplicate"] += (matches.outcomes == Outcome.DUPLICATE).sum()
            counts["ties"] += len(detections) - len(set(detections.scores.tolist()))
            counts["empty"] += len(truths.boxes) == 0 or len(detections) == 0
            counts["more than 100"] += len(detections) > 100
    assert min(counts.values()) >= 10, counts
