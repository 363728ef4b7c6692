"""gRPC's standard services beside TensorFlow Serving's: health and reflection."""

from collections.abc import Callable
from typing import cast

import grpc

from detector.wire.protos import model_service_pb2, prediction_service_pb2

_SERVICES = (
    *prediction_service_pb2.DESCRIPTOR.services_by_name.values(),
    *model_service_pb2.DESCRIPTOR.services_by_name.values(),
)


def add_health(server: grpc.Server) -> Callable[[], None]:
    """Adds grpc.health.v1.Health, which calls the server and both services SERVING.

    Returns:
        What to call when the server is about to end: from then on they are NOT_SERVING.
    """
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

    servicer = health.HealthServicer()
    for service in _SERVICES:  # without their package, as TensorFlow Serving names them
        servicer.set(service.name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return cast(Callable[[], None], servicer.enter_graceful_shutdown)


def add_reflection(server: grpc.Server, *, with_health: bool) -> None:
    """Adds grpc.reflection, by which a client can ask for services and their messages."""
    from grpc_reflection.v1alpha import reflection

    services = [service.full_name for service in _SERVICES]
    services += ["grpc.health.v1.Health"] * with_health
    reflection.enable_server_reflection([*services, reflection.SERVICE_NAME], server)
