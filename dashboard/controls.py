"""The knobs of the post-processing. Each is in the page's address: a link reopens what one sees."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from detector.ssd import Settings

DEFAULTS = Settings()


def threshold_key(label: str) -> str:
    """The key of the slider that holds the own threshold of a class."""
    return f"threshold_{label}"


def settings(labels: Sequence[str]) -> Settings:
    """Draw the knobs; what they say.

    Args:
        labels: index = class id, background first.
    """
    classes = list(labels[1:])
    score = _slider(
        "Score threshold",
        "score_threshold",
        DEFAULTS.score_threshold,
        "A box is shown when the model is at least this sure of it.",
    )
    iou = _slider(
        "IoU threshold",
        "iou_threshold",
        DEFAULTS.iou_threshold,
        "Non-maximum suppression: of two boxes that overlap more than this (intersection over "
        "union), only the one with the higher score stays.",
    )
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        agnostic = st.toggle(
            "Class-agnostic NMS",
            value=DEFAULTS.class_agnostic,
            key="class_agnostic",
            bind="query-params",
            help="Off: a box suppresses boxes of its own class only. "
            "On: the box with the higher score wins whatever its class.",
        )
        st.button(
            "Reset all",
            icon=":material/restart_alt:",
            type="tertiary",
            key="reset",
            on_click=_reset,
            args=(classes,),
        )
    shown = st.pills(
        "Classes shown",
        classes,
        selection_mode="multi",
        default=classes,
        key="classes",
        bind="query-params",
        wrap=True,
        help="Hidden classes are left out of the figure, the tables and the exports.",
    )
    with st.expander("Limits and single classes", icon=":material/tune:", key="more"):
        top_k = st.slider(
            "Maximum number of boxes",
            1,
            DEFAULTS.top_k,
            DEFAULTS.top_k,
            key="top_k",
            bind="query-params",
            help="The boxes with the highest scores are kept.",
        )
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
            labels.index(label): _slider(
                f"Score threshold of {label}", threshold_key(label), DEFAULTS.score_threshold, None
            )
            for label in own
        }
    return Settings(
        score_threshold=score,
        iou_threshold=iou,
        class_agnostic=agnostic,
        class_thresholds=thresholds,
        classes=None if len(shown) == len(classes) else frozenset(map(labels.index, shown)),
        top_k=top_k,
    )


def _slider(label: str, key: str, default: float, help_text: str | None) -> float:
    return float(
        st.slider(label, 0.01, 1.0, default, 0.01, key=key, help=help_text, bind="query-params")
    )


def _start_own_thresholds(classes: Sequence[str]) -> None:
    """A threshold of a class starts at the common one, and is forgotten when it is taken away."""
    for label in classes:
        key = threshold_key(label)
        if label not in st.session_state["own"]:
            st.session_state.pop(key, None)
        elif key not in st.session_state:
            st.session_state[key] = st.session_state["score_threshold"]


def _reset(classes: Sequence[str]) -> None:
    defaults: dict[str, Any] = {
        "score_threshold": DEFAULTS.score_threshold,
        "iou_threshold": DEFAULTS.iou_threshold,
        "class_agnostic": DEFAULTS.class_agnostic,
        "top_k": DEFAULTS.top_k,
        "classes": list(classes),
        "own": [],
    }
    st.session_state.update(defaults)
    _start_own_thresholds(classes)
