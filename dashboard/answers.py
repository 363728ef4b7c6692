"""What outlives a rerun: settings, the model server, the channel, what was computed of a picture.

The key of every cache is the SHA-256 of the picture's bytes, never the array: Streamlit hashes only
a sample of large arrays, so two photos that differ in one pixel would collide.
"""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from detector import images, serving, ssd
from detector.config import Config, read_secrets
from detector.embedded import EmbeddedServer
from detector.errors import ModelNotFoundError, ServingError

ROOT = Path(__file__).resolve().parent.parent

# Of the strips of pictures: twice their width on the page, for sharp screens.
THUMBNAIL_SIDE = 208

# Pictures whose results a session keeps, some 2 MB each.
MAX_KEPT = 48

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """An encoded picture that somebody chose. Its digest is its identity everywhere."""

    name: str
    data: bytes = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True)
class Prepared:
    """What is kept of a picture once it was decoded.

    Attributes:
        size: (width, height) of the upright original, in pixels.
        display: JPEG for the screen, longest side at most 1600.
        thumbnail: data URI of a small JPEG.
        batch: (1, 300, 300, 3) float32, the model's input.
    """

    size: tuple[int, int]
    display: bytes = field(repr=False)
    thumbnail: str = field(repr=False)
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
    return Config.load(read_secrets())


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
def client(server_address: str, version: int = 0) -> serving.ServingClient:
    """The one channel to that server and version, shared by all sessions and threads.

    Args:
        version: to ask in place of the one that is configured; 0 = that one.
    """
    settings = config()
    if version:
        settings = replace(settings, model_version=version, version_label=None)
    # Another address than the configured one is the embedded server's, which has no TLS.
    configured = server_address == settings.server
    return serving.connect(settings, None if configured else server_address)


@st.cache_data(show_spinner=False, ttl="3s", max_entries=16)
def _asked(server_address: str) -> int | ServingError:
    try:
        return client(server_address).served_version().version
    except ServingError as error:
        # Kept for seconds only, so that visitors do not queue for a server that doesn't answer.
        return error.with_traceback(None)


def served_version() -> int:
    """The version that answers now, 0 where the server does not say; it is asked once in 3 s for
    all sessions.

    Raises:
        ServingError: the server cannot be reached, or has no such version ready.
    """
    asked = _asked(address())
    if isinstance(asked, ServingError):
        raise asked
    return asked


@st.cache_resource(show_spinner=False, max_entries=32, on_release=serving.ServingClient.close)
def client_of(
    server_address: str, model: str, version: int | None, version_label: str | None
) -> serving.ServingClient:
    """A channel to that model and version, for a comparison; named servers share TLS' settings."""
    settings = config()
    return serving.ServingClient(
        server_address,
        model_name=model,
        signature_name=settings.signature_name,
        version=version,
        version_label=version_label,
        timeout_s=settings.timeout_s,
        tls=settings.tls_settings,
    )


@st.cache_data(show_spinner=False, ttl="10s", max_entries=64)
def _versions(server_address: str, model: str) -> tuple[int, ...] | ServingError:
    try:
        statuses = client_of(server_address, model, None, None).model_status(_asking_s())
    except ServingError as error:
        return error.with_traceback(None)  # as in _asked
    return tuple(status.version for status in statuses if status.state == "AVAILABLE")


def versions(server_address: str, model: str) -> tuple[int, ...]:
    """The versions that can be asked now, newest first. Raises ServingError."""
    listed = _versions(server_address, model)
    if isinstance(listed, ServingError):
        raise listed
    return listed


@st.cache_data(show_spinner=False, ttl="10s", max_entries=64)
def _resolved(
    server_address: str, model: str, version: int | None, version_label: str | None
) -> int | ServingError:
    try:
        asked = client_of(server_address, model, version, version_label)
        return asked.served_version(_asking_s()).version
    except ServingError as error:
        return error.with_traceback(None)  # as in _asked


def answer_by(
    picture: Picture,
    prepared: Prepared,
    server_address: str,
    model: str,
    version: int | None,
    version_label: str | None,
) -> Answer:
    """The answer by that version, by the one with that label, or with neither by the newest.

    Raises:
        ServingError: the server cannot be reached, or has no such version or label.
    """
    resolved = _resolved(server_address, model, version, version_label)
    if isinstance(resolved, ServingError):
        raise resolved
    if resolved:  # a number is asked, so that what is kept is what that version said
        version, version_label = resolved, None
    return _predict_by(
        picture.digest, server_address, model, version, version_label, prepared.batch
    )


@st.cache_resource(show_spinner=False, scope="session", max_entries=4 * MAX_KEPT)
def _predict_by(
    digest: str,
    server_address: str,
    model: str,
    version: int | None,
    version_label: str | None,
    _batch: NDArray[np.float32],
) -> Answer:
    settings = config()
    asked = client_of(server_address, model, version, version_label)
    prediction, call_ms = _timed(
        lambda: asked.predict({settings.input_name: _batch}, outputs=(settings.output_name,))
    )
    output = prediction.outputs[settings.output_name]
    raw = ssd.RawPrediction.of_single(output, len(settings.labels)).compact()
    return Answer(raw, prediction.model, call_ms)


def _asking_s() -> float:
    """How long a page waits for one of several servers to say what it has."""
    return min(3.0, config().timeout_s)


@st.cache_resource(show_spinner=False, scope="session", max_entries=MAX_KEPT)
def prepare(digest: str, _data: bytes) -> Prepared:
    """The picture decoded, shrunk for the screen and preprocessed. Raises ImageError."""
    image, decode_ms = _timed(lambda: images.read_image(_data, config().image_limits))
    batch, preprocess_ms = _timed(lambda: ssd.preprocess(image))
    height, width = image.shape[:2]
    display = images.encode_jpeg(image)
    thumbnail = jpeg_uri(images.encode_jpeg(image, max_side=THUMBNAIL_SIDE))
    return Prepared((width, height), display, thumbnail, batch, decode_ms, preprocess_ms)


@st.cache_resource(show_spinner=False, scope="session", max_entries=MAX_KEPT)
def predict(
    digest: str, server_address: str, model: str, version: int, _batch: NDArray[np.float32]
) -> Answer:
    """The model server's answer. Raises ServingError, which is not cached."""
    settings = config()
    # By its number: the newest may be another one by now, and would be kept as this one's.
    prediction, call_ms = _timed(
        lambda: client(server_address, version).predict(
            {settings.input_name: _batch}, outputs=(settings.output_name,)
        )
    )
    output = prediction.outputs[settings.output_name]
    raw = ssd.RawPrediction.of_single(output, len(settings.labels))
    return Answer(raw, prediction.model, call_ms)


def answer_for(picture: Picture, prepared: Prepared) -> Answer:
    """The answer for a picture by the version that is served now. Raises ServingError."""
    where, model = address(), config().model_name
    try:
        answer = predict(picture.digest, where, model, served_version(), prepared.batch)
    except ModelNotFoundError:  # it may be gone since the server was asked
        _asked.clear(where)
        answer = predict(picture.digest, where, model, served_version(), prepared.batch)
    answers: dict[str, Answer] = st.session_state.setdefault("answers", {})
    answers.pop(picture.digest, None)  # the newest comes last
    answers[picture.digest] = answer
    if len(answers) > MAX_KEPT:
        del answers[next(iter(answers))]
    return answer


def last_answer(picture: Picture) -> Answer | None:
    """The last answer that this session had for the picture, while the server gives none."""
    found: Answer | None = st.session_state.get("answers", {}).get(picture.digest)
    return found


def jpeg_uri(data: bytes) -> str:
    """An encoded JPEG as a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - started) * 1000
