"""Choose the thresholds by what they achieve, adopt them, and hand them on as a file."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import controls, frame, image_sets
from dashboard.answers import config
from detector import ssd
from detector.drawing import charts
from detector.errors import ThresholdsError
from detector.evaluation import curves, operating_points

METHODS = ("Best F1", "Precision of at least", "Recall of at least", "Least cost")


def show(evaluated: image_sets.Evaluated | None, settings: ssd.Settings) -> None:
    labels = config().labels
    with st.container(key="operating_point"):
        st.subheader("Choose the operating point", anchor=False)
        left, right = st.columns([3, 2], gap="large")
        with left:
            if evaluated is None:
                st.caption("With true boxes, thresholds can be chosen by what they achieve.")
            else:
                _proposal(evaluated, settings)
        with right:
            _files(settings, labels)


def _proposal(evaluated: image_sets.Evaluated, settings: ssd.Settings) -> None:
    labels = config().labels
    matches = evaluated.matches
    method = st.segmented_control(
        "For each class the threshold with",
        METHODS,
        default=METHODS[0],
        required=True,
        key="method",
        persist_state="session",
        help="Best F1 weighs wrong boxes and misses alike. With a required precision it is the "
        "lowest threshold that reaches it, with a required recall the highest.",
    )
    if method == METHODS[0]:
        proposed = operating_points.best_f1(matches)
    elif method == METHODS[1]:
        wanted = st.slider(
            "Precision", 0.5, 1.0, 0.9, 0.01, key="wanted_precision", persist_state="session"
        )
        proposed = operating_points.at_precision(matches, wanted)
    elif method == METHODS[2]:
        wanted = st.slider(
            "Recall", 0.1, 1.0, 0.8, 0.01, key="wanted_recall", persist_state="session"
        )
        proposed = operating_points.at_recall(matches, wanted)
    else:
        alarm, miss = st.columns(2)
        proposed = operating_points.at_least_cost(
            matches,
            alarm.number_input(
                "A false alarm costs", 0.0, 1000.0, 1.0, key="cost_alarm", persist_state="session"
            ),
            miss.number_input(
                "A miss costs", 0.0, 1000.0, 2.0, key="cost_miss", persist_state="session"
            ),
        )
    chosen = operating_points.reachable(proposed)
    then = replace(settings, class_thresholds={**settings.class_thresholds, **chosen})
    now_counts, then_counts = (curves.tally(matches, s) for s in (settings, then))
    rows = []
    for class_id, label in enumerate(labels[1:], start=1):
        if class_id in evaluated.curves:
            rows.append(
                (
                    label,
                    settings.threshold_of(class_id),
                    float(now_counts.f1[class_id]),
                    chosen.get(class_id),
                    float(then_counts.precision[class_id]),
                    float(then_counts.recall[class_id]),
                    float(then_counts.f1[class_id]),
                )
            )
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        pd.DataFrame(
            rows,
            columns=["Class", "Now", "F1 now", "Proposed", "Precision", "Recall", "F1"],
        ),
        hide_index=True,
        key="proposal",
        column_config={
            **dict.fromkeys(("Now", "F1 now", "Precision", "Recall", "F1"), number),
            "Proposed": st.column_config.NumberColumn(format="%g"),
        },
        placeholder="–",
    )
    unreachable = [labels[c] for c in proposed if c in evaluated.curves and proposed[c] is None]
    if unreachable:
        st.caption(f"No threshold does it for: {', '.join(unreachable)}. These keep theirs.")
    now, later = now_counts.total(), then_counts.total()
    st.button(
        f"Adopt: precision {charts.rate(now.precision)} → {charts.rate(later.precision)}, "
        f"recall {charts.rate(now.recall)} → {charts.rate(later.recall)}",
        icon=":material/check:",
        type="primary",
        key="adopt",
        disabled=then == settings,
        on_click=controls.keep,
        args=(then,),
    )


def _files(settings: ssd.Settings, labels: Sequence[str]) -> None:
    st.markdown("**Hand the thresholds on**")
    st.caption(
        "`thresholds.json` holds the common and the own thresholds; the command line takes it "
        "with `--thresholds thresholds.json`."
    )
    st.download_button(
        "thresholds.json",
        operating_points.write_thresholds(settings, labels),
        "thresholds.json",
        "application/json",
        icon=":material/download:",
        key="thresholds_download",
        on_click="ignore",
    )
    st.file_uploader(
        "Take thresholds from a file",
        type=["json"],
        key="thresholds_file",
        on_change=_thresholds_from_file,
    )
    refused = st.session_state.get("thresholds_refused")
    if refused:
        st.error(f"**{frame.plain(refused[0])}** {frame.plain(refused[1])}", icon=":material/rule:")


def _thresholds_from_file() -> None:
    st.session_state.pop("thresholds_refused", None)
    file = st.session_state["thresholds_file"]
    if file is None:
        return
    try:
        point = operating_points.read_thresholds(file.getvalue(), config().labels)
    except ThresholdsError as error:
        st.session_state["thresholds_refused"] = (f"{file.name}: {error}", error.hint)
        return
    controls.keep(point.apply(controls.kept()))
