"""What a failed call means, seen with real servers, certificates and proxies."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest

from detector.channel import proxy_of
from detector.config import Tls
from detector.errors import (
    AccessDeniedError,
    ModelNotFoundError,
    NotAModelServerError,
    RequestTooLargeError,
    ServerBusyError,
    ServerFaultError,
    ServerUnavailableError,
    ServingError,
)
from detector.failures import failure
from detector.serving import ModelSpec, ServingClient
from tests.support.foreign import Foreign, serving


def refusal_of(address: str, tls: Tls | None = None) -> ServingError:
    """How a call to this address ends."""
    with ServingClient(address, timeout_s=20, tls=tls) as client:
        with pytest.raises(ServingError) as caught:
            client.model(ModelSpec("commodity")).predict({})
        return caught.value


def refusing(code: grpc.StatusCode, details: str) -> Callable:
    return lambda request, context: context.abort(code, details)


# One status, several causes

QUEUE = "The batch scheduling queue to which this task was submitted is full"
OOM = "OOM when allocating tensor with shape[8,150,150,64] and type float on /device:GPU:0"
LIMIT = "SERVER: Received message larger than max (1080310 vs. 1000000)"
NO_KERNEL = "The Conv2D op currently only supports the NHWC tensor format on the CPU [[{{node c}}]]"
NO_NODE = "FetchOutputs node concat_3:0: not found"
ENVOY = (
    "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
)
C = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "details", "kind", "words"),
    [
        (C.RESOURCE_EXHAUSTED, OOM, ServerBusyError, "memory is full"),
        (C.RESOURCE_EXHAUSTED, "", ServerBusyError, "Try again"),
        (C.RESOURCE_EXHAUSTED, "quota of 10 calls a minute", ServerBusyError, "Try again"),
        (C.RESOURCE_EXHAUSTED, LIMIT, RequestTooLargeError, "message limits"),
        (C.UNAVAILABLE, QUEUE, ServerBusyError, "Try again"),
        (C.UNAVAILABLE, "Server is shutting down", ServerBusyError, "Try again"),
        (C.UNAVAILABLE, ENVOY, ServerBusyError, "A proxy answers there"),
        (C.UNIMPLEMENTED, "Method not found!", NotAModelServerError, "Another gRPC service"),
        (C.UNIMPLEMENTED, "unknown service tensorflow", NotAModelServerError, "Another gRPC"),
        (C.UNIMPLEMENTED, NO_KERNEL, ServerFaultError, "The model itself"),
        (C.NOT_FOUND, NO_NODE, ServerFaultError, "The model itself"),
        (C.NOT_FOUND, "Servable not found for request: Latest(x)", ModelNotFoundError, "name"),
    ],
)
def test_the_cause_is_told_by_the_servers_words(code, details, kind, words):
    with serving(Foreign(refusing(code, details))) as server:
        error = refusal_of(server.address)
    assert type(error) is kind
    assert words in error.hint
    assert kind is RequestTooLargeError or "message limits" not in error.hint
    assert "check the address" not in error.hint.lower()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (413, RequestTooLargeError, "client_max_body_size"),
        (401, AccessDeniedError, ""),
        (403, AccessDeniedError, ""),
        (429, ServerBusyError, "Try again"),
        (502, ServerUnavailableError, "behind it"),
        (404, NotAModelServerError, ""),
    ],
)
def test_an_answer_of_a_web_server_is_named_as_one(status, kind, words):
    error = failure(
        grpc.StatusCode.UNKNOWN,
        f"Received http2 header with status: {status}",
        address="a:1",
        asked="commodity",
        timeout_s=1,
    )
    assert type(error) is kind
    assert f"HTTP {status}" in str(error)
    assert words in error.hint


def test_a_servers_words_cannot_move_a_terminals_cursor():
    with serving(Foreign(refusing(C.INTERNAL, "\x1b[2J\x07 \u202egone"))) as server:
        error = refusal_of(server.address)
    assert r"\x1b[2J\x07 \u202egone" in str(error)


# TLS: the reason stands in the first line


def test_a_trusted_server_answers(certificates):
    with (
        serving(Foreign(), credentials=certificates.server("good")) as server,
        ServingClient(server.address, timeout_s=20, tls=certificates.client()) as client,
    ):
        client.model(ModelSpec("commodity")).predict({})


@pytest.mark.parametrize(
    ("certificate", "reason", "hint"),
    [
        ("expired", "has expired", "Renew"),
        ("not yet valid", "not valid yet", "clock"),
        ("other name", "for another name", "tls_server_name"),
        ("other authority", "not of an authority that is trusted here", "tls_ca"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_is_not_trusted_is_refused_with_the_reason(
    certificates, certificate, reason, hint, host
):
    with serving(Foreign(), credentials=certificates.server(certificate)) as server:
        port = server.address.rpartition(":")[2]
        error = refusal_of(f"{host}:{port}", certificates.client())
    assert reason in str(error)
    assert hint in error.hint


def test_another_name_is_accepted_when_it_is_expected(certificates):
    tls = certificates.client(server_name="models.example")
    with (
        serving(Foreign(), credentials=certificates.server("other name")) as server,
        ServingClient(server.address, timeout_s=20, tls=tls) as client,
    ):
        client.model(ModelSpec("commodity")).predict({})


def test_a_client_certificate_lets_the_client_in(certificates):
    with (
        serving(Foreign(), credentials=certificates.server("good", asks_clients=True)) as server,
        ServingClient(server.address, timeout_s=20, tls=certificates.client("good")) as client,
    ):
        client.model(ModelSpec("commodity")).predict({})


@pytest.mark.parametrize("certificate", [None, "other authority", "expired"])
def test_a_client_that_is_not_let_in_is_told_of_its_certificate(certificates, certificate):
    with serving(Foreign(), credentials=certificates.server("good", asks_clients=True)) as server:
        error = refusal_of(server.address, certificates.client(certificate))
    assert "ended the connection" in str(error)
    assert "client's certificate" in error.hint


def test_tls_files_that_do_not_fit_are_named(certificates, tmp_path):
    rubbish = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with serving(Foreign(), credentials=certificates.server("good")) as server:
        for tls in (certificates.client("good", key="expired"), Tls(ca=rubbish)):
            assert "cannot be used" in str(refusal_of(server.address, tls))


def test_a_disagreement_about_tls_is_named(certificates):
    with serving(Foreign()) as server:
        assert "speaks no TLS" in str(refusal_of(server.address, certificates.client()))
    with serving(Foreign(), credentials=certificates.server("good")) as server:
        assert "turn it on here" in refusal_of(server.address).hint


# Proxies


@pytest.fixture
def proxy(monkeypatch) -> Iterator[str]:
    """HOST:PORT of a proxy, set in the environment, that refuses all calls with 407."""

    class Refusing(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            self.send_response(407)
            self.end_headers()

        def log_message(self, *words):
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as address:
        for name in ("no_proxy", "no_grpc_proxy", "grpc_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://someone:secret@{address}/")
        yield address


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "form",
    [
        *("127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "localhost.:{}", "0.0.0.0:{}"),
        *("ipv4:127.0.0.1:{}", "ipv4:127.0.0.1:{0},127.0.0.1:{0}", "dns:///localhost:{}"),
        *("dns:localhost:{}", "127.1:{}", "2130706433:{}"),
    ],
)
def test_this_machine_in_any_form_is_reached_past_a_proxy(proxy, form):
    with serving(Foreign()) as server:
        address = form.format(server.address.rpartition(":")[2])
        assert proxy_of(address) == ""
        with ServingClient(address, timeout_s=20) as client:
            client.model(ModelSpec("commodity")).predict({})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3:8500", "[fe80::1]:8500", "ipv6:[::1]:1,[::2]:1", "unix:/run/x", "x.localhost:1"],
)
def test_numeric_addresses_and_sockets_go_past_a_proxy(proxy, address):
    assert proxy_of(address) == ""


def test_a_name_goes_through_the_proxy_and_the_hint_says_so_without_its_password(proxy):
    error = refusal_of("models.example:8500")
    assert f"the proxy at {proxy} answers HTTP 407" in str(error)
    assert "no_proxy" in error.hint
    assert "secret" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [("models.example", False), (".example", False), ("other, example", False), ("other", True)],
)
def test_no_proxy_is_honoured(proxy, monkeypatch, no_proxy, expected):
    monkeypatch.setenv("no_proxy", no_proxy)
    assert bool(proxy_of("dns:///models.example:8500")) is expected
