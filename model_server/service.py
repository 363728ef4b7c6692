"""TensorFlow Serving's two gRPC services: its checks, in its order, with its codes and messages."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn, TypeVar

import grpc
from numpy.typing import NDArray

from detector.wire.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    meta_graph_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    tensor_shape_pb2,
)
from model_server.config import ConfigError
from model_server.engine import DEFAULT_SIGNATURE, EngineError, Model
from model_server.models import Models
from model_server.tensors import dtype_name, read_tensor, write_tensor

_Answer = TypeVar("_Answer")
_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_MAX_MESSAGE_BYTES = 1024  # of an error; a longer one would not fit into a header of HTTP/2


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """Predict and GetModelMetadata."""

    def __init__(self, models: Models, *, as_content: bool) -> None:
        """
        Args:
            as_content: answer with `tensor_content` and not with the slower lists of values
                (`float_val`, …), as TensorFlow Serving does unless told otherwise.
        """
        self._models = models
        self._as_content = as_content

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return _answer(context, lambda: self._predict(request, _time_left_s(context)))

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        return _answer(context, lambda: self._metadata(request))

    def _predict(
        self, request: predict_pb2.PredictRequest, timeout_s: float | None
    ) -> predict_pb2.PredictResponse:
        with self._servable(request) as (version, model):
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            if name not in model.signatures:
                message = f'Serving signature key "{name}" not found.'
                raise _RequestError(grpc.StatusCode.FAILED_PRECONDITION, message)
            signature = model.signatures[name]
            inputs = _read_inputs(request, signature)
            outputs = _requested_outputs(request, signature)
            _check_inputs(inputs, request, signature)
            response = predict_pb2.PredictResponse()
            response.model_spec.name = request.model_spec.name
            response.model_spec.signature_name = name
            response.model_spec.version.value = version
            with model.run(name, inputs, outputs, timeout_s) as arrays:
                for alias in outputs:
                    output = response.outputs[alias]
                    try:
                        write_tensor(arrays[alias], output, as_content=self._as_content)
                    except ValueError as error:
                        message = f"{alias}: {error}"
                        raise _RequestError(grpc.StatusCode.UNIMPLEMENTED, message) from error
        return response

    def _metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        _check_has_spec(request)
        if not request.metadata_field:
            message = "GetModelMetadataRequest must specify at least one metadata_field"
            raise _RequestError(_INVALID, message)
        for field in request.metadata_field:
            if field != "signature_def":
                raise _RequestError(_INVALID, f"Metadata field {field} is not supported")
        with self._servable(request) as (version, model):
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in model.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response

    @contextmanager
    def _servable(self, request: Any) -> Iterator[tuple[int, Model]]:
        _check_has_spec(request)
        spec: model_pb2.ModelSpec = request.model_spec
        if not spec.name:
            raise _RequestError(_INVALID, "ModelSpec has no name specified.")
        wanted = spec.WhichOneof("version_choice")
        version = spec.version.value if wanted == "version" else None
        if wanted == "version_label":
            try:
                version = self._models.version_of(spec.name, spec.version_label)
            except KeyError:
                message = f"Unrecognized servable version label: {spec.version_label}"
                raise _RequestError(_INVALID, message) from None
        asked = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        not_found = _RequestError(
            grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}"
        )
        with ExitStack() as stack:
            try:
                found = stack.enter_context(self._models.use(spec.name, version))
            except KeyError:
                raise not_found from None
            yield found


class ModelService(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return _answer(context, lambda: self._status(request))

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        return _answer(context, lambda: self._reload(request))

    def _status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        _check_has_spec(request)
        spec = request.model_spec
        statuses = self._models.statuses(spec.name)
        missing = f"Could not find any versions of model {spec.name}"
        if spec.HasField("version"):  # a label is not looked at
            statuses = [status for status in statuses if status.version == spec.version.value]
            missing = f"Could not find version {spec.version.value} of model {spec.name}"
        if not statuses:
            raise _RequestError(grpc.StatusCode.NOT_FOUND, missing)
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=statuses)

    def _reload(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        if not request.config.HasField("model_config_list"):
            message = (
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
            raise _RequestError(_INVALID, message)
        self._models.reload(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        for name in request.metric_names:  # none is counted here
            response.metric.add(name=name, int64_value_increase=0)
        return response


class _RequestError(Exception):
    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def _answer(context: grpc.ServicerContext, answer: Callable[[], _Answer]) -> _Answer:
    try:
        return answer()
    except (_RequestError, ConfigError, EngineError) as error:
        _abort(context, error.code, str(error))
    except TimeoutError:
        _abort(context, grpc.StatusCode.DEADLINE_EXCEEDED, "no free engine before the deadline")


def _time_left_s(context: grpc.ServicerContext) -> float | None:
    """None when the call has no deadline, which gRPC gives as a time that no clock can count."""
    seconds = context.time_remaining()
    return seconds if seconds is not None and seconds < threading.TIMEOUT_MAX / 2 else None


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    encoded = message.encode()
    if len(encoded) > _MAX_MESSAGE_BYTES:
        message = encoded[:_MAX_MESSAGE_BYTES].decode(errors="replace") + "...TRUNCATED"
    context.abort(code, message)
    raise AssertionError("abort raises")


def _check_has_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise _RequestError(_INVALID, "Missing ModelSpec")


def _read_inputs(
    request: predict_pb2.PredictRequest, signature: meta_graph_pb2.SignatureDef
) -> dict[str, NDArray[Any]]:
    sent, expected = set(request.inputs), set(signature.inputs)
    if len(sent) != len(expected):
        message = (
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({_set(sent)}) != len({_set(expected)}). Sent extra: {_set(sent - expected)}. "
            f"Missing but required: {_set(expected - sent)}."
        )
        raise _RequestError(_INVALID, message)
    inputs = {}
    for alias in sorted(expected):
        if alias not in sent:
            message = (
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not "
                "found in request and no default value provided. Inputs expected to be in the "
                f"request {_set(sent)}, or default input alias set: "
            )
            raise _RequestError(_INVALID, message)
        try:
            inputs[alias] = read_tensor(request.inputs[alias])
        except ValueError as error:
            raise _RequestError(_INVALID, f"tensor parsing error: {alias}") from error
    return inputs


def _requested_outputs(
    request: predict_pb2.PredictRequest, signature: meta_graph_pb2.SignatureDef
) -> list[str]:
    seen: list[str] = []
    for alias in request.output_filter:
        if alias not in signature.outputs:
            message = (
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_set(signature.outputs)}."
            )
            raise _RequestError(_INVALID, message)
        if alias in seen:
            raise _RequestError(_INVALID, f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return seen or sorted(signature.outputs)


def _check_inputs(
    inputs: Mapping[str, NDArray[Any]],
    request: predict_pb2.PredictRequest,
    signature: meta_graph_pb2.SignatureDef,
) -> None:
    """Types and shapes. OpenVINO would convert some types, TensorFlow abort on some shapes."""
    for i, (alias, array) in enumerate(sorted(inputs.items())):
        info, dtype = signature.inputs[alias], request.inputs[alias].dtype
        if dtype != info.dtype:
            message = (
                f"Expects arg[{i}] to be {dtype_name(info.dtype)} but {dtype_name(dtype)} "
                "is provided"
            )
            raise _RequestError(_INVALID, message)
        # A signature that says nothing of the shape takes any.
        if info.HasField("tensor_shape") and not _fits(array.shape, info.tensor_shape):
            sizes = ("?" if d.size < 0 else str(d.size) for d in info.tensor_shape.dim)
            message = (
                f"{alias} has shape [{','.join(map(str, array.shape))}], "
                f"expected [{','.join(sizes)}]"
            )
            raise _RequestError(_INVALID, message)


def _fits(shape: tuple[int, ...], expected: tensor_shape_pb2.TensorShapeProto) -> bool:
    sizes = [dimension.size for dimension in expected.dim]
    return expected.unknown_rank or (
        len(shape) == len(sizes)
        and all(want in (-1, size) for size, want in zip(shape, sizes, strict=True))
    )


def _set(names: Any) -> str:
    return "{" + ",".join(sorted(names)) + "}"
