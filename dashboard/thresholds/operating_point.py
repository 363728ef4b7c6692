"""Choose the thresholds by what they achieve, adopt them, and hand them on as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import controls, frame, paper, state
from dashboard.answers import config, labels_shown
from dashboard.thresholds import class_names
from dashboard.thresholds.image_sets import Evaluated
from detector import ssd
from detector.drawing import charts
from detector.errors import ThresholdsError
from detector.evaluation import curves, operating_points
from detector.evaluation.matching import Matches
from detector.formats.thresholds import read_thresholds, write_thresholds
from detector.report.document import Row, Section, Table, Text
from detector.translation import _, noted

METHODS = (
    noted("Best F1"),
    noted("Precision of at least"),
    noted("Recall of at least"),
    noted("Least cost"),
)


def show(evaluated: Evaluated | None, settings: ssd.Settings) -> Section | None:
    """The whole tab. Returns what it proposes, for a report.

    Args:
        evaluated: None where there is no ground truth.
    """
    proposed = None
    if evaluated is None:
        st.caption(_("With ground truth, thresholds can be chosen by what they achieve."))
    else:
        proposed = _proposal(evaluated, settings)
    with st.container(key="hand_on"):
        _files(settings, config().labels)
    return proposed


def _proposal(evaluated: Evaluated, settings: ssd.Settings) -> Section:
    labels = labels_shown()
    matches = evaluated.matches
    method, proposed = _proposed(matches)
    chosen = operating_points.reachable(proposed)
    every = replace(settings, class_thresholds={**settings.class_thresholds, **chosen})
    now_counts, every_counts = (curves.tally(matches, s) for s in (settings, every))
    classes = [class_id for class_id in range(len(labels)) if class_id in evaluated.curves]
    rows = [
        (
            labels[class_id],
            evaluated.curves[class_id].truth_count,
            settings.threshold_of(class_id),
            float(now_counts.f1[class_id]),
            chosen.get(class_id),
            float(every_counts.precision[class_id]),
            float(every_counts.recall[class_id]),
            float(every_counts.f1[class_id]),
        )
        for class_id in classes
    ]
    names = ["class", "objects", "now", "f1_now", "proposed", "precision", "recall", "f1"]

    def number(name: str, number_format: str = "%.2f", explained: str | None = None) -> Any:
        return st.column_config.NumberColumn(name, format=number_format, help=explained)

    paper.dataframe(
        pd.DataFrame(rows, columns=names),
        key="proposal",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "class": st.column_config.TextColumn(_("Class")),
            "objects": number(
                _("Objects"), "%d", _("In the ground truth: what the figures of the class rest on")
            ),
            "now": number(_("Now")),
            "f1_now": number(_("F1 now")),
            "proposed": number(_("Proposed"), "%g"),
            "precision": number(_("Precision")),
            "recall": number(_("Recall")),
            "f1": number("F1"),
        },
        placeholder=paper.ABSENT,
    )
    unreachable = _unreachable(proposed, evaluated)
    if unreachable:
        st.caption(unreachable)
    selected = {classes[row] for row in _selected_rows() if row < len(classes)}
    then = every
    if selected:
        own = {class_id: value for class_id, value in chosen.items() if class_id in selected}
        then = replace(settings, class_thresholds={**settings.class_thresholds, **own})
    now, later = now_counts.total(), curves.tally(matches, then).total()
    change = _(
        "precision {precision} → {new_precision}, recall {recall} → {new_recall}",
        precision=charts.rate(now.precision),
        new_precision=charts.rate(later.precision),
        recall=charts.rate(now.recall),
        new_recall=charts.rate(later.recall),
    )
    names_selected = ", ".join(labels[class_id] for class_id in sorted(selected))
    st.button(
        _("Adopt for {classes}: {change}", classes=frame.plain(names_selected), change=change)
        if selected
        else _("Adopt all: {change}", change=change),
        icon=":material/check:",
        type="primary",
        key="adopt",
        disabled=then == settings,
        on_click=controls.adopt,
        args=(then,),
    )
    if not selected:
        st.caption(_("Select rows to adopt the thresholds of some classes only."))
    told = _("With the thresholds to adopt: {change}", change=change)
    notes = [Text(frame.unmarked(each), is_note=True) for each in (told, unreachable) if each]
    heading = _("For each class the threshold with: {method}", method=method)
    return Section(_("Operating point"), [Text(heading), _as_table(rows), *notes])


def _selected_rows() -> list[int]:
    chosen = state.widget("proposal")
    return list(chosen["selection"]["rows"]) if chosen else []


# Class, objects, threshold and F1 now, proposed threshold, and precision, recall and F1 with it.
_Proposed = tuple[str, int, float, float, float | None, float, float, float]


def _as_table(rows: Sequence[_Proposed]) -> Table:
    """The proposal as the page's table has it."""
    names = (_("Class"), _("Objects"), _("Now"), _("F1 now"), _("Proposed"))
    return Table(
        (*names, _("Precision"), _("Recall"), "F1"),
        [
            Row(
                (
                    label,
                    str(objects),
                    f"{now:.2f}",
                    charts.rate(f1_now),
                    paper.ABSENT if proposed is None else f"{proposed:g}",
                    *map(charts.rate, of_proposed),
                )
            )
            for label, objects, now, f1_now, proposed, *of_proposed in rows
        ],
    )


def _unreachable(proposed: Mapping[int, float | None], evaluated: Evaluated) -> str:
    """For which classes no threshold does it, in Markdown; "" where it is done for all."""
    labels = labels_shown()
    unreachable = [labels[c] for c in proposed if c in evaluated.curves and proposed[c] is None]
    if not unreachable:
        return ""
    return _(
        "No threshold does it for: {labels}. These keep theirs.",
        labels=frame.plain(", ".join(unreachable)),
    )


def _proposed(matches: Matches) -> tuple[str, Mapping[int, float | None]]:
    """Draw the choice of a method. Returns it in words, and its threshold a class; None where none
    does it."""
    method = st.segmented_control(
        _("For each class the threshold with"),
        METHODS,
        default=METHODS[0],
        required=True,
        key="method",
        persist_state="session",
        format_func=_,
        help=_(
            "Best F1 weighs wrong boxes and misses alike. With a required precision it is the "
            "lowest threshold that reaches it, with a required recall the highest."
        ),
    )
    paper.line(_("For each class the threshold with: {method}", method=_(method)), "method")
    if method == METHODS[0]:
        return _(method), operating_points.best_f1(matches)
    if method == METHODS[1]:
        wanted = st.slider(
            _("Precision"), 0.5, 1.0, 0.9, 0.01, key="wanted_precision", persist_state="session"
        )
        return f"{_(method)} {wanted:.2f}", operating_points.at_precision(matches, wanted)
    if method == METHODS[2]:
        wanted = st.slider(
            _("Recall"), 0.1, 1.0, 0.8, 0.01, key="wanted_recall", persist_state="session"
        )
        return f"{_(method)} {wanted:.2f}", operating_points.at_recall(matches, wanted)
    left, right = st.columns(2)
    alarm = left.number_input(
        _("A false alarm costs"), 0.0, 1000.0, 1.0, key="cost_alarm", persist_state="session"
    )
    miss = right.number_input(
        _("A miss costs"), 0.0, 1000.0, 2.0, key="cost_miss", persist_state="session"
    )
    told = _(
        "{method}: a false alarm costs {alarm}, a miss {miss}",
        method=_(method),
        alarm=f"{alarm:g}",
        miss=f"{miss:g}",
    )
    return told, operating_points.at_least_cost(matches, alarm, miss)


def _files(settings: ssd.Settings, labels: Sequence[str]) -> None:
    st.markdown(_("**Hand the thresholds on**"))
    st.caption(
        _(
            "`thresholds.json` holds the common and the own thresholds; the command line takes it "
            "with `--thresholds thresholds.json`."
        )
    )
    st.download_button(
        "thresholds.json",
        write_thresholds(settings, labels),
        "thresholds.json",
        "application/json",
        icon=":material/download:",
        key="thresholds_download",
        on_click="ignore",
    )
    class_names.download()
    st.file_uploader(
        _("Take thresholds from a file"),
        type=["json"],
        key="thresholds_file",
        on_change=_thresholds_from_file,
    )
    refused = state.read(state.ThresholdsFile).refused
    if refused is not None:
        st.error(frame.refused_line(refused), icon=":material/rule:")


@frame.callback
def _thresholds_from_file() -> None:
    state.write(state.ThresholdsFile())
    file = state.widget("thresholds_file")
    if file is None:
        return
    try:
        point = read_thresholds(file.getvalue(), config().labels)
    except ThresholdsError as error:
        state.write(state.ThresholdsFile(state.RefusedFile(file.name, str(error), error.hint)))
        return
    controls.adopt(point.apply(controls.kept()))
