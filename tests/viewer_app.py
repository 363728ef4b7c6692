"""A page with nothing but the viewer, for the browser tests and the benchmark.

What it shows is a pickled dictionary, the file named by $VIEWER_CASES: a case by the `case` in the
address, each with `raw`, `settings`, `size`, `labels`, `photo` (a URL) and perhaps `truth`, `mode`,
`compared` and `photo_url`.
"""

import hashlib
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dashboard import viewer
from detector import scrub

st.set_page_config(layout="wide")
name = st.query_params["case"]
case = st.cache_resource(lambda path: pickle.loads(Path(path).read_bytes()))(
    os.environ["VIEWER_CASES"]
)[name]
state = st.session_state.setdefault("settings_" + name, case["settings"])


def released(score: float, own: dict[int, float]) -> None:
    st.session_state["settings_" + name] = replace(
        st.session_state["settings_" + name], score_threshold=score, class_thresholds=own
    )


def clicked(picked: str | None) -> None:
    st.session_state["picked"] = picked


def put(**changes: object) -> None:
    st.session_state["settings_" + name] = replace(st.session_state["settings_" + name], **changes)


mode = st.query_params.get("mode", "Classes")
viewer.show(
    "viewer",
    scrub.view(
        case["raw"],
        state,
        case["size"],
        case["labels"],
        digest=hashlib.sha256(name.encode()).hexdigest(),
        truth=case.get("truth"),
    ),
    case["photo"],
    mode=mode,  # type: ignore[arg-type]
    picked=st.session_state.get("picked"),
    compared=case.get("compared"),
    on_thresholds=released,
    on_pick=clicked,
)
with st.container(horizontal=True):
    st.button("Reset", on_click=put, kwargs={"score_threshold": 0.3, "class_thresholds": {}})
    st.button("Lower IoU", on_click=put, kwargs={"iou_threshold": 0.2})
    st.button("Nothing")
st.code(
    f"score {state.score_threshold!r} own {dict(state.class_thresholds)!r} "
    f"picked {st.session_state.get('picked')}"
)
