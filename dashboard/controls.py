"""The knobs of the post-processing. Each is in the page's address: a link reopens what one sees.

A widget's own value is gone where the widget is not drawn. So what the knobs say is kept in one
plain entry of the session too: a page begins with what the page before it ended with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from detector.ssd import Settings

DEFAULTS = Settings()
LOWEST = 0.01  # of the sliders: the floor of post-processing

SCORE_HELP = "A box is shown when the model is at least this sure of it."
IOU_HELP = (
    "Non-maximum suppression: of two boxes that overlap more than this (intersection over "
    "union), only the one with the higher score stays."
)
AGNOSTIC_HELP = (
    "Off: a box suppresses boxes of its own class only. "
    "On: the box with the higher score wins whatever its class."
)
CLASSES_HELP = "Hidden classes are left out of the figure, the tables and the exports."
TOP_K_HELP = "The boxes with the highest scores are kept."


def threshold_key(label: str) -> str:
    """The key of the slider that holds the own threshold of a class."""
    return f"threshold_{label}"


def settings(labels: Sequence[str]) -> Settings:
    """Draw the knobs; what they say.

    Args:
        labels: index = class id, background first.
    """
    classes = list(labels[1:])
    _restore(labels)
    score = slider("Score threshold", "score_threshold", DEFAULTS.score_threshold, SCORE_HELP)
    iou = iou_threshold(IOU_HELP)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        agnostic = class_agnostic(AGNOSTIC_HELP)
        reset_button(labels)
    shown = shown_classes(labels, CLASSES_HELP)
    with st.expander("Limits and single classes", icon=":material/tune:", key="more"):
        most = top_k(TOP_K_HELP)
        own = st.pills(
            "Own threshold for",
            classes,
            selection_mode="multi",
            key="own",
            bind="query-params",
            wrap=True,
            on_change=_start_own_thresholds,
            args=(classes,),
            help="These classes have a score threshold of their own in place of the one above.",
        )
        thresholds = {
            labels.index(label): slider(
                f"Score threshold of {label}", threshold_key(label), DEFAULTS.score_threshold, None
            )
            for label in own
        }
    said = Settings(score, iou, agnostic, thresholds, shown, most)
    keep(said)
    return said


def slider(label: str, key: str, default: float, explained: str | None = None) -> float:
    """A slider of a threshold, up to 1."""
    return float(
        st.slider(label, LOWEST, 1.0, default, 0.01, key=key, help=explained, bind="query-params")
    )


def iou_threshold(explained: str | None = None) -> float:
    """The slider of the IoU above which NMS removes a box."""
    return slider("IoU threshold", "iou_threshold", DEFAULTS.iou_threshold, explained)


def class_agnostic(explained: str | None = None) -> bool:
    """The switch between NMS a class and NMS over all classes."""
    return st.toggle(
        "Class-agnostic NMS",
        value=DEFAULTS.class_agnostic,
        key="class_agnostic",
        bind="query-params",
        help=explained,
    )


def shown_classes(labels: Sequence[str], explained: str | None = None) -> frozenset[int] | None:
    """The choice of classes, as `Settings.classes`."""
    classes = list(labels[1:])
    shown = st.pills(
        "Classes shown",
        classes,
        selection_mode="multi",
        default=classes,
        key="classes",
        bind="query-params",
        wrap=True,
        help=explained,
    )
    return None if len(shown) == len(classes) else frozenset(map(labels.index, shown))


def top_k(explained: str | None = None) -> int:
    """The slider of the most boxes that are shown."""
    return st.slider(
        "Maximum number of boxes",
        1,
        DEFAULTS.top_k,
        DEFAULTS.top_k,
        key="top_k",
        bind="query-params",
        help=explained,
    )


def reset_button(labels: Sequence[str]) -> None:
    """Puts every knob back to its default."""
    st.button(
        "Reset all",
        icon=":material/restart_alt:",
        type="tertiary",
        key="reset",
        on_click=change,
        args=(labels, DEFAULTS),
    )


def kept() -> Settings:
    """What the knobs said last, on whatever page."""
    found: Settings = st.session_state.get("settings", DEFAULTS)
    return found


def keep(said: Settings) -> None:
    """Remember what the knobs of a page say."""
    st.session_state["settings"] = said


def change(labels: Sequence[str], wanted: Settings) -> None:
    """Set every knob. For callbacks: the knobs must not have been drawn yet."""
    keep(wanted)
    st.session_state.update(_values(labels, wanted))


def thresholds_from_address(labels: Sequence[str]) -> None:
    """On a page without sliders for the score: take the thresholds that its address has.

    Called before anything else of the page; only what an address can rightly say is taken.
    """
    if "settings" in st.session_state:
        return
    given = st.query_params
    own = {
        class_id: value
        for class_id, label in enumerate(labels)
        if label in given.get_all("own")
        and (value := _fraction(given.get(threshold_key(label)))) is not None
    }
    score = _fraction(given.get("score_threshold"))
    keep(
        replace(
            DEFAULTS,
            score_threshold=DEFAULTS.score_threshold if score is None else score,
            class_thresholds=own,
        )
    )


def hold_thresholds(labels: Sequence[str], said: Settings) -> Settings:
    """On a page without sliders for the score: keep what is said there, and put the thresholds
    into the address as Detect's sliders would."""
    keys = ("score_threshold", "own", *map(threshold_key, labels[1:]))
    for key in keys:
        st.session_state.pop(key, None)  # the sliders start from what is kept
    wanted: dict[str, list[str]] = {}
    if said.score_threshold != DEFAULTS.score_threshold:
        wanted["score_threshold"] = [str(said.score_threshold)]
    if said.class_thresholds:
        wanted["own"] = [labels[class_id] for class_id in said.class_thresholds]
    for class_id, value in said.class_thresholds.items():
        wanted[threshold_key(labels[class_id])] = [str(value)]
    for key in keys:
        if st.query_params.get_all(key) != wanted.get(key, []):
            if key in wanted:
                st.query_params[key] = wanted[key]
            else:
                del st.query_params[key]
    keep(said)
    return said


def click_target(labels: Sequence[str]) -> None:
    """Whose threshold a click in a chart sets."""
    st.pills(
        "A click in a chart sets the threshold of",
        [0, *range(1, len(labels))],
        default=0,
        required=True,
        key="click_target",
        format_func=lambda class_id: labels[class_id] if class_id else "all classes",
        wrap=True,
        persist_state="session",
    )


def threshold_from_chart(key: str) -> None:
    """Callback of a chart over the threshold: the place that was clicked becomes the threshold."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        said = points[0]["customdata"]
        value = said[0] if isinstance(said, (list, tuple)) else said
        set_threshold(float(value), st.session_state["click_target"])


def set_threshold(value: float, class_id: int) -> None:
    """Set the own threshold of a class, or with 0 the common one. For callbacks on a page without
    sliders for the score."""
    said = kept()
    if class_id == 0:
        keep(replace(said, score_threshold=value))
    else:
        keep(replace(said, class_thresholds={**said.class_thresholds, class_id: value}))


def _restore(labels: Sequence[str]) -> None:
    """A knob that is not there yet starts as it was left on another page, unless the page's
    address says otherwise."""
    if "settings" in st.session_state:
        for key, value in _values(labels, kept()).items():
            if key not in st.session_state and key not in st.query_params:
                st.session_state[key] = value


def _values(labels: Sequence[str], wanted: Settings) -> dict[str, Any]:
    """The widgets' values, by key, that say these settings."""
    own: Mapping[int, float] = wanted.class_thresholds
    return {
        "score_threshold": max(wanted.score_threshold, LOWEST),
        "iou_threshold": max(wanted.iou_threshold, LOWEST),
        "class_agnostic": wanted.class_agnostic,
        "top_k": min(max(wanted.top_k, 1), DEFAULTS.top_k),
        "classes": [
            label
            for class_id, label in enumerate(labels)
            if class_id and (wanted.classes is None or class_id in wanted.classes)
        ],
        "own": [labels[class_id] for class_id in own],
        **{threshold_key(labels[c]): max(value, LOWEST) for c, value in own.items()},
    }


def _start_own_thresholds(classes: Sequence[str]) -> None:
    """A threshold of a class starts at the common one, and is forgotten when it is taken away."""
    for label in classes:
        key = threshold_key(label)
        if label not in st.session_state["own"]:
            st.session_state.pop(key, None)
        elif key not in st.session_state:
            st.session_state[key] = st.session_state["score_threshold"]


def _fraction(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
