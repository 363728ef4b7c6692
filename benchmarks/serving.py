"""What the way to the model server costs, and an answer's way from its message to detections.

    python -m benchmarks.serving [--rounds 100]

`one image`: a call of the embedded server, against the same model in this process; 1.08 MB there
and 0.61 MB back. `the bytes alone`: the same without a model (benchmarks/bytes_server.py), against
gRPC that carries as many bytes without looking at them. `an answer`: from its message to what is
kept of it, against a copy of its bytes. The ways of a case run in turn, and must give the same
numbers.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import ROOT, Figure, interleaved, main, processor_s
from benchmarks.outputs import gallery_outputs, shipped_model
from detector.channel import channel_options
from detector.config import Config
from detector.embedded import ENVIRONMENT, EmbeddedServer
from detector.serving import ModelSpec, ServedModel, ServingClient
from detector.ssd import RawPrediction
from detector.wire.protos import predict_pb2
from detector.wire.tensors import decode_tensor, encode_tensor
from model_server.engine import DEFAULT_SIGNATURE

SEED = 11
Answers = Mapping[str, NDArray[Any]]


def figures(options: argparse.Namespace) -> list[Figure]:
    image = np.random.default_rng(SEED).normal(0, 60, (1, 300, 300, 3)).astype(np.float32)
    return [
        *_calls(image, options.rounds),
        *_bytes_alone(image, 2 * options.rounds),
        *_answer(4 * options.rounds),
    ]


def _calls(image: NDArray[np.float32], rounds: int) -> list[Figure]:
    config, model = Config(), shipped_model()
    outputs = [config.output_name]

    def in_process() -> Answers:
        inputs = {config.input_name: image}
        with model.run(DEFAULT_SIGNATURE, inputs, outputs, None) as arrays:
            return {alias: array.copy() for alias, array in arrays.items()}

    ways: dict[str, Callable[[], Answers]] = {"the model in this process": in_process}
    cold = Figure("from starting the server to its first answer", "embedded server")
    processes = []
    with ExitStack() as stack:
        for name, arguments in (("tensor_content", ()), ("float_val", ("--float_val",))):
            for _ in range(3 if not arguments else 1):
                start = time.perf_counter()
                server = EmbeddedServer("m", config.model_base_path, arguments=arguments)
                stack.enter_context(server)
                client = stack.enter_context(ServingClient(server.address)).model(ModelSpec("m"))

                def call(client: ServedModel = client) -> Answers:
                    return client.predict({config.input_name: image}, outputs).outputs

                call()
                if not arguments:
                    cold.values.append(time.perf_counter() - start)
                    cold.cpu_s.append(processor_s([server.pid or 0]) - processor_s())
            ways[f"embedded server, {name}"] = call
            processes.append(server.pid or 0)
        expected = in_process()
        for run in ways.values():
            for alias, array in run().items():
                np.testing.assert_allclose(array, expected[alias], atol=1e-6)
        return [*interleaved("one image", ways, rounds=rounds, processes=processes), cold]


def _bytes_alone(image: NDArray[np.float32], rounds: int) -> list[Figure]:
    config = Config()
    request = image.tobytes()
    with _bytes_server() as (address, pid), ServingClient(address) as client:
        model = client.model(ModelSpec("m"))
        with grpc.insecure_channel(address, channel_options(address, None)) as channel:
            echo: Callable[..., bytes] = channel.unary_unary("/bytes/Echo")

            def ours() -> NDArray[Any]:
                inputs = {config.input_name: image}
                return model.predict(inputs, [config.output_name]).outputs[config.output_name]

            def raw() -> bytes:
                return echo(request, timeout=10)

            assert ours().tobytes() == raw()
            ways = {"gRPC": raw, "client and service": ours}
            return interleaved("the bytes alone", ways, rounds=rounds, processes=[pid])


@contextmanager
def _bytes_server() -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "benchmarks.bytes_server"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=ENVIRONMENT | os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None  # both are pipes
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}", server.pid
        server.stdin.close()


def _answer(rounds: int) -> list[Figure]:
    name = Config().output_name
    outputs = gallery_outputs()
    messages = []
    for output in outputs:
        response = predict_pb2.PredictResponse()
        response.outputs[name].CopyFrom(encode_tensor(output[None]))
        messages.append(response)
    index = 0

    def before(number: int) -> None:
        nonlocal index
        index = number % len(outputs)

    def unpacked() -> RawPrediction:
        return RawPrediction.of_single(decode_tensor(messages[index].outputs[name], name), 9)

    ways: dict[str, Callable[[], object]] = {
        "copy of the array": lambda: outputs[index].copy(),
        "unpack, check and split": unpacked,
    }
    return interleaved("an answer", ways, rounds=rounds, before=before)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=100)


if __name__ == "__main__":
    main(__doc__, figures, add_options)
