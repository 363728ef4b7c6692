"""Compare: one image under two settings, models or servers, or several images side by side."""

from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from dashboard import answers, controls, frame, ground_truth, images, state
from dashboard.answers import config
from dashboard.compare import differences, grid, swipe
from dashboard.files import ImageFile
from dashboard.media import photo_url, prepare
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import comparison_sheet, linked, photo
from detector.errors import (
    ConfigError,
    LensError,
    ServerTimeoutError,
    ServerUnavailableError,
)
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.pairing import (
    KIND_COLORS,
    Kind,
    Pairing,
    Standing,
    pair,
    standing,
    summary,
    verdicts,
)
from detector.images import read_image
from detector.serving import ModelSpec
from detector.translation import _, noted

MODES = (noted("A against B"), noted("Images"))
VIEWS = (noted("Side by side"), noted("Swipe"))
NEWEST = "newest"
# An image in which each side is right somewhere; another gallery opens on its first.
OPENS_ON = "electronics_flatlay.jpg"
# The settings of the sides, and where they start: B asks for more.
SETTINGS = ("score", "iou", "agnostic", "server", "model", "version")
DEFAULT_SCORES = {"a": 0.30, "b": 0.50}

_narrow = st.components.v2.component(
    "commodity_lens.narrow",
    js="""
export default function ({ data, setStateValue }) {
  const narrow = window.matchMedia("(max-width: 640px)");
  const tell = () => {
    if (narrow.matches !== data.narrow) setStateValue("narrow", narrow.matches);
  };
  tell();
  narrow.addEventListener("change", tell);
  return () => narrow.removeEventListener("change", tell);
}
""",
)


@dataclass(frozen=True)
class Side:
    """What a side is asked for.

    Attributes:
        letter: "a" or "b".
        server: the name of its server, as the visitor chose it.
        version: a number, a label or NEWEST, as the visitor typed it.
    """

    letter: str
    server: str
    model: str
    version: str
    settings: ssd.Settings

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
    """What a side shows: detections, and all of them at the floor; or why it has none."""

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
        model, settings = self.answer.model, self.side.settings
        agnostic = _(" · agnostic") if settings.class_agnostic else ""
        return (
            f"{name} · {model.name} {model.version or '?'} · score ≥ {settings.score_threshold:.2f}"
            f" · IoU {settings.iou_threshold:.2f}{agnostic}"
        )

    @property
    def caption(self) -> list[str]:
        """The same for the sheet, a line each."""
        settings = self.side.settings
        model = self.answer.model if self.answer is not None else None
        nms = _("class-agnostic NMS") if settings.class_agnostic else _("class-aware NMS")
        return [
            _(
                "{side}: {model}, version {version}, server {server}",
                side=self.side.letter.upper(),
                model=self.side.model,
                version=model.version if model and model.version else "?",
                server=self.side.server,
            ),
            _(
                "score at least {score}, IoU {iou}, {nms}",
                score=f"{settings.score_threshold:.2f}",
                iou=f"{settings.iou_threshold:.2f}",
                nms=nms,
            ),
        ]


def show() -> None:
    """The page in its two modes."""
    _restore()
    with st.container(key="compare_modes"):
        mode = st.segmented_control(
            _("Compare"),
            MODES,
            default=MODES[0],
            required=True,
            key="compare_mode",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
        )
    if mode == "Images":
        grid.show()
        _keep("compare_mode", *grid.SETTINGS)
        return
    if "sample" not in st.query_params and state.read(state.Choice).sample is None:
        titles = [sample.title for sample in images.samples() if sample.file_name == OPENS_ON]
        if titles:
            state.set_widget("sample", titles[0])
    image = images.choose()
    loaded = prepare(image)
    with st.spinner(_("Asking the model server…"), show_time=False):
        answers.address()  # waits for the embedded one
    _sides(image, loaded)


@frame.fragment
def _sides(image: ImageFile, loaded: LoadedImage) -> None:
    columns = st.columns(2, gap="medium")
    results = []
    for column, letter, key in zip(columns, "ab", ("left", "right"), strict=True):
        with column, st.container(border=True, key=key):
            result = _ask(_side(letter), image, loaded)
            if result.error is not None:
                frame.show_error(result.error)
            results.append(result)
    a, b = results
    view = _toolbar()
    absent = next((result.side.letter for result in results if result.answer is None), "")
    above = st.container()  # the figure depends on a control below it
    left, right = st.columns([2, 1], gap="medium")
    with left:
        same_iou, kinds = (differences.SAME_BOX_IOU, []) if absent else differences.show_settings()
    pairing = pair(a.found, b.found, same_iou)
    row = differences.picked_row(image, pairing, kinds)
    with above:
        if view == "Swipe":
            _swipe(image, loaded, a, b, pairing)
        else:
            _figure(image, loaded, a, b, pairing, row, absent)
    _keep(*_keys(), "compare_mode", "compare_view", *differences.SETTINGS)
    if a.answer is None or b.answer is None:
        above.caption(_("There is nothing to compare until both sides have an answer."))
        if any(isinstance(r.error, (ServerUnavailableError, ServerTimeoutError)) for r in results):
            frame.try_again()
        return
    above.caption(f"{summary(pairing)} · {frame.plain(image.name)}")
    truth = ground_truth.of_image(image, a.answer)
    standings = None if truth is None else (_standing(truth, a), _standing(truth, b))
    judged = None if standings is None else verdicts(pairing, *standings)
    with left:
        differences.table(image, pairing, kinds, row, judged)
        _hand_on(image, a, b, pairing)
    with right:
        differences.accuracy(pairing, standings, judged)


def _side(letter: str) -> Side:
    """Draw the controls of a side. Returns what they stand for."""
    settings = config()
    color = KIND_COLORS[Kind.ONLY_A if letter == "a" else Kind.ONLY_B]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<b class="lens-side" style="background:{color}">{letter.upper()}</b>', width="content"
        )
        chosen = st.popover(
            _model_name(letter), icon=":material/dns:", key=f"source_{letter}", width="stretch"
        )
        agnostic = st.toggle(
            _("Class-agnostic"),
            key=f"agnostic_{letter}",
            bind="query-params",
            help=_(controls.AGNOSTIC_HELP),
        )
    with chosen:
        names = list(_servers())
        server = st.selectbox(_("Server"), names, key=f"server_{letter}", bind="query-params")
        model = st.text_input(
            _("Model"), settings.model_name, key=f"model_{letter}", bind="query-params"
        )
        model = model.strip() or settings.model_name
        version = st.selectbox(
            _("Version or label"),
            _offered_versions(server, model),
            key=f"version_{letter}",
            accept_new_options=True,
            bind="query-params",
            help=_(
                "The versions that the server has ready. Type a number or a version label for "
                "any other."
            ),
        )
    with st.container(horizontal=True, gap="medium"):
        score = controls.slider(
            _("Score threshold"), f"score_{letter}", DEFAULT_SCORES[letter], controls.SCORE_HELP
        )
        iou = controls.slider(
            _("IoU threshold"), f"iou_{letter}", controls.DEFAULTS.iou_threshold, controls.IOU_HELP
        )
    postprocessing = ssd.Settings(score_threshold=score, iou_threshold=iou, class_agnostic=agnostic)
    return Side(letter, server, model, version, postprocessing)


def _model_name(letter: str) -> str:
    """Server, model and version of a side, for its button."""
    parts = (
        state.widget(f"model_{letter}") or config().model_name,
        state.widget(f"version_{letter}") or _configured_version(),
        state.widget(f"server_{letter}") or next(iter(_servers())),
    )
    return " · ".join(frame.plain(part) for part in parts)


def _servers() -> dict[str, str | None]:
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


def _address(server: str) -> str:
    return _servers().get(server) or answers.address()


def _configured_version() -> str:
    settings = config()
    return str(settings.model_version or settings.version_label or NEWEST)


def _offered_versions(server: str, model: str) -> list[str]:
    """What can be asked: first what is configured, then the newest, then what the server has."""
    there = answers.available_versions(_address(server), model)
    return list(dict.fromkeys([_configured_version(), NEWEST, *map(str, there)]))


def _ask(side: Side, image: ImageFile, loaded: LoadedImage) -> Result:
    """The side's detections. The server is asked once an image and version, not for a setting."""
    none = ssd.Detections.empty()
    try:
        answer = answers.answer_for(image, loaded, _address(side.server), side.spec())
    except LensError as error:
        return Result(side, None, none, none, error)
    unlimited = replace(side.settings, score_threshold=0.0, top_k=2**31)
    return Result(side, answer, answer.detections(side.settings), answer.detections(unlimited))


def _standing(truth: GroundTruth, result: Result) -> Standing:
    return standing(
        [truth], [result.found], [result.everything], len(config().labels), differences.MATCH_IOU
    )


def _toolbar() -> str:
    """Swap, copy, reset, and the view."""
    with st.container(horizontal=True, vertical_alignment="center", key="compare_tools"):
        view = st.segmented_control(
            _("View"),
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="compare_view",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
        )
        st.space("stretch")
        st.button(_("Swap"), icon=":material/swap_horiz:", key="swap", on_click=_swap)
        st.button(_("Copy A to B"), icon=":material/content_copy:", key="copy", on_click=_copy)
        st.button(_("Reset"), icon=":material/restart_alt:", key="reset_sides", on_click=_reset)
    return str(view)


def _figure(
    image: ImageFile,
    loaded: LoadedImage,
    a: Result,
    b: Result,
    pairing: Pairing,
    row: int | None,
    absent: str,
) -> None:
    width, height = loaded.size
    with st.container(key="linked_column", gap=None):
        linked_frame = st.container(key="linked_frame")
        # A phone gets the panels one above the other. It says so once, and a desktop never does.
        was_narrow = bool(state.widget("narrow", {}).get("narrow", False))
        said = _narrow(
            key="narrow",
            data={"narrow": was_narrow},
            default={"narrow": was_narrow},
            on_narrow_change=lambda: None,
        )
        stacked = bool(said["narrow"])
        figure = linked.draw(
            photo_url(image, loaded),
            loaded.size,
            pairing,
            config().labels,
            headings=(a.heading, b.heading),
            stacked=stacked,
            row=row,
            absent=absent,
        )
        linked_frame.plotly_chart(
            figure,
            key="linked_figure",
            height="stretch",
            config=photo.CONFIG,
            alt=summary(pairing),
        )
        # Beside the photos: a legend of one line, or two, a heading above each, a margin below.
        st.html(
            f"<style>.st-key-linked_frame{{--photo:{height / width:.4f};"
            f"--across:{1 if stacked else 2};--down:{2 if stacked else 1};"
            f"--rest:{118 if stacked else 68}px}}</style>"
        )


def _swipe(image: ImageFile, loaded: LoadedImage, a: Result, b: Result, pairing: Pairing) -> None:
    swipe.show(
        photo_url(image, loaded),
        loaded.size,
        pairing,
        config().labels,
        names=(a.heading, b.heading),
        alt=summary(pairing),
        key="swipe",
    )


def _hand_on(image: ImageFile, a: Result, b: Result, pairing: Pairing) -> None:
    """The comparison as an image, built on the click, and the link that reopens it."""

    def sheet() -> bytes:
        return comparison_sheet.sheet_png(
            read_image(image.read(), config().image_limits),
            pairing,
            config().labels,
            title=f"{image.name}: {summary(pairing)}",
            captions=(a.caption, b.caption),
        )

    with st.container(horizontal=True):
        st.download_button(
            _("Comparison (PNG)"),
            sheet,
            f"{Path(image.name).stem}-comparison.png",
            "image/png",
            icon=":material/download:",
            key="sheet",
            on_click="ignore",
        )
        link = st.popover(_("Link"), icon=":material/link:", key="compare_link", on_change="rerun")
        if link.open:
            link.caption(
                _("Opens the same sample with both sides as they are; uploads are not in it.")
            )
            link.code(frame.link(), language=None, wrap_lines=True)


def _keys(letters: str = "ab") -> list[str]:
    return [f"{name}_{letter}" for letter in letters for name in SETTINGS]


@frame.callback
def _swap() -> None:
    for name in SETTINGS:
        of_a, of_b = state.widget(f"{name}_a"), state.widget(f"{name}_b")
        state.set_widget(f"{name}_a", of_b)
        state.set_widget(f"{name}_b", of_a)


@frame.callback
def _copy() -> None:
    for name in SETTINGS:
        state.set_widget(f"{name}_b", state.widget(f"{name}_a"))


@frame.callback
def _reset() -> None:
    for letter in "ab":
        values = (
            DEFAULT_SCORES[letter],
            controls.DEFAULTS.iou_threshold,
            controls.DEFAULTS.class_agnostic,
            next(iter(_servers())),
            config().model_name,
            _configured_version(),
        )
        for name, value in zip(SETTINGS, values, strict=True):
            state.set_widget(f"{name}_{letter}", value)
    differences.reset()


def _keep(*keys: str) -> None:
    """Remember what the page's controls hold: a widget's own value is gone on another page."""
    held = {key: state.widget(key) for key in keys if state.has_widget(key)}
    state.update(state.Comparison, kept={**state.read(state.Comparison).kept, **held})


def _restore() -> None:
    for key, value in state.read(state.Comparison).kept.items():
        if not state.has_widget(key) and key not in st.query_params:
            state.set_widget(key, value)
