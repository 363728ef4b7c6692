"""Calibrated scores stay scores, in the same order, and low ones stay above the floor."""

import numpy as np
import pytest

from training.calibration import Calibration, softmax

LOGITS = np.zeros((4, 9), np.float32)
LOGITS[:, 3] = -4, -2, 1, 5


def test_without_calibration_scores_are_the_softmax():
    np.testing.assert_allclose(Calibration().scores(LOGITS), softmax(LOGITS), rtol=1e-6)
    assert Calibration().scores(np.zeros((0, 9), np.float32)).shape == (0, 9)


def test_calibrated_scores_sum_to_one_and_keep_their_order():
    scores = Calibration(0.4, (0.0,) * 3 + (0.5,) + (0.0,) * 5, 0.1).scores(LOGITS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-6)
    assert (np.diff(scores[:, 3]) > 0).all()


def test_a_share_of_the_raw_score_keeps_low_ones_above_the_floor():
    logits = np.float32([[0] + [-30] * 8])
    logits[0, 3] = np.log(0.1 / 0.9)
    assert softmax(logits)[0, 3] == pytest.approx(0.1)
    assert Calibration(0.36).scores(logits)[0, 3] < 0.003
    assert Calibration(0.36, share=0.1).scores(logits)[0, 3] > 0.01
