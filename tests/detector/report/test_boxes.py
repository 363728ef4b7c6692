"""The boxes of a report: what its slider shows is what the program would."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from detector.report import boxes
from detector.ssd import RawPrediction, Settings, postprocess
from tests.support.outputs import SIZE, random_output, random_settings

CLASS_COUNT = 5


def shown(possible, settings, threshold):
    """What report.js makes of it."""
    own = np.isin(possible.class_ids, list(settings.class_thresholds))
    passes = own | (possible.scores >= np.float32(threshold))
    return possible.take(np.flatnonzero(passes)[: settings.top_k])


def test_of_an_image_without_candidates_there_is_none():
    raw = RawPrediction.from_output(np.zeros((0, CLASS_COUNT + 12), np.float32))
    assert len(boxes.at_any_threshold(raw, Settings(), SIZE)) == 0


@pytest.mark.parametrize("kind", ["usual", "tied", "at the thresholds"])
@pytest.mark.parametrize("seed", range(12))
def test_a_threshold_is_a_filter_over_them(kind: str, seed: int):
    rng = np.random.default_rng(seed)
    raw = RawPrediction.from_output(random_output(rng, 300, CLASS_COUNT, kind))
    settings = Settings(**random_settings(rng, CLASS_COUNT))
    if not boxes.can_move(settings):
        settings = replace(settings, class_thresholds={})
    possible = boxes.at_any_threshold(raw, settings, SIZE)
    for threshold in (0.01, 0.2, 0.3, 0.45, 0.7, 1.0):
        then = postprocess(raw, replace(settings, score_threshold=threshold), SIZE)
        assert shown(possible, settings, threshold).ids == then.ids


def test_where_it_is_no_filter_there_is_what_the_settings_show():
    raw = RawPrediction.from_output(
        random_output(np.random.default_rng(0), 300, CLASS_COUNT, "usual")
    )
    settings = Settings(class_agnostic=True, class_thresholds={1: 0.5})
    possible = boxes.at_any_threshold(raw, settings, SIZE)
    assert possible.ids == postprocess(raw, settings, SIZE).ids


@pytest.mark.parametrize("count", [1, 20, boxes.MOST_IMAGES])
def test_images_share_the_room_that_there_is(count: int):
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)
    smooth = Image.fromarray(noise).resize((160, 120)).resize((1600, 1200))
    data = boxes.jpeg_of_many(smooth, count)
    assert len(data) <= min(boxes.ONE_IMAGE_BYTES, boxes.IMAGES_BYTES // count)
