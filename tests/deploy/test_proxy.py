"""deploy/nginx.conf in a real nginx, in front of two servers that say which they are."""

import http.client
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from detector.embedded import EmbeddedServer
from tests.support.browser import element
from tests.support.certificates import Certificates
from tests.support.files import png
from tests.support.paths import ROOT
from tests.support.running import dashboard, free_port, served

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Replica(BaseHTTPRequestHandler):
    """Answers with its port, and what it was asked with."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        upgrade = self.headers["Upgrade"] or ""
        self.wfile.write(f"{self.server.server_port} {self.headers['Host']} {upgrade}".encode())

    def log_message(self, *_: object) -> None: ...


class Proxy:
    def __init__(self, port: int, trusted: Path, log: Path) -> None:
        self.port, self.log = port, log
        self._trusting = ssl.create_default_context(cafile=str(trusted))

    def get(self, path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, list[str]]:
        """The answer, and the words of its body: the replica's port, Host, Upgrade."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self._trusting)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer, body.split(" ")


@contextmanager
def nginx(folder: Path, certificates: Certificates, replicas: list[int]) -> Iterator[Proxy]:
    """nginx as deploy/ has it, in front of these two ports of this machine."""
    log, port = folder / "access", free_port()
    good = certificates.client("good")
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for before, here in {
        "dashboard-1:8501": f"127.0.0.1:{replicas[0]}",
        "dashboard-2:8501": f"127.0.0.1:{replicas[1]}",
        "/run/secrets/tls_certificate": good.cert,
        "/run/secrets/tls_key": good.key,
        "listen 8080": f"listen 127.0.0.1:{free_port()}",
        "listen 8443": f"listen 127.0.0.1:{port}",
        "/dev/stdout": log,
        "/dev/stderr": folder / "errors",
    }.items():
        assert before in text
        text = text.replace(before, str(here))
    (folder / "nginx.conf").write_text(f"daemon off;\n{text}")
    command = [
        str(NGINX),
        *("-p", str(folder), "-e", str(folder / "errors"), "-c", str(folder / "nginx.conf")),
    ]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with subprocess.Popen(command) as process:
        try:
            running = Proxy(port, certificates.authority, log)
            while True:
                try:
                    running.get("/_stcore/health")
                    break
                except ConnectionRefusedError:
                    assert process.poll() is None
            yield running
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Proxy]:
    with ExitStack() as stack:
        ports = []
        for _ in range(2):
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Replica))
            Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
            stack.callback(server.shutdown)
            ports.append(server.server_port)
        folder = tmp_path_factory.mktemp("nginx")
        yield stack.enter_context(nginx(folder, certificates, ports))


def test_a_visitor_stays_with_a_replica_and_others_go_to_the_other(proxy: Proxy):
    replicas = set()
    for _ in range(20):
        first, (replica, *_) = proxy.get()
        cookie = first.headers["Set-Cookie"].split(";")[0]
        again = [proxy.get("/_stcore/stream", Cookie=cookie) for _ in range(3)]
        assert {words[0] for _, words in again} == {replica}
        assert all(answer.headers["Set-Cookie"] is None for answer, _ in again)
        replicas.add(replica)
    assert len(replicas) == 2


def test_the_cookie_is_kept_from_scripts_and_from_plain_http(proxy: Proxy):
    answer, _ = proxy.get()
    assert re.search("HttpOnly; Secure; SameSite=Lax", answer.headers["Set-Cookie"])


def test_a_websocket_gets_through_under_the_name_that_was_asked_for(proxy: Proxy):
    _, words = proxy.get("/_stcore/stream", Connection="upgrade", Upgrade="websocket")
    assert words[1:] == [f"localhost:{proxy.port}", "websocket"]


def test_the_log_has_neither_codes_of_a_sign_in_nor_ids_of_sessions(proxy: Proxy):
    proxy.get("/oauth2callback?code=a-secret&state=another")
    proxy.get("/_stcore/upload_file/a-session/a-file")
    proxy.get("/Thresholds")
    end = time.monotonic() + 30
    while "/Thresholds" not in (lines := proxy.log.read_text()):  # written after the answer
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "/oauth2callback" in lines
    assert not re.search("a-secret|another|a-session", lines)


def test_a_visitors_upload_reaches_the_dashboard_that_has_the_session(
    visit: Callable[..., Page],
    certificates: Certificates,
    embedded_server: EmbeddedServer,
    tmp_path: Path,
):
    settings = {"COMMODITY_LENS_SERVER": embedded_server.address}
    with (
        dashboard(tmp_path / "log-1", **settings) as one,
        dashboard(tmp_path / "log-2", **settings) as two,
        nginx(tmp_path, certificates, [urlsplit(d.url).port or 0 for d in (one, two)]) as proxy,
    ):
        for number in range(2):
            page = visit(f"https://localhost:{proxy.port}/?source=Upload", ignore_https_errors=True)
            name = f"photo-{number}.png"
            file = FilePayload(name=name, mimeType="image/png", buffer=png(size=(400, 300)))
            element(page, "upload").locator("input[type=file]").set_input_files([file])
            expect(page.get_by_text(f"· {name}")).to_be_visible()


def test_the_documents_nginx_passes_calls_on_to_a_model_server(tmp_path: Path, embedded_server):
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    server = text.partition("```nginx\n")[2].partition("```")[0]
    port = free_port()
    server = server.replace("listen 8500", f"listen 127.0.0.1:{port}")
    server = server.replace("127.0.0.1:9000", embedded_server.address)
    assert embedded_server.address in server
    config = tmp_path / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{server}}}\n"
    )
    process = subprocess.Popen([NGINX, "-c", str(config), "-p", str(tmp_path)])
    try:
        with served(f"127.0.0.1:{port}") as model:
            model.wait_until_ready(30)
            images = np.zeros((8, 300, 300, 3), np.float32)  # 8.6 MB there, 4.9 back
            answer = model.predict({"images": images}, ["concat_3:0"])
            assert answer.outputs["concat_3:0"].shape == (8, 7308, 21)
    finally:
        process.terminate()
        process.wait(30)
