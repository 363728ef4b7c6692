"""What outlives a rerun: the settings, the model server, its connection, what it answered.

One client an address; model, version and label are said with each request. What a session was
answered is kept once, by (digest, address, model, version), whichever page asked.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard import metrics, state
from dashboard.files import ImageFile
from detector.answers import Answer, AnswerKey, LoadedImage, SSDModel, StoredAnswers, load
from detector.config import Config, read_secrets
from detector.embedded import EmbeddedServer
from detector.errors import (
    AccessDeniedError,
    ConfigError,
    ModelNotFoundError,
    NotAModelServerError,
    ServerFaultError,
    ServerStartError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
)
from detector.labels import names_of
from detector.recorded import FILE_NAME, read_recorded
from detector.serving import ModelSpec, ServedModel, ServingClient
from detector.tiling import Tiling
from detector.translation import _, carried, language
from detector.turns import Turns

_log = logging.getLogger(__name__)

# The errors of a server that says nothing, not even something wrong.
NO_ANSWER = (ServerUnavailableError, ServerTimeoutError, ServerStartError)
# How long a page waits for a server to say which version it serves, and for how long that holds.
WAIT_S = 3.0
FRESH_S = 3.0
# Visitors who may wait for their image's turn; one more is told that the server is busy.
MOST_WAITING = 100
# How long a page waits where an earlier word of the server is at hand.
PATIENCE_S = 0.5


@st.cache_resource(show_spinner=False)
def config() -> Config:
    """The settings, read once for the process. Raises ConfigError, which is not cached."""
    loaded = Config.load(read_secrets())
    accepted_mb = int(st.get_option("server.maxUploadSize"))
    if loaded.max_upload_mb > accepted_mb:
        raise ConfigError(
            _(
                "max_upload_mb is {wanted}, but the dashboard accepts uploads of {accepted} MB"
                " at most",
                wanted=loaded.max_upload_mb,
                accepted=accepted_mb,
            ),
            _(
                "Set it lower, or start with --server.maxUploadSize {wanted}.",
                wanted=loaded.max_upload_mb,
            ),
        )
    return loaded


def labels_shown() -> tuple[str, ...]:
    """What the visitor reads for the classes, by class id. Files and addresses have the labels."""
    return names_of(config().labels)


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


def is_starting() -> bool:
    """Whether the embedded server is not ready yet."""
    server = embedded()
    return server is not None and server.state != "running"


def has_failed() -> bool:
    """Whether the embedded server could not be started; `address` tries again."""
    server = embedded()
    return server is not None and server.state == "failed"


def address() -> str:
    """Where the model server listens. Waits for the embedded one; raises ServerStartError."""
    server = embedded()
    if server is None:
        return config().server or ""
    if server.state == "failed":
        server.start()
    return server.address


def servers() -> dict[str, str | None]:
    """The servers by name; None is the one that the whole dashboard uses. Raises ConfigError."""
    settings = config()
    main = "embedded" if settings.server is None else settings.server
    if any(server.name == main for server in settings.servers):
        raise ConfigError(
            _(
                "Two servers are named {name!r}: one of COMMODITY_LENS_SERVERS, and the dashboard's"
                " own, which has no other name.",
                name=main,
            ),
            _("Give the one in COMMODITY_LENS_SERVERS another name."),
        )
    return {main: None} | {server.name: server.address for server in settings.servers}


# Addresses come from the settings and the embedded server, never from what a visitor types: so no
# client is ever closed to make room for another.
@st.cache_resource(show_spinner=False, max_entries=1000, on_release=ServingClient.close)
def client(server_address: str) -> ServingClient:
    """The one connection to that address, shared by all sessions and threads."""
    settings = config()
    configured = {settings.server, *(server.address for server in settings.servers)}
    # Another address than the configured ones is the embedded server's, which has no TLS.
    is_configured = server_address in configured
    turns = Turns(settings.calls_at_once, MOST_WAITING)
    metrics.watch(server_address, turns)
    return ServingClient(
        server_address,
        timeout_s=settings.timeout_s,
        tls=settings.tls_settings if is_configured else None,
        metadata=settings.call_metadata if is_configured else (),
        turns=turns,
        on_predicted=metrics.predicted,
    )


def served(server_address: str, spec: ModelSpec | None = None) -> ServedModel:
    """The configured model on a server, or another one there."""
    return client(server_address).model(spec or ModelSpec.of(config()))


def ssd_model(server_address: str, spec: ModelSpec | None = None) -> SSDModel:
    """The same, with the names of its tensors."""
    return SSDModel.of(config(), client(server_address), spec)


class VersionWatch:
    """Which version of a model a server serves now. It is asked in a thread of its own, so that no
    page waits for longer than WAIT_S, whatever the server does. Thread-safe.
    """

    def __init__(self, ask: Callable[[], int]) -> None:
        """
        Args:
            ask: gives the version, 0 where the server does not say; raises ServingError.
        """
        self._ask = ask
        self._changed = threading.Condition()  # guards what follows
        self._said: int | ServingError | None = None
        self._said_at = -float("inf")
        self._is_asking = False

    def version(self) -> int:
        """The version, at most FRESH_S old, or while the server is silent its last word.

        Raises:
            ServingError: the server cannot be reached, or has no such version ready.
        """
        with self._changed:
            if time.monotonic() - self._said_at > FRESH_S:
                if not self._is_asking:
                    self._is_asking = True
                    run = carried(self._run)
                    threading.Thread(target=run, name="version", daemon=True).start()
                wait_s = WAIT_S if self._said is None else PATIENCE_S
                self._changed.wait_for(lambda: not self._is_asking, wait_s)
            said = self._said
        if said is None:
            raise ServerTimeoutError(
                _("the model server did not answer within {seconds} s", seconds=f"{WAIT_S:g}")
            )
        if isinstance(said, ServingError):
            raise said.with_traceback(None)
        return said

    def forget(self) -> None:
        """Ask anew the next time: a call has shown that the last word does not hold."""
        with self._changed:
            self._said, self._said_at = None, -float("inf")

    def _run(self) -> None:
        said: int | ServingError
        try:
            said = self._ask()
        except ServingError as error:
            said = error.with_traceback(None)
        except Exception:  # noqa: BLE001, the outermost place of a thread
            _log.exception("the version could not be asked")
            said = ServerFaultError(_("asking the model server for its version failed"))
        with self._changed:
            self._said, self._said_at = said, time.monotonic()
            self._is_asking = False
            self._changed.notify_all()


@st.cache_resource(show_spinner=False, max_entries=256)
def _watch(server_address: str, spec: ModelSpec, spoken: str) -> VersionWatch:
    # One a language: what goes wrong is kept, and told to all who ask.
    model, wait_s = served(server_address, spec), min(WAIT_S, config().timeout_s)

    def ask() -> int:
        try:
            return model.served_version(wait_s).version
        except (NotAModelServerError, AccessDeniedError):
            return 0  # it may know Predict all the same, which then says what is wrong

    return VersionWatch(ask)


def served_version(server_address: str = "", spec: ModelSpec | None = None) -> int:
    """The version that answers now, 0 where the server does not say.

    Args:
        server_address, spec: the configured ones where they are left out.

    Raises:
        ServingError: the server cannot be reached, or has no such version ready.
    """
    where = server_address or address()
    return _watch(where, spec or ModelSpec.of(config()), language.get()).version()


@st.cache_data(show_spinner=False, ttl="10s", max_entries=64)
def available_versions(server_address: str, model: str) -> tuple[int, ...]:
    """The versions that can be asked now, newest first; none where the server does not say.

    A server that has just started loads one after the other: those that are on their way are waited
    for, for WAIT_S at the most.
    """
    while True:
        try:
            statuses = served(server_address, ModelSpec(model)).versions(
                min(WAIT_S, config().timeout_s)
            )
        except ServingError:
            return ()  # for seconds only; who asks for an answer is told why
        coming = tuple(s.version for s in statuses if s.state in ("START", "LOADING"))
        if not coming or time.monotonic() > _patience(server_address, model, coming):
            return tuple(status.version for status in statuses if status.state == "AVAILABLE")
        time.sleep(0.1)


@st.cache_resource(show_spinner=False, ttl="60s", max_entries=64)
def _patience(server_address: str, model: str, coming: tuple[int, ...]) -> float:
    """Until when these are waited for: a version that loads for minutes holds no page up."""
    return time.monotonic() + WAIT_S


def answer_for(
    image: ImageFile,
    loaded: LoadedImage,
    tiling: Tiling,
    server_address: str = "",
    spec: ModelSpec | None = None,
) -> Answer:
    """The answer for an image by the version that is served now; kept for the session.

    Args:
        tiling: of which tiles the model is asked too.
        server_address, spec: the configured ones where they are left out.

    Raises:
        ServingError: the server cannot be reached, or has no such model or version.
    """
    where = server_address or address()
    asked = spec or ModelSpec.of(config())
    return _by_served(
        where, asked, lambda version: _answer_by(image, loaded, tiling, where, asked, version)
    )


def answer_in_passing(loaded: LoadedImage) -> Answer:
    """The answer for an image that nothing is kept of, by the version that is served now.

    Raises:
        ServingError: as of `answer_for`.
    """
    where, asked = address(), ModelSpec.of(config())
    return _by_served(where, asked, lambda version: ssd_model(where, asked.at(version)).ask(loaded))


def _by_served(where: str, asked: ModelSpec, answer_by: Callable[[int], Answer]) -> Answer:
    """What `answer_by` gives for the version that is served now."""
    watch = _watch(where, asked, language.get())
    try:
        try:
            return answer_by(watch.version())
        except ModelNotFoundError:  # the version may be gone since the server was asked
            watch.forget()
            return answer_by(watch.version())
    except NO_ANSWER:
        watch.forget()
        raise


def _answer_by(
    image: ImageFile,
    loaded: LoadedImage,
    tiling: Tiling,
    where: str,
    asked: ModelSpec,
    version: int,
) -> Answer:
    tile_count = len(tiling.tiles(loaded.size))
    key = AnswerKey(image.digest, where, asked.name, version, tile_count)
    store = state.answer_store()
    if (found := store.get(key)) is not None:
        metrics.answers.labels("kept").inc()
        return found
    # By its number: the newest may be another one by now, and would be kept as this one's.
    answer = ssd_model(where, asked.at(version)).ask(with_tiles(image, loaded, tiling))
    store.put(key, answer)
    metrics.answers.labels("live").inc()
    return answer


def with_tiles(image: ImageFile, loaded: LoadedImage, tiling: Tiling) -> LoadedImage:
    """What the model sees of the image and its tiles. These are cut anew each time, since nine of
    them are as large as ten images, and asked about once."""
    if not tiling.tiles(loaded.size):
        return loaded
    return load(image.read(), config().image_limits, tiling=tiling)


def stored_answers(server_address: str, version: int, model: str = "") -> StoredAnswers:
    """The session's answers by that version of a model, the configured one, for many images."""
    model = model or config().model_name
    return StoredAnswers(state.answer_store(), server_address, model, version)


def last_answer(image: ImageFile) -> Answer | None:
    """The last answer that this session had for the image, while the server gives none."""
    return state.answer_store().last(image.digest)


def recorded_answer(image: ImageFile, spec: ModelSpec | None = None) -> Answer | None:
    """What the configured model said of an image of the gallery when it was recorded.

    Args:
        spec: a version of the model, or none for the newest that was recorded.
    """
    asked = spec or ModelSpec.of(config())
    if asked.name != config().model_name or asked.version_label is not None:
        return None
    by_version = _recorded().get(image.digest, {})
    return by_version.get(asked.version or max(by_version, default=0))


def recorded_versions() -> tuple[int, ...]:
    """The versions of the configured model that were recorded, newest first."""
    found = {version for by_version in _recorded().values() for version in by_version}
    return tuple(sorted(found, reverse=True))


@st.cache_resource(show_spinner=False)
def _recorded() -> dict[str, dict[int, Answer]]:
    """The recorded answers of the configured model, by digest and version."""
    found: dict[str, dict[int, Answer]] = {}
    settings = config()
    for digest, answer in read_recorded(settings.samples_path / FILE_NAME):
        is_the_models = answer.model.name == settings.model_name
        if is_the_models and answer.raw.scores.shape[1] == len(settings.labels):
            found.setdefault(digest, {})[answer.model.version] = answer
    return found
