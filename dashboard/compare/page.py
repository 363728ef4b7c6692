"""Compare: one picture under two settings, models or servers, or several pictures side by side."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import answers, controls, frame, image_sets, images
from dashboard.answers import Answer, Picture, Prepared, config, prepare
from dashboard.compare import differences, grid, swipe
from dashboard.detect.page import photo_url
from detector import ssd
from detector.drawing import comparison_sheet, linked, photo
from detector.errors import (
    ConfigError,
    LensError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
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
)
from detector.evaluation.pairing import verdicts as verdicts_of
from detector.images import read_image

MODES = ("A against B", "Pictures")
VIEWS = ("Side by side", "Swipe")
NEWEST = "newest"
# A picture in which each side is right somewhere; another gallery opens on its first.
OPENS_ON = "electronics_flatlay.jpg"
# The knobs of the sides, and where they start: B asks for more.
KNOBS = ("score", "iou", "agnostic", "server", "model", "version")
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
    """

    letter: str
    server: str
    model: str
    version: int | None
    version_label: str | None
    settings: ssd.Settings


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
            return f"{name} · no answer"
        model, said = self.answer.model, self.side.settings
        agnostic = " · agnostic" if said.class_agnostic else ""
        return (
            f"{name} · {model.name} {model.version or '?'} · score ≥ {said.score_threshold:.2f}"
            f" · IoU {said.iou_threshold:.2f}{agnostic}"
        )

    @property
    def caption(self) -> list[str]:
        """The same for the sheet, a line each."""
        said = self.side.settings
        model = self.answer.model if self.answer is not None else None
        return [
            f"{self.side.letter.upper()}: {self.side.model}, version"
            f" {model.version if model and model.version else '?'}, server {self.side.server}",
            f"score at least {said.score_threshold:.2f}, IoU {said.iou_threshold:.2f},"
            f" {'class-agnostic' if said.class_agnostic else 'class-aware'} NMS",
        ]


def show() -> None:
    """The page in its two modes."""
    _restore()
    with st.container(key="compare_modes"):
        mode = st.segmented_control(
            "Compare",
            MODES,
            default=MODES[0],
            required=True,
            key="compare_mode",
            label_visibility="collapsed",
            bind="query-params",
        )
    if mode == "Pictures":
        grid.show()
        _keep("compare_mode", *grid.KNOBS)
        return
    if "sample" not in st.query_params and "last_sample" not in st.session_state:
        titles = [sample.title for sample in images.samples() if sample.file_name == OPENS_ON]
        if titles:
            st.session_state["sample"] = titles[0]
    picture = images.choose()
    prepared = prepare(picture.digest, picture.data)
    _servers()  # raises here what the page's frame would not see of a fragment
    with st.spinner("Asking the model server…", show_time=False):
        answers.address()  # waits for the embedded one
    _sides(picture, prepared)


@st.fragment
def _sides(picture: Picture, prepared: Prepared) -> None:
    columns = st.columns(2, gap="medium")
    results = []
    for column, letter, key in zip(columns, "ab", ("left", "right"), strict=True):
        with column, st.container(border=True, key=key):
            result = _asked(_knobs(letter), picture, prepared)
            if result.error is not None:
                frame.show_error(result.error)
            results.append(result)
    a, b = results
    view = _toolbar()
    absent = next((result.side.letter for result in results if result.answer is None), "")
    above = st.container()  # the figure depends on a knob below it
    left, right = st.columns([2, 1], gap="medium")
    with left:
        same_iou, kinds = differences.knobs() if not absent else (differences.SAME_BOX_IOU, [])
    pairing = pair(a.found, b.found, same_iou)
    row = differences.picked_row(picture, pairing, kinds)
    with above:
        if view == "Swipe":
            _swipe(picture, prepared, a, b, pairing)
        else:
            _figure(picture, prepared, a, b, pairing, row, absent)
    _keep(*_keys(), "compare_mode", "compare_view", *differences.KNOBS)
    if a.answer is None or b.answer is None:
        above.caption("There is nothing to compare until both sides have an answer.")
        if any(isinstance(r.error, (ServerUnavailableError, ServerTimeoutError)) for r in results):
            frame.try_again()
        return
    above.caption(f"{summary(pairing)} · {frame.plain(picture.name)}")
    truth = image_sets.truth_of(picture, image_sets.of_answer(picture, prepared, a.answer))
    standings = None if truth is None else (_standing(truth, a), _standing(truth, b))
    verdicts = None if standings is None else verdicts_of(pairing, *standings)
    with left:
        differences.table(picture, pairing, kinds, row, verdicts)
        _hand_on(picture, a, b, pairing)
    with right:
        differences.rightness(pairing, standings, verdicts)


def _knobs(letter: str) -> Side:
    """The knobs of a side; what they say."""
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
            "Class-agnostic",
            key=f"agnostic_{letter}",
            bind="query-params",
            help=controls.AGNOSTIC_HELP,
        )
    with chosen:
        names = list(_servers())
        server = st.selectbox("Server", names, key=f"server_{letter}", bind="query-params")
        model = st.text_input(
            "Model", settings.model_name, key=f"model_{letter}", bind="query-params"
        )
        model = model.strip() or settings.model_name
        version = st.selectbox(
            "Version or label",
            _offered_versions(server, model),
            key=f"version_{letter}",
            accept_new_options=True,
            bind="query-params",
            help="The versions that the server has ready. Type a number or a version label for "
            "any other.",
        )
    with st.container(horizontal=True, gap="medium"):
        score = controls.slider(
            "Score threshold", f"score_{letter}", DEFAULT_SCORES[letter], controls.SCORE_HELP
        )
        iou = controls.slider(
            "IoU threshold", f"iou_{letter}", controls.DEFAULTS.iou_threshold, controls.IOU_HELP
        )
    number = int(version) if version.isascii() and version.isdecimal() else None
    label = None if number or version == NEWEST else version
    said = ssd.Settings(score_threshold=score, iou_threshold=iou, class_agnostic=agnostic)
    return Side(letter, server, model, number, label, said)


def _model_name(letter: str) -> str:
    """Server, model and version of a side, for its button."""
    settings = config()
    parts = (
        st.session_state.get(f"model_{letter}") or settings.model_name,
        st.session_state.get(f"version_{letter}") or _configured_version(),
        st.session_state.get(f"server_{letter}") or next(iter(_servers())),
    )
    return " · ".join(frame.plain(part) for part in parts)


def _servers() -> dict[str, str | None]:
    """The servers by name; None is the one that the whole dashboard uses. Raises ConfigError."""
    settings = config()
    main = "embedded" if settings.server is None else settings.server
    if any(server.name == main for server in settings.servers):
        raise ConfigError(
            f"Two servers are named {main!r}: one of COMMODITY_LENS_SERVERS, and the dashboard's"
            " own, which has no other name.",
            "Give the one in COMMODITY_LENS_SERVERS another name.",
        )
    return {main: None} | {server.name: server.address for server in settings.servers}


def _address(server: str) -> str:
    return _servers().get(server) or answers.address()


def _configured_version() -> str:
    settings = config()
    return str(settings.model_version or settings.version_label or NEWEST)


def _offered_versions(server: str, model: str) -> list[str]:
    """What can be asked: first what is configured, then the newest, then what the server has."""
    try:
        there = answers.versions(_address(server), model)
    except ServingError:
        there = ()  # the side says why
    return list(dict.fromkeys([_configured_version(), NEWEST, *map(str, there)]))


def _asked(side: Side, picture: Picture, prepared: Prepared) -> Result:
    """The side's detections. The server is asked once a picture and version, never for a knob."""
    none = ssd.Detections.empty()
    try:
        answer = answers.answer_by(
            picture,
            prepared,
            _address(side.server),
            side.model,
            side.version,
            side.version_label,
        )
    except ServingError as error:
        return Result(side, None, none, none, error)
    found = ssd.postprocess(answer.raw, side.settings, prepared.size)
    unlimited = replace(side.settings, score_threshold=0.0, top_k=2**31)
    everything = ssd.postprocess(answer.raw, unlimited, prepared.size)
    return Result(side, answer, found, everything)


def _standing(truth: GroundTruth, result: Result) -> Standing:
    return standing(
        [truth], [result.found], [result.everything], len(config().labels), differences.MATCH_IOU
    )


def _toolbar() -> str:
    """Swap, copy, reset, and the view."""
    with st.container(horizontal=True, vertical_alignment="center", key="compare_tools"):
        view = st.segmented_control(
            "View",
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="compare_view",
            label_visibility="collapsed",
            bind="query-params",
        )
        st.space("stretch")
        st.button("Swap", icon=":material/swap_horiz:", key="swap", on_click=_swap)
        st.button("Copy A to B", icon=":material/content_copy:", key="copy", on_click=_copy)
        st.button("Reset", icon=":material/restart_alt:", key="reset_sides", on_click=_reset)
    return str(view)


def _figure(
    picture: Picture,
    prepared: Prepared,
    a: Result,
    b: Result,
    pairing: Pairing,
    row: int | None,
    absent: str,
) -> None:
    width, height = prepared.size
    with st.container(key="linked_column", gap=None):
        linked_frame = st.container(key="linked_frame")
        # A phone gets the panels one above the other. It says so once, and a desktop never does.
        was_narrow = bool(st.session_state.get("narrow", {}).get("narrow", False))
        said = _narrow(
            key="narrow",
            data={"narrow": was_narrow},
            default={"narrow": was_narrow},
            on_narrow_change=lambda: None,
        )
        stacked = bool(said["narrow"])
        figure = linked.draw(
            photo_url(picture, prepared),
            prepared.size,
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


def _swipe(
    picture: Picture,
    prepared: Prepared,
    a: Result,
    b: Result,
    pairing: Pairing,
) -> None:
    swipe.show(
        photo_url(picture, prepared),
        prepared.size,
        pairing,
        config().labels,
        names=(a.heading, b.heading),
        alt=summary(pairing),
        key="swipe",
    )


def _hand_on(picture: Picture, a: Result, b: Result, pairing: Pairing) -> None:
    """The comparison as a picture, built on the click, and the link that reopens it."""

    def sheet() -> bytes:
        return comparison_sheet.sheet_png(
            read_image(picture.data, config().image_limits),
            pairing,
            config().labels,
            title=f"{picture.name}: {summary(pairing)}",
            captions=(a.caption, b.caption),
        )

    with st.container(horizontal=True):
        st.download_button(
            "Comparison (PNG)",
            sheet,
            f"{Path(picture.name).stem}-comparison.png",
            "image/png",
            icon=":material/download:",
            key="sheet",
            on_click="ignore",
        )
        link = st.popover("Link", icon=":material/link:", key="compare_link", on_change="rerun")
        if link.open:
            link.caption(
                "Opens the same sample with both sides as they are; uploads are not in it."
            )
            link.code(frame.link(), language=None, wrap_lines=True)


def _keys(letters: str = "ab") -> list[str]:
    return [f"{knob}_{letter}" for letter in letters for knob in KNOBS]


def _swap() -> None:
    for knob in KNOBS:
        a, b = f"{knob}_a", f"{knob}_b"
        st.session_state[a], st.session_state[b] = st.session_state[b], st.session_state[a]


def _copy() -> None:
    for knob in KNOBS:
        st.session_state[f"{knob}_b"] = st.session_state[f"{knob}_a"]


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
        for knob, value in zip(KNOBS, values, strict=True):
            st.session_state[f"{knob}_{letter}"] = value
    differences.reset()


def _keep(*keys: str) -> None:
    """Remember what the page's knobs say: a widget's own value is gone on another page."""
    kept: dict[str, Any] = st.session_state.setdefault("compare_kept", {})
    kept |= {key: st.session_state[key] for key in keys if key in st.session_state}


def _restore() -> None:
    for key, value in st.session_state.get("compare_kept", {}).items():
        if key not in st.session_state and key not in st.query_params:
            st.session_state[key] = value
