"""The masks of one box, in the background of a session. No Streamlit here: a thread must not call
it."""

import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from dashboard.background import Background
from detector.answers import SSDModel
from detector.saliency import Curves, Saliency, Target, curves, explain


class Masking(Background):
    """A box's map as it grows.

    Attributes:
        target: the box, in 0..1 of that part.
        part: the tile that the box comes from, xyxy in 0..1 of the image; None: all of it.
        total: masks in all.
        saliency: the map so far.
        curves: whether it holds, once all masks are there.
        spent_s: the time that the masks took.
    """

    def __init__(
        self,
        model: SSDModel,
        pixels: NDArray[Any],
        target: Target,
        total: int,
        report: Callable[[Exception], str],
        part: tuple[float, float, float, float] | None = None,
    ) -> None:
        """
        Args:
            pixels: what the model sees of that part of the image.
            report: as of `Background`.
        """
        super().__init__("masking", report)
        self.target = target
        self.part = part
        self.total = total
        self.saliency: Saliency | None = None
        self.curves: Curves | None = None
        self.spent_s = 0.0
        self._model, self._pixels = model, pixels
        self._left = explain(model, pixels, target, total)

    def go_on(self) -> None:
        """Find out what is still to come. Nothing happens while it runs or when all is there."""
        if self.curves is None:
            self._begin(self._run)

    def _run(self) -> None:
        try:
            self._find_out()
        except Exception:
            # What raised is over: the same seed begins anew with the same masks.
            self._left = explain(self._model, self._pixels, self.target, self.total)
            raise

    def _find_out(self) -> None:
        started = time.perf_counter()
        for saliency in self._left:
            self.saliency = saliency
            now = time.perf_counter()
            self.spent_s, started = self.spent_s + now - started, now
            if self._stop.is_set():
                return
        if self.saliency is not None:
            self.curves = curves(self._model, self._pixels, self.target, self.saliency.heat)
