"""What a TensorProto means. The expected values are those of TensorFlow's own ParseTensor."""

import numpy as np
import pytest

from detector.wire.protos import tensor_pb2, types_pb2
from model_server.tensors import read_tensor, write_tensor

F = "DT_FLOAT"


def message(dtype, shape, unknown_rank=False, **values):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(dtype), **values)
    if shape is not None:
        tensor.tensor_shape.unknown_rank = unknown_rank
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
    return tensor


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (message(F, [0], float_val=[1]), []),
        (message(F, [0], tensor_content=b"1234"), []),
        (message(F, None), 0),
        (message(F, None, float_val=[2, 3]), 2),
        (message(F, None, tensor_content=np.float32(5).tobytes()), 5),
        (message(F, [], unknown_rank=True, float_val=[2, 3]), 2),
        (message(F, [3], unknown_rank=True, float_val=[2, 3]), [2, 3, 3]),
        (message(F, [2], float_val=[2, 3, 4]), [2, 3]),
        (message(F, [2], int_val=[2, 3]), [0, 0]),
        (message(F, [1], float_val=[2], tensor_content=np.float32(5).tobytes()), [5]),
        (message("DT_INT8", [2], int_val=[300, -200]), [44, 56]),
        (message("DT_UINT8", [2], int_val=[300, -1]), [44, 255]),
        (message("DT_HALF", [2], half_val=[70000, 15360]), [0.00066375732421875, 1]),
        (message("DT_BOOL", [3], bool_val=[True]), [True, True, True]),
        (message("DT_STRING", [2], string_val=[b"a"]), [b"a", b"a"]),
    ],
)
def test_a_tensor_is_read_as_tensorflow_reads_it(tensor, expected):
    assert read_tensor(tensor).tolist() == expected


@pytest.mark.parametrize(
    "tensor",
    [
        message(F, [-1], float_val=[1]),
        message(F, [1] * 65, float_val=[1]),
        message(F, [2**33], float_val=[1]),
        message(F, None, tensor_content=b"\0" * 8),
        message(F, [2], float_val=[2, 3], tensor_content=b"\0" * 4),
        message("DT_BOOL", [2], tensor_content=b"\2\0"),
        message("DT_STRING", [1], tensor_content=b"a"),
        message("DT_INVALID", [1]),
        message("DT_FLOAT_REF", [1], float_val=[1]),
    ],
)
def test_what_cannot_be_read_is_refused(tensor):
    with pytest.raises(ValueError):
        read_tensor(tensor)


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i1", "i8", "u2", "u8", "?", "O"])
def test_what_is_written_reads_the_same(dtype, as_content):
    array = np.array([[0, 1, 1]]).astype(dtype) if dtype != "O" else np.array([b"a", b""], object)
    tensor = tensor_pb2.TensorProto()
    write_tensor(array, tensor, as_content=as_content)
    assert read_tensor(tensor).dtype == array.dtype
    assert read_tensor(tensor).tolist() == array.tolist()


def test_a_dtype_that_has_no_message_is_refused():
    with pytest.raises(ValueError, match="complex64"):
        write_tensor(np.zeros(1, np.complex64), tensor_pb2.TensorProto(), as_content=True)
