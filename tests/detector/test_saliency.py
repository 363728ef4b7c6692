"""Why a box is there: the maps of D-RISE, of made-up predictions and of the real model."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from detector import saliency
from detector.answers import LoadedImage, SSDModel, load
from detector.images import ImageLimits
from detector.saliency import Target, curves, explain, masks, similarity
from detector.ssd import RawPrediction, Settings, decode
from tests.support import reference
from tests.support.outputs import output_of, random_output, unchecked

SHOES, WATCH = 1, 2
FIRST, SECOND = (0.0, 0, 0.5, 1), (0.05, 0, 0.55, 1)  # IoU 9/11


def by_loops(raw: RawPrediction, target: Target) -> float:
    """IoU times cosine times what is not background, as the paper has it."""
    best = 0.0
    boxes = decode(raw.offsets, raw.priors, raw.variances)
    for box, scores in zip(boxes, raw.scores, strict=True):
        classes, wanted = scores[1:].astype(float), target.scores[1:].astype(float)
        lengths = np.sqrt((classes**2).sum()) * np.sqrt((wanted**2).sum())
        cosine = (classes * wanted).sum() / lengths if lengths else 0.0
        best = max(best, reference.iou(box, target.box) * cosine * (1 - float(scores[0])))
    return best


@pytest.mark.parametrize("kind", ["softmax", "tied", "one heap"])
def test_what_is_left_of_a_box_is_as_the_paper_has_it(kind):
    rng = np.random.default_rng(7)
    raw = unchecked(random_output(rng, 60, 5, kind))
    for other in range(5):
        target = Target.of(raw, other)
        less = unchecked(random_output(np.random.default_rng(other), 60, 5, kind))
        assert similarity(less, target) == pytest.approx(by_loops(less, target), abs=1e-6)


def test_the_same_box_is_all_of_it_and_another_class_none():
    raw = unchecked(output_of(3, (FIRST, {SHOES: 1.0})))
    target = Target.of(raw, 0)
    assert similarity(raw, target) == pytest.approx(1)
    moved = unchecked(output_of(3, (SECOND, {SHOES: 1.0})))
    assert similarity(moved, target) == pytest.approx(9 / 11, abs=1e-6)
    assert similarity(unchecked(output_of(3, (FIRST, {WATCH: 1.0}))), target) == 0
    elsewhere = unchecked(output_of(3, ((0.7, 0, 0.9, 1), {SHOES: 1.0})))
    assert similarity(elsewhere, target) == 0
    with pytest.raises(KeyError):
        Target.of(raw, 5)


def test_masks_show_half_of_the_image_smoothly_and_anew_each_time():
    made = masks(40, np.random.default_rng(1))
    assert made.shape == (40, 300, 300)
    assert (made.min(), made.max()) == (0, 1)
    assert made.mean() == pytest.approx(0.5, abs=0.03)
    assert np.abs(made.mean(axis=0) - 0.5).max() < 0.35  # no place is always shown
    assert np.abs(np.diff(made, axis=2)).max() < 0.1
    assert (made == masks(40, np.random.default_rng(1))).all()


@pytest.fixture(scope="module")
def model(client) -> SSDModel:
    return SSDModel(client, "images", "concat_3:0", 9)


@pytest.fixture(scope="module")
def image(samples_dir: Path) -> LoadedImage:
    return load((samples_dir / "canvas_shoes.jpg").read_bytes(), ImageLimits())


@pytest.fixture(scope="module")
def target(model: SSDModel, image: LoadedImage) -> Target:
    answer = model.ask(image)
    return Target.of(answer.raw, int(answer.detections(Settings()).prior_indices[0]))


def test_a_box_of_the_real_model_rests_on_what_is_in_it(model, image, target):
    seen = list(explain(model, image.pixels, target, 120))
    assert [each.count for each in seen] == list(range(saliency.AT_ONCE, 121, saliency.AT_ONCE))
    heat = seen[-1].heat
    xmin, ymin, xmax, ymax = (target.box * 300).round().astype(int)
    inside = np.zeros(heat.shape, bool)
    inside[ymin:ymax, xmin:xmax] = True
    assert heat[inside].mean() > heat[~inside].mean()
    assert seen[-1].stability > 0
    assert np.isnan(next(explain(model, image.pixels, target, 1)).stability)  # one half has none
    found = curves(model, image.pixels, target, heat)
    assert found.deleted[0] == pytest.approx(similarity(model.ask(image).raw, target), abs=1e-5)
    assert found.deleted[-1] == found.inserted[0] < 0.1
    assert found.insertion > found.deletion + 0.1
    upside_down = curves(model, image.pixels, target, -heat)
    assert upside_down.insertion < found.insertion


def test_the_map_is_the_same_for_a_seed_and_goes_on_where_it_was_left(model, image, target):
    at_once = list(explain(model, image.pixels, target, 24, seed=3))
    begun = explain(model, image.pixels, target, 24, seed=3)
    parts = [*islice(begun, 1), *begun]
    for one, other in zip(at_once, parts, strict=True):
        assert (one.heat == other.heat).all()
    other = list(explain(model, image.pixels, target, 24, seed=4))
    assert (other[-1].heat != at_once[-1].heat).any()
