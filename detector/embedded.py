"""The embedded model server: started, watched and ended with this process.

The server itself is the package model_server, which runs as a process of its own.
"""

import atexit
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from detector.errors import ServerStartError
from detector.printable import printable
from detector.translation import _

State = Literal["starting", "running", "restarting", "failed", "stopped"]

_ROOT = Path(__file__).resolve().parent.parent  # the folder that holds model_server/
# Most of a round trip was glibc giving memory back and taking it again: 8.4 -> 2.2 to 3.1 ms.
ENVIRONMENT = {
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(256 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
}
_MAX_QUICK_DEATHS = 4
_QUICK_S = 10.0  # a death sooner than this after the ready line counts as one
_BACKOFF_S = 0.1  # doubled with each quick death
# Whoever ends a server by a signal knows why: it is started again at once, however often. Told to
# end in order it has status 0.
_ENDED_BY_OTHERS = {0, *(-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))}
_GRACE_S = 1.0  # a server without requests ends in a tenth of that; a frozen one never
_LOG_LINES = 40

_log = logging.getLogger(__name__)


class EmbeddedServer:
    """The model server as a child process. Thread-safe; a context manager that starts and closes.

    When the child dies it is started again, on the same port unless another took it. It does not
    outlive this process, however this process ends.
    """

    def __init__(
        self,
        model_name: str,
        model_base_path: Path,
        *,
        threads: int = 0,
        start_timeout_s: float = 120.0,
        arguments: tuple[str, ...] = (),
    ) -> None:
        """
        Args:
            model_base_path: holds one folder a version: `1/saved_model.pb`.
            threads: CPU threads of one run; 0 = the engine's own choice.
            start_timeout_s: how long `address` waits. A model that only TensorFlow can run needs
                some 15 s, any other about 1 s.
            arguments: further ones of `python -m model_server`.
        """
        self._command = [
            *(sys.executable, "-m", "model_server", "--exit_with_parent"),
            *("--model_name", model_name),
            *("--model_base_path", str(model_base_path.resolve())),
            *("--threads", str(threads)),
            *("--latest_versions", "2"),  # so that a new one can be compared with the one before
            "--fail_if_no_model_versions_found",  # who waits for it is told why
            "--enable_serialization_as_tensor_content",  # a quarter faster than lists of values
            *arguments,
        ]
        self._start_timeout_s = start_timeout_s
        self._changed = threading.Condition()  # guards what follows
        self._state: State = "stopped"
        self._address = ""
        self._child: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None
        self._closing = threading.Event()
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)

    def start(self) -> None:
        """Starts the server, or does nothing when it is started; returns at once.

        Also the way to try again after `failed`.
        """
        with self._changed:
            if self._state not in ("stopped", "failed"):
                return
            self._lines.clear()
            self._closing = threading.Event()
            self._set("starting")
            self._watcher = threading.Thread(
                target=self._watch, args=[self._closing], name="embedded-server", daemon=True
            )
            self._watcher.start()
            atexit.register(self.close)

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`. Waits while the server is starting or restarting.

        Raises:
            ServerStartError: it can't be started, is not started, or takes too long.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._state not in ("starting", "restarting"), self._start_timeout_s
            )
            if self._state == "running":
                return self._address
            if self._state == "stopped":
                raise ServerStartError(_("The embedded model server is not started."))
            message = _("The embedded model server can't be started.")
            if self._state != "failed":
                message = _(
                    "The embedded model server is not ready after {seconds} s.",
                    seconds=self._start_timeout_s,
                )
            raise ServerStartError("\n".join([message, *self._lines]))

    @property
    def state(self) -> State:
        with self._changed:
            return self._state

    @property
    def pid(self) -> int | None:
        """The process id of the child, None while there is none."""
        with self._changed:
            return self._child.pid if self._child else None

    def close(self) -> None:
        """Ends the server and waits until it is gone. Again does nothing."""
        atexit.unregister(self.close)
        with self._changed:
            self._closing.set()
            watcher, self._watcher = self._watcher, None
            child = self._child
            if child is not None:
                child.terminate()
            self._set("stopped")
        if watcher is not None:
            watcher.join(_GRACE_S)
            if child is not None and watcher.is_alive():
                child.kill()
            watcher.join()

    def kill(self) -> None:
        """Ends the server at once, for a signal handler whose process ends too: takes no lock."""
        self._closing.set()
        if (child := self._child) is not None:
            child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _watch(self, closing: threading.Event) -> None:
        """Runs the server, again and again, until it is closed or given up."""
        port, deaths = 0, 0
        while not closing.is_set():
            ready_at, ready_port, status = self._run_once(port, closing)
            if closing.is_set():
                return
            if ready_at is not None and status in _ENDED_BY_OTHERS:
                port, deaths = ready_port, 0
                self._set("restarting", closing)
                continue
            lived_s = time.monotonic() - ready_at if ready_at is not None else 0.0
            deaths = 1 if lived_s > _QUICK_S else deaths + 1
            if (ready_at is None and port == 0) or deaths >= _MAX_QUICK_DEATHS:
                # What fails at the start says why and would fail again.
                self._set("failed", closing)
                return
            # A port that no longer works may have been taken by another program.
            port = ready_port
            self._set("restarting", closing)
            closing.wait(_BACKOFF_S * 2 ** (deaths - 1))

    def _run_once(self, port: int, closing: threading.Event) -> tuple[float | None, int, int]:
        """Runs one child until its end: when it became ready (None = never), port and status."""
        child = self._spawn(port, closing)
        if child is None:
            return None, 0, 1
        ready_at, ready_port = None, 0
        with child:
            assert child.stdout is not None  # both are pipes
            assert child.stderr is not None
            drain = threading.Thread(target=self._drain, args=[child.stderr], daemon=True)
            drain.start()
            for line in child.stdout:
                if line.startswith("ready "):
                    address = line.split()[1]
                    ready_at, ready_port = time.monotonic(), int(address.rpartition(":")[2])
                    with self._changed:
                        self._address = address
                        self._set("running", closing)
            # Its standard output is closed: it has ended, or is about to.
            try:
                child.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            drain.join()
        with self._changed:
            if self._child is child:
                self._child = None
            self._lines.append(_ending(child.returncode))
        return ready_at, ready_port, child.returncode

    def _spawn(self, port: int, closing: threading.Event) -> subprocess.Popen[str] | None:
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        with self._changed:
            if closing.is_set():
                return None
            try:
                self._child = subprocess.Popen(
                    [*self._command, "--port", str(port)],
                    # Its write end is in this process alone: it closes when this process ends.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=_ROOT,
                    env=ENVIRONMENT | os.environ | {"PYTHONPATH": path},
                    encoding="utf-8",
                    errors="replace",
                    # Ctrl-C in the terminal is for this process, which then ends the child.
                    start_new_session=True,
                )
            except OSError as error:
                self._lines.append(f"{self._command[0]}: {error}")
                return None
            return self._child

    def _drain(self, lines: IO[str]) -> None:
        for line in lines:
            _log.debug("%s", printable(line.rstrip()))
            with self._changed:
                self._lines.append(line.rstrip())

    def _set(self, state: State, closing: threading.Event | None = None) -> None:
        """Changes the state, but not on behalf of a run that has been closed."""
        with self._changed:
            if closing is None or not closing.is_set():
                self._state = state
                self._changed.notify_all()


def _ending(status: int) -> str:
    if status < 0:
        return _("The server was ended by signal {number}.", number=-status)
    return _("The server ended with exit status {status}.", status=status)
