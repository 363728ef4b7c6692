"""The SSD300 networks: a body, a feature pyramid, and a two-branch head on six grids.

`Detector` has a residual body of its own, `PretrainedDetector` one of BODIES.

Images go in as float32 (N, 3, 300, 300), BGR minus the ImageNet means; out come, for each of the
7308 default boxes, offsets (cx, cy, w, h, in units of the box, before the variances) and class
logits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.body import Body
from training.calibration import Calibration
from training.config import LABELS, PRIOR_SIZES, VARIANCES, Config, default_boxes
from training.efficientnet import EfficientNet
from training.mobilenet import MobileNet

BODIES: dict[str, type[Body]] = {"mobilenet": MobileNet, "efficientnet": EfficientNet}


def decode(offsets: Tensor, priors: Tensor) -> Tensor:
    """Boxes (..., P, 4) xyxy in 0..1, not clipped, from offsets without variances."""
    size = priors[..., 2:] - priors[..., :2]
    centre = (priors[..., 2:] + priors[..., :2]) / 2 + offsets[..., :2] * size
    half = size * torch.exp(offsets[..., 2:].clamp(max=4.0)) / 2
    return torch.cat([centre - half, centre + half], -1)


class Conv(nn.Module):
    """Convolution, batch norm, activation. By default the padding is half the kernel."""

    def __init__(
        self, cin: int, cout: int, kernel: int = 1, stride: int = 1, pad: int | None = None
    ) -> None:
        super().__init__()
        pad = kernel // 2 if pad is None else pad
        self.conv = nn.Conv2d(cin, cout, kernel, stride, pad, bias=False)
        self.norm = nn.BatchNorm2d(cout, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.conv(x)), inplace=True)


class Stage(nn.Module):
    """Cross-stage partial block: half of the channels pass `depth` residual pairs of 3 x 3."""

    def __init__(self, cin: int, cout: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = cout // 2
        self.shortcut = shortcut
        self.split = Conv(cin, cout)
        self.pairs = nn.ModuleList(
            nn.Sequential(Conv(half, half, 3), Conv(half, half, 3)) for _ in range(depth)
        )
        self.join = Conv(half * (2 + depth), cout)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.split(x).chunk(2, 1))
        for pair in self.pairs:
            y = pair(parts[-1])
            parts.append(y + parts[-1] if self.shortcut else y)
        return self.join(torch.cat(parts, 1))


class Branch(nn.Module):
    """Predictions of one grid: a 3 x 3 convolution each for classes and offsets, then 1 x 1."""

    def __init__(self, cin: int, width: int, sizes: int) -> None:
        super().__init__()
        self.classes = Conv(cin, width, 3)
        self.boxes = Conv(cin, width, 3)
        self.logits = nn.Conv2d(width, sizes * len(LABELS), 1)
        self.offsets = nn.Conv2d(width, sizes * 4, 1)
        nn.init.normal_(self.logits.weight, std=0.01)
        nn.init.normal_(self.offsets.weight, std=0.01)
        nn.init.zeros_(self.offsets.bias)
        nn.init.zeros_(self.logits.bias)
        # Background starts at 0.96, each class at 0.005: most places are empty.
        self.logits.bias.data[:: len(LABELS)] = 5.25

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        offsets = self.offsets(self.boxes(x)).permute(0, 2, 3, 1).reshape(len(x), -1, 4)
        logits = self.logits(self.classes(x)).permute(0, 2, 3, 1).reshape(len(x), -1, len(LABELS))
        return offsets, logits


class Detector(nn.Module):
    """SSD300: `forward` gives offsets (N, 7308, 4) and logits (N, 7308, 9), float32."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        w75, w38, w19, w10 = config.widths
        d75, d38, d19, d10 = config.depths
        self.stem = Conv(3, config.stem, 3, 2)
        self.down75, self.stage75 = Conv(config.stem, w75, 3, 2), Stage(w75, w75, d75)
        self.down38, self.stage38 = Conv(w75, w38, 3, 2), Stage(w38, w38, d38)
        self.down19, self.stage19 = Conv(w38, w19, 3, 2), Stage(w19, w19, d19)
        self.down10, self.stage10 = Conv(w19, w10, 3, 2), Stage(w10, w10, d10)
        self.down5, self.stage5 = Conv(w10, w10, 3, 2), Stage(w10, w10, d10)
        self.top10 = Stage(w10 + w10, w10, 1, shortcut=False)
        self.top19 = Stage(w10 + w19, w19, 1, shortcut=False)
        self.top38 = Stage(w19 + w38, w38, 1, shortcut=False)
        self.up19, self.out19 = Conv(w38, w38, 3, 2), Stage(w38 + w19, w19, 1, shortcut=False)
        self.up10, self.out10 = Conv(w19, w19, 3, 2), Stage(w19 + w10, w10, 1, shortcut=False)
        self.up5 = Conv(w10, w19, 3, 2)
        self.up3 = Conv(w19 + w10, w19, 3, 2)
        self.up1 = Conv(w19, w19, 3, 2, pad=0)
        widths = (w38, w19, w10, w19 + w10, w19, w19)
        heads = (config.head,) * 3 + (96, 64, 64)
        self.branches = nn.ModuleList(
            Branch(w, h, len(s)) for w, h, s in zip(widths, heads, PRIOR_SIZES, strict=True)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        c75 = self.stage75(self.down75(self.stem(images * (1 / 64))))
        c38 = self.stage38(self.down38(c75))
        c19 = self.stage19(self.down19(c38))
        c10 = self.stage10(self.down10(c19))
        c5 = self.stage5(self.down5(c10))
        p10 = self.top10(torch.cat([double(c5, 10), c10], 1))
        p19 = self.top19(torch.cat([double(p10, 19), c19], 1))
        p38 = self.top38(torch.cat([double(p19, 38), c38], 1))
        q19 = self.out19(torch.cat([self.up19(p38), p19], 1))
        q10 = self.out10(torch.cat([self.up10(q19), p10], 1))
        q5 = torch.cat([self.up5(q10), c5], 1)
        q3 = self.up3(q5)
        q1 = self.up1(q3)
        return on_all_grids(self.branches, (p38, q19, q10, q5, q3, q1))


class PretrainedDetector(nn.Module):
    """SSD300 on a pretrained body: as `Detector`, with a path from the 75 grid into the 38 grid for
    what is small, and the body's own features on the 5 and 3 grids where it has them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.body = BODIES[config.body]()
        channels = self.body.CHANNELS
        self.smaller = nn.ModuleList()  # what makes the grids of 5 and 3 cells, else the body does
        if len(channels) == 4:
            channels = (*channels, 512, 256)
            self.smaller.append(nn.Sequential(Conv(1280, 256), Conv(256, 512, 3, 2)))
            self.smaller.append(nn.Sequential(Conv(512, 128), Conv(128, 256, 3, 2)))
        c75, c38, c19, c10, c5, c3 = channels
        w75, w38, w19, w10 = config.widths
        self.fine = Conv(c75, w75, 3, 2)
        self.side38, self.side19 = Conv(c38, w38), Conv(c19, w19)
        self.side10, self.side5, self.side3 = Conv(c10, w10), Conv(c5, w10), Conv(c3, w19)
        self.top10 = Stage(w10 + w10, w10, 1, shortcut=False)
        self.top19 = Stage(w10 + w19, w19, 1, shortcut=False)
        self.top38 = Stage(w19 + w38 + w75, w38, 1, shortcut=False)
        self.up19, self.out19 = Conv(w38, w38, 3, 2), Stage(w38 + w19, w19, 1, shortcut=False)
        self.up10, self.out10 = Conv(w19, w19, 3, 2), Stage(w19 + w10, w10, 1, shortcut=False)
        self.up5, self.up3 = Conv(w10, w19, 3, 2), Conv(w19 + w10, w19, 3, 2)
        self.up1 = Conv(2 * w19, w19, 3, 2, pad=0)
        widths = (w38, w19, w10, w19 + w10, 2 * w19, w19)
        heads = (config.head,) * 3 + (96, 64, 64)
        self.branches = nn.ModuleList(
            Branch(w, h, len(s)) for w, h, s in zip(widths, heads, PRIOR_SIZES, strict=True)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = list(self.body(images))
        for down in self.smaller:
            maps.append(down(maps[-1]))
        c75, c38, c19, c10, c5, c3 = maps
        s38, s19, s10 = self.side38(c38), self.side19(c19), self.side10(c10)
        s5, s3 = self.side5(c5), self.side3(c3)
        p10 = self.top10(torch.cat([double(s5, 10), s10], 1))
        p19 = self.top19(torch.cat([double(p10, 19), s19], 1))
        p38 = self.top38(torch.cat([double(p19, 38), s38, self.fine(c75)], 1))
        q19 = self.out19(torch.cat([self.up19(p38), p19], 1))
        q10 = self.out10(torch.cat([self.up10(q19), p10], 1))
        q5 = torch.cat([self.up5(q10), s5], 1)
        q3 = torch.cat([self.up3(q5), s3], 1)
        return on_all_grids(self.branches, (p38, q19, q10, q5, q3, self.up1(q3)))


Network = Detector | PretrainedDetector


def build(config: Config) -> Network:
    """The network of a configuration, untrained, the pretrained body too."""
    return PretrainedDetector(config) if config.body in BODIES else Detector(config)


def on_all_grids(branches: nn.ModuleList, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Offsets (N, 7308, 4) and logits (N, 7308, 9), float32, of the maps of the six grids."""
    pairs = [branch(m) for branch, m in zip(branches, maps, strict=True)]
    offsets, logits = (torch.cat(column, 1).float() for column in zip(*pairs, strict=True))
    return offsets, logits


def double(x: Tensor, side: int) -> Tensor:
    """Nearest-neighbour enlargement to twice the size, cut to side x side."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")[:, :, :side, :side]


def contract_output(
    offsets: np.ndarray, logits: np.ndarray, calibration: Calibration | None = None
) -> np.ndarray:
    """(N, 7308, 21) float32 as the exported model answers: what NumPy makes of the raw network."""
    scores = (calibration or Calibration()).scores(logits)
    count, priors = len(offsets), default_boxes()
    variances = np.array(VARIANCES, np.float32)
    fixed = np.concatenate([priors, np.broadcast_to(variances, priors.shape)], 1)
    fixed = np.broadcast_to(fixed, (count, *fixed.shape))
    return np.concatenate([offsets / variances, scores, fixed], -1).astype(np.float32)
