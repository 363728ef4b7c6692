"""The versions of a model in its folder, loaded and unloaded as TensorFlow Serving does it.

The folder with the highest number is served, or so many of the highest as is wanted. A new version
is loaded before an old one is given up, and what runs on the old one ends there.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from detector.wire.protos import get_model_status_pb2
from model_server.engine import SAVED_MODEL, EngineError, Model

_LOADING = get_model_status_pb2.ModelVersionStatus.LOADING
_AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE
_UNLOADING = get_model_status_pb2.ModelVersionStatus.UNLOADING
_END = get_model_status_pb2.ModelVersionStatus.END

_MAX_VERSION = 2**63 - 1  # what the messages can say

_log = logging.getLogger(__name__)


@dataclass
class _Version:
    state: int = _LOADING
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    model: Model | None = None
    running: int = 0  # requests that use the model now
    failed_file: tuple[int, int] | None = None  # what could not be loaded: time of change, size


class Versions:
    """All versions that were ever seen. Safe to use from several threads."""

    def __init__(self, base_path: Path, load: Callable[[Path], Model], latest: int = 1) -> None:
        """
        Args:
            base_path: holds one folder a version, its name is the number.
            load: the model of such a folder; raises EngineError.
            latest: so many of the versions with the highest numbers are served, as TensorFlow
                Serving's version policy `latest { num_versions: 2 }` says it.
        """
        self._base_path = base_path
        self._load = load
        self._latest = latest
        self._versions: dict[int, _Version] = {}
        self._ignored: set[Path] = set()
        self._lock = threading.Lock()

    def poll(self) -> None:
        """Looks into the folder once, loads what is new and then gives up what is old.

        One version at a time, the newest first: it need not wait for the others to be served.
        Called from one thread at a time.

        Raises:
            OSError: the folder can't be read. Nothing has changed then.
        """
        folders = self._folders()
        wanted = sorted(folders, reverse=True)[: self._latest]
        for number in wanted:
            if not self._serves(number, folders[number]):
                self._load_version(number, folders[number])
                break
        if not wanted or self._versions[wanted[0]].state == _AVAILABLE:
            self._unload_all_but(wanted)

    @contextmanager
    def use(self, version: int | None = None) -> Iterator[tuple[int, Model]]:
        """A version and its model; the model stays loaded inside the `with`. None = the newest.

        Raises:
            KeyError: it is not loaded.
        """
        with self._lock:
            available = [n for n, v in self._versions.items() if v.state == _AVAILABLE]
            number = max(available, default=-1) if version is None else version
            used = self._versions.get(number)
            if used is None or used.model is None or number not in available:
                raise KeyError(version)
            model = used.model
            used.running += 1
        try:
            yield number, model
        finally:
            with self._lock:
                used.running -= 1
                _end_if_unused(number, used)

    def statuses(self) -> list[get_model_status_pb2.ModelVersionStatus]:
        """The state of each version, ended ones too, newest first."""
        with self._lock:
            statuses = []
            for number, version in sorted(self._versions.items(), reverse=True):
                status = get_model_status_pb2.ModelVersionStatus(
                    version=number, state=version.state
                )
                status.status.error_code = version.code.value[0]
                status.status.error_message = version.message
                statuses.append(status)
            return statuses

    def _folders(self) -> dict[int, Path]:
        """The folders with a number for a name and a SavedModel in it. Of 1 and 01 it is 1."""
        folders = {}
        for folder in sorted(self._base_path.iterdir()):
            if not (folder.name.isascii() and folder.name.isdecimal()):
                continue
            # int() itself takes 4,300 digits at most
            if len(folder.name.lstrip("0")) > 19 or int(folder.name) > _MAX_VERSION:
                if folder not in self._ignored:
                    _log.warning("%s is ignored: a version is below 2^63", folder)
                    self._ignored.add(folder)
            elif (folder / SAVED_MODEL).is_file():
                folders[int(folder.name)] = folder
        return folders

    def _serves(self, number: int, folder: Path) -> bool:
        """Whether there is nothing to load: it is loaded, or failed and is still the same file."""
        version = self._versions.get(number)
        if version is None:
            return False
        if version.failed_file is not None:
            return version.failed_file == _file_mark(folder)
        return bool(version.state == _AVAILABLE)

    def _load_version(self, number: int, folder: Path) -> None:
        version = _Version()
        with self._lock:
            self._versions[number] = version
        mark = _file_mark(folder)
        try:
            model = self._load(folder)
        except EngineError as error:
            _log.error("version %d could not be loaded: %s", number, error)
            with self._lock:
                version.state = _END
                version.code, version.message = error.code, str(error)
                version.failed_file = mark
            return
        with self._lock:
            version.model = model
            version.state = _AVAILABLE
        _log.info("version %d is available", number)

    def _unload_all_but(self, wanted: Collection[int]) -> None:
        with self._lock:
            for number, version in self._versions.items():
                if number not in wanted and version.state == _AVAILABLE:
                    version.state = _UNLOADING
                    _end_if_unused(number, version)


def _end_if_unused(number: int, version: _Version) -> None:
    if version.state == _UNLOADING and not version.running:
        version.state = _END
        version.model = None
        _log.info("version %d is unloaded", number)


def _file_mark(folder: Path) -> tuple[int, int]:
    try:
        stat = (folder / SAVED_MODEL).stat()
    except OSError:  # gone since the folder was listed
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
