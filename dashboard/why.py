"""Why a box is there: which parts of the image it rests on, found out by hiding parts of it."""

import io
import math
from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from dashboard import answers, frame, state
from dashboard.answers import config, labels_shown
from dashboard.files import ImageFile
from dashboard.masking import Masking
from dashboard.media import screen_of
from detector import ssd
from detector.answers import Answer, LoadedImage, SSDModel, decode
from detector.drawing import charts, heat
from detector.merging import into_tile
from detector.saliency import Curves, Saliency, Target
from detector.serving import ModelSpec
from detector.ssd import INPUT_SIZE
from detector.tiling import cut
from detector.translation import _, noted

MASKS = 500
POLL_S = 0.5
MAX_KEPT = 8  # maps a session
SIDE = 720  # pixels of the drawing
CHART_IN_WORDS = noted("What is left of the box as parts of the image are hidden or shown.")


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


def show(image: ImageFile, loaded: LoadedImage, answer: Answer, detections: ssd.Detections) -> None:
    """The map, while it is wanted and of the box that is picked."""
    picked = state.read(state.Pick).detection_id
    key = _key(image, answer, picked)
    if picked not in detections.ids or state.read(state.Why).shown != key:
        return
    index = detections.ids.index(picked)
    kept = state.read(state.Why).found
    if key not in kept:
        spec = ModelSpec.of(config()).at(answer.model.version)
        model = answers.ssd_model(answers.address(), spec)
        masking = _masking(
            replace(model, served=model.served.for_batch()),
            image,
            loaded,
            answer,
            int(detections.prior_indices[index]),
        )
        masking.go_on()
        kept = dict([*kept.items(), (key, masking)][-MAX_KEPT:])
        state.update(state.Why, found=kept)
    # A fragment's timer is fixed when it is made.
    polls = kept[key].is_running
    label = labels_shown()[int(detections.class_ids[index])]
    frame.fragment(_explanation, run_every=POLL_S if polls else None)(
        kept[key], loaded, label, polls
    )


def _masking(
    model: SSDModel, image: ImageFile, loaded: LoadedImage, answer: Answer, prior_index: int
) -> Masking:
    """The masks of a box, over the part of the image that it comes from: nothing else had to do
    with it."""
    target, part = Target.of(answer.raw, prior_index), answer.raw.part_of(prior_index)
    if not part:
        return Masking(model, loaded.pixels, target, MASKS, frame.report)
    tile, (width, height) = answer.tiles[part - 1], answer.size
    [pixels] = decode(
        image.read(), config().image_limits, lambda decoded: cut(decoded, (tile,), INPUT_SIZE)
    )
    [box] = into_tile(target.box[None], tile, answer.size)
    return Masking(
        model,
        pixels,
        replace(target, box=box),
        MASKS,
        frame.report,
        (tile.xmin / width, tile.ymin / height, tile.xmax / width, tile.ymax / height),
    )


def _key(image: ImageFile, answer: Answer, detection_id: str | None) -> str:
    return " ".join(
        [
            *(image.digest, answer.model.name, str(answer.model.version)),
            *(str(len(answer.tiles)), detection_id or ""),
        ]
    )


@frame.callback
def _ask(key: str) -> None:
    why = state.update(state.Why, shown=key)
    for other, masking in why.found.items():
        if other == key:
            masking.go_on()
        else:
            masking.stop()


@frame.callback
def _close() -> None:
    _ask("")


def _explanation(masking: Masking, loaded: LoadedImage, label: str, polls: bool) -> None:
    if masking.is_running != polls:
        st.rerun()  # with the timer, or without
    with st.container(border=True, key="why_place"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('Why {label}?', label=frame.plain(label))}**")
            st.space("stretch")
            _switch(masking, polls)
            st.button(
                _("Close"),
                type="tertiary",
                icon=":material/close:",
                key="why_close",
                on_click=_close,
            )
        if masking.error is not None:
            frame.show_beside(masking.error)
        if masking.error_id:
            frame.show_unexpected(masking.error_id)
        if polls:
            _progress(masking)
        if masking.saliency is not None:
            _draw(masking, masking.saliency, loaded, label)
            _tell(masking, masking.saliency)


def _switch(masking: Masking, polls: bool) -> None:
    if polls:
        st.button(
            _("Stop"), icon=":material/stop:", key="why_stop", on_click=frame.callback(masking.stop)
        )
    elif masking.curves is None:
        on_click = frame.callback(masking.go_on)
        st.button(_("Go on"), icon=":material/play_arrow:", key="why_on", on_click=on_click)


def _progress(masking: Masking) -> None:
    count = masking.saliency.count if masking.saliency is not None else 0
    st.progress(
        count / masking.total,
        _(
            "{count} of {total} masks, {seconds:.0f} s left",
            count=count,
            total=masking.total,
            seconds=masking.spent_s / max(count, 1) * (masking.total - count),
        ),
    )


def _draw(masking: Masking, saliency: Saliency, loaded: LoadedImage, label: str) -> None:
    drawn = drawn_over(screen_of(loaded).display, saliency, masking)
    data = io.BytesIO()
    drawn.save(data, "JPEG", quality=88)
    st.image(data.getvalue(), width="stretch", alt=map_in_words(label))


def drawn_over(display: bytes, saliency: Saliency, masking: Masking) -> Image.Image:
    """The map over an encoded image, or over the part of it that the map is of."""
    photo = Image.open(io.BytesIO(display))
    shown = photo.convert("RGB")
    if masking.part is not None:
        sides = zip(masking.part, photo.size * 2, strict=True)
        xmin, ymin, xmax, ymax = (round(share * side) for share, side in sides)
        shown = shown.crop((xmin, ymin, xmax, ymax))
    shown.thumbnail((SIDE, SIDE))
    return heat.over_image(shown, saliency.heat, masking.target.box)


def map_in_words(label: str) -> str:
    """What there is to see on the map of a box."""
    return _("The image, bright where the box of {label} rests on it.", label=label)


def of_image(image: ImageFile, answer: Answer) -> dict[str, Masking]:
    """What was found out about boxes of this image, by the ids of the detections."""
    beginning = _key(image, answer, "")
    found: dict[str, Masking] = {
        key.removeprefix(beginning): masking
        for key, masking in state.read(state.Why).found.items()
        if key.startswith(beginning)
    }
    return {name: each for name, each in found.items() if each.saliency is not None}


def _tell(masking: Masking, saliency: Saliency) -> None:
    """The legend, and how far the map can be believed."""
    colors = ", ".join(heat.STOPS)
    st.html(
        f'<div class="lens-heat"><span>{_("hardly matters")}</span>'
        f'<i style="background:linear-gradient(90deg, {colors})"></i>'
        f"<span>{_('the box rests on it')}</span></div>"
    )
    st.caption(count_in_words(masking, saliency))
    if masking.curves is None:
        return
    st.plotly_chart(
        chart(masking.curves), key="why_belief", config=charts.CONFIG, alt=_(CHART_IN_WORDS)
    )
    st.caption(belief_in_words(masking.curves))


def count_in_words(masking: Masking, saliency: Saliency) -> str:
    """Of how many masks it is, of which part, and how much more of them would change."""
    told = _count_in_words(saliency)
    if masking.part is None:
        return told
    return told + " · " + _("of the tile that the box comes from; the rest had no part in it")


def _count_in_words(saliency: Saliency) -> str:
    stability = "–" if math.isnan(saliency.stability) else f"{saliency.stability:.2f}"
    return _(
        "{count} masks · stability {stability} (how alike the maps of both halves of the masks"
        " are; near 1, more masks would change little)",
        count=saliency.count,
        stability=stability,
    )


def chart(found: Curves) -> go.Figure:
    """Whether the map can be believed."""
    return charts.belief(found.shares.tolist(), found.deleted.tolist(), found.inserted.tolist())


def belief_in_words(found: Curves) -> str:
    """The same in a sentence."""
    places = {"deletion": f"{found.deletion:.2f}", "insertion": f"{found.insertion:.2f}"}
    return (
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
