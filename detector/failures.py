"""What a failed call means: gRPC's status and its text, as an error that says what to do.

One status has several causes: "unavailable" is a server that is off, and one whose queue is full.
The text tells them apart. No one promises to keep a text (these are of gRPC 1.85, TensorFlow
Serving 2.21, Envoy and nginx), so one that is not known here is shown as it is, and means no more
than its status.
"""

import re

import grpc

from detector.errors import (
    AccessDeniedError,
    ModelNotFoundError,
    NotAModelServerError,
    RequestTooLargeError,
    ServerBusyError,
    ServerFaultError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    SignatureError,
)
from detector.translation import _, noted


def failure(
    code: grpc.StatusCode,
    details: str,
    *,
    address: str,
    asked: str,
    timeout_s: float,
    proxy: str = "",
) -> ServingError:
    """What a call that ended with this status was.

    Args:
        details: the status's text.
        address: where the call went.
        asked: the model and version that were asked for, in words.
        timeout_s: what the call was given.
        proxy: HOST:PORT of the proxy that calls to this address go through; empty: none.
    """
    details = shortened(details or code.name)
    server = _("the model server at {address}", address=address)
    if status := re.search(r"Received http2 header with status: (\d{3})", details):
        return _of_http(int(status[1]), address)
    kind, message = _MEANINGS.get(code, (ServerFaultError, _FAILED))
    hint = ""
    if code == grpc.StatusCode.UNAVAILABLE:
        if is_of_the_connection(details):
            return _unreachable(server, details, proxy)
        kind, message = ServerBusyError, noted("{server} takes no call now: {details}")
        hint = _first(_ANSWERED_HINTS, details)
    elif code == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" not in details:
        kind, message = ServerBusyError, noted("{server} has no room for this call: {details}")
        hint = _first(_ANSWERED_HINTS, details)
    elif code in _OF_THE_GRAPH and _GRAPH.search(details):
        kind, message = ServerFaultError, _FAILED
        hint = _("The model itself cannot run there: read the server's log, or export it anew.")
    return kind(
        _(
            message,
            server=server,
            address=address,
            asked=asked,
            details=details,
            code=code.name,
            timeout_s=timeout_s,
        ),
        hint,
    )


_FAILED = noted("{server} failed with {code}: {details}")
_MEANINGS: dict[grpc.StatusCode, tuple[type[ServingError], str]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        ServerTimeoutError,
        noted("{server} did not answer within {timeout_s:g} s"),
    ),
    grpc.StatusCode.NOT_FOUND: (
        ModelNotFoundError,
        noted("{server} does not serve {asked}: {details}"),
    ),
    grpc.StatusCode.INVALID_ARGUMENT: (
        SignatureError,
        noted("{server} refused a call of {asked}: {details}"),
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (
        SignatureError,
        noted("{server} refused a call of {asked}: {details}"),
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        RequestTooLargeError,
        noted("a message to or from {server} is over a limit: {details}"),
    ),
    grpc.StatusCode.UNAUTHENTICATED: (
        AccessDeniedError,
        noted("{server} refused to let this client in: {details}"),
    ),
    grpc.StatusCode.PERMISSION_DENIED: (
        AccessDeniedError,
        noted("{server} refused to let this client in: {details}"),
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        NotAModelServerError,
        noted("what listens at {address} is not TensorFlow Serving: {details}"),
    ),
}

# An operation that the engine lacks has the status of a method that the server lacks, and a node
# that the graph lacks has that of a model.
_OF_THE_GRAPH = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND)
_GRAPH = re.compile(r"\{\{node|\bnode\b|\bOp\b|\bop\b|[Kk]ernel|FetchOutputs|[Vv]ariable")

# What a server, or a proxy that speaks gRPC, says itself.
_ANSWERED_HINTS = (
    (
        r"OOM|out of memory|[Mm]emory|allocat",
        noted("The server's memory is full: try again later, or send fewer images at once."),
    ),
    (
        r"upstream|no healthy",
        noted(
            "A proxy answers there, but does not reach the model server behind it: look at the"
            " proxy's log."
        ),
    ),
)

# What gRPC's own library says where there is no connection, as the patterns of a server's silence.
_CONNECTION = re.compile(
    r"onnect|errors resolving|resolution|Socket closed|recvmsg|sendmsg|Broken pipe|GOAWAY|"
    r"[Ss]tream|[Tt]ransport|[Kk]eepalive|handshake|[Ee]mpty address|unreachable|EOF|"
    r"Cancelling all calls|Channel closed|Endpoint|^UNAVAILABLE$"
)

_BROKEN_OFF = re.compile(
    r"^(?!.*ailed to connect).*"
    r"(recvmsg|sendmsg|Socket closed|Stream removed|Broken pipe|[Kk]eepalive|GOAWAY)",
    re.DOTALL,
)

# By what gRPC's library says: why there is no connection, where it is clear, and what to do.
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "certificate has expired",
        noted("the server's certificate has expired"),
        noted("Renew it on the server, and check this machine's clock."),
    ),
    (
        "certificate is not yet valid",
        noted("the server's certificate is not valid yet"),
        noted("Check the clocks of both machines, or the dates in the certificate."),
    ),
    (
        "self signed certificate",
        noted("the server's certificate is signed by itself"),
        noted("Set tls_ca to that certificate if you trust it."),
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        noted("the server's certificate is not of an authority that is trusted here"),
        noted("Set tls_ca to the authority that signed the server's certificate."),
    ),
    (
        "Hostname Verification",
        noted("the server's certificate is for another name than that of the address"),
        noted("Set tls_server_name to the name in the server's certificate."),
    ),
    (
        "WRONG_VERSION_NUMBER",
        noted("the server speaks no TLS at this port"),
        noted("Turn TLS off, or correct the port."),
    ),
    (
        "security handshaker",
        noted("the TLS files given here cannot be used"),
        noted(
            "Check that tls_ca holds certificates, and that tls_key is the private key of tls_cert."
        ),
    ),
    (
        "Socket closed",
        noted("the server ended the connection"),
        noted(
            "If the server expects TLS, turn it on here. If TLS is on, the server may ask for a"
            " client's certificate (tls_cert, tls_key) or refuse the one given: of another"
            " authority, or expired."
        ),
    ),
    (
        "Expected SETTINGS frame",
        noted("something that speaks HTTP/1 listens there"),
        noted(
            "Perhaps it is TensorFlow Serving's REST port (8501). Give the gRPC port, 8500 by"
            " default."
        ),
    ),
    (
        "errors resolving",
        noted("its name is not known"),
        noted("Check the name's spelling, and the network."),
    ),
)


def _unreachable(server: str, details: str, proxy: str) -> ServerUnavailableError:
    """Nobody answered as a model server: why, where it is known."""
    hints = []
    if refusal := re.search(r"HTTP proxy returned response code (\d+)", details):
        reason = _("the proxy at {proxy} answers HTTP {status}", proxy=proxy, status=refusal[1])
    elif known := reason_of(details):
        reason = _(known[0])
        hints = [_(known[1]), f"({details})"]
    else:
        reason = details
    if proxy:
        hints.insert(
            0,
            _(
                "Calls to this address go through the proxy at {proxy}, set as http_proxy,"
                " https_proxy or grpc_proxy. If they should not, name the host in no_proxy and"
                " start again.",
                proxy=proxy,
            ),
        )
    return ServerUnavailableError(
        _("{server} can't be reached: {reason}", server=server, reason=reason), " ".join(hints)
    )


def reason_of(details: str) -> tuple[str, str] | None:
    """Why there is no connection and what to do, where gRPC's words tell; to be translated."""
    return next((known[1:] for known in _REASONS if known[0] in details), None)


def _of_http(status: int, address: str) -> ServingError:
    """A web server or proxy answered with a page of HTTP, not with gRPC."""
    message = _(
        "a web server or proxy at {address} answers HTTP {status}", address=address, status=status
    )
    if status == 413:
        return RequestTooLargeError(
            message,
            _("It takes no message of this size: raise its limit (nginx: client_max_body_size)."),
        )
    if status in (401, 403, 407):
        return AccessDeniedError(message)
    if status == 429:
        return ServerBusyError(message)
    if status in (502, 503, 504):
        return ServerUnavailableError(
            message, _("It does not reach the model server behind it: look at its log.")
        )
    return NotAModelServerError(message)


def is_of_the_connection(details: str) -> bool:
    """Whether gRPC's own library says this of UNAVAILABLE, not the server."""
    return _CONNECTION.search(details) is not None and not _first(_ANSWERED_HINTS, details)


def is_broken_off(details: str) -> bool:
    """Whether the connection ended under the call, after it had been made."""
    return _BROKEN_OFF.search(details) is not None


def _first(hints: tuple[tuple[str, str], ...], details: str) -> str:
    return next((_(hint) for pattern, hint in hints if re.search(pattern, details)), "")


def shortened(details: str) -> str:
    """A server's text, of which 500 characters are enough."""
    return details if len(details) <= 500 else details[:500] + " …"
