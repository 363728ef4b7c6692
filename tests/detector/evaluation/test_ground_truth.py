"""The type of ground truth."""

import numpy as np
import pytest

from detector.evaluation.ground_truth import GroundTruth


def test_an_image_may_have_no_boxes():
    truth = GroundTruth("a.jpg", (640, 480))
    assert truth.boxes.shape == (0, 4)
    assert truth.crowd.shape == truth.class_ids.shape == truth.region_class_ids.shape == (0,)
    assert truth.labelled is None
    assert GroundTruth("dot.png", (1, 1)).boxes.shape == (0, 4)


def test_the_arrays_of_a_ground_truth_are_read_only_copies():
    boxes = np.array([[0.0, 0, 5, 5]])
    truth = GroundTruth("a.jpg", (9, 9), boxes, np.array([1]))
    boxes[0, 2] = 7
    assert truth.boxes.tolist() == [[0, 0, 5, 5]]
    assert truth.crowd.tolist() == [False]
    with pytest.raises(ValueError, match="read-only"):
        truth.boxes[0] = 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": (0, 5)},
        {"boxes": np.zeros((1, 5)), "class_ids": [1]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [1, 2]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [0]},
        {"boxes": [[0, 0, 0, 1]], "class_ids": [1]},
        {"boxes": [[0, 0, np.nan, 1]], "class_ids": [1]},
        {"boxes": [[0, 0, 1, 1]], "class_ids": [1], "crowd": [True, False]},
        {"regions": [[0, 0, 1, 1]], "region_class_ids": [-1]},
    ],
)
def test_a_ground_truth_of_the_wrong_shape_or_range_is_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        GroundTruth(**{"file_name": "a.jpg", "size": (640, 480), **arguments})
