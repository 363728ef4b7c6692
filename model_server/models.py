"""The models of a server: which there are, and the labels of their versions."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from detector.wire.protos import get_model_status_pb2, model_server_config_pb2
from model_server.config import ConfigError, check_models
from model_server.engine import Model
from model_server.versions import Versions

Labels = dict[str, dict[str, int]]  # model -> label -> version

_log = logging.getLogger(__name__)


class Models:
    """All models that were ever configured. Safe to use from several threads."""

    def __init__(self, load: Callable[[Path], Model], *, any_labels: bool = False) -> None:
        """
        Args:
            load: the model of a version's folder; raises EngineError.
            any_labels: a label that is not in use may be given to a version that is not served.
        """
        self._load = load
        self._any_labels = any_labels
        self._models: dict[str, Versions] = {}
        self._served: list[str] = []
        self._labels: Labels = {}
        self._logged: dict[str, str] = {}
        self._reloading = threading.Lock()

    def configure(self, config: model_server_config_pb2.ModelServerConfig) -> list[str]:
        """From the next `poll` on, what this configuration wants. Labels hold at once.

        Returns:
            The models that were not served before.

        Raises:
            ConfigError: it is refused, nothing has changed.
        """
        check_models(config)
        self._labels = self._new_labels(config)
        before, models = self._served, config.model_config_list.config
        for model in models:
            if model.name not in self._models:
                # A new dictionary: requests look into the old one meanwhile.
                versions = Versions(model.name, self._load)
                self._models = {**self._models, model.name: versions}
            self._models[model.name].serve(Path(model.base_path), model.model_version_policy)
        self._served = [model.name for model in models]
        for name in set(before) - set(self._served):
            self._models[name].serve_none()
        return [name for name in self._served if name not in before]

    def reload(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """`configure`, and loads and unloads what it wants. An empty one changes nothing.

        Raises:
            ConfigError: it is refused, or a new model has no version that can be loaded.
        """
        if config.WhichOneof("config") is None:
            return
        with self._reloading:
            new = self.configure(config)
            for versions in self._models.values():
                while versions.poll():
                    pass
            if missing := [name for name in new if not self._models[name].available()]:
                reasons = "".join(
                    f"{{{name} due to error: {self.problem(name)}}}, " for name in missing
                )
                message = f"{len(missing)} model(s) did not become available: {{{reasons}}}"
                raise ConfigError(grpc.StatusCode.UNKNOWN, message)

    def log_problems(self) -> None:
        """Says in the log what is missing, once as long as it is the same."""
        for name, versions in self._models.items():
            problem = versions.problem
            if problem and problem != self._logged.get(name):
                _log.warning("%s", problem)
            self._logged[name] = problem

    def poll(self) -> bool:
        """Looks after new and old versions of each model, see `Versions.poll`."""
        return True in [versions.poll() for versions in self._models.values()]

    def poll_until_served(self, name: str) -> bool:
        """Loads versions of that model until one can be served. Whether one can."""
        versions = self._models[name]
        while not versions.available() and versions.poll():
            pass
        return bool(versions.available())

    @property
    def served(self) -> list[str]:
        """The names of the models, in the order of the configuration."""
        return self._served

    def problem(self, name: str) -> str:
        """Why that model has no version to serve."""
        for status in self.statuses(name):
            if status.status.error_message:
                return f"version {status.version} can't be loaded: {status.status.error_message}"
        return self._models[name].problem

    @contextmanager
    def use(self, name: str, version: int | None = None) -> Iterator[tuple[int, Model]]:
        """A version of a model, see `Versions.use`. Raises KeyError: it is not served."""
        with self._models[name].use(version) as used:
            yield used

    def available(self, name: str) -> set[int]:
        """The versions of that model that are served now."""
        return self._models[name].available()

    def version_of(self, name: str, label: str) -> int:
        """The version with that label. Raises KeyError: there is none."""
        return self._labels[name][label]

    def statuses(self, name: str) -> list[get_model_status_pb2.ModelVersionStatus]:
        """The state of each version, newest first; none of a model that never was."""
        return self._models[name].statuses() if name in self._models else []

    def _new_labels(self, config: model_server_config_pb2.ModelServerConfig) -> Labels:
        labels: Labels = {}
        for model in config.model_config_list.config:
            versions = self._models.get(model.name)
            available = versions.available() if versions else set()
            for label, version in model.version_labels.items():
                now = self._labels.get(model.name, {}).get(label, version)
                if version not in available and not (self._any_labels and now == version):
                    raise ConfigError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference",
                    )
                labels.setdefault(model.name, {})[label] = version
        return labels
