"""Which label of the model each class name in the uploaded ground truth stands for."""

import streamlit as st

from dashboard import frame, state
from dashboard.answers import config
from dashboard.ground_truth import GroundTruthSet
from detector.formats.class_mapping import write_class_mapping
from detector.labels import name_of
from detector.translation import _, plural

# Of names that are asked about at once; COCO's own 80 classes would be a page of their own.
MAX_ASKED = 24
# The choices beside the labels, which are never empty.
UNKNOWN, NO_CLASS = "", " "


def show(truth: GroundTruthSet) -> None:
    """Ask, where the files have names that are no labels."""
    if not truth.foreign:
        return
    mapping = state.read(state.GroundTruthFiles).class_names
    unknown = [name for name in truth.foreign if name not in mapping]
    title = plural(
        "{count} class name in the files is no label of the model",
        "{count} class names in the files are no labels of the model",
        len(truth.foreign),
    )
    with st.expander(title, icon=":material/translate:", expanded=bool(unknown)):
        st.caption(
            _(
                "Say what they stand for. What is found on an object of an unknown class is "
                "neither right nor wrong. Your choices can be kept as class-names.json, see below."
            )
        )
        columns = st.columns(3)
        for place, name in enumerate(truth.foreign[:MAX_ASKED]):
            with columns[place % len(columns)]:
                _ask(name)
        if len(truth.foreign) > MAX_ASKED:
            count = len(truth.foreign) - MAX_ASKED
            st.caption(_("… and {count} more, which class-names.json can map too.", count=count))


def download() -> None:
    """Hand the choices on, where there are any."""
    mapping = state.read(state.GroundTruthFiles).class_names
    if mapping:
        st.download_button(
            "class-names.json",
            write_class_mapping(mapping),
            "class-names.json",
            "application/json",
            icon=":material/download:",
            key="class_names_download",
            on_click="ignore",
            help=_("Upload it with the ground truth, or give it to the command line."),
        )


def _ask(name: str) -> None:
    labels = config().labels[1:]
    mapping = state.read(state.GroundTruthFiles).class_names
    options = [UNKNOWN, *labels, NO_CLASS]
    label = mapping.get(name, UNKNOWN)
    chosen = NO_CLASS if label is None else label
    words = {UNKNOWN: _("not known"), NO_CLASS: _("none of these")}
    key = f"class_name {name}"
    st.selectbox(
        frame.plain(name),
        options,
        index=options.index(chosen) if chosen in options else 0,
        key=key,
        format_func=lambda option: words.get(option) or name_of(option),
        on_change=_map,
        args=(name, key),
    )


@frame.callback
def _map(name: str, key: str) -> None:
    mapping = dict(state.read(state.GroundTruthFiles).class_names)
    chosen = state.widget(key)
    mapping.pop(name, None)
    if chosen != UNKNOWN:
        mapping[name] = None if chosen == NO_CLASS else chosen
    state.update(state.GroundTruthFiles, class_names=mapping)
