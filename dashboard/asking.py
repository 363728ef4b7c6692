"""Ask a place: why there is a box there, or none. On Detect and Thresholds."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard import answers, controls, frame, media, state
from dashboard.answers import config, labels_shown
from dashboard.controls import number
from dashboard.files import ImageFile
from detector.answers import Answer, LoadedImage
from detector.asking import Candidate, Fate, Place, ask, with_threshold
from detector.drawing.colors import class_color
from detector.drawing.marks import rounded
from detector.errors import ServingError
from detector.report.document import Part, Row, Section, Table, Text
from detector.serving import ModelSpec
from detector.ssd import SCORE_FLOOR, RawPrediction, Settings
from detector.tiling import Tiling
from detector.translation import _, plural

DRAWN = 3  # candidates, the best ones
PROPOSED = 3  # thresholds to adopt


@dataclass(frozen=True)
class Box:
    """A candidate over the image, in pixels of the original."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float
    color: str
    label: str


@dataclass(frozen=True)
class AskData:
    """What the component gets.

    Attributes:
        frame: key of the container that holds the image and the component.
        size: (width, height) of the original, in pixels.
        asked: the place that was asked about.
        boxes: the candidates there.
        texts: of its button: "ask" and "tip"; "keys" says what the keyboard does.
    """

    frame: str
    size: tuple[int, int]
    asked: Place | None
    boxes: list[Box]
    texts: dict[str, str]


def component(
    container: str, image: ImageFile, loaded: LoadedImage, candidates: Sequence[Candidate]
) -> None:
    """The button over the image, and the marks of what was asked. Draw it in that container.

    Args:
        container: its key.
    """
    key = f"{container}_ask_mounted"
    labels = labels_shown()
    boxes = []
    for each in candidates[:DRAWN]:
        if each.fate is not Fate.BELOW_FLOOR:
            xmin, ymin, xmax, ymax = (rounded(side, 1) for side in each.box.tolist())
            boxes.append(
                Box(xmin, ymin, xmax, ymax, class_color(each.class_id), labels[each.class_id])
            )
    data = AskData(
        container,
        loaded.size,
        place_of(image),
        boxes,
        {
            "ask": _("Ask a place"),
            "tip": _("Click or drag over the image: why is there a box, or none?"),
            "keys": _(
                "The image. Arrow keys move the cross, with Shift they draw a rectangle, Enter "
                "asks, Escape ends."
            ),
        },
    )

    @frame.callback
    def asked() -> None:
        given = state.widget(key, {}).get("place")
        place = _place(given, loaded.size)
        if place is not None:
            state.write(state.Question(image.digest, place))

    with st.container(key=f"{container}_ask"):
        media.component("ask", key=key, data=asdict(data), on_place_change=asked)


def place_of(image: ImageFile) -> Place | None:
    """What is asked about this image."""
    question = state.read(state.Question)
    return question.place if question.digest == image.digest else None


def candidates_of(
    image: ImageFile, loaded: LoadedImage, answer: Answer, settings: Settings
) -> tuple[Candidate, ...]:
    """The candidates at the place that is asked about; none where nothing is asked."""
    place = place_of(image)
    if place is None:
        return ()
    return ask(_whole(image, loaded, answer), settings, answer.size, place)


def _whole(image: ImageFile, loaded: LoadedImage, answer: Answer) -> RawPrediction:
    """The prediction with all its rows; of a server that is silent by now, the rows that are there:
    those with a score above the floor."""
    if answer.recorded_on is not None:
        return answer.raw
    try:
        where, version = answers.address(), answer.model.version
        return _asked_whole(image.digest, len(answer.tiles), where, version, image, loaded)
    except ServingError:
        return answer.raw


@st.cache_resource(show_spinner=False, scope="session", max_entries=1)
def _asked_whole(
    digest: str,
    tile_count: int,
    server_address: str,
    version: int,
    _image: ImageFile,
    _loaded: LoadedImage,
) -> RawPrediction:
    spec = ModelSpec.of(config()).at(version)
    tiled = answers.with_tiles(_image, _loaded, Tiling.of_count(tile_count))
    return answers.ssd_model(server_address, spec).ask_whole(tiled)


def show(image: ImageFile, candidates: Sequence[Candidate], settings: Settings) -> None:
    """The answer in words: a row a class, and thresholds to adopt."""
    place = place_of(image)
    if place is None:
        return
    labels = labels_shown()
    fired = [each for each in candidates if each.fate is not Fate.BELOW_FLOOR]
    silent = [each for each in candidates if each.fate is Fate.BELOW_FLOOR]
    with st.container(border=True, key="asked"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_where(place)}**")
            st.space("stretch")
            st.button(
                _("Close"),
                type="tertiary",
                icon=":material/close:",
                key="asked_close",
                on_click=_close,
            )
        if fired:
            rows = "".join(_row(each, labels) for each in fired)
            st.html(f'<table class="lens-asked"><tbody>{rows}</tbody></table>')
        if silent or not candidates:
            st.caption(_of_the_silent(silent, labels, has_fired=bool(fired)))
        _proposals(fired, settings, labels)


def section(image: ImageFile, candidates: Sequence[Candidate]) -> Section | None:
    """The same for a report; None where nothing is asked."""
    place = place_of(image)
    if place is None:
        return None
    labels = labels_shown()
    fired = [each for each in candidates if each.fate is not Fate.BELOW_FLOOR]
    silent = [each for each in candidates if each.fate is Fate.BELOW_FLOOR]
    parts: list[Part] = []
    if fired:
        fate = _("What became of it")
        rows = [
            Row(
                (labels[each.class_id], f"{each.score:.3f}", fate_in_words(each, labels)),
                class_color(each.class_id),
            )
            for each in fired
        ]
        parts.append(Table((_("Class"), _("Score"), fate), rows, frozenset({fate})))
    if silent or not candidates:
        told = _of_the_silent(silent, labels, has_fired=bool(fired))
        parts.append(Text(frame.unmarked(told), is_note=True))
    parts += [
        Text(f"{_proposal(each, labels[each.class_id])}: {_others(each)}", is_note=True)
        for each in _able(fired)
    ]
    return Section(_where(place), parts)


def _where(place: Place) -> str:
    if place.is_point:
        return _("Asked at {x:.0f}, {y:.0f} px", x=place.xmin, y=place.ymin)
    return _(
        "Asked from {xmin:.0f}, {ymin:.0f} to {xmax:.0f}, {ymax:.0f} px",
        xmin=place.xmin,
        ymin=place.ymin,
        xmax=place.xmax,
        ymax=place.ymax,
    )


def _row(candidate: Candidate, labels: Sequence[str]) -> str:
    color = class_color(candidate.class_id)
    return (
        f'<tr><th scope="row"><i style="background:{color}"></i>'
        f"{html.escape(labels[candidate.class_id])}</th><td>{candidate.score:.3f}</td>"
        f"<td>{html.escape(fate_in_words(candidate, labels))}</td></tr>"
    )


def fate_in_words(candidate: Candidate, labels: Sequence[str]) -> str:
    """What became of a candidate, as a sentence's part."""
    by = candidate.suppressor
    places: dict[str, Any] = {"threshold": f"{candidate.threshold:.2f}"}
    if by is not None:
        places |= {"label": labels[by.class_id], "score": f"{by.score:.2f}", "iou": f"{by.iou:.2f}"}
    if candidate.fate is Fate.BELOW_THRESHOLD:
        missing = f"{max(candidate.threshold - candidate.score, 0):.3f}"
        if by is None:
            return _("{missing} below its threshold of {threshold}", missing=missing, **places)
        return _(
            "{missing} below its threshold of {threshold}, and suppressed by {label} {score}"
            " (IoU {iou}) at any lower one",
            missing=missing,
            **places,
        )
    if candidate.fate is Fate.SUPPRESSED:
        return _("suppressed by {label} {score}: their IoU is {iou}", **places)
    texts = {
        Fate.SHOWN: _("shown"),
        Fate.BELOW_FLOOR: _("below the floor of {floor}", floor=SCORE_FLOOR),
        Fate.CLASS_HIDDEN: _("its class is hidden"),
        Fate.BEYOND_CLASS_LIMIT: _("beyond the 400 best of its class"),
        Fate.BEYOND_LIMIT: _("beyond the most boxes that are shown"),
    }
    return texts[candidate.fate]


def _of_the_silent(silent: Sequence[Candidate], labels: Sequence[str], *, has_fired: bool) -> str:
    """One line for all that stayed below the floor."""
    if not silent:
        return _("Nothing fired here.")
    best = silent[0]
    places = {
        "label": frame.plain(labels[best.class_id]),
        "score": f"{best.score:.4f}",
        "background": f"{best.background:.3f}",
        "floor": SCORE_FLOOR,
    }
    if has_fired:
        return _(
            "No other class has a score above the floor of {floor} here; the best of them is"
            " {label} {score}.",
            **places,
        )
    return _(
        "Nothing fired here: the best is {label} {score}, below the floor of {floor}; the same"
        " default box says background {background}.",
        **places,
    )


def _proposals(candidates: Sequence[Candidate], settings: Settings, labels: Sequence[str]) -> None:
    for each in _able(candidates):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                _proposal(each, frame.plain(labels[each.class_id])),
                icon=":material/visibility:",
                key=f"asked_adopt_{each.class_id}",
                on_click=_adopt,
                args=(settings, each),
            )
            st.caption(_others(each))


def _able(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that a threshold would show."""
    return [each for each in candidates if each.shown_from is not None][:PROPOSED]


def _proposal(candidate: Candidate, label: str) -> str:
    threshold = f"{candidate.shown_from:.2f}"
    return _("Show {label} from {threshold}", label=label, threshold=threshold)


def _others(candidate: Candidate) -> str:
    others = sum(candidate.others.values())
    if not others:
        return _("shows nothing else")
    return plural("shows {count} other box too", "shows {count} other boxes too", others)


@frame.callback
def _adopt(settings: Settings, candidate: Candidate) -> None:
    if candidate.shown_from is not None:
        labels = config().labels
        then = with_threshold(settings, candidate.class_id, candidate.shown_from)
        controls.adopt_thresholds(then, labels)


@frame.callback
def _close() -> None:
    state.write(state.Question())


def _place(given: object, size: tuple[int, int]) -> Place | None:
    """What the browser says, where it is a place of the image; it may say anything."""
    if not isinstance(given, Mapping):
        return None
    width, height = size
    names = ("xmin", "ymin", "xmax", "ymax")
    sides = [
        number(str(given.get(name)), 0, side)
        for name, side in zip(names, (width, height) * 2, strict=True)
    ]
    xmin, ymin, xmax, ymax = sides
    if xmin is None or ymin is None or xmax is None or ymax is None:
        return None
    return Place(xmin, ymin, xmax, ymax) if xmin <= xmax and ymin <= ymax else None
