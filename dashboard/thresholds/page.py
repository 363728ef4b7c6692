"""Explore thresholds: the image and its settings, then what is counted over one image or many."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from dashboard import (
    asking,
    controls,
    following,
    frame,
    ground_truth,
    images,
    languages,
    paper,
    present,
    results,
    state,
    tiles,
    why,
)
from dashboard.answers import config, labels_shown
from dashboard.detect import tables
from dashboard.detect.page import answer_or_reason, tell_standing_in
from dashboard.files import ImageFile
from dashboard.ground_truth import JudgedImage
from dashboard.media import photo_url, prepare, screen_of
from dashboard.thresholds import (
    accuracy,
    errors,
    image_sets,
    mending,
    nms,
    operating_point,
    report,
    slices,
    viewer,
)
from dashboard.thresholds.image_sets import Evaluated, ImageSet
from detector import ssd
from detector.answers import Answer, LoadedImage
from detector.drawing import charts
from detector.drawing.viewer import Mode
from detector.drawing.viewer import view as view_of
from detector.errors import ConfigError
from detector.evaluation.ground_truth import GroundTruth
from detector.report.document import Section
from detector.tiling import Tiling
from detector.translation import _, noted

TABS = (
    noted("Image"),
    noted("X-ray"),
    noted("Curves"),
    noted("Errors"),
    noted("Slices"),
    noted("Operating point"),
    noted("Mend"),
)
MODE_OF_TAB = {
    "Image": "Classes",
    "X-ray": "X-ray",
    "Errors": "Right and wrong",
    "Mend": "Right and wrong",
}
SCOPES = ("this", "all", "gallery", "many")
DRAWN = ("iou_threshold", "class_agnostic", "classes", "tiles")  # of the controls of all pages
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
    loaded, tiling = prepare(image), controls.kept().tiles
    if file := results.chosen():
        answer = results.answer_or_reason(file, image, loaded.size)
    else:
        answer = answer_or_reason(image, loaded, tiling)
    if answer is None:
        results.choose()
        st.image(screen_of(loaded).display, alt=image.name)
        return
    tables.forget_pick_of_another(image)
    _explore(image, loaded, answer, tiling)


@frame.fragment
def _explore(image: ImageFile, loaded: LoadedImage, answer: Answer, asked_with: Tiling) -> None:
    present.go_on()
    if state.read(state.ListedBoxes).look:
        state.update(state.ListedBoxes, look=False)
        st.rerun()  # another image: the page's, not the fragment's
    if results.chosen() != answer.file:
        st.rerun()
    labels = config().labels
    truth = ground_truth.of_image(image, answer)
    left, right = st.columns([6, 7], gap="medium")
    with left, st.container(key="stays"):
        knobs = st.container(key="knobs")
        place = st.container(key="viewer_column")
    with knobs:
        settings = _knobs(labels, image, answer)
    controls.ask_again_with(settings, asked_with)
    settings = answer.as_asked(settings)
    with place:
        mode = _viewer_mode(loaded, truth, has_raw=not answer.file)
    # What a file has of a place is the boxes that are drawn there.
    candidates = () if answer.file else asking.candidates_of(image, loaded, answer, settings)
    with right:
        if not answer.file:
            asking.show(image, candidates, settings)
            why.show(image, loaded, answer, answer.detections(settings))
        tab = _tab()
    with place, st.container(key="viewer_frame"):
        _viewer(image, loaded, answer, settings, mode, truth)
        if tab == "Mend":
            mending.component("viewer_frame", image, loaded, answer.detections(settings), truth)
        elif not answer.file:
            asking.component("viewer_frame", image, loaded, candidates)
        present.component("viewer_frame", image, loaded, following.view(image, answer, settings))
    with place:
        paper.settings(settings, labels_shown(), answer.by)
        tell_standing_in(answer, asked_with)
        results.tell(answer.file)
    counted, evaluated, more = None, None, None
    with right:
        if answer.file and tab in ("Image", "X-ray"):
            st.info(_(results.NEEDS_RAW), icon=":material/info:")
        if tab == "Image":
            _explain(settings)
        elif tab == "Mend":
            around = images.alternatives()[1]
            counted, evaluated = mending.show(image, answer, settings, truth, around)
        elif tab == "X-ray" and not answer.file:
            nms.show(image, loaded, answer, settings)
        elif tab != "X-ray":
            counted, evaluated, more = _over_images(tab, image, answer, settings)
    frame.ask_before_leaving("mend_leave")
    with place, st.container(horizontal=True):
        if not answer.file:
            why.button(image, answer, answer.detections(settings))
        report.offer(image, loaded, answer, settings, candidates, truth, counted, evaluated, more)


def _tab() -> str:
    """Which of the page's parts is shown. What the others would show is not computed."""
    languages.understand("tab", TABS)
    return st.segmented_control(
        _("Show"),
        TABS,
        default=TABS[0],
        required=True,
        key="tab",
        format_func=_,
        label_visibility="collapsed",
        bind="query-params",
        persist_state="session",
        on_change=_color_for_tab,
    )


@frame.callback
def _color_for_tab() -> None:
    """Callback: the image in the colours that the tab is about."""
    if (mode := MODE_OF_TAB.get(state.widget("tab"))) is not None:
        state.set_widget("viewer_mode", mode)


def _over_images(
    tab: str, image: ImageFile, answer: Answer, settings: ssd.Settings
) -> tuple[ImageSet | None, Evaluated | None, Section | None]:
    """A tab that counts over one image or many, and below it their ground truth.

    Returns what it is about, for a report: the images, their evaluation, and what it alone says.
    """
    counted = _scope(image, answer)
    if counted is None:
        return None, None, None
    if counted.recorded is not None:
        tell_standing_in(counted.recorded, controls.kept().tiles)
    if counted.joined is not None:
        results.tell_left_out(results.chosen(), counted.joined)
    content, more = st.container(), None
    with st.container(key="judged_by"):
        truth = accuracy.choose(counted)
    with content:
        evaluated = None if truth is None else accuracy.judge(counted, truth, settings)
        if tab == "Operating point":
            more = operating_point.show(evaluated, settings)
        elif tab == "Slices":
            if evaluated is not None:
                more = slices.show(counted, evaluated, settings)
        elif tab == "Errors":
            if evaluated is not None:
                errors.show(counted, evaluated, settings)
        else:
            if evaluated is not None:
                accuracy.show_curves(evaluated, settings)
            _counts(counted, settings)
    return counted, evaluated, more


# --- the image and its settings


def _knobs(labels: Sequence[str], image: ImageFile, answer: Answer) -> ssd.Settings:
    """The controls that the viewer doesn't have, in a row."""
    controls.restore(labels)
    with st.container(horizontal=True, vertical_alignment="bottom", key="knobs_row"):
        with st.container(width="stretch"):
            iou = controls.iou_threshold(controls.IOU_HELP)
        with st.container(width="content", gap="small"):
            agnostic = controls.class_agnostic(controls.AGNOSTIC_HELP)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                with st.popover(_("Classes shown"), type="tertiary"):
                    classes = controls.shown_classes(labels)
                    st.caption(_("Hidden classes still take part in NMS."))
                with st.popover(tiles.in_words(controls.kept().tiles), type="tertiary"):
                    tiling = controls.choose_tiles()
                controls.reset_button(labels)
    settings = replace(
        controls.kept(),
        iou_threshold=iou,
        class_agnostic=agnostic,
        classes=classes,
        tiles=tiling,
    )
    _tell_change(image, answer, settings)
    return controls.hold(labels, settings, drawn=DRAWN)


def _explain(settings: ssd.Settings) -> None:
    """What each of the settings does."""
    st.markdown(
        _(
            "**Score threshold** — drag it over the image. The model gives each box a score, how "
            "sure it is. Boxes below the threshold are hidden: higher shows fewer and surer ones "
            "(*precision*), lower finds more and errs more (*recall*)."
        )
    )
    st.markdown(
        _(
            "**IoU threshold** — the model often boxes one object several times. Where two boxes "
            "overlap by more than is drawn here, *non-maximum suppression* (NMS) takes them for one"
            " object and removes the less sure one. Lower: fewer doubles, but neighbours may "
            "vanish. Higher: neighbours stay, and so do doubles. (*IoU*: the shared area / the area"
            " of both.) **X-ray** shows what went."
        )
    )
    iou = settings.iou_threshold
    st.image(
        _overlap_svg(iou),
        width=124,
        alt=_("Two equal boxes that overlap by an IoU of {iou}", iou=f"{iou:.2f}"),
    )
    st.markdown(
        _(
            "**Class-agnostic NMS** — off: boxes compete within their class. On: also with those of"
            " other classes, so one place gets one class."
        )
    )


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


def _viewer_mode(loaded: LoadedImage, truth: GroundTruth | None, *, has_raw: bool) -> Mode:
    """What the viewer's colours say; and how high the viewer is going to be, for style.css.

    Args:
        has_raw: there is what NMS removed, too.
    """
    width, height = loaded.size
    st.html(f"<style>.st-key-viewer_column{{--photo:{height / width:.4f}}}</style>")
    lacking = {*(() if truth else ("Right and wrong",)), *(() if has_raw else ("X-ray",))}
    modes = [mode for mode in viewer.MODES if mode not in lacking]
    if state.widget("viewer_mode", modes[0]) not in modes:
        state.set_widget("viewer_mode", modes[0])
    with st.container(horizontal=True, vertical_alignment="center", key="viewer_head"):
        chosen: Mode = st.segmented_control(
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
        st.space("stretch")
        results.choose()
    return chosen


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
            labels_shown(),
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
    state.write(state.ChosenClass(class_id or 0))


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
    scope = st.segmented_control(
        _("Count over"),
        scopes,
        default="all",
        required=True,
        key="scope",
        persist_state="session",
        format_func=titles.__getitem__,
    )
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
            counts, histogram, labels_shown(), settings, controls.chosen_class(config().labels)
        ),
        key="counts",
        on_select=lambda: controls.threshold_from_chart("counts"),
        selection_mode="points",
        config=charts.CONFIG,
        alt=_("Number of boxes against the score threshold, a curve a class."),
    )
