"""Arrays as the messages of TensorFlow's API, and back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import OutputError, RequestTooLargeError, SignatureError
from detector.translation import _, noted
from detector.wire.protos import predict_pb2, tensor_pb2, types_pb2

MAX_TENSOR_BYTES = 256 * 2**20  # 400 outputs of an SSD300 in one batch

# DataType -> the array's type on the wire, and the field of TensorProto with its values one by one.
_FORMATS: dict[int, tuple[np.dtype[Any], str]] = {
    types_pb2.DT_FLOAT: (np.dtype("<f4"), "float_val"),
    types_pb2.DT_DOUBLE: (np.dtype("<f8"), "double_val"),
    types_pb2.DT_HALF: (np.dtype("<f2"), "half_val"),
    types_pb2.DT_UINT8: (np.dtype("u1"), "int_val"),
    types_pb2.DT_INT8: (np.dtype("i1"), "int_val"),
    types_pb2.DT_UINT16: (np.dtype("<u2"), "int_val"),
    types_pb2.DT_INT16: (np.dtype("<i2"), "int_val"),
    types_pb2.DT_INT32: (np.dtype("<i4"), "int_val"),
    types_pb2.DT_UINT32: (np.dtype("<u4"), "uint32_val"),
    types_pb2.DT_INT64: (np.dtype("<i8"), "int64_val"),
    types_pb2.DT_UINT64: (np.dtype("<u8"), "uint64_val"),
    types_pb2.DT_BOOL: (np.dtype("?"), "bool_val"),
}
_DATA_TYPES = {dtype: data_type for data_type, (dtype, _) in _FORMATS.items()}


def encode_tensor(array: NDArray[Any], name: str = "the array") -> tensor_pb2.TensorProto:
    """The array as a message, in the compact form.

    Raises:
        SignatureError: an array of something else than numbers or booleans.
    """
    tensor = _described(array, name)
    tensor.tensor_content = _content(array).tobytes()
    return tensor


def encode_request(
    request: predict_pb2.PredictRequest, inputs: Mapping[str, NDArray[Any]]
) -> bytes:
    """A request with these inputs, serialized.

    The numbers are copied once: as a field of a message they would be four times, and an image is
    1.08 MB.

    Raises:
        SignatureError: as of `encode_tensor`.
    """
    parts: list[bytes | memoryview] = [request.SerializeToString()]
    for name, array in inputs.items():
        content = _content(array)
        tensor = _described(array, name).SerializeToString()
        tensor += _start(tensor_pb2.TensorProto.TENSOR_CONTENT_FIELD_NUMBER, content.nbytes)
        key = name.encode()
        # An entry of a map is a message with the key as field 1 and the value as field 2.
        entry = _start(1, len(key)) + key + _start(2, len(tensor) + content.nbytes) + tensor
        size = len(entry) + content.nbytes
        parts += [_start(predict_pb2.PredictRequest.INPUTS_FIELD_NUMBER, size), entry]
        if content.nbytes:
            parts.append(content.data.cast("B"))
    return b"".join(parts)


def decode_tensor(tensor: tensor_pb2.TensorProto, name: str = "the tensor") -> NDArray[Any]:
    """The message as a read-only array, from either of its two forms.

    TensorFlow Serving fills the list of values (`float_val` …) unless it is told otherwise. As in
    TensorFlow a list that is too short repeats its last value, and an empty one means zeros.

    Raises:
        OutputError: not numbers or booleans, or not as many as the shape says.
    """
    if tensor.dtype not in _FORMATS:
        raise OutputError(
            _(
                "{name} has dtype {dtype}, expected numbers or booleans",
                name=name,
                dtype=dtype_name(tensor.dtype),
            ),
            _("Set output_name to an output of the model that holds numbers."),
        )
    dtype, field = _FORMATS[tensor.dtype]
    shape = _shape(tensor, dtype, name)
    if content := tensor.tensor_content:  # each reading of the field is a copy
        array = _from_content(content, dtype, shape, name)
    else:
        array = _from_list(getattr(tensor, field), dtype, shape, name)
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


def dtype_name(data_type: int) -> str:
    """NumPy's name of a DataType, "float32" for DT_FLOAT; TensorFlow's where NumPy has none."""
    if data_type in _FORMATS:
        return _FORMATS[data_type][0].name
    if data_type not in types_pb2.DataType.values():
        return str(data_type)
    return str(types_pb2.DataType.Name(data_type)).removeprefix("DT_").lower()


def _described(array: NDArray[Any], name: str) -> tensor_pb2.TensorProto:
    """Type and shape of the array as a message. Raises SignatureError as of `encode_tensor`."""
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _DATA_TYPES:
        known = ", ".join(sorted(known.name for known in _DATA_TYPES))
        raise SignatureError(
            _(
                "{name} has dtype {dtype}, expected one of {known}",
                name=name,
                dtype=array.dtype,
                known=known,
            )
        )
    tensor = tensor_pb2.TensorProto(dtype=_DATA_TYPES[dtype])
    for size in array.shape:
        tensor.tensor_shape.dim.add().size = size
    return tensor


def _content(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _start(field: int, size: int) -> bytes:
    """What stands before the bytes of a field in a message: its number, and how many they are."""
    start = [field << 3 | 2]
    while size > 0x7F:
        start.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*start, size])


_BROKEN = noted(
    "The answer is damaged: try again, and if it stays look at what answers at this address."
)


def _shape(tensor: tensor_pb2.TensorProto, dtype: np.dtype[Any], name: str) -> tuple[int, ...]:
    """The sizes of a tensor's axes. Raises OutputError: unknown, or too large to be meant."""
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        raise OutputError(
            _("{name} has an unknown shape {sizes}, expected all sizes", name=name, sizes=sizes),
            _BROKEN,
        )
    claimed = dtype.itemsize * math.prod(max(size, 1) for size in sizes)
    if claimed > MAX_TENSOR_BYTES or len(sizes) > 32:  # a short list can claim any size
        raise OutputError(
            _(
                "{name} has shape {sizes}, expected at most 32 axes and {most} MiB",
                name=name,
                sizes=tuple(sizes),
                most=MAX_TENSOR_BYTES // 2**20,
            ),
            RequestTooLargeError.hint,
        )
    return tuple(sizes)


def _from_content(
    content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], name: str
) -> NDArray[Any]:
    """The flat array whose bytes these are. Raises OutputError: not as many as the shape says."""
    size = math.prod(shape) * dtype.itemsize
    if len(content) != size:
        raise OutputError(
            _(
                "{name} has {content_count} bytes, expected {count} of shape {sizes} and dtype "
                "{dtype_name}",
                name=name,
                content_count=len(content),
                count=size,
                sizes=shape,
                dtype_name=dtype.name,
            ),
            _BROKEN,
        )
    return np.frombuffer(content, dtype)


def _from_list(
    values: Sequence[Any], dtype: np.dtype[Any], shape: tuple[int, ...], name: str
) -> NDArray[Any]:
    """The flat array of the values, the last one repeated. Raises OutputError: too many."""
    count = math.prod(shape)
    if len(values) > count:
        raise OutputError(
            _(
                "{name} has {values_count} values, expected {count} of shape {sizes}",
                name=name,
                values_count=len(values),
                count=count,
                sizes=shape,
            ),
            _BROKEN,
        )
    if dtype.kind == "f" and dtype.itemsize == 2:  # half_val holds the bits, as integers
        array: NDArray[Any] = np.asarray(values, np.uint16).view(dtype)
    else:
        array = np.asarray(values, dtype)
    if len(array) < count:
        array = np.pad(array, (0, count - len(array)), "edge" if len(array) else "constant")
    return array
