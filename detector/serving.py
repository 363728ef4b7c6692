"""The client of TensorFlow Serving's gRPC API: named tensors in, named tensors out.

It knows tensors, models and versions, and nothing of boxes. Whatever goes wrong is one error of
`detector.errors`, chosen by gRPC's status code; the messages of servers differ and are only quoted.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from detector.channel import Connection, channel_options, connection_hint, credentials
from detector.config import Config, Tls, checked_address
from detector.errors import (
    AccessDeniedError,
    ConfigError,
    ModelNotFoundError,
    NotAModelServerError,
    OutputError,
    RequestTooLargeError,
    ServerFaultError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    SignatureError,
)
from detector.wire.protos import (
    error_codes_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)
from detector.wire.tensors import decode_tensor, dtype_name, encode_tensor

__all__ = [
    "ModelVersion",
    "Prediction",
    "ServingClient",
    "SignatureSpec",
    "TensorSpec",
    "Tls",
    "VersionStatus",
    "connect",
]


@dataclass(frozen=True)
class ModelVersion:
    """What answered. Version 0 means that the server did not say which version it was."""

    name: str
    version: int


@dataclass(frozen=True, eq=False)
class Prediction:
    """An answer: read-only arrays by output name, and the model that gave them."""

    outputs: Mapping[str, NDArray[Any]]
    model: ModelVersion


@dataclass(frozen=True)
class VersionStatus:
    """A version that the server knows: START, LOADING, AVAILABLE, UNLOADING or END, and why."""

    version: int
    state: str
    error_code: str
    error_message: str


@dataclass(frozen=True)
class TensorSpec:
    """A signature's input or output. `None` in the shape is any size, as the shape any rank."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        sizes = "…" if self.shape is None else ", ".join(str(s or "?") for s in self.shape)
        return f"{self.name}: {self.dtype} [{sizes}]"


@dataclass(frozen=True)
class SignatureSpec:
    """One way to call a model; inputs and outputs are sorted by name."""

    name: str
    method: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def connect(config: Config, address: str | None = None) -> "ServingClient":
    """A client of the configured model. Nothing is sent yet.

    Args:
        address: an embedded server's, in place of the configured one, and called without TLS.
    """
    if address is None and config.server is None:
        raise ConfigError(
            "no model server is configured",
            "Set server to its gRPC address, or start the embedded server and give its address.",
        )
    return ServingClient(
        address or config.server or "",
        model_name=config.model_name,
        signature_name=config.signature_name,
        version=config.model_version,
        version_label=config.version_label,
        timeout_s=config.timeout_s,
        tls=config.tls_settings if address is None else None,
    )


class ServingClient:
    """One model on one server, or on a list of replicas. Safe to share between threads.

    All calls share one connection, made by the first of them and made anew when it has failed.
    Each call has a deadline: `timeout_s` of the call, else of the client.
    """

    def __init__(
        self,
        address: str,
        *,
        model_name: str,
        signature_name: str = "serving_default",
        version: int | None = None,
        version_label: str | None = None,
        timeout_s: float = 10.0,
        tls: Tls | None = None,
    ) -> None:
        """Raises ConfigError: an address of no known form, a TLS file that can't be used."""
        self.address = checked_address(address)
        self.model_name = model_name
        self.signature_name = signature_name
        self.version = version
        self.version_label = version_label
        self.timeout_s = timeout_s
        self._options = channel_options(self.address, tls)
        self._credentials = None if tls is None else credentials(tls)
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and calls that other threads still make with it."""
        self._closed.set()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.channel.close()

    def predict(
        self,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> Prediction:
        """What the model makes of the inputs.

        Args:
            outputs: the outputs wanted; each is in the answer. None named: all of the signature.

        Raises:
            ServingError: the call failed; OutputError: it did not, but the answer lacks an output,
                contradicts itself, or holds numbers that are not finite.
        """
        request = predict_pb2.PredictRequest(model_spec=self._model_spec(), output_filter=outputs)
        request.model_spec.signature_name = self.signature_name
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(encode_tensor(array, name))
        answer = self._call("predict", request, timeout_s)
        missing = [name for name in outputs if name not in answer.outputs]
        if missing:
            raise OutputError(
                f"{self.address} answered with the outputs {_listed(answer.outputs)},"
                f" expected {_listed(outputs)}",
                "Set output_name to an output that the model's signature has.",
            )
        arrays = {
            name: decode_tensor(answer.outputs[name], name)
            for name in (outputs or sorted(answer.outputs))
        }
        for name, array in arrays.items():
            _check_finite(array, name)
        spec = answer.model_spec
        model = ModelVersion(spec.name or self.model_name, spec.version.value or self.version or 0)
        return Prediction(MappingProxyType(arrays), model)

    def model_status(self, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        """All versions of the model that the server knows, newest first, ended ones too."""
        answer = self._call("status", self._status_request(), timeout_s)
        return _version_statuses(answer)

    def model_metadata(self, timeout_s: float | None = None) -> tuple[SignatureSpec, ...]:
        """The signatures of the model that `predict` can call, sorted by name."""
        return _signatures(self._call("metadata", self._metadata_request(), timeout_s))

    def served_version(self, timeout_s: float | None = None) -> ModelVersion:
        """The version that answers now: the asked-for one, that of the label, else the newest.

        Raises:
            ServingError: ModelNotFoundError, with what there is, when it is not available.
        """
        if self.version_label is not None:
            spec = self._call("metadata", self._metadata_request(), timeout_s).model_spec
            return ModelVersion(self.model_name, spec.version.value)
        statuses = self.model_status(timeout_s)
        for status in statuses:
            if status.state == "AVAILABLE" and self.version in (None, status.version):
                return ModelVersion(self.model_name, status.version)
        raise ModelNotFoundError(
            f"{self._named()} is not available, it has {_listed_versions(statuses)}",
            "Wait while it loads, or look at the model server's log.",
        )

    def wait_until_ready(self, timeout_s: float) -> ModelVersion:
        """The version that answers from now on: the asked-for one, else the newest available.

        Raises:
            ServingError: why the model was not available in time; at once when waiting won't help.
        """
        end = time.monotonic() + timeout_s
        reason: ServingError | None = None
        while True:
            left = max(end - time.monotonic(), 0.05)
            try:
                return self.served_version(min(left, self.timeout_s))
            except (ServerUnavailableError, ModelNotFoundError) as error:
                reason = error
            except ServerTimeoutError as error:
                # The last call has little time: what an earlier one learnt says more.
                reason = reason or error
            if self._closed.wait(0.05) or time.monotonic() >= end:
                raise reason

    def _model_spec(self) -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=self.model_name)
        if self.version is not None:
            spec.version.value = self.version
        elif self.version_label is not None:
            spec.version_label = self.version_label
        return spec

    def _status_request(self) -> get_model_status_pb2.GetModelStatusRequest:
        spec = model_pb2.ModelSpec(name=self.model_name)  # of all versions
        return get_model_status_pb2.GetModelStatusRequest(model_spec=spec)

    def _metadata_request(self) -> get_model_metadata_pb2.GetModelMetadataRequest:
        return get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._model_spec(), metadata_field=["signature_def"]
        )

    def _call(self, method: str, request: Any, timeout_s: float | None) -> Any:
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        with self._connected(timeout_s) as connection:
            return getattr(connection, method)(request, timeout=timeout_s)

    @contextmanager
    def _connected(self, timeout_s: float) -> Iterator["Connection"]:
        """The shared connection. What gRPC raises inside comes out as a ServingError."""
        with self._lock:
            if self._closed.is_set():
                raise self._closed_error()
            if self._connection is None:
                self._connection = Connection(
                    grpc.insecure_channel(self.address, self._options)
                    if self._credentials is None
                    else grpc.secure_channel(self.address, self._credentials, self._options)
                )
            connection = self._connection
            connection.calls += 1
        try:
            yield connection
        except grpc.RpcError as error:
            if error.code() in _ENDS_CONNECTION:
                with self._lock:
                    if self._connection is connection:
                        self._connection = None
            raise self._translated(error, connection, timeout_s) from error
        except ValueError as error:  # a channel that another thread has closed raises this
            if not self._closed.is_set():
                raise
            raise self._closed_error() from error
        finally:
            with self._lock:
                connection.calls -= 1
                is_left = connection is not self._connection and connection.calls == 0
            if is_left:
                connection.channel.close()

    def _translated(
        self, error: grpc.RpcError, connection: "Connection", timeout_s: float
    ) -> ServingError:
        code, details = error.code(), _shortened(error.details() or error.code().name)
        server = f"the model server at {self.address}"
        match code:
            case grpc.StatusCode.UNAVAILABLE:
                return ServerUnavailableError(
                    f"{server} can't be reached: {details}", connection_hint(details)
                )
            case grpc.StatusCode.CANCELLED if self._closed.is_set():
                return self._closed_error()
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return ServerTimeoutError(f"{server} did not answer within {timeout_s:g} s")
            case grpc.StatusCode.NOT_FOUND:
                return ModelNotFoundError(
                    f"{server} does not serve {self._named()}: {details}",
                    self._hint_of_versions(connection),
                )
            case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.FAILED_PRECONDITION:
                return SignatureError(
                    f"{server} refused a call of {self._named()},"
                    f" signature {self.signature_name!r}: {details}",
                    self._hint_of_signatures(connection),
                )
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                return RequestTooLargeError(
                    f"a message to or from {server} is over a limit: {details}"
                )
            case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
                return AccessDeniedError(f"{server} refused to let this client in: {details}")
            case grpc.StatusCode.UNIMPLEMENTED:
                return NotAModelServerError(
                    f"what listens at {self.address} is not TensorFlow Serving: {details}"
                )
        return ServerFaultError(f"{server} failed with {code.name}: {details}")

    def _named(self) -> str:
        if self.version is not None:
            return f"version {self.version} of the model {self.model_name!r}"
        if self.version_label is not None:
            return f"the version labelled {self.version_label!r} of the model {self.model_name!r}"
        return f"the model {self.model_name!r}"

    def _closed_error(self) -> ServerUnavailableError:
        return ServerUnavailableError(
            f"the connection to {self.address} was closed on this side", "Connect anew."
        )

    # The hints below ask the server once more; where it can't tell, the error's own hint stands.

    def _hint_of_versions(self, connection: "Connection") -> str:
        try:
            answer = connection.status(self._status_request(), timeout=_HINT_TIMEOUT_S)
        except (grpc.RpcError, ValueError):
            return ""
        return (
            f"Of {self.model_name!r} the server has {_listed_versions(_version_statuses(answer))}."
        )

    def _hint_of_signatures(self, connection: "Connection") -> str:
        try:
            answer = connection.metadata(self._metadata_request(), timeout=_HINT_TIMEOUT_S)
            signatures = _signatures(answer)
        except (grpc.RpcError, ValueError, OutputError):
            if self.version_label is None:
                return ""
            return (
                f"Check that the server's model config file gives a version the label"
                f" {self.version_label!r}, and the names of signature, input and output."
            )
        return (
            "The model has "
            + "; ".join(
                f"the signature {signature.name!r} with the inputs {_listed(signature.inputs)}"
                f" and the outputs {_listed(signature.outputs)}"
                for signature in signatures
            )
            + "."
        )


_HINT_TIMEOUT_S = 1.0

# A timed-out call may mean that the other end has vanished without a word; each further call over
# that connection would time out too until TCP gives up, after a quarter of an hour. And a channel
# that could not resolve a name waits up to two minutes before it tries again. A new one does not.
_ENDS_CONNECTION = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def _shortened(details: str) -> str:
    return details if len(details) <= 500 else details[:500] + " …"


def _listed(things: Iterator[Any] | Sequence[Any] | Mapping[str, Any]) -> str:
    return "{" + ", ".join(sorted(str(thing) for thing in things)) + "}"


def _listed_versions(statuses: Sequence[VersionStatus]) -> str:
    listed = [
        f"version {status.version} ({status.state}"
        + (f": {_shortened(status.error_message)}" if status.error_message else "")
        + ")"
        for status in statuses
    ]
    return ", ".join(listed) or "no version"


def _version_statuses(
    answer: get_model_status_pb2.GetModelStatusResponse,
) -> tuple[VersionStatus, ...]:
    states = get_model_status_pb2.ModelVersionStatus.State
    statuses = [
        VersionStatus(
            status.version,
            _enum_name(states, status.state),
            _enum_name(error_codes_pb2.Code, status.status.error_code),
            status.status.error_message,
        )
        for status in answer.model_version_status
    ]
    return tuple(sorted(statuses, key=lambda status: status.version, reverse=True))


def _enum_name(enum: Any, number: int) -> str:
    return str(enum.Name(number)) if number in enum.values() else str(number)


def _signatures(
    answer: get_model_metadata_pb2.GetModelMetadataResponse,
) -> tuple[SignatureSpec, ...]:
    signatures = get_model_metadata_pb2.SignatureDefMap()
    packed = answer.metadata.get("signature_def")  # [] would add the key
    if packed is None or not packed.Unpack(signatures):
        raise OutputError(
            f"the metadata holds {_listed(answer.metadata)}, expected a map of signatures",
            NotAModelServerError.hint,
        )
    return tuple(
        SignatureSpec(
            name,
            signature.method_name,
            _tensor_specs(signature.inputs),
            _tensor_specs(signature.outputs),
        )
        for name, signature in sorted(signatures.signature_def.items())
        if signature.method_name  # those without one initialise the model, and can't be called
    )


def _tensor_specs(tensors: Mapping[str, Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name,
            dtype_name(info.dtype),
            None
            if info.tensor_shape.unknown_rank
            else tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim),
        )
        for name, info in sorted(tensors.items())
    )


def _check_finite(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind != "f":
        return
    finite = np.isfinite(array)
    if not finite.all():
        bad = np.argwhere(~finite)
        first = tuple(int(index) for index in bad[0])
        raise OutputError(
            f"{name} has {len(bad)} values of {array.size} that are not finite,"
            f" the first is {array[first]} at {list(first)}",
            "The model itself computes them: check its export and the pictures' preprocessing.",
        )
