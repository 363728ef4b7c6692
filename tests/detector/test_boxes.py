import numpy as np
import pytest

from detector.boxes import BLOCK, GreedyNMS, boxes_of, columns_of, iou_matrix, nms
from tests.support import reference


def boxes_at(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    centres, sizes = rng.random((count, 2)), rng.random((count, 2)) * 0.5
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).astype(np.float32)


@pytest.mark.parametrize(("count", "others"), [(0, 0), (0, 3), (3, 0)])
def test_iou_with_no_boxes_has_no_elements(count, others):
    matrix = iou_matrix(random_boxes(count, 1), random_boxes(others, 2))
    assert matrix.shape == (count, others)


def test_iou_of_known_boxes():
    box = boxes_at([0, 0, 2, 2])
    others = boxes_at([0, 0, 2, 2], [1, 0, 3, 2], [0, 0, 1, 2], [2, 0, 4, 2], [5, 5, 6, 6])
    expected = np.array([[1, 1 / 3, 0.5, 0, 0]], np.float32)
    assert iou_matrix(box, others).tolist() == expected.tolist()


def test_iou_counts_width_and_height_apart():
    tall, wide = boxes_at([0, 0, 1, 9]), boxes_at([0, 0, 9, 1])
    assert iou_matrix(tall, wide)[0, 0] == np.float32(1 / 17)


def test_boxes_without_area_have_an_iou_of_zero_also_with_themselves():
    flat = boxes_at([1, 1, 1, 5], [1, 1, 5, 1], [2, 2, 2, 2])
    everything = boxes_at([0, 0, 9, 9], [1, 1, 1, 5], [1, 1, 5, 1], [2, 2, 2, 2])
    assert iou_matrix(flat, everything).max() == 0
    assert iou_matrix(everything, flat).max() == 0


def test_iou_of_boxes_of_the_smallest_area_is_exact():
    tiny = boxes_at([0, 0, 1e-22, 1e-22])
    assert iou_matrix(tiny, tiny).tolist() == [[1]]


def test_iou_equals_the_pairwise_reference_to_the_last_bit():
    boxes, others = random_boxes(60, seed=3), random_boxes(50, seed=4)
    expected = [[reference.iou(a, b) for b in others] for a in boxes]
    assert np.array_equal(iou_matrix(boxes, others), np.array(expected))


def test_nms_of_no_boxes_keeps_none():
    assert nms(boxes_at(), np.empty(0, np.float32), 0.5).tolist() == []


def test_nms_keeps_the_better_of_two_overlapping_boxes():
    boxes = boxes_at([0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30])
    assert nms(boxes, np.array([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def test_nms_suppresses_above_the_threshold_and_not_at_it():
    half = boxes_at([0, 0, 2, 2], [0, 0, 1, 2])  # IoU is exactly 0.5
    assert nms(half, np.array([0.9, 0.8]), 0.5).tolist() == [0, 1]
    assert nms(half, np.array([0.9, 0.8]), np.nextafter(np.float32(0.5), 0)).tolist() == [0]


def test_nms_lets_a_suppressed_box_suppress_nothing():
    chain = boxes_at([0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10])
    assert nms(chain, np.array([0.9, 0.8, 0.7]), 0.4).tolist() == [0, 2]


def test_nms_keeps_the_first_of_equal_boxes_with_equal_scores():
    assert nms(np.repeat(boxes_at([0, 0, 1, 1]), 4, axis=0), np.full(4, 0.5), 0.5).tolist() == [0]


def test_nms_keeps_every_box_without_area():
    count = 2 * BLOCK + 1
    flat = np.repeat(boxes_at([3, 3, 3, 7]), count, axis=0)
    assert nms(flat, np.full(count, 0.5), 0.0).tolist() == list(range(count))


def test_nms_keeps_groups_apart():
    same = np.repeat(boxes_at([0, 0, 1, 1]), 4, axis=0)
    groups = np.array([1, 2, 1, 2])
    assert nms(same, np.array([0.1, 0.2, 0.3, 0.4]), 0.5, groups).tolist() == [3, 2]


@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_nms_equals_the_reference_across_blocks(count):
    boxes = random_boxes(count, seed=count)
    scores = np.random.default_rng(count).integers(0, 50, count)  # many ties
    order = sorted(range(count), key=lambda index: (-scores[index], index))
    assert nms(boxes, scores, 0.3).tolist() == reference.greedy_nms(boxes, order, 0.3)


def test_nms_in_blocks_of_any_size_keeps_the_same_boxes():
    boxes = random_boxes(300, seed=9)
    groups = np.random.default_rng(9).integers(1, 4, 300)
    at_once = GreedyNMS(0.45).add(boxes, groups).tolist()
    greedy, one_by_one = GreedyNMS(0.45), []
    for index in range(300):
        if len(greedy.add(boxes[index : index + 1], groups[index : index + 1])):
            one_by_one.append(index)
    assert one_by_one == at_once


def test_what_nms_computes_of_boxes_gives_them_back_to_the_last_bit():
    boxes = random_boxes(50, seed=5)
    boxes[0] = 0
    columns = columns_of(boxes, np.arange(50))
    assert boxes_of(columns).tobytes() == boxes.tobytes()
    assert GreedyNMS(0.5).add_columns(columns).tolist() == list(range(50))
