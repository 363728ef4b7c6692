"""Asking a place: the answer agrees with post-processing itself, written as loops."""

from collections import Counter

import numpy as np
import pytest

from detector.asking import Fate, Place, ask, highest_threshold
from detector.ssd import RawPrediction, Settings
from tests.support import reference
from tests.support.outputs import SIZE, apart, output_of, random_output, random_settings, unchecked

SHOES, WATCH = 1, 2
FIRST, SECOND = (0.0, 0, 0.5, 1), (0.05, 0, 0.55, 1)  # IoU 9/11
ELSEWHERE = (0.7, 0, 0.9, 1)
MIDDLE = Place(160, 100, 160, 100)  # in the first two


def asked(*rows, place=MIDDLE, **settings):
    raw = unchecked(output_of(3, *rows))
    return {each.class_id: each for each in ask(raw, Settings(**settings), SIZE, place)}


def test_what_is_shown_is_said_to_be():
    found = asked((FIRST, {WATCH: 0.9}))
    assert found[WATCH].fate is Fate.SHOWN
    assert (found[WATCH].score, found[WATCH].shown_from) == (pytest.approx(0.9), None)


def test_of_a_class_that_did_not_fire_the_best_is_below_the_floor():
    found = asked((FIRST, {0: 0.98, WATCH: 0.01, SHOES: 0.002}))
    assert found[WATCH].fate is found[SHOES].fate is Fate.BELOW_FLOOR
    assert found[WATCH].background == pytest.approx(0.98)


def test_a_threshold_that_would_show_it_says_what_else_it_would_show():
    rows = [
        (FIRST, {WATCH: 0.234}),
        (ELSEWHERE, {WATCH: 0.25}),
        (apart(31), {SHOES: 0.24}),  # of another class, which keeps its threshold
        (apart(1), {WATCH: 0.22}),
    ]
    found = asked(*rows)[WATCH]
    assert found.fate is Fate.BELOW_THRESHOLD
    assert (found.threshold, found.shown_from) == (0.3, 0.23)
    assert found.others == {WATCH: 1}


def test_no_threshold_shows_a_box_that_a_better_one_suppresses():
    rows = [(FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.2, SHOES: 0.1})]
    # Asked where only the second one is.
    place = Place(0.53 * SIZE[0], 50, 0.53 * SIZE[0], 50)
    found = asked(*rows, place=place)[WATCH]
    assert (found.fate, found.shown_from) == (Fate.BELOW_THRESHOLD, None)
    assert found.suppressor.detection_id == f"{WATCH}-0"
    assert found.suppressor.iou == pytest.approx(9 / 11)


def test_a_suppressed_box_names_its_suppressor():
    place = Place(0.53 * SIZE[0], 50, 0.53 * SIZE[0], 50)
    found = asked((FIRST, {WATCH: 0.9}), (SECOND, {WATCH: 0.8}), place=place)[WATCH]
    assert found.fate is Fate.SUPPRESSED
    assert found.suppressor.score == pytest.approx(0.9)


def test_class_agnostic_another_class_may_be_the_suppressor():
    rows = [(FIRST, {SHOES: 0.9}), (SECOND, {WATCH: 0.8})]
    found = asked(*rows, class_agnostic=True)
    assert found[WATCH].fate is Fate.SUPPRESSED
    assert found[WATCH].suppressor.class_id == SHOES


def test_limits_and_hidden_classes_have_their_own_words():
    rows = [(FIRST, {WATCH: 0.8}), (ELSEWHERE, {WATCH: 0.9})]
    assert asked(*rows, top_k=1)[WATCH].fate is Fate.BEYOND_LIMIT
    assert asked(*rows, classes={SHOES})[WATCH].fate is Fate.CLASS_HIDDEN
    many = [(apart(index), {WATCH: 0.9}) for index in range(401)]
    x, y = 0.52 * SIZE[0], 12.5 / 32 * SIZE[1]  # in the last one
    last = asked(*many, place=Place(x, y, x, y), top_k=1000)
    assert last[WATCH].fate is Fate.BEYOND_CLASS_LIMIT


def test_a_rectangle_asks_for_boxes_that_overlap_it():
    rows = [(FIRST, {WATCH: 0.9}), (ELSEWHERE, {WATCH: 0.5})]
    xmin, ymin, xmax, ymax = np.array(ELSEWHERE) * [*SIZE, *SIZE]
    found = asked(*rows, place=Place(xmin, ymin, xmax, ymax))
    assert found[WATCH].detection_id == f"{WATCH}-1"
    assert asked(*rows, place=Place(0, 0, 3, 3)) == {}


@pytest.mark.parametrize("place", [Place(160, 100, 160, 150), Place(160, 100, 200, 100)])
def test_a_drag_along_a_line_asks_for_its_beginning(place):
    assert place.is_point
    assert asked((FIRST, {WATCH: 0.9}), place=place)[WATCH].fate is Fate.SHOWN


def test_the_edges_of_a_box_belong_to_it():
    box = (0.25, 0.25, 0.5, 0.5)  # in pixels without a rest
    rows = [(box, {WATCH: 0.9})]
    for x in (box[0] * SIZE[0], box[2] * SIZE[0]):
        for y in (box[1] * SIZE[1], box[3] * SIZE[1]):
            assert WATCH in asked(*rows, place=Place(x, y, x, y))


@pytest.mark.parametrize("score", [0.011, 0.0100001, 0.3, 0.29999998, 0.7, 0.57, 0.999, 1.0])
def test_the_highest_threshold_that_a_score_passes(score):
    score = float(np.float32(score))
    threshold = highest_threshold(score)
    assert np.float32(score) >= np.float32(threshold)
    assert np.float32(score) < np.float32(round(threshold + 0.01, 2))


@pytest.mark.parametrize("kind", ["softmax", "tied", "at the thresholds", "extreme", "one heap"])
@pytest.mark.parametrize("seed", range(12))
def test_the_answer_agrees_with_post_processing(kind, seed):
    rng = np.random.default_rng(seed)
    output = random_output(rng, 60, 4, kind)
    settings = random_settings(rng, 4)
    raw = unchecked(output)
    x, y = rng.uniform(0, SIZE[0]), rng.uniform(0, SIZE[1])
    for found in ask(raw, Settings(**settings), SIZE, Place(x, y, x, y)):
        scores = raw.scores[:, found.class_id]
        prior = int(found.detection_id.partition("-")[2])
        inside = [row for row in range(60) if contains(output[row], x, y)]
        assert prior == min(inside, key=lambda row: (-scores[row], row))
        shown = ids(output, settings)
        assert (found.fate is Fate.SHOWN) == (found.detection_id in shown)
        no_limits = {**settings, "top_k": 10**6, "classes": None}
        if found.fate is Fate.SUPPRESSED:
            assert found.detection_id not in ids(output, no_limits)
            assert found.suppressor.detection_id in ids(output, {**no_limits, **ZERO})
            assert np.float32(found.suppressor.iou) > np.float32(settings["iou_threshold"])
        if found.fate is Fate.BELOW_THRESHOLD:
            check_threshold(output, settings, found, shown)


ZERO = {"score_threshold": 0.0, "class_thresholds": {}}


def check_threshold(output, settings, found, shown):
    def with_own(threshold):
        own = {**(settings.get("class_thresholds") or {}), found.class_id: threshold}
        return ids(output, {**settings, "class_thresholds": own})

    if found.shown_from is None:
        assert found.detection_id not in with_own(highest_threshold(found.score))
        return
    then = with_own(found.shown_from)
    assert found.detection_id in then
    assert found.detection_id not in with_own(round(found.shown_from + 0.01, 2))
    new = Counter(int(name.partition("-")[0]) for name in then - shown - {found.detection_id})
    assert found.others == dict(new)


def ids(output, settings):
    found = reference.postprocess(output, SIZE, **settings)
    return {f"{class_id}-{prior}" for class_id, prior, *_rest in found}


def contains(row, x, y):
    box = reference.decode_one(row[:4], row[-8:-4], row[-4:])
    xmin, ymin, xmax, ymax = np.array(box, np.float32) * np.array([*SIZE, *SIZE], np.float32)
    return xmin <= x <= xmax and ymin <= y <= ymax


def test_a_compact_prediction_answers_the_same_above_the_floor():
    rng = np.random.default_rng(5)
    raw = unchecked(random_output(rng, 200, 4, "softmax"))
    assert isinstance(raw, RawPrediction)
    whole = ask(raw, Settings(), SIZE, MIDDLE)
    compact = ask(raw.compact(), Settings(), SIZE, MIDDLE)
    above = [each.detection_id for each in whole if each.fate is not Fate.BELOW_FLOOR]
    assert [e.detection_id for e in compact if e.fate is not Fate.BELOW_FLOOR] == above
