"""Resampled measures equal those of the images repeated in fact."""

import time

import numpy as np
import pytest

from detector.evaluation import bootstrap, curves
from detector.evaluation.bootstrap import interval, measure, resamples
from detector.evaluation.matching import compare, match
from detector.ssd import Settings
from tests.detector.evaluation.test_matching import WATCH, found, truth
from tests.support.coco import random_images

BOX, FAR = (0, 0, 10, 10), (50, 50, 60, 60)


CLASSES = 5  # of random_images, background too


def matched(images):
    return match(compare(images, CLASSES))


def many(count, rng):
    """So many images."""
    images = []
    while len(images) < count:
        images += random_images(int(rng.integers(10**6)))
    return untied(images[:count], rng)


def untied(images, rng):
    """The same images, no two detections of one score: of ties the order is nobody's."""
    scores = iter(rng.permutation(100_000)[: sum(len(each) for _, each in images)] / 100_000)
    changed = []
    for notes, each in images:
        rows = [
            (int(class_id), float(next(scores)), tuple(box))
            for class_id, box in zip(each.class_ids, each.boxes, strict=True)
        ]
        changed.append((notes, found(*sorted(rows, key=lambda row: -row[1]))))
    return changed


@pytest.mark.parametrize("seed", range(8))
def test_a_resample_measures_what_its_images_in_fact_would(seed):
    rng = np.random.default_rng(seed)
    images = many(12, rng)
    settings = Settings(score_threshold=0.3)
    weights = resamples(len(images), 5, seed)
    measures = measure(matched(images), settings, weights)
    for row, draw in enumerate(weights):
        repeated = matched([each for each, k in zip(images, draw, strict=True) for _ in range(k)])
        for class_id in range(CLASSES):
            expected = curves.average_precision(repeated, class_id)
            actual = measures.average_precision[row, class_id]
            assert actual == pytest.approx(expected, nan_ok=True, abs=1e-12)
        of_coco = curves.average_precisions(repeated.comparison).mean(axis=0)
        np.testing.assert_allclose(measures.coco_precision[row], of_coco, atol=1e-12)
        counts = curves.tally(repeated, settings)
        for name in ("precision", "recall", "f1"):
            of_classes, total = getattr(counts, name), getattr(counts.total(), name)
            np.testing.assert_allclose(getattr(measures, name)[row], of_classes, atol=1e-12)
            np.testing.assert_allclose(measures.overall[name][row], total, atol=1e-12)
        of_classes = measures.average_precision[row, 1:]
        mean = curves.mean_without_nan(of_classes.tolist())
        assert measures.overall["average_precision"][row] == pytest.approx(mean, nan_ok=True)


def test_the_first_row_is_the_images_as_they_are_and_draws_are_repeatable():
    weights = resamples(7, 100)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 7).all()
    assert np.array_equal(weights, resamples(7, 100))
    assert not np.array_equal(weights, resamples(7, 100, seed=1))


def test_the_interval_is_the_middle_of_the_resamples():
    values = np.concatenate([[100.0], np.linspace(0, 1, 1001)])
    assert interval(values) == (pytest.approx(0.025), pytest.approx(0.975))
    assert interval(values, 0.5) == (pytest.approx(0.25), pytest.approx(0.75))
    assert np.isnan(interval(np.full(11, np.nan))).all()
    half = np.array([0, *range(5), *[np.nan] * 5])  # the first is no resample
    assert np.isnan(interval(half)).all()
    half[-1] = 5
    assert interval(half, 0.2) == (pytest.approx(2), pytest.approx(3))


def test_a_model_is_no_better_than_itself_and_a_better_one_is():
    good = [(truth((WATCH, BOX)), found((WATCH, 0.9, BOX))) for _ in range(20)]
    poor = [(truth((WATCH, BOX)), found((WATCH, 0.9, FAR))) for _ in range(12)] + good[12:]
    weights = resamples(20, 300)
    a, b = (measure(matched(images), Settings(), weights) for images in (poor, good))
    same = a.average_precision[:, WATCH] - a.average_precision[:, WATCH]
    assert interval(same) == (0, 0)
    low, high = interval(b.average_precision[:, WATCH] - a.average_precision[:, WATCH])
    assert 0 < low < high <= 1


def test_without_images_nothing_is_measured():
    measures = measure(matched([]), Settings(), resamples(0, 3))
    assert measures.average_precision.shape == (4, CLASSES)
    assert np.isnan(measures.average_precision).all()
    assert np.isnan(measures.overall["f1"]).all()


@pytest.mark.slow
def test_a_thousand_resamples_of_five_hundred_images_take_about_a_second():
    rng = np.random.default_rng(0)
    matches = matched(many(500, rng))
    weights = resamples(500)
    started = time.process_time()
    precision = bootstrap.average_precision(matches, 1, weights)
    rates = bootstrap.rates(matches, Settings(), weights)
    assert time.process_time() - started < 3
    assert precision.shape == rates[1]["recall"].shape == (1001,)
    assert bootstrap.RESAMPLES == 1000
