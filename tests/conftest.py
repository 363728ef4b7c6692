"""Fixtures that more than one test file uses: the real model behind a real server process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.embedded import EmbeddedServer
from detector.images import RGBImage, read_image
from detector.serving import ServingClient

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def model_base_path() -> Path:
    return ROOT / "models" / "commodity"


@pytest.fixture(scope="session")
def samples_dir() -> Path:
    return ROOT / "samples"


@pytest.fixture(scope="session")
def photo(samples_dir: Path) -> RGBImage:
    return read_image(sorted(samples_dir.glob("*.jpg"))[0].read_bytes())


@pytest.fixture(scope="session")
def embedded_server(model_base_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer("commodity", model_base_path) as server:
        yield server


@pytest.fixture(scope="session")
def client(embedded_server: EmbeddedServer) -> Iterator[ServingClient]:
    with ServingClient(embedded_server.address, model_name="commodity") as serving_client:
        yield serving_client
