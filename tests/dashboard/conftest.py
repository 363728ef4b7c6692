"""One dashboard for all tests that look at the shipped model's pages: each start costs seconds."""

from collections.abc import Iterator

import pytest

from detector.embedded import EmbeddedServer
from tests.support.running import Dashboard, dashboard


@pytest.fixture(scope="session")
def running(
    tmp_path_factory: pytest.TempPathFactory, embedded_server: EmbeddedServer
) -> Iterator[Dashboard]:
    log = tmp_path_factory.mktemp("app") / "log.txt"
    with dashboard(log, COMMODITY_LENS_SERVER=embedded_server.address) as started:
        yield started


@pytest.fixture(scope="session")
def url(running: Dashboard) -> str:
    return running.url
