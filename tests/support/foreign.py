"""A model server of someone else: a real gRPC server that answers what a test tells it to."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from detector.wire.protos import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


@dataclass
class Foreign(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """A model server of someone else. Each method is a function of request and gRPC context."""

    predict: Callable = field(default=lambda request, context: predict_pb2.PredictResponse())
    status: Callable | None = None
    metadata: Callable | None = None
    requests: list = field(default_factory=list)
    peers: set = field(default_factory=set)
    address: str = ""

    def Predict(self, request, context):  # noqa: N802
        self.requests.append(request)
        self.peers.add(context.peer())
        return self.predict(request, context)

    def GetModelStatus(self, request, context):  # noqa: N802
        if self.status is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
        else:
            return self.status(request, context)

    def GetModelMetadata(self, request, context):  # noqa: N802
        if self.metadata is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
        else:
            return self.metadata(request, context)


@contextmanager
def serving(
    foreign: Foreign, port: int = 0, credentials=None, options=(), services=True
) -> Iterator[Foreign]:
    server = grpc.server(
        futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), *options]
    )
    if services:
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(foreign, server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(foreign, server)
    wanted = f"127.0.0.1:{port}"
    bound = (
        server.add_secure_port(wanted, credentials)
        if credentials
        else server.add_insecure_port(wanted)
    )
    foreign.address = f"127.0.0.1:{bound}"
    server.start()
    try:
        yield foreign
    finally:
        server.stop(None).wait()


def answer(outputs: dict, name="commodity", version: int | None = 3):
    response = predict_pb2.PredictResponse()
    for key, tensor in outputs.items():
        response.outputs[key].CopyFrom(tensor)
    response.model_spec.name = name
    if version is not None:
        response.model_spec.version.value = version
    return lambda request, context: response


def statuses(*versions: tuple[int, int, str]):
    response = get_model_status_pb2.GetModelStatusResponse()
    for version, state, message in versions:
        status = response.model_version_status.add(version=version, state=state)
        if message:
            status.status.error_code = 13
            status.status.error_message = message
    return lambda request, context: response


class Gate:
    """What is let through of the calls to a server: all while it is open."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left: int | None = None  # None = open

    def open(self) -> None:
        self._set(None)

    def close_after(self, answers: int) -> None:
        """Let so many through, hold what comes later until it is open."""
        self._set(answers)

    def pass_through(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._left != 0, 300)
            if self._left is not None:
                self._left -= 1

    def _set(self, left: int | None) -> None:
        with self._changed:
            self._left = left
            self._changed.notify_all()


@contextmanager
def gated(address: str) -> Iterator[tuple[Gate, Foreign]]:
    """A server that passes the calls on to another, as far as its gate lets them through."""
    gate = Gate()
    with grpc.insecure_channel(address) as channel:
        prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        model = model_service_pb2_grpc.ModelServiceStub(channel)

        def predict(request, context):
            gate.pass_through()
            return prediction.Predict(request, timeout=300)

        foreign = Foreign(
            predict=predict,
            status=lambda request, context: model.GetModelStatus(request, timeout=60),
            metadata=lambda request, context: prediction.GetModelMetadata(request, timeout=60),
        )
        try:
            with serving(foreign):
                yield gate, foreign
        finally:
            gate.open()
