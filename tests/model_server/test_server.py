"""The model server as a process, asked by the plain generated stubs."""

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from detector.embedded import EmbeddedServer
from detector.wire.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
    tensor_pb2,
    types_pb2,
)
from detector.wire.tensors import decode_tensor as array
from tests.model_server.process import (
    DEADLINE_S,
    Server,
    arguments,
    floats,
    model_spec,
    refusal,
    serving,
    tensor,
)
from tests.support import savedmodels
from tests.support.paths import ROOT

pytestmark = pytest.mark.server

Code = grpc.StatusCode

X = tensor(np.array([[1, 2], [3, 4]], np.float32))


@pytest.fixture(scope="module")
def affine(tmp_path_factory) -> Iterator[Server]:
    """y = 2 x + 7, version 7."""
    base_path = tmp_path_factory.mktemp("affine")
    savedmodels.write_affine(base_path, 7)
    with serving(base_path) as server:
        yield server


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Iterator[Server]:
    """Two inputs, three outputs."""
    base_path = tmp_path_factory.mktemp("mixed")
    savedmodels.write_mixed(base_path, 1)
    with serving(base_path) as server:
        yield server


# Answers


def test_the_ready_line_has_address_name_and_version(affine):
    assert affine.ready_line == f"ready {affine.address} m 7\n"
    assert affine.address.startswith("127.0.0.1:")


def test_an_empty_batch_gives_an_empty_output(affine):
    answer = affine.predict({"x": tensor(np.zeros((0, 2), np.float32))})
    assert array(answer.outputs["y:0"]).shape == (0, 2)


def test_the_answer_holds_the_output_and_who_answered(affine):
    answer = affine.predict({"x": X})
    assert array(answer.outputs["y:0"]).tolist() == [[9, 11], [13, 15]]
    assert answer.outputs["y:0"].dtype == types_pb2.DT_FLOAT
    assert answer.model_spec == model_spec("m", 7, signature_name="serving_default")


def test_a_batch_of_another_size_works_on_the_same_server(affine):
    for count in (1, 5, 2):
        x = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
        answer = affine.predict({"x": tensor(x)})
        assert array(answer.outputs["y:0"]).tolist() == (2 * x + 7).tolist()


def test_a_named_version_answers(affine):
    assert affine.predict({"x": X}, version=7).model_spec.version.value == 7


def test_another_signature_answers_under_its_own_names(affine):
    answer = affine.predict({"z": X}, signature_name="negative")
    assert list(answer.outputs) == ["minus_z"]
    assert array(answer.outputs["minus_z"]).tolist() == [[-1, -2], [-3, -4]]
    assert answer.model_spec.signature_name == "negative"


def test_float_val_inputs_are_read(affine):
    answer = affine.predict({"x": floats(2, 2, values=[1, 2, 3, 4])})
    assert array(answer.outputs["y:0"]).tolist() == [[9, 11], [13, 15]]


def test_a_short_list_of_values_repeats_its_last_one(affine):
    answer = affine.predict({"x": floats(3, 2, values=[1, 2])})
    assert array(answer.outputs["y:0"]).tolist() == [[9, 11], [11, 11], [11, 11]]


def test_an_empty_list_of_values_means_zeros(affine):
    answer = affine.predict({"x": floats(1, 2)})
    assert array(answer.outputs["y:0"]).tolist() == [[7, 7]]


def test_inputs_of_several_types_give_outputs_of_several_types(mixed):
    a, b = np.array([0.5, 2], np.float32), np.array([4, -3], np.int32)
    answer = mixed.predict({"a": tensor(a), "b": tensor(b)})
    assert sorted(answer.outputs) == ["b_again", "product", "sum"]
    assert array(answer.outputs["sum"]).tolist() == [4.5, -1]
    assert array(answer.outputs["product"]).tolist() == [2, -6]
    assert answer.outputs["b_again"].dtype == types_pb2.DT_INT64
    assert array(answer.outputs["b_again"]).tolist() == [4, -3]


def test_an_output_filter_gives_those_outputs_only(mixed):
    a, b = np.array([2], np.float32), np.array([4], np.int32)
    answer = mixed.predict({"a": tensor(a), "b": tensor(b)}, ["product"])
    assert list(answer.outputs) == ["product"]


def test_an_input_that_no_asked_output_needs_is_still_expected(mixed):
    code, _ = refusal(mixed.predict, {"a": tensor(np.ones(1, np.float32))}, ["product"])
    assert code == Code.INVALID_ARGUMENT


def test_answers_are_lists_of_values(affine):
    output = affine.predict({"x": X}).outputs["y:0"]
    assert list(output.float_val) == [9, 11, 13, 15]
    assert output.tensor_content == b""
    assert [dimension.size for dimension in output.tensor_shape.dim] == [2, 2]


@pytest.mark.parametrize(
    ("flag", "is_content"),
    [("", True), ("=true", True), ("=false", False)],
)
def test_answers_are_tensor_content_on_demand(tmp_path, flag, is_content):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path, f"--enable_serialization_as_tensor_content{flag}") as server:
        output = server.predict({"x": X}).outputs["y:0"]
    assert (output.tensor_content != b"") == is_content
    assert (not output.float_val) == is_content
    assert array(output).tolist() == [[3, 5], [7, 9]]


def test_the_dashboards_server_answers_with_tensor_content(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    request = predict_pb2.PredictRequest(model_spec=model_spec(), inputs={"x": X})
    with (
        EmbeddedServer("m", tmp_path) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        output = stub.Predict(request, timeout=DEADLINE_S).outputs["y:0"]
    assert output.tensor_content
    assert not output.float_val


def test_messages_may_be_larger_than_four_mebibytes(affine):
    x = np.arange(4_000_000, dtype=np.float32).reshape(-1, 2)
    answer = affine.predict({"x": tensor(x)})
    np.testing.assert_array_equal(array(answer.outputs["y:0"]), 2 * x + 7)


FIRST_CALLS = """
import os, sys, threading
from pathlib import Path
import numpy as np
from model_server.engine import Model

model = Model(Path(sys.argv[1]))
sys.setswitchinterval(1e-6)  # the more often threads take turns, the closer are their calls
together = threading.Barrier(8)

def call():
    together.wait()
    with model.run("serving_default", {"x": np.ones((1, 2), np.float32)}, ["y:0"], None):
        pass

threads = [threading.Thread(target=call, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
os._exit(any(thread.is_alive() for thread in threads))
"""


def test_the_very_first_calls_may_come_at_once(tmp_path):
    folder = savedmodels.write_affine(tmp_path, 1)
    for _ in range(6):  # without its remedy 5 of 12 never ended
        process = [sys.executable, "-c", FIRST_CALLS, str(folder)]
        assert subprocess.run(process, cwd=ROOT, timeout=120).returncode == 0


def test_eight_threads_at_once_each_get_their_own_answer(affine):
    def ask(i):
        x = np.full((1 + i % 3, 2), i, np.float32)
        return array(affine.predict({"x": tensor(x)}).outputs["y:0"]).tolist()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(400)))
    assert answers == [[[2 * i + 7] * 2] * (1 + i % 3) for i in range(400)]


def test_requests_without_a_deadline_wait_their_turn(affine):
    request = predict_pb2.PredictRequest(model_spec=model_spec())
    request.inputs["x"].CopyFrom(tensor(np.ones((200_000, 2), np.float32)))
    running = [affine.predictions.Predict.future(request) for _ in range(24)]
    assert {len(call.result(DEADLINE_S).outputs["y:0"].float_val) for call in running} == {400_000}


def test_a_request_whose_deadline_passes_ends_and_the_server_lives(affine):
    request = predict_pb2.PredictRequest(model_spec=model_spec())
    request.inputs["x"].CopyFrom(tensor(np.ones((1_000_000, 2), np.float32)))
    running = [affine.predictions.Predict.future(request, timeout=0.01) for _ in range(16)]
    assert {call.code() for call in running} == {Code.DEADLINE_EXCEEDED}
    assert array(affine.predict({"x": X}).outputs["y:0"]).tolist() == [[9, 11], [13, 15]]


def test_metadata_is_the_signature(affine):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=model_spec(), metadata_field=["signature_def"]
    )
    answer = affine.predictions.GetModelMetadata(request, timeout=DEADLINE_S)
    assert answer.model_spec == model_spec("m", 7)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert sorted(signatures.signature_def) == ["negative", "serving_default"]
    signature = signatures.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.inputs["x"].dtype == types_pb2.DT_FLOAT
    assert [d.size for d in signature.inputs["x"].tensor_shape.dim] == [-1, 2]
    assert list(signature.outputs) == ["y:0"]


def test_status_of_one_version_and_of_all(affine):
    assert affine.states() == affine.states(version=7) == [(7, "AVAILABLE")]


# Refusals: code and message are TensorFlow Serving's


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"name": ""}, Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        ({"name": "n"}, Code.NOT_FOUND, "Servable not found for request: Latest(n)"),
        (
            {"name": "n", "version": 7},
            Code.NOT_FOUND,
            "Servable not found for request: Specific(n, 7)",
        ),
        ({"version": 8}, Code.NOT_FOUND, "Servable not found for request: Specific(m, 8)"),
        (
            {"name": "n", "version_label": "canary"},
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label: canary",
        ),
        (
            {"signature_name": "other"},
            Code.FAILED_PRECONDITION,
            'Serving signature key "other" not found.',
        ),
    ],
)
def test_what_is_not_served_is_refused(affine, spec, code, message):
    assert refusal(affine.predict, {}, **spec) == (code, message)


def test_a_request_without_model_spec_is_refused(affine):
    for call, request in (
        (affine.predictions.Predict, predict_pb2.PredictRequest()),
        (
            affine.predictions.GetModelMetadata,
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        ),
        (affine.models.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
    ):
        answer = refusal(call, request, timeout=DEADLINE_S)
        assert answer == (Code.INVALID_ARGUMENT, "Missing ModelSpec")


A = tensor(np.ones(1, np.float32))
B = tensor(np.ones(1, np.int32))
TORN = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"\0\0\0")


@pytest.mark.parametrize(
    ("inputs", "output_filter", "message"),
    [
        (
            {},
            [],
            "input size does not match signature: 0!=2 len({}) != len({a,b}). "
            "Sent extra: {}. Missing but required: {a,b}.",
        ),
        (
            {"a": A, "c": B, "d": B},
            [],
            "input size does not match signature: 3!=2 len({a,c,d}) != len({a,b}). "
            "Sent extra: {c,d}. Missing but required: {b}.",
        ),
        (
            {"a": A, "c": B},
            [],
            "Signature input alias: b(feed name: b:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {a,c}, or default input alias set: ",
        ),
        ({"a": TORN, "b": B}, [], "tensor parsing error: a"),
        ({"a": A, "b": tensor_pb2.TensorProto()}, [], "tensor parsing error: b"),
        ({"a": floats(-1), "b": B}, [], "tensor parsing error: a"),
        ({"a": floats(*[1] * 65, values=[1]), "b": B}, [], "tensor parsing error: a"),
        ({"a": floats(2**40, values=[1]), "b": B}, [], "tensor parsing error: a"),
        (
            {"a": A, "b": B},
            ["y"],
            "output tensor alias not found in signature: y "
            "Outputs expected to be in the set {b_again,product,sum}.",
        ),
        ({"a": A, "b": B}, ["sum", "sum"], "duplicate output tensor alias: sum"),
        (
            {"a": tensor(np.ones(1, np.uint8)), "b": B},
            [],
            "Expects arg[0] to be float but uint8 is provided",
        ),
        (
            {"a": A, "b": tensor(np.ones(1, np.float64))},
            [],
            "Expects arg[1] to be int32 but double is provided",
        ),
        ({"a": floats(1, 1), "b": B}, [], "a has shape [1,1], expected [?]"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(mixed, inputs, output_filter, message):
    answer = refusal(mixed.predict, inputs, output_filter)
    assert answer == (Code.INVALID_ARGUMENT, message)


def test_of_several_mistakes_the_first_in_order_is_named(mixed):
    wrong = {"a": tensor(np.ones((1, 1), np.uint8)), "b": B}
    everything = {"name": "", "signature_name": "other"}
    assert refusal(mixed.predict, {}, **everything)[1] == "ModelSpec has no name specified."
    everything["name"] = "n"
    assert "Latest(n)" in refusal(mixed.predict, {}, **everything)[1]
    everything["name"] = "m"
    assert "signature key" in refusal(mixed.predict, {}, **everything)[1]
    assert "input size" in refusal(mixed.predict, {"a": TORN}, ["none"])[1]
    assert "parsing error" in refusal(mixed.predict, {"a": TORN, "b": B}, ["none"])[1]
    assert "output tensor alias" in refusal(mixed.predict, wrong, ["none"])[1]
    assert "Expects arg" in refusal(mixed.predict, wrong)[1]


@pytest.mark.parametrize("rank", [0, 1, 3, 4])
def test_a_tensor_of_another_rank_is_refused_and_the_server_lives(affine, rank):
    code, _ = refusal(affine.predict, {"x": tensor(np.ones([2] * rank, np.float32))})
    assert code == Code.INVALID_ARGUMENT
    assert affine.states() == [(7, "AVAILABLE")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "GetModelMetadataRequest must specify at least one metadata_field"),
        (["weights"], "Metadata field weights is not supported"),
    ],
)
def test_metadata_fields_that_do_not_exist_are_refused(affine, fields, message):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=model_spec(), metadata_field=fields
    )
    answer = refusal(affine.predictions.GetModelMetadata, request, timeout=DEADLINE_S)
    assert answer == (Code.INVALID_ARGUMENT, message)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "n"}, "Could not find any versions of model n"),
        ({"version": 8}, "Could not find version 8 of model m"),
    ],
)
def test_status_of_what_was_never_there_is_refused(affine, spec, message):
    assert refusal(affine.states, **spec) == (Code.NOT_FOUND, message)


def test_what_is_left_out_is_unimplemented(affine):
    request = regression_pb2.RegressionRequest(model_spec=model_spec())
    assert refusal(affine.predictions.Regress, request, timeout=DEADLINE_S)[0] == Code.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 3000, 'Serving signature key "' + "x" * 1001 + "...TRUNCATED"),
        ("x" * 989, f'Serving signature key "{"x" * 989}" not found.'),
        ("é" * 600, 'Serving signature key "' + "é" * 500 + "�...TRUNCATED"),
    ],
)
def test_a_message_is_cut_after_1024_bytes(affine, name, message):
    answer = refusal(affine.predict, {}, signature_name=name)
    assert answer == (Code.FAILED_PRECONDITION, message)


# Versions


def test_the_newest_two_may_be_served_together(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path, "--latest_versions", "2") as server:
        savedmodels.write_affine(tmp_path, 2)
        server.wait_for_states([(2, "AVAILABLE"), (1, "AVAILABLE")])
        savedmodels.write_affine(tmp_path, 3)
        server.wait_for_states([(3, "AVAILABLE"), (2, "AVAILABLE"), (1, "END")])
        for version in (2, 3):
            answer = server.predict({"x": X}, version=version)
            assert answer.model_spec.version.value == version
        assert server.predict({"x": X}).model_spec.version.value == 3


def test_a_folder_whose_number_is_no_version_is_ignored_and_logged_once(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    for number in (2**63, 10**5000 // 10**4800):
        savedmodels.write_affine(tmp_path / "elsewhere", 2).rename(tmp_path / str(number))
    log = tmp_path / "log"
    with serving(tmp_path, log=log) as server:
        savedmodels.write_affine(tmp_path, 2**63 - 1)
        server.wait_for_states([(2**63 - 1, "AVAILABLE"), (1, "END")])
    assert log.read_text().count(f"/{2**63} is ignored") == 1


def test_versions_are_ordered_as_numbers(tmp_path):
    for version in (9, 10):
        savedmodels.write_affine(tmp_path, version)
    with serving(tmp_path) as server:
        assert server.ready_line.endswith(" m 10\n")


@pytest.mark.parametrize("exists", [False, True])
def test_a_first_version_that_is_missing_is_waited_for_and_said_once(tmp_path, exists):
    base_path, log = tmp_path / "model", tmp_path / "log"
    if exists:
        base_path.mkdir()
    command = arguments(base_path, "--file_system_poll_wait_seconds", "0.05")
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            while b"WARNING" not in log.read_bytes():
                assert process.poll() is None
            savedmodels.write_affine(base_path, 3)
            assert process.stdout.readline().endswith(b" m 3\n")
        finally:
            process.kill()
    assert log.read_text().count("no version" if exists else "can't be read") == 1


def test_without_polls_a_missing_version_is_not_waited_for(tmp_path):
    status, lines = start_failure(*arguments(tmp_path, "--file_system_poll_wait_seconds", "0"))
    assert status == 1
    assert "no version of model m" in lines[-1]


def test_without_polls_all_wanted_versions_are_loaded(tmp_path):
    for version in (1, 2):
        savedmodels.write_affine(tmp_path, version)
    flags = ["--latest_versions", "2", "--file_system_poll_wait_seconds", "0"]
    with serving(tmp_path, *flags) as server:
        server.wait_for_states([(2, "AVAILABLE"), (1, "AVAILABLE")])


# Shapes that are not said, and engines that refuse


def test_a_tensor_without_a_shape_is_a_scalar(mixed):
    answer = refusal(mixed.predict, {"a": tensor_pb2.TensorProto(dtype=1, float_val=[1]), "b": B})
    assert answer == (Code.INVALID_ARGUMENT, "a has shape [], expected [?]")


@pytest.fixture(scope="module")
def unshaped(tmp_path_factory) -> Iterator[Server]:
    """x / 2 + 3, in a signature that says nothing of shapes, as models of TensorFlow 1 have it."""
    base_path = tmp_path_factory.mktemp("unshaped")
    graph = savedmodels.Graph()
    x = graph.placeholder("x", "float32", None)
    other = graph.placeholder("other", "float32", None)
    half = graph.binary("Mul", "half", x, graph.constant("a", np.float32(0.5)))
    three = graph.binary("AddV2", "y", half, graph.constant("b", np.float32(3)))
    graph.signature("serving_default", {"x": x}, {"y": three})
    graph.signature("sum", {"x": x, "other": other}, {"z": graph.binary("AddV2", "z", x, other)})
    for signature in graph._meta.signature_def.values():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            info.ClearField("tensor_shape")
    graph.write(base_path, 1)
    with serving(base_path) as server:
        yield server


@pytest.mark.parametrize("shape", [None, [], [3], [2, 1]])
def test_a_signature_without_shapes_takes_any_shape(unshaped, shape):
    x = floats(*shape or [], values=[2])
    if shape is None:
        x.ClearField("tensor_shape")
    output = unshaped.predict({"x": x}).outputs["y"]
    assert array(output).tolist() == np.full(shape or [], 4).tolist()


def test_what_the_engine_refuses_is_the_fault_of_the_request(unshaped):
    inputs = {"x": floats(2, values=[1]), "other": floats(3, values=[1])}
    code, message = refusal(unshaped.predict, inputs, signature_name="sum")
    assert code == Code.INVALID_ARGUMENT
    assert "Incompatible shapes" in message


# Engines


def test_both_engines_give_the_same_numbers_and_refusals(tmp_path):
    savedmodels.write_mixed(tmp_path, 1)
    inputs = {
        "a": tensor(np.random.default_rng(3).normal(size=50).astype(np.float32)),
        "b": tensor(np.arange(50, dtype=np.int32)),
    }
    with (
        serving(tmp_path, "--engine", "openvino") as openvino,
        serving(tmp_path, "--engine", "tensorflow") as tensorflow,
    ):
        assert openvino.predict(inputs) == tensorflow.predict(inputs)
        wrong = inputs | {"b": inputs["a"]}
        assert refusal(openvino.predict, wrong) == refusal(tensorflow.predict, wrong)


def test_tensorflow_serves_what_openvino_cannot_read(tmp_path):
    savedmodels.write_unreadable_for_openvino(tmp_path, 1)
    with serving(tmp_path) as server:
        answer = server.predict({"x": tensor(np.array([1, 5], np.float32))})
    np.testing.assert_allclose(array(answer.outputs["y"]), [0, 3.1780538], atol=1e-6)


# Start and end


def start_failure(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE_S)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_a_base_path_that_does_not_exist_is_one_line_and_status_1(tmp_path):
    flag = "--fail_if_no_model_versions_found"
    status, lines = start_failure(*arguments(tmp_path / "nowhere", flag))
    assert status == 1
    assert len(lines) == 1
    assert "nowhere" in lines[0]


def test_a_base_path_without_a_version_is_one_line_and_status_1(tmp_path):
    (tmp_path / "1").mkdir()
    flag = "--fail_if_no_model_versions_found"
    status, lines = start_failure(*arguments(tmp_path, flag))
    assert status == 1
    assert len(lines) == 1
    assert str(tmp_path / "1" / "saved_model.pb") in lines[0]


def test_a_model_that_cannot_be_loaded_says_so_and_ends_with_status_1(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff")
    status, lines = start_failure(*arguments(tmp_path))
    assert status == 1
    assert "Can't parse" in lines[-1]


def test_a_port_in_use_is_one_line_and_status_1(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, lines = start_failure(*arguments(tmp_path, "--port", str(port)))
    assert status == 1
    assert lines == [f"model_server: can't listen on 127.0.0.1:{port}: the port is in use"]


def test_nothing_to_serve_is_wrong_usage():
    status, lines = start_failure(sys.executable, "-m", "model_server")
    assert status == 2
    assert "--model_base_path or --model_config_file" in lines[-1]


@pytest.mark.parametrize("wrong", [["--port", "70000"], ["--engine", "none"], ["--what"]])
def test_wrong_usage_is_status_2(tmp_path, wrong):
    assert start_failure(*arguments(tmp_path, *wrong))[0] == 2


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(tmp_path, signal_number):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path) as server:
        server.process.send_signal(signal_number)
        assert server.process.wait(DEADLINE_S) == 0


def test_a_signal_that_another_thread_gets_ends_it_too(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path) as server:
        pid = server.process.pid
        threads = [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
        other = next(thread for thread in threads if thread != pid)
        assert ctypes.CDLL(None).tgkill(pid, other, signal.SIGTERM) == 0
        assert server.process.wait(DEADLINE_S) == 0


def test_it_ends_when_standard_input_closes_if_told_so(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path) as server:
        server.process.stdin.close()
        assert server.process.wait(DEADLINE_S) == 0


def test_it_runs_on_when_standard_input_closes_if_not_told_so(tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with serving(tmp_path, exit_with_parent=False) as server:
        server.process.stdin.close()
        assert server.predict({"x": X}).model_spec.version.value == 1


def test_it_does_not_import_tensorflow(affine):
    maps = Path(f"/proc/{affine.process.pid}/maps").read_text()
    assert "openvino" in maps
    assert "libtensorflow" not in maps
