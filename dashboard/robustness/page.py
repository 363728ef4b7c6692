"""Robustness: what if the photo were worse. One image altered, then many."""

from dataclasses import replace

import streamlit as st

from dashboard import controls, frame, images, paper
from dashboard.answers import config, labels_shown
from dashboard.detect.page import (
    PHONE_SIZE,
    answer_or_reason,
    figure_place,
    tell_standing_in,
)
from dashboard.files import ImageFile
from dashboard.media import figure_hands, jpeg_url, photo_url, prepare, screen_of
from dashboard.robustness import altered, knobs, many, sweep
from detector import ssd
from detector.alterations import IDENTITY, Alteration
from detector.answers import Answer, LoadedImage
from detector.drawing import marks, photo
from detector.errors import ServingError
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import at_floor
from detector.robustness import Held, held
from detector.tiling import Tiling
from detector.translation import _, noted, plural

VIEWS = (noted("Altered"), noted("Original"))


def show() -> None:
    """The whole page."""
    controls.from_address(config().labels)
    image = images.choose()
    loaded = prepare(image)
    answer = answer_or_reason(image, loaded, Tiling.OFF)
    if answer is None:
        st.image(screen_of(loaded).display, alt=image.name)
        return
    if answer.recorded_on is not None:
        tell_standing_in(answer, Tiling.OFF)
        st.info(
            _("Altered images need a model server: this page begins when one answers."),
            icon=":material/cloud_off:",
        )
        return
    _explore(image, loaded, answer)


@frame.fragment
def _explore(image: ImageFile, loaded: LoadedImage, answer: Answer) -> None:
    labels = config().labels
    left, right = st.columns([8, 5], gap="medium")
    with right:
        verdict = st.container(key="robust_verdict")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_('What if the photo were worse?')}**")
            st.space("stretch")
            reset = st.container(width="content")
        alteration = knobs.show()
        with reset:
            knobs.reset_button(is_reset=alteration.is_identity)
        with st.popover(_("Thresholds"), icon=":material/tune:", key="robust_thresholds"):
            settings = controls.show_all(labels, has_tiles=False)
        if settings.tiles is not Tiling.OFF:
            st.caption(_("Altered images are looked at as a whole, without tiles."))
        fates = st.container()
    settings = replace(settings, tiles=Tiling.OFF)
    unaltered = answer.detections(settings)
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            view = st.segmented_control(
                _("View"),
                VIEWS,
                default=VIEWS[0],
                required=True,
                key="robust_view",
                format_func=_,
                label_visibility="collapsed",
            )
        shown = IDENTITY if view == "Original" else alteration
        _figure(image, loaded, answer, shown, settings, unaltered)
        paper.settings(
            settings, labels_shown(), f"{answer.model.name} {answer.model.version or '?'}"
        )
    st.header(_("How long do the boxes hold?"), anchor=False)
    swept = knobs.choose_swept(alteration)
    sweep.show(image, answer, swept, alteration, settings, unaltered, (verdict, fates))
    st.divider()
    many.show(answer, swept)


def _figure(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    alteration: Alteration,
    settings: ssd.Settings,
    unaltered: ssd.Detections,
) -> None:
    """The altered photo with its boxes, and dotted those of the unaltered one that are lost."""
    labels = labels_shown()
    if alteration.is_identity:
        url = photo_url(image, loaded)
    else:
        url = jpeg_url(altered.altered(image, alteration).display, f"altered-{image.digest}")
    size = alteration.size_after(answer.size)
    place = figure_place("figure", url, size, image.name)
    says = st.container()
    found, left = ssd.Detections.empty(), None
    try:
        now = altered.answer_for(image, answer, alteration)
    except ServingError as error:
        with says:
            frame.show_error(error)
            frame.try_again()
    else:
        found = now.detections(settings)
        everything = now.detections(at_floor(settings))
        left = held(unaltered, everything, alteration, answer.size, len(labels))
        ids = everything.ids
    pick = sweep.picked(image, unaltered)
    marked = None
    if left is not None and pick is not None and left.rows[unaltered.ids.index(pick)] >= 0:
        marked = ids[left.rows[unaltered.ids.index(pick)]]
    lost = None if left is None else _lost(left, unaltered, settings, size)
    with place:
        st.plotly_chart(
            photo.draw(
                url,
                size,
                found,
                labels,
                picked=marked,
                truth=lost,
                truth_name="" if lost is None else _("Lost · {count}", count=len(lost.boxes)),
                usual_size=PHONE_SIZE if frame.is_phone() else marks.USUAL_SIZE,
            ),
            key="figure",
            height="stretch",
            config=photo.CONFIG,
            alt=photo.summary(found, labels),
        )
        figure_hands("figure_frame")
    if left is not None:
        says.caption(_in_words(left, unaltered, settings, alteration, image))


def _lost(
    left: Held, unaltered: ssd.Detections, settings: ssd.Settings, size: tuple[int, int]
) -> GroundTruth | None:
    lost = left.lost(unaltered, settings)
    if not lost.any():
        return None
    return GroundTruth("", size, left.boxes[lost], unaltered.class_ids[lost])


def _in_words(
    left: Held,
    unaltered: ssd.Detections,
    settings: ssd.Settings,
    alteration: Alteration,
    image: ImageFile,
) -> str:
    name = frame.plain(image.name)
    if alteration.is_identity:
        return f"{photo.summary(unaltered, labels_shown())} · {name}"
    lost = int(left.lost(unaltered, settings).sum())
    in_sight = int(left.in_sight.sum())
    parts = [
        plural(
            "**{held} of {count}** box of the original is still found",
            "**{held} of {count}** boxes of the original are still found",
            in_sight,
            held=in_sight - lost,
        )
    ]
    if in_sight < len(unaltered):
        parts.append(
            plural(
                "{count} is no longer in the picture",
                "{count} are no longer in the picture",
                len(unaltered) - in_sight,
            )
        )
    return " · ".join([*parts, name])
