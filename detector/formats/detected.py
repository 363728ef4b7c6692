"""What all writers are given: an image's name and what was found in it."""

from dataclasses import dataclass

import numpy as np

from detector.ssd import Detections, Settings


@dataclass(frozen=True)
class DetectedImage:
    """An image's name and what was found in it.

    Attributes:
        file_name: as the visitor knows it; may have folders.
        size: (width, height) of the original, in pixels.
        detections: boxes in pixels of the original.
        model_name, model_version: who answered, where that is known.
        settings: those of the post-processing, where they are known.
        time_s: of a frame of a video, in seconds from its beginning.
    """

    file_name: str
    size: tuple[int, int]
    detections: Detections
    model_name: str | None = None
    model_version: int | None = None
    settings: Settings | None = None
    time_s: float | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"expected size of 1 x 1 pixel or more, got {self.size}")


def shortest(value: np.float32) -> float:
    """The shortest decimal that is read back as the same float32: 0.93, not 0.9300000071525574."""
    return float(str(value))
