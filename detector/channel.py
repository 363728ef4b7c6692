"""The channel to a model server: how it is found, trusted, tried again and given up."""

import ipaddress
import json
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from detector.config import Tls
from detector.errors import ConfigError
from detector.translation import _
from detector.wire.protos import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from detector.wire.tensors import MAX_TENSOR_BYTES

KEEPALIVE_MS = 10_000  # gRPC's least
MAX_ANSWER_BYTES = MAX_TENSOR_BYTES + 2**20  # gRPC's own limit, 4 MiB, is 6 outputs of an SSD300


class Connection:
    """A channel and its methods; it is closed when it has been replaced and no call uses it."""

    def __init__(
        self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]] | None = None
    ) -> None:
        self.channel = channel
        self.calls = 0
        prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        model = model_service_pb2_grpc.ModelServiceStub(channel)
        # Takes a request that is already serialized: `tensors.encode_request`.
        predict: Callable[..., Any] = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )
        self.predict = partial(predict, metadata=metadata)
        self.metadata = partial(prediction.GetModelMetadata, metadata=metadata)
        self.status = partial(model.GetModelStatus, metadata=metadata)


def channel_options(address: str, tls: Tls | None) -> list[tuple[str, Any]]:
    """gRPC's settings for a channel to this address."""
    scheme = address.partition(":")[0]
    service_config: dict[str, Any] = dict(_SERVICE_CONFIG)
    if scheme in ("dns", "ipv4", "ipv6"):  # may name several replicas
        service_config["loadBalancingConfig"] = [{"round_robin": {}}]
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(service_config)),
        # Requests over 256 KiB are silently not repeated otherwise; an image is 1.08 MB.
        ("grpc.per_rpc_retry_buffer_size", 64 * 2**20),
        ("grpc.max_send_message_length", -1),  # the server has its own limit
        ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
        # The pause between attempts to connect; it grows to two minutes otherwise.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        # In spite of its name the time that one attempt to connect may take. With 100 ms a server
        # three hops and a TLS handshake away is never reached; the default is 20 s.
        ("grpc.min_reconnect_backoff_ms", 1500),
        # While a call waits, so that a connection that lost its other end, or a server that froze,
        # is noticed before a long deadline. Not while none waits: servers close such connections.
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_MS),  # a minute otherwise, and it wins
        # Connections belong to one channel, so that a new channel is a new connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if _is_reached_directly(address):  # gRPC would send some of these through http_proxy too
        options.append(("grpc.enable_http_proxy", 0))
    if tls is not None and tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return options


def target_of(address: str) -> str:
    """The address as gRPC's resolver understands it: it knows neither 127.1 nor `localhost.`."""
    host, port = address.rpartition(":")[::2]
    if host.lower() == "localhost.":
        return f"localhost:{port}"
    ip = None if ":" in host else _ip_of(host)
    return address if ip is None else f"{ip}:{port}"


def addresses_of(address: str) -> list[str]:
    """Each numeric HOST:PORT behind a name; empty for all that is no HOST:PORT with a name."""
    host, port = address.removeprefix("dns:").lstrip("/").rpartition(":")[::2]
    if not port.isdecimal() or "/" in host or ":" in host or _ip_of(host):
        return []
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except OSError:
        return []
    ips = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in ips]


def replicas_of(address: str) -> list[str]:
    """Each address behind one that names several, names looked up; else itself."""
    scheme, rest = address.partition(":")[::2]
    if scheme in ("ipv4", "ipv6"):
        return rest.split(",")
    return addresses_of(address) or [address]


def host_of(address: str) -> str:
    """The name of the server in HOST:PORT and dns:///HOST:PORT: that of its certificate."""
    return _hosts(address)[0]


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC needs for TLS. Raises ConfigError: a file that can't be read or is not PEM."""
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca, "tls_ca"),
        private_key=_pem(tls.key, "tls_key"),
        certificate_chain=_pem(tls.cert, "tls_cert"),
    )


# Every call may be repeated: all of them only read. A server that is down is reported after the
# three pauses, 0.7 s in all; one that just restarts is not noticed.
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": "tensorflow.serving.PredictionService"},
                {"service": "tensorflow.serving.ModelService"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ]
}


def proxy_of(address: str) -> str:
    """HOST:PORT of the proxy that gRPC sends calls to this address through; empty where none is."""
    name = next((name for name in _PROXY_VARIABLES if os.environ.get(name)), None)
    if name is None or _is_reached_directly(address):
        return ""
    listed = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy") or ""  # noqa: SIM112
    endings = [ending.strip().lower() for ending in listed.split(",") if ending.strip()]
    if _hosts(address)[0].endswith(tuple(endings)):
        return ""
    # What stands before the @ is a secret.
    return os.environ[name].rpartition("@")[2].rpartition("//")[2].rstrip("/")


_PROXY_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")  # in gRPC's order


def _is_reached_directly(address: str) -> bool:
    """A proxy is for names: a numeric address and this machine, in any form, are never its job."""
    return address.startswith("unix") or all(map(_is_number_or_here, _hosts(address)))


def _hosts(address: str) -> list[str]:
    scheme, rest = address.partition(":")[::2]
    endpoints = rest.split(",") if scheme in ("ipv4", "ipv6") else [address.rpartition("/")[2]]
    return [
        endpoint.removeprefix("dns:").rpartition(":")[0].strip("[]").rstrip(".").lower()
        for endpoint in endpoints
    ]


def _is_number_or_here(host: str) -> bool:
    if host in ("localhost", "ip6-localhost", socket.gethostname().lower()):
        return True
    return host.endswith(".localhost") or _is_ip(host) or _ip_of(host) is not None


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ip_of(host: str) -> str | None:
    """127.0.0.1 of 127.1, 2130706433 and 0x7f.1, as the system's own tools read them."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _pem(source: Path | bytes | None, setting: str) -> bytes | None:
    pem: bytes | None
    if isinstance(source, Path):
        try:
            pem = source.read_bytes()
        except OSError as error:
            raise ConfigError(
                _(
                    "{setting}: {source} can't be read: {reason}",
                    setting=setting,
                    source=source,
                    reason=error.strerror,
                )
            ) from error
    else:
        pem = source
    if pem is not None and b"-----BEGIN " not in pem:
        name = source if isinstance(source, Path) else _("what was given")
        raise ConfigError(
            _(
                "{setting}: {name} is not a PEM file, expected -----BEGIN … in it",
                setting=setting,
                name=name,
            )
        )
    return pem
