"""Turn trained weights into the SavedModel that is served:

    python -m training.export --weights runs/NAME/ema.pt --data FOLDER --out models/commodity/2

The network is built again in TensorFlow as one flat graph of constants: batch norm, input scale and
variances folded into the convolutions, weights kept as float16 and cast to float32.
There are no variables, so no loader can miss to restore them. Before the file takes its place, the
TensorFlow loader that TensorFlow Serving uses and OpenVINO must both agree with PyTorch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.body import FIXED, Block, Body, Folded
from training.calibration import Calibration, fit
from training.config import GRIDS, LABELS, VARIANCES, Config, default_boxes
from training.model import (
    Branch,
    Conv,
    Detector,
    Network,
    PretrainedDetector,
    Stage,
    build,
    contract_output,
)

OUTPUT = "concat_3:0"


def load_weights(*paths: Path) -> tuple[Network, dict]:
    """The network in evaluation mode, and what else the (first) checkpoint holds.

    Several checkpoints are averaged: runs that began with the same weights, as a run and its
    fine-tuning did, are often better in the middle than at either end.
    """
    states = [torch.load(path, weights_only=True) for path in paths]
    state = states[0]
    for name, first in state["model"].items():
        if first.dtype.is_floating_point:
            state["model"][name] = torch.stack([s["model"][name] for s in states]).mean(0)
    state["samples"] = sum(s["samples"] for s in states)
    known = Config.__dataclass_fields__
    model = build(Config(**{k: v for k, v in state["config"].items() if k in known}))
    model.load_state_dict(state["model"])
    return model.eval(), state


class Builder:
    """The PyTorch modules as TensorFlow operations on NHWC tensors.

    Kernels are the only constants of four dimensions, their biases the only ones of one: so
    restore.py finds them.
    """

    def __init__(self, tf, calibration: Calibration | None = None) -> None:
        self.tf = tf
        self.calibration = calibration or Calibration()

    def constant(self, array: np.ndarray):
        return self.tf.cast(self.tf.constant(array.astype(np.float16)), self.tf.float32)

    def convolve(self, x, weight: np.ndarray, bias: np.ndarray, stride: int, pad: int):
        if pad:
            x = self.tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        kernel = self.constant(weight.transpose(2, 3, 1, 0))
        x = self.tf.nn.conv2d(x, kernel, stride, "VALID")
        return x + self.tf.constant(bias.astype(np.float32))

    def conv(self, m: Conv, x, scale: float = 1.0):
        gain = (m.norm.weight / torch.sqrt(m.norm.running_var + m.norm.eps)).detach()
        weight = (m.conv.weight.detach() * gain[:, None, None, None] * scale).numpy()
        bias = (m.norm.bias.detach() - m.norm.running_mean * gain).numpy()
        x = self.convolve(x, weight, bias, m.conv.stride[0], m.conv.padding[0])
        return x * self.tf.sigmoid(x)

    def stage(self, m: Stage, x):
        parts = list(self.tf.split(self.conv(m.split, x), 2, -1))
        for first, second in m.pairs:
            y = self.conv(second, self.conv(first, parts[-1]))
            parts.append(y + parts[-1] if m.shortcut else y)
        return self.conv(m.join, self.tf.concat(parts, -1))

    def plain(self, m: nn.Conv2d, x, divide: np.ndarray):
        weight, bias = m.weight.detach().numpy(), m.bias.detach().numpy()
        return self.convolve(x, weight / divide[:, None, None, None], bias / divide, 1, 0)

    def branch(self, m: Branch, x, priors: int):
        sizes = m.offsets.out_channels // 4
        offsets = self.conv(m.boxes, x)
        offsets = self.plain(m.offsets, offsets, np.tile(np.array(VARIANCES, np.float32), sizes))
        logits = self.conv(m.classes, x)
        logits = self.plain(m.logits, logits, np.ones(sizes * len(LABELS), np.float32))
        reshape = self.tf.reshape
        return reshape(offsets, [-1, priors, 4]), reshape(logits, [-1, priors, len(LABELS)])

    def folded(self, m: Folded, x):
        weight = m.conv.weight.detach().numpy()
        bias = m.conv.bias.detach().numpy()
        stride, kernel = m.conv.stride[0], m.conv.kernel_size[0]
        if m.conv.groups > 1:
            kernel = self.constant(weight.transpose(2, 3, 0, 1))
            x = self.tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        else:
            kernel = self.constant(weight.transpose(2, 3, 1, 0))
            x = self.tf.nn.conv2d(x, kernel, stride, "SAME")
        x = x + self.tf.constant(bias.astype(np.float32))
        return x if m.linear else self.tf.nn.relu6(x)

    def block(self, m: Block, x):
        wide = self.folded(m.expand, x) if isinstance(m.expand, Folded) else x
        y = self.folded(m.project, self.folded(m.depth, wide))
        return (x + y if m.shortcut else y), wide

    def body(self, m: Body, images):
        shift = m.shift.numpy().reshape(1, 1, 3).astype(np.float32)
        x = self.folded(m.first, images * np.float32(1 / m.UNIT) + self.tf.constant(shift))
        taps = []
        for i, block in enumerate(m.blocks):
            before = x
            x, wide = self.block(block, x)
            if i == FIXED - 1:
                taps.append(before)
            elif i >= FIXED and block.depth.conv.stride[0] == 2:
                taps.append(wide)
        taps.append(self.folded(m.last, x))
        for narrow, down in m.smaller():
            taps.append(self.folded(down, self.folded(narrow, taps[-1])))
        return taps

    def double(self, x, side: int):
        twice = 2 * x.shape[1]
        x = self.tf.image.resize(x, [twice, twice], "nearest")
        return x[:, :side, :side, :] if side < twice else x

    def network(self, m: Network, images):
        return self.own(m, images) if isinstance(m, Detector) else self.pretrained(m, images)

    def pretrained(self, m: PretrainedDetector, images):
        tf, conv, stage = self.tf, self.conv, self.stage
        maps = self.body(m.body, images)
        for narrow, down in m.smaller:
            maps.append(conv(down, conv(narrow, maps[-1])))
        c75, c38, c19, c10, c5, c3 = maps
        s38, s19, s10 = conv(m.side38, c38), conv(m.side19, c19), conv(m.side10, c10)
        s5, s3 = conv(m.side5, c5), conv(m.side3, c3)
        p10 = stage(m.top10, tf.concat([self.double(s5, 10), s10], -1))
        p19 = stage(m.top19, tf.concat([self.double(p10, 19), s19], -1))
        p38 = stage(m.top38, tf.concat([self.double(p19, 38), s38, conv(m.fine, c75)], -1))
        q19 = stage(m.out19, tf.concat([conv(m.up19, p38), p19], -1))
        q10 = stage(m.out10, tf.concat([conv(m.up10, q19), p10], -1))
        q5 = tf.concat([conv(m.up5, q10), s5], -1)
        q3 = tf.concat([conv(m.up3, q5), s3], -1)
        return self.heads(m, images, (p38, q19, q10, q5, q3, conv(m.up1, q3)))

    def own(self, m: Detector, images):
        tf, conv, stage = self.tf, self.conv, self.stage
        c75 = stage(m.stage75, conv(m.down75, conv(m.stem, images, scale=1 / 64)))
        c38 = stage(m.stage38, conv(m.down38, c75))
        c19 = stage(m.stage19, conv(m.down19, c38))
        c10 = stage(m.stage10, conv(m.down10, c19))
        c5 = stage(m.stage5, conv(m.down5, c10))
        p10 = stage(m.top10, tf.concat([self.double(c5, 10), c10], -1))
        p19 = stage(m.top19, tf.concat([self.double(p10, 19), c19], -1))
        p38 = stage(m.top38, tf.concat([self.double(p19, 38), c38], -1))
        q19 = stage(m.out19, tf.concat([conv(m.up19, p38), p19], -1))
        q10 = stage(m.out10, tf.concat([conv(m.up10, q19), p10], -1))
        q5 = tf.concat([conv(m.up5, q10), c5], -1)
        q3 = conv(m.up3, q5)
        q1 = conv(m.up1, q3)
        return self.heads(m, images, (p38, q19, q10, q5, q3, q1))

    def scores(self, logits):
        tf, how = self.tf, self.calibration
        turned = logits * np.float32(1 / how.temperature) + np.array([[how.biases]], np.float32)
        scores = tf.nn.softmax(turned)
        if how.share:
            scores = scores * np.float32(1 - how.share) + tf.nn.softmax(logits) * np.float32(
                how.share
            )
        return scores

    def heads(self, m: Network, images, maps):
        """The contract's output (N, 7308, 21) of the maps of the six grids."""
        tf = self.tf
        pairs = [
            self.branch(branch, x, grid * grid * branch.offsets.out_channels // 4)
            for branch, x, grid in zip(m.branches, maps, GRIDS, strict=True)
        ]
        offsets = tf.concat([p[0] for p in pairs], 1)
        scores = self.scores(tf.concat([p[1] for p in pairs], 1))
        priors = default_boxes()
        variances = np.broadcast_to(np.array(VARIANCES, np.float32), priors.shape)
        fixed = np.concatenate([priors, variances], 1)
        fixed = tf.tile(tf.constant(fixed[None]), [tf.shape(images)[0], 1, 1])
        return tf.concat([offsets, scores, fixed], -1)


def write_saved_model(model: Network, folder: Path, calibration: Calibration | None = None) -> None:
    """A frozen SavedModel: saved_model.pb alone, signature serving_default."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, [None, 300, 300, 3], "images")
        output = tf.ensure_shape(Builder(tf, calibration).network(model, images), [None, 7308, 21])
        signature = v1.saved_model.predict_signature_def({"images": images}, {OUTPUT: output})
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            [v1.saved_model.SERVING],
            {"serving_default": signature},
            strip_default_attrs=True,
        )
        builder.save()
    shutil.rmtree(folder / "variables", ignore_errors=True)
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def run_tensorflow(folder: Path, images: np.ndarray) -> np.ndarray:
    """The output by the graph loader, which is what TensorFlow Serving uses."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        loaded = v1.saved_model.load(session, [v1.saved_model.SERVING], str(folder))
        signature = loaded.signature_def["serving_default"]
        feed = {signature.inputs["images"].name: images}
        return session.run(signature.outputs[OUTPUT].name, feed)


def run_openvino(folder: Path, images: np.ndarray) -> np.ndarray:
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(folder), "CPU", hints)
    return compiled(images)[0]


def check(model: Network, folder: Path, calibration: Calibration | None = None) -> dict[str, float]:
    """Largest differences on three noise images. Raises ValueError when they are no rounding."""
    images = np.random.default_rng(3).uniform(-120, 150, (3, 300, 300, 3)).astype(np.float32)
    by_tensorflow, by_openvino = run_tensorflow(folder, images), run_openvino(folder, images)
    with torch.no_grad():
        offsets, logits = model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    by_torch = contract_output(offsets.numpy(), logits.numpy(), calibration)
    columns = slice(4, 13)
    found = {
        "tensorflow_openvino": float(np.abs(by_tensorflow - by_openvino).max()),
        "tensorflow_torch_scores": float(np.abs(by_tensorflow - by_torch)[..., columns].max()),
        "tensorflow_torch_all": float(np.abs(by_tensorflow - by_torch).max()),
    }
    if found["tensorflow_openvino"] > 1e-2 or found["tensorflow_torch_scores"] > 2e-2:
        raise ValueError(f"the export differs from the network: {found}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Export trained weights as a SavedModel.")
    parser.add_argument(
        "--weights", type=Path, required=True, nargs="+", help="several are averaged"
    )
    parser.add_argument("--data", type=Path, help="calibrate on the val split of this folder")
    parser.add_argument("--out", type=Path, default=Path("models/commodity/2"))
    args = parser.parse_args()
    model, state = load_weights(*args.weights)
    calibration = Calibration()
    if args.data:
        from training.train import Validation

        validation = Validation(args.data)
        calibration = fit(validation, validation.outputs(model))
    with tempfile.TemporaryDirectory(dir=args.out.parent.parent) as scratch:
        folder = Path(scratch) / "model"
        write_saved_model(model, folder, calibration)
        differences = check(model, folder, calibration)
        extra = args.out / "assets.extra"
        extra.mkdir(parents=True, exist_ok=True)
        (folder / "saved_model.pb").replace(args.out / "saved_model.pb")
    record = {
        "config": state["config"],
        "samples": state["samples"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "calibration": asdict(calibration),
        "differences": differences,
        "began_from": [model.body.PACKAGE] if isinstance(model, PretrainedDetector) else [],
    }
    (extra / "training.json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps({**asdict(calibration), **differences}, indent=1))


if __name__ == "__main__":
    main()
