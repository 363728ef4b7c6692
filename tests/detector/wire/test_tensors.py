"""Arrays as messages and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detector.errors import OutputError, SignatureError
from detector.wire.protos import predict_pb2, tensor_pb2, types_pb2
from detector.wire.tensors import decode_tensor, encode_request, encode_tensor

DTYPES = ["f2", "f4", "f8", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "?"]


def message(data_type, sizes, **values):
    tensor = tensor_pb2.TensorProto(dtype=data_type, **values)
    for size in sizes:
        tensor.tensor_shape.dim.add().size = size
    return tensor


@pytest.mark.parametrize("shape", [(0,), (0, 4), (), (2, 3)])
def test_an_array_comes_back_with_its_shape(shape):
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    back = decode_tensor(encode_tensor(array))
    assert back.shape == shape
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, array)


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
    )
)
def test_encoding_is_undone_by_decoding(array):
    back = decode_tensor(encode_tensor(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_an_image_travels_as_content_in_c_order_and_little_endian():
    array = np.array([[1, 2], [3, 4]], ">f4").T
    tensor = encode_tensor(array)
    assert tensor.dtype == types_pb2.DT_FLOAT
    assert [dim.size for dim in tensor.tensor_shape.dim] == [2, 2]
    assert tensor.tensor_content == np.array([1, 3, 2, 4], "<f4").tobytes()
    assert not tensor.float_val


def test_text_can_not_be_sent():
    with pytest.raises(SignatureError, match="images has dtype <U3, expected one of bool, float16"):
        encode_tensor(np.array(["cat"]), "images")


@pytest.mark.parametrize(
    ("data_type", "values", "dtype", "expected"),
    [
        (types_pb2.DT_FLOAT, {"float_val": [0.5, -1.5]}, "f4", [0.5, -1.5]),
        (types_pb2.DT_DOUBLE, {"double_val": [0.1, 1e300]}, "f8", [0.1, 1e300]),
        (types_pb2.DT_HALF, {"half_val": [0x3C00, 0xC000]}, "f2", [1.0, -2.0]),
        (types_pb2.DT_UINT8, {"int_val": [0, 255]}, "u1", [0, 255]),
        (types_pb2.DT_INT8, {"int_val": [-128, 127]}, "i1", [-128, 127]),
        (types_pb2.DT_INT16, {"int_val": [-3, 4]}, "i2", [-3, 4]),
        (types_pb2.DT_UINT16, {"int_val": [3, 65535]}, "u2", [3, 65535]),
        (types_pb2.DT_INT32, {"int_val": [-5, 6]}, "i4", [-5, 6]),
        (types_pb2.DT_UINT32, {"uint32_val": [5, 2**32 - 1]}, "u4", [5, 2**32 - 1]),
        (types_pb2.DT_INT64, {"int64_val": [-(2**63), 7]}, "i8", [-(2**63), 7]),
        (types_pb2.DT_UINT64, {"uint64_val": [7, 2**64 - 1]}, "u8", [7, 2**64 - 1]),
        (types_pb2.DT_BOOL, {"bool_val": [True, False]}, "?", [True, False]),
    ],
)
def test_values_in_a_list_are_read(data_type, values, dtype, expected):
    array = decode_tensor(message(data_type, [1, 2], **values))
    assert array.dtype == np.dtype(dtype)
    assert array.tolist() == [expected]


def test_a_short_list_repeats_its_last_value():
    array = decode_tensor(message(types_pb2.DT_FLOAT, [2, 3], float_val=[1.0, 2.0]))
    assert array.tolist() == [[1.0, 2.0, 2.0], [2.0, 2.0, 2.0]]


def test_an_empty_list_means_zeros():
    assert decode_tensor(message(types_pb2.DT_INT32, [3])).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "tensor",
    [
        message(types_pb2.DT_FLOAT, [1], float_val=[1.0]),
        message(types_pb2.DT_FLOAT, [2], float_val=[1.0]),
        message(types_pb2.DT_FLOAT, [1], tensor_content=bytes(4)),
    ],
)
def test_what_was_read_is_read_only_because_caches_share_it(tensor):
    assert not decode_tensor(tensor).flags.writeable


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (message(types_pb2.DT_STRING, [1], string_val=[b"a"]), "has dtype string, expected numb"),
        (message(types_pb2.DT_INVALID, []), "has dtype invalid"),
        (message(999, []), "has dtype 999"),
        (message(types_pb2.DT_FLOAT, [2], float_val=[1, 2, 3]), "has 3 values, expected 2 of sh"),
        (message(types_pb2.DT_FLOAT, [2], tensor_content=b"1234567"), "has 7 bytes, expected 8"),
        (message(types_pb2.DT_FLOAT, [-1, 4]), "has an unknown shape [-1, 4]"),
        (
            message(types_pb2.DT_FLOAT, [2**40, 2**40], float_val=[1]),
            "at most 32 axes and 256 MiB",
        ),
        (message(types_pb2.DT_FLOAT, [0, 2**62, 2**62]), "at most 32 axes and 256 MiB"),
        (message(types_pb2.DT_FLOAT, [1] * 70), "at most 32 axes and 256 MiB"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused_with_its_name(tensor, words):
    with pytest.raises(OutputError) as caught:
        decode_tensor(tensor, "concat_3:0")
    assert str(caught.value).startswith("concat_3:0 ")
    assert words in str(caught.value)


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.sampled_from([*DTYPES, ">f4"]).flatmap(
            lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=40))
        ),
        max_size=3,
    )
)
def test_a_serialized_request_is_the_message_with_these_inputs(inputs):
    request = predict_pb2.PredictRequest(output_filter=["concat_3:0"])
    request.model_spec.name = "commodity"
    encoded = encode_request(request, inputs)
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode_tensor(array))
    assert predict_pb2.PredictRequest.FromString(encoded) == request


def test_a_large_input_and_one_that_is_not_contiguous_are_serialized_whole():
    images = np.random.default_rng(1).random((2, 300, 300, 3), np.float32)[:, ::-1]
    encoded = encode_request(predict_pb2.PredictRequest(), {"images": images})
    message = predict_pb2.PredictRequest.FromString(encoded)
    np.testing.assert_array_equal(decode_tensor(message.inputs["images"]), images)


def test_a_request_with_something_else_than_numbers_is_refused_by_name():
    with pytest.raises(SignatureError, match="words has dtype"):
        encode_request(predict_pb2.PredictRequest(), {"words": np.array(["a"])})
