"""The pretrained bodies: inverted residuals whose batch norms are folded into the convolutions."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

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
        if self.conv.stride[0] == 2:  # an even side is padded less at its start
            pad = self.conv.kernel_size[0] - 2 + x.shape[2] % 2
            x = F.pad(x, (pad // 2, pad - pad // 2) * 2)
        x = self.conv(x)
        return x if self.linear else F.relu6(x)


class Block(nn.Module):
    """Inverted residual: `expand` in the width, `depth` in the plane, `project` back, linear."""

    def __init__(self, cin: int, cout: int, growth: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = cin * growth
        self.shortcut = stride == 1 and cin == cout
        self.expand = Folded(cin, wide) if growth > 1 else nn.Identity()
        self.depth = Folded(wide, wide, kernel, stride, groups=wide)
        self.project = Folded(wide, cout, linear=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What comes out, and the expanded input."""
        wide = self.expand(x)
        y = self.project(self.depth(wide))
        return (x + y if self.shortcut else y), wide


class Body(nn.Module):
    """Features of images (N, 3, 300, 300), BGR minus the ImageNet means: on grids of 75, 38, 19
    and 10 cells, and smaller ones where the original has them, with the channels of CHANNELS."""

    # Of each row of blocks: growth inside, channels, number, kernel, stride of the first
    ROWS: ClassVar[tuple[tuple[int, int, int, int, int], ...]]
    CHANNELS: ClassVar[tuple[int, ...]]
    GREY: ClassVar[float]  # the original's input is (RGB - GREY) / UNIT
    UNIT: ClassVar[float]
    PACKAGE: ClassVar[dict[str, str]]  # where the weights come from

    def __init__(self) -> None:
        super().__init__()
        self.first = Folded(3, 32, 3, 2)  # takes BGR: `load` turns its kernels
        blocks, cin = [], 32
        for growth, cout, count, kernel, stride in self.ROWS:
            for i in range(count):
                blocks.append(Block(cin, cout, growth, kernel, stride if i == 0 else 1))
                cin = cout
        self.blocks = nn.ModuleList(blocks)
        self.last = Folded(cin, 1280)
        shift = [(mean - self.GREY) / self.UNIT for mean in (103.939, 116.779, 123.68)]
        self.register_buffer("shift", torch.tensor(shift)[:, None, None], persistent=False)

    def start(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The part that stays as it is: features on the 75 grid, and of the first 38 block."""
        x = self.first(images * (1 / self.UNIT) + self.shift)
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
        taps.append(self.last(x))
        for narrow, down in self.smaller():
            taps.append(down(narrow(taps[-1])))
        return tuple(taps)

    def smaller(self) -> tuple[tuple[Folded, Folded], ...]:
        """What makes the grids of 5 and 3 cells, where the original has them."""
        return ()

    def convolutions(self) -> list[nn.Conv2d]:
        """In the order of the original."""
        return [m for m in self.modules() if isinstance(m, nn.Conv2d)]

    def load(self, archive: Path) -> None:
        """Take the weights of the original from its package's archive.

        Raises ValueError where the archive holds something else."""
        raise NotImplementedError
