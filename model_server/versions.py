"""The versions of a model in its folder, loaded and unloaded as TensorFlow Serving does it.

Which of the folders are served is said by a version policy; without one it is the highest number. A
new version is loaded before an old one is given up, and what runs on the old one ends there.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

from detector.wire.protos import file_system_storage_path_source_pb2, get_model_status_pb2
from model_server.engine import SAVED_MODEL, EngineError, Model

_LOADING = get_model_status_pb2.ModelVersionStatus.LOADING
_AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE
_UNLOADING = get_model_status_pb2.ModelVersionStatus.UNLOADING
_END = get_model_status_pb2.ModelVersionStatus.END

_MAX_VERSION = 2**63 - 1  # what the messages can say

Policy: TypeAlias = (
    file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy
)

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
    """All versions of a model that were ever seen. Safe to use from several threads."""

    def __init__(self, name: str, load: Callable[[Path], Model]) -> None:
        """
        Args:
            load: the model of a version's folder; raises EngineError.
        """
        self._name = name
        self._load = load
        self._source: tuple[Path, Policy] | None = None
        self._versions: dict[int, _Version] = {}
        self.problem = ""  # why not all that is wanted was found at the last poll
        self._ignored: set[Path] = set()
        self._lock = threading.Lock()  # held for moments
        self._polling = threading.Lock()  # held while a version is loading

    def serve(self, base_path: Path, policy: Policy) -> None:
        """From the next `poll` on, the versions in this folder that the policy wants.

        Args:
            base_path: holds one folder a version, its name is the number.
        """
        self._source = base_path, policy

    def serve_none(self) -> None:
        """From the next `poll` on, no version."""
        self._source = None

    def poll(self) -> bool:
        """Looks into the folder once, loads what is new and then gives up what is old.

        One version at a time, the newest first: it need not wait for the others to be served.
        A folder that can't be read changes nothing.

        Returns:
            Whether it has loaded a version, or tried to: there may be more to load.
        """
        with self._polling:
            try:
                wanted = self._wanted()
            except OSError as error:
                self.problem = f"the folder of model {self._name} can't be read: {error}"
                return False
            new = next((n for n, folder in wanted.items() if not self._serves(n, folder)), None)
            if new is not None:
                self._load_version(new, wanted[new])
            available = self.available()
            if not wanted or not available.isdisjoint(wanted):
                self._unload_all_but(wanted)
            return new is not None

    def available(self) -> set[int]:
        """The versions that are served now."""
        with self._lock:
            return {n for n, version in self._versions.items() if version.state == _AVAILABLE}

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
                self._end_if_unused(number, used)

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

    def _wanted(self) -> dict[int, Path]:
        """The folders of the versions that are to be served, newest first."""
        if self._source is None:
            self.problem = ""
            return {}
        base_path, policy = self._source
        folders = self._folders(base_path)
        wanted = _chosen(policy, folders)
        missing = sorted(set(policy.specific.versions) - set(wanted))
        if missing:
            self.problem = f"model {self._name} has no version {missing[0]} in {base_path}"
        elif not wanted:
            self.problem = (
                f"no version of model {self._name} in {base_path}: expected a folder with a number "
                f"for a name and a SavedModel in it, such as {base_path / '1' / SAVED_MODEL}"
            )
        else:
            self.problem = ""
        return {number: folders[number] for number in wanted}

    def _folders(self, base_path: Path) -> dict[int, Path]:
        """The folders with a number for a name and a SavedModel in it. Of 1 and 01 it is 1."""
        folders = {}
        for folder in sorted(base_path.iterdir()):
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
            _log.error("version %d of %s could not be loaded: %s", number, self._name, error)
            with self._lock:
                version.state = _END
                version.code, version.message = error.code, str(error)
                version.failed_file = mark
            return
        with self._lock:
            version.model = model
            version.state = _AVAILABLE
        _log.info("version %d of %s is available", number, self._name)

    def _unload_all_but(self, wanted: Collection[int]) -> None:
        with self._lock:
            for number, version in self._versions.items():
                if number not in wanted and version.state == _AVAILABLE:
                    version.state = _UNLOADING
                    self._end_if_unused(number, version)

    def _end_if_unused(self, number: int, version: _Version) -> None:
        if version.state == _UNLOADING and not version.running:
            version.state = _END
            version.model = None
            _log.info("version %d of %s is unloaded", number, self._name)


def _chosen(policy: Policy, numbers: Iterable[int]) -> list[int]:
    """Those of the versions that the policy wants, newest first."""
    newest_first = sorted(numbers, reverse=True)
    match policy.WhichOneof("policy_choice"):
        case "all":
            return newest_first
        case "specific":
            return [number for number in newest_first if number in policy.specific.versions]
    return newest_first[: max(policy.latest.num_versions, 1)]


def _file_mark(folder: Path) -> tuple[int, int]:
    try:
        stat = (folder / SAVED_MODEL).stat()
    except OSError:  # gone since the folder was listed
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
