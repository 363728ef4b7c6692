"""How fast many images go through the model server, against the same model in process.

    python -m benchmarks.batch [--pictures 64] [--rounds 6] [--megapixels 0.3] [--apart]
    python -m benchmarks.batch --memory 1000 --megapixels 12

Three ways over the same JPEGs, in turn and in one process: the engine alone, one image after the
other whose pixels are ready (`engine`); the same with reading, decoding and preprocessing before it
(`in process`); and `detector.batch` through the embedded server (`batch`). All give the same boxes.
Reported: seconds an image of each round.

On few cores the server and this process take them from each other: with --apart the engine, in the
server or in process, has one core to itself and everything else the others, as on a machine with
cores to spare or with the server elsewhere.

With --memory nothing is compared: so many images go through the server, and the growth of this
process's memory over its start is reported, at most and at the end.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import ROOT, Figure, interleaved, main, median, percentile
from detector.batch.run import Source, run
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.images import read_image
from detector.serving import ModelSpec, ServedModel, connect
from detector.ssd import RawPrediction, Settings, postprocess, preprocess
from model_server.engine import DEFAULT_SIGNATURE, Model

SEED = 5
CORES = 4
SAMPLES = ROOT / "samples"


def figures(options: argparse.Namespace) -> list[Figure]:
    config = Config()
    files = _jpegs(options.megapixels, 16)
    cores = os.sched_getaffinity(0)
    engine_cores = {max(cores)} if options.apart else cores
    # The server's process inherits the cores of the thread that starts it.
    os.sched_setaffinity(0, engine_cores)
    threads = 1 if options.apart else 0
    model = Model(
        max(config.model_base_path.glob("[0-9]*"), key=lambda path: int(path.name)),
        threads=threads,
    )
    with (
        EmbeddedServer(config.model_name, config.model_base_path, threads=threads) as server,
        connect(config, server.address) as connection,
    ):
        client = connection.model(ModelSpec.of(config))
        client.wait_until_ready(60)
        os.sched_setaffinity(0, cores - engine_cores if options.apart else cores)
        if options.memory:
            return _memory(files, options.memory, client, config)
        return _rates(files, options, client, config, model, engine_cores, server.pid or 0)


def _rates(
    files: list[bytes],
    options: argparse.Namespace,
    client: ServedModel,
    config: Config,
    model: Model,
    engine_cores: set[int],
    server: int,
) -> list[Figure]:
    pictures = options.pictures
    chosen = [files[i % len(files)] for i in range(pictures)]
    ready = [preprocess(read_image(data)) for data in files]

    def answer(pixels: np.ndarray) -> RawPrediction:
        with model.run(
            DEFAULT_SIGNATURE, {config.input_name: pixels}, [config.output_name], None
        ) as arrays:
            return RawPrediction.of_single(arrays[config.output_name], len(config.labels))

    def engine() -> list[RawPrediction]:
        with _on(engine_cores):
            return [answer(ready[i % len(ready)]) for i in range(pictures)]

    def in_process() -> list[RawPrediction]:
        with _on(engine_cores):
            return [answer(preprocess(read_image(data))) for data in chosen]

    def through_server() -> list[RawPrediction]:
        sources = [Source(str(i), partial(bytes, data)) for i, data in enumerate(chosen)]
        found = sorted(run(sources, client, config), key=lambda done: done.index)
        return [done.raw for done in found if done.raw is not None]

    ways: dict[str, Callable[[], list[RawPrediction]]] = {
        "the engine alone, pixels ready": engine,
        "in this process, with reading and decoding": in_process,
        "detector.batch through the embedded server": through_server,
    }
    boxes = [_boxes(measured()) for measured in ways.values()]  # warm-up too
    assert boxes[0] == boxes[1] == boxes[2]
    size_kb = sum(map(len, files)) / len(files) / 1e3
    case = f"an image of {options.megapixels:g} megapixels, {size_kb:.0f} kB, of {pictures}"
    measured = interleaved(
        case + ", engine apart" * options.apart,
        ways,
        rounds=options.rounds,
        warm_up=0,
        processes=[server],
    )
    for figure in measured:
        figure.values = [spent_s / pictures for spent_s in figure.values]
        figure.cpu_s = [spent_s / pictures for spent_s in figure.cpu_s]
        by_calculation = CORES / percentile(figure.cpu_s, 50)
        figure.note = (
            f"{1 / median(figure):.0f} images a second; {by_calculation:.0f} by calculation, from "
            f"the processor time, on {CORES} cores"
        )
    return measured


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """This thread on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    yield
    os.sched_setaffinity(0, before)


def _boxes(found: list[RawPrediction]) -> list[list[str]]:
    return [postprocess(raw, Settings(), (1, 1)).ids for raw in found]


def _memory(files: list[bytes], pictures: int, client: ServedModel, config: Config) -> list[Figure]:
    sources = (Source(str(i), partial(bytes, files[i % len(files)])) for i in range(pictures))
    start = most = _resident()
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.005):
            most = max(most, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    kept = list(run(sources, client, config))
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    note = f"all answers kept, {len(kept) / seconds:.0f} images a second"
    case = f"memory of {len(kept)} images beyond that of the start"
    values = {"at most": most - start, "at the end": _resident() - start}
    return [Figure(case, way, [value], unit="byte", note=note) for way, value in values.items()]


def _resident() -> float:
    """Bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _jpegs(megapixels: float, count: int) -> list[bytes]:
    """The samples at that size, with noise so that a large one is not merely smooth."""
    generator = np.random.default_rng(SEED)
    found = []
    for path in sorted(SAMPLES.glob("*.jpg"))[:count]:
        with Image.open(path) as image:
            scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = (round(image.width * scale), round(image.height * scale))
            pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
        noise = generator.integers(-4, 5, pixels.shape, dtype=np.int16)
        buffer = BytesIO()
        noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--megapixels", type=float, default=0.3)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--memory", type=int, metavar="PICTURES")


if __name__ == "__main__":
    main(__doc__, figures, add_options)
