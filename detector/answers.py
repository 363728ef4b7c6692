"""The one path of an image: read, preprocess, predict, split, compact.

The pages, the batch, the command line, the evaluation of a trained model and notebooks all take it.
`Detector` is the whole path behind one door; `load` and `SSDModel.ask` are its two halves, for who
has work to do in between.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detector.config import Config, read_secrets
from detector.embedded import EmbeddedServer
from detector.errors import OutputError, RequestTooLargeError
from detector.images import ImageLimits, RGBImage, read_file, read_memory, read_upright
from detector.merging import merged
from detector.room import Room
from detector.serving import (
    ModelSpec,
    ModelVersion,
    ServedModel,
    ServingClient,
    connect,
)
from detector.ssd import (
    INPUT_SIZE,
    Detections,
    RawPrediction,
    Settings,
    normalize,
    pillow_image,
    postprocess,
    resize,
)
from detector.tiling import Tile, Tiling, cut
from detector.translation import _

# Of the whole process, in bytes: 48 megapixels of JPEG. An image that needs more is decoded alone.
MEMORY_AT_ONCE = 400_000_000
DECODING = Room(MEMORY_AT_ONCE)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """What is kept of an image once it was decoded.

    Attributes:
        size: (width, height) of the upright original, in pixels.
        pixels: (300, 300, 3) uint8 RGB, what the model sees of it.
        timings_s: seconds by step: decode, preprocess.
        made: what the `make` of `load` gave.
        tiles: the parts of the image that the model is asked about too.
        tile_pixels: (N, 300, 300, 3) uint8 RGB, what it sees of each; None without tiles.
    """

    size: tuple[int, int]
    pixels: NDArray[np.uint8] = field(repr=False)
    timings_s: Mapping[str, float]
    made: Any = field(default=None, repr=False)
    tiles: tuple[Tile, ...] = ()
    tile_pixels: NDArray[np.uint8] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model says of one image.

    Attributes:
        raw: split and compact: what post-processing ever reads of it.
        size: (width, height) of the upright original, in pixels.
        model: the name and version that answered.
        timings_s: seconds by step: decode, preprocess, call; none of a recorded one.
        recorded_on: the day on which it was given, None where it was given just now.
        file: the file of results that it was read from, "" where a model gave it. Such an answer
            has boxes and nothing else of what a model says: each is a default box of its own.
    """

    raw: RawPrediction = field(repr=False)
    size: tuple[int, int]
    model: ModelVersion
    timings_s: Mapping[str, float]
    recorded_on: date | None = None
    file: str = ""

    @property
    def by(self) -> str:
        """Who gave it: name and version of the model, or the name of the file."""
        return self.file or f"{self.model.name} {self.model.version or '?'}"

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The parts of the image that it is of too."""
        return Tiling.of_count(self.raw.part_count - 1).tiles(self.size)

    def as_asked(self, settings: Settings) -> Settings:
        """The settings, with the tiles that this answer is of where these are others: while a
        server is silent, an earlier answer may stand for the one that was wanted."""
        if self.tiles == settings.tiles.tiles(self.size):
            return settings
        return replace(settings, tiles=Tiling.of_count(len(self.tiles)))

    def detections(self, settings: Settings) -> Detections:
        """The boxes that these settings leave, in pixels of the original image."""
        return postprocess(self.raw, settings, self.size)


def decode(data: bytes, limits: ImageLimits, use: Callable[[Image.Image], T]) -> T:
    """What `use` makes of the decoded image: upright, of mode RGB, and its own to change.

    Waits while other images take the memory that there is for decoding.

    Raises:
        ImageError: as of `images.read_image`.
    """
    with DECODING.taken(read_memory(data, limits)):
        return use(read_upright(data, limits))


def load(
    data: bytes,
    limits: ImageLimits,
    make: Callable[[Image.Image], object] | None = None,
    tiling: Tiling = Tiling.OFF,
) -> LoadedImage:
    """An encoded image, decoded once and shrunk to what the model sees.

    Args:
        make: what else is wanted of the decoded image (upright, of mode RGB, not to be changed),
            one for the screen for instance.
        tiling: which tiles are cut from it, at its full size.

    Waits while other images take the memory that there is for decoding.

    Raises:
        ImageError: as of `images.read_image`.
    """
    with DECODING.taken(read_memory(data, limits)):
        started = time.perf_counter()
        image = read_upright(data, limits)
        loaded = shrink(image, tiling, decode_s=time.perf_counter() - started)
        return loaded if make is None else replace(loaded, made=make(image))


def shrink(image: Image.Image, tiling: Tiling = Tiling.OFF, *, decode_s: float = 0) -> LoadedImage:
    """What the model sees of a decoded image of mode RGB.

    Args:
        decode_s: seconds that its decoding took.
    """
    started = time.perf_counter()
    pixels, tiles = resize(image), tiling.tiles(image.size)
    tile_pixels = cut(image, tiles, INPUT_SIZE) if tiles else None
    timings_s = {"decode": decode_s, "preprocess": time.perf_counter() - started}
    return LoadedImage(image.size, pixels, timings_s, tiles=tiles, tile_pixels=tile_pixels)


@dataclass(frozen=True)
class SSDModel:
    """A served model that has the SSD300's contract, and what its tensors are called.

    Attributes:
        class_count: background included; the output has 12 columns more.
    """

    served: ServedModel
    input_name: str
    output_name: str
    class_count: int

    @classmethod
    def of(cls, config: Config, client: ServingClient, spec: ModelSpec | None = None) -> Self:
        """The configured model, or with `spec` another that has the same tensors and labels."""
        served = client.model(spec or ModelSpec.of(config))
        return cls(served, config.input_name, config.output_name, len(config.labels))

    def ask(self, image: LoadedImage) -> Answer:
        """The model's answer, by one version of it also where there are tiles.

        Raises:
            ServingError: the call failed, or the answer is not an SSD's of so many classes.
        """
        started = time.perf_counter()
        raw, model = self._asked(image)
        spent_s = time.perf_counter() - started
        return Answer(raw, image.size, model, {**image.timings_s, "call": spent_s})

    def ask_whole(self, image: LoadedImage) -> RawPrediction:
        """The prediction with all its rows, 614 kB for each tile and the image. Raises as `ask`."""
        raw, _model = self._asked(image, whole=True)
        return raw

    def _asked(
        self, image: LoadedImage, *, whole: bool = False
    ) -> tuple[RawPrediction, ModelVersion]:
        """What the model says of the image and its tiles, and which version said it."""
        inputs = {self.input_name: normalize(image.pixels)}
        prediction = self.served.predict(inputs, [self.output_name])
        output, model = prediction.outputs[self.output_name], prediction.model
        raw = RawPrediction.of_single(output, self.class_count, whole=whole)
        if image.tile_pixels is None:
            return raw, model
        same = replace(self, served=self.served.at(model.version)) if model.version else self
        requests = Requests(same, len(image.tiles))
        pixels = np.concatenate([normalize(each) for each in image.tile_pixels])
        return merged(raw, requests.ask(pixels, whole=whole), image.tiles, image.size), model

    def ask_batch(self, inputs: NDArray[np.float32], *, whole: bool = False) -> list[RawPrediction]:
        """What the model says of each of several images, in one request.

        Args:
            inputs: (N, 300, 300, 3), as of `ssd.normalize`.
            whole: with all rows.

        Raises:
            ServingError: as of `ask`; RequestTooLargeError: the server takes no such request.
        """
        prediction = self.served.predict({self.input_name: inputs}, [self.output_name])
        output = prediction.outputs[self.output_name]
        if output.ndim != 3 or len(output) != len(inputs):
            raise OutputError(
                _(
                    "the output has shape {shape}, expected one for each of {count} images",
                    shape=output.shape,
                    count=len(inputs),
                )
            )
        return [RawPrediction.from_output(each, self.class_count, whole=whole) for each in output]


class Requests:
    """Several images in a request, fewer where the server does not take so many.

    Attributes:
        at_once: images that go into the next request.
    """

    def __init__(self, model: SSDModel, at_once: int = 8) -> None:
        self.at_once = at_once
        self._model = model

    def ask(self, inputs: NDArray[np.float32], *, whole: bool = False) -> list[RawPrediction]:
        """What the model says of each.

        Args:
            inputs: (N, 300, 300, 3), as of `ssd.normalize`; best `at_once` of them.
            whole: with all rows.

        Raises:
            ServingError: as of `SSDModel.ask`.
        """
        try:
            return self._model.ask_batch(inputs, whole=whole)
        except RequestTooLargeError:
            if len(inputs) == 1:
                raise
            self.at_once = len(inputs) // 2
            parts = (inputs[: self.at_once], inputs[self.at_once :])
            return [raw for part in parts for raw in self.ask(part, whole=whole)]


class AnswerKey(NamedTuple):
    """What an answer depends on.

    Attributes:
        digest: SHA-256 of the image's file.
        version: 0 where the server does not say which version answers.
        tile_count: of the tiles that it is of too.
    """

    digest: str
    address: str
    model: str
    version: int
    tile_count: int = 0


class AnswerStore:
    """The last answers, some 100 kB each. The least recently used go first. Thread-safe."""

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._answers: OrderedDict[AnswerKey, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: AnswerKey) -> Answer | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: AnswerKey, answer: Answer) -> None:
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._capacity:
                self._answers.popitem(last=False)

    def last(self, digest: str) -> Answer | None:
        """The last answer for an image, by whichever server and version."""
        with self._lock:
            keys = [key for key in self._answers if key.digest == digest]
            return self._answers[keys[-1]] if keys else None


@dataclass(frozen=True)
class StoredAnswers:
    """The part of a store that is of one version of one model. Thread-safe."""

    store: AnswerStore
    address: str
    model: str
    version: int

    def get(self, digest: str, tile_count: int = 0) -> Answer | None:
        """The answer for the image with that digest and so many tiles, if there is one."""
        return self.store.get(AnswerKey(digest, self.address, self.model, self.version, tile_count))

    def put(self, digest: str, answer: Answer) -> None:
        """Keep an answer under the version that gave it."""
        version, tile_count = answer.model.version, answer.raw.part_count - 1
        self.store.put(AnswerKey(digest, self.address, self.model, version, tile_count), answer)


class Detector:
    """The detector behind its model server; a context manager that connects and closes.

        with Detector() as detector:
            print(len(detector.detect("photo.jpg")), "boxes")

    Without a server in the settings it starts the embedded one, which ends with it. Safe to share
    between threads.
    """

    def __init__(self, config: Config | None = None) -> None:
        """
        Args:
            config: None = the settings of the environment and the secrets file.

        Raises:
            ConfigError: a setting that cannot be.
        """
        self.config = Config.load(read_secrets()) if config is None else config
        self._open = ExitStack()
        self._model: SSDModel | None = None
        self._lock = threading.Lock()

    @property
    def labels(self) -> tuple[str, ...]:
        """Index = class id, background first."""
        return self.config.labels

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and the embedded server if it was started here."""
        with self._lock:
            self._model = None
            self._open.close()

    def model(self) -> SSDModel:
        """The configured model; connects, and starts the embedded server where none is configured.

        Raises:
            ServerStartError: the embedded server cannot be started.
        """
        with self._lock:
            if self._model is None:
                address = None
                if self.config.server is None:
                    server = EmbeddedServer(self.config.model_name, self.config.model_base_path)
                    address = self._open.enter_context(server).address
                client = self._open.enter_context(connect(self.config, address))
                self._model = SSDModel.of(self.config, client)
            return self._model

    def answer(self, image: str | Path | bytes | RGBImage, tiling: Tiling = Tiling.OFF) -> Answer:
        """The model's answer for an image, for post-processing with any settings.

        Args:
            image: path of a file, its bytes, or pixels (H, W, 3) uint8 RGB.
            tiling: whether the model is asked about tiles of it too.

        Raises:
            ImageError: it cannot be read; ServingError: the server gives no usable answer.
        """
        if isinstance(image, np.ndarray):
            loaded = shrink(pillow_image(image), tiling)
        else:
            limits = self.config.image_limits
            data = image if isinstance(image, bytes) else read_file(Path(image), limits)
            loaded = load(data, limits, tiling=tiling)
        return self.model().ask(loaded)

    def detect(
        self, image: str | Path | bytes | RGBImage, settings: Settings | None = None
    ) -> Detections:
        """The boxes in an image, best score first.

        Args:
            image: as of `answer`.
            settings: None = the defaults, without tiles.

        Raises: as of `answer`.
        """
        settings = settings or Settings()
        return self.answer(image, settings.tiles).detections(settings)


def digest_of(data: bytes) -> str:
    """SHA-256 of a file's bytes: the identity of an image everywhere."""
    return hashlib.sha256(data).hexdigest()
