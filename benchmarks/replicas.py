"""The same crowd at one dashboard and at two, behind nginx as deploy/nginx.conf has it.

    python -m benchmarks.replicas [--visitors 50] [--seconds 20] [--pause 2]

A visitor stays with one dashboard, and one model server answers for all. nginx needs no certificate
here: it listens without TLS. Timed as by benchmarks/visitors.py.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measuring import ROOT, Figure, main
from benchmarks.pages import free_port, running, wait_for
from benchmarks.visitors import Visitor, stay_all
from detector.config import Config
from detector.embedded import EmbeddedServer

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def figures(options: argparse.Namespace) -> list[Figure]:
    case = f"{options.visitors} visitors, an action every {options.pause:g} s"
    sliders, samples = f"{case}: a slider moved", f"{case}: another sample"
    found: dict[str, list[Figure]] = {sliders: [], samples: []}
    config = Config()
    with EmbeddedServer(config.model_name, config.model_base_path) as server:
        os.environ["COMMODITY_LENS_SERVER"] = server.address
        for way, count in (("one dashboard", 1), ("two dashboards", 2)):
            visitors, cpu_s = crowd(count, options)
            for case, figure in (
                (sliders, Figure(sliders, way, [s for each in visitors for s in each.slider_s])),
                (samples, Figure(samples, way, [s for each in visitors for s in each.sample_s])),
            ):
                figure.cpu_s = [cpu_s]
                found[case].append(figure)
    return [figure for case in found.values() for figure in case]


def crowd(count: int, options: argparse.Namespace) -> tuple[list[Visitor], float]:
    """Visitors after their stay at so many dashboards, and the processor time of an action."""
    with ExitStack() as stack:
        dashboards = [stack.enter_context(running("app.py"))[0] for _ in range(count)]
        address = stack.enter_context(proxy([urlsplit(each).netloc for each in dashboards]))
        # What each dashboard loads once.
        stay_all([Visitor(address, -1 - seed) for seed in range(4 * count)], 5.0, 1.0)
        visitors = [Visitor(address, seed) for seed in range(options.visitors)]
        cpu_s = stay_all(visitors, options.seconds, options.pause)
    actions = sum(1 + len(each.slider_s) + len(each.sample_s) for each in visitors)
    return visitors, cpu_s / actions


@contextmanager
def proxy(dashboards: Sequence[str]) -> Iterator[str]:
    """The address of nginx in front of dashboards, each of them `HOST:PORT`."""
    if NGINX is None:
        raise SystemExit("nginx is not installed")
    port = free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    text = re.sub(r"\n\s*(ssl_|server dashboard-)[^;]*;", "", text)
    servers = "".join(f"\nserver {each};" for each in dashboards)
    with tempfile.TemporaryDirectory() as folder:
        for before, here in {
            "hash $replica consistent;": f"hash $replica consistent;{servers}",
            "listen 8080": f"listen 127.0.0.1:{free_port()}",
            "listen 8443 ssl": f"listen 127.0.0.1:{port}",
            "/dev/stdout": "/dev/null",
        }.items():
            text = text.replace(before, here)
        path = Path(folder, "nginx.conf")
        path.write_text(f"daemon off;\n{text}", "utf-8")
        with subprocess.Popen([NGINX, "-p", folder, "-e", "stderr", "-c", str(path)]) as process:
            try:
                address = f"http://127.0.0.1:{port}"
                wait_for(f"{address}/_stcore/health", process)
                yield address
            finally:
                process.terminate()


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pause", type=float, default=2.0)


if __name__ == "__main__":
    main(__doc__, figures, add_options)
