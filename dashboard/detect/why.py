"""Why a box is there: which parts of the image it rests on, found out by hiding parts of it."""

import io
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from dashboard import answers, frame, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.media import screen_of
from detector import ssd
from detector.answers import Answer, LoadedImage, SSDModel
from detector.drawing import charts, heat
from detector.errors import ServingError
from detector.saliency import Curves, Saliency, Target, curves, explain
from detector.serving import ModelSpec
from detector.translation import _

MASKS = 500
DRAWN_EVERY = 48  # masks
MAX_KEPT = 8
SIDE = 720  # pixels of the drawing


@dataclass
class Explained:
    """What is known of a box so far. It grows: a run that ends early goes on in the next.

    Attributes:
        left: what is still to come of the map.
        spent_s: the time that the masks took.
    """

    target: Target
    left: Iterator[Saliency]
    saliency: Saliency | None = None
    curves: Curves | None = None
    spent_s: float = 0.0


def button(image: ImageFile, answer: Answer, detections: ssd.Detections) -> None:
    """The button that asks it of the box that is picked."""
    picked = state.read(state.Pick).detection_id
    is_there = picked in detections.ids
    tip = (
        _("Hides random parts of the image and sees what it does to the box (D-RISE).")
        if answer.recorded_on is None
        else _("Needs a model server: this answer is a recorded one.")
    )
    st.button(
        _("Why this box?"),
        icon=":material/local_fire_department:",
        key="why",
        disabled=not is_there or answer.recorded_on is not None,
        help=tip if is_there else _("Click a box first."),
        on_click=_ask,
        args=(_key(image, answer, picked),),
    )


def show(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    detections: ssd.Detections,
) -> None:
    """The map, while it is wanted and of the box that is picked."""
    picked = state.read(state.Pick).detection_id
    if picked not in detections.ids or answer.recorded_on is not None:
        return
    key = _key(image, answer, picked)
    if state.read(state.Why).shown == key:
        index = detections.ids.index(picked)
        name = config().labels[int(detections.class_ids[index])]
        _explanation(key, loaded, answer, int(detections.prior_indices[index]), name)


def _key(image: ImageFile, answer: Answer, detection_id: str | None) -> str:
    return " ".join(
        [image.digest, answer.model.name, str(answer.model.version), detection_id or ""]
    )


@frame.callback
def _ask(key: str) -> None:
    state.update(state.Why, shown=key, stopped=False)


@frame.callback
def _stop() -> None:
    state.update(state.Why, stopped=True)


@frame.callback
def _close() -> None:
    state.update(state.Why, shown="", stopped=True)


@frame.fragment
def _explanation(
    key: str, loaded: LoadedImage, answer: Answer, prior_index: int, label: str
) -> None:
    spec = ModelSpec.of(config()).at(answer.model.version)
    model = answers.ssd_model(answers.address(), spec)
    kept = dict(state.read(state.Why).found)
    if key not in kept:
        target = Target.of(answer.raw, prior_index)
        kept[key] = Explained(target, explain(model, loaded.pixels, target, MASKS))
        state.update(state.Why, found=dict(list(kept.items())[-MAX_KEPT:]))
    explained: Explained = kept[key]
    with st.container(border=True, key="why_place"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('Why {label}?', label=frame.plain(label))}**")
            st.space("stretch")
            switch = st.empty()
            st.button(
                _("Close"),
                type="tertiary",
                icon=":material/close:",
                key="why_close",
                on_click=_close,
            )
        bar, drawing = st.empty(), st.empty()
        if explained.curves is None:
            _go_on(key, explained, model, loaded, (switch, bar, drawing), label)
        if explained.saliency is not None:
            _draw(explained, loaded, drawing, label)
            _tell(explained)


def _go_on(
    key: str,
    explained: Explained,
    model: SSDModel,
    loaded: LoadedImage,
    places: tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator],
    label: str,
) -> None:
    """Find out what is still to come, unless no more is wanted."""
    switch, bar, drawing = places
    if state.read(state.Why).stopped:
        switch.button(
            _("Go on"), icon=":material/play_arrow:", key="why_on", on_click=_ask, args=(key,)
        )
        return
    switch.button(_("Stop"), icon=":material/stop:", key="why_stop", on_click=_stop)
    try:
        _find_out(explained, loaded, bar, drawing, label)
        explained.curves = curves(model, loaded.pixels, explained.target, _map(explained).heat)
    except ServingError as error:
        frame.show_beside(error)
        explained.left = explain(model, loaded.pixels, explained.target, MASKS)
        state.update(state.Why, stopped=True)
    switch.empty()
    bar.empty()


def _map(explained: Explained) -> Saliency:
    assert explained.saliency is not None
    return explained.saliency


def _find_out(
    explained: Explained,
    loaded: LoadedImage,
    bar: DeltaGenerator,
    drawing: DeltaGenerator,
    label: str,
) -> None:
    """Until all masks are there. A run of the page may end it at any of them."""
    drawn = 0
    started = time.perf_counter()
    for saliency in explained.left:
        explained.spent_s += time.perf_counter() - started
        started = time.perf_counter()
        explained.saliency = saliency
        left_s = explained.spent_s / saliency.count * (MASKS - saliency.count)
        bar.progress(
            saliency.count / MASKS,
            _(
                "{count} of {total} masks, {seconds:.0f} s left",
                count=saliency.count,
                total=MASKS,
                seconds=left_s,
            ),
        )
        if saliency.count - drawn >= DRAWN_EVERY:
            drawn = saliency.count
            _draw(explained, loaded, drawing, label)


def _draw(
    explained: Explained,
    loaded: LoadedImage,
    place: DeltaGenerator,
    label: str,
) -> None:
    photo = Image.open(io.BytesIO(screen_of(loaded).display))
    photo.thumbnail((SIDE, SIDE))
    drawn = heat.over_image(photo.convert("RGB"), _map(explained).heat, explained.target.box)
    data = io.BytesIO()
    drawn.save(data, "JPEG", quality=88)
    alt = _("The image, bright where the box of {label} rests on it.", label=label)
    place.image(data.getvalue(), width="stretch", alt=alt)


def _tell(explained: Explained) -> None:
    """The legend, and how far the map can be believed."""
    saliency = _map(explained)
    colors = ", ".join(heat.STOPS)
    st.html(
        f'<div class="lens-heat"><span>{_("hardly matters")}</span>'
        f'<i style="background:linear-gradient(90deg, {colors})"></i>'
        f"<span>{_('the box rests on it')}</span></div>"
    )
    stability = "–" if math.isnan(saliency.stability) else f"{saliency.stability:.2f}"
    st.caption(
        _(
            "{count} masks · stability {stability} (how alike the maps of both halves of the masks"
            " are; near 1, more masks would change little)",
            count=saliency.count,
            stability=stability,
        )
    )
    found = explained.curves
    if found is None:
        return
    st.plotly_chart(
        charts.belief(found.shares.tolist(), found.deleted.tolist(), found.inserted.tolist()),
        key="why_belief",
        config=charts.CONFIG,
        alt=_("What is left of the box as parts of the image are hidden or shown."),
    )
    places = {"deletion": f"{found.deletion:.2f}", "insertion": f"{found.insertion:.2f}"}
    st.caption(
        _(
            "The map holds: hiding its bright parts takes the box away (area {deletion}), showing"
            " them alone brings it (area {insertion}).",
            **places,
        )
        if found.insertion > found.deletion
        else _(
            "Do not trust this map: hiding its bright parts (area {deletion}) does no more than"
            " showing them alone (area {insertion}).",
            **places,
        )
    )
