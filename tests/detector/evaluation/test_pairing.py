"""Two sets of detections: who pairs with whom, and who is right."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.pairing import Kind, Pairing, pair, standing, summary, verdicts
from detector.ssd import Detections


def detections(*rows: tuple[float, float, float, float, int, float]) -> Detections:
    """Rows of xmin, ymin, xmax, ymax, class id, score, best first; the prior is its number."""
    columns = np.array(rows, np.float64).reshape(-1, 6)
    return Detections(
        columns[:, :4].astype(np.float32),
        columns[:, 5].astype(np.float32),
        columns[:, 4].astype(np.int64),
        np.arange(len(columns)),
    )


def told(pairing: Pairing) -> list[tuple[str, int, int]]:
    return [
        (Kind(kind).name, int(a), int(b))
        for kind, a, b in zip(pairing.kinds, pairing.rows_a, pairing.rows_b, strict=True)
    ]


NONE = detections()


def test_nothing_and_nothing_is_no_row():
    assert told(pair(NONE, NONE)) == []
    assert pair(NONE, NONE).counts() == dict.fromkeys(Kind, 0)


def test_without_the_other_side_every_box_is_on_one_side_only():
    found = detections((0, 0, 10, 20, 1, 0.9), (50, 0, 60, 20, 2, 0.8))
    assert told(pair(found, NONE)) == [("ONLY_A", 0, -1), ("ONLY_A", 1, -1)]
    assert told(pair(NONE, found)) == [("ONLY_B", -1, 0), ("ONLY_B", -1, 1)]


def test_a_set_is_in_both_with_itself_boxes_without_area_too():
    found = detections((0, 0, 10, 20, 1, 0.9), (30, 40, 30, 90, 1, 0.5), (30, 40, 30, 90, 2, 0.4))
    assert told(pair(found, found, 1.0)) == [("BOTH", 0, 0), ("BOTH", 1, 1), ("BOTH", 2, 2)]


def test_rows_are_by_kind_and_then_by_the_better_score():
    a = detections((0, 0, 10, 10, 1, 0.9), (20, 0, 30, 10, 1, 0.8), (40, 0, 50, 10, 1, 0.3))
    b = detections((60, 0, 70, 10, 4, 0.95), (40, 0, 50, 10, 2, 0.7), (20, 0, 30, 10, 1, 0.6))
    compared = pair(a, b)
    assert told(compared) == [
        ("ANOTHER_CLASS", 2, 1),
        ("ONLY_A", 0, -1),
        ("ONLY_B", -1, 0),
        ("BOTH", 1, 2),
    ]
    assert compared.ious.tolist() == [1, 0, 0, 1]
    assert compared.counts() == dict.fromkeys(Kind, 1)


def test_the_score_change_is_b_less_a_where_both_have_the_box():
    a = detections((0, 0, 10, 10, 1, 0.75), (20, 0, 30, 10, 1, 0.5))
    b = detections((40, 0, 50, 10, 1, 0.5), (0, 0, 10, 10, 1, 0.25))
    compared = pair(a, b)
    assert [compared.score_change(row) for row in range(3)] == [None, None, -0.5]


def test_a_row_shows_the_smallest_box_around_both():
    a = detections((4, 2, 10, 10, 1, 0.75), (50, 60, 80, 70, 2, 0.5))
    compared = pair(a, detections((5, 1, 10, 11, 1, 0.25), (20, 0, 30, 9, 3, 0.2)))
    boxes = [compared.box(row) for row in range(3)]
    assert boxes == [(50, 60, 80, 70), (20, 0, 30, 9), (4, 1, 10, 11)]


def test_of_one_kind_the_row_with_the_better_score_on_either_side_comes_first():
    a = detections((0, 0, 10, 10, 1, 0.6), (20, 0, 30, 10, 1, 0.5))
    b = detections((20, 0, 30, 8, 1, 0.9), (0, 0, 10, 5, 1, 0.55))
    compared = pair(a, b)
    assert told(compared) == [("BOTH", 1, 0), ("BOTH", 0, 1)]
    assert compared.ious.tolist() == pytest.approx([0.8, 0.5])


def test_rows_of_one_score_are_in_the_order_of_a():
    a = detections((0, 0, 10, 9, 1, 0.9), (20, 0, 30, 10, 1, 0.9))
    b = detections((20, 0, 30, 10, 1, 0.5), (0, 0, 10, 10, 1, 0.4))
    assert told(pair(a, b)) == [("BOTH", 0, 1), ("BOTH", 1, 0)]


def test_the_summary_counts_the_kinds_that_there_are():
    assert summary(pair(NONE, NONE)) == "No boxes on either side"
    a = detections((0, 0, 10, 10, 1, 0.9), (20, 0, 30, 10, 1, 0.8), (40, 0, 50, 10, 1, 0.3))
    b = detections((20, 0, 30, 10, 2, 0.7))
    assert summary(pair(a, b)) == "1 same box, another class, 2 only in A"


def test_the_row_of_each_box_of_a_side():
    a = detections((0, 0, 10, 10, 1, 0.9), (20, 0, 30, 10, 1, 0.8))
    b = detections((20, 0, 30, 10, 3, 0.7))
    compared = pair(a, b)
    assert compared.rows_of("a").tolist() == [1, 0]
    assert compared.rows_of("b").tolist() == [0]
    assert pair(NONE, b).rows_of("a").tolist() == []


def test_the_threshold_itself_is_enough():
    # 50 of 100: an IoU of exactly one half.
    a, b = detections((0, 0, 10, 10, 1, 0.9)), detections((0, 0, 10, 5, 1, 0.9))
    assert told(pair(a, b, 0.5)) == told(pair(a, b)) == [("BOTH", 0, 0)]
    assert told(pair(a, b, 0.51)) == [("ONLY_A", 0, -1), ("ONLY_B", -1, 0)]


def test_the_pair_with_the_higher_iou_comes_first_whatever_the_scores():
    a = detections((0, 0, 10, 10, 1, 0.9), (0, 0, 10, 9, 1, 0.2))
    b = detections((0, 0, 10, 9, 1, 0.5))
    assert told(pair(a, b)) == [("ONLY_A", 0, -1), ("BOTH", 1, 0)]


def test_the_same_class_is_paired_before_a_better_overlap_of_another():
    a = detections((0, 0, 10, 10, 1, 0.9))
    b = detections((0, 0, 10, 10, 2, 0.9), (0, 0, 10, 8, 1, 0.3))
    assert told(pair(a, b)) == [("ONLY_B", -1, 0), ("BOTH", 0, 1)]


def test_of_equal_overlaps_the_better_scores_are_paired():
    a = detections((0, 0, 10, 10, 1, 0.9), (0, 0, 10, 10, 1, 0.8))
    b = detections((0, 0, 10, 10, 1, 0.7), (0, 0, 10, 10, 1, 0.6))
    assert told(pair(a, b)) == [("BOTH", 0, 0), ("BOTH", 1, 1)]


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float):
    with pytest.raises(ValueError, match="above 0, at most 1"):
        pair(NONE, NONE, threshold)


def random_detections(rng: np.random.Generator, count: int) -> Detections:
    """Boxes on whole pixels that often overlap and sometimes coincide or have no area."""
    low = rng.integers(0, 12, (count, 2))
    corners = np.hstack([low, low + rng.integers(0, 12, (count, 2))])
    scores = -np.sort(-rng.uniform(0.01, 1, count))
    return detections(
        *(
            (*box, class_id, score)
            for box, class_id, score in zip(
                corners.tolist(), rng.integers(1, 4, count).tolist(), scores.tolist(), strict=True
            )
        )
    )


def slow_pairs(a: Detections, b: Detections, threshold: float) -> set[tuple[str, int, int]]:
    """The same rule, written again: look for the best pair of all, take it, look again."""

    def iou(p: list[float], q: list[float]) -> float:
        if p == q:
            return 1.0
        cells = [
            {(x, y) for x in range(int(r[0]), int(r[2])) for y in range(int(r[1]), int(r[3]))}
            for r in (p, q)
        ]
        union = len(cells[0] | cells[1])
        return len(cells[0] & cells[1]) / union if union else 0.0

    left_a, left_b = list(range(len(a))), list(range(len(b)))
    result = set()
    for same_class in (True, False):
        while True:
            best = None
            for i, j in product(left_a, left_b):
                if (a.class_ids[i] == b.class_ids[j]) != same_class:
                    continue
                overlap = iou(a.boxes[i].tolist(), b.boxes[j].tolist())
                if overlap >= threshold and (best is None or overlap > best[0]):
                    best = (overlap, i, j)
            if best is None:
                break
            result.add(("BOTH" if same_class else "ANOTHER_CLASS", best[1], best[2]))
            left_a.remove(best[1])
            left_b.remove(best[2])
    result |= {("ONLY_A", i, -1) for i in left_a}
    return result | {("ONLY_B", -1, j) for j in left_b}


@pytest.mark.parametrize("seed", range(12))
def test_pairs_are_those_of_an_implementation_that_counts_pixels(seed: int):
    rng = np.random.default_rng(seed)
    a, b = random_detections(rng, 30), random_detections(rng, 26)
    for threshold in (0.1, 0.5, 0.75, 1.0):
        rows = told(pair(a, b, threshold))
        assert len(rows) == len(set(rows))
        assert set(rows) == slow_pairs(a, b, threshold)


def test_swapped_sides_give_the_same_pairs():
    rng = np.random.default_rng(5)
    # Corners that no two overlaps have in common: equal ones go by the order of A's scores.
    a, b = (
        replace(found, boxes=found.boxes + rng.uniform(0, 0.3, found.boxes.shape))
        for found in (random_detections(rng, 20), random_detections(rng, 24))
    )
    names = {"ONLY_A": "ONLY_B", "ONLY_B": "ONLY_A"}
    swapped = {(names.get(kind, kind), i, j) for kind, j, i in told(pair(b, a, 0.6))}
    assert swapped == set(told(pair(a, b, 0.6)))


TRUTH = GroundTruth(
    "photo.jpg",
    (100, 100),
    np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], np.float64),
    np.array([1, 2, 3]),
    labelled=frozenset((1, 2, 3)),
)


def judged(a: Detections, b: Detections) -> list[tuple[str, str]]:
    compared = pair(a, b)
    given = verdicts(compared, standing([TRUTH], [a], [a], 5), standing([TRUTH], [b], [b], 5))
    return [
        (Kind(kind).name, verdict.name) for kind, verdict in zip(compared.kinds, given, strict=True)
    ]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (NONE, NONE, []),
        ([(0, 0, 10, 10, 1, 0.9)], [(0, 0, 10, 10, 1, 0.9)], [("BOTH", "BOTH")]),
        ([(0, 0, 10, 10, 1, 0.9)], NONE, [("ONLY_A", "A")]),
        (NONE, [(0, 0, 10, 10, 1, 0.9)], [("ONLY_B", "B")]),
        ([(70, 0, 80, 10, 1, 0.9)], NONE, [("ONLY_A", "B")]),
        (NONE, [(70, 0, 80, 10, 1, 0.9)], [("ONLY_B", "A")]),
        ([(20, 0, 30, 10, 1, 0.9)], [(20, 0, 30, 10, 2, 0.9)], [("ANOTHER_CLASS", "B")]),
        ([(20, 0, 30, 10, 1, 0.9)], [(20, 0, 30, 10, 3, 0.9)], [("ANOTHER_CLASS", "NEITHER")]),
        ([(70, 0, 80, 10, 1, 0.9)], [(70, 0, 80, 10, 1, 0.9)], [("BOTH", "NEITHER")]),
        # Nothing is known of class 4 in this image.
        ([(0, 0, 10, 10, 4, 0.9)], NONE, [("ONLY_A", "UNJUDGED")]),
        ([(0, 0, 10, 10, 1, 0.9)], [(0, 0, 10, 10, 4, 0.9)], [("ANOTHER_CLASS", "A")]),
        ([(0, 0, 10, 10, 2, 0.9)], [(0, 0, 10, 10, 4, 0.9)], [("ANOTHER_CLASS", "UNJUDGED")]),
        (
            [(70, 0, 80, 10, 4, 0.9)],
            [(40, 0, 50, 10, 3, 0.9)],
            [("ONLY_A", "UNJUDGED"), ("ONLY_B", "B")],
        ),
        # Both found the ground-truth box, with boxes that differ too much to be one and the same.
        (
            [(0, 0, 10, 6, 1, 0.9)],
            [(0, 4, 10, 10, 1, 0.8)],
            [("ONLY_A", "BOTH"), ("ONLY_B", "BOTH")],
        ),
    ],
)
def test_the_side_that_the_true_boxes_bear_out_is_right(
    a: list[tuple], b: list[tuple], expected: list[tuple[str, str]]
):
    sides = [found if isinstance(found, Detections) else detections(*found) for found in (a, b)]
    assert judged(*sides) == expected


def test_a_second_box_on_a_found_object_is_wrong():
    a = detections((0, 0, 10, 10, 1, 0.9), (0, 0, 10, 5, 1, 0.8))
    b = detections((0, 0, 10, 10, 1, 0.9))
    assert judged(a, b) == [("ONLY_A", "B"), ("BOTH", "BOTH")]


def test_a_standing_counts_what_is_shown_and_asks_all_for_the_average_precision():
    shown = detections((0, 0, 10, 10, 1, 0.9), (70, 0, 80, 10, 2, 0.2))
    everything = detections(
        (0, 0, 10, 10, 1, 0.9), (70, 0, 80, 10, 2, 0.2), (20, 0, 30, 10, 2, 0.1)
    )
    result = standing([TRUTH], [shown], [everything], 5)
    assert (float(result.counts.precision), float(result.counts.recall)) == (1 / 2, 1 / 3)
    assert float(result.counts.f1) == 2 / 5
    # Class 1 is found first (1), class 2 second (1/2), class 3 never (0).
    assert result.average_precision == pytest.approx((1 + 0.5 + 0) / 3)


def test_without_true_boxes_there_is_no_average_precision():
    truth = GroundTruth("empty.jpg", (10, 10))
    assert np.isnan(standing([truth], [NONE], [NONE], 5).average_precision)
