"""gRPC's standard services, each behind its flag."""

import signal

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.model_server.process import DEADLINE_S, refusal, serving
from tests.support import savedmodels

pytestmark = pytest.mark.server

Health = health_pb2.HealthCheckResponse


@pytest.fixture
def base_path(tmp_path):
    savedmodels.write_affine(tmp_path / "m", 1)
    return tmp_path / "m"


def request(service=""):
    return health_pb2.HealthCheckRequest(service=service)


def test_without_their_flags_there_are_none(base_path):
    with serving(base_path) as server, grpc.insecure_channel(server.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        assert refusal(check, request(), timeout=DEADLINE_S)[0] == grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_health_is_that_of_the_server_and_of_both_services(base_path):
    with (
        serving(base_path, "--enable_grpc_healthcheck_service") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check
        for service in ("", "PredictionService", "ModelService"):
            assert check(request(service), timeout=DEADLINE_S).status == Health.SERVING
        answer = refusal(check, request("none"), timeout=DEADLINE_S)
        assert answer[0] == grpc.StatusCode.NOT_FOUND


def test_who_watches_the_health_is_told_that_the_server_ends(base_path):
    with (
        serving(base_path, "--enable_grpc_healthcheck_service") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        watched = health_pb2_grpc.HealthStub(channel).Watch(request(), timeout=DEADLINE_S)
        assert next(watched).status == Health.SERVING
        server.process.send_signal(signal.SIGTERM)
        assert next(watched).status == Health.NOT_SERVING
        watched.cancel()
        assert server.process.wait(DEADLINE_S) == 0


def test_reflection_tells_the_services_and_their_messages(base_path):
    with (
        serving(base_path, "--enable_grpc_reflection") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        database = ProtoReflectionDescriptorDatabase(channel)
        assert sorted(database.get_services()) == [
            "grpc.reflection.v1alpha.ServerReflection",
            "tensorflow.serving.ModelService",
            "tensorflow.serving.PredictionService",
        ]
        service = DescriptorPool(database).FindServiceByName("tensorflow.serving.PredictionService")
        predict = service.FindMethodByName("Predict")
        assert predict.input_type.fields_by_name["inputs"].number == 2


def test_reflection_tells_the_health_service_where_there_is_one(base_path):
    flags = ["--enable_grpc_reflection", "--enable_grpc_healthcheck_service"]
    with (
        serving(base_path, *flags) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        assert "grpc.health.v1.Health" in ProtoReflectionDescriptorDatabase(channel).get_services()
