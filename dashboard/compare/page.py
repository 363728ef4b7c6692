"""Compare: one image under two settings, models or servers, or several images side by side."""

from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    answers,
    controls,
    following,
    frame,
    ground_truth,
    images,
    languages,
    media,
    paper,
    state,
)
from dashboard.answers import config, labels_shown
from dashboard.compare import differences, grid, report, sides, swipe, whole_set
from dashboard.compare.sides import Result
from dashboard.files import ImageFile
from dashboard.media import photo_url, prepare
from detector.answers import LoadedImage, decode
from detector.drawing import comparison_sheet, linked, photo
from detector.errors import ServerStartError
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.pairing import (
    Pairing,
    Standing,
    pair,
    standing,
    summary,
    verdicts,
)
from detector.translation import _, carried, noted

MODES = (noted("A against B"), noted("Whole set"), noted("Images"))
VIEWS = (noted("Side by side"), noted("Swipe"))
# An image in which each side is right somewhere; another gallery opens on its first.
OPENS_ON = "electronics_flatlay.jpg"


def show() -> None:
    """The page in its two modes."""
    controls.carry(config().labels)
    _restore()
    languages.understand("compare_mode", MODES)
    with st.container(key="compare_modes"):
        mode = st.segmented_control(
            _("Compare"),
            MODES,
            default=MODES[0],
            required=True,
            key="compare_mode",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
        )
    if mode == "Images":
        report.offer_images(*grid.show())
        _keep("compare_mode", *grid.SETTINGS)
        return
    if mode == "Whole set":
        sides.start()
        _whole_set()
        return
    is_chosen = "sample" in st.query_params or state.has_widget("sample")
    if not is_chosen and state.read(state.Choice).sample is None:
        titles = [sample.title for sample in images.samples() if sample.file_name == OPENS_ON]
        if titles:
            state.set_widget("sample", titles[0])
    image = images.choose()
    loaded = prepare(image)
    if state.read(state.Visit).is_new:
        # What is drawn into it again takes the place of what is there, one thing that of one.
        again = st.empty()
        with again.container(), st.container(key="awaited"):
            st.container(key="sides_awaited").caption(_("Asking the model server…"))
            with st.container(key="awaited_column"):
                _frame("awaited", image, loaded)
        with suppress(ServerStartError):
            answers.address()  # waits for the embedded one
        place = again.container()
    else:
        place = st.container()
    with place:
        sides.start()
        _sides(image, loaded)


@frame.fragment
def _sides(image: ImageFile, loaded: LoadedImage) -> None:
    head = st.container(key="sides")
    columns = head.columns(2, gap="medium")
    results = []
    for column, letter, key in zip(columns, "ab", ("left", "right"), strict=True):
        with column, st.container(border=True, key=key):
            result = sides.ask(sides.show(letter), image, loaded)
            if result.error is not None and result.answer is not None:
                frame.show_beside(result.error)
            elif result.error is not None:
                frame.show_error(result.error)
            results.append(result)
    a, b = results
    if a.side.asks_the_same_as(b.side):
        head.info(
            _("Both sides are the same. Move a threshold of one, or give it another version."),
            icon=":material/compare:",
        )
    with head:
        view = _toolbar()
    absent = next((result.side.letter for result in results if result.answer is None), "")
    above = st.container()  # the figure depends on a control below it, its place does not
    with above:
        place = _place(image, loaded) if view != "Swipe" else None
    left, right = st.columns([2, 1], gap="medium")
    with left:
        same_iou, kinds = (differences.SAME_BOX_IOU, []) if absent else differences.show_settings()
    pairing = pair(a.found, b.found, same_iou)
    row = differences.picked_row(image, pairing, kinds)
    with above:
        paper.line(a.heading, "a")
        paper.line(b.heading, "b")
        if place is None:
            around = st.container(key="swipe_frame")
            with around:
                _swipe(image, loaded, a, b, pairing)
        else:
            around = place[0]
            _figure(*place, image, loaded, a, b, pairing, row, absent)
        if a.answer is not None and b.answer is not None:
            with around:
                following.component(
                    "swipe_frame" if place is None else "linked_frame",
                    [following.Slider(f"score_{s}", view=v) for v, s in enumerate("ab")],
                    [
                        following.view(image, a.answer, a.side.settings),
                        following.view(image, b.answer, b.side.settings),
                    ],
                    same_iou=same_iou,
                )
    _keep(*sides.keys(), "compare_mode", "compare_view", *differences.SETTINGS)
    if any(isinstance(r.error, answers.NO_ANSWER) for r in results):
        frame.try_again()
    if a.answer is None or b.answer is None:
        above.caption(_("There is nothing to compare until both sides have an answer."))
        return
    above.caption(f"{summary(pairing)} · {frame.plain(image.name)}")
    truth = ground_truth.of_image(image, a.answer)
    standings = None if truth is None else (_standing(truth, a), _standing(truth, b))
    judged = None if standings is None else verdicts(pairing, *standings)
    with left:
        differences.table(image, pairing, kinds, row, judged)
        hand_on = st.container(horizontal=True)
        _hand_on(hand_on, image, a, b, pairing)
    with right:
        differences.accuracy(pairing, standings, judged)
        left_out = [] if truth is None else ground_truth.tell_unread([truth])
    with hand_on:
        report.offer_sides(image, loaded, a, b, pairing, kinds, standings, judged, left_out)


@frame.fragment
def _whole_set() -> None:
    if state.read(state.WholeSet).opened:
        state.update(state.WholeSet, opened=False)
        st.rerun()  # another mode: the page's, not the fragment's
    with st.container(key="set_heading"):
        st.caption(
            _("Both sides over many images: which one is better, and whether that may be luck.")
        )
    columns = st.columns(2, gap="medium")
    asked = []
    for column, letter, key in zip(columns, "ab", ("left", "right"), strict=True):
        with column, st.container(border=True, key=key):
            asked.append(sides.show(letter))
    a, b = asked
    others = whole_set.choose_further(a)
    report.offer_whole_set(a, b, *whole_set.show(a, b, others))
    _keep(*sides.keys(), "compare_mode", *whole_set.SETTINGS)


def _standing(truth: GroundTruth, result: Result) -> Standing:
    return standing(
        [truth], [result.found], [result.everything], len(config().labels), differences.MATCH_IOU
    )


def _toolbar() -> str:
    """Swap, copy, reset, and the view."""
    languages.understand("compare_view", VIEWS)
    with st.container(horizontal=True, vertical_alignment="center", key="compare_tools"):
        view = st.segmented_control(
            _("View"),
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="compare_view",
            format_func=_,
            label_visibility="collapsed",
            bind="query-params",
        )
        st.space("stretch")
        st.button(_("Swap"), icon=":material/swap_horiz:", key="swap", on_click=_swap)
        st.button(
            _("Copy A to B"),
            icon=":material/content_copy:",
            key="copy",
            on_click=_copy,
        )
        st.button(_("Reset"), icon=":material/restart_alt:", key="reset_sides", on_click=_reset)
    return str(view)


def _place(image: ImageFile, loaded: LoadedImage) -> tuple[DeltaGenerator, bool]:
    """The figure's place, and whether its panels are stacked."""
    with st.container(key="linked_column", gap=None):
        place = _frame("linked", image, loaded)
        with place:
            media.figure_hands("linked_frame")
        # A phone gets the panels one above the other. It says so once, and a desktop never does.
        was_narrow = bool(state.widget("narrow", {}).get("narrow", False))
        said = media.component(
            "narrow",
            key="narrow",
            data={"narrow": was_narrow},
            default={"narrow": was_narrow},
            on_narrow_change=lambda: None,
        )
    return place, bool(said["narrow"])


def _frame(key: str, image: ImageFile, loaded: LoadedImage) -> DeltaGenerator:
    """A place as high as the figure is going to be, with the photos until it has drawn them."""
    width, height = loaded.size
    st.html(f"<style>.st-key-{key}_frame{{--photo:{height / width:.4f}}}</style>")
    place = st.container(key=f"{key}_frame")
    with place, st.container(key=f"{key}_early"):
        shown = f'<img src="{photo_url(image, loaded)}" alt="">'
        st.html(f'<div class="lens-panels">{2 * shown}</div>')
    return place


def _figure(
    linked_frame: DeltaGenerator,
    stacked: bool,
    image: ImageFile,
    loaded: LoadedImage,
    a: Result,
    b: Result,
    pairing: Pairing,
    row: int | None,
    absent: str,
) -> None:
    figure = linked.draw(
        photo_url(image, loaded),
        loaded.size,
        pairing,
        labels_shown(),
        headings=(a.heading, b.heading),
        stacked=stacked,
        row=row,
        absent=absent,
        revision=state.read(state.Comparison).revision,
    )
    linked_frame.plotly_chart(
        figure,
        key="linked_figure",
        height="stretch",
        config=photo.CONFIG,
        alt=summary(pairing),
    )


def _swipe(image: ImageFile, loaded: LoadedImage, a: Result, b: Result, pairing: Pairing) -> None:
    swipe.show(
        photo_url(image, loaded),
        loaded.size,
        pairing,
        labels_shown(),
        names=(a.heading, b.heading),
        alt=summary(pairing),
        revision=state.read(state.Comparison).revision,
        key="swipe",
    )


def _hand_on(
    place: DeltaGenerator, image: ImageFile, a: Result, b: Result, pairing: Pairing
) -> None:
    """The comparison as an image, built on the click, and the link that reopens it."""

    def sheet() -> bytes:
        return decode(
            image.read(),
            config().image_limits,
            lambda decoded: comparison_sheet.sheet_png(
                decoded,
                pairing,
                config().labels,
                title=f"{image.name}: {summary(pairing)}",
                captions=(a.caption, b.caption),
            ),
        )

    frame.tell_lacking_letters((image.name, *config().labels))
    with place:
        st.download_button(
            _("Comparison (PNG)"),
            carried(sheet),
            f"{Path(image.name).stem}-comparison.png",
            "image/png",
            icon=":material/download:",
            key="sheet",
            on_click="ignore",
        )
        frame.show_link(
            "compare_link",
            is_sample=images.is_sample(image),
            has_file=a.side.is_file or b.side.is_file,
        )


_swap, _copy = frame.callback(sides.swap), frame.callback(sides.copy)


@frame.callback
def _reset() -> None:
    sides.reset()
    differences.reset()


def _keep(*keys: str) -> None:
    """Remember what the page's controls hold: a widget's own value is gone on another page."""
    held = {key: state.widget(key) for key in keys if state.has_widget(key)}
    state.update(state.Comparison, kept={**state.read(state.Comparison).kept, **held})


def _restore() -> None:
    of_sides = sides.keys()
    for key, value in state.read(state.Comparison).kept.items():
        if key not in of_sides:
            controls.start(key, value)
