"""TLS as TensorFlow Serving is told it: an SSLConfig in text format, with the PEM texts in it."""

from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from model_server.config import ConfigError, read_text_proto


def server_credentials(path: Path) -> grpc.ServerCredentials:
    """The key, the certificate and what is asked of clients, from an SSLConfig.

    Raises:
        ConfigError: no such file, or what is in it does not do.
    """
    config = read_text_proto(path, _ssl_config())
    key, certificate, authority = (
        getattr(config, field).encode() for field in ("server_key", "server_cert", "custom_ca")
    )
    asks_clients = config.client_verify
    if not (key and certificate):
        raise ConfigError(grpc.StatusCode.INVALID_ARGUMENT, f"{path}: no server_key or server_cert")
    if asks_clients and not authority:
        message = f"{path}: client_verify needs the custom_ca that signs the clients' certificates"
        raise ConfigError(grpc.StatusCode.INVALID_ARGUMENT, message)
    return grpc.ssl_server_credentials([(key, certificate)], authority or None, asks_clients)


def _ssl_config() -> Message:
    """An empty message of ssl_config.proto, which tensorflow-serving-api does not ship."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tensorflow_serving/config/ssl_config.proto",
        package="tensorflow.serving",
        syntax="proto3",
    )
    message = file.message_type.add(name="SSLConfig")
    field = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate(("server_key", "server_cert", "custom_ca", "client_verify"), 1):
        kind = field.TYPE_BOOL if name == "client_verify" else field.TYPE_STRING
        message.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("tensorflow.serving.SSLConfig")
    return message_factory.GetMessageClass(descriptor)()
