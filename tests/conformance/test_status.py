"""GetModelStatus and GetModelMetadata: what TensorFlow Serving says of a model."""

import grpc
import pytest

from detector.wire.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    types_pb2,
)
from tests.conformance.conftest import Target
from tests.model_server.process import DEADLINE_S, refusal

pytestmark = pytest.mark.server

Code = grpc.StatusCode
INVALID = Code.INVALID_ARGUMENT
Status = get_model_status_pb2.ModelVersionStatus


def test_status_lists_all_versions_newest_first(target: Target):
    versions = [status.version for status in target.status().model_version_status]
    assert versions
    assert versions == sorted(versions, reverse=True)


def test_an_available_version_has_no_error(target: Target):
    [status] = target.status(version=target.version).model_version_status
    assert (status.version, status.state) == (target.version, Status.AVAILABLE)
    assert (status.status.error_code, status.status.error_message) == (0, "")


def test_status_does_not_look_at_a_label(target: Target):
    assert target.status(version_label="none") == target.status()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": ""}, "Could not find any versions of model "),
        ({"name": "none"}, "Could not find any versions of model none"),
        ({"name": "none", "version": 7}, "Could not find version 7 of model none"),
        ({"version": 987654321}, "Could not find version 987654321 of model {model}"),
    ],
)
def test_status_of_what_was_never_there_is_refused(target: Target, spec, message):
    expected = (Code.NOT_FOUND, message.format(model=target.model))
    assert refusal(target.status, **spec) == expected


def test_metadata_says_who_answered(target: Target):
    assert target.metadata("signature_def").model_spec == target.spec(version=target.version)


def test_metadata_is_the_signatures(target: Target):
    answer = target.metadata("signature_def", version=target.version)
    assert list(answer.metadata) == ["signature_def"]
    assert answer.metadata["signature_def"].Is(get_model_metadata_pb2.SignatureDefMap.DESCRIPTOR)
    signature = target.signature
    assert signature.method_name == "tensorflow/serving/predict"
    infos = [*signature.inputs.values(), *signature.outputs.values()]
    assert all(info.name and info.dtype != types_pb2.DT_INVALID for info in infos)


@pytest.mark.parametrize(
    ("fields", "spec", "code", "message"),
    [
        (
            [],
            {"name": "none"},
            INVALID,
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (["none"], {}, INVALID, "Metadata field none is not supported"),
        (["signature_def", "none"], {}, INVALID, "Metadata field none is not supported"),
        (["signature_def"], {"name": ""}, INVALID, "ModelSpec has no name specified."),
        (
            ["signature_def"],
            {"name": "none"},
            Code.NOT_FOUND,
            "Servable not found for request: Latest(none)",
        ),
        (
            ["signature_def"],
            {"version_label": "none"},
            INVALID,
            "Unrecognized servable version label: none",
        ),
    ],
)
def test_metadata_that_does_not_exist_is_refused(target: Target, fields, spec, code, message):
    assert refusal(target.metadata, *fields, **spec) == (code, message)


def test_requests_without_model_spec_are_refused(target: Target):
    for call, request in (
        (
            target.predictions.GetModelMetadata,
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        ),
        (target.models.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
    ):
        assert refusal(call, request, timeout=DEADLINE_S) == (INVALID, "Missing ModelSpec")
