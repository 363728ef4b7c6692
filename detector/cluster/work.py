"""What a worker of the cluster does: the images of one task, and their part."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from fsspec.core import url_to_fs

from detector.answers import LoadedImage, SSDModel
from detector.batch.manifest import Batch, Result, program_version
from detector.batch.run import run
from detector.cluster.errors import ClusterError
from detector.cluster.parts import Summary, read_summary, to_parquet
from detector.cluster.places import image_source, inside, reaching, write_whole
from detector.config import Config
from detector.errors import LensError
from detector.serving import ModelSpec, ServingClient, connect
from detector.ssd import INPUT_SIZE
from detector.translation import _

# Calls, images read and images decoded at a time; the cluster has more workers instead.
_AT_A_TIME = 4
# A server of a fleet that is replaced is back by then.
_PATIENCE_S = 60.0
_connecting = threading.Lock()


@dataclass(frozen=True)
class Task:
    """The images of one part.

    Attributes:
        name: of the part's file.
        folder: URL of the folder of all parts.
        urls: of the images.
        batch: model, labels and settings, without results.
        version: of the model; 0 = whichever answers.
    """

    name: str
    folder: str
    urls: tuple[str, ...] = field(repr=False)
    batch: Batch
    config: Config
    version: int


@contextmanager
def _raised_alone() -> Iterator[None]:
    """Around what a worker does: its errors come to the command without their causes, since those
    of gRPC cannot be sent."""
    try:
        yield
    except LensError as error:
        error.__cause__ = error.__context__ = None
        raise


@_raised_alone()
def detect_part(task: Task) -> Summary:
    """Detect what is in a task's images and write its part, unless it is there already.

    Raises:
        ServingError: the model server gives no usable answers.
        ClusterError: a storage fails, or this worker has another version of the program.
    """
    if program_version() != task.batch.program:
        raise ClusterError(
            _(
                "a worker has version {found} of the program, expected {expected}",
                found=program_version(),
                expected=task.batch.program,
            ),
            _("Install the same version everywhere."),
        )
    part = inside(task.folder, task.name)
    with reaching(part):
        files, path = url_to_fs(part)
        if files.exists(path):
            with files.open(path, "rb") as file:
                return read_summary(file)
    limits = task.config.image_limits
    done = run(
        [image_source(url, limits) for url in task.urls],
        _client(task.config).model(ModelSpec.of(task.config)),
        task.config,
        workers=_AT_A_TIME,
        patience_s=_PATIENCE_S,
        busy_patience_s=_PATIENCE_S,
        began_with=task.version,
        any_version=not task.version,
        tiling=task.batch.settings.tiles,
    )
    ordered = sorted(done, key=lambda each: each.index)
    results = [Result.of(each, task.batch.settings) for each in ordered]
    summary = Summary.of(task.name, results)
    write_whole(part, to_parquet(results, task.batch.labels, summary))
    return summary


@_raised_alone()
def answering_version(config: Config) -> int:
    """The version of the model that answers now; 0 where the server does not say it.

    Raises:
        ServingError: as of `SSDModel.ask`.
    """
    width, height = INPUT_SIZE
    blank = LoadedImage(INPUT_SIZE, np.zeros((height, width, 3), np.uint8), {})
    return SSDModel.of(config, _client(config)).ask(blank).model.version


def _client(config: Config) -> ServingClient:
    """This worker's one connection to the model server."""
    with _connecting:
        return _connected(config)


_connected = cache(connect)
