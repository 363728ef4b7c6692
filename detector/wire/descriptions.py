"""What a model server says of a model: its versions and their states, its signatures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detector.errors import NotAModelServerError, OutputError
from detector.translation import _
from detector.wire.protos import error_codes_pb2, get_model_metadata_pb2, get_model_status_pb2
from detector.wire.tensors import dtype_name


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


def read_version_statuses(
    response: get_model_status_pb2.GetModelStatusResponse,
) -> tuple[VersionStatus, ...]:
    """All versions in the response, newest first."""
    states = get_model_status_pb2.ModelVersionStatus.State
    statuses = [
        VersionStatus(
            status.version,
            _enum_name(states, status.state),
            _enum_name(error_codes_pb2.Code, status.status.error_code),
            status.status.error_message,
        )
        for status in response.model_version_status
    ]
    return tuple(sorted(statuses, key=lambda status: status.version, reverse=True))


def read_signatures(
    response: get_model_metadata_pb2.GetModelMetadataResponse,
) -> tuple[SignatureSpec, ...]:
    """The signatures that can be called, sorted by name. Raises OutputError: none in it."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    packed = response.metadata.get("signature_def")  # [] would add the key
    if packed is None or not packed.Unpack(signatures):
        held = ", ".join(sorted(response.metadata))
        raise OutputError(
            _("the metadata holds {{{held}}}, expected a map of signatures", held=held),
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


def _enum_name(enum: Any, number: int) -> str:
    return str(enum.Name(number)) if number in enum.values() else str(number)
