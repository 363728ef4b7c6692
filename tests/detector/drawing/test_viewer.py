import json
from dataclasses import replace

import numpy as np
import pytest

from detector.drawing import viewer
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Outcome, at_floor, compare, match
from detector.ssd import Settings, postprocess
from detector.xray import xray
from tests.support.outputs import SIZE, apart, output_of, random_output, random_settings, unchecked

LABELS = ("background", "shoes", "watch")
FIRST, SECOND, THIRD = (0.0, 0, 0.5, 1), (0.05, 0, 0.55, 1), (0.1, 0, 0.6, 1)
SHOES, WATCH = 1, 2
KINDS = ["softmax", "tied", "at the thresholds", "extreme", "one heap"]


def view_of(raw, settings, **options):
    labels = [f"class {c}" for c in range(raw.scores.shape[1])]
    return viewer.view(raw, settings, SIZE, labels, digest="a", **options)


def seen(*rows, truth=None, **settings):
    raw = unchecked(output_of(3, *rows))
    return view_of(raw, Settings(**settings), truth=truth)


def ids(view):
    return [f"{c}-{prior}" for c, prior in zip(view.class_ids, view.prior_indices, strict=True)]


def followed(view, settings):
    """The viewer's rule; tests/dashboard/thresholds/test_viewer.py has the viewer itself do it."""
    names, scores = ids(view), np.array(view.scores, np.float32)
    kept = list(view.kept)
    passes = [
        score >= np.float32(settings.threshold_of(class_id))
        for score, class_id in zip(scores, view.class_ids, strict=True)
    ]
    if settings.class_agnostic and settings.class_thresholds:
        starts, by = view.pairs.starts, view.pairs.by
        for i in range(len(names)):
            rivals = by[starts[i] : starts[i + 1]]
            kept[i] = passes[i] and not any(kept[j] for j in rivals)
    visible = [settings.classes is None or c in settings.classes for c in view.class_ids]
    shown = [i for i in range(len(names)) if kept[i] and passes[i] and visible[i]]
    return [names[i] for i in shown[: settings.top_k]]


# --- what is shown at a threshold


def test_without_candidates_there_is_nothing_to_show():
    view = seen()
    assert view.class_ids == view.scores == view.boxes == []
    assert view.kept_count == view.left_out == 0


@pytest.mark.parametrize("class_count", [2, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_the_view_at_the_floor_shows_what_postprocess_shows_at_any_threshold(kind, class_count):
    rng = np.random.default_rng([21, class_count, len(kind)])
    for _ in range(25):
        raw = unchecked(random_output(rng, int(rng.integers(0, 40)), class_count, kind))
        settings = Settings(**random_settings(rng, class_count))
        view, lean = view_of(raw, settings), view_of(raw, settings, has_removed=False)
        for threshold in (0.0, 0.01, 0.2, 0.3, 0.45, 0.5, 0.7, 0.71, 1.0):
            moved = replace(settings, score_threshold=threshold)
            assert followed(view, moved) == postprocess(raw, moved, SIZE).ids
            assert followed(lean, moved) == postprocess(raw, moved, SIZE).ids
            own = {1: threshold, class_count - 1: 0.3}
            moved = replace(settings, class_thresholds=own)
            assert followed(view, moved) == postprocess(raw, moved, SIZE).ids


def test_class_agnostic_a_box_that_its_own_threshold_hides_suppresses_nothing():
    view = seen((FIRST, {SHOES: 0.9}), (SECOND, {WATCH: 0.5}), class_agnostic=True)
    settings = Settings(class_agnostic=True)
    assert followed(view, settings) == ["1-0"]
    assert followed(view, replace(settings, class_thresholds={SHOES: 0.95})) == ["2-1"]
    assert view.pairs == viewer.Pairs(starts=[0, 0, 1], by=[0], ious=[0.8182])


def test_scores_are_exact_and_boxes_are_rounded_to_a_tenth_of_a_pixel():
    view = seen(((0.1, 0.2, 0.3, 0.4), {SHOES: 0.7}))
    assert view.scores == [float(np.float32(0.7))]
    assert view.boxes == [64.0, 74.2, 192.0, 148.4]


def test_the_view_says_who_suppressed_whom():
    view = seen((FIRST, {SHOES: 0.9}), (SECOND, {SHOES: 0.8}), (THIRD, {SHOES: 0.7}))
    assert view.kept == [1, 0, 0]
    assert view.suppressors == [-1, 0, 0]
    assert view.ious == [0.0, 0.8182, 0.6667]


def test_settings_travel_with_the_view():
    settings = {"score_threshold": 0.4, "class_thresholds": {WATCH: 0.6}, "classes": {WATCH}}
    assert seen(**settings, iou_threshold=0.5, top_k=7).settings == viewer.ViewSettings(
        score=0.4, classes={"2": 0.6}, shown=[2], top_k=7, iou=0.5, agnostic=False
    )


def test_the_view_is_ready_for_json_with_the_numbers_that_it_has():
    rows = [(FIRST, {SHOES: 0.9}), (SECOND, {WATCH: 0.5})]
    settings = {"class_agnostic": True, "class_thresholds": {SHOES: 0.95}}
    view = seen(*rows, truth=truth_of((SECOND, WATCH)), **settings)
    read = json.loads(json.dumps(view.as_json(), allow_nan=False))
    assert read["size"] == list(SIZE)
    assert read["scores"] == view.scores
    assert read["pairs"] == {"starts": [0, 0, 1], "by": [0], "ious": [0.8182]}
    assert read["judgement"]["ground_truth"]["found_by"] == [1]


# --- limits


def flat(prior_count, class_count=9):
    rng = np.random.default_rng(3)
    output = random_output(rng, prior_count, class_count, "softmax")
    output[:, 4:-8] = rng.uniform(0.02, 0.9, (prior_count, class_count))
    return unchecked(output)


def test_of_flat_scores_all_that_can_show_is_sent_and_the_best_of_the_rest():
    raw, settings = flat(2000), Settings(top_k=50)
    view = view_of(raw, settings)
    everything = xray(raw, at_floor(settings), SIZE)
    assert len(everything.candidates) == 16_000
    assert view.left_out == 16_000 - len(view.class_ids)
    assert len(view.class_ids) <= viewer.MAX_REST + 8 * 50
    for threshold in (0.0, 0.5, 0.8):
        moved = replace(settings, score_threshold=threshold)
        assert followed(view, moved) == postprocess(raw, moved, SIZE).ids
    suppressors = [j for i, j in enumerate(view.suppressors) if not view.kept[i]]
    best = everything.candidates.ids
    names = ids(view)
    for i in range(0, len(names), 97):
        theirs = int(everything.suppressor[best.index(names[i])])
        ours = view.suppressors[i]
        assert (ours < 0) == (theirs < 0)
        assert ours < 0 or names[ours] == best[theirs]
    assert suppressors


def test_too_many_overlaps_are_left_out_and_the_view_says_what_is_shown():
    raw = flat(2000)
    settings = Settings(class_agnostic=True, class_thresholds={1: 0.8, 2: 0.02}, top_k=50)
    view = view_of(raw, settings)
    assert view.pairs is None
    names = ids(view)
    assert [names[i] for i in view.settled] == postprocess(raw, settings, SIZE).ids


def test_the_limit_of_boxes_a_class_holds():
    rows = [(apart(i), {SHOES: 0.9 - i / 1000}) for i in range(420)]
    view = seen(*rows)
    assert view.kept == [1] * 400 + [0] * 20
    assert view.suppressors == [-1] * 420
    assert view.kept_count == 400


# --- with a ground truth


def truth_of(*boxes, **options):
    corners = np.array([box for box, _ in boxes], np.float64).reshape(-1, 4)
    pixels = corners * [*SIZE, *SIZE]
    return GroundTruth("a.jpg", SIZE, pixels, np.array([c for _, c in boxes], np.int64), **options)


def test_each_kept_box_has_its_outcome_and_each_object_its_finder():
    truth = truth_of((FIRST, SHOES), ((0.8, 0, 0.9, 1), WATCH), ((0.7, 0, 0.75, 1), SHOES))
    view = seen(
        (FIRST, {SHOES: 0.9}),
        (SECOND, {SHOES: 0.8, WATCH: 0.6}),
        ((0.9, 0, 1.0, 1), {SHOES: 0.3}),
        truth=truth,
    )
    assert ids(view) == ["1-0", "1-1", "2-1", "1-2"]
    assert view.judgement.outcomes == [Outcome.RIGHT, 0, Outcome.CLASS, Outcome.BACKGROUND]
    assert view.judgement.ious == [1.0, 0.0, 0.8182, 0.0]
    assert view.judgement.about == [0, -1, 0, -1]
    assert view.judgement.ground_truth.found_by == [0, -1, -1]
    assert view.judgement.ground_truth.class_ids == [SHOES, WATCH, SHOES]
    assert view.judgement.ground_truth.boxes[:4] == [0.0, 0.0, 320.0, 371.0]


def test_crowds_and_regions_are_ignored():
    truth = truth_of(
        (FIRST, SHOES),
        crowd=np.array([True]),
        regions=np.array([[0.0, 0, 10, 10]]),
        region_class_ids=np.array([0]),
    )
    view = seen((FIRST, {SHOES: 0.9}), truth=truth)
    assert view.judgement.outcomes == [Outcome.IGNORED]
    assert view.judgement.ground_truth.ignored == [1, 1]
    assert view.judgement.ground_truth.class_ids == [SHOES, 0]
    assert view.judgement.ground_truth.found_by == [-1, -1]


@pytest.mark.parametrize("kind", KINDS)
def test_outcomes_are_those_of_matching_at_the_floor(kind):
    rng = np.random.default_rng([22, len(kind)])
    raw = unchecked(random_output(rng, 60, 4, kind))
    corners = np.sort(rng.random((5, 2, 2)), axis=1).reshape(5, 4)
    truth = truth_of(*((box, int(rng.integers(1, 4))) for box in corners))
    settings = Settings(iou_threshold=0.5)
    view = view_of(raw, settings, truth=truth)
    found = postprocess(raw, at_floor(settings), SIZE)
    matches = match(compare([(truth, found)], 4))
    kept = [i for i, flag in enumerate(view.kept) if flag]
    assert [view.judgement.outcomes[i] for i in kept] == matches.outcomes.tolist()
    finders = [found.ids[d] if d >= 0 else None for d in matches.found_by]
    assert [
        ids(view)[i] if i >= 0 else None for i in view.judgement.ground_truth.found_by
    ] == finders


def test_class_agnostic_with_thresholds_a_class_what_they_show_is_judged():
    truth = truth_of((SECOND, WATCH))
    rows = [(FIRST, {SHOES: 0.9}), (SECOND, {WATCH: 0.5})]
    settings = {"class_agnostic": True, "class_thresholds": {SHOES: 0.95}}
    view = seen(*rows, truth=truth, **settings)
    assert view.judgement.outcomes == [0, Outcome.RIGHT]
    assert view.judgement.ground_truth.found_by == [1]
