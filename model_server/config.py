"""TensorFlow Serving's configuration files, protobuf in text form, and what it refuses."""

from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf import text_format
from google.protobuf.message import Message

from detector.wire.protos import model_server_config_pb2

_File = TypeVar("_File", bound=Message)
_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_PLATFORM = "tensorflow"


class ConfigError(Exception):
    """A configuration can't be read or followed. `code` is what a caller is told."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_text_proto(path: Path, message: _File) -> _File:
    """The empty message, filled from a file.

    Raises:
        ConfigError: no such file, or not such a message; with file, line and column.
    """
    try:
        text_format.Parse(path.read_text("utf-8"), message)
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigError(_INVALID, f"can't read {path}: {error}") from error
    return message


def one_model(
    name: str, base_path: Path, latest_versions: int
) -> model_server_config_pb2.ModelServerConfig:
    """The configuration of a server of one model, of which the N highest versions are served."""
    config = model_server_config_pb2.ModelServerConfig()
    model = config.model_config_list.config.add(
        name=name, base_path=str(base_path.absolute()), model_platform=_PLATFORM
    )
    model.model_version_policy.latest.num_versions = latest_versions
    return config


def check_models(config: model_server_config_pb2.ModelServerConfig) -> None:
    """Refuses what TensorFlow Serving refuses, in its words.

    Raises:
        ConfigError
    """
    if config.HasField("custom_model_config"):
        raise ConfigError(_INVALID, "custom_model_config is not supported")
    names = set()
    for model in config.model_config_list.config:
        if model.name in names:
            message = f"Illegal to list model {model.name} multiple times in config list"
            raise ConfigError(_INVALID, message)
        names.add(model.name)
    for model in config.model_config_list.config:
        if not Path(model.base_path).is_absolute():
            message = (
                f"Expected model {model.name} to have an absolute path or URI; got base_path()="
            )
            raise ConfigError(_INVALID, message + model.base_path)
    for model in config.model_config_list.config:
        _check_platform(model)


def _check_platform(model: model_server_config_pb2.ModelConfig) -> None:
    platform = model.model_platform
    if model.model_type:
        if platform:
            raise ConfigError(
                _INVALID,
                "Illegal setting both ModelServerConfig::model_type (deprecated) and "
                f"ModelServerConfig::model_platform, model name is {model.name}",
            )
        if model.model_type != model_server_config_pb2.TENSORFLOW:
            message = f"ModelServerConfig::model_type choice {model.model_type} not supported."
            raise ConfigError(_INVALID, message)
        platform = _PLATFORM
    if not platform:
        raise ConfigError(
            _INVALID,
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {model.name}",
        )
    if platform != _PLATFORM:
        message = f"Model {model.name} requests unsupported platform {platform}"
        raise ConfigError(_INVALID, message)
