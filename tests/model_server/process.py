"""The model server as a process of its own, and requests for it, by the plain generated stubs."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import text_format

from detector.wire.protos import (
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    tensor_pb2,
    types_pb2,
)
from tests.support.paths import ROOT

DEADLINE_S = 60  # for each call; far more than one takes
Status = get_model_status_pb2.ModelVersionStatus


@dataclass
class Server:
    process: subprocess.Popen
    address: str
    ready_line: str
    predictions: prediction_service_pb2_grpc.PredictionServiceStub
    models: model_service_pb2_grpc.ModelServiceStub

    def predict(self, inputs, output_filter=(), **spec):
        request = predict_pb2.PredictRequest(inputs=inputs, output_filter=output_filter)
        request.model_spec.CopyFrom(model_spec(**spec))
        return self.predictions.Predict(request, timeout=DEADLINE_S)

    def states(self, **spec):
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_spec(**spec))
        answer = self.models.GetModelStatus(request, timeout=DEADLINE_S)
        return [(s.version, Status.State.Name(s.state)) for s in answer.model_version_status]

    def wait_for_states(self, states, **spec):
        """Asks again and again: the server itself polls its folder."""
        now = None
        for _ in range(20_000):
            try:
                now = self.states(**spec)
            except grpc.RpcError as error:  # of a model that is not known yet
                if error.code() != grpc.StatusCode.NOT_FOUND:
                    raise
            if now == states:
                return
        pytest.fail(f"{now} never became {states}")

    def reload(self, config):
        """Hands a configuration over, a ModelServerConfig in text format."""
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(config, request.config)
        return self.models.HandleReloadConfigRequest(request, timeout=DEADLINE_S)


def models_config(*models):
    """A ModelServerConfig in text format."""
    return "model_config_list { " + " ".join(models) + " }"


def model_config(base_path, more="", name="m"):
    """One model of it; `more` is more of its text."""
    text = f"name: '{name}' base_path: '{base_path}' model_platform: 'tensorflow'"
    return f"config {{ {text} {more} }}"


def model_spec(name="m", version=None, **rest):
    spec = model_pb2.ModelSpec(name=name, **rest)
    if version is not None:
        spec.version.value = version
    return spec


def arguments(base_path, *more, name="m"):
    name = ["--model_name", name, "--model_base_path", str(base_path), "--port", "0"]
    return [sys.executable, "-m", "model_server", *name, *more]


def channel_to(address, credentials=None, options=()):
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


@contextmanager
def serving(
    base_path, *more, name="m", exit_with_parent=True, log=Path(os.devnull), credentials=None
):
    command = arguments(base_path, "--file_system_poll_wait_seconds", "0.05", *more, name=name)
    command += ["--exit_with_parent"] * exit_with_parent
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line.startswith("ready "), line
            address = line.split()[1]
            options = [("grpc.max_receive_message_length", -1)]
            with channel_to(address, credentials, options) as channel:
                yield Server(
                    process,
                    address,
                    line,
                    prediction_service_pb2_grpc.PredictionServiceStub(channel),
                    model_service_pb2_grpc.ModelServiceStub(channel),
                )
        finally:
            process.kill()


def tensor(array, dtype=None):
    array = np.asarray(array)
    dtypes = {"float32": "FLOAT", "float64": "DOUBLE", "int32": "INT32", "uint8": "UINT8"}
    message = tensor_pb2.TensorProto(
        dtype=types_pb2.DataType.Value("DT_" + dtypes[array.dtype.name]),
        tensor_content=array.tobytes(),
    )
    message.tensor_shape.SetInParent()
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    return message


def floats(*shape, values=()):
    """A float32 tensor whose values are in `float_val`."""
    message = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=values)
    message.tensor_shape.SetInParent()
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


def refusal(call, *call_arguments, **more):
    with pytest.raises(grpc.RpcError) as caught:
        call(*call_arguments, **more)
    return caught.value.code(), caught.value.details()
