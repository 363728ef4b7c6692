"""Pages and a browser that opens them, for the benchmarks of what a visitor waits for."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from benchmarks.measuring import ROOT

START_S = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def served(script: str, *arguments: str) -> Iterator[str]:
    """The address of a Streamlit script that runs in a process of its own.

    Args: as of `running`.
    """
    with running(script, *arguments) as (address, _pid):
        yield address


@contextmanager
def running(script: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """The address of a Streamlit script, and the id of the process that runs it.

    Args:
        script: its path in the project.
        arguments: what it finds in sys.argv.
    """
    port = free_port()
    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command = [sys.executable, "-m", "streamlit", "run", script, *options]
    with subprocess.Popen(
        [*command, "--server.headless", "true", "--", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/_stcore/health", server)
            yield address, server.pid
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers there. Raises SystemExit where it has ended, or takes too long."""
    end = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                raise SystemExit("the page does not come up") from None
            time.sleep(0.05)


@contextmanager
def browser() -> Iterator[Browser]:
    """The Chrome or Chromium of $CHROME or of the PATH, without a window or a graphics card."""
    names = (os.environ.get("CHROME", ""), *BROWSERS)
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise SystemExit("no Chrome or Chromium found: name one in CHROME=/path/to/it")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=flags)
        yield launched
        launched.close()
