"""The command line: `python -m detector predict IMAGE...`.

Nothing here is slow to import: no Plotly, no pandas, no TensorFlow.
"""

import argparse
import dataclasses
import functools
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

from detector.config import Config, read_secrets
from detector.embedded import EmbeddedServer
from detector.errors import ConfigError, ImageError, LensError, ServingError
from detector.exports import DetectedImage, annotated_png, record, to_csv, unique_stems
from detector.images import RGBImage, read_image
from detector.serving import ServingClient, connect
from detector.ssd import RawPrediction, Settings, postprocess, preprocess

# 2 is argparse's own, for a command line or a setting that can't be.
_IMAGES_FAILED = 1
_USAGE = 2
_SERVER_FAILED = 3
_OUTPUT_FAILED = 4
# As a shell reports a process that the signal ended.
_SIGNALLED = 128
_BROKEN_PIPE = 128 + 13
_SUFFIX = "-detected.png"
# A progress bar appears for more images than this.
_FEW = 3

_EPILOG = """\
examples:
  python -m detector predict photo.jpg
  python -m detector predict --json *.jpg > found.jsonl
  python -m detector predict --server 127.0.0.1:8500 --score 0.5 --out found/ shelf/*.jpg

Without --server, and without a server in the settings (COMMODITY_LENS_SERVER), the project's own
model server is started for the run and ended with it.

--json prints one object a line for each image, in the given order:
  {"image", "width", "height", "model": {"name", "version"},
   "detections": [{"label", "class_id", "score", "box": [xmin, ymin, xmax, ymax]}],
   "timings_ms": {"decode", "preprocess", "call", "postprocess"}}
with boxes in pixels of the image, best score first. An image that cannot be read gets
{"image", "error"}; the others are still done.

exit status:
  0  every image was done
  1  some images could not be read
  2  the command line or a setting is wrong
  3  the model server could not be started or reached, or its answer is unusable
  4  a result could not be written
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line. Returns the exit status; see the help for what each means."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The name of a file need not be text in any encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _predict(options)
        sys.stdout.flush()
        return status
    except ConfigError as error:
        _complain(error)
        return _USAGE
    except ServingError as error:
        _complain(error)
        return _SERVER_FAILED
    except BrokenPipeError:
        # Whoever read the output has closed it. Python flushes it once more at exit: to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except _OutputError as error:
        _complain(error)
        return _OUTPUT_FAILED


def _predict(options: argparse.Namespace) -> int:
    settings = Settings(
        score_threshold=options.score,
        iou_threshold=options.iou,
        class_agnostic=options.class_agnostic,
        top_k=options.top_k,
    )
    config = _config(options)
    out = _Output(options.out, options.images, config.labels) if options.out else None
    formatted = _as_json if options.json else _as_text
    failed = False
    with ExitStack() as stack:
        # The server comes up while the first image is read.
        detect = stack.enter_context(_Detector(config))
        images, write = stack.enter_context(_progress(options.images))
        for path in images:
            if _signals:
                sys.exit(_SIGNALLED + _signals[0])
            started = time.perf_counter()
            try:
                image = _read(path, config)
            except ImageError as error:
                failed = True
                write(formatted({"image": path, "error": str(error)}, error.hint))
                continue
            timings = {"decode": time.perf_counter() - started}
            found = detect(path, image, settings, timings)
            spent_ms = {name: round(1000 * spent_s, 2) for name, spent_s in timings.items()}
            write(formatted({**record(found, config.labels), "timings_ms": spent_ms}, ""))
            if out:
                out.add(found, image)
        if out:
            out.close()
    return _IMAGES_FAILED if failed else 0


class _Detector:
    """The model behind the configured server, or behind one that lives as long as this does."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stack = ExitStack()
        self._client: ServingClient | None = None

    def __enter__(self) -> "_Detector":
        self._embedded: EmbeddedServer | None = None
        if self._config.server is None:
            server = EmbeddedServer(self._config.model_name, self._config.model_base_path)
            self._embedded = self._stack.enter_context(server)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()

    def __call__(
        self, name: str, image: RGBImage, settings: Settings, timings: dict[str, float]
    ) -> DetectedImage:
        """What the model sees in an image. Adds seconds to the timings."""
        if self._client is None:
            address = self._embedded.address if self._embedded else None
            self._client = self._stack.enter_context(connect(self._config, address))
        with _timed(timings, "preprocess"):
            batch = preprocess(image)
        with _timed(timings, "call"):
            prediction = self._client.predict(
                {self._config.input_name: batch}, [self._config.output_name]
            )
        with _timed(timings, "postprocess"):
            raw = RawPrediction.of_single(
                prediction.outputs[self._config.output_name], len(self._config.labels)
            )
            height, width, _ = image.shape
            detections = postprocess(raw, settings, (width, height))
        return DetectedImage(
            name,
            (width, height),
            detections,
            model_name=prediction.model.name,
            model_version=prediction.model.version,
            settings=settings,
        )


class _Output:
    """The folder of --out: NAME-detected.png for each image, and detections.csv for all."""

    def __init__(self, folder: Path, images: Sequence[str], labels: Sequence[str]) -> None:
        self._folder = folder
        self._labels = labels
        self._found: list[DetectedImage] = []
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            # --out may be the folder of the images, and none of them may be written over.
            # realpath: unlike Path.resolve it takes a link that leads to itself.
            inputs = [Path(os.path.realpath(image)) for image in images]
            here = [path.name for path in inputs if path.parent == folder.resolve()]
        distinct = dict.fromkeys(images)
        taken = [name.removesuffix(_SUFFIX) for name in here if name.endswith(_SUFFIX)]
        self._names = dict(zip(distinct, unique_stems(distinct, taken), strict=True))

    def add(self, found: DetectedImage, image: RGBImage) -> None:
        self._found.append(found)
        png = annotated_png(image, found.detections, self._labels)
        with self._writing():
            (self._folder / f"{self._names[found.file_name]}{_SUFFIX}").write_bytes(png)

    def close(self) -> None:
        with self._writing():
            (self._folder / "detections.csv").write_bytes(to_csv(self._found, self._labels))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _OutputError(
                f"cannot write to {error.filename or self._folder}: {error.strerror}",
                "Give --out a folder that you may write to, on a disk with room.",
            ) from error


class _OutputError(LensError):
    """A result could not be written."""


def _config(options: argparse.Namespace) -> Config:
    given = {
        "server": options.server,
        "model_name": options.model,
        "model_version": options.model_version,
        "timeout_s": options.timeout,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(Config.load(read_secrets()), **changed)


def _read(path: str, config: Config) -> RGBImage:
    limits = config.image_limits
    try:
        with Path(path).open("rb") as file:
            # One byte too many is enough to be refused; a device may have no end.
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise ImageError(f"cannot be opened: {error.strerror}", "Check the path.") from error
    except ValueError as error:  # A null character in the path.
        raise ImageError(f"cannot be opened: {error}", "Check the path.") from error
    return read_image(data, limits)


def _as_json(result: dict[str, Any], hint: str) -> str:
    return json.dumps(result)


def _as_text(result: dict[str, Any], hint: str) -> str:
    if "error" in result:
        return f"{result['image']}: {result['error']}\n  {hint}"
    detections = result["detections"]
    count = f"{len(detections)} {'object' if len(detections) == 1 else 'objects'}"
    size = f"{result['width']} x {result['height']} pixels"
    model = f"{result['model']['name']} {result['model']['version']}"
    took = f"{sum(result['timings_ms'].values()):.0f} ms"
    lines = [f"{result['image']}: {count} ({size}, {model}, {took})"]
    wide = max((len(found["label"]) for found in detections), default=0)
    for found in detections:
        box = " ".join(f"{value:7.1f}" for value in found["box"])
        lines.append(f"  {found['score']:.2f}  {found['label']:<{wide}}  {box}")
    return "\n".join(lines)


Write = Callable[[str], None]


@contextmanager
def _progress(images: Sequence[str]) -> Iterator[tuple[Iterable[str], Write]]:
    """The images, and what writes a line on standard output at once, so that a reader can follow.

    With a progress bar on standard error for more than a few images, where a person looks on.
    """
    if len(images) <= _FEW or not sys.stderr.isatty():
        yield images, functools.partial(print, flush=True)
        return
    from tqdm import tqdm

    with tqdm(images, unit="image", dynamic_ncols=True, leave=False) as bar:

        def write(line: str) -> None:
            bar.write(line, file=sys.stdout)
            sys.stdout.flush()

        yield bar, write


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - started


def _complain(error: LensError) -> None:
    print(f"{_PROGRAM}: {error}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)


def _end(signum: int, frame: Any) -> NoReturn:
    """Ends by way of every `with`, so that the embedded server ends first.

    Python drops an exception that arises in a callback, one of gRPC's for instance: so the signal
    is noted too, and looked for before each image.
    """
    _signals.append(signum)
    sys.exit(_SIGNALLED + signum)


_signals: list[int] = []


_PROGRAM = "python -m detector"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="What an SSD300 detector sees in pictures."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    predict = commands.add_parser(
        "predict",
        help="print what is seen in each image",
        description="Prints what the detector sees in each image.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="a picture's file")
    predict.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="gRPC address of a TensorFlow Serving; without one, an own server is started",
    )
    predict.add_argument(
        "--model", metavar="NAME", help="name of the model on the server (default: commodity)"
    )
    predict.add_argument(
        "--model-version", type=int, metavar="N", help="its version (default: the newest)"
    )
    predict.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="how long one call may take (default: 10)"
    )
    defaults = Settings()
    predict.add_argument(
        "--score",
        type=_fraction,
        default=defaults.score_threshold,
        metavar="0..1",
        help="show boxes with at least this score (default: %(default)s)",
    )
    predict.add_argument(
        "--iou",
        type=_fraction,
        default=defaults.iou_threshold,
        metavar="0..1",
        help="drop a box that overlaps a better one by more than this (default: %(default)s)",
    )
    predict.add_argument(
        "--class-agnostic",
        action="store_true",
        help="let boxes of different classes drop each other too",
    )
    predict.add_argument(
        "--top-k",
        type=_count,
        default=defaults.top_k,
        metavar="N",
        help="show at most this many boxes an image (default: %(default)s)",
    )
    predict.add_argument(
        "--json", action="store_true", help="print one JSON object a line for each image"
    )
    predict.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="also write each image with its boxes as FOLDER/NAME-detected.png, and all"
        " boxes as"
        " FOLDER/detections.csv",
    )
    return parser


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
