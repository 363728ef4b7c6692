"""Models of a configuration file, which is read again when it changes."""

import subprocess

import grpc
import numpy as np
import pytest

from tests.model_server.process import (
    DEADLINE_S,
    arguments,
    model_config,
    models_config,
    refusal,
    serving,
    tensor,
)
from tests.support import savedmodels
from tests.support.paths import ROOT

pytestmark = pytest.mark.server

Code = grpc.StatusCode
X = tensor(np.array([[1, 2]], np.float32))
POLL = ["--model_config_file_poll_wait_seconds", "0.05"]
LABEL = "version_labels { key: 'stable' value: 1 }"
NOWHERE = "/nowhere"  # the model that the file takes the place of


def write(path, text):
    """The file, which appears whole."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)
    return path


@pytest.fixture
def a(tmp_path):
    """The base path of version 1 of a model."""
    savedmodels.write_affine(tmp_path / "a", 1)
    return tmp_path / "a"


@pytest.fixture
def file(tmp_path, a):
    return write(tmp_path / "models.config", models_config(model_config(a, name="a")))


def from_file(path, *more, **options):
    return serving(NOWHERE, "--model_config_file", str(path), *more, **options)


def test_a_file_without_models_is_served(tmp_path):
    with from_file(write(tmp_path / "models.config", "")) as server:
        assert server.ready_line == f"ready {server.address}\n"
        assert refusal(server.states)[0] == Code.NOT_FOUND


def test_the_models_of_the_file_are_served_and_no_other(tmp_path, a):
    savedmodels.write_affine(tmp_path / "b", 4)
    models = [model_config(tmp_path / "b", name="b"), model_config(a, name="a")]
    with from_file(write(tmp_path / "models.config", models_config(*models))) as server:
        assert server.ready_line == f"ready {server.address} b 4 a 1\n"
        assert server.predict({"x": X}, name="a").model_spec.name == "a"
        assert server.predict({"x": X}, name="b").model_spec.version.value == 4
        assert refusal(server.states)[0] == Code.NOT_FOUND


def test_a_changed_file_is_followed(tmp_path, a, file):
    savedmodels.write_affine(tmp_path / "b", 4)
    with from_file(file, *POLL) as server:
        write(file, models_config(model_config(tmp_path / "b", name="b")))
        server.wait_for_states([(1, "END")], name="a")
        server.wait_for_states([(4, "AVAILABLE")], name="b")


def test_a_changed_file_is_not_looked_at_unless_told_so(tmp_path, a, file):
    savedmodels.write_affine(tmp_path / "b", 4)
    with from_file(file) as server:
        write(file, models_config(model_config(tmp_path / "b", name="b")))
        savedmodels.write_affine(a, 2)
        server.wait_for_states([(2, "AVAILABLE"), (1, "END")], name="a")
        assert refusal(server.states, name="b")[0] == Code.NOT_FOUND


@pytest.mark.parametrize("text", ["model_config_list { config {", "models: 'a'", None])
def test_a_file_that_cannot_be_read_changes_nothing_and_is_said_once(tmp_path, a, file, text):
    log = tmp_path / "log"
    with from_file(file, *POLL, log=log) as server:
        file.unlink() if text is None else write(file, text)
        while "not followed" not in log.read_text():
            assert server.predict({"x": X}, name="a").model_spec.version.value == 1
        savedmodels.write_affine(a, 2)  # while it loads the file is read several times
        server.wait_for_states([(2, "AVAILABLE"), (1, "END")], name="a")
        write(file, models_config(model_config(a, name="b")))
        server.wait_for_states([(2, "AVAILABLE")], name="b")
    assert log.read_text().count(f"not followed: can't read {file}") == 1


def test_a_label_is_given_as_soon_as_its_version_is_served(a, file):
    policy = "model_version_policy { all {} }" + LABEL.replace("1", "2")
    with from_file(file, *POLL) as server:
        write(file, models_config(model_config(a, policy, name="a")))
        savedmodels.write_affine(a, 2)
        server.wait_for_states([(2, "AVAILABLE"), (1, "AVAILABLE")], name="a")
        answer = server.predict({"x": X}, name="a", version_label="stable")
        assert answer.model_spec.version.value == 2


def test_at_the_start_labels_need_the_flag_as_nothing_is_served_yet(a, tmp_path):
    file = write(tmp_path / "labels", models_config(model_config(a, LABEL, name="a")))
    with from_file(file, "--allow_version_labels_for_unavailable_models") as server:
        answer = server.predict({"x": X}, name="a", version_label="stable")
        assert answer.model_spec.version.value == 1
    assert "Request to assign label to version 1 of model a" in failure(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list { config {", "models.config: 1:28 : "),
        ("model_config_list { config { name: 'a' port: 1 } }", 'no field named "port"'),
        (models_config(model_config("here")), "Expected model m to have an absolute path"),
        ("custom_model_config {}", "custom_model_config is not supported"),
    ],
)
def test_a_wrong_file_is_one_line_and_status_1(tmp_path, text, message):
    assert message in failure(write(tmp_path / "models.config", text))


def test_a_file_that_is_not_there_is_one_line_and_status_1(tmp_path):
    assert "No such file" in failure(tmp_path / "none")


def failure(file):
    """What a server that cannot start says."""
    done = subprocess.run(
        [*arguments(NOWHERE), "--model_config_file", str(file)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=DEADLINE_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line
