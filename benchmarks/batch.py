"""How fast many images go through the model server, against the same model in process.

    python -m benchmarks.batch [--pictures 64] [--rounds 6] [--megapixels 0.3] [--apart]
    python -m benchmarks.batch --memory 1000 --megapixels 12

Three ways over the same JPEGs, in turn and in one process: the engine alone, one image after the
other whose pixels are ready (`engine`); the same with reading, decoding and preprocessing before it
(`in process`); and `detector.batch` through the embedded server (`batch`). All give the same boxes.
Reported: images a second of each way, the median over rounds, and the ratios of a round.

On few cores the server and this process take them from each other: with --apart the engine, in the
server or in process, has one core to itself and everything else the others, as on a machine with
cores to spare or with the server elsewhere.

With --memory nothing is compared: so many images go through the server, and the growth of this
process's memory over its start is reported, at most and at the end.
"""

import argparse
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from detector.batch.run import Source, run
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.images import read_image
from detector.serving import ModelSpec, ServedModel, connect
from detector.ssd import RawPrediction, Settings, postprocess, preprocess
from model_server.engine import DEFAULT_SIGNATURE, Model

SEED = 5
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--megapixels", type=float, default=0.3)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--memory", type=int, metavar="PICTURES")
    args = parser.parse_args()
    config = Config()
    files = _jpegs(args.megapixels, 16)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, seed {SEED}")
    print(
        f"{args.megapixels:g} megapixels, {sum(map(len, files)) / len(files) / 1e3:.0f} kB a JPEG"
    )
    cores = os.sched_getaffinity(0)
    engine_cores = {max(cores)} if args.apart else cores
    # The server's process inherits the cores of the thread that starts it.
    os.sched_setaffinity(0, engine_cores)
    threads = 1 if args.apart else 0
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
        os.sched_setaffinity(0, cores - engine_cores if args.apart else cores)
        if args.memory:
            _memory(files, args.memory, client, config)
        else:
            _rates(files, args.pictures, args.rounds, client, config, model, engine_cores)


def _rates(
    files: list[bytes],
    pictures: int,
    rounds: int,
    client: ServedModel,
    config: Config,
    model: Model,
    engine_cores: set[int],
) -> None:
    chosen = [files[i % len(files)] for i in range(pictures)]
    ready = [preprocess(read_image(data)) for data in files]

    def answer(pixels: np.ndarray) -> RawPrediction:
        with model.run(
            DEFAULT_SIGNATURE, {config.input_name: pixels}, [config.output_name], None
        ) as arrays:
            output = arrays[config.output_name]
            return RawPrediction.of_single(output, len(config.labels)).compact()

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
        "engine": engine,
        "in process": in_process,
        "batch": through_server,
    }
    boxes = {way: _boxes(measured()) for way, measured in ways.items()}  # warm-up too
    assert boxes["engine"] == boxes["in process"] == boxes["batch"]
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, measured in ways.items():
            start = time.perf_counter()
            measured()
            rates[way].append(pictures / (time.perf_counter() - start))
    for way, each in rates.items():
        print(f"{way:12}{np.median(each):7.1f} a second")
    for way in ("engine", "in process"):
        ratios = np.array(rates["batch"]) / rates[way]
        print(
            f"batch / {way}: median {np.median(ratios):.2f},"
            f" from {ratios.min():.2f} to {ratios.max():.2f}"
        )


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """This thread on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    yield
    os.sched_setaffinity(0, before)


def _boxes(found: list[RawPrediction]) -> list[list[str]]:
    return [postprocess(raw, Settings(), (1, 1)).ids for raw in found]


def _memory(files: list[bytes], pictures: int, client: ServedModel, config: Config) -> None:
    sources = (Source(str(i), partial(bytes, files[i % len(files)])) for i in range(pictures))
    start_mb = _resident_mb()
    most_mb = start_mb
    over = threading.Event()

    def watch() -> None:
        nonlocal most_mb
        while not over.wait(0.005):
            most_mb = max(most_mb, _resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    kept = list(run(sources, client, config))
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    print(f"{len(kept)} images, {len(kept) / seconds:.1f} a second, all answers kept")
    print(f"memory beyond the {start_mb:.0f} MB of the start: at most {most_mb - start_mb:.0f} MB,")
    print(f"at the end {_resident_mb() - start_mb:.0f} MB")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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


if __name__ == "__main__":
    main()
