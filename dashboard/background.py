"""Work in the background of a session, which can be stopped and goes on where it was. No Streamlit
here: a thread must not call it."""

import threading
from collections.abc import Callable

from detector.errors import LensError
from detector.translation import carried


class Background:
    """What a thread of its own does; one at a time.

    Attributes:
        error: why it ended early.
        error_id: of an unexpected exception that ended it, in the log; "" for none.
    """

    def __init__(self, name: str, report: Callable[[Exception], str]) -> None:
        """
        Args:
            name: of the thread.
            report: logs an unexpected exception and returns its id in the log; called from the
                thread.
        """
        self.error: LensError | None = None
        self.error_id = ""
        self._name, self._report = name, report
        self._begins = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """It runs, or ends after what is under way."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """It was told to stop and has not yet."""
        return self._stop.is_set() and self.is_running

    def stop(self) -> None:
        """End it after what is under way, which still counts."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended, or for so long."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _begin(self, work: Callable[[], None]) -> None:
        """Do it in a thread. Where one runs that goes on, also if it was to stop and has not seen
        it yet.

        Args:
            work: ends soon after `_stop` is set.
        """
        with self._begins:
            self._stop.clear()
            if self.is_running:
                return
            self.error, self.error_id = None, ""
            self._thread = threading.Thread(
                target=carried(self._guarded), args=(work,), name=self._name, daemon=True
            )
            self._thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except LensError as error:
            self.error = error.with_traceback(None)  # which would hold what the thread held
        except Exception as error:  # noqa: BLE001, above a thread nobody else would hear of it
            self.error_id = self._report(error)
