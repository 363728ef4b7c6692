"""A dashboard process of its own, for tests in a browser and for benchmarks."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detector.serving import ModelSpec, ServedModel, ServingClient
from tests.support.paths import ROOT

START_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Dashboard:
    url: str
    pid: int

    @contextmanager
    def held(self) -> Iterator[None]:
        """The process stands still: what comes meanwhile, it finds together."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def dashboard(
    log: Path, folder: Path = ROOT, port: int | None = None, **settings: str
) -> Iterator[Dashboard]:
    """A dashboard process of its own, of this checkout or of a copy, on that port or a free one."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    options = [
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--server.address",
        "127.0.0.1",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMMODITY_LENS_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=folder,
            env=environment | settings,
            stdout=output,
            stderr=output,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_up(f"{url}/_stcore/health", process)
            yield Dashboard(url, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()  # or what hangs spoils the tests that come after
                process.wait()


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, "the dashboard ended"
            assert time.monotonic() < end, "the dashboard does not come up"
            time.sleep(0.05)


@contextmanager
def served(address: str, name: str = "commodity") -> Iterator[ServedModel]:
    """The newest version of a model there; no test ends by its deadline."""
    with ServingClient(address, timeout_s=300) as client:
        yield client.model(ModelSpec(name))


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, for half a minute at the most."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    """Its child processes, whichever of its threads started them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text().split()]


@dataclass(frozen=True)
class ModelServer:
    address: str
    process: subprocess.Popen[str]


@contextmanager
def model_server(port: int = 0) -> Iterator[ModelServer]:
    """A model server process of its own, ready, on that port or on a free one; killed at the end,
    and before it where a test wants that."""
    command = [sys.executable, "-m", "model_server", "--model_name", "commodity"]
    options = ["--model_base_path", "models/commodity", "--port", str(port)]
    with subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline().split()
            assert ready[:1] == ["ready"], "the model server does not come up"
            yield ModelServer(ready[1], process)
        finally:
            process.kill()


def resident_mb(pid: int) -> float:
    """Memory that the process holds, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(kilobytes) / 1000
