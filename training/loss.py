"""Task-aligned assignment and a loss that knows that an image is only partly labelled.

A place that no true box claims is not simply background: there may be an object of a category that
nobody labelled. So the loss there asks for *background or one of the categories that may be
unlabelled here*, that is, for the sum of their probabilities. That alone would teach nothing about
watches in a street where nobody looked for them, so a second term with a small weight asks there
for background or a category that is not only unlabelled but likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.config import LABELS, Config, cell_centres, cell_of_prior, default_boxes
from training.model import decode

UNLIKELY = 16  # bit c + UNLIKELY: class c may be present and unlabelled, but hardly is


@dataclass(frozen=True)
class Targets:
    """Truth of a batch of N images, padded to M boxes."""

    boxes: Tensor  # (N, M, 4) float32, xyxy in 0..1
    classes: Tensor  # (N, M) int64; 0 where there is no box
    # (N, cells) int64; bit c is set where class c may be present and unlabelled, bit c + UNLIKELY
    # too where that is unlikely
    unlabelled: Tensor


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of broadcast boxes (..., 4) xyxy."""
    corner = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    inter = corner.clamp(min=0).prod(-1)
    area = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return inter / (area - inter).clamp(min=1e-9)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU of pairs of boxes (K, 4)."""
    inter = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    inter = inter.prod(-1)
    area = (a[:, 2:] - a[:, :2]).prod(-1) + (b[:, 2:] - b[:, :2]).prod(-1)
    union = (area - inter).clamp(min=1e-9)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(-1)
    return inter / union - (hull - union) / hull.clamp(min=1e-9)


class Loss:
    """Callable: network output and Targets to a scalar, with its parts for the log."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.priors = torch.from_numpy(default_boxes())
        self.cell = torch.from_numpy(cell_of_prior())
        self.centres = torch.from_numpy(cell_centres())[self.cell]
        sizes = self.priors[:, 2:] - self.priors[:, :2]
        self.reach = sizes.min(-1).values / 4  # how far outside a small box its priors may sit

    def __call__(
        self, offsets: Tensor, logits: Tensor, targets: Targets
    ) -> tuple[Tensor, dict[str, float]]:
        boxes = decode(offsets, self.priors)
        log_p = logits.log_softmax(-1)
        owner, quality = self.assign(boxes.detach(), log_p.detach().exp(), targets)
        n, p = torch.nonzero(owner >= 0, as_tuple=True)
        truth = targets.boxes[n, owner[n, p]]
        label = targets.classes[n, owner[n, p]]
        q = quality[n, p]
        norm = q.sum().clamp(min=1.0)

        # Places with a box: cross-entropy with a soft target, q on the class, else background.
        at = log_p[n, p]
        own = at.gather(1, label[:, None])[:, 0]
        positive = -(q * own + (1 - q) * at[:, 0])
        # The entropy of the target is no fault of the network: taken off, so zero means perfect.
        entropy = F.binary_cross_entropy(q, q, reduction="none")
        positive = (positive - entropy).sum() / norm

        # Places without: the probability of background or anything that may be unlabelled here.
        free = owner < 0
        open_to = targets.unlabelled[:, self.cell]
        negative = self.background(log_p, open_to)[free].sum()
        if self.config.doubt:
            unlikely = open_to >> UNLIKELY
            doubted = free & (unlikely != 0)
            strict = self.background(log_p[doubted], (open_to & ~unlikely)[doubted])
            negative = negative + self.config.doubt * strict.sum()
        negative = negative / norm

        giou = generalised_iou(boxes[n, p], truth)
        box = ((1 - giou) * q).sum() / norm
        total = positive + negative + self.config.box_weight * box
        parts = {"positive": positive.item(), "negative": negative.item(), "box": box.item()}
        return total, parts

    def background(self, log_p: Tensor, allowed: Tensor) -> Tensor:
        """Focal loss (...) of log-probabilities (..., C) that ask for background or a class whose
        bit is set in `allowed` (...)."""
        bits = 1 << torch.arange(len(LABELS))
        mask = (allowed[..., None] & bits) != 0
        mask[..., 0] = True
        log_ok = torch.where(mask, log_p, torch.full((), -1e4)).logsumexp(-1).clamp(max=0)
        wrong = -torch.expm1(log_ok)
        return wrong.detach().clamp(min=0) ** self.config.gamma * -log_ok

    @torch.no_grad()
    def assign(self, boxes: Tensor, scores: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        """Owner (N, P) int64: index of the true box that each prior answers for, or -1;
        quality (N, P) float32: the score that it should give to it."""
        config = self.config
        owner = torch.full(boxes.shape[:2], -1)
        quality = torch.zeros(boxes.shape[:2])
        for i in range(len(boxes)):
            real = torch.nonzero(targets.classes[i])[:, 0]
            if not len(real):
                continue
            truth, labels = targets.boxes[i, real], targets.classes[i, real]
            iou = pair_iou(truth[:, None], boxes[i][None])
            score = scores[i][:, labels].T
            x, y = self.centres[:, 0], self.centres[:, 1]
            t, r = truth[:, :, None], self.reach
            inside = (x > t[:, 0] - r) & (x < t[:, 2] + r) & (y > t[:, 1] - r) & (y < t[:, 3] + r)
            aligned = score**config.class_power * iou**config.box_power * inside
            top = aligned.topk(config.topk, dim=1)
            chosen = torch.zeros_like(inside)
            chosen.scatter_(1, top.indices, top.values > 1e-12)
            best = torch.where(chosen, iou, torch.full((), -1.0)).max(0)
            claimed = best.values >= 0
            mine = best.indices[claimed]
            owner[i, claimed] = real[mine]
            # The best-aligned prior of a box aims at its best IoU, the others in proportion.
            kept = torch.zeros_like(aligned)
            kept[mine, claimed] = aligned[mine, claimed]
            peak = kept.max(1).values.clamp(min=1e-12)
            reach = torch.where(kept > 0, iou, torch.zeros(())).max(1).values
            quality[i, claimed] = (kept / peak[:, None] * reach[:, None])[mine, claimed]
        return owner, quality.clamp(0, 1)
