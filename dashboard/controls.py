"""The settings of post-processing on the page. Each is in the page's address: a link reopens what
one sees.

A widget's own value is gone where the widget is not drawn. So the settings are kept in the session
too, and they have one owner: `kept` reads them, `adopt` sets them, whoever asks for it: a slider, a
click in a chart, the viewer, a proposal, a file. A page begins with what the page before it had.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from dashboard import frame, languages, state, tiles
from detector.labels import name_of
from detector.ssd import Settings
from detector.tiling import Tiling
from detector.translation import _, noted, plural

DEFAULTS = Settings()
LOWEST = 0.01  # of the sliders: the floor of post-processing

SCORE_HELP = noted("A box is shown when the model is at least this sure of it.")
IOU_HELP = noted(
    "Non-maximum suppression: of two boxes that overlap more than this (intersection over "
    "union), only the one with the higher score stays."
)
AGNOSTIC_HELP = noted(
    "Off: a box suppresses boxes of its own class only. "
    "On: the box with the higher score wins whatever its class."
)
CLASSES_HELP = noted("Hidden classes are left out of the figure, the tables and the exports.")
TOP_K_HELP = noted("The boxes with the highest scores are kept.")


def for_any_threshold(settings: Settings, most: int) -> Settings:
    """With which all boxes are found that a threshold may show: the browser goes by that, and by
    the limit.

    Class-agnostic with thresholds of classes these decide who takes part in NMS: there a common
    threshold that is moved holds once Python has heard of it.

    Args:
        most: boxes, the best ones.
    """
    if settings.class_agnostic and settings.class_thresholds:
        return replace(settings, top_k=most)
    return replace(settings, score_threshold=0.0, class_thresholds={}, top_k=most)


def kept() -> Settings:
    """The settings that hold, on whatever page."""
    return state.read(state.Thresholds).settings or DEFAULTS


def adopt(settings: Settings) -> None:
    """Make these the settings that hold. The controls that are drawn on the page keep what they
    hold, so elsewhere than on Detect only thresholds can be changed by this."""
    state.write(state.Thresholds(settings))


def adopt_thresholds(settings: Settings, labels: Sequence[str]) -> None:
    """Make these hold, in the controls that are drawn too. For callbacks."""
    settings = replace(settings, tiles=kept().tiles)  # a silent server's are those of its answer
    adopt(settings)
    usual = _widget_values(labels, DEFAULTS)
    for key, value in _widget_values(labels, settings).items():
        # A control that comes with this takes what it holds from here, and says nothing of it.
        if not state.has_widget(key) and value != usual.get(key):
            write_address(key, _in_address(value))
        state.set_widget(key, value)


def adopt_score(value: float) -> None:
    """Make this the common score threshold, where its slider is not drawn."""
    adopt(replace(kept(), score_threshold=value))
    state.set_widget("score_threshold", max(value, LOWEST))
    write_address(
        "score_threshold", [] if value == DEFAULTS.score_threshold else _in_address(value)
    )


def threshold_key(label: str) -> str:
    """The key of the slider that holds the own threshold of a class."""
    return f"threshold_{label}"


def own_threshold_frame(class_id: int) -> str:
    """The key of what is around that slider: in the page's style a label's letters may be lost."""
    return f"own_threshold_{class_id}"


def show_all(
    labels: Sequence[str],
    *,
    has_score: bool = True,
    has_tiles: bool = True,
    score_at: DeltaGenerator | None = None,
) -> Settings:
    """Draw the controls. Returns the settings that they stand for.

    Args:
        labels: index = class id, background first.
        has_score: whether the common score threshold is among them; else it is what `adopt_score`
            was told.
        has_tiles: whether the choice of tiles is among them; else what holds elsewhere stays.
        score_at: where that one is drawn, if not with the others.
    """
    classes = list(labels[1:])
    if has_score:
        restore(labels)
        with score_at or nullcontext():
            score = slider(
                _("Score threshold"), "score_threshold", DEFAULTS.score_threshold, SCORE_HELP
            )
            beside_score = st.container()  # what it says is chosen further down
    else:
        from_address(labels)
        restore(labels)
        score = kept().score_threshold
        adopt_score(score)
    iou = iou_threshold(IOU_HELP)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        agnostic = class_agnostic(AGNOSTIC_HELP)
        reset_button(labels)
    if has_tiles:
        tiling = choose_tiles()
    else:
        tiling = kept().tiles
        write_address("tiles", [] if tiling is DEFAULTS.tiles else [_(tiles.WORDS[tiling])])
    shown = shown_classes(labels, CLASSES_HELP)
    with st.expander(_("Limits and single classes"), icon=":material/tune:", key="more"):
        most = top_k(TOP_K_HELP)
        languages.understand("own", (), classes, several=True)
        own = st.pills(
            _("Own threshold for"),
            classes,
            selection_mode="multi",
            format_func=name_of,
            key="own",
            bind="query-params",
            wrap=True,
            on_change=_start_own_thresholds,
            args=(classes,),
            help=_("These classes have a score threshold of their own in place of the one above."),
        )
        thresholds = {}
        for label in own:
            class_id = labels.index(label)
            with st.container(key=own_threshold_frame(class_id)):
                thresholds[class_id] = slider(
                    _("Score threshold of {label}", label=name_of(label)),
                    threshold_key(label),
                    DEFAULTS.score_threshold,
                )
    if has_score:
        with beside_score:
            _tell_own_thresholds(len(own), len(classes))
    settings = Settings(score, iou, agnostic, thresholds, shown, most, tiling)
    adopt(settings)
    return settings


def _tell_own_thresholds(count: int, class_count: int) -> None:
    """That the slider above does not move them, and a way to be rid of them."""
    if not count:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="own_thresholds"):
        st.caption(
            _("All classes have thresholds of their own: this one moves none.")
            if count == class_count
            else plural(
                "{count} class has a threshold of its own, which this one does not move.",
                "{count} classes have thresholds of their own, which this one does not move.",
                count,
            )
        )
        st.button(_("Clear"), type="tertiary", key="clear_own", on_click=_clear_own_thresholds)


@frame.callback
def _clear_own_thresholds() -> None:
    for label in state.widget("own", ()):
        state.forget_widget(threshold_key(label))
    state.set_widget("own", [])


def slider(label: str, key: str, default: float, explained: str = "") -> float:
    """A slider of a threshold, up to 1."""
    keys = _("Arrow keys move it, and a number that is typed on it sets it.")
    return float(
        st.slider(
            label,
            LOWEST,
            1.0,
            default,
            0.01,
            key=key,
            help=f"{_(explained)}\n\n{keys}" if explained else keys,
            bind="query-params",
        )
    )


def iou_threshold(explained: str = "") -> float:
    """The slider of the IoU above which NMS removes a box."""
    return slider(_("IoU threshold"), "iou_threshold", DEFAULTS.iou_threshold, explained)


def class_agnostic(explained: str = "") -> bool:
    """The switch between NMS a class and NMS over all classes."""
    return st.toggle(
        _("Class-agnostic NMS"),
        value=DEFAULTS.class_agnostic,
        key="class_agnostic",
        bind="query-params",
        help=_(explained) if explained else None,
    )


def choose_tiles(key: str = "tiles") -> Tiling:
    """The choice of tiles."""
    languages.understand(key, tiles.OPTIONS)
    return tiles.OPTIONS[
        st.segmented_control(
            _("Tiles"),
            list(tiles.OPTIONS),
            default=tiles.WORDS[DEFAULTS.tiles],
            required=True,
            key=key,
            format_func=_,
            bind="query-params",
            help=tiles.explained(),
        )
    ]


def ask_again_with(settings: Settings, asked: Tiling) -> None:
    """In a fragment: have the page asked anew where its answer was asked for with other tiles."""
    if settings.tiles is not asked:
        state.update(state.Pick, detection_id=None)  # ids are those of an answer's default boxes
        st.rerun()


def shown_classes(labels: Sequence[str], explained: str = "") -> frozenset[int] | None:
    """The choice of classes, as `Settings.classes`."""
    classes = list(labels[1:])
    languages.understand("classes", (), classes, several=True)
    shown = st.pills(
        _("Classes shown"),
        classes,
        selection_mode="multi",
        default=classes,
        format_func=name_of,
        key="classes",
        bind="query-params",
        wrap=True,
        help=_(explained) if explained else None,
    )
    return None if len(shown) == len(classes) else frozenset(map(labels.index, shown))


def top_k(explained: str = "") -> int:
    """The slider of the most boxes that are shown."""
    return st.slider(
        _("Maximum number of boxes"),
        1,
        DEFAULTS.top_k,
        DEFAULTS.top_k,
        key="top_k",
        bind="query-params",
        help=_(explained) if explained else None,
    )


def reset_button(labels: Sequence[str]) -> None:
    """Puts every setting back to its default."""
    st.button(
        _("Reset all"),
        icon=":material/restart_alt:",
        type="tertiary",
        key="reset",
        on_click=_reset,
        args=(labels,),
    )


@frame.callback
def _reset(labels: Sequence[str]) -> None:
    adopt(DEFAULTS)
    # A new chart: classes that its legend has hidden are back.
    revision = state.read(state.DetectFigure).revision + 1
    state.update(state.DetectFigure, revision=revision)
    for key, value in _widget_values(labels, DEFAULTS).items():
        state.set_widget(key, value)


def from_address(labels: Sequence[str]) -> None:
    """On a page that does not draw all controls: take the settings that its address has.

    Called before anything else of the page; only what an address can rightly say is taken.
    """
    if state.read(state.Thresholds).settings is not None:
        return
    given = st.query_params
    label_of = languages.meant((), labels[1:])
    in_own, in_shown = (
        {label_of.get(word) for word in given.get_all(key)} for key in ("own", "classes")
    )
    own = {
        class_id: value
        for class_id, label in enumerate(labels)
        if label in in_own and (value := number(given.get(threshold_key(label)))) is not None
    }
    shown = frozenset(class_id for class_id, label in enumerate(labels) if label in in_shown)
    score, iou = number(given.get("score_threshold")), number(given.get("iou_threshold"))
    most = number(given.get("top_k"), 1, DEFAULTS.top_k)
    adopt(
        Settings(
            DEFAULTS.score_threshold if score is None else score,
            DEFAULTS.iou_threshold if iou is None else iou,
            given.get("class_agnostic") == "true",
            own,
            shown or None,
            DEFAULTS.top_k if most is None else int(most),
            tiles.in_address(given.get_all("tiles")),
        )
    )


def hold(labels: Sequence[str], settings: Settings, drawn: Collection[str] = ()) -> Settings:
    """On a page that does not draw all controls: keep these settings, and put them into the page's
    address as the controls would.

    Args:
        drawn: keys of the controls that the page draws.
    """
    values = _widget_values(labels, settings)
    usual = _widget_values(labels, DEFAULTS)
    for key in (*usual, *map(threshold_key, labels[1:])):
        if key in drawn:
            continue
        # A control that is drawn on another page starts from this, and puts it into its address.
        if key in values:
            state.set_widget(key, values[key])
        else:
            state.forget_widget(key)
        differs = key in values and values[key] != usual.get(key)
        wanted = _in_address(values[key]) if differs else []
        write_address(key, wanted)
    adopt(settings)
    return settings


def write_address(key: str, wanted: list[str]) -> None:
    """Have the page's address say this under that key; nothing: leave the key out."""
    if st.query_params.get_all(key) == wanted:
        return
    if wanted:
        st.query_params[key] = wanted
    else:
        del st.query_params[key]


def carry(labels: Sequence[str]) -> None:
    """On a page that draws no control: keep the settings, in the session and in its address."""
    from_address(labels)
    hold(labels, kept())


def _in_address(value: Any) -> list[str]:
    """A control's value as its address has it."""
    if isinstance(value, list):
        return [str(name_of(each)) for each in value] or [""]
    if value in tiles.OPTIONS:
        return [_(value)]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def chosen_class(labels: Sequence[str]) -> int:
    """Id of the chosen class; 0 for all of them."""
    class_id = state.read(state.ChosenClass).class_id
    return class_id if class_id < len(labels) else 0


@frame.callback
def threshold_from_chart(key: str) -> None:
    """Callback of a chart: the threshold of the place that was clicked is adopted.

    A point's customdata is the threshold, or begins with it; where a class id comes next, the
    threshold is that class's, else the chosen class's.
    """
    points = state.widget(key)["selection"]["points"]
    if not points:
        return
    given = points[0].get("customdata")
    if given is None:
        return
    value, *rest = given if isinstance(given, (list, tuple)) else [given]
    class_id = int(rest[0]) if rest else state.read(state.ChosenClass).class_id
    settings = kept()
    if class_id == 0:
        adopt(replace(settings, score_threshold=float(value)))
    else:
        own = {**settings.class_thresholds, class_id: float(value)}
        adopt(replace(settings, class_thresholds=own))


def restore(labels: Sequence[str]) -> None:
    """Before a page draws controls: on a page that one has just come to they stand as they were
    left on another, unless the page's address says otherwise."""
    settings = state.read(state.Thresholds).settings
    if settings is None:
        return
    usual = _widget_values(labels, DEFAULTS)
    for key, value in _widget_values(labels, settings).items():
        start(key, value, usual.get(key))


def start(key: str, value: Any, usual: Any = None) -> None:
    """Let a control that one comes to stand at this value, unless the page's address has another.

    Args:
        usual: the control's default, which no address needs to say.
    """
    visit = state.read(state.Visit)
    is_new = visit.is_new and key not in visit.started  # by a run that was cut off
    if is_new:
        state.update(state.Visit, started=visit.started | {key})
    if (is_new or not state.has_widget(key)) and key not in st.query_params:
        state.set_widget(key, value)
        if is_new and value != usual:
            # Streamlit puts into the address only what changes after a control is drawn. It refuses
            # this while it takes the parameter for that of the page before, which happens in a
            # script without a browser.
            with suppress(StreamlitAPIException):
                st.query_params[key] = _in_address(value)


def _widget_values(labels: Sequence[str], settings: Settings) -> dict[str, Any]:
    """The controls' values, by key, that stand for these settings."""
    own: Mapping[int, float] = settings.class_thresholds
    return {
        "score_threshold": max(settings.score_threshold, LOWEST),
        "iou_threshold": max(settings.iou_threshold, LOWEST),
        "class_agnostic": settings.class_agnostic,
        "tiles": tiles.WORDS[settings.tiles],
        "top_k": min(max(settings.top_k, 1), DEFAULTS.top_k),
        "classes": [
            label
            for class_id, label in enumerate(labels)
            if class_id and (settings.classes is None or class_id in settings.classes)
        ],
        "own": [labels[class_id] for class_id in own],
        **{threshold_key(labels[c]): max(value, LOWEST) for c, value in own.items()},
    }


@frame.callback
def _start_own_thresholds(classes: Sequence[str]) -> None:
    """A threshold of a class starts at the common one, and is forgotten when it is taken away."""
    for label in classes:
        key = threshold_key(label)
        if label not in state.widget("own"):
            state.forget_widget(key)
        elif not state.has_widget(key):
            state.set_widget(key, max(kept().score_threshold, LOWEST))


def number(text: str | None, lowest: float = 0, highest: float = 1) -> float | None:
    """What an address says, where it is a number within these bounds."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if lowest <= value <= highest else None
