"""Weights from an export, to train on from where no checkpoint is left:

    python -m training.restore --model models/commodity/1 --data FOLDER --out runs/shipped.pt

The export folded each batch norm into its convolution. Here it is unfolded again: with the mean and
the variance that the convolution's outputs have on training images, and the gain and shift that
undo them, the network computes what the export computes, and can be trained.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from detector.wire.protos import saved_model_pb2
from training.body import Folded
from training.calibration import Calibration
from training.config import LABELS, Config
from training.data import Composer, load
from training.export import Builder
from training.model import Conv, Network, build
from training.train import save

# After a batch norm the scale of a kernel does not matter, but the optimiser's steps are relative
# to it: half more than at the start of a training, as after one.
GROWTH = 1.5


class _Order(Builder):
    """Builds the graph as the export did, and notes which layer each convolution is of."""

    def __init__(self, tf) -> None:
        super().__init__(tf)
        self.layers: list[tuple[nn.Module, np.ndarray | float]] = []

    def conv(self, m: Conv, x, scale: float = 1.0):
        self.layers.append((m, scale))
        return super().conv(m, x, scale)

    def folded(self, m: Folded, x):
        self.layers.append((m, 1.0))
        return super().folded(m, x)

    def plain(self, layer: nn.Conv2d, x, divide: np.ndarray):
        self.layers.append((layer, divide))
        return super().plain(layer, x, divide)


def constants(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernels (out, in, h, w) and biases (out,) of an export's convolutions, in its order."""
    from tensorflow import make_ndarray

    path = folder / "saved_model.pb"
    graph = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0].graph_def
    arrays = [make_ndarray(n.attr["value"].tensor) for n in graph.node if n.op == "Const"]
    kernels = [a.transpose(3, 2, 0, 1) for a in arrays if a.dtype == np.float16 and a.ndim == 4]
    biases = [a for a in arrays if a.dtype == np.float32 and a.ndim == 1]
    return list(zip(kernels, biases, strict=True))


@torch.no_grad()
def folded(folder: Path) -> tuple[Network, dict]:
    """The export as a network in evaluation mode whose batch norms only add, and its record."""
    import tensorflow as tf

    record = json.loads((folder / "assets.extra" / "training.json").read_text())
    config = Config(**{k: v for k, v in record["config"].items() if k in _FIELDS})
    model = build(config).eval()
    order = _Order(tf)
    with tf.Graph().as_default():
        order.network(model, tf.compat.v1.placeholder(tf.float32, [None, 300, 300, 3]))
    for (layer, scale), (kernel, bias) in zip(order.layers, constants(folder), strict=True):
        weight, shift = torch.from_numpy(kernel.astype(np.float32)), torch.from_numpy(bias.copy())
        if isinstance(layer, Conv):
            layer.conv.weight.copy_(weight / scale)
            layer.norm.bias.copy_(shift)
            layer.norm.running_var.fill_(1 - layer.norm.eps)
        elif isinstance(layer, Folded):
            layer.conv.weight.copy_(weight.reshape(layer.conv.weight.shape))
            layer.conv.bias.copy_(shift)
        else:
            by = torch.from_numpy(np.asarray(scale, np.float32))
            layer.weight.copy_(weight * by[:, None, None, None])
            layer.bias.copy_(shift * by)
    calibration = Calibration(**record["calibration"])
    if "share" not in record["calibration"]:  # version 1 has it in the convolutions
        undone = Calibration(
            1 / calibration.temperature,
            tuple(-bias * calibration.temperature for bias in calibration.biases),
        )
        apply_calibration(model, undone)
    return model, {**record, "config": config.as_dict()}


@torch.no_grad()
def apply_calibration(model: Network, calibration: Calibration) -> None:
    """Calibrate the network's own logits."""
    biases = torch.tensor(calibration.biases)
    for branch in model.branches:
        branch.logits.weight /= calibration.temperature
        branch.logits.bias /= calibration.temperature
        branch.logits.bias += biases.repeat(len(branch.logits.bias) // len(LABELS))


@torch.no_grad()
def unfold(model: Network, batches: list[Tensor]) -> None:
    """Give the batch norms statistics of these images; the function stays what it was."""
    sums: dict[Conv, list[Tensor]] = {}

    def collect(layer: Conv):
        def hook(_: nn.Module, __: object, output: Tensor) -> None:
            found = torch.stack([output.mean((0, 2, 3)), output.square().mean((0, 2, 3))])
            sums.setdefault(layer, []).append(found.double())

        return layer.conv.register_forward_hook(hook)

    layers = [m for m in model.modules() if isinstance(m, Conv)]
    hooks = [collect(layer) for layer in layers]
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    for layer in layers:
        mean, square = torch.stack(sums[layer]).mean(0)
        variance = (square - mean**2).clamp(min=0)
        weight, norm = layer.conv.weight, layer.norm
        target = GROWTH / (3 * weight[0].numel()) ** 0.5  # 1 is where Conv2d begins
        factor = target / weight.square().mean((1, 2, 3)).sqrt().clamp(min=1e-9).double()
        weight.mul_(factor[:, None, None, None])
        norm.running_mean.copy_(mean * factor)
        norm.running_var.copy_(variance * factor**2)
        norm.weight.copy_((norm.running_var + norm.eps).sqrt() / factor)
        norm.bias.add_(mean)


_FIELDS = Config.__dataclass_fields__


def main() -> None:
    parser = argparse.ArgumentParser(description="Weights to train on from, from an export.")
    parser.add_argument("--model", type=Path, default=Path("models/commodity/1"))
    parser.add_argument("--data", type=Path, required=True, help="folder with annotations.json")
    parser.add_argument("--out", type=Path, required=True, help="the weights, as --start-from")
    parser.add_argument("--batches", type=int, default=48)
    args = parser.parse_args()
    model, record = folded(args.model)
    config = Config(**record["config"])
    composer = Composer(load(args.data, "train", masks=True), [], config, 1)
    batches = [composer.batch(calm=True)[0] for _ in range(args.batches)]
    with torch.no_grad():
        before = model(batches[0])
        unfold(model, batches)
        after = model(batches[0])
    difference = max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: record[name] for name in ("config", "samples")}
    save(args.out, {"model": model.state_dict(), **kept, "val": {}})
    print(f"{args.out}: outputs differ by {difference:.2g} at most from the export's")


if __name__ == "__main__":
    main()
