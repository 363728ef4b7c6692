"""The wheel, installed: the command works from any folder, with all that belongs to it."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.paths import NEWEST, ROOT
from tests.support.running import free_port, wait_until_up

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`commodity-lens` in an environment that has the wheel, and sees what this one has besides."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    environment = folder / "venv"
    venv.create(environment, symlinks=True)
    # Only in an environment of its own, where the checkout is not on the path, does the test see
    # what the wheel lacks.
    site_packages = environment / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (site_packages / "outer.pth").write_text(sysconfig.get_path("purelib"))
    [wheel] = folder.glob("*.whl")
    install = ["--python", str(environment), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True)
    return environment / "bin" / "commodity-lens"


def settings() -> dict[str, str]:
    """The environment without what would lead to the checkout, or to a server."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("COMMODITY_LENS_")
    }


def test_predict_finds_the_shipped_model(command: Path, samples_dir: Path, tmp_path: Path):
    image = samples_dir / "headphones_studio.jpg"
    done = subprocess.run(
        [command, "predict", image], cwd=tmp_path, env=settings(), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "  audio" in done.stdout


def test_demo_is_the_whole_dashboard(command: Path, tmp_path: Path, visit: Callable[..., Page]):
    port = free_port()
    options = ["--port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    url = f"http://127.0.0.1:{port}"
    with (
        (tmp_path / "log.txt").open("wb") as log,
        subprocess.Popen(
            [command, "demo", *options], cwd=tmp_path, env=settings(), stdout=log, stderr=log
        ) as process,
    ):
        try:
            wait_until_up(f"{url}/_stcore/health", process)
            page = visit(url)
            expect(page.locator(".st-key-figure .barlayer .point").first).to_be_attached()
            expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)  # as .streamlit/ says
            page.get_by_role("link", name="Thresholds").click()
            expect(page.locator(".viewer .number")).to_have_text("0.30")
        finally:
            process.terminate()


def test_serve_is_the_model_server(command: Path, tmp_path: Path):
    with subprocess.Popen(
        [command, "serve", "--port", "0"],
        cwd=tmp_path,
        env=settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split()[2:] == ["commodity", NEWEST]
        finally:
            process.terminate()
    assert process.returncode == 0
