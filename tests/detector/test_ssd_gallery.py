"""Post-processing of the gallery's own answers, against NMS class by class over everything."""

import numpy as np
import pytest

from detector.recorded import FILE_NAME, read_recorded
from detector.ssd import RawPrediction, Settings, postprocess
from tests.support import reference
from tests.support.outputs import random_settings
from tests.support.paths import ROOT

ANSWERS = read_recorded(ROOT / "samples" / FILE_NAME)


def output_with(raw):
    """(P, C + 12) a model's whole output that has these rows; the others are background."""
    output = np.zeros((raw.prior_count, raw.scores.shape[1] + 12), np.float32)
    output[:, 4], output[:, -4:] = 1, 0.1
    parts = (raw.offsets, raw.scores, raw.priors, raw.variances)
    output[raw.prior_indices] = np.concatenate(parts, axis=1)
    return output


def settings_for(rng, class_count):
    """The defaults, the floor, and what comes up."""
    yield {}
    for class_agnostic in (False, True):
        yield {"score_threshold": 0.0, "top_k": 1000, "class_agnostic": class_agnostic}
    for _ in range(8):
        yield random_settings(rng, class_count)


@pytest.mark.parametrize("index", range(len(ANSWERS)))
def test_a_gallery_image_has_the_boxes_of_nms_over_everything_bit_for_bit(index):
    answer = ANSWERS[index][1]
    output = output_with(answer.raw)
    everything = reference.Everything(output)
    rng = np.random.default_rng([31, index])
    for settings in settings_for(rng, answer.raw.scores.shape[1]):
        expected = everything.postprocess(answer.size, **settings)
        for raw in (RawPrediction.from_output(output), answer.raw):
            found = postprocess(raw, Settings(**settings), answer.size)
            parts = (found.class_ids, found.prior_indices, found.scores, found.boxes)
            for ours, theirs in zip(parts, expected, strict=True):
                np.testing.assert_array_equal(ours, theirs, strict=True, err_msg=str(settings))


def test_there_are_answers_to_compare():
    assert len(ANSWERS) > 10
