"""What the model server says of itself, how fast it answers, and what its model can do."""

from dataclasses import astuple

import pandas as pd
import streamlit as st

from dashboard import answers, controls, frame, paper
from dashboard.answers import address, config, labels_shown, served, served_version
from dashboard.frame import plain
from dashboard.server import measure, replicas
from detector.formats.card import Card, read_card
from detector.translation import _


def show() -> None:
    """State, versions, signatures, a measured round trip, and the model card."""
    controls.carry(config().labels)
    st.header(_("Model server"), anchor=False)
    chosen = _chosen()
    where = chosen or address()
    is_embedded = config().server is None and not chosen
    version = served_version(where)
    kind = _("Embedded in this dashboard") if is_embedded else "TensorFlow Serving"
    model = _(
        "**{model}**, version **{version}**",
        model=plain(config().model_name),
        version=version or _("not known"),
    )
    st.markdown(f"{model} · {kind} · `{where}`")
    # Each by itself: a server that does not tell one thing may tell the others.
    with frame.guarded():
        st.subheader(_("Replicas"), anchor=False)
        replicas.show(where)
    left, right = st.columns(2, gap="large")
    with left, frame.guarded():
        _versions(where)
    with left, st.container(key="round_trip"), frame.guarded():
        measure.show(where)
    with right, frame.guarded():
        _signatures(where)
    if is_embedded:
        _card(version)


def _chosen() -> str:
    """The address of the further server that the visitor chose; empty for the dashboard's own."""
    servers = answers.servers()
    if len(servers) == 1:
        return ""
    name = st.segmented_control(
        _("Server"), list(servers), default=next(iter(servers)), required=True, key="shown_server"
    )
    return servers[name] or ""


def _versions(where: str) -> None:
    st.subheader(_("Versions"), anchor=False)
    rows = [
        (status.version, status.state, status.error_message or status.error_code)
        for status in served(where).versions()
    ]
    paper.dataframe(
        pd.DataFrame(rows, columns=["Version", "State", "Message"]),
        key="versions",
        column_config={
            "Version": st.column_config.NumberColumn(_("Version"), width="small", format="%d"),
            "State": st.column_config.TextColumn(_("State")),
            "Message": st.column_config.TextColumn(_("Message")),
        },
    )


def _signatures(where: str) -> None:
    st.subheader(_("Signatures"), anchor=False)
    rows = [
        (signature.name, direction, tensor.name, f"{tensor.dtype} {_shape(tensor.shape)}")
        for signature in served(where).signatures()
        for direction, tensors in ((_("in"), signature.inputs), (_("out"), signature.outputs))
        for tensor in tensors
    ]
    paper.dataframe(
        pd.DataFrame(rows, columns=["Signature", "Direction", "Tensor", "Type and shape"]),
        key="signatures",
        column_config={
            "Signature": st.column_config.TextColumn(_("Signature")),
            "Direction": st.column_config.TextColumn(_("Direction"), width=80),
            "Tensor": st.column_config.TextColumn(_("Tensor")),
            "Type and shape": st.column_config.TextColumn(_("Type and shape")),
        },
    )


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return _("of any shape")
    return " × ".join("N" if side is None else str(side) for side in shape)


def _card(version: int) -> None:
    """The card of the version that the embedded server serves; of others none is known."""
    path = config().model_base_path / str(version) / "card.json"
    if not path.is_file():
        return
    st.subheader(_("Model card"), anchor=False)
    card = read_card(path)
    measured = _("Measured on: {data}.", data=card.measured_on) if card.measured_on else ""
    st.caption(f"{card.task} {measured}")
    left, right = st.columns(2, gap="large")
    with left:
        if card.precisions:
            with st.container(key="card_measures"):
                columns = st.columns(len(card.precisions))
            for column, (kind, value) in zip(columns, card.precisions.items(), strict=True):
                text = "–" if value is None else f"{value:.2f}"
                column.metric(f"mAP@0.5, {kind}", text, border=True)
        if card.weaknesses:
            st.markdown(
                f"**{_('Where it fails')}**\n\n" + "\n".join(f"- {x}" for x in card.weaknesses)
            )
        if card.licences:
            st.markdown(f"**{_('Licences of the images')}**: {card.licences}")
    if card.classes:
        with right:
            _classes(card)
    with st.expander(_("The whole card"), icon=":material/data_object:"):
        st.json(card.whole, expanded=1)


def _classes(card: Card) -> None:
    """The card's figures, a row a class."""
    names = ["AP@0.5", "Best F1", "at threshold"]
    rows = pd.DataFrame([astuple(row) for row in card.classes], columns=["Class", *names])
    rows["Class"] = rows["Class"].replace(dict(zip(config().labels, labels_shown(), strict=True)))
    paper.dataframe(
        rows.astype(dict.fromkeys(names, float)),
        key="card_classes",
        column_config={
            "Class": st.column_config.TextColumn(_("Class")),
            "AP@0.5": st.column_config.ProgressColumn(format="%.2f", min_value=0.0, max_value=1.0),
            "Best F1": st.column_config.NumberColumn(_("Best F1"), format="%.2f"),
            "at threshold": st.column_config.NumberColumn(_("at threshold"), format="%.2f"),
        },
        placeholder=paper.ABSENT,
    )
