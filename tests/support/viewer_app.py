"""A page with nothing but viewers, for the browser tests.

What they show is in the file named by $VIEWER_CASES: a pickled dictionary of cases by name, each a
dictionary of `raw`, `settings`, `size`, `labels`, `photo` (a URL), and perhaps `truth` and
`compared`. The address says which, `?case=one&case=another`, and perhaps `mode`.
"""

import os
import pickle
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dashboard.thresholds import viewer
from detector.drawing.viewer import Mode
from detector.drawing.viewer import view as view_of


def released(name: str, score: float, own: dict[int, float]) -> None:
    put(name, score_threshold=score, class_thresholds=own)


def clicked(name: str, picked: str | None) -> None:
    st.session_state[f"picked {name}"] = picked


def chosen(name: str, class_id: int | None) -> None:
    st.session_state[f"target {name}"] = class_id


def put(name: str, **changes: object) -> None:
    key = f"settings {name}"
    st.session_state[key] = replace(st.session_state[key], **changes)


def show(name: str) -> None:
    case = cases[name]
    settings = st.session_state.setdefault(f"settings {name}", case["settings"])
    picked = st.session_state.get(f"picked {name}")
    target = st.session_state.get(f"target {name}")
    view = view_of(
        case["raw"],
        settings,
        case["size"],
        case["labels"],
        digest=name,
        truth=case.get("truth"),
    )
    viewer.show(
        f"viewer {name}",
        view,
        case["photo"],
        mode=cast(Mode, st.query_params.get("mode", "Classes")),
        target=target,
        picked=picked,
        compared=case.get("compared"),
        on_thresholds=partial(released, name),
        on_target=partial(chosen, name),
        on_pick=partial(clicked, name),
    )
    with st.container(horizontal=True):
        buttons: dict[str, dict[str, Any]] = {
            "Reset": {"score_threshold": 0.3, "class_thresholds": {}},
            "Lower IoU": {"iou_threshold": 0.2},
            "Nothing": {},
        }
        for label, changes in buttons.items():
            st.button(label, f"{label} {name}", on_click=partial(put, name, **changes))
    own = dict(settings.class_thresholds)
    st.code(f"score {settings.score_threshold} own {own} picked {picked} target {target}")


st.set_page_config(layout="wide")
cases = st.cache_resource(lambda path: pickle.loads(Path(path).read_bytes()))(
    os.environ["VIEWER_CASES"]
)
for name in st.query_params.get_all("case"):
    show(name)
