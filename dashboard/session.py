"""What outlives a rerun: settings, the model server, the channel, what was computed of a picture.

The key of every cache is the SHA-256 of the picture's bytes, never the array: Streamlit hashes only
a sample of large arrays, so two photos that differ in one pixel would collide.
"""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from detector import images, serving, ssd
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import ModelNotFoundError, OutputError

ROOT = Path(__file__).resolve().parent.parent

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """An encoded picture that somebody chose. Its digest is its identity everywhere."""

    name: str
    data: bytes = field(repr=False)
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True)
class Prepared:
    """What is kept of a picture once it was decoded.

    Attributes:
        size: (width, height) of the upright original, in pixels.
        display: JPEG for the screen, longest side at most 1600.
        display_uri: the same as a data URI.
        batch: (1, 300, 300, 3) float32, the model's input.
    """

    size: tuple[int, int]
    display: bytes = field(repr=False)
    display_uri: str = field(repr=False)
    batch: NDArray[np.float32] = field(repr=False)
    decode_ms: float
    preprocess_ms: float


@dataclass(frozen=True)
class Answer:
    """The model server's answer for one picture, split once."""

    raw: ssd.RawPrediction = field(repr=False)
    model: serving.ModelVersion
    call_ms: float


@st.cache_resource(show_spinner=False)
def config() -> Config:
    """The settings, read once for the process. Raises ConfigError, which is not cached."""
    # st.secrets raises when there is no file at all, which is the usual case.
    secrets = st.secrets.to_dict() if st.secrets.load_if_toml_exists() else None
    return Config.load(secrets)


@st.cache_resource(show_spinner=False, on_release=EmbeddedServer.close)
def embedded_server(model_name: str, model_base_path: str) -> EmbeddedServer:
    """The embedded model server: one for all sessions, started at once, ready a second later."""
    server = EmbeddedServer(model_name, Path(model_base_path))
    server.start()
    return server


def embedded() -> EmbeddedServer | None:
    """The embedded server, or None where the settings name a server."""
    settings = config()
    if settings.server is not None:
        return None
    return embedded_server(settings.model_name, str(settings.model_base_path))


def address() -> str:
    """Where the model server listens. Waits for the embedded one; raises ServerStartError."""
    server = embedded()
    if server is None:
        return config().server or ""
    if server.state == "failed":
        server.start()
    return server.address


@st.cache_resource(show_spinner=False, max_entries=16, on_release=serving.ServingClient.close)
def client(server_address: str) -> serving.ServingClient:
    """The one channel to that server, shared by all sessions and threads."""
    return serving.connect(config(), server_address)


@st.cache_data(show_spinner=False, ttl="4s", max_entries=16)
def _status(server_address: str) -> tuple[serving.VersionStatus, ...]:
    return client(server_address).model_status(timeout_s=2.0)


def served_version() -> int:
    """The version that the server answers with now. Asked at most every 4 s for all sessions.

    Raises:
        ServingError: the server cannot be reached or serves no version of the model.
    """
    wanted = config().model_version
    statuses = _status(address())
    versions = [s.version for s in statuses if s.state == "AVAILABLE"]
    if wanted is not None and wanted in versions:
        return wanted
    if wanted is None and versions:
        return max(versions)
    seen = ", ".join(f"version {s.version} is {s.state}" for s in statuses) or "none is loaded"
    version = "" if wanted is None else f" version {wanted} of"
    raise ModelNotFoundError(
        f"The model server at {address()} does not have{version} {config().model_name!r} ready: {seen}",
        "Wait while it loads, or look at the model server's log.",
    )


@st.cache_resource(show_spinner=False, scope="session", max_entries=48)
def prepare(digest: str, _data: bytes) -> Prepared:
    """The picture decoded, shrunk for the screen and preprocessed. Raises ImageError."""
    image, decode_ms = _timed(lambda: images.read_image(_data, config().image_limits))
    batch, preprocess_ms = _timed(lambda: ssd.preprocess(image))
    height, width = image.shape[:2]
    display = images.encode_jpeg(image)
    uri = "data:image/jpeg;base64," + base64.b64encode(display).decode()
    return Prepared((width, height), display, uri, batch, decode_ms, preprocess_ms)


@st.cache_resource(show_spinner=False, scope="session", max_entries=48)
def predict(
    digest: str, server_address: str, model: str, version: int, _batch: NDArray[np.float32]
) -> Answer:
    """The model server's answer. Raises ServingError, which is not cached."""
    settings = config()
    prediction, call_ms = _timed(
        lambda: client(server_address).predict(
            {settings.input_name: _batch}, outputs=(settings.output_name,)
        )
    )
    output = prediction.outputs[settings.output_name]
    if output.ndim != 3 or len(output) != 1:
        raise OutputError(
            f"{settings.output_name} has shape {output.shape}, "
            f"expected (1, P, {len(settings.labels) + 12})"
        )
    raw = ssd.RawPrediction.from_output(output[0], len(settings.labels))
    return Answer(raw, prediction.model, call_ms)


def answer_for(picture: Picture, prepared: Prepared) -> Answer:
    """The answer for a picture by the version that is served now."""
    return predict(picture.digest, address(), config().model_name, served_version(), prepared.batch)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - started) * 1000
