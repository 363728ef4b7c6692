"""The client against real gRPC servers: foreign ones that answer what a test needs, and our own."""

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import (
    AccessDeniedError,
    ConfigError,
    ModelNotFoundError,
    NotAModelServerError,
    OutputError,
    RequestTooLargeError,
    ServerBusyError,
    ServerFaultError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    SignatureError,
)
from detector.serving import (
    ModelSpec,
    ModelVersion,
    ServedModel,
    ServingClient,
    Tls,
    connect,
)
from detector.wire.descriptions import SignatureSpec, TensorSpec, VersionStatus
from detector.wire.protos import get_model_metadata_pb2, predict_pb2, types_pb2
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving, statuses
from tests.support.paths import ROOT
from tests.support.savedmodels import write_affine

IMAGES = np.zeros((1, 300, 300, 3), np.float32)
START, LOADING, AVAILABLE, UNLOADING, END = 10, 20, 30, 40, 50


@pytest.fixture(autouse=True)
def patient_hints(monkeypatch):
    """A hint is left out where the server does not give it in time."""
    monkeypatch.setattr("detector.serving._HINT_TIMEOUT_S", 300.0)


@pytest.fixture
def dead_address() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def client_of(
    address: str, *, tls: Tls | None = None, timeout_s: float = 300, **spec
) -> Iterator[ServedModel]:
    # What is no test of time must not end by it, on the slowest machine.
    with ServingClient(address, timeout_s=timeout_s, tls=tls) as client:
        yield client.model(ModelSpec(**{"name": "commodity", **spec}))


def refusal(code: grpc.StatusCode, details: str):
    return lambda request, context: context.abort(code, details)


def ssd_signature():
    signatures = get_model_metadata_pb2.SignatureDefMap()
    signature = signatures.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    signature.inputs["images"].dtype = types_pb2.DT_FLOAT
    for size in (-1, 300, 300, 3):
        signature.inputs["images"].tensor_shape.dim.add().size = size
    signature.outputs["concat_3:0"].dtype = types_pb2.DT_FLOAT
    signature.outputs["concat_3:0"].tensor_shape.unknown_rank = True
    signatures.signature_def["__saved_model_init_op"].outputs["init"].name = "NoOp"
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.metadata["signature_def"].Pack(signatures)
    return lambda request, context: response


# What is sent


def test_no_outputs_are_an_empty_mapping_and_not_an_error():
    with serving(Foreign(answer({}))) as server, client_of(server.address) as client:
        prediction = client.predict({})
    assert dict(prediction.outputs) == {}
    assert prediction.model == ModelVersion("commodity", 3)


def test_a_request_carries_the_model_the_signature_the_inputs_and_the_wanted_outputs():
    images = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    output = encode_tensor(np.zeros((1, 2), np.float32))
    with (
        serving(Foreign(answer({"concat_3:0": output}))) as server,
        client_of(server.address, signature_name="detect", version=3) as client,
    ):
        client.predict({"images": images}, outputs=["concat_3:0"])
    (request,) = server.requests
    assert request.model_spec.name == "commodity"
    assert request.model_spec.signature_name == "detect"
    assert request.model_spec.version.value == 3
    assert list(request.output_filter) == ["concat_3:0"]
    assert list(request.inputs) == ["images"]
    assert request.inputs["images"].tensor_content == images.tobytes()


def test_metadata_goes_with_each_call_and_stays_out_of_errors():
    told = []

    def noting(answered):
        def method(request, context):
            told.append(dict(context.invocation_metadata()).get("authorization"))
            return answered(request, context)

        return method

    refused = refusal(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
    foreign = Foreign(noting(refused), noting(statuses((3, 30, ""))), noting(ssd_signature()))
    metadata = [("authorization", "Bearer s3cret")]
    with (
        serving(foreign) as server,
        ServingClient(server.address, timeout_s=300, metadata=metadata) as client,
    ):
        model = client.model(ModelSpec("commodity"))
        model.versions()
        model.signatures()
        with pytest.raises(AccessDeniedError) as failed:
            model.predict({})
    assert told == ["Bearer s3cret"] * 3
    assert "s3cret" not in f"{failed.value} {failed.value.hint}"


def test_without_a_version_the_server_chooses_it():
    with serving(Foreign()) as server, client_of(server.address) as client:
        client.predict({})
    assert server.requests[0].model_spec.WhichOneof("version_choice") is None


def test_a_version_label_is_asked_for_by_name():
    with (
        serving(Foreign()) as server,
        client_of(server.address, version_label="stable") as client,
    ):
        client.predict({})
    assert server.requests[0].model_spec.version_label == "stable"


# What is answered


@pytest.mark.parametrize("form", ["tensor_content", "float_val"])
def test_an_output_is_the_same_in_both_forms_of_the_wire(form):
    expected = np.random.default_rng(7).random((1, 7308, 21), np.float32)
    tensor = encode_tensor(expected)
    if form == "float_val":
        tensor.ClearField("tensor_content")
        tensor.float_val.extend(expected.ravel().tolist())
    with (
        serving(Foreign(answer({"concat_3:0": tensor, "other": tensor}))) as server,
        client_of(server.address) as client,
    ):
        prediction = client.predict({"images": IMAGES}, outputs=["concat_3:0"])
    assert list(prediction.outputs) == ["concat_3:0"]
    np.testing.assert_array_equal(prediction.outputs["concat_3:0"], expected)


def test_an_answer_of_sixteen_images_is_not_too_large():
    tensor = encode_tensor(np.zeros((16, 7308, 21), np.float32))
    foreign = Foreign(answer({"concat_3:0": tensor}))
    with (
        serving(foreign, options=[("grpc.max_receive_message_length", -1)]) as server,
        client_of(server.address) as client,
    ):
        prediction = client.predict({"images": np.zeros((16, 300, 300, 3), np.float32)})
    assert prediction.outputs["concat_3:0"].shape == (16, 7308, 21)


def test_an_answer_without_its_model_is_the_asked_for_one():
    with (
        serving(Foreign(answer({}, name="", version=None))) as server,
        client_of(server.address, version=5) as client,
    ):
        assert client.predict({}).model == ModelVersion("commodity", 5)


def test_a_missing_output_is_named_with_those_that_came():
    tensor = encode_tensor(np.zeros(1, np.float32))
    with (
        serving(Foreign(answer({"boxes": tensor, "scores": tensor}))) as server,
        client_of(server.address) as client,
        pytest.raises(OutputError) as caught,
    ):
        client.predict({}, outputs=["concat_3:0"])
    assert f"{server.address} answered with the outputs {{boxes, scores}}" in str(caught.value)
    assert "expected {concat_3:0}" in str(caught.value)
    assert "output_name" in caught.value.hint


def test_an_output_of_text_is_refused():
    tensor = encode_tensor(np.zeros(1, np.float32))
    tensor.dtype = types_pb2.DT_STRING
    with (
        serving(Foreign(answer({"concat_3:0": tensor}))) as server,
        client_of(server.address) as client,
        pytest.raises(OutputError, match="concat_3:0 has dtype string, expected numbers"),
    ):
        client.predict({})


def test_an_output_with_fewer_bytes_than_its_shape_is_refused():
    tensor = encode_tensor(np.zeros((1, 4), np.float32))
    tensor.tensor_content = tensor.tensor_content[:-1]
    with (
        serving(Foreign(answer({"concat_3:0": tensor}))) as server,
        client_of(server.address) as client,
        pytest.raises(OutputError, match="concat_3:0 has 15 bytes, expected 16"),
    ):
        client.predict({})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_with_their_place(bad):
    output = np.zeros((1, 10, 21), np.float32)
    output[0, 4, 2] = output[0, 9, 20] = bad
    with (
        serving(Foreign(answer({"concat_3:0": encode_tensor(output)}))) as server,
        client_of(server.address) as client,
        pytest.raises(OutputError) as caught,
    ):
        client.predict({})
    assert "concat_3:0 has 2 values of 210 that are not finite" in str(caught.value)
    assert f"the first is {bad} at [0, 4, 2]" in str(caught.value)


def test_an_output_that_nobody_asked_for_may_be_anything():
    good = encode_tensor(np.zeros(1, np.float32))
    bad = encode_tensor(np.full(1, np.nan, np.float32))
    with (
        serving(Foreign(answer({"concat_3:0": good, "debug": bad}))) as server,
        client_of(server.address) as client,
    ):
        assert list(client.predict({}, outputs=["concat_3:0"]).outputs) == ["concat_3:0"]


# What is refused


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, ModelNotFoundError),
        (grpc.StatusCode.INVALID_ARGUMENT, SignatureError),
        (grpc.StatusCode.FAILED_PRECONDITION, SignatureError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ServerBusyError),
        (grpc.StatusCode.UNAUTHENTICATED, AccessDeniedError),
        (grpc.StatusCode.PERMISSION_DENIED, AccessDeniedError),
        (grpc.StatusCode.UNIMPLEMENTED, NotAModelServerError),
        (grpc.StatusCode.UNAVAILABLE, ServerBusyError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ServerTimeoutError),
        (grpc.StatusCode.INTERNAL, ServerFaultError),
        (grpc.StatusCode.UNKNOWN, ServerFaultError),
        (grpc.StatusCode.ABORTED, ServerFaultError),
        (grpc.StatusCode.DATA_LOSS, ServerFaultError),
        (grpc.StatusCode.CANCELLED, ServerFaultError),
    ],
)
def test_a_status_code_is_an_error_with_a_hint(code, error):
    with (
        serving(Foreign(refusal(code, "said by the server"))) as server,
        client_of(server.address) as client,
        pytest.raises(ServingError) as caught,
    ):
        client.predict({"images": IMAGES})
    assert type(caught.value) is error
    assert server.address in str(caught.value)
    assert error is ServerTimeoutError or "said by the server" in str(caught.value)
    assert caught.value.hint
    assert isinstance(caught.value.__cause__, grpc.RpcError)


def test_a_crash_of_the_server_is_its_fault():
    def crash(request, context):
        raise RuntimeError("out of luck")

    with (
        serving(Foreign(crash)) as server,
        client_of(server.address) as client,
        pytest.raises(ServerFaultError, match=r"failed with UNKNOWN: .*out of luck"),
    ):
        client.predict({})


def test_an_unknown_version_is_answered_with_those_that_exist():
    foreign = Foreign(
        refusal(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(c, 7)"),
        status=statuses((1, END, ""), (2, AVAILABLE, "")),
    )
    with (
        serving(foreign) as server,
        client_of(server.address, version=7) as client,
        pytest.raises(ModelNotFoundError) as caught,
    ):
        client.predict({})
    assert "does not serve version 7 of the model 'commodity'" in str(caught.value)
    assert caught.value.hint == (
        "Of 'commodity' the server has version 2 (AVAILABLE), version 1 (END)."
    )


def test_an_unknown_model_is_answered_with_the_advice_to_check_its_name():
    foreign = Foreign(refusal(grpc.StatusCode.NOT_FOUND, "Servable not found"))
    with (
        serving(foreign) as server,
        client_of(server.address, name="comodity") as client,
        pytest.raises(ModelNotFoundError, match="does not serve the model 'comodity'") as caught,
    ):
        client.predict({})
    assert "name" in caught.value.hint


def test_a_wrong_signature_or_input_is_answered_with_what_the_model_has():
    foreign = Foreign(
        refusal(grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "X" not found.'),
        metadata=ssd_signature(),
    )
    with (
        serving(foreign) as server,
        client_of(server.address, signature_name="X") as client,
        pytest.raises(
            SignatureError, match=r"refused a call of .*: Serving signature key"
        ) as caught,
    ):
        client.predict({"images": IMAGES})
    assert caught.value.hint == (
        "The model's signature 'serving_default' has the inputs"
        " {images: float32 [?, 300, 300, 3]} and the outputs {concat_3:0: float32 […]}."
    )


def test_an_unknown_version_label_is_named_in_the_hint():
    foreign = Foreign(refusal(grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version"))
    with (
        serving(foreign) as server,
        client_of(server.address, version_label="canary") as client,
        pytest.raises(SignatureError, match="Unrecognized servable version") as caught,
    ):
        client.predict({})
    assert "the label 'canary'" in caught.value.hint


def test_a_request_over_the_servers_limit_is_too_large():
    with (
        serving(Foreign()) as server,  # takes 4 MiB, gRPC's default
        client_of(server.address) as client,
        pytest.raises(RequestTooLargeError, match="4194304") as caught,
    ):
        client.predict({"images": np.zeros((4, 300, 300, 3), np.float32)})
    assert "fewer" in caught.value.hint


def test_another_grpc_service_is_not_a_model_server():
    with (
        serving(Foreign(), services=False) as server,
        client_of(server.address) as client,
        pytest.raises(NotAModelServerError, match="is not TensorFlow Serving") as caught,
    ):
        client.predict({})
    assert "8500" in caught.value.hint


def test_a_web_server_is_answered_with_the_port_of_grpc():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web_server:
        threading.Thread(target=web_server.serve_forever, args=(0.01,)).start()
        try:
            with (
                client_of(f"127.0.0.1:{web_server.server_port}") as client,
                pytest.raises(ServerUnavailableError) as caught,
            ):
                client.predict({})
        finally:
            web_server.shutdown()
    assert "8501" in caught.value.hint
    assert "8500" in caught.value.hint


# Servers that are slow, away, or come back


def test_a_dead_server_is_reported_long_before_the_deadline(dead_address):
    with (
        client_of(dead_address) as client,  # at the deadline it would be another error
        pytest.raises(ServerUnavailableError, match=f"{dead_address} can't be reached") as caught,
    ):
        client.predict({"images": IMAGES})
    assert "running there" in caught.value.hint


def test_a_host_that_accepts_and_stays_silent_is_reported_before_the_deadline():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        client_of(f"127.0.0.1:{silent.getsockname()[1]}") as client,
        pytest.raises(ServerUnavailableError),
    ):
        client.predict({})


def test_a_slow_server_is_given_up_at_the_deadline():
    done = threading.Event()

    def slow(request, context):
        done.wait(60)
        return predict_pb2.PredictResponse()

    with serving(Foreign(slow)) as server, client_of(server.address) as client:
        with pytest.raises(ServerTimeoutError, match=r"did not answer within 0\.2 s"):
            client.predict({}, timeout_s=0.2)
        done.set()
        assert client.predict({}).model.version == 0  # and the client still works


def test_a_busy_moment_is_bridged_even_for_a_large_request():
    calls = iter(range(10))

    def busy_twice(request, context):
        if next(calls) < 2:
            context.abort(grpc.StatusCode.UNAVAILABLE, "overloaded")
        return predict_pb2.PredictResponse()

    foreign = Foreign(busy_twice)
    with (
        serving(foreign, options=[("grpc.max_receive_message_length", -1)]) as server,
        client_of(server.address) as client,
    ):
        client.predict({"images": np.zeros((8, 300, 300, 3), np.float32)})  # 8.6 MB
    assert len(foreign.requests) == 3


def test_other_errors_are_not_repeated():
    foreign = Foreign(refusal(grpc.StatusCode.INTERNAL, "no"))
    with (
        serving(foreign) as server,
        client_of(server.address) as client,
        pytest.raises(ServerFaultError),
    ):
        client.predict({})
    assert len(foreign.requests) == 1


def test_a_server_that_was_down_is_found_again_by_the_same_client():
    with serving(Foreign()) as server:
        port = int(server.address.rpartition(":")[2])
        stack = ExitStack()
        client = stack.enter_context(client_of(server.address))
        client.predict({})
    with stack:
        for _ in range(3):
            with pytest.raises(ServerUnavailableError):
                client.predict({})
        with serving(Foreign(), port=port):
            client.predict({})


@contextmanager
def passing_on(address: str, is_cut: threading.Event) -> Iterator[str]:
    """The address of a network that loses everything without a word while it is cut."""
    host, _, port = address.rpartition(":")
    sockets = []

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not is_cut.is_set():
                    target.sendall(data)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                inside, _ = listener.accept()
            except OSError:
                return
            outside = socket.create_connection((host, int(port)))
            sockets.extend([inside, outside])
            for ends in ((inside, outside), (outside, inside)):
                threads.append(threading.Thread(target=pass_on, args=ends))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads[0].start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            threads[0].join()
            for end in sockets:
                with end, suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def test_a_connection_that_vanished_without_a_word_is_replaced_after_one_timeout():
    is_cut = threading.Event()
    with (
        serving(Foreign()) as server,
        passing_on(server.address, is_cut) as address,
        client_of(address) as client,
    ):
        client.predict({})
        is_cut.set()
        with pytest.raises(ServerTimeoutError):
            client.predict({}, timeout_s=0.2)
        is_cut.clear()
        client.predict({})
    assert len(server.peers) == 2


def test_a_timeout_of_one_thread_leaves_the_calls_of_others_and_new_ones_connect_anew():
    begun, done = threading.Event(), threading.Event()

    def slow_on_the_first_connection(request, context):
        if len(server.peers) == 1:
            begun.set()
            done.wait(300)
        return predict_pb2.PredictResponse()

    with (
        serving(Foreign(slow_on_the_first_connection)) as server,
        client_of(server.address) as client,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        patient = pool.submit(client.predict, {})
        assert begun.wait(60)
        with pytest.raises(ServerTimeoutError):
            client.predict({}, timeout_s=0.1)
        assert len(server.peers) == 1
        client.predict({})
        assert len(server.peers) == 2
        assert not patient.done()
        done.set()
        assert patient.result(60).model.version == 0


def test_replicas_share_the_calls_and_the_survivor_takes_them_all():
    first, second = Foreign(), Foreign()
    with serving(second):
        with serving(first):
            stack = ExitStack()
            client = stack.enter_context(client_of(f"ipv4:{first.address},{second.address}"))
            for _ in range(100_000):
                client.predict({})
                if first.requests and second.requests:
                    break  # both are connected by now
            seen = len(first.requests), len(second.requests)
            for _ in range(20):
                client.predict({})
            assert len(first.requests) == seen[0] + 10
            assert len(second.requests) == seen[1] + 10
        before = len(second.requests)
        with stack:
            for _ in range(10):
                client.predict({})
        assert len(second.requests) == before + 10


def test_many_threads_share_one_connection():
    def echo(request, context):
        response = predict_pb2.PredictResponse()
        response.outputs["y"].CopyFrom(request.inputs["x"])
        return response

    with (
        serving(Foreign(echo)) as server,
        client_of(server.address) as client,
        futures.ThreadPoolExecutor(16) as pool,
    ):

        def call(number: int) -> float:
            return client.predict({"x": np.float32([number])}).outputs["y"].item()

        assert list(pool.map(call, range(200))) == list(range(200))
    assert len(server.peers) == 1


# Closing


def test_a_call_after_closing_is_a_serving_error():
    with serving(Foreign()) as server, client_of(server.address) as client:
        client.predict({})
        client.client.close()
        client.client.close()
        with pytest.raises(ServerUnavailableError, match="was closed on this side"):
            client.predict({})


def test_a_call_during_closing_is_a_serving_error():
    begun, done = threading.Event(), threading.Event()

    def slow(request, context):
        begun.set()
        done.wait(60)
        return predict_pb2.PredictResponse()

    with (
        serving(Foreign(slow)) as server,
        client_of(server.address) as client,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(client.predict, {})
        assert begun.wait(60)
        client.client.close()
        with pytest.raises(ServerUnavailableError, match="was closed on this side"):
            call.result(60)
        done.set()


def test_a_channel_closed_by_another_thread_just_before_the_call_is_a_serving_error():
    with (  # noqa: PT012
        client_of("127.0.0.1:8500") as client,
        pytest.raises(ServerUnavailableError, match="was closed on this side"),
        client.client.connected(client.spec, timeout_s=1) as connection,
    ):
        client.client.close()
        connection.predict(b"", timeout=1)


# Status and metadata


def test_versions_are_listed_newest_first_with_their_states_and_errors():
    foreign = Foreign(status=statuses((1, END, ""), (3, END, "bad graph"), (2, AVAILABLE, "")))
    with serving(foreign) as server, client_of(server.address) as client:
        assert client.versions() == (
            VersionStatus(3, "END", "INTERNAL", "bad graph"),
            VersionStatus(2, "AVAILABLE", "OK", ""),
            VersionStatus(1, "END", "OK", ""),
        )


def test_an_unknown_state_is_shown_as_its_number():
    with (
        serving(Foreign(status=statuses((1, 99, "")))) as server,
        client_of(server.address) as client,
    ):
        assert client.versions()[0].state == "99"


def test_the_status_of_an_unknown_model_is_an_error():
    with (
        serving(Foreign()) as server,
        client_of(server.address) as client,
        pytest.raises(ModelNotFoundError, match="Could not find any versions of model"),
    ):
        client.versions()


def test_metadata_is_the_signatures_that_can_be_called():
    with serving(Foreign(metadata=ssd_signature())) as server, client_of(server.address) as client:
        assert client.signatures() == (
            SignatureSpec(
                "serving_default",
                "tensorflow/serving/predict",
                (TensorSpec("images", "float32", (None, 300, 300, 3)),),
                (TensorSpec("concat_3:0", "float32", None),),
            ),
        )


def test_metadata_without_signatures_is_an_error():
    def empty(request, context):
        return get_model_metadata_pb2.GetModelMetadataResponse()

    with (
        serving(Foreign(metadata=empty)) as server,
        client_of(server.address) as client,
        pytest.raises(OutputError, match=r"the metadata holds \{\}, expected a map of"),
    ):
        client.signatures()


def test_waiting_ends_when_the_model_has_been_loaded():
    answers = iter([(2, START, ""), (2, LOADING, ""), (2, AVAILABLE, "")])
    foreign = Foreign(status=lambda *call: statuses(next(answers))(*call))
    with serving(foreign) as server, client_of(server.address) as client:
        assert client.wait_until_ready(300) == ModelVersion("commodity", 2)
    assert list(answers) == []


def test_waiting_for_a_version_is_not_satisfied_by_another():
    answers = iter(
        [((2, AVAILABLE, ""), (1, LOADING, "")), ((2, AVAILABLE, ""), (1, AVAILABLE, ""))]
    )
    foreign = Foreign(status=lambda *call: statuses(*next(answers))(*call))
    with serving(foreign) as server, client_of(server.address, version=1) as client:
        assert client.wait_until_ready(300) == ModelVersion("commodity", 1)


def test_waiting_begins_before_the_server_listens(dead_address):
    port = int(dead_address.rpartition(":")[2])
    with client_of(dead_address) as client, futures.ThreadPoolExecutor(1) as pool:
        with pytest.raises(ServerUnavailableError):
            client.versions()
        ready = pool.submit(client.wait_until_ready, 300)
        with serving(Foreign(status=statuses((1, AVAILABLE, ""))), port=port):
            assert ready.result(300) == ModelVersion("commodity", 1)


def test_waiting_in_vain_says_what_the_server_says():
    foreign = Foreign(status=statuses((1, END, "bad graph")))
    with serving(foreign) as server, client_of(server.address) as client:
        client.versions()  # connecting takes none of the two seconds
        with pytest.raises(ModelNotFoundError, match=r"version 1 \(END: bad graph\)"):
            client.wait_until_ready(2)


def test_waiting_for_a_dead_server_ends_in_time(dead_address):
    with client_of(dead_address) as client, pytest.raises(ServingError):
        client.wait_until_ready(0.2)


def test_waiting_for_what_is_no_model_server_ends_at_once():
    with (
        serving(Foreign(), services=False) as server,
        client_of(server.address) as client,
        pytest.raises(NotAModelServerError),
    ):
        client.wait_until_ready(3600)


@pytest.mark.parametrize(
    ("ca", "words"),
    [(b"not a certificate", "tls_ca: what was given is not a PEM"), (Path("/no/ca"), "be read")],
)
def test_a_tls_file_that_is_none_is_refused_before_any_call(ca, words):
    with pytest.raises(ConfigError, match=words):
        ServingClient("127.0.0.1:8500", tls=Tls(ca=ca))


# From the settings


def test_the_settings_choose_server_model_and_deadline():
    foreign = Foreign()
    with serving(foreign) as server:
        config = Config(
            server=server.address, model_name="voc", signature_name="s", version_label="stable"
        )
        with connect(config) as client:
            client.model(ModelSpec.of(config)).predict({})
    spec = foreign.requests[0].model_spec
    assert (spec.name, spec.signature_name, spec.version_label) == ("voc", "s", "stable")


def test_the_settings_choose_tls(certificates):
    with serving(Foreign(), credentials=certificates.server("good")) as server:
        config = Config(server=server.address, tls_ca=certificates.authority)
        with connect(config) as client:
            client.model(ModelSpec.of(config)).predict({})


def test_an_embedded_servers_address_is_used_in_place_of_the_settings():
    with serving(Foreign()) as server, connect(Config(), server.address) as client:
        client.model(ModelSpec("commodity")).predict({})
    assert len(server.requests) == 1


def test_no_server_at_all_is_a_config_error():
    with pytest.raises(ConfigError, match="no model server is configured"):
        connect(Config())


def test_an_address_without_a_port_is_a_config_error():
    with pytest.raises(ConfigError, match="has no port"):
        ServingClient("localhost")


def test_no_thread_of_grpc_keeps_a_finished_program_alive():
    code = """
import numpy as np
from detector.errors import ServingError
from detector.serving import ModelSpec, ServingClient
client = ServingClient("127.0.0.1:1")
try:
    client.model(ModelSpec("commodity")).predict({})
except ServingError as error:
    print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "GRPC_VERBOSITY": "NONE"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ServerUnavailableError\n", "", 0)


# The project's own server, with a small model: y = 2 x + 1


@pytest.fixture(scope="module")
def own_server(tmp_path_factory) -> Iterator[EmbeddedServer]:
    base_path = tmp_path_factory.mktemp("affine")
    write_affine(base_path, 1)
    with EmbeddedServer("affine", base_path) as server:
        yield server


def test_the_projects_own_server_is_called_like_any_other(own_server):
    with client_of(own_server.address, name="affine") as client:
        assert client.wait_until_ready(30) == ModelVersion("affine", 1)
        prediction = client.predict({"x": np.float32([[1, 2]])}, outputs=["y:0"])
        assert prediction.outputs["y:0"].tolist() == [[3, 5]]
        assert prediction.model == ModelVersion("affine", 1)
        assert [signature.name for signature in client.signatures()] == [
            "negative",
            "serving_default",
        ]


@pytest.mark.parametrize(
    ("settings", "inputs", "error", "hint"),
    [
        ({"name": "no"}, {"x": np.float32([[1, 2]])}, ModelNotFoundError, "name"),
        ({"version": 9}, {"x": np.float32([[1, 2]])}, ModelNotFoundError, "version 1 (AVAILABLE)"),
        ({"version_label": "no"}, {"x": np.float32([[1, 2]])}, SignatureError, "label 'no'"),
        ({"signature_name": "no"}, {"x": np.float32([[1, 2]])}, SignatureError, "'negative'"),
        ({}, {}, SignatureError, "{x: float32 [?, 2]}"),
        ({}, {"images": np.float32([[1, 2]])}, SignatureError, "{x: float32 [?, 2]}"),
        ({}, {"x": np.uint8([[1, 2]])}, SignatureError, "{x: float32 [?, 2]}"),
        ({}, {"x": np.float32([1, 2, 3])}, SignatureError, "{x: float32 [?, 2]}"),
    ],
)
def test_the_refusals_of_the_projects_own_server_have_their_hints(
    own_server, settings, inputs, error, hint
):
    with (
        client_of(own_server.address, **{"name": "affine", **settings}) as client,
        pytest.raises(ServingError) as caught,
    ):
        client.predict(inputs)
    assert type(caught.value) is error
    assert hint in caught.value.hint
