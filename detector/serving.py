"""The client of TensorFlow Serving's gRPC API: named tensors in, named tensors out.

It knows tensors, models and versions, and nothing of boxes. A `ServingClient` is the connection to
an address; which model, version and signature is meant is said with each request, by a
`ServedModel`. Whatever goes wrong is one error of `detector.errors`, chosen by gRPC's status code;
the messages of servers differ and are only quoted.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from detector.channel import (
    Connection,
    addresses_of,
    channel_options,
    credentials,
    host_of,
    proxy_of,
    replicas_of,
    target_of,
)
from detector.config import Config, Tls, checked_address
from detector.errors import (
    ConfigError,
    ModelNotFoundError,
    OutputError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    SignatureError,
)
from detector.failures import failure, is_broken_off, is_of_the_connection, reason_of, shortened
from detector.translation import _
from detector.turns import Turns
from detector.wire.descriptions import (
    SignatureSpec,
    VersionStatus,
    read_signatures,
    read_version_statuses,
)
from detector.wire.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)
from detector.wire.tensors import decode_tensor, encode_request

MAX_VERSION = 2**63 - 1  # the wire's int64


@dataclass(frozen=True)
class ModelSpec:
    """Which model is asked, in which version, by which signature.

    Attributes:
        name: of the model on the server.
        version: None = the server's newest, or the one that has the label.
        version_label: in place of `version`.
    """

    name: str
    version: int | None = None
    version_label: str | None = None
    signature_name: str = "serving_default"

    def __post_init__(self) -> None:
        """Raises ConfigError: a version that cannot be, or a version and a label."""
        if self.version is not None and not 0 < self.version <= MAX_VERSION:
            raise ConfigError(
                _("the model version is outside 1 to 9223372036854775807"),
                _("Give the number of a version that the server has."),
            )
        if self.version is not None and self.version_label is not None:
            raise ConfigError(
                _("a model version and a version label are given, expected one of them"),
                _("Remove model_version or version_label."),
            )

    def __str__(self) -> str:
        if self.version is not None:
            return f"version {self.version} of the model {self.name!r}"
        if self.version_label is not None:
            return f"the version labelled {self.version_label!r} of the model {self.name!r}"
        return f"the model {self.name!r}"

    @classmethod
    def of(cls, config: Config) -> Self:
        """The configured model."""
        return cls(
            config.model_name, config.model_version, config.version_label, config.signature_name
        )

    def at(self, version: int) -> Self:
        """The same model in that version; 0 = as it is."""
        return replace(self, version=version, version_label=None) if version else self


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


def connect(config: Config, address: str | None = None) -> "ServingClient":
    """A connection to the configured server. Nothing is sent yet.

    Args:
        address: an embedded server's, in place of the configured one, and called without TLS.
    """
    if address is None and config.server is None:
        raise ConfigError(
            _("no model server is configured"),
            _("Set server to its gRPC address, or start the embedded server and give its address."),
        )
    return ServingClient(
        address or config.server or "",
        timeout_s=config.timeout_s,
        tls=config.tls_settings if address is None else None,
        metadata=config.call_metadata if address is None else (),
    )


def _ignore(name: str, spent_s: float, failure: ServingError | None) -> None:
    pass


class ServingClient:
    """The connection to one server, or to a list of replicas. Safe to share between threads.

    All calls share one channel, made by the first of them and made anew when it has failed.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout_s: float = 10.0,
        tls: Tls | None = None,
        metadata: Sequence[tuple[str, str]] = (),
        turns: Turns | None = None,
        on_predicted: Callable[[str, float, ServingError | None], None] = _ignore,
    ) -> None:
        """
        Args:
            timeout_s: deadline of a call that gives none itself.
            metadata: (name, value) of gRPC metadata, sent with each call; a token for instance.
            turns: what the calls of Predict wait for; None: each is made at once.
            on_predicted: told of each call of Predict: the model's name, the seconds that it took
                without its waiting, what went wrong.

        Raises:
            ConfigError: an address of no known form, a TLS file that can't be used.
        """
        self.address = checked_address(address)
        self.timeout_s = timeout_s
        self._tls = tls
        self._metadata = tuple(metadata) or None
        self._options = channel_options(self.address, tls)
        self._credentials = None if tls is None else credentials(tls)
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self._turns = turns
        self._on_predicted = on_predicted

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

    def wait_closed(self, timeout_s: float) -> bool:
        """Wait so long, or until it is closed. Says whether it is."""
        return self._closed.wait(timeout_s)

    @contextmanager
    def predicting(self, name: str, timeout_s: float, *, of_batch: bool) -> Iterator[None]:
        """Around a call of Predict: its turn, and word of it. Raises ServerBusyError."""
        turns = self._turns
        with nullcontext() if turns is None else turns.one(timeout_s, of_batch=of_batch):
            started = time.monotonic()
            wrong: ServingError | None = None
            try:
                yield
            except ServingError as error:
                wrong = error
                raise
            finally:
                self._on_predicted(name, time.monotonic() - started, wrong)

    def replicas(self) -> list["ServingClient"]:
        """A connection of its own to each replica behind the address, to ask one and no other."""
        tls = self._tls
        if tls is not None and tls.server_name is None:
            tls = replace(tls, server_name=host_of(self.address))
        return [
            ServingClient(address, timeout_s=self.timeout_s, tls=tls, metadata=self._metadata or ())
            for address in replicas_of(self.address)
        ]

    def model(self, spec: ModelSpec) -> "ServedModel":
        """One model behind this connection."""
        return ServedModel(self, spec)

    @contextmanager
    def connected(self, asked: ModelSpec, timeout_s: float) -> Iterator[Connection]:
        """The shared connection. What gRPC raises inside comes out as a ServingError.

        Args:
            asked: what the call that is made inside asks for, for the error's text.
            timeout_s: of that call, likewise.
        """
        with self._lock:
            if self._closed.is_set():
                raise self._closed_error()
            if self._connection is None:
                self._connection = Connection(
                    self._channel(target_of(self.address)), self._metadata
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
            raise self._failure(error, connection, asked, timeout_s) from error
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

    def _channel(self, target: str, more: Sequence[tuple[str, Any]] = ()) -> grpc.Channel:
        options = [*self._options, *more]
        if self._credentials is None:
            return grpc.insecure_channel(target, options)
        return grpc.secure_channel(target, self._credentials, options)

    def _failure(
        self, error: grpc.RpcError, connection: Connection, asked: ModelSpec, timeout_s: float
    ) -> ServingError:
        if error.code() == grpc.StatusCode.CANCELLED and self._closed.is_set():
            return self._closed_error()
        details = error.details() or ""
        if error.code() == grpc.StatusCode.UNAVAILABLE and is_of_the_connection(details):
            details = self._clearest(details)
        known = failure(
            error.code(),
            details,
            address=self.address,
            asked=str(asked),
            timeout_s=timeout_s,
            proxy=proxy_of(self.address),
        )
        # The server is asked once more for what there is; where it can't tell, the hint stays.
        if isinstance(known, ModelNotFoundError):
            known.hint = _hint_of_versions(connection, asked) or known.hint
        elif isinstance(known, SignatureError):
            known.hint = _hint_of_signatures(connection, asked) or known.hint
        return known

    def _clearest(self, details: str) -> str:
        """Why a name cannot be reached: gRPC says of several addresses the last one's reason only.

        `localhost` is ::1 too, where nobody listens, while 127.0.0.1 has a bad certificate.
        """
        addresses = addresses_of(self.address)
        if reason_of(details) or proxy_of(self.address):
            return details
        host = self.address.rpartition(":")[0]
        name = ("grpc.ssl_target_name_override", host)
        has_name = any(option == name[0] for option, value in self._options)
        for address in addresses[:_ADDRESSES_TRIED]:
            with self._channel(address, [] if has_name else [name]) as channel:
                try:
                    Connection(channel, self._metadata).status(
                        _status_request(ModelSpec("")), timeout=_HINT_TIMEOUT_S
                    )
                except grpc.RpcError as error:
                    if error.code() == grpc.StatusCode.UNAVAILABLE and reason_of(
                        error.details() or ""
                    ):
                        return error.details() or details
        return details

    def _closed_error(self) -> ServerUnavailableError:
        return ServerUnavailableError(
            _("the connection to {address} was closed on this side", address=self.address),
            _("Connect anew."),
        )


class ServedModel:
    """A model behind a connection, which it shares with others. Safe to share between threads.

    Each call has a deadline: `timeout_s` of the call, else of the connection.
    """

    def __init__(self, client: ServingClient, spec: ModelSpec, *, of_batch: bool = False) -> None:
        """
        Args:
            of_batch: its calls let those of single images go first.
        """
        self.client = client
        self.spec = spec
        self._of_batch = of_batch

    def at(self, version: int) -> "ServedModel":
        """The same model in that version; 0 = as it is."""
        return ServedModel(self.client, self.spec.at(version), of_batch=self._of_batch)

    def for_batch(self) -> "ServedModel":
        """The same model, behind single images where there is a queue."""
        return ServedModel(self.client, self.spec, of_batch=True)

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
        request = predict_pb2.PredictRequest(
            model_spec=_spec_message(self.spec), output_filter=outputs
        )
        request.model_spec.signature_name = self.spec.signature_name
        encoded = encode_request(request, inputs)
        timeout_s = self.client.timeout_s if timeout_s is None else timeout_s
        with self.client.predicting(self.spec.name, timeout_s, of_batch=self._of_batch):
            response = self._call("predict", encoded, timeout_s)
        missing = [name for name in outputs if name not in response.outputs]
        if missing:
            raise OutputError(
                _(
                    "{address} answered with the outputs {outputs}, expected {expected}",
                    address=self.client.address,
                    outputs=_listed(response.outputs),
                    expected=_listed(outputs),
                ),
                _("Set output_name to an output that the model's signature has."),
            )
        arrays = {
            name: decode_tensor(response.outputs[name], name)
            for name in (outputs or sorted(response.outputs))
        }
        for name, array in arrays.items():
            _check_finite(array, name)
        answered = response.model_spec
        self._check_version(answered.version.value)
        model = ModelVersion(
            answered.name or self.spec.name, answered.version.value or self.spec.version or 0
        )
        return Prediction(MappingProxyType(arrays), model)

    def _check_version(self, answered: int) -> None:
        if self.spec.version is not None and answered not in (0, self.spec.version):
            raise OutputError(
                _(
                    "{address} was asked for version {asked} and answered as version {answered}",
                    address=self.client.address,
                    asked=self.spec.version,
                    answered=answered,
                ),
                _("Look at what stands between here and the model server: it mixes versions."),
            )

    def versions(self, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        """All versions of the model that the server knows, newest first, ended ones too."""
        return read_version_statuses(self._call("status", _status_request(self.spec), timeout_s))

    def signatures(self, timeout_s: float | None = None) -> tuple[SignatureSpec, ...]:
        """The signatures of the model that `predict` can call, sorted by name."""
        return read_signatures(self._call("metadata", _metadata_request(self.spec), timeout_s))

    def served_version(self, timeout_s: float | None = None) -> ModelVersion:
        """The version that answers now: the asked-for one, that of the label, else the newest.

        Raises:
            ServingError: ModelNotFoundError, with what there is, when it is not available.
        """
        if self.spec.version_label is not None:
            answered = self._call("metadata", _metadata_request(self.spec), timeout_s).model_spec
            return ModelVersion(self.spec.name, answered.version.value)
        statuses = self.versions(timeout_s)
        for status in statuses:
            if status.state == "AVAILABLE" and self.spec.version in (None, status.version):
                return ModelVersion(self.spec.name, status.version)
        raise ModelNotFoundError(
            _(
                "{spec} is not available, it has {statuses}",
                spec=self.spec,
                statuses=_listed_versions(statuses),
            ),
            _("Wait while it loads, or look at the model server's log."),
        )

    def wait_until_ready(self, timeout_s: float) -> ModelVersion:
        """The version that answers from now on: the asked-for one, else the newest available.

        Raises:
            ServingError: why the model was not available in time; at once when waiting won't help.
        """
        end = time.monotonic() + timeout_s
        reason: ServingError | None = None
        while True:
            left_s = max(end - time.monotonic(), 0.05)
            try:
                return self.served_version(min(left_s, self.client.timeout_s))
            except (ServerUnavailableError, ModelNotFoundError) as error:
                reason = error
            except ServerTimeoutError as error:
                # The last call has little time: what an earlier one learnt says more.
                reason = reason or error
            if self.client.wait_closed(0.05) or time.monotonic() >= end:
                raise reason

    def _call(self, method: str, request: Any, timeout_s: float | None) -> Any:
        timeout_s = self.client.timeout_s if timeout_s is None else timeout_s
        end = time.monotonic() + timeout_s
        try:
            return self._call_once(method, request, timeout_s)
        except ServerUnavailableError as error:
            # gRPC repeats no call whose answer has begun; all of ours only read.
            cause = error.__cause__
            if not (isinstance(cause, grpc.RpcError) and is_broken_off(cause.details() or "")):
                raise
        return self._call_once(method, request, max(end - time.monotonic(), 0.0))

    def _call_once(self, method: str, request: Any, timeout_s: float) -> Any:
        with self.client.connected(self.spec, timeout_s) as connection:
            return getattr(connection, method)(request, timeout=timeout_s)


_HINT_TIMEOUT_S = 1.0
_ADDRESSES_TRIED = 4

# A timed-out call may mean that the other end has vanished without a word; each further call over
# that connection would time out too until TCP gives up, after a quarter of an hour. And a channel
# that could not resolve a name waits up to two minutes before it tries again. A new one does not.
_ENDS_CONNECTION = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def _spec_message(spec: ModelSpec) -> model_pb2.ModelSpec:
    message = model_pb2.ModelSpec(name=spec.name)
    if spec.version is not None:
        message.version.value = spec.version
    elif spec.version_label is not None:
        message.version_label = spec.version_label
    return message


def _status_request(spec: ModelSpec) -> get_model_status_pb2.GetModelStatusRequest:
    all_versions = model_pb2.ModelSpec(name=spec.name)
    return get_model_status_pb2.GetModelStatusRequest(model_spec=all_versions)


def _metadata_request(spec: ModelSpec) -> get_model_metadata_pb2.GetModelMetadataRequest:
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=_spec_message(spec), metadata_field=["signature_def"]
    )


# The hints below ask the server once more; where it can't tell, the error's own hint stands.


def _hint_of_versions(connection: Connection, asked: ModelSpec) -> str:
    try:
        response = connection.status(_status_request(asked), timeout=_HINT_TIMEOUT_S)
    except (grpc.RpcError, ValueError):
        return ""
    statuses = read_version_statuses(response)
    return _(
        "Of {name!r} the server has {versions}.",
        name=asked.name,
        versions=_listed_versions(statuses),
    )


def _hint_of_signatures(connection: Connection, asked: ModelSpec) -> str:
    try:
        response = connection.metadata(_metadata_request(asked), timeout=_HINT_TIMEOUT_S)
        signatures = read_signatures(response)
    except (grpc.RpcError, ValueError, OutputError):
        if asked.version_label is None:
            return ""
        return _(
            "Check that the server's model config file gives a version the label {label!r}, and"
            " the names of signature, input and output.",
            label=asked.version_label,
        )
    return " ".join(
        _(
            "The model's signature {name!r} has the inputs {inputs} and the outputs {outputs}.",
            name=signature.name,
            inputs=_listed(signature.inputs),
            outputs=_listed(signature.outputs),
        )
        for signature in signatures
    )


def _listed(things: Iterable[Any]) -> str:
    return "{" + ", ".join(sorted(str(thing) for thing in things)) + "}"


def _listed_versions(statuses: Sequence[VersionStatus]) -> str:
    listed = [
        f"version {status.version} ({status.state}"
        + (f": {shortened(status.error_message)}" if status.error_message else "")
        + ")"
        for status in statuses
    ]
    return ", ".join(listed) or "no version"


def _check_finite(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind != "f":
        return
    finite = np.isfinite(array)
    if not finite.all():
        bad = np.argwhere(~finite)
        first = tuple(int(index) for index in bad[0])
        raise OutputError(
            _(
                "{name} has {bad_count} values of {array_size} that are not finite, the first "
                "is {value} at {first}",
                name=name,
                bad_count=len(bad),
                array_size=array.size,
                value=array[first],
                first=list(first),
            ),
            _("The model itself computes them: check its export and the images' preprocessing."),
        )
