"""The serving API without TensorFlow, each proved in a process of its own."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_protos_leaves_no_tensorflow_behind():
    assert run("import sys, detector.wire.protos; print('tensorflow' in sys.modules)") == "False"


def test_importing_every_module_of_the_detector_runs_nothing_of_tensorflow():
    loaded = run(
        """
import importlib, os, pkgutil, sys
import detector
for module in pkgutil.iter_modules(detector.__path__):
    if module.name != "__main__":
        importlib.import_module(f"detector.{module.name}")
# Generated messages and the empty packages around them are all that may be there.
files = {
    name: getattr(module, "__file__", None)
    for name, module in sys.modules.items()
    if name.split(".")[0] == "tensorflow" and not name.endswith("_pb2")
}
print(*[name for name, file in files.items() if file is not None and os.path.getsize(file) > 0])
print("tensorflow" in sys.modules)
"""
    )
    assert loaded == "False"


@pytest.mark.slow
def test_tensorflow_imported_later_is_the_real_one_and_shares_the_messages():
    code = """
from detector.wire.protos import meta_graph_pb2, predict_pb2, tensor_pb2
import tensorflow as tf
request = predict_pb2.PredictRequest()
request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0, 2.0]))
assert tf.make_ndarray(request.inputs["x"]).tolist() == [1.0, 2.0]
assert type(tf.make_tensor_proto(1)) is tensor_pb2.TensorProto
assert tf.compat.v1.MetaGraphDef is meta_graph_pb2.MetaGraphDef
assert tf.constant([1, 2]).numpy().tolist() == [1, 2]
print(tf.__version__)
"""
    assert run(code).startswith("2.")


@pytest.mark.slow
def test_a_tensorflow_that_is_already_loaded_is_left_alone():
    code = """
import sys
import tensorflow as tf
import detector.wire.protos
print(sys.modules["tensorflow"] is tf)
"""
    assert run(code) == "True"
