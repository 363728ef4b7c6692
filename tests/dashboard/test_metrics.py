"""What a real dashboard process tells Prometheus while a visitor uses it."""

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from prometheus_client.parser import text_string_to_metric_families

from tests.support.browser import element, settled
from tests.support.running import dashboard, free_port, until

NAME = re.compile(":commodity_lens:[a-z_]+")


def read(port: int) -> dict[tuple[str, ...], float]:
    """The values by name and labels."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if NAME.match(sample.name)
    }


def test_a_visit_is_counted(visit: Callable[..., Page], tmp_path: Path, embedded_server):
    port = free_port()
    settings = {
        "COMMODITY_LENS_SERVER": embedded_server.address,
        "COMMODITY_LENS_METRICS_PORT": str(port),
    }
    with dashboard(tmp_path / "log.txt", **settings) as running:
        page = visit(running.url)
        expect(element(page, "timings")).to_be_visible()
        settled(page)
        first = read(port)
        calls = (":commodity_lens:request_count_total", "commodity", "OK")
        assert first[calls] == 1
        assert first[":commodity_lens:request_latency_seconds_count", "commodity"] == 1
        assert first[(":commodity_lens:session_count",)] == 1
        assert first[":commodity_lens:waiting_request_count", embedded_server.address] == 0
        second = element(page, "sample").get_by_role("radio").nth(1)
        second.click()
        live, kept = ((":commodity_lens:answer_count_total", kind) for kind in ("live", "kept"))
        until(lambda: read(port).get(live) == 2)
        settled(page)
        before = read(port).get(kept, 0)
        element(page, "sample").get_by_role("radio").nth(0).click()
        until(lambda: read(port).get(kept, 0) > before)
        settled(page)
        then = read(port)
        assert then[calls] == then[live] == 2
        assert then[":commodity_lens:decode_latency_seconds_count",] == 2
        page.context.close()
        until(lambda: not read(port)[(":commodity_lens:session_count",)])


def test_a_port_that_is_taken_is_told_in_the_log_and_the_pages_work(
    visit: Callable[..., Page], tmp_path: Path, embedded_server
):
    port = int(embedded_server.address.rpartition(":")[2])
    settings = {
        "COMMODITY_LENS_SERVER": embedded_server.address,
        "COMMODITY_LENS_METRICS_PORT": str(port),
    }
    with dashboard(tmp_path / "log.txt", **settings) as running:
        expect(element(visit(running.url), "timings")).to_be_visible()
    assert f"the metrics' port {port} cannot be used" in (tmp_path / "log.txt").read_text()
