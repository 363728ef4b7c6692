"""The same measures for a part of the objects."""

import numpy as np
import pytest

from detector.evaluation import slices
from detector.evaluation.bootstrap import measure, resamples
from detector.evaluation.curves import COCO_IOUS, average_precision, tally
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import compare, match
from detector.evaluation.slices import dimensions, slices_by
from detector.ssd import Detections, Settings
from tests.support.coco import pycocotools, random_images

NOTHING = Settings(score_threshold=0.0)


def of(truths, found, size=(300, 300), iou=0.5):
    """Matches of one image; rows are (xmin, ymin, xmax, ymax), all of class 1."""
    truths, found = (np.array(rows, np.float64).reshape(-1, 4) for rows in (truths, found))
    count = len(found)
    image = (
        GroundTruth("a.jpg", size, truths, np.ones(len(truths), np.int64)),
        Detections(
            found.astype(np.float32),
            np.linspace(0.9, 0.5, count).astype(np.float32),
            np.ones(count, np.int64),
            np.arange(count),
        ),
    )
    return match(compare([image], 2), iou)


def counts(part, matches):
    judged = tally(part.judge(matches), NOTHING).total()
    return int(judged.true_positives), int(judged.false_positives), int(judged.misses)


def by_name(dimension, matches, size=(300, 300), **more):
    found = slices_by(dimension, matches, [size], [{}], **more)
    return {part.name: counts(part, matches) for part in found}


@pytest.mark.parametrize("seed", range(40))
def test_average_precision_by_size_is_that_of_pycocotools(seed):
    images = random_images(seed)
    theirs = pycocotools(images, 5, 100).eval["precision"]  # T, R, classes, areas, counts
    comparison = compare(images, 5)
    for place, iou in enumerate(COCO_IOUS):
        matches = match(comparison, iou)
        parts = slices_by(slices.SIZE, matches, [(100, 100)] * len(images), [{}] * len(images))
        for area, part in enumerate(parts, start=1):
            judged = part.judge(matches)
            ours = [average_precision(judged, class_id) for class_id in range(1, 5)]
            expected = theirs[place, :, :, area, -1].mean(axis=0)
            expected[expected < 0] = np.nan
            np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_without_anything_all_slices_are_empty():
    matches = of([], [])
    for dimension in dimensions([{}]):
        for part in slices_by(dimension, matches, [(300, 300)], [{}], brightness=[100]):
            assert counts(part, matches) == (0, 0, 0)
            assert part.images(matches).tolist() == []


def test_what_is_wrong_counts_in_the_slice_in_which_it_lies():
    small, large = (10, 10, 30, 30), (100, 100, 250, 250)
    matches = of([small, large], [small, (200, 10, 215, 25), (60, 60, 290, 290)])
    assert by_name(slices.SIZE, matches) == {
        "Small": (1, 1, 0),
        "Medium": (0, 0, 0),
        "Large": (0, 1, 1),
    }


def test_a_detection_of_an_object_outside_is_neither_right_nor_wrong():
    matches = of([(0, 0, 100, 100)], [(0, 0, 90, 90)])
    assert by_name(slices.SIZE, matches) == {
        "Small": (0, 0, 0),
        "Medium": (0, 0, 0),
        "Large": (1, 0, 0),
    }


def test_the_size_for_the_model_is_that_in_its_300_pixels():
    box = (0, 0, 200, 100)  # in 3000 x 1500 pixels it is 20 x 20 of the model's
    matches = of([box], [], size=(3000, 1500))
    assert by_name(slices.SIZE, matches, (3000, 1500))["Large"] == (0, 0, 1)
    assert by_name(slices.MODEL_SIZE, matches, (3000, 1500))["Small"] == (0, 0, 1)


@pytest.mark.parametrize(
    ("box", "place", "shape"),
    [
        ((0, 50, 100, 150), "At the edge", "About square"),
        ((100, 100, 200, 200), "In the middle third", "About square"),
        ((20, 20, 60, 120), "In between", "Tall"),
        ((20, 20, 120, 60), "In between", "Wide"),
    ],
)
def test_an_object_is_in_one_slice_of_each_dimension(box, place, shape):
    matches = of([box], [])
    for dimension, name in ((slices.PLACE, place), (slices.SHAPE, shape)):
        found = by_name(dimension, matches)
        assert found.pop(name) == (0, 0, 1)
        assert set(found.values()) == {(0, 0, 0)}


@pytest.mark.parametrize(("count", "name"), [(1, 0), (2, 1), (7, 1), (8, 2)])
def test_company_is_the_number_of_objects_in_the_image(count, name):
    matches = of([(10 * i, 0, 10 * i + 8, 8) for i in range(count)], [])
    names = ["1 object", "2 to 7 objects", "8 objects or more"]
    assert by_name(slices.COMPANY, matches)[names[name]] == (0, 0, count)


@pytest.mark.parametrize(("mean", "name"), [(30, "Dark"), (120, "Medium light"), (220, "Bright")])
def test_brightness_is_the_images(mean, name):
    matches = of([(0, 0, 50, 50)], [])
    assert by_name(slices.BRIGHTNESS, matches, brightness=[mean])[name] == (0, 0, 1)


def test_attributes_of_two_values_or_more_divide_images():
    box, empty = np.array([[0.0, 0, 50, 50]]), Detections.empty()
    kinds = [{"kind": "scene", "id": "1"}, {"kind": "product", "id": "2"}, {"id": "3"}]
    images = [(GroundTruth(f"{i}.jpg", (99, 99), box, [1]), empty) for i in range(3)]
    matches = match(compare(images, 2))
    assert dimensions(kinds)[6:] == ["kind", "id"]
    assert dimensions(kinds, most=2)[6:] == ["kind"]
    assert dimensions([{"kind": "scene"}] * 3)[6:] == []
    parts = slices_by("kind", matches, [(99, 99)] * 3, kinds)
    assert [(part.name, part.images(matches).tolist()) for part in parts] == [
        ("product", [1]),
        ("scene", [0]),
    ]


def test_a_slice_has_intervals_as_everything_has():
    images = random_images(8)
    matches = match(compare(images, 5))
    [*_, large] = slices_by(slices.COMPANY, matches, [(100, 100)] * len(images), [{}] * len(images))
    judged = large.judge(matches)
    measured = measure(judged, NOTHING, resamples(len(images), 50))
    total = tally(judged, NOTHING).total()
    assert measured.overall["recall"][0] == pytest.approx(float(total.recall), nan_ok=True)
