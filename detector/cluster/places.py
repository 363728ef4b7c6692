"""Where a run on a cluster reads and writes: a path, or any URL that fsspec knows."""

import errno
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from fsspec.core import url_to_fs

from detector.batch.run import IMAGE_SUFFIXES, Source
from detector.cluster.errors import ClusterError
from detector.errors import ConfigError
from detector.images import ImageLimits
from detector.translation import _

# What is put there is there whole or not at all. Elsewhere a file is renamed when it is complete.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss"}
# What says that a file has changed, in the listings of the various storages.
_STATE = ("size", "ETag", "etag", "md5Hash", "generation", "mtime")


class ImageFile(NamedTuple):
    """An image's URL, and what a listing tells of the state of its file; "" where none does."""

    url: str
    state: str


def list_images(sources: Sequence[str]) -> list[ImageFile]:
    """The images of all sources, in their order, each once.

    Args:
        sources: URLs or paths: an image by the ending of its name; a folder, of which all images
            in it and in the folders inside it are taken, sorted by name; any other file is a list
            of such images, one a line.

    Raises:
        ClusterError: a source cannot be read.
        ConfigError: there are no images in one.
    """
    found: dict[str, str] = {}
    for source in sources:
        with reaching(source):
            inside = _images_in(source)
        if not inside:
            raise ConfigError(
                _("there are no images in {source}", source=source),
                _("Name images, folders of images, or files with the URL of an image a line."),
            )
        found |= inside
    return [ImageFile(url, state) for url, state in found.items()]


def image_source(url: str, limits: ImageLimits) -> Source:
    """An image at a URL as a source.

    Reading it raises OSError where there is no such file. Whatever else its storage raises is a
    ClusterError: credentials that have expired must not make a failure of each image.
    """

    def read() -> bytes:
        with reaching(url, but=(FileNotFoundError, IsADirectoryError)):
            files, path = url_to_fs(url)
            try:
                data: bytes = files.cat_file(path, end=limits.max_bytes + 1)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                return b""  # S3 has no range in an empty file
            return data

    return Source(url, read)


def inside(folder: str, name: str) -> str:
    """The URL of what has that name in the folder at a URL."""
    return f"{folder.rstrip('/')}/{name}"


def absolute(url: str) -> str:
    """The same place as a URL that every process understands. Raises ClusterError."""
    with reaching(url):
        files, path = url_to_fs(url)
        return str(files.unstrip_protocol(path))


def names_in(folder: str) -> set[str]:
    """The names of what is in a folder; none where there is no such folder. Raises ClusterError."""
    with reaching(folder):
        files, path = url_to_fs(folder)
        files.invalidate_cache()
        try:
            return {PurePosixPath(name).name for name in files.ls(path, detail=False)}
        except FileNotFoundError:
            return set()


def read_or_none(url: str) -> bytes | None:
    """A file's bytes; None where there is none. Raises ClusterError."""
    with reaching(url):
        files, path = url_to_fs(url)
        try:
            data: bytes = files.cat_file(path)
            return data
        except FileNotFoundError:
            return None


def write_whole(url: str, data: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises ClusterError."""
    with reaching(url):
        files, path = url_to_fs(url)
        if _OBJECT_STORES.intersection(_protocols(files)):
            files.pipe_file(path, data)
            return
        folder, name = path.rpartition("/")[::2]
        # A name of its own: a worker that was given up may still be writing the same part.
        beside = f"{folder}/.{name}.{uuid.uuid4().hex}"
        files.makedirs(folder, exist_ok=True)
        files.pipe_file(beside, data)
        files.mv(beside, path)


@contextmanager
def reaching(url: str, but: tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """Around all that a storage does: what it raises comes out as a ClusterError.

    Args:
        but: errors that come out as they are.
    """
    try:
        yield
    except but:
        raise
    except _storage_errors() as error:
        hint = _("Check the address and its credentials, which the workers need too.")
        if isinstance(error, ImportError):
            hint = _("pip install -r requirements-cluster.txt, or what the message names.")
        raise ClusterError(_("{url}: {error}", url=url, error=error), hint) from error


def _storage_errors() -> tuple[type[Exception], ...]:
    """ValueError: a URL of no known form; ImportError: its kind needs another package."""
    s3 = sys.modules.get("botocore.exceptions")  # has errors of its own, if S3 is used at all
    return (OSError, ValueError, ImportError, *([s3.BotoCoreError] if s3 else []))


def _images_in(source: str) -> dict[str, str]:
    """The URLs of a source's images, with the state of each."""
    files, path = url_to_fs(source)
    if _is_image(path):
        return {files.unstrip_protocol(path): ""}
    if files.isdir(path):
        found = files.find(path, detail=True)
        return {
            files.unstrip_protocol(name): _state(found[name])
            for name in sorted(found)
            if _is_image(name) and "/." not in name.removeprefix(path)
        }
    lines = files.cat_file(path).decode().splitlines()
    urls = [line.strip() for line in lines if line.strip()]
    return {url if "://" in url else absolute(url): "" for url in urls}


def _is_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES


def _state(info: dict[str, Any]) -> str:
    return " ".join(f"{key}={info[key]}" for key in _STATE if info.get(key) is not None)


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
