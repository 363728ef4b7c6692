"""TensorProto to array and back, as TensorFlow reads and writes them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.wire.protos import tensor_pb2, types_pb2

# dtype on the wire -> (NumPy dtype, the field that holds its values, NumPy dtype of that field)
_TYPES: dict[int, tuple[str, str, str]] = {
    types_pb2.DT_FLOAT: ("<f4", "float_val", "<f4"),
    types_pb2.DT_DOUBLE: ("<f8", "double_val", "<f8"),
    types_pb2.DT_HALF: ("<f2", "half_val", "<i8"),  # the bits of a half, in an integer
    types_pb2.DT_INT8: ("<i1", "int_val", "<i8"),
    types_pb2.DT_INT16: ("<i2", "int_val", "<i8"),
    types_pb2.DT_INT32: ("<i4", "int_val", "<i8"),
    types_pb2.DT_INT64: ("<i8", "int64_val", "<i8"),
    types_pb2.DT_UINT8: ("<u1", "int_val", "<i8"),
    types_pb2.DT_UINT16: ("<u2", "int_val", "<i8"),
    types_pb2.DT_UINT32: ("<u4", "uint32_val", "<u4"),
    types_pb2.DT_UINT64: ("<u8", "uint64_val", "<u8"),
    types_pb2.DT_BOOL: ("?", "bool_val", "?"),
    types_pb2.DT_STRING: ("O", "string_val", "O"),
}
_WIRE_TYPES = {np.dtype(dtype): wire for wire, (dtype, _, _) in _TYPES.items()}

_MAX_DIMENSIONS = 64  # NumPy's; TensorFlow has 254
# A short list of values stands for a whole tensor, so a few bytes could ask for any amount of
# memory. No tensor that fits a message (2 GiB) is larger than this.
_MAX_BYTES = 2**31 - 1


def dtype_name(wire_type: int) -> str:
    """TensorFlow's name of a dtype on the wire: `float`, `uint8`, `string`, …"""
    try:
        return str(types_pb2.DataType.Name(wire_type)).removeprefix("DT_").lower()
    except ValueError:
        return f"unknown dtype {wire_type}"


def read_tensor(proto: tensor_pb2.TensorProto) -> NDArray[Any]:
    """The array of a message, read-only where it shares the message's bytes.

    Values lie in `tensor_content` or in the list of their type. A list that is shorter than the
    shape repeats its last value, an empty one means zeros, and what is too much is not read. No
    shape, or one of unknown rank without sizes, is that of a scalar.

    Raises:
        ValueError: TensorFlow would not read the message either, or has no such dtype here.
    """
    if proto.dtype not in _TYPES:
        raise ValueError(f"no tensor of {dtype_name(proto.dtype)} can be read")
    dtype, field, field_dtype = _TYPES[proto.dtype]
    shape = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    if any(size < 0 for size in shape) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"shape {shape} is not that of a tensor")
    count = math.prod(shape)
    if count * np.dtype(dtype).itemsize > _MAX_BYTES:
        raise ValueError(f"shape {shape} is larger than any message")
    if count == 0:
        return np.empty(shape, dtype)
    content = proto.tensor_content  # each reading of the field is a copy
    if content:
        if dtype == "O" or len(content) != count * np.dtype(dtype).itemsize:
            raise ValueError(f"{len(content)} bytes do not fit shape {shape}")
        if dtype == "?" and not set(content) <= {0, 1}:
            raise ValueError("a boolean is a byte of 0 or 1")
        return np.frombuffer(content, dtype).reshape(shape)
    listed = getattr(proto, field)[:count]
    values = np.array(listed, field_dtype)
    if dtype == "<f2":
        values = values.astype("<u2").view("<f2")
    values = values.astype(dtype, copy=False)
    if len(values) < count:
        last = values[-1] if len(values) else (b"" if dtype == "O" else 0)
        values = np.concatenate([values, np.full(count - len(values), last, dtype)])
    return values.reshape(shape)


def write_tensor(array: NDArray[Any], proto: tensor_pb2.TensorProto, *, as_content: bool) -> None:
    """Fills an empty message: in `tensor_content`, or as a list of values (`float_val`, …).

    Both mean the same. The first is what is fast to write and to read, the second is what
    TensorFlow Serving sends unless told otherwise.

    Raises:
        ValueError: an array of a dtype that can't be written.
    """
    if array.dtype not in _WIRE_TYPES:
        raise ValueError(f"no tensor of {array.dtype} can be written")
    proto.dtype = _WIRE_TYPES[array.dtype]
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    _, field, field_dtype = _TYPES[proto.dtype]
    if array.dtype == object:
        proto.string_val.extend(array.ravel().tolist())
    elif as_content:
        proto.tensor_content = array.tobytes()
    else:
        values = array.view("<u2") if array.dtype == np.float16 else array.astype(field_dtype)
        getattr(proto, field).extend(values.ravel().tolist())
