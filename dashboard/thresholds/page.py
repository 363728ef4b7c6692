"""Explore thresholds: the image and its settings, then what is counted over one image or many."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from dashboard import asking, controls, frame, ground_truth, images, paper, state
from dashboard.answers import config
from dashboard.detect import tables
from dashboard.detect.page import answer_or_reason, tell_recorded
from dashboard.files import ImageFile
from dashboard.ground_truth import JudgedImage
from dashboard.media import photo_url, prepare, screen_of
from dashboard.thresholds import accuracy, image_sets, nms, operating_point, report, viewer
from dashboard.thresholds.image_sets import ImageSet
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import charts
from detector.drawing.viewer import Mode
from detector.drawing.viewer import view as view_of
from detector.errors import ConfigError
from detector.evaluation.ground_truth import GroundTruth
from detector.translation import _, noted

SCOPES = ("this", "all", "gallery", "many")
MODES = {
    "Classes": noted("Classes"),
    "Right and wrong": noted("Right and wrong"),
    "X-ray": noted("X-ray"),
}


def show() -> None:
    """The whole page."""
    labels = config().labels
    controls.from_address(labels)
    image = images.choose()
    if (opened := images.opened()) is not None:
        image = opened
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("Showing {name}, one of the many.", name=frame.plain(image.name)))
            st.button(
                _("Back to the strip above"),
                type="tertiary",
                key="look_back",
                on_click=images.look_back,
            )
    loaded = prepare(image)
    answer = answer_or_reason(image, loaded)
    if answer is None:
        st.image(screen_of(loaded).display, alt=image.name)
        return
    tables.forget_pick_of_another(image)
    _explore(image, loaded, answer)


@frame.fragment
def _explore(image: ImageFile, loaded: LoadedImage, answer: Answer) -> None:
    if state.read(state.ListedBoxes).look:
        state.update(state.ListedBoxes, look=False)
        st.rerun()  # another image: the page's, not the fragment's
    labels = config().labels
    truth = ground_truth.of_image(image, answer)
    left, right = st.columns([8, 5], gap="medium")
    with left:
        place = st.container(key="viewer_column")
    with place:
        mode = _viewer_mode(loaded, truth)
    with right:
        asked = st.container()
    with right, st.container(key="knobs"):
        settings = _controls(labels, image, answer)
    candidates = asking.candidates_of(image, loaded, answer, settings)
    with place, st.container(key="viewer_frame"):
        _viewer(image, loaded, answer, settings, mode, truth)
        asking.component("viewer_frame", image, loaded, candidates)
    with asked:
        asking.show(image, candidates, settings)
    with place:
        paper.settings(settings, labels, f"{answer.model.name} {answer.model.version or '?'}")
        tell_recorded(answer)
    nms.show(image, loaded, answer, settings)
    st.divider()
    counted = _scope(image, answer)
    if counted is None:
        return
    if counted.recorded is not None:
        tell_recorded(counted.recorded)
    _counts(counted, settings)
    evaluated = accuracy.show(counted, settings)
    proposal = operating_point.show(evaluated, settings)
    report.offer(image, loaded, answer, settings, candidates, truth, counted, evaluated, proposal)


# --- the image and its settings


def _controls(labels: Sequence[str], image: ImageFile, answer: Answer) -> ssd.Settings:
    """The controls that the viewer doesn't have, each with what it does."""
    st.markdown(
        _(
            "**Score threshold** — drag it under the image. The model gives each box a score, how "
            "sure it is. Boxes below the threshold are hidden: higher shows fewer and surer ones "
            "(*precision*), lower finds more and errs more (*recall*)."
        )
    )
    controls.restore(labels)
    iou = controls.iou_threshold()
    drawing, words = st.columns([1, 3], vertical_alignment="center")
    drawing.image(
        _overlap_svg(iou),
        width=110,
        alt=_("Two equal boxes that overlap by an IoU of {iou}", iou=f"{iou:.2f}"),
    )
    words.caption(
        _(
            "The model often boxes one object several times. Where two boxes overlap by more than "
            "is drawn here, *non-maximum suppression* (NMS) takes them for one object and removes "
            "the less sure one. Lower: fewer doubles, but neighbours may vanish. Higher: "
            "neighbours stay, and so do doubles. (*IoU*: the shared area / the area of both.) "
            "**X-ray** shows what went."
        )
    )
    change = st.container()
    agnostic = controls.class_agnostic()
    st.caption(
        _(
            "Off: boxes compete within their class. On: also with those of other classes "
            "(*class-agnostic NMS*), so one place gets one class."
        )
    )
    classes = controls.shown_classes(labels)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption(_("Hidden classes still take part in NMS."))
        controls.reset_button(labels)
    settings = replace(controls.kept(), iou_threshold=iou, class_agnostic=agnostic, classes=classes)
    with change:
        _tell_change(image, answer, settings)
    return controls.hold(labels, settings, drawn=("iou_threshold", "class_agnostic", "classes"))


def _tell_change(image: ImageFile, answer: Answer, settings: ssd.Settings) -> None:
    """Which boxes the last move of the IoU, or of class-agnostic, made appear and vanish.

    Told until something else moves, or another image comes.
    """
    now = (image.digest, settings)
    change = state.read(state.NmsChange)
    last = change.now or now
    before = change.before or settings
    if last != now:
        nms_alone = replace(
            settings,
            iou_threshold=last[1].iou_threshold,
            class_agnostic=last[1].class_agnostic,
        )
        before = last[1] if last == (image.digest, nms_alone) else settings
    had = set(answer.detections(before).ids)
    has = set(answer.detections(settings).ids)
    appeared, vanished = tuple(sorted(has - had)), tuple(sorted(had - has))
    state.write(state.NmsChange(now, before, appeared, vanished))
    if before != settings:
        places = {
            "before": f"{before.iou_threshold:.2f}",
            "now": f"{settings.iou_threshold:.2f}",
            "appeared": len(appeared),
            "vanished": len(vanished),
        }
        st.caption(
            _(
                ":material/compare_arrows: IoU {before} → {now}, class-agnostic:"
                " **{appeared} appeared**, **{vanished} vanished**.",
                **places,
            )
            if settings.class_agnostic
            else _(
                ":material/compare_arrows: IoU {before} → {now}:"
                " **{appeared} appeared**, **{vanished} vanished**.",
                **places,
            )
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


def _viewer_mode(loaded: LoadedImage, truth: GroundTruth | None) -> Mode:
    """What the viewer's colours say; and how high the viewer is going to be, for style.css."""
    width, height = loaded.size
    st.html(f"<style>.st-key-viewer_column{{--photo:{height / width:.4f}}}</style>")
    modes = list(viewer.MODES) if truth else [m for m in viewer.MODES if m != "Right and wrong"]
    return st.segmented_control(
        _("Colours"),
        modes,
        default=modes[0],
        required=True,
        key="viewer_mode",
        persist_state="session",
        format_func=lambda name: _(MODES[name]),
        label_visibility="collapsed",
        help=_(
            "Classes: as on Detect. Right and wrong: against the ground truth. "
            "X-ray: also what NMS removed; click a box to see what it suppressed."
        ),
    )


def _viewer(
    image: ImageFile,
    loaded: LoadedImage,
    answer: Answer,
    settings: ssd.Settings,
    mode: Mode,
    truth: GroundTruth | None,
) -> None:
    change, listed = state.read(state.NmsChange), state.read(state.ListedBoxes)
    viewer.show(
        "scrub",
        view_of(
            answer.raw,
            settings,
            loaded.size,
            config().labels,
            digest=image.digest,
            truth=truth,
            match_iou=accuracy.match_iou(),
        ),
        photo_url(image, loaded),
        mode=mode,
        target=controls.chosen_class(config().labels) or None,
        picked=state.read(state.Pick).detection_id,
        compared=(change.appeared, change.vanished),
        look=listed.looks,
        back="behind" if listed.looked_at == image.digest else "",
        on_thresholds=_thresholds_from_viewer,
        on_target=_class_from_viewer,
        on_pick=_pick_from_viewer,
    )
    if truth is not None and mode == "Right and wrong":
        ground_truth.tell_unread([truth])


@frame.callback
def _thresholds_from_viewer(score: float, own: dict[int, float]) -> None:
    controls.adopt(replace(controls.kept(), score_threshold=score, class_thresholds=own))


@frame.callback
def _class_from_viewer(class_id: int | None) -> None:
    state.set_widget(controls.CHOSEN_CLASS, class_id or 0)


@frame.callback
def _pick_from_viewer(detection_id: str | None) -> None:
    state.update(state.Pick, detection_id=detection_id)


# --- over which images


def _scope(image: ImageFile, answer: Answer) -> ImageSet | None:
    """The images that the charts count over."""
    source, alternatives = images.alternatives()
    gallery: list[ImageFile] = []
    with suppress(ConfigError):  # uploads do not depend on it
        gallery = images.gallery()
    titles = {
        "this": _("This image"),
        "all": f"{source} ({len(alternatives)})",
        "gallery": _("The gallery ({count})", count=len(gallery)),
        "many": _("Many images"),
    }
    # Where nothing was uploaded all images are the gallery's.
    scopes = [s for s in SCOPES if s != "gallery" or (gallery and alternatives != gallery)]
    if state.widget("scope") not in scopes:
        state.set_widget("scope", "all")
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        scope = st.segmented_control(
            _("Count over"),
            scopes,
            default="all",
            required=True,
            key="scope",
            persist_state="session",
            format_func=titles.__getitem__,
        )
    with right:
        controls.choose_class(config().labels)
    paper.line(_("Counted over: {images}", images=titles[scope]), "counted_over")
    if scope == "many":
        return image_sets.choose_many()
    if scope in ("all", "gallery"):
        return image_sets.of_images(alternatives if scope == "all" else gallery)
    judged = JudgedImage(image.name, image.digest, answer.size)
    return image_sets.of_answer(image, answer, ground_truth.company(judged, alternatives))


# --- counts


def _counts(counted: ImageSet, settings: ssd.Settings) -> None:
    counts, histogram = image_sets.count(counted, settings)
    st.header(_("How many boxes a threshold shows"), anchor=False)
    st.caption(
        _(
            "A curve for each class: the boxes with a score at or above the threshold, in all "
            "images chosen. Below, how the scores are spread: a threshold in a valley parts the "
            "sure boxes from the rest. :gray[**Click anywhere** to set the threshold there.]"
        )
    )
    if settings.class_agnostic and settings.class_thresholds:
        st.caption(
            _(
                ":material/info: With class-agnostic NMS and own thresholds, a hidden box may free "
                "others: the charts count as if all classes had the common threshold in NMS."
            )
        )
    st.plotly_chart(
        charts.counts(
            counts, histogram, config().labels, settings, controls.chosen_class(config().labels)
        ),
        key="counts",
        on_select=lambda: controls.threshold_from_chart("counts"),
        selection_mode="points",
        config=charts.CONFIG,
        alt=_("Number of boxes against the score threshold, a curve a class."),
    )
