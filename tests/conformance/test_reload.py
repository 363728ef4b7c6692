"""HandleReloadConfigRequest: models, version policies and labels that change while it serves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from detector.wire.protos import error_codes_pb2, model_management_pb2
from detector.wire.tensors import decode_tensor
from tests.conformance.conftest import Target
from tests.model_server.process import (
    DEADLINE_S,
    model_config,
    models_config,
    refusal,
    tensor,
)
from tests.support import savedmodels

pytestmark = pytest.mark.server

Code = grpc.StatusCode
INVALID = Code.INVALID_ARGUMENT
X = tensor(np.array([[1, 2]], np.float32))
ALL = "model_version_policy { all {} }"
UNAVAILABLE = (
    "Request to assign label to version {} of model m, which is not currently available for "
    "inference"
)


@pytest.fixture
def versions(tmp_path):
    """The base path of a model with the versions 1, 2 and 3."""
    for version in (1, 2, 3):
        savedmodels.write_affine(tmp_path / "m", version)
    return tmp_path / "m"


def answering(server, **spec):
    return server.predict({"x": X}, **spec).model_spec.version.value


def test_a_request_without_a_list_of_models_is_refused(target: Target):
    request = model_management_pb2.ReloadConfigRequest()
    answer = refusal(target.models.HandleReloadConfigRequest, request, timeout=DEADLINE_S)
    assert answer == (
        INVALID,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported",
    )


def test_a_new_model_is_served_when_the_call_returns(start, versions, tmp_path):
    savedmodels.write_mixed(tmp_path / "other", 5)
    with start(versions) as server:
        both = [model_config(versions), model_config(tmp_path / "other", name="other")]
        answer = server.reload(models_config(*both))
        assert answer.status.error_code == error_codes_pb2.OK
        assert server.states(name="other") == [(5, "AVAILABLE")]
        assert answering(server) == 3


def test_a_model_that_is_left_out_ends(start, versions, tmp_path):
    savedmodels.write_affine(tmp_path / "other", 5)
    with start(versions) as server:
        server.reload(models_config(model_config(tmp_path / "other", name="other")))
        server.wait_for_states([(3, "END")])
        expected = (Code.NOT_FOUND, "Servable not found for request: Latest(m)")
        assert refusal(server.predict, {"x": X}) == expected
        server.reload(models_config(model_config(versions)))
        server.wait_for_states([(3, "AVAILABLE")])
        assert answering(server) == 3


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("", [3]),
        ("model_version_policy {}", [3]),
        ("model_version_policy { latest {} }", [3]),
        ("model_version_policy { latest { num_versions: 2 } }", [3, 2]),
        ("model_version_policy { latest { num_versions: 7 } }", [3, 2, 1]),
        (ALL, [3, 2, 1]),
        ("model_version_policy { specific { versions: 1 versions: 3 } }", [3, 1]),
        ("model_version_policy { specific { versions: 2 versions: 9 } }", [2]),
    ],
)
def test_a_policy_says_which_versions_are_served(start, versions, policy, served):
    with start(versions) as server:
        server.reload(models_config(model_config(versions, policy)))
        states = dict.fromkeys(served, "AVAILABLE")
        if 3 not in served:
            states[3] = "END"
        server.wait_for_states(sorted(states.items(), reverse=True))
        assert answering(server) == served[0]
        assert [answering(server, version=version) for version in served] == served


def test_labels_name_versions_that_are_served(start, versions):
    with start(versions) as server:
        server.reload(models_config(model_config(versions, ALL)))
        server.wait_for_states([(n, "AVAILABLE") for n in (3, 2, 1)])
        labels = "version_labels { key: 'stable' value: 1 } version_labels { key: 'new' value: 3 }"
        server.reload(models_config(model_config(versions, ALL + labels)))
        assert answering(server, version_label="stable") == 1
        assert answering(server, version_label="new") == 3
        server.reload(models_config(model_config(versions, ALL)))
        expected = (INVALID, "Unrecognized servable version label: new")
        assert refusal(server.predict, {"x": X}, version_label="new") == expected


def test_a_label_for_a_version_that_is_not_served_is_refused_and_changes_nothing(start, versions):
    with start(versions) as server:
        label = "version_labels { key: 'stable' value: %d }"
        server.reload(models_config(model_config(versions, label % 3)))
        answer = refusal(server.reload, models_config(model_config(versions, ALL + label % 1)))
        assert answer == (Code.FAILED_PRECONDITION, UNAVAILABLE.format(1))
        assert answering(server, version_label="stable") == 3
        assert server.states() == [(3, "AVAILABLE")]


def test_with_the_flag_a_label_not_in_use_may_name_any_version(start, versions):
    label = "version_labels { key: '%s' value: %d }"
    with start(versions, "--allow_version_labels_for_unavailable_models") as server:
        server.reload(models_config(model_config(versions, label % ("stable", 9))))
        expected = (Code.NOT_FOUND, "Servable not found for request: Specific(m, 9)")
        assert refusal(server.predict, {"x": X}, version_label="stable") == expected
        moved = refusal(server.reload, models_config(model_config(versions, label % ("stable", 8))))
        assert moved == (Code.FAILED_PRECONDITION, UNAVAILABLE.format(8))
        server.reload(models_config(model_config(versions, label % ("stable", 3))))
        assert answering(server, version_label="stable") == 3


def unlisted(versions):
    return model_config(versions).replace("model_platform: 'tensorflow'", "")


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            lambda path: [model_config(path), model_config(path)],
            "Illegal to list model m multiple times in config list",
        ),
        (
            lambda path: [model_config("models/m")],
            "Expected model m to have an absolute path or URI; got base_path()=models/m",
        ),
        (
            lambda path: [unlisted(path)],
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform, model name is m",
        ),
        (
            lambda path: [model_config(path, "model_type: TENSORFLOW")],
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform, model name is m",
        ),
    ],
)
def test_a_wrong_configuration_is_refused_and_changes_nothing(start, versions, models, message):
    with start(versions) as server:
        assert refusal(server.reload, models_config(*models(versions))) == (INVALID, message)
        assert answering(server) == 3


def test_the_old_name_of_the_platform_is_taken(start, versions):
    with start(versions) as server:
        model = unlisted(versions).replace("name: 'm'", "name: 'n' model_type: TENSORFLOW")
        server.reload(models_config(model))
        assert answering(server, name="n") == 3


def test_a_new_model_that_cannot_be_loaded_is_said_and_the_others_serve_on(
    start, versions, tmp_path
):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"\xff")
    with start(versions) as server:
        broken = model_config(tmp_path / "broken", name="broken")
        code, message = refusal(server.reload, models_config(model_config(versions), broken))
        assert code == Code.UNKNOWN
        assert message.startswith("1 model(s) did not become available: {{")
        assert "broken" in message
        assert server.states(name="broken") == [(1, "END")]
        assert answering(server) == 3


def test_reloading_fails_no_request(start, versions):
    done = threading.Event()

    def ask(server):
        seen = set()
        while not done.is_set():
            answer = server.predict({"x": X})
            version = answer.model_spec.version.value
            assert decode_tensor(answer.outputs["y:0"]).tolist() == [[2 + version, 4 + version]]
            seen.add(version)
        return seen

    with start(versions) as server, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask, server) for _ in range(4)]
        try:
            known = {3}
            for version in (2, 1, 3):
                policy = f"model_version_policy {{ specific {{ versions: {version} }} }}"
                server.reload(models_config(model_config(versions, policy)))
                states = dict.fromkeys(known := known | {version}, "END") | {version: "AVAILABLE"}
                server.wait_for_states(sorted(states.items(), reverse=True))
        finally:
            done.set()
        assert set().union(*(future.result() for future in asked)) >= {1, 2}
