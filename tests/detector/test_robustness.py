"""What is left of boxes in altered images: of made-up detections, and of the real model."""

from pathlib import Path

import grpc
import numpy as np
import pytest

from detector import robustness
from detector.alterations import IDENTITY, KNOBS, Alteration, working_copy
from detector.answers import SSDModel, load
from detector.evaluation import curves
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import at_floor, compare, match
from detector.images import ImageLimits
from detector.serving import ModelSpec, ServingClient
from detector.ssd import Detections, Settings, postprocess
from detector.wire.protos import prediction_service_pb2_grpc
from tests.support.detected import detections
from tests.support.foreign import Foreign, serving

SHOES, WATCH = 1, 2
SIZE = (200, 100)
# In the middle, and at the left edge.
BOXES = detections((80, 40, 120, 60, SHOES, 0.9), (0, 0, 40, 40, WATCH, 0.5))
SETTINGS = Settings(score_threshold=0.3, class_thresholds={WATCH: 0.45})


def left_of(found: Detections, alteration: Alteration = IDENTITY) -> robustness.Held:
    return robustness.held(BOXES, found, alteration, SIZE, 3)


def test_of_no_boxes_nothing_is_left():
    held = robustness.held(Detections.empty(), BOXES, IDENTITY, SIZE, 3)
    assert held.boxes.shape == (0, 4)
    assert held.lost(Detections.empty(), SETTINGS).shape == (0,)


def test_all_is_left_where_all_is_found_again_and_nothing_where_nothing_is():
    held = left_of(BOXES)
    assert held.scores.tolist() == pytest.approx([0.9, 0.5])
    assert held.ious.tolist() == [1, 1]
    assert held.rows.tolist() == [0, 1]
    assert held.lost(BOXES, SETTINGS).tolist() == [False, False]
    held = left_of(Detections.empty())
    assert held.scores.tolist() == held.ious.tolist() == [0, 0]
    assert held.lost(BOXES, SETTINGS).tolist() == [True, True]


def test_a_box_is_found_by_its_class_at_an_iou_of_half_and_lost_below_its_own_threshold():
    found = detections(
        (80, 40, 120, 60, WATCH, 0.8),  # the shoes' place, another class
        (80, 40, 105, 60, SHOES, 0.7),  # IoU 25 / 40
        (80, 40, 99, 60, SHOES, 0.6),  # IoU 19 / 40
        (0, 0, 40, 40, WATCH, 0.44),
    )
    held = left_of(found)
    assert held.rows.tolist() == [1, 3]
    assert held.scores.tolist() == pytest.approx([0.7, 0.44])
    assert held.ious.tolist() == pytest.approx([0.625, 1])
    assert held.lost(BOXES, SETTINGS).tolist() == [False, True]


def test_a_box_is_looked_for_where_the_alteration_moves_it():
    alteration = Alteration(crop=0.5)  # 50..150 × 25..75 is left
    found = detections((30, 15, 70, 35, SHOES, 0.8), (80, 40, 100, 50, SHOES, 0.7))
    held = left_of(found, alteration)
    assert held.boxes[0].tolist() == [30, 15, 70, 35]
    assert held.rows.tolist() == [0, -1]
    assert held.in_sight.tolist() == [True, False]
    assert np.isnan([held.scores[1], held.ious[1]]).all()
    assert held.lost(BOXES, SETTINGS).tolist() == [False, False]  # out of sight is not lost


def test_ground_truth_moves_with_the_image_and_what_is_cut_off_need_not_be_found():
    truth = GroundTruth(
        "a.jpg",
        SIZE,
        # In sight; half of it; a quarter; outside; in sight and a crowd.
        [[80, 40, 120, 60], [40, 40, 60, 60], [35, 40, 55, 60], [0, 0, 20, 20], [60, 30, 70, 40]],
        [SHOES] * 5,
        [False] * 4 + [True],
        regions=[[140, 60, 160, 80], [0, 0, 10, 10]],
        region_class_ids=[WATCH, 0],
    )
    assert robustness.truth_after(truth, Alteration(brightness=-2)) is truth
    moved = robustness.truth_after(truth, Alteration(crop=0.5))
    assert moved.size == (100, 50)
    assert moved.boxes.tolist() == [
        *([30, 15, 70, 35], [0, 15, 10, 35], [0, 15, 5, 35], [10, 5, 20, 15]),
    ]
    assert moved.crowd.tolist() == [False, False, True, True]
    assert moved.regions.tolist() == [[90, 35, 100, 50]]
    assert moved.region_class_ids.tolist() == [WATCH]


def test_precision_is_that_of_an_evaluation_at_each_level():
    truth = GroundTruth("a.jpg", SIZE, BOXES.boxes, BOXES.class_ids)
    alterations = [IDENTITY, Alteration(crop=0.5), Alteration(crop=0.5)]
    cropped = detections((30, 15, 70, 35, SHOES, 0.8))
    found = robustness.precisions([(truth, [BOXES, cropped, Detections.empty()])], alterations, 3)
    assert found.objects.tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, 0]]
    assert found.by_class[:, SHOES].tolist() == [1, 1, 0]
    assert found.by_class[0, WATCH] == 1
    assert np.isnan(found.by_class[1:, WATCH]).all()  # there is none to find
    assert found.mean.tolist() == [1, 1, 0]
    none = robustness.precisions([], alterations, 3)
    assert np.isnan(none.mean).all()


@pytest.fixture(scope="module")
def model(client) -> SSDModel:
    return SSDModel(client, "images", "concat_3:0", 9)


@pytest.fixture(scope="module")
def image(samples_dir: Path):
    return load((samples_dir / "canvas_shoes.jpg").read_bytes(), ImageLimits(), working_copy)


def test_several_in_a_request_are_answered_as_each_alone(model, image):
    alterations = robustness.altered_by(KNOBS[0])  # more than go into one request
    assert len(alterations) > 8
    pixels = robustness.pixels_of(image.made, alterations)
    answered = robustness.ask(model, pixels)
    assert len(answered) == len(alterations)
    for each, raw in zip(pixels[:3], answered, strict=False):
        alone = model.ask(type(image)(image.size, each, {})).raw
        one, other = (postprocess(r, Settings(), image.size) for r in (raw, alone))
        assert one.ids == other.ids
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert robustness.ask(model, pixels[:0]) == []


def test_a_server_that_takes_no_large_request_gets_small_ones(embedded_server, image):
    pixels = robustness.pixels_of(image.made, robustness.altered_by(KNOBS[3]))
    with grpc.insecure_channel(embedded_server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        foreign = Foreign(predict=lambda request, context: stub.Predict(request, timeout=300))
        limit = ("grpc.max_receive_message_length", 3_000_000)  # an image is 1.08 MB
        with (
            serving(foreign, options=[limit]),
            ServingClient(foreign.address, timeout_s=300) as client,
        ):
            model = SSDModel(client.model(ModelSpec("commodity")), "images", "concat_3:0", 9)
            answered = robustness.ask(model, pixels)
    sizes = [request.inputs["images"].tensor_shape.dim[0].size for request in foreign.requests]
    assert sum(sizes) == len(answered) == len(pixels)
    assert max(sizes) == 2


def test_a_worse_photo_holds_less_of_a_box_of_the_real_model(model, image):
    unaltered = model.ask(image)
    boxes = unaltered.detections(Settings())
    noise = robustness.altered_by(next(knob for knob in KNOBS if knob.name == "noise"))
    scores = []
    for alteration, raw in zip(
        noise, robustness.ask(model, robustness.pixels_of(image.made, noise)), strict=True
    ):
        found = postprocess(raw, at_floor(Settings()), image.size)
        held = robustness.held(boxes, found, alteration, image.size, 9)
        scores.append(held.scores[0])
        truth = GroundTruth("", image.size, boxes.boxes, boxes.class_ids)
        matches = match(compare([(truth, found)], 9))
        assert (held.scores > 0).sum() == (matches.found_by >= 0).sum()
        assert curves.curve(matches).truth_count == len(boxes)
    assert scores[0] == pytest.approx(boxes.scores[0], abs=0.05)  # the working copy, unaltered
    assert scores[-1] < 0.3
