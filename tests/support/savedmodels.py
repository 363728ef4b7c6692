"""Small SavedModels, written node by node, so that tests need no TensorFlow to make one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detector.wire.protos import saved_model_pb2, types_pb2

_TYPES = {
    "float32": types_pb2.DT_FLOAT,
    "int32": types_pb2.DT_INT32,
    "int64": types_pb2.DT_INT64,
    "string": types_pb2.DT_STRING,
}


class Graph:
    """A graph under construction; `write` makes it one version of a model."""

    def __init__(self):
        self._saved_model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
        self._meta = self._saved_model.meta_graphs.add()
        self._meta.meta_info_def.tags.append("serve")
        self._meta.graph_def.versions.producer = 1882  # a graph of TensorFlow 2

    def _node(self, op, name, inputs=(), **types):
        node = self._meta.graph_def.node.add(op=op, name=name, input=inputs)
        for key, value in types.items():
            node.attr[key].type = _TYPES[value]
        return node

    def placeholder(self, name: str, dtype: str, shape: Sequence[int | None] | None) -> str:
        """An input. A dimension of None is free, a shape of None is a free rank."""
        node = self._node("Placeholder", name, dtype=dtype)
        if shape is None:
            node.attr["shape"].shape.unknown_rank = True
        else:
            node.attr["shape"].shape.SetInParent()
            for size in shape:
                node.attr["shape"].shape.dim.add(size=-1 if size is None else size)
        return name

    def constant(self, name: str, value) -> str:
        array = np.asarray(value)
        node = self._node("Const", name, dtype=array.dtype.name)
        tensor = node.attr["value"].tensor
        tensor.dtype = _TYPES[array.dtype.name]
        tensor.tensor_shape.SetInParent()
        for size in array.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = array.tobytes()
        return name

    def binary(self, op: str, name: str, left: str, right: str, dtype: str = "float32") -> str:
        self._node(op, name, [left, right], T=dtype)
        return name

    def unary(self, op: str, name: str, value: str, dtype: str = "float32") -> str:
        self._node(op, name, [value], T=dtype)
        return name

    def cast(self, name: str, value: str, source: str, target: str) -> str:
        self._node("Cast", name, [value], SrcT=source, DstT=target)
        return name

    def mean(self, name: str, value: str, axes: str) -> str:
        node = self._node("Mean", name, [value, axes], T="float32", Tidx="int32")
        node.attr["keep_dims"].b = False
        return name

    def signature(self, name: str, inputs: dict[str, str], outputs: dict[str, str]) -> None:
        """Adds a signature: alias -> node for its inputs and outputs."""
        nodes = {node.name: node for node in self._meta.graph_def.node}
        signature = self._meta.signature_def[name]
        signature.method_name = "tensorflow/serving/predict"
        for alias, node_name in inputs.items():
            attributes = nodes[node_name].attr
            signature.inputs[alias].name = f"{node_name}:0"
            signature.inputs[alias].dtype = attributes["dtype"].type
            signature.inputs[alias].tensor_shape.CopyFrom(attributes["shape"].shape)
        for alias, node_name in outputs.items():
            attributes = nodes[node_name].attr
            signature.outputs[alias].name = f"{node_name}:0"
            signature.outputs[alias].dtype = attributes[
                "DstT" if "DstT" in attributes else "T"
            ].type
            signature.outputs[alias].tensor_shape.unknown_rank = True

    def write(self, base_path: Path, version: int) -> Path:
        """The folder of the written version. It appears whole, as TensorFlow Serving asks."""
        folder = base_path / str(version)
        unfinished = base_path / f"unfinished-{version}"
        unfinished.mkdir(parents=True)
        (unfinished / "saved_model.pb").write_bytes(self._saved_model.SerializeToString())
        return unfinished.rename(folder)


def write_affine(base_path: Path, version: int) -> Path:
    """x, float32 [N, 2] -> y = 2 x + version. A second signature, `negative`, gives -x from z."""
    graph = Graph()
    x = graph.placeholder("x_node", "float32", [None, 2])
    two = graph.constant("two", np.float32(2))
    offset = graph.constant("offset", np.float32(version))
    y = graph.binary("AddV2", "y_node", graph.binary("Mul", "product", x, two), offset)
    z = graph.placeholder("z_node", "float32", [None, 2])
    negative = graph.unary("Neg", "negative_node", z)
    graph.signature("serving_default", {"x": x}, {"y:0": y})
    graph.signature("negative", {"z": z}, {"minus_z": negative})
    return graph.write(base_path, version)


def write_mixed(base_path: Path, version: int) -> Path:
    """a, float32 [N], and b, int32 [N] -> sum (a + b), product (a b) and b_again (int64)."""
    graph = Graph()
    a = graph.placeholder("a", "float32", [None])
    b = graph.placeholder("b", "int32", [None])
    b_float = graph.cast("b_float", b, "int32", "float32")
    outputs = {
        "sum": graph.binary("AddV2", "sum", a, b_float),
        "product": graph.binary("Mul", "product", a, b_float),
        "b_again": graph.cast("b_again", b, "int32", "int64"),
    }
    graph.signature("serving_default", {"a": a, "b": b}, outputs)
    return graph.write(base_path, version)


def write_unreadable_for_openvino(base_path: Path, version: int) -> Path:
    """x, float32 [N] -> y = lgamma(x), an operation that OpenVINO does not have."""
    graph = Graph()
    x = graph.placeholder("x", "float32", [None])
    graph.signature("serving_default", {"x": x}, {"y": graph.unary("Lgamma", "y", x)})
    return graph.write(base_path, version)
