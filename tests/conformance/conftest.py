"""The server that is asked: the embedded one, or any other.

`make conformance TARGET=host:8500 MODEL=name` sets CONFORMANCE_TARGET and CONFORMANCE_MODEL.
Without them the embedded server is started on the model that ships. A case needs nothing of the
model but that it has the signature `serving_default`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import grpc
import pytest

from detector.wire.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    meta_graph_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    tensor_pb2,
    types_pb2,
)
from tests.model_server.process import DEADLINE_S, Server, model_spec, serving
from tests.support.paths import ROOT

TARGET = os.environ.get("CONFORMANCE_TARGET", "")
MODEL = os.environ.get("CONFORMANCE_MODEL") or "commodity"
REASON = "needs a server with models of its own, which can't be had behind an address"


@dataclass
class Target:
    """A model behind an address, asked as any client would."""

    model: str
    predictions: prediction_service_pb2_grpc.PredictionServiceStub
    models: model_service_pb2_grpc.ModelServiceStub

    def predict(self, inputs=None, output_filter=(), **spec):
        """The answer to these inputs, by default those that fit."""
        request = predict_pb2.PredictRequest(
            inputs=self.inputs() if inputs is None else inputs,
            output_filter=output_filter,
            model_spec=self.spec(**spec),
        )
        return self.predictions.Predict(request, timeout=DEADLINE_S)

    def status(self, **spec):
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self.spec(**spec))
        return self.models.GetModelStatus(request, timeout=DEADLINE_S)

    def metadata(self, *fields, **spec):
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self.spec(**spec), metadata_field=fields
        )
        return self.predictions.GetModelMetadata(request, timeout=DEADLINE_S)

    def spec(self, **fields) -> model_pb2.ModelSpec:
        return model_spec(**{"name": self.model, **fields})

    @property
    def version(self) -> int:
        """The newest of those that are served."""
        available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        statuses = self.status().model_version_status
        return max(status.version for status in statuses if status.state == available)

    @property
    def signature(self) -> meta_graph_pb2.SignatureDef:
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert self.metadata("signature_def").metadata["signature_def"].Unpack(signatures)
        return signatures.signature_def["serving_default"]

    def inputs(self, batch: int = 1) -> dict[str, tensor_pb2.TensorProto]:
        """Zeros of the right type and shape. Free sizes are 1, the first one is `batch`."""
        tensors = {}
        for alias, info in self.signature.inputs.items():
            tensors[alias] = tensor_pb2.TensorProto(dtype=info.dtype)
            tensors[alias].tensor_shape.SetInParent()
            for i, dimension in enumerate(info.tensor_shape.dim):
                size = dimension.size if dimension.size >= 0 else 1 if i else batch
                tensors[alias].tensor_shape.dim.add(size=size)
        return tensors

    def float_input(self) -> str:
        """The alias of an input of float32."""
        inputs = self.signature.inputs
        aliases = sorted(alias for alias in inputs if inputs[alias].dtype == types_pb2.DT_FLOAT)
        if not aliases:
            pytest.skip("the model has no input of float32")
        return aliases[0]


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    if TARGET:
        with grpc.insecure_channel(TARGET, [("grpc.max_receive_message_length", -1)]) as channel:
            yield Target(
                MODEL,
                prediction_service_pb2_grpc.PredictionServiceStub(channel),
                model_service_pb2_grpc.ModelServiceStub(channel),
            )
    else:
        with serving(ROOT / "models" / "commodity", name=MODEL) as server:
            yield Target(MODEL, server.predictions, server.models)


@pytest.fixture
def start() -> Callable[..., AbstractContextManager[Server]]:
    """Starts a server on models of the test's own."""
    if TARGET:
        pytest.skip(REASON)
    return serving
