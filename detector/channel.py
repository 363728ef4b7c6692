"""The channel to a model server: how it is found, trusted, tried again and given up."""

import ipaddress
import json
from pathlib import Path
from typing import Any

import grpc

from detector.config import Tls
from detector.errors import ConfigError
from detector.translation import _, noted
from detector.wire.protos import model_service_pb2_grpc, prediction_service_pb2_grpc
from detector.wire.tensors import MAX_TENSOR_BYTES

MAX_ANSWER_BYTES = MAX_TENSOR_BYTES + 2**20  # gRPC's own limit, 4 MiB, is 6 outputs of an SSD300


class Connection:
    """A channel and its methods; it is closed when it has been replaced and no call uses it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.calls = 0
        prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.predict = prediction.Predict
        self.metadata = prediction.GetModelMetadata
        self.status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus


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
        # Connections belong to one channel, so that a new channel is a new connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if _is_on_this_machine(address):  # gRPC would send these through http_proxy too
        options.append(("grpc.enable_http_proxy", 0))
    if tls is not None and tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return options


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC needs for TLS. Raises ConfigError: a file that can't be read or is not PEM."""
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca, "tls_ca"),
        private_key=_pem(tls.key, "tls_key"),
        certificate_chain=_pem(tls.cert, "tls_cert"),
    )


def connection_hint(details: str) -> str:
    """What to do about a connection that failed with these details; empty when they don't tell."""
    return next((hint for words, hint in _CONNECTION_HINTS if words in details), "")


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
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

# What gRPC's own library says of a connection that fails. Only the hint depends on these words.
_CONNECTION_HINTS = (
    (
        "Expected SETTINGS frame",
        noted(
            "Something that speaks HTTP/1 listens there, perhaps TensorFlow Serving's REST port"
            " (8501). Give the gRPC port, 8500 by default."
        ),
    ),
    (
        "WRONG_VERSION_NUMBER",
        noted("The server speaks no TLS at this port: turn TLS off, or correct it."),
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        noted("Set tls_ca to the authority that signed the server's certificate."),
    ),
    (
        "Hostname Verification",
        noted("Set tls_server_name to the name in the server's certificate."),
    ),
    (
        "Socket closed",
        noted("If the server expects TLS, turn it on here, with a certificate if it asks."),
    ),
    ("errors resolving", noted("No such name is known: check its spelling, and the network.")),
)


def _is_on_this_machine(address: str) -> bool:
    if address.startswith("unix"):
        return True
    host = address.rpartition(":")[0].rpartition("/")[2].removeprefix("dns:").strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
        name = source if isinstance(source, Path) else "what was given"
        raise ConfigError(
            _(
                "{setting}: {name} is not a PEM file, expected -----BEGIN … in it",
                setting=setting,
                name=name,
            )
        )
    return pem
