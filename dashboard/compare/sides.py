"""The two sides of a comparison: what each is asked for, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import answers, controls, frame, results, state, tiles
from dashboard.answers import config
from dashboard.files import ImageFile
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.errors import LensError, ServingError
from detector.evaluation.pairing import SIDE_COLORS
from detector.formats.thresholds import read_thresholds
from detector.serving import ModelSpec
from detector.tiling import Tiling
from detector.translation import _, plural

NEWEST = "newest"
MODEL = ("server", "model", "version")
POSTPROCESSING = ("score", "iou", "agnostic", "tiles")
SETTINGS = (*POSTPROCESSING, "own", *MODEL)
LIKE_A = "like_a"  # of a further model: it has the settings of A


@dataclass(frozen=True)
class Side:
    """What a side is asked for.

    Attributes:
        letter: one of `state.SIDES`.
        server: the name of its server, as the visitor chose it.
        version: a number, a label or NEWEST, as the visitor typed it.
        is_file: the server is none but a file of results, which has no model and no version.
    """

    letter: str
    server: str
    model: str
    version: str
    settings: ssd.Settings
    is_file: bool = False

    def asks_the_same_as(self, other: "Side") -> bool:
        """Whether both ask for the same, so that nothing can differ."""
        return replace(self, letter=other.letter) == other

    @property
    def name(self) -> str:
        """Model, version and server as they were chosen, or the file."""
        return self.server if self.is_file else f"{self.model} · {self.version} · {self.server}"

    def asked(self, version: int) -> str:
        """Who is asked: the model and the version that answered, or the file."""
        if self.is_file:
            return _("results file {file}", file=self.server)
        return _(
            "{model}, version {version}, server {server}",
            model=self.model,
            version=version or "?",
            server=self.server,
        )

    def spec(self) -> ModelSpec:
        """The model to ask. Raises ConfigError: a version that cannot be."""
        signature = config().signature_name
        if self.version == NEWEST:
            return ModelSpec(self.model, signature_name=signature)
        if self.version.isascii() and self.version.isdecimal():
            # As many digits as tell that there are too many.
            number = int(self.version.lstrip("0")[:20] or "0")
            return ModelSpec(self.model, number, signature_name=signature)
        return ModelSpec(self.model, version_label=self.version, signature_name=signature)


@dataclass(frozen=True, eq=False)
class Result:
    """What a side shows: detections, and all of them at the floor; or why it has none. A
    recorded answer is there with the reason why it is no live one."""

    side: Side
    answer: Answer | None
    found: ssd.Detections
    everything: ssd.Detections
    error: LensError | None = None

    @property
    def heading(self) -> str:
        """Model, version and settings in one line."""
        name = self.side.letter.upper()
        if self.answer is None:
            return _("{side} · no answer", side=name)
        settings = self.side.settings
        agnostic = _(" · agnostic") if settings.class_agnostic else ""
        tiled = f" · {_tiles(settings)}" if _tiles(settings) else ""
        on = self.answer.recorded_on
        recorded = "" if on is None else _(" · recorded on {date}", date=on)
        own_count = len(settings.class_thresholds)
        own = plural(" · {count} own threshold", " · {count} own thresholds", own_count)
        score = _("score ≥ {threshold}", threshold=f"{settings.score_threshold:.2f}")
        return (
            f"{name} · {self.answer.by} · {score}"
            f"{own if own_count else ''} · IoU {settings.iou_threshold:.2f}{agnostic}{tiled}"
            f"{recorded}"
        )

    @property
    def caption(self) -> list[str]:
        """The same for the sheet, a line each."""
        settings = self.side.settings
        version = self.answer.model.version if self.answer is not None else 0
        nms = _("class-agnostic NMS") if settings.class_agnostic else _("class-aware NMS")
        return [
            f"{self.side.letter.upper()}: {self.side.asked(version)}",
            _(
                "score at least {score}, IoU {iou}, {nms}",
                score=f"{settings.score_threshold:.2f}",
                iou=f"{settings.iou_threshold:.2f}",
                nms=nms,
            )
            + (f", {_tiles(settings)}" if _tiles(settings) else ""),
        ]


def _tiles(settings: ssd.Settings) -> str:
    """The choice of tiles in words; "" for none."""
    if settings.tiles is Tiling.OFF:
        return ""
    return _("tiles {tiles}", tiles=_(tiles.WORDS[settings.tiles]))


def show(letter: str) -> Side:
    """Draw the controls of a side. Returns what they stand for."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chosen = _picker(letter)
        agnostic = _agnostic(letter)
    with chosen:
        side = _choose_model(letter)
        tiling = Tiling.OFF if side.is_file else controls.choose_tiles(f"tiles_{letter}")
        _thresholds_file(letter)
    if side.is_file:
        results.tell(side.server)
    with st.container(horizontal=True, gap="medium"):
        score, iou = _thresholds(letter)
    own = _own_thresholds(letter)
    return replace(side, settings=ssd.Settings(score, iou, agnostic, own, tiles=tiling))


def show_further(letter: str, a: Side) -> Side:
    """Draw the controls of a further model of a whole set: who is asked, and with which settings if
    not with those of A."""
    usual = {**_values(controls.DEFAULTS, NEWEST), LIKE_A: True}
    _start(letter, (*MODEL, LIKE_A), usual, usual)
    with (
        st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"),
        _picker(letter),
    ):
        side = _choose_model(letter)
        settings = replace(a.settings, tiles=Tiling.OFF) if side.is_file else a.settings
        is_like_a = st.toggle(
            _("Settings of A"),
            value=True,
            key=f"{LIKE_A}_{letter}",
            bind="query-params",
            help=_("Off: thresholds, NMS and tiles of its own, the same for all classes."),
        )
        if is_like_a:
            return replace(side, settings=settings)
        _start(letter, POSTPROCESSING, usual, usual)
        score, iou = _thresholds(letter)
        agnostic = _agnostic(letter)
        tiling = Tiling.OFF if side.is_file else controls.choose_tiles(f"tiles_{letter}")
    return replace(side, settings=ssd.Settings(score, iou, agnostic, tiles=tiling))


def _picker(letter: str) -> DeltaGenerator:
    """The letter, and the button that opens the choice of the model."""
    color = SIDE_COLORS[letter]
    st.html(
        f'<b class="lens-side" style="background:{color}">{letter.upper()}</b>', width="content"
    )
    return st.popover(
        _model_name(letter),
        icon=results.icon_of(state.widget(f"server_{letter}", "")),
        key=f"source_{letter}",
        width="stretch" if letter in "ab" else "content",
    )


def _choose_model(letter: str) -> Side:
    """Who is asked, with settings that are still to come."""
    names = [*answers.servers(), *results.names()]
    server = st.selectbox(
        _("Server or results file"), names, key=f"server_{letter}", bind="query-params"
    )
    is_file = results.find(server) is not None
    model = st.text_input(
        _("Model"),
        config().model_name,
        key=f"model_{letter}",
        bind="query-params",
        disabled=is_file,
    )
    model = model.strip() or config().model_name
    version = st.selectbox(
        _("Version or label"),
        [str(state.widget(f"version_{letter}", NEWEST))]
        if is_file
        else _offered_versions(server, model),
        key=f"version_{letter}",
        disabled=is_file,
        accept_new_options=True,
        bind="query-params",
        help=_(
            "The versions that the server has ready. Type a number or a version label for "
            "any other."
        ),
    )
    results.show_files(letter, letter)
    if is_file:
        return Side(letter, server, "", "", controls.DEFAULTS, is_file=True)
    return Side(letter, server, model, version, controls.DEFAULTS)


def _thresholds(letter: str) -> tuple[float, float]:
    """The score threshold and the IoU threshold."""
    score = controls.slider(
        _("Score threshold"),
        f"score_{letter}",
        controls.DEFAULTS.score_threshold,
        controls.SCORE_HELP,
    )
    iou = controls.slider(
        _("IoU threshold"), f"iou_{letter}", controls.DEFAULTS.iou_threshold, controls.IOU_HELP
    )
    return score, iou


def _agnostic(letter: str) -> bool:
    return st.toggle(
        _("Class-agnostic"),
        key=f"agnostic_{letter}",
        bind="query-params",
        help=_(controls.AGNOSTIC_HELP),
    )


def _own_thresholds(letter: str) -> Mapping[int, float]:
    """The side's thresholds of single classes: those of a file, else those of all pages."""
    own = state.read(state.Comparison).own_thresholds.get(letter)
    controls.write_address(f"thresholds_{letter}", _in_address(own))
    if own is None:
        own = controls.kept().class_thresholds
    if not own:
        return {}
    is_on = st.toggle(
        plural("{count} own threshold", "{count} own thresholds", len(own)),
        value=True,
        key=f"own_{letter}",
        bind="query-params",
        help=_("These classes have a score threshold of their own in place of the slider's."),
    )
    return own if is_on else {}


def _in_address(own: Mapping[int, float] | None) -> list[str]:
    """A file's thresholds as the address has them: "shoes:0.4"; one that sets none is "none"."""
    if own is None:
        return []
    labels = config().labels
    return [f"{labels[class_id]}:{value}" for class_id, value in own.items()] or ["none"]


def _from_address() -> None:
    """On a page that one has just come to: the thresholds that its address has for a side. Only
    what can rightly stand there is taken."""
    own = dict(state.read(state.Comparison).own_thresholds)
    labels = config().labels
    for letter in "ab":
        given = st.query_params.get_all(f"thresholds_{letter}")
        if given and letter not in own:
            read = [entry.rpartition(":")[::2] for entry in given]
            own[letter] = {
                labels.index(label): value
                for label, text in read
                if label in labels[1:] and (value := controls.number(text)) is not None
            }
    state.update(state.Comparison, own_thresholds=own)


def _thresholds_file(letter: str) -> None:
    st.file_uploader(
        _("Thresholds from a file"),
        type=["json"],
        key=f"thresholds_{letter}",
        on_change=_take_thresholds,
        args=(letter,),
        help=_("A thresholds.json of the page Thresholds, or of the command line."),
    )


@frame.callback
def _take_thresholds(letter: str) -> None:
    """Callback: this side has the file's thresholds; without a file those of all pages again."""
    file = state.widget(f"thresholds_{letter}")
    own = dict(state.read(state.Comparison).own_thresholds)
    own.pop(letter, None)
    if file is not None:
        point = read_thresholds(file.getvalue(), config().labels)
        own[letter] = point.class_thresholds
        state.set_widget(f"score_{letter}", max(point.score_threshold, controls.LOWEST))
        state.set_widget(f"own_{letter}", True)
    state.update(state.Comparison, own_thresholds=own)


def start() -> None:
    """Both sides start from the settings that hold, and where the server has two versions, from
    these; what was chosen before, or stands in the address, stays."""
    if state.read(state.Visit).is_new:
        _from_address()
    usual = _values(controls.DEFAULTS, NEWEST)
    opening = {} if state.read(state.Comparison).kept else _opening()
    for letter in "ab":
        _start(letter, SETTINGS, opening.get(letter, usual), usual)


def _start(
    letter: str, names: Sequence[str], values: Mapping[str, Any], usual: Mapping[str, Any]
) -> None:
    """Let controls of a side start from what was left, and the first time from these values."""
    # What starts later than the page is not put into its address: a further model starts as usual.
    is_there = letter in "ab" or state.read(state.Visit).is_new
    kept = state.read(state.Comparison).kept if is_there else {}
    for name in names:
        key = f"{name}_{letter}"
        controls.start(key, kept.get(key, values[name]), usual[name])


def _opening() -> dict[str, dict[str, Any]]:
    """The values of both sides' controls as the page opens."""
    versions = _versions_of(next(iter(answers.servers())), config().model_name)
    before = str(versions[1]) if len(versions) > 1 else _configured_version()
    settings = controls.kept()
    return {"a": _values(settings, before), "b": _values(settings, _configured_version())}


def _values(settings: ssd.Settings, version: str) -> dict[str, Any]:
    return {
        "score": max(settings.score_threshold, controls.LOWEST),
        "iou": max(settings.iou_threshold, controls.LOWEST),
        "agnostic": settings.class_agnostic,
        "tiles": tiles.WORDS[settings.tiles],
        "own": True,
        "server": next(iter(answers.servers())),
        "model": config().model_name,
        "version": version,
    }


def ask(side: Side, image: ImageFile, loaded: LoadedImage) -> Result:
    """The side's detections. The server is asked once an image and version, not for a setting."""
    answer: Answer | None
    failure: LensError | None = None
    try:
        if side.is_file:
            answer = results.answer_of(side.server, image, loaded.size)
        else:
            where, tiling = address_of(side.server), side.settings.tiles
            answer = answers.answer_for(image, loaded, tiling, where, side.spec())
    except LensError as error:
        answer, failure = None, error
        if isinstance(error, answers.NO_ANSWER) and answers.servers().get(side.server) is None:
            answer = answers.recorded_answer(image, side.spec())
    if answer is None:
        none = ssd.Detections.empty()
        return Result(side, None, none, none, failure)
    side = replace(side, settings=answer.as_asked(side.settings))
    unlimited = replace(side.settings, score_threshold=0.0, top_k=2**31)
    return Result(
        side, answer, answer.detections(side.settings), answer.detections(unlimited), failure
    )


def keys() -> list[str]:
    """The keys of the controls of all sides."""
    return [f"{name}_{letter}" for letter in state.SIDES for name in (*SETTINGS, LIKE_A)]


def swap() -> None:
    """A becomes B, and B becomes A. For callbacks."""
    own = state.read(state.Comparison).own_thresholds
    swapped = {{"a": "b", "b": "a"}[letter]: each for letter, each in own.items()}
    state.update(state.Comparison, own_thresholds=swapped)
    for name in SETTINGS:
        of_a, of_b = state.widget(f"{name}_a"), state.widget(f"{name}_b")
        state.set_widget(f"{name}_a", of_b)
        state.set_widget(f"{name}_b", of_a)


def copy() -> None:
    """B becomes what A is. For callbacks."""
    own = state.read(state.Comparison).own_thresholds
    state.update(state.Comparison, own_thresholds={x: own["a"] for x in "ab" if "a" in own})
    for name in SETTINGS:
        state.set_widget(f"{name}_b", state.widget(f"{name}_a"))


def reset() -> None:
    """Both sides as the page opens. For callbacks."""
    state.update(state.Comparison, own_thresholds={})
    for letter, values in _opening().items():
        for name, value in values.items():
            state.set_widget(f"{name}_{letter}", value)


def _model_name(letter: str) -> str:
    """Server, model and version of a side, for its button."""
    server = state.widget(f"server_{letter}")
    if results.find(server) is not None:
        return frame.plain(server)
    parts = (
        state.widget(f"model_{letter}") or config().model_name,
        state.widget(f"version_{letter}") or _configured_version(),
        server or next(iter(answers.servers())),
    )
    return " · ".join(frame.plain(part) for part in parts)


def address_of(server: str) -> str:
    """Where the server of that name listens. Raises ServerStartError, ConfigError."""
    return answers.servers().get(server) or answers.address()


def _configured_version() -> str:
    settings = config()
    return str(settings.model_version or settings.version_label or NEWEST)


def _versions_of(server: str, model: str) -> tuple[int, ...]:
    """What the server has ready; of the dashboard's own, while it is silent, what was recorded."""
    if answers.servers().get(server) is not None:
        return answers.available_versions(address_of(server), model)
    try:
        answers.served_version()
        return answers.available_versions(answers.address(), model)
    except answers.NO_ANSWER:
        return answers.recorded_versions()
    except ServingError:
        return ()


def _offered_versions(server: str, model: str) -> list[str]:
    """What can be asked: first what is configured, then the newest, then what the server has."""
    there = _versions_of(server, model)
    return list(dict.fromkeys([_configured_version(), NEWEST, *map(str, there)]))
