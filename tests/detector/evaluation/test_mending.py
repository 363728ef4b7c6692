"""Ground truth mended: the list of boxes, what stays, and what can be undone."""

import numpy as np
import pytest

from detector.evaluation import mending
from detector.evaluation.curves import outcomes as all_outcomes
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Outcome, compare, match
from detector.evaluation.mending import MOST_STEPS, Mending
from detector.ssd import Detections, Settings

SIZE = (640, 480)


def truth(*boxes, class_ids=(), **more):
    return GroundTruth(
        "a.jpg",
        SIZE,
        np.array(boxes, float).reshape(-1, 4),
        np.array(class_ids or [1] * len(boxes), int),
        **more,
    )


def found(*boxes, class_ids=(), scores=()):
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores or np.linspace(0.9, 0.5, count), np.float32),
        np.array(class_ids or [1] * count, np.int64),
        np.arange(count),
    )


def with_box(given, *box, class_id=1):
    return mending.with_boxes(
        given,
        [*given.boxes.tolist(), list(box)],
        [*given.class_ids.tolist(), class_id],
        [*given.crowd.tolist(), False],
    )


def outcomes(given, detections):
    matches = match(compare([(given, detections)], 4), 0.5)
    return all_outcomes(matches, Settings(score_threshold=0.1)).detections.tolist()


def test_an_image_without_boxes_can_be_given_one():
    assert mending.accepted(truth(), found(), 0.5).boxes.tolist() == []
    assert with_box(truth(), 10, 20, 30, 40, class_id=3).boxes.tolist() == [[10, 20, 30, 40]]
    assert with_box(truth(), 10, 20, 30, 40, class_id=3).class_ids.tolist() == [3]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-5, -5, 700, 500), [0, 0, 640, 480]),
        ((90, 80, 10, 20), [10, 20, 90, 80]),  # drawn from its last corner
        ((1.23456, 2, 3.5, 4), [1.23, 2, 3.5, 4]),
        ((10, 10, 10.5, 30), None),
        ((10, 10, 30, 10), None),
        ((700, 10, 800, 30), None),
        ((float("nan"), 10, 30, 30), None),
        ((10, 10, float("inf"), 30), None),
    ],
)
def test_a_box_ends_at_the_edge_and_needs_an_area(box, expected):
    made = with_box(truth(), *box).boxes.tolist()
    assert made == ([] if expected is None else [expected])


def test_a_box_that_is_there_already_stays_as_the_file_has_it():
    given = truth([-3, 1.23456, 50, 60])
    assert with_box(given, 70, 70, 90, 90).boxes.tolist()[0] == [-3, 1.23456, 50, 60]


def test_what_is_no_box_stays_through_every_change():
    given = truth(
        [10, 10, 50, 50],
        [100, 100, 200, 200],
        crowd=np.array([False, True]),
        regions=np.array([[0, 0, 9, 9]]),
        region_class_ids=np.array([2]),
        unread=1,
        attributes={"kind": "photo"},
    )
    then = mending.without(mending.with_class(with_box(given, 60, 60, 90, 90), 0, 3), 2)
    assert then.class_ids.tolist() == [3, 1]
    assert then.crowd.tolist() == [False, True]
    assert then.regions.tolist() == [[0, 0, 9, 9]]
    assert (then.unread, then.attributes) == (1, {"kind": "photo"})


def test_a_class_that_gets_a_box_is_labelled_from_then_on():
    given = truth([10, 10, 50, 50], labelled=frozenset({1}))
    assert with_box(given, 60, 60, 90, 90, class_id=2).labelled == {1, 2}
    assert mending.with_class(given, 0, 3).labelled == {1, 3}
    assert mending.without(given, 0).labelled == {1}
    assert with_box(truth(), 60, 60, 90, 90, class_id=2).labelled is None


def test_an_accepted_detection_turns_right():
    given, detections = truth([10, 10, 50, 50]), found([10, 10, 50, 50], [200.1, 200, 300, 300])
    assert outcomes(given, detections) == [Outcome.RIGHT, Outcome.BACKGROUND]
    then = mending.accepted(given, detections, 0.5)
    assert outcomes(then, detections) == [Outcome.RIGHT, Outcome.RIGHT]
    assert then.boxes.tolist() == [[10, 10, 50, 50], [200.1, 200, 300, 300]]


def test_what_the_ground_truth_has_already_is_not_accepted_twice():
    given = truth([10, 10, 50, 50], [100, 100, 150, 150], crowd=np.array([False, True]))
    detections = found(
        [11, 10, 50, 50], [11, 10, 50, 50], [100, 100, 150, 150], class_ids=[1, 2, 1]
    )
    assert mending.lacking(given, detections, 0.5).tolist() == [False, True, True]


def test_of_several_detections_of_one_object_the_best_is_accepted():
    detections = found([10, 10, 50, 50], [12, 10, 50, 50], [12, 10, 50, 50], class_ids=[1, 1, 2])
    then = mending.accepted(truth(), detections, 0.5)
    assert then.boxes.tolist() == [[10, 10, 50, 50], [12, 10, 50, 50]]
    assert then.class_ids.tolist() == [1, 2]


def test_steps_are_undone_and_done_again_until_another_is_taken():
    one, two, three = truth(), truth([1, 1, 9, 9]), truth([2, 2, 9, 9])
    mended = Mending().then(one).then(two)
    assert not Mending().can_undo
    back = mended.at(mended.place - 1)
    assert back.truth is one
    assert (back.can_undo, back.can_redo) == (True, True)
    assert back.at(back.place + 1).truth is two
    assert back.at(-7).truth is None  # the files'
    assert back.at(99).truth is two
    other = back.then(three)
    assert other.truth is three
    assert not other.can_redo


def test_the_oldest_steps_are_forgotten():
    mended = Mending()
    for _step in range(MOST_STEPS + 20):
        mended = mended.then(truth())
    assert len(mended.steps) == MOST_STEPS + 1
    assert mended.at(0).truth is not None


def test_the_digest_tells_boxes_classes_and_crowds_apart():
    given = truth([10, 10, 50, 50])
    others = [
        truth([10, 10, 50, 51]),
        mending.with_class(given, 0, 2),
        truth([10, 10, 50, 50], crowd=np.array([True])),
        mending.without(given, 0),
    ]
    assert mending.digest_of(given) == mending.digest_of(truth([10, 10, 50, 50]))
    assert len({mending.digest_of(each) for each in (given, *others)}) == 5
