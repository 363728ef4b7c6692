"""What is done to the network's scores so that a score is the share of such detections that are
right, without losing the low ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.config import LABELS
from training.score import calibration_error, marks

if TYPE_CHECKING:
    from training.train import Validation

RIDGE = 10.0  # a class with some hundred detections has its own bias, one with ten hardly
# Detections with a raw score of a tenth stay above the floor of post-processing, 0.01.
SHARE = 0.1


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (..., C) that sum to 1."""
    scores = np.exp(logits - logits.max(-1, keepdims=True))
    return scores / scores.sum(-1, keepdims=True)


@dataclass(frozen=True)
class Calibration:
    """Scores: `share` of the raw softmax, the rest that of logits / `temperature` + `biases`.

    Attributes:
        biases: one a class, background first.
        error_before, error_after: expected calibration error on val.
    """

    temperature: float = 1.0
    biases: tuple[float, ...] = (0.0,) * len(LABELS)
    share: float = 0.0
    error_before: float | None = None
    error_after: float | None = None

    def scores(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 9) float32 from logits (..., 9)."""
        turned = logits / np.float32(self.temperature) + np.array(self.biases, np.float32)
        if not self.share:
            return softmax(turned)
        return np.float32(1 - self.share) * softmax(turned) + np.float32(self.share) * softmax(
            logits
        )


def fit(
    validation: Validation, outputs: tuple[np.ndarray, np.ndarray], share: float = SHARE
) -> Calibration:
    """Platt scaling on val: the detections' scores as probabilities of being right.

    score -> sigmoid(logit(score) / T + b) is, for a class against background, the same as dividing
    all logits by T and adding b to that class's; so the network itself can carry it. T is one for
    all classes, b is each class's own, held to the others' by RIDGE where it has few detections.

    Args:
        outputs: offsets (N, 7308, 4) and logits (N, 7308, 9) of the val images.
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    found = marks(validation.split.compared(validation.detected(*outputs)))
    found = found[found[:, 0] >= 0.02]
    before = calibration_error(found)
    raw = torch.from_numpy(np.minimum(found[:, 0], 0.9999))
    x = torch.logit(raw)
    y, c = torch.from_numpy(found[:, 1]), torch.from_numpy(found[:, 2].astype(np.int64) - 1)
    slope = torch.ones(1, dtype=torch.float64, requires_grad=True)
    biases = torch.zeros(len(LABELS) - 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([slope, biases], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        solver.zero_grad()
        score = (1 - share) * torch.sigmoid(slope * x + biases[c]) + share * raw
        value = F.binary_cross_entropy(score.clamp(1e-7, 1 - 1e-7), y, reduction="sum")
        value = value + RIDGE / 2 * (biases - biases.mean()).square().sum()
        value.backward()
        return value

    solver.step(closure)
    fitted = Calibration(1 / float(slope.detach()), (0.0, *biases.tolist()), share)
    after = calibration_error(
        marks(validation.split.compared(validation.detected(*outputs, fitted)))
    )
    return replace(fitted, error_before=before, error_after=after)
