"""The masks of one box, in the background of a session. No Streamlit here: a thread must not call
it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from detector.answers import SSDModel
from detector.errors import LensError
from detector.saliency import Curves, Saliency, Target, curves, explain
from detector.translation import carried


class Masking:
    """A box's map as it grows. It can be stopped, and goes on where it was.

    Attributes:
        target: the box, in 0..1 of that part.
        part: the tile that the box comes from, xyxy in 0..1 of the image; None: all of it.
        total: masks in all.
        saliency: the map so far.
        curves: whether it holds, once all masks are there.
        error: why it ended early.
        error_id: of an unexpected one, in the log.
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
            report: logs an unexpected exception and returns its id in the log.
        """
        self.target = target
        self.part = part
        self.total = total
        self.saliency: Saliency | None = None
        self.curves: Curves | None = None
        self.error: LensError | None = None
        self.error_id = ""
        self.spent_s = 0.0
        self._model, self._pixels, self._report = model, pixels, report
        self._left = explain(model, pixels, target, total)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def go_on(self) -> None:
        """Find out what is still to come. Nothing happens while it runs or when all is there."""
        self._stop.clear()  # also where it has not seen yet that it was to stop
        if self.is_running or self.curves is not None:
            return
        self.error, self.error_id = None, ""
        self._thread = threading.Thread(target=carried(self._run), name="masking", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask for no more masks; those under way still count."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended, or for so long."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._find_out()
        except Exception as error:  # noqa: BLE001
            # What raised is over: the same seed begins anew with the same masks.
            self._left = explain(self._model, self._pixels, self.target, self.total)
            if isinstance(error, LensError):
                self.error = error
            else:
                self.error_id = self._report(error)

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
