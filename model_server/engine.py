"""A SavedModel, loaded and ready to run: by OpenVINO, or by TensorFlow where OpenVINO can't."""

import logging
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import grpc
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from detector.wire.protos import meta_graph_pb2, saved_model_pb2

EngineName = Literal["auto", "openvino", "tensorflow"]
Arrays = Mapping[str, NDArray[Any]]

DEFAULT_SIGNATURE = "serving_default"
SAVED_MODEL = "saved_model.pb"
_INIT_SIGNATURE = "__saved_model_init_op"  # TensorFlow's own: it has no outputs to ask for

_log = logging.getLogger(__name__)


class EngineError(Exception):
    """A SavedModel could not be loaded or run. `code` is what a caller is told."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Model:
    """One version of a model. Safe to use from several threads."""

    def __init__(self, folder: Path, engine: EngineName = "auto", threads: int = 0) -> None:
        """Loads the default signature, so that what cannot run is refused here and not later.

        Args:
            folder: holds saved_model.pb.
            engine: `auto` is OpenVINO where it can read the model, otherwise TensorFlow.
            threads: CPU threads of a run; 0 = the engine's own choice.

        Raises:
            EngineError
        """
        self._folder = folder
        self._saved_model = _read_saved_model(folder)
        self._engine = engine
        self._threads = threads
        self._runners: dict[str, _Runner] = {}
        self._session: _TensorFlow | None = None
        self._loading = threading.Lock()
        self.signatures: Mapping[str, meta_graph_pb2.SignatureDef] = dict(
            self._saved_model.meta_graphs[0].signature_def
        )
        names = sorted(self.signatures.keys() - {_INIT_SIGNATURE})
        if not names:
            raise EngineError(
                grpc.StatusCode.FAILED_PRECONDITION, f"{folder} has no signature to serve"
            )
        self._runner(DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in names else names[0])

    def run(
        self, signature: str, inputs: Arrays, outputs: Sequence[str], timeout_s: float | None
    ) -> AbstractContextManager[Arrays]:
        """The outputs, by alias, to be used inside the `with` only: they are the engine's memory.

        Args:
            signature: one of `signatures`.
            inputs: alias -> array, of the dtypes and shapes of that signature.
            outputs: aliases.
            timeout_s: the longest time to wait for a free engine.

        Raises:
            EngineError, TimeoutError
        """
        return self._runner(signature).run(inputs, outputs, timeout_s)

    def _runner(self, signature: str) -> "_Runner":
        with self._loading:
            if signature not in self._runners:
                self._runners[signature] = self._load(signature)
            return self._runners[signature]

    def _load(self, signature: str) -> "_Runner":
        if signature == _INIT_SIGNATURE:
            raise EngineError(
                grpc.StatusCode.INVALID_ARGUMENT, f"{signature} has no outputs to ask for"
            )
        start = time.perf_counter()
        runner: _Runner
        try:
            if self._engine == "tensorflow":
                runner = self._load_tensorflow(signature)
            else:
                runner = _OpenVINO(self._folder, self._saved_model, signature, self._threads)
        except EngineError as error:
            if self._engine != "auto":
                raise
            _log.warning("OpenVINO can't serve this SavedModel, TensorFlow will: %s", error)
            runner = self._load_tensorflow(signature)
        seconds = time.perf_counter() - start
        name = type(runner).__name__.strip("_")
        _log.info("%s: signature %s loaded by %s in %.2f s", self._folder, signature, name, seconds)
        return runner

    def _load_tensorflow(self, signature: str) -> "_Runner":
        if self._session is None:
            self._session = _TensorFlow(self._folder, self._threads)
        return _TensorFlowSignature(self._session, self.signatures[signature])


def _read_saved_model(folder: Path) -> saved_model_pb2.SavedModel:
    """The SavedModel of a folder, cut down to the graph that is for serving."""
    path = folder / SAVED_MODEL
    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except OSError as error:
        raise EngineError(grpc.StatusCode.NOT_FOUND, f"Can't read {path}: {error}") from error
    except DecodeError as error:
        message = f"Can't parse {path} as binary proto"
        raise EngineError(grpc.StatusCode.DATA_LOSS, message) from error
    graphs = [meta for meta in saved_model.meta_graphs if meta.meta_info_def.tags == ["serve"]]
    if not graphs:
        message = f"Could not find meta graph def matching supplied tags: {{ serve }} in {path}"
        raise EngineError(grpc.StatusCode.NOT_FOUND, message)
    served = saved_model_pb2.SavedModel(
        saved_model_schema_version=saved_model.saved_model_schema_version
    )
    served.meta_graphs.append(graphs[0])
    return served


class _Runner(Protocol):
    def run(
        self, inputs: Arrays, outputs: Sequence[str], timeout_s: float | None
    ) -> AbstractContextManager[Arrays]: ...


class _OpenVINO:
    """One signature, compiled by OpenVINO. Its inputs and outputs carry the signature's aliases."""

    def __init__(
        self, folder: Path, saved_model: saved_model_pb2.SavedModel, signature: str, threads: int
    ) -> None:
        try:
            import openvino  # 0.1 to 0.3 s, not spent where TensorFlow is asked for
        except ImportError as error:
            message = f"OpenVINO can't be imported: {error}"
            raise EngineError(grpc.StatusCode.FAILED_PRECONDITION, message) from error

        # The first use of NumPy in OpenVINO's binding sets it up. Two threads that do so at once
        # wait for each other for ever, one for the interpreter's lock, one for the set-up's.
        openvino.Tensor(np.zeros(1, np.float32))
        core = openvino.Core()
        settings: dict[str, Any] = {
            # The default on CPUs with bfloat16 units is bfloat16: other numbers than TensorFlow's.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            with _folder_for(folder, saved_model, signature) as path:
                model = core.read_model(path)
                # A run that is alone has all cores; of several at a time each has its own, which
                # gives the same numbers and, on two cores, 1.2 times as many runs a second.
                alone, together = (
                    core.compile_model(model, "CPU", {**settings, "PERFORMANCE_HINT": hint})
                    for hint in ("LATENCY", "THROUGHPUT")
                )
        except RuntimeError as error:
            raise EngineError(grpc.StatusCode.INTERNAL, _one_line(error)) from error
        expected = saved_model.meta_graphs[0].signature_def[signature]
        found = {name for port in alone.outputs for name in port.get_names()}
        if missing := set(expected.outputs) - found:
            message = f"OpenVINO found the outputs {sorted(found)}, but not {sorted(missing)}"
            raise EngineError(grpc.StatusCode.INTERNAL, message)
        # OpenVINO drops the inputs that no output needs
        self._inputs = {name for port in alone.inputs for name in port.get_names()}
        # A request is not shareable between threads. One more than can run at a time, so that one
        # runs while the outputs of another are copied.
        self._alone = alone.create_infer_request()
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(together.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1):
            self._free.put(together.create_infer_request())
        self._counting = threading.Lock()
        self._running = 0  # runs that have a request or wait for one

    @contextmanager
    def run(
        self, inputs: Arrays, outputs: Sequence[str], timeout_s: float | None
    ) -> Iterator[Arrays]:
        with self._request(timeout_s) as request:
            try:
                result = request.infer(
                    {alias: array for alias, array in inputs.items() if alias in self._inputs},
                    share_inputs=True,
                    share_outputs=True,
                )
            except (RuntimeError, TypeError, ValueError) as error:
                raise EngineError(grpc.StatusCode.INVALID_ARGUMENT, _one_line(error)) from error
            yield {alias: result[alias] for alias in outputs}

    @contextmanager
    def _request(self, timeout_s: float | None) -> Iterator[Any]:
        with self._counting:
            is_alone = self._running == 0
            self._running += 1
        try:
            if is_alone:
                yield self._alone
                return
            try:
                request = self._free.get(timeout=timeout_s)
            except queue.Empty as error:
                raise TimeoutError from error
            try:
                yield request
            finally:
                self._free.put(request)
        finally:
            with self._counting:
                self._running -= 1


@contextmanager
def _folder_for(
    folder: Path, saved_model: saved_model_pb2.SavedModel, signature: str
) -> Iterator[Path]:
    """A folder in which that signature is the default one, the only one that OpenVINO reads."""
    if signature == DEFAULT_SIGNATURE:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="model_server_") as name:
        copy = saved_model_pb2.SavedModel()
        copy.CopyFrom(saved_model)
        signatures = copy.meta_graphs[0].signature_def
        signatures[DEFAULT_SIGNATURE].CopyFrom(saved_model.meta_graphs[0].signature_def[signature])
        changed = Path(name)
        (changed / SAVED_MODEL).write_bytes(copy.SerializeToString())
        if (folder / "variables").exists():
            (changed / "variables").symlink_to((folder / "variables").resolve())
        yield changed


class _TensorFlow:
    """A session with the SavedModel's graph and variables, loaded as TensorFlow Serving does."""

    def __init__(self, folder: Path, threads: int) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            import tensorflow  # about ten seconds and 600 MB: only where it is needed
        except ImportError as error:
            message = f"TensorFlow can't be imported: {error}"
            raise EngineError(grpc.StatusCode.FAILED_PRECONDITION, message) from error

        self.errors = tensorflow.errors
        v1 = tensorflow.compat.v1
        config = v1.ConfigProto(
            intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
        )
        self.session = v1.Session(graph=tensorflow.Graph(), config=config)
        try:
            with self.session.graph.as_default():
                v1.saved_model.load(self.session, ["serve"], str(folder))
        except (OSError, ValueError, RuntimeError, tensorflow.errors.OpError) as error:
            raise EngineError(grpc.StatusCode.INTERNAL, _one_line(error)) from error

    def callable(self, inputs: Sequence[str], outputs: Sequence[str]) -> Callable[..., list[Any]]:
        """Session.run for these tensors, without its look at the shapes.

        It refuses what does not fit the shapes of the graph, where the C++ session that TensorFlow
        Serving calls just runs. TensorFlow has no public way to that.
        """
        from tensorflow.core.protobuf import config_pb2  # at hand since TensorFlow is imported

        options = config_pb2.CallableOptions(feed=inputs, fetch=outputs)
        return cast(Callable[..., list[Any]], self.session._make_callable_from_options(options))


class _TensorFlowSignature:
    """One signature, run in a session, which is safe to share between threads."""

    def __init__(self, tensorflow: _TensorFlow, signature: meta_graph_pb2.SignatureDef) -> None:
        self._tensorflow = tensorflow
        self._callables: dict[tuple[str, ...], Callable[..., list[Any]]] = {}
        self._inputs = {alias: info.name for alias, info in signature.inputs.items()}
        self._outputs = {alias: info.name for alias, info in signature.outputs.items()}

    @contextmanager
    def run(
        self, inputs: Arrays, outputs: Sequence[str], timeout_s: float | None
    ) -> Iterator[Arrays]:
        try:
            arrays = self._callable(tuple(sorted(outputs)))(
                *(inputs[alias] for alias in self._inputs)
            )
        except self._tensorflow.errors.OpError as error:
            codes = {code.value[0]: code for code in grpc.StatusCode}
            raise EngineError(codes[error.error_code], error.message) from error
        except (TypeError, ValueError) as error:
            raise EngineError(grpc.StatusCode.INVALID_ARGUMENT, _one_line(error)) from error
        yield {
            # the output of one string is no array
            alias: np.asarray(array, object if isinstance(array, bytes) else None)
            for alias, array in zip(sorted(outputs), arrays, strict=True)
        }

    def _callable(self, outputs: tuple[str, ...]) -> Callable[..., list[Any]]:
        if outputs not in self._callables:
            self._callables[outputs] = self._tensorflow.callable(
                list(self._inputs.values()), [self._outputs[alias] for alias in outputs]
            )
        return self._callables[outputs]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
