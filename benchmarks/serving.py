"""What the way to the model server costs: a call of it, against the same model in process.

    python -m benchmarks.serving [--repeats 200] [--model_base_path models/commodity]

One image, 1.08 MB there and, for an SSD300 of nine classes, 0.61 MB back. All ways run
interleaved in one process, each after a warm-up, and must give the same numbers. Reported: median
and 95th percentile in ms, and how many times as long as in process each way takes. Besides, the
time from starting each server to its first answer.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.embedded import EmbeddedServer
from detector.serving import ModelSpec, ServedModel, ServingClient
from model_server.engine import DEFAULT_SIGNATURE, Model

SEED = 11
WARM_UP = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--model_base_path", type=Path, default=Path("models/commodity"))
    args = parser.parse_args()

    folder = max(args.model_base_path.glob("[0-9]*"), key=lambda path: int(path.name))
    model = Model(folder)
    signature = model.signatures[DEFAULT_SIGNATURE]
    (input_name,), outputs = signature.inputs, sorted(signature.outputs)
    image = np.random.default_rng(SEED).normal(0, 60, (1, 300, 300, 3)).astype(np.float32)

    def in_process() -> Mapping[str, NDArray[Any]]:
        with model.run(DEFAULT_SIGNATURE, {input_name: image}, outputs, None) as arrays:
            return {alias: array.copy() for alias, array in arrays.items()}

    ways: dict[str, Callable[[], Mapping[str, NDArray[Any]]]] = {"in process": in_process}
    cold_s = []
    with ExitStack() as stack:
        for name, arguments in (("tensor_content", ()), ("float_val", ("--float_val",))):
            start = time.perf_counter()
            server = stack.enter_context(
                EmbeddedServer("m", args.model_base_path, arguments=arguments)
            )
            client = stack.enter_context(ServingClient(server.address)).model(ModelSpec("m"))

            def call(client: ServedModel = client) -> Mapping[str, NDArray[Any]]:
                return client.predict({input_name: image}).outputs

            call()
            cold_s.append(time.perf_counter() - start)
            ways[f"server, {name}"] = call
        answers = {way: run() for way, run in ways.items()}
        times = _interleaved(ways, args.repeats)

    print(f"{folder}, {args.repeats} repeats, seed {SEED}, {os.cpu_count()} cores")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    base = float(np.median(times["in process"]))
    for way, taken in times.items():
        for alias, array in answers["in process"].items():
            np.testing.assert_allclose(answers[way][alias], array, atol=1e-6)
        median, p95 = np.percentile(taken, [50, 95])
        print(f"{way:24} median {median:7.2f} ms   p95 {p95:7.2f} ms   x {median / base:5.2f}")
    print("start to first answer   " + ", ".join(f"{seconds:.2f} s" for seconds in cold_s))


def _interleaved(ways: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """The times of each way, in ms, taken in turn so that a slow moment meets them all."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for i in range(WARM_UP + repeats):
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            if i >= WARM_UP:
                times[way].append(1e3 * (time.perf_counter() - start))
    return times


if __name__ == "__main__":
    main()
