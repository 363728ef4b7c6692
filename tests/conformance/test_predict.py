"""Predict: what TensorFlow Serving answers and refuses, read in its source."""

import re

import grpc
import numpy as np
import pytest

from detector.wire.protos import predict_pb2, tensor_pb2, types_pb2
from detector.wire.tensors import decode_tensor
from tests.conformance.conftest import Target
from tests.model_server.process import DEADLINE_S, refusal

pytestmark = pytest.mark.server

Code = grpc.StatusCode
INVALID = Code.INVALID_ARGUMENT


def arrays(answer):
    """Its outputs as arrays; those of strings are left out."""
    return {
        alias: decode_tensor(tensor)
        for alias, tensor in answer.outputs.items()
        if tensor.dtype != types_pb2.DT_STRING
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for alias in first:
        np.testing.assert_allclose(first[alias], second[alias], rtol=1e-4, atol=1e-5)


# Answers


def test_the_answer_says_who_answered(target: Target):
    spec = target.predict().model_spec
    assert spec == target.spec(version=target.version, signature_name="serving_default")


def test_the_outputs_are_those_of_the_signature(target: Target):
    outputs = target.predict().outputs
    expected = target.signature.outputs
    assert {alias: tensor.dtype for alias, tensor in outputs.items()} == {
        alias: info.dtype for alias, info in expected.items()
    }
    for alias, info in expected.items():
        if info.HasField("tensor_shape") and not info.tensor_shape.unknown_rank:
            sizes = [dimension.size for dimension in outputs[alias].tensor_shape.dim]
            wanted = [dimension.size for dimension in info.tensor_shape.dim]
            assert len(sizes) == len(wanted)
            assert all(want in (-1, size) for size, want in zip(sizes, wanted, strict=True))


def test_outputs_are_lists_of_values(target: Target):
    """Not of a server that was started with --enable_serialization_as_tensor_content."""
    assert {tensor.tensor_content for tensor in target.predict().outputs.values()} == {b""}


def test_the_signature_may_be_named(target: Target):
    named = target.predict(signature_name="serving_default")
    assert named.model_spec.signature_name == "serving_default"
    assert_same(arrays(named), arrays(target.predict()))


def test_the_version_may_be_named(target: Target):
    assert target.predict(version=target.version).model_spec.version.value == target.version


def test_an_input_may_be_content_or_a_list_of_values(target: Target):
    alias = target.float_input()
    inputs = target.inputs()
    shape = [dimension.size for dimension in inputs[alias].tensor_shape.dim]
    values = np.linspace(-100, 100, int(np.prod(shape)), dtype=np.float32)
    inputs[alias].tensor_content = values.tobytes()
    as_content = target.predict(inputs)
    inputs[alias].tensor_content = b""
    inputs[alias].float_val.extend(values.tolist())
    assert_same(arrays(target.predict(inputs)), arrays(as_content))


@pytest.mark.parametrize("listed", [[], [0.0], [3.0], [3.0, 3.0]])
def test_a_short_list_repeats_its_last_value_and_an_empty_one_is_zeros(target: Target, listed):
    alias = target.float_input()
    inputs = target.inputs()
    shape = [dimension.size for dimension in inputs[alias].tensor_shape.dim]
    if len(listed) > np.prod(shape):
        pytest.skip("an input of the model has room for one value only")
    inputs[alias].float_val.extend(listed)
    short = target.predict(inputs)
    del inputs[alias].float_val[:]
    full = np.full(shape, listed[-1] if listed else 0, np.float32)
    inputs[alias].tensor_content = full.tobytes()
    assert_same(arrays(short), arrays(target.predict(inputs)))


def test_an_output_filter_gives_those_outputs_only(target: Target):
    alias = sorted(target.signature.outputs)[0]
    assert list(target.predict(output_filter=[alias]).outputs) == [alias]


def test_messages_may_be_larger_than_four_mebibytes(target: Target):
    [alias] = target.signature.inputs if len(target.signature.inputs) == 1 else [None]
    if alias is None or not target.inputs(2)[alias].tensor_shape.dim:
        pytest.skip("the model has not one input of a free batch size")
    one = target.inputs()[alias]
    size = int(np.prod([dimension.size for dimension in one.tensor_shape.dim])) * 4
    if one.dtype != types_pb2.DT_FLOAT or size < 64 * 2**10:
        pytest.skip("the model's input is not one of large float32 tensors")
    inputs = target.inputs(batch := 4 * 2**20 // size + 1)
    inputs[alias].tensor_content = bytes(size * batch)
    assert len(inputs[alias].tensor_content) > 4 * 2**20
    answer = target.predict(inputs)
    assert {tensor.tensor_shape.dim[0].size for tensor in answer.outputs.values()} == {batch}


# Refusals


def test_a_request_without_model_spec_is_refused(target: Target):
    request = predict_pb2.PredictRequest(inputs=target.inputs())
    answer = refusal(target.predictions.Predict, request, timeout=DEADLINE_S)
    assert answer == (INVALID, "Missing ModelSpec")


NOT_FOUND = "Servable not found for request: "


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"name": ""}, INVALID, "ModelSpec has no name specified."),
        ({"name": "", "version": 7}, INVALID, "ModelSpec has no name specified."),
        ({"name": "no/model"}, Code.NOT_FOUND, NOT_FOUND + "Latest(no/model)"),
        ({"name": "none", "version": 7}, Code.NOT_FOUND, NOT_FOUND + "Specific(none, 7)"),
        ({"version": 987654321}, Code.NOT_FOUND, NOT_FOUND + "Specific({model}, 987654321)"),
        ({"version": -1}, Code.NOT_FOUND, NOT_FOUND + "Specific({model}, -1)"),
        ({"version_label": "none"}, INVALID, "Unrecognized servable version label: none"),
        ({"version_label": ""}, INVALID, "Unrecognized servable version label: "),
        (
            {"name": "none", "version_label": "none"},
            INVALID,
            "Unrecognized servable version label: none",
        ),
        (
            {"signature_name": "none"},
            Code.FAILED_PRECONDITION,
            'Serving signature key "none" not found.',
        ),
    ],
)
def test_what_is_not_served_is_refused(target: Target, spec, code, message):
    expected = (code, message.format(model=target.model))
    assert refusal(target.predict, **spec) == expected
    assert refusal(target.predict, {}, **spec) == expected  # before the inputs are looked at


def test_a_message_is_cut_after_1024_bytes(target: Target):
    code, message = refusal(target.predict, signature_name="x" * 3000)
    assert code == Code.FAILED_PRECONDITION
    assert message == 'Serving signature key "' + "x" * 1001 + "...TRUNCATED"


def braces(aliases):
    return "{" + ",".join(sorted(aliases)) + "}"


@pytest.mark.parametrize(("missing", "extra"), [(True, []), (False, ["zz"]), (True, ["y1", "z2"])])
def test_another_number_of_inputs_is_refused(target: Target, missing, extra):
    expected = set(target.signature.inputs)
    inputs = {} if missing else target.inputs()
    inputs |= dict.fromkeys([*extra, *(f"more{i}" for i in range(len(expected) - 1))], torn())
    if len(inputs) == len(expected):
        inputs["more"] = torn()
    sent = set(inputs)
    assert refusal(target.predict, inputs) == (
        INVALID,
        f"input size does not match signature: {len(sent)}!={len(expected)} len({braces(sent)}) != "
        f"len({braces(expected)}). Sent extra: {braces(sent - expected)}. "
        f"Missing but required: {braces(expected - sent)}.",
    )


def test_an_input_of_another_name_is_refused(target: Target):
    inputs = target.inputs()
    inputs["another"] = inputs.pop(sorted(inputs)[0])
    code, message = refusal(target.predict, inputs)
    assert code == INVALID
    assert "not found in request" in message


def torn():
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"\0\0\0")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor: tensor.CopyFrom(torn()),
        lambda tensor: tensor.Clear(),
        lambda tensor: tensor.tensor_shape.dim.add(size=-1),
    ],
    ids=["content of another size", "no dtype", "a negative size"],
)
def test_a_tensor_that_cannot_be_read_is_refused(target: Target, change):
    alias = target.float_input()
    inputs = target.inputs()
    change(inputs[alias])
    assert refusal(target.predict, inputs) == (INVALID, f"tensor parsing error: {alias}")


def test_another_dtype_is_refused(target: Target):
    alias = target.float_input()
    inputs = target.inputs()
    inputs[alias].dtype = types_pb2.DT_UINT8
    code, message = refusal(target.predict, inputs)
    assert code == INVALID
    assert re.fullmatch(r"Expects arg\[\d+\] to be float but uint8 is provided", message)


def test_another_size_is_refused(target: Target):
    """Of the same rank: some versions of TensorFlow end on another one."""
    info = target.signature.inputs[alias := target.float_input()]
    fixed = [i for i, dimension in enumerate(info.tensor_shape.dim) if dimension.size > 1]
    if not fixed:
        pytest.skip("an input of the model has no size that is fixed")
    inputs = target.inputs()
    inputs[alias].tensor_shape.dim[fixed[0]].size *= 2
    assert refusal(target.predict, inputs)[0] == INVALID


def test_an_output_that_does_not_exist_is_refused(target: Target):
    assert refusal(target.predict, output_filter=["none"]) == (
        INVALID,
        "output tensor alias not found in signature: none "
        f"Outputs expected to be in the set {braces(target.signature.outputs)}.",
    )


def test_an_output_that_is_asked_twice_is_refused(target: Target):
    alias = sorted(target.signature.outputs)[0]
    expected = (INVALID, f"duplicate output tensor alias: {alias}")
    assert refusal(target.predict, output_filter=[alias, alias]) == expected


def test_of_several_mistakes_the_first_in_order_is_named(target: Target):
    alias = target.float_input()
    wrong = target.inputs()
    wrong[alias].dtype = types_pb2.DT_UINT8
    unreadable = target.inputs() | {alias: torn()}
    none = ["none"]
    spec = {"name": "", "version_label": "none", "signature_name": "none"}
    assert refusal(target.predict, {}, none, **spec)[1] == "ModelSpec has no name specified."
    spec["name"] = "none"
    assert "version label" in refusal(target.predict, {}, none, **spec)[1]
    del spec["version_label"]
    assert "Latest(none)" in refusal(target.predict, {}, none, **spec)[1]
    del spec["name"]
    assert "signature key" in refusal(target.predict, {}, none, **spec)[1]
    assert "input size" in refusal(target.predict, unreadable | {"more": torn()}, none)[1]
    assert "parsing error" in refusal(target.predict, unreadable, none)[1]
    assert "tensor alias" in refusal(target.predict, wrong, none)[1]
    assert "Expects arg" in refusal(target.predict, wrong)[1]
