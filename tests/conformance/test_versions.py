"""Versions that come and go, and requests meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from detector.wire.protos import get_model_status_pb2
from detector.wire.tensors import decode_tensor as array
from tests.model_server.process import DEADLINE_S, model_spec, refusal, tensor
from tests.support import savedmodels

pytestmark = pytest.mark.server

Code = grpc.StatusCode
X = tensor(np.array([[1, 2], [3, 4]], np.float32))


def test_a_new_version_takes_over_and_the_old_one_ends(start, tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with start(tmp_path) as server:
        assert server.states() == [(1, "AVAILABLE")]
        savedmodels.write_affine(tmp_path, 12)
        server.wait_for_states([(12, "AVAILABLE"), (1, "END")])
        answer = server.predict({"x": X})
        assert answer.model_spec.version.value == 12
        assert array(answer.outputs["y:0"])[0, 0] == 14
        assert refusal(server.predict, {"x": X}, version=1) == (
            Code.NOT_FOUND,
            "Servable not found for request: Specific(m, 1)",
        )


def test_a_version_change_fails_no_request(start, tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    changed = threading.Event()

    def ask(server):
        versions = set()
        while not changed.is_set():
            answer = server.predict({"x": X})
            versions.add(answer.model_spec.version.value)
            expected = 2 + answer.model_spec.version.value
            assert array(answer.outputs["y:0"])[0, 0] == expected
        return versions

    with start(tmp_path) as server, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask, server) for _ in range(4)]
        try:
            for version in (2, 3, 4):
                savedmodels.write_affine(tmp_path, version)
                rest = [(old, "END") for old in range(version - 1, 0, -1)]
                server.wait_for_states([(version, "AVAILABLE"), *rest])
        finally:
            changed.set()
        assert set().union(*(future.result() for future in asked)) >= {2, 3}


def test_removing_the_newest_version_brings_the_old_one_back(start, tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    newest = savedmodels.write_affine(tmp_path, 2)
    with start(tmp_path) as server:
        assert server.states() == [(2, "AVAILABLE")]
        newest.rename(tmp_path / "removed")
        server.wait_for_states([(2, "END"), (1, "AVAILABLE")])
        assert server.predict({"x": X}).model_spec.version.value == 1


def test_a_broken_new_version_leaves_the_old_one_serving_until_it_is_repaired(start, tmp_path):
    savedmodels.write_affine(tmp_path, 1)
    with start(tmp_path) as server:
        broken = tmp_path / "2"
        broken.mkdir()
        (broken / "saved_model.pb").write_bytes(b"\xff not a SavedModel")
        server.wait_for_states([(2, "END"), (1, "AVAILABLE")])
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_spec(version=2))
        status = server.models.GetModelStatus(request, timeout=DEADLINE_S).model_version_status[0]
        assert status.status.error_code == Code.DATA_LOSS.value[0]
        assert status.status.error_message.endswith("saved_model.pb as binary proto")
        assert server.predict({"x": X}).model_spec.version.value == 1

        other = savedmodels.write_affine(tmp_path / "elsewhere", 2)
        (other / "saved_model.pb").replace(broken / "saved_model.pb")
        server.wait_for_states([(2, "AVAILABLE"), (1, "END")])


def test_the_highest_number_is_served(start, tmp_path):
    for version in (9, 10, 1):
        savedmodels.write_affine(tmp_path, version)
    with start(tmp_path) as server:
        assert server.states() == [(10, "AVAILABLE")]
        assert server.predict({"x": X}).model_spec.version.value == 10


def test_a_number_may_begin_with_zeros(start, tmp_path):
    savedmodels.write_affine(tmp_path, 123).rename(tmp_path / "00000123")
    with start(tmp_path) as server:
        assert server.states() == [(123, "AVAILABLE")]
