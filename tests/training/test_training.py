"""The shipped model keeps the contract, and the scoring honours partial labels. Without PyTorch."""

import json
import subprocess
import sys

import numpy as np
import openvino
import pytest
from PIL import Image

from detector.labels import COMMODITY_LABELS
from detector.ssd import Detections
from tests.support.paths import VERSIONS
from training.config import LABELS, cell_centres, cell_of_prior, default_boxes
from training.score import Split, calibration_error, figures

BY_TENSORFLOW = """
import sys, numpy as np, tensorflow as tf
v1 = tf.compat.v1
with tf.Graph().as_default(), v1.Session() as session:
    loaded = v1.saved_model.load(session, ["serve"], sys.argv[1])
    signature = loaded.signature_def["serving_default"]
    output = signature.outputs["concat_3:0"].name
    feed = {signature.inputs["images"].name: np.load(sys.argv[2])}
    np.save(sys.argv[3], session.run(output, feed))
"""


@pytest.fixture(scope="module", params=VERSIONS)
def version(request, model_base_path):
    return model_base_path / str(request.param)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).uniform(-120, 150, (2, 300, 300, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def output(version, images):
    hints = {"INFERENCE_PRECISION_HINT": "f32"}
    return openvino.Core().compile_model(str(version), "CPU", hints)(images)[0]


def test_the_output_has_the_shape_of_the_contract_for_any_batch(output):
    assert output.shape == (2, 7308, 21)
    assert output.dtype == np.float32
    assert np.isfinite(output).all()


def test_scores_are_a_softmax_over_nine_classes(output):
    scores = output[..., 4:13]
    assert (scores >= 0).all()
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)


def test_priors_and_variances_are_those_of_the_training(output):
    np.testing.assert_array_equal(output[0, :, 13:17], default_boxes())
    assert (output[..., 13:17] >= 0).all()
    assert (output[..., 13:17] <= 1).all()
    np.testing.assert_array_equal(output[1, :, 17:], np.float32([[0.1, 0.1, 0.2, 0.2]] * 7308))


def test_a_image_gets_the_same_answer_alone_and_in_a_batch(version, images, output):
    alone = openvino.Core().compile_model(str(version), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(
        images[1:]
    )[0]
    np.testing.assert_allclose(alone[0], output[1], atol=1e-3)


@pytest.mark.slow
def test_the_graph_loader_of_tensorflow_gives_the_same_numbers(version, images, output, tmp_path):
    np.save(tmp_path / "images.npy", images)
    files = [str(tmp_path / "images.npy"), str(tmp_path / "output.npy")]
    command = [sys.executable, "-c", BY_TENSORFLOW, str(version), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    by_tensorflow = np.load(files[1])
    np.testing.assert_allclose(by_tensorflow[..., 4:13], output[..., 4:13], atol=1e-4)
    np.testing.assert_allclose(by_tensorflow, output, atol=1e-2)


def test_the_model_is_one_file_under_20_mb_without_variables(version):
    assert (version / "saved_model.pb").stat().st_size < 20e6
    names = {p.relative_to(version).as_posix() for p in version.rglob("*") if p.is_file()}
    assert names == {"saved_model.pb", "assets.extra/training.json", "card.json"}


def test_the_labels_are_the_same_everywhere(model_base_path):
    written = tuple((model_base_path / "labels.txt").read_text().split())
    assert written == LABELS == COMMODITY_LABELS


def test_the_card_is_of_its_version_and_names_every_class(version):
    card = json.loads((version / "card.json").read_text())
    assert card["version"] == int(version.name)
    assert tuple(card["labels"]) == LABELS
    assert set(card["figures"]["classes"]) == set(LABELS[1:])
    assert card["size_mb"] == round((version / "saved_model.pb").stat().st_size / 1e6, 1)


def test_default_boxes_are_7308_boxes_with_an_area_inside_the_image():
    boxes = default_boxes()
    assert boxes.shape == (7308, 4)
    assert boxes.min() == 0
    assert boxes.max() == 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_each_default_box_belongs_to_the_cell_in_its_middle():
    centres, boxes = cell_centres()[cell_of_prior()], default_boxes()
    assert (centres > boxes[:, :2]).all()
    assert (centres < boxes[:, 2:]).all()


CATEGORIES = [{"id": 3, "name": "shoes"}, {"id": 8, "name": "books"}]
SHOE, BOOK = LABELS.index("shoes"), LABELS.index("books")


def split_of(boxes, labelled=("shoes", "books"), ignore=()):
    """One image of 100 x 100 with boxes (category id, x, y, w, h)."""
    image = {"id": 7, "file_name": "a.jpg", "width": 100, "height": 100, "kind": "scene"}
    image["labelled"] = list(labelled)
    image["ignore_regions"] = [{"categories": [n], "bbox": list(b)} for n, *b in ignore]
    notes = [{"image_id": 7, "category_id": c, "bbox": list(b)} for c, *b in boxes]
    content = {"images": [image], "annotations": notes, "categories": CATEGORIES}
    return Split.of(content, "val", LABELS)


def found(*rows):
    """Detections (class id, score, x, y, w, h)."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:]], 1).astype(np.float32)
    return Detections(
        boxes, table[:, 1].astype(np.float32), table[:, 0].astype(int), np.arange(len(table))
    )


def scored(split, detections):
    return figures(split, [detections])


def test_no_detections_score_zero():
    assert scored(split_of([(3, 10, 10, 30, 20)]), found()).ap50 == 0


def test_a_detection_of_the_right_place_and_class_scores_one():
    result = scored(split_of([(3, 10, 10, 30, 20)]), found((SHOE, 0.8, 10, 10, 30, 20)))
    assert result.ap50_of["shoes"] == pytest.approx(1)
    assert result.ap == pytest.approx(1)


def test_a_detection_of_another_class_is_wrong():
    split = split_of([(3, 10, 10, 30, 20)])
    result = scored(split, found((BOOK, 0.9, 10, 10, 30, 20), (SHOE, 0.8, 10, 10, 30, 20)))
    assert result.f1_at[0.3] == pytest.approx(2 / 3)


def test_a_second_detection_of_the_same_box_is_wrong():
    split = split_of([(3, 10, 10, 30, 20)])
    result = scored(split, found((SHOE, 0.9, 10, 10, 30, 20), (SHOE, 0.8, 10, 10, 30, 20)))
    assert result.f1_at[0.3] == pytest.approx(2 / 3)


def test_a_category_that_is_not_labelled_is_neither_right_nor_wrong():
    split = split_of([(3, 10, 10, 30, 20)], labelled=["shoes"])
    result = scored(split, found((BOOK, 0.9, 50, 50, 30, 20), (SHOE, 0.8, 10, 10, 30, 20)))
    assert result.f1_at[0.3] == pytest.approx(1)
    assert result.ap50 == pytest.approx(1)


def test_a_detection_in_an_ignore_region_of_its_category_is_neither_right_nor_wrong():
    split = split_of([(3, 10, 10, 30, 20)], ignore=[("shoes", 50, 50, 50, 50)])
    inside, right = (SHOE, 0.9, 60, 60, 10, 10), (SHOE, 0.8, 10, 10, 30, 20)
    assert scored(split, found(inside, right)).ap50 == pytest.approx(1)
    assert scored(split, found(inside, right)).f1_at[0.3] == pytest.approx(1)


def test_an_ignore_region_excuses_no_other_category():
    split = split_of([(8, 10, 10, 30, 20)], ignore=[("shoes", 50, 50, 50, 50)])
    result = scored(split, found((BOOK, 0.9, 60, 60, 10, 10), (BOOK, 0.8, 10, 10, 30, 20)))
    assert result.ap50 == pytest.approx(0.5)


def test_the_best_threshold_is_where_f1_peaks():
    split = split_of([(3, 10, 10, 30, 20), (3, 60, 60, 30, 20)])
    rows = [(SHOE, 0.9, 10, 10, 30, 20), (SHOE, 0.7, 60, 60, 30, 20), (SHOE, 0.4, 0, 70, 9, 9)]
    result = scored(split, found(*rows))
    assert (result.threshold_of["shoes"], result.f1_of["shoes"]) == (0.7, pytest.approx(1))
    assert np.isnan(result.threshold_of["books"])
    assert np.isnan(result.f1_of["books"])


def test_figures_can_be_of_one_kind_of_image():
    split = split_of([(3, 10, 10, 30, 20)])
    right = [found((SHOE, 0.8, 10, 10, 30, 20))]
    assert split.kinds == ["scene"]
    assert figures(split, right, "scene").ap50 == pytest.approx(1)
    assert np.isnan(figures(split, right, "product").ap50)


def test_a_box_that_cannot_be_scored_is_an_error():
    with pytest.raises(ValueError, match="has no area"):
        split_of([(3, 10, 10, 0, 20)])


def test_the_calibration_error_is_the_gap_between_score_and_share_of_right_ones():
    marks = np.array([[0.85, 1, 3], [0.85, 0, 3], [0.25, 0, 3], [0.25, 1, 3]])
    assert calibration_error(marks) == pytest.approx((0.35 + 0.25) / 2)
    assert np.isnan(calibration_error(np.zeros((0, 3))))


def loss_parts(unlabelled, called, unlikely=()):
    """The parts of the loss of one image without boxes, every place called class `called`."""
    torch = pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")
    from training.config import Config
    from training.loss import UNLIKELY, Loss, Targets

    logits = torch.zeros(1, 7308, len(LABELS))
    logits[..., called] = 12
    marks = sum(1 << LABELS.index(name) for name in unlabelled)
    marks |= sum(1 << LABELS.index(name) + UNLIKELY for name in unlikely)
    cells = torch.full((1, 1940), marks)
    targets = Targets(torch.zeros(1, 4, 4), torch.zeros(1, 4, dtype=torch.int64), cells)
    return Loss(Config())(torch.zeros(1, 7308, 4), logits, targets)[1]


def test_calling_an_empty_place_a_shoe_is_punished_where_shoes_are_labelled():
    assert loss_parts(["books"], SHOE)["negative"] > 1000


def test_calling_a_place_a_shoe_costs_nothing_where_shoes_may_be_unlabelled():
    assert loss_parts(["shoes", "books"], SHOE)["negative"] < 1


def test_calling_an_unlabelled_place_what_hardly_is_there_costs_a_little():
    sure = loss_parts(["books"], SHOE)["negative"]
    unlikely = loss_parts(["shoes", "books"], SHOE, unlikely=["shoes"])["negative"]
    likely = loss_parts(["shoes", "books"], SHOE, unlikely=["books"])["negative"]
    assert likely < 1 < 0.1 * sure < unlikely < 0.2 * sure


def test_gradients_of_workers_move_the_shared_weights_along_themselves():
    torch = pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")
    from training.config import Config
    from training.model import Detector
    from training.train import Shared

    config = Config(warmup=1, weight_decay=0.0)
    shared = Shared(config)
    before = shared.model.stem.conv.weight.detach().clone()
    local = Detector(config).to(memory_format=torch.channels_last)
    local.load_state_dict(shared.model.state_dict())
    ramp = torch.arange(before.numel(), dtype=torch.float32).reshape(before.shape)
    for parameter in local.parameters():
        parameter.grad = torch.zeros_like(parameter)
    local.stem.conv.weight.grad += ramp % 3 - 1  # what a permutation would not survive
    shared.apply(local)
    moved = shared.model.stem.conv.weight.detach() - before
    assert torch.equal(torch.sign(moved), -torch.sign(ramp % 3 - 1))


def test_weights_restored_from_the_export_give_its_numbers(version, images, output):
    torch = pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")
    from training.calibration import Calibration
    from training.model import contract_output
    from training.restore import apply_calibration, folded, unfold

    model, _ = folded(version)
    inputs = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    unfold(model, [inputs])
    record = json.loads((version / "assets.extra" / "training.json").read_text())
    calibration = Calibration(**record["calibration"])
    if not calibration.share:  # of version 1 it is in the convolutions
        apply_calibration(model, calibration)
        calibration = Calibration()
    with torch.no_grad():
        found = contract_output(*(part.numpy() for part in model(inputs)), calibration)
    assert np.abs(found - output)[..., 4:13].max() < 1e-3
    assert np.abs(found - output).max() < 1e-2


def test_a_background_image_in_which_the_model_sees_something_is_drawn_more_often():
    torch = pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")
    from training.config import LABELS
    from training.data import Scene
    from training.train import HARD, favour_hard_background

    class CallsBrightThingsPhones(torch.nn.Module):
        def forward(self, images):
            logits = torch.zeros(len(images), 7308, len(LABELS))
            bright = images.mean((1, 2, 3)) > 0
            logits[bright, 100, LABELS.index("phone")] = 20
            logits[..., 0] = 10
            logits[..., LABELS.index("shoes")] = 10  # these may well be there
            return None, logits

    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), []
    dark, bright = (
        Scene(Image.new("RGB", (40, 30), colour), *empty) for colour in ("#000", "#fff")
    )
    bright.weight = 3.0
    favour_hard_background(CallsBrightThingsPhones(), [dark, bright])
    assert dark.weight == pytest.approx(1.0, abs=1e-3)
    assert bright.weight == pytest.approx(3.0 * HARD, rel=0.01)
