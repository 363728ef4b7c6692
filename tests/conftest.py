"""Fixtures that more than one test file uses: the real model behind a real server process, and a
real browser."""

import os
import time
from collections import Counter

# Before gRPC is imported: else it writes to the terminal when a server ends, as in many tests.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import streamlit as st
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from detector.embedded import EmbeddedServer
from detector.images import RGBImage, read_image
from detector.serving import ServedModel
from tests.support import browser
from tests.support.certificates import Certificates
from tests.support.paths import ROOT, VERSIONS
from tests.support.running import served

# How long an example may take depends on what else the machine is doing: no test is about that.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# What a test needs follows from the fixtures that it uses. A module that starts servers of its own
# says so itself: pytestmark = pytest.mark.server.
NEEDS = {
    "chromium": pytest.mark.browser,
    "embedded_server": pytest.mark.server,
    "own_server": pytest.mark.server,
}


# How many times as long as another a test takes that is marked so.
LONG = {"browser": 60, "server": 20, "slow": 200}


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name, mark in NEEDS.items():
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        # What a loaded machine makes of other processes is no verdict yet. Each is listed as an R.
        if item.get_closest_marker("browser") or item.get_closest_marker("server"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    # The files that take longest begin first: at the end no worker waits for another's.
    takes = Counter[Path]()
    for item in items:
        takes[item.path] += 1 + sum(LONG.get(mark.name, 0) for mark in item.iter_markers())
    items.sort(key=lambda item: -takes[item.path])


@pytest.fixture(scope="session")
def model_base_path() -> Path:
    return ROOT / "models" / "commodity"


@pytest.fixture(scope="session")
def samples_dir() -> Path:
    return ROOT / "samples"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def photo(samples_dir: Path) -> RGBImage:
    return read_image(sorted(samples_dir.glob("*.jpg"))[0].read_bytes())


@pytest.fixture(scope="session")
def embedded_server(model_base_path: Path) -> Iterator[EmbeddedServer]:
    """With all versions of the shipped model there: the newest is there first."""
    with EmbeddedServer("commodity", model_base_path) as server:
        with served(server.address) as model:
            while [v.state for v in model.versions()] != ["AVAILABLE"] * len(VERSIONS):
                time.sleep(0.05)
        yield server


@pytest.fixture(scope="session")
def client(embedded_server: EmbeddedServer) -> Iterator[ServedModel]:
    with served(embedded_server.address) as model:
        yield model


@pytest.fixture
def empty_caches() -> Iterator[None]:
    """Streamlit's caches belong to the process: one test's would serve the next."""
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows a sample."""
    path = browser.find()
    assert path, "no Chrome or Chromium: `make test` says how to get one"
    video = tmp_path_factory.mktemp("camera") / "scene.y4m"
    _write_y4m(video, Image.open(ROOT / "samples" / "headphones_studio.jpg"))
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*browser.ARGS, *camera])
        yield launched
        launched.close()


def _write_y4m(path: Path, image: Image.Image) -> None:
    """A video of one still image, in the format that Chromium plays as a camera."""
    y, cb, cr = image.convert("RGB").resize((640, 480)).convert("YCbCr").split()
    planes = [y, cb.resize((320, 240)), cr.resize((320, 240))]
    frame = b"FRAME\n" + b"".join(plane.tobytes() for plane in planes)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + frame * 3)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a visitor's own, empty browser profile."""
    contexts: list[BrowserContext] = []

    def opened(url: str, **options: object) -> Page:
        contexts.append(
            chromium.new_context(permissions=["camera"], accept_downloads=True, **options)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(browser.TIMEOUT_MS)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
