"""Explore thresholds: the picture and its knobs, then what is counted over one picture or many."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from dashboard import controls, frame, image_sets, images
from dashboard.answers import Answer, Picture, Prepared, config, prepare
from dashboard.detect import tables
from dashboard.detect.page import answered, photo_url
from dashboard.thresholds import accuracy, nms, operating_point, viewer
from detector import ssd
from detector.drawing import charts
from detector.drawing.viewer import view as view_of
from detector.errors import ConfigError, ImageError, ServingError

SCOPES = ("this", "all", "many")


def show() -> None:
    """The whole page."""
    labels = config().labels
    controls.thresholds_from_address(labels)
    picture = images.choose()
    if (opened := images.looked_at()) is not None:
        picture = opened
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Showing {frame.plain(picture.name)}, one of the many.")
            st.button(
                "Back to the strip above", type="tertiary", key="look_back",
                on_click=images.look_back,
            )  # fmt: skip
    try:
        prepared = prepare(picture.digest, picture.data)
    except ImageError as error:
        frame.show_error(error)
        return
    answer = answered(picture, prepared)
    if answer is None:
        st.image(prepared.display, alt=picture.name)
        return
    tables.forget_pick_of_another(picture)
    _explore(picture, prepared, answer)


@st.fragment
def _explore(picture: Picture, prepared: Prepared, answer: Answer) -> None:
    if st.session_state.pop("look_now", False):
        st.rerun()  # another picture: the page's, not the fragment's
    labels = config().labels
    left, right = st.columns([8, 5], gap="medium")
    with right:
        settings = _knobs(labels, picture, answer, prepared)
    with left:
        _viewer(picture, prepared, answer, settings)
    nms.show(picture, prepared, answer, settings)
    st.divider()
    pictures = _scope(image_sets.of_answer(picture, prepared, answer))
    if pictures is None:
        return
    _counts(pictures, settings)
    evaluated = accuracy.show(pictures, settings)
    operating_point.show(evaluated, settings)


# --- the picture and its knobs


def _knobs(
    labels: Sequence[str], picture: Picture, answer: Answer, prepared: Prepared
) -> ssd.Settings:
    """The knobs that the viewer doesn't have, each with what it does."""
    st.markdown(
        "**Score threshold** — drag it under the picture. The model gives each box a score, how "
        "sure it is. Boxes below the threshold are hidden: higher shows fewer and surer ones "
        "(*precision*), lower finds more and errs more (*recall*)."
    )
    iou = controls.iou_threshold()
    drawing, words = st.columns([1, 3], vertical_alignment="center")
    drawing.image(_overlap_svg(iou), width=110)
    words.caption(
        "The model often boxes one thing several times. Where two boxes overlap by more than is "
        "drawn here, *non-maximum suppression* (NMS) takes them for one thing and removes the less "
        "sure one. Lower: fewer doubles, but neighbours may vanish. Higher: neighbours stay, and "
        "so do doubles. (*IoU*: the shared area / the area of both.) **X-ray** shows what went."
    )
    change = st.empty()
    agnostic = controls.class_agnostic()
    st.caption(
        "Off: boxes compete within their class. On: also with those of other classes "
        "(*class-agnostic NMS*), so one place gets one class."
    )
    classes = controls.shown_classes(labels)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption("Hidden classes still take part in NMS.")
        controls.reset_button(labels)
    kept = controls.kept()
    settings = replace(kept, iou_threshold=iou, class_agnostic=agnostic, classes=classes)
    with change:
        _tell_change(picture, answer, prepared, settings)
    return controls.hold_thresholds(labels, settings)


def _tell_change(
    picture: Picture, answer: Answer, prepared: Prepared, settings: ssd.Settings
) -> None:
    """Which boxes the last move of the IoU, or of class-agnostic, made appear and vanish.

    Told until something else moves, or another picture comes.
    """
    last, before = st.session_state.get("nms", ((picture.digest, settings), settings))
    now = (picture.digest, settings)
    if last != now:
        nms_alone = replace(
            settings,
            iou_threshold=last[1].iou_threshold,
            class_agnostic=last[1].class_agnostic,
        )
        before = last[1] if last == (picture.digest, nms_alone) else settings
    st.session_state["nms"] = (now, before)
    had = set(ssd.postprocess(answer.raw, before, prepared.size).ids)
    has = set(ssd.postprocess(answer.raw, settings, prepared.size).ids)
    st.session_state["nms_change"] = (sorted(has - had), sorted(had - has))
    if before != settings:
        st.caption(
            f":material/compare_arrows: IoU {before.iou_threshold:.2f} → "
            f"{settings.iou_threshold:.2f}{', class-agnostic' if settings.class_agnostic else ''}: "
            f"**{len(has - had)} appeared**, **{len(had - has)} vanished**."
        )


def _overlap_svg(iou: float) -> str:
    """Two equal boxes side by side whose IoU is just that."""
    shift = 60 * (1 - 2 * iou / (1 + iou))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="124" height="90" viewBox="0 0 124 90">'
        '<g fill-opacity="0.22" stroke-width="2.5">'
        f'<rect x="{31 - shift / 2 + 1:.1f}" y="3" width="60" height="60" fill="#2E9E5B" '
        'stroke="#2E9E5B"/>'
        f'<rect x="{31 + shift / 2 + 1:.1f}" y="3" width="60" height="60" fill="#D1495B" '
        'stroke="#D1495B" stroke-dasharray="5 3"/></g>'
        '<text x="62" y="84" text-anchor="middle" font-size="16" fill="#748391" '
        'font-family="sans-serif">'
        f"IoU {iou:.2f}</text></svg>"
    )


def _viewer(
    picture: Picture,
    prepared: Prepared,
    answer: Answer,
    settings: ssd.Settings,
) -> None:
    truth = image_sets.truth_of(picture, image_sets.of_answer(picture, prepared, answer))
    modes = list(viewer.MODES) if truth else [m for m in viewer.MODES if m != "Right and wrong"]
    mode = st.segmented_control(
        "Colours",
        modes,
        default=modes[0],
        required=True,
        key="viewer_mode",
        persist_state="session",
        label_visibility="collapsed",
        help="Classes: as on Detect. Right and wrong: against the true boxes. "
        "X-ray: also what NMS removed; click a box to see what it suppressed.",
    )
    view = view_of(
        answer.raw,
        settings,
        prepared.size,
        config().labels,
        digest=picture.digest,
        truth=truth,
        match_iou=accuracy.match_iou(),
    )
    viewer.show(
        "scrub",
        view,
        photo_url(picture, prepared),
        mode=mode,
        picked=st.session_state.get("picked"),
        compared=st.session_state["nms_change"],
        look=st.session_state.get("looks", 0),
        on_thresholds=_thresholds_from_viewer,
        on_pick=_pick_from_viewer,
    )


def _thresholds_from_viewer(score: float, own: dict[int, float]) -> None:
    controls.keep(replace(controls.kept(), score_threshold=score, class_thresholds=own))


def _pick_from_viewer(detection_id: str | None) -> None:
    st.session_state["picked"] = detection_id


# --- over which pictures


def _scope(shown: image_sets.Study) -> image_sets.Study | None:
    """The pictures that the charts count over."""
    try:
        source, alternatives = images.alternatives()
    except ConfigError as error:  # the page's frame sees no error of a fragment
        frame.show_error(error)
        return None
    titles = {
        "this": "This picture",
        "all": f"{source} ({len(alternatives)})",
        "many": "Many pictures",
    }
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        scope = st.segmented_control(
            "Count over",
            SCOPES,
            default="all",
            required=True,
            key="scope",
            persist_state="session",
            format_func=titles.__getitem__,
        )
    with right:
        controls.click_target(config().labels)
    try:
        if scope == "many":
            return image_sets.choose_many()
        whole = image_sets.of_pictures(alternatives)
    except ServingError as error:
        frame.show_error(error)
        return None
    if scope == "all":
        return whole
    (picture,) = shown.pictures
    name = next((p.name for p in whole.pictures if p.digest == picture.digest), None)
    return whole.only(name) if name else shown


# --- counts


def _counts(pictures: image_sets.Study, settings: ssd.Settings) -> None:
    counted, histogram = image_sets.counted(pictures, settings)
    st.subheader("How many boxes a threshold shows", anchor=False)
    st.caption(
        "A curve for each class: the boxes with a score at or above the threshold, in all pictures "
        "chosen. Below, how the scores are spread: a threshold in a valley parts the sure boxes "
        "from the rest. **Click anywhere** to set the threshold there."
    )
    if settings.class_agnostic and settings.class_thresholds:
        st.caption(
            ":material/info: With class-agnostic NMS and own thresholds, a hidden box may free "
            "others: the charts count as if all classes had the common threshold in NMS."
        )
    st.plotly_chart(
        charts.counts(counted, histogram, config().labels, settings),
        key="counts",
        on_select=lambda: controls.threshold_from_chart("counts"),
        selection_mode="points",
        config=charts.CONFIG,
        alt="Number of boxes against the score threshold, a curve a class.",
    )
