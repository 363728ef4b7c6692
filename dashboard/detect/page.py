"""One image: the figure with its boxes, where the time went, exports, the link, the tables."""

import html
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    asking,
    controls,
    following,
    frame,
    ground_truth,
    images,
    metrics,
    paper,
    present,
    state,
    tiles,
    why,
)
from dashboard.answers import (
    NO_ANSWER,
    answer_for,
    config,
    has_failed,
    is_starting,
    labels_shown,
    last_answer,
    recorded_answer,
)
from dashboard.detect import live, report, share, tables
from dashboard.files import ImageFile
from dashboard.media import figure_hands, photo_url, prepare
from detector import ssd
from detector.answers import Answer, LoadedImage, decode
from detector.drawing import marks, photo
from detector.drawing.annotate import (
    WEBP_SIDE,
    annotated_jpeg,
    annotated_png,
    annotated_webp,
)
from detector.errors import ServingError
from detector.evaluation.ground_truth import GroundTruth
from detector.formats.coco import to_coco
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv, to_json
from detector.formats.thresholds import write_thresholds
from detector.formats.voc import to_voc
from detector.formats.yolo import to_yolo
from detector.tiling import Tiling
from detector.translation import _, noted

PHONE_SIZE = (350, 480)  # that a photo is fitted into on a phone

STEPS = (
    (noted("Decode"), "#0072b2"),
    (noted("Preprocess"), "#56b4e9"),
    (noted("Model server"), "#e69f00"),
    (noted("Post-process"), "#009e73"),
)


def show() -> None:
    """Detect in the chosen image and show what came; without an answer, the photo and why."""
    controls.from_address(config().labels)
    image = images.choose()
    if images.is_live():
        live.show()
        return
    loaded, tiling = prepare(image), controls.kept().tiles
    waiting: AbstractContextManager[object] = nullcontext()
    known = last_answer(image) or recorded_answer(image)
    if state.read(state.Visit).is_new and known is None:
        # What is drawn into it again takes the place of what is there: the figure the photo's.
        again = st.empty()
        with again.container():
            waiting = _photo_alone(image, loaded)
        place = again.container()
    else:  # emptied, it would take the controls away for a moment, and the focus with them
        place = st.container()
    with place:
        answer = answer_or_reason(image, loaded, tiling, waiting)
        if answer is not None and answer.recorded_on is not None:
            metrics.answers.labels("recorded").inc()  # once a run, not with each slider move
        if answer is None:
            _figure(
                _frame("figure", image, loaded), image, loaded, ssd.Detections.empty(), (), None
            )
            return
        tables.forget_pick_of_another(image)
        _explore(image, loaded, answer, tiling)


def _photo_alone(image: ImageFile, loaded: LoadedImage) -> DeltaGenerator:
    """The photo where the figure is going to be. Returns the place beside it, of the settings."""
    left, right = _columns()
    with left:
        _frame("photo", image, loaded)
    return right


def answer_or_reason(
    image: ImageFile,
    loaded: LoadedImage,
    tiling: Tiling,
    waiting: AbstractContextManager[object] | None = None,
) -> Answer | None:
    """The model server's answer. Where it gives none the page says why and tries again by itself;
    meanwhile the last answer that this session had for the image, the recorded one, or None. While
    the embedded server starts, nobody waits who has one of these.

    Args:
        tiling: of which tiles the model is asked too.
        waiting: where to say that the embedded server is still starting.
    """
    # Of its own: what is said here, or no longer, does not move what comes after it.
    with st.container():
        return _answer_or_reason(image, loaded, tiling, waiting or nullcontext())


def _answer_or_reason(
    image: ImageFile,
    loaded: LoadedImage,
    tiling: Tiling,
    waiting: AbstractContextManager[object],
) -> Answer | None:
    meanwhile = last_answer(image) or recorded_answer(image)
    if meanwhile is not None and is_starting() and not has_failed():
        _ask_when_started()
        return meanwhile
    try:
        with (
            waiting,
            st.spinner(_("Starting the model server…")) if is_starting() else nullcontext(),
        ):
            return answer_for(image, loaded, tiling)
    except ServingError as error:
        is_silent = isinstance(error, NO_ANSWER)
        instead = last_answer(image) or (recorded_answer(image) if is_silent else None)
        if is_silent and instead is not None:
            frame.show_beside(error)
        else:
            frame.show_error(error)
        frame.try_again()
        return instead


@st.fragment(run_every="0.5s")
def _ask_when_started() -> None:  # says nothing, so it needs no language
    if not is_starting() or has_failed():
        st.rerun()


def tell_standing_in(answer: Answer, wanted: Tiling) -> None:
    """That an answer is a recorded one, or one of other tiles than were wanted, where it is."""
    if not answer.file and answer.tiles != wanted.tiles(answer.size):
        st.caption(
            _(
                ":orange-badge[:material/grid_off: Other tiles] than chosen ({tiles}),"
                " until a model server answers.",
                tiles=_(tiles.WORDS[answer.as_asked(ssd.Settings(tiles=wanted)).tiles]),
            )
        )
    if answer.recorded_on is not None:
        st.caption(
            _(
                ":orange-badge[:material/history: Recorded] by {model} {version} on {date},"
                " until a model server answers.",
                model=frame.plain(answer.model.name),
                version=answer.model.version,
                date=answer.recorded_on,
            )
        )


@frame.fragment
def _explore(image: ImageFile, loaded: LoadedImage, answer: Answer, asked_with: Tiling) -> None:
    present.go_on()
    labels, names = config().labels, labels_shown()
    left, right = _columns()
    with left:
        place = _frame("figure", image, loaded)
        at_hand = st.container() if frame.is_phone() else None
    with right:
        asked = st.container()  # beside the image, above what moves it
        settings = controls.show_all(labels, score_at=at_hand)
    controls.ask_again_with(settings, asked_with)
    settings = answer.as_asked(settings)
    started = time.perf_counter()
    detections = answer.detections(settings)
    postprocess_s = time.perf_counter() - started
    truth = ground_truth.of_image(image, answer)
    candidates = asking.candidates_of(image, loaded, answer, settings)
    with left:
        _figure(place, image, loaded, detections, (settings,), truth if _shows_truth() else None)
        with place:
            asking.component("figure_frame", image, loaded, candidates)
            view = following.view(image, answer, settings)
            present.component("figure_frame", image, loaded, view)
            following.component("figure_frame", _sliders(settings), [view])
    with asked:
        asking.show(image, candidates, settings)
    with left:
        st.caption(f"{photo.summary(detections, names)} · {frame.plain(image.name)}")
        paper.settings(settings, names, f"{answer.model.name} {answer.model.version or '?'}")
        steps_s: list[float] = []
        if answer.recorded_on is None:
            steps_s = [*answer.timings_s.values(), postprocess_s]
            _timings(steps_s)
        tell_standing_in(answer, asked_with)  # on the lines of the times
        shown_truth = truth if _shows_truth() else None
        offer_report = partial(
            report.offer,
            *(image, loaded, answer, settings, candidates, shown_truth, times_in_words(steps_s)),
        )
        _hand_on(image, answer, settings, detections, offer_report, has_truth=truth is not None)
        why.show(image, loaded, answer, detections)
    with right:
        tables.by_class(detections, settings, names)
    tables.detections(image, loaded, answer, detections, settings, names)


def _sliders(settings: ssd.Settings) -> list[following.Slider]:
    """Those that the boxes follow."""
    return [
        following.Slider("score_threshold"),
        *(
            following.Slider(controls.own_threshold_frame(class_id), class_id=class_id)
            for class_id in settings.class_thresholds
        ),
    ]


def _columns() -> list[DeltaGenerator]:
    """The place of the figure, and that of the settings."""
    return st.columns([8, 5], gap="medium")


def _shows_truth() -> bool:
    # The switch is drawn below the figure: what it says is known before.
    if state.has_widget("true_boxes"):
        return bool(state.widget("true_boxes"))
    return st.query_params.get("true_boxes") == "true"


def _figure(
    place: DeltaGenerator,
    image: ImageFile,
    loaded: LoadedImage,
    detections: ssd.Detections,
    drawn_with: tuple[object, ...],
    truth: GroundTruth | None,
) -> None:
    """The chart. Its spec must not change for a click in it: a new spec resets the zoom.

    So the picked box is in the spec only when something else redrew the chart, or when the pick
    came from the table; Plotly itself shows the click.
    """
    labels = labels_shown()
    drawn = (image.digest, drawn_with, truth is None)
    figure_state = state.read(state.DetectFigure)
    if figure_state.drawn != drawn:
        pick = state.read(state.Pick).detection_id
        figure_state = state.update(state.DetectFigure, drawn=drawn, pick=pick)
    figure = photo.draw(
        photo_url(image, loaded),
        loaded.size,
        detections,
        labels,
        picked=figure_state.pick,
        truth=truth,
        revision=figure_state.revision,
        usual_size=PHONE_SIZE if frame.is_phone() else marks.USUAL_SIZE,
    )
    with place:
        st.plotly_chart(
            figure,
            key="figure",
            height="stretch",
            on_select=tables.pick_from_figure,
            selection_mode="points",
            config=photo.CONFIG,
            alt=photo.summary(detections, labels),
        )
        figure_hands("figure_frame")


def figure_place(key: str, url: str, size: tuple[int, int], name: str) -> DeltaGenerator:
    """The figure's place, as high as the photo needs at the column's width; style.css keeps it
    within the window, and shows the photo in it until the figure has drawn it.

    Args:
        url: of the photo.
        size: (width, height) of it.
        name: what it is called.
    """
    width, height = size
    st.html(f"<style>.st-key-{key}_frame{{--photo:{height / width:.4f}}}</style>")
    with st.container(key=f"{key}_column"):
        place = st.container(key=f"{key}_frame")
    with place, st.container(key=f"{key}_early"):
        st.html(f'<img src="{url}" alt="{html.escape(name)}">')
    return place


def _frame(key: str, image: ImageFile, loaded: LoadedImage) -> DeltaGenerator:
    return figure_place(key, photo_url(image, loaded), loaded.size, image.name)


def _timings(steps_s: list[float]) -> None:
    """Where the time went: all but the last as measured when the image was first read."""
    total_s = sum(steps_s)
    bar = "".join(
        f'<span style="width:{spent_s / total_s:.1%};background:{color}"></span>'
        for spent_s, (_name, color) in zip(steps_s, STEPS, strict=True)
    )
    *times, (total_name, total) = times_in_words(steps_s)
    texts = "".join(
        f'<span><i style="background:{color}"></i>{name} <b>{time}</b></span>'
        for (name, time), (_name, color) in zip(times, STEPS, strict=True)
    )
    with st.container(key="timings"):
        st.html(
            f'<div class="lens-bar">{bar}</div><div class="lens-times">{texts}'
            f"<span>{total_name} <b>{total}</b></span></div>"
        )


def times_in_words(steps_s: Sequence[float]) -> list[tuple[str, str]]:
    """Name and time of each step, and of all of them; nothing of none."""
    if not steps_s:
        return []
    times = [
        (_(name), f"{spent_s * 1000:.1f} ms")
        for spent_s, (name, _color) in zip(steps_s, STEPS, strict=True)
    ]
    return [*times, (_("Total"), f"{sum(steps_s) * 1000:.0f} ms")]


def _hand_on(
    image: ImageFile,
    answer: Answer,
    settings: ssd.Settings,
    detections: ssd.Detections,
    offer_report: Callable[[], None],
    *,
    has_truth: bool,
) -> None:
    """Exports and the report, built on the click, and the link to what one sees."""
    with st.container(horizontal=True, vertical_alignment="center"):
        # What is in a closed popover is not sent: a control has less to draw.
        export = st.popover(
            _("Export"), icon=":material/download:", key="export", on_change="rerun"
        )
        if export.open:
            with export:
                _exports(image, answer, settings, detections)
        png = partial(_drawn, image, detections, annotated_png)
        share.offer(f"{Path(image.name).stem}.png", image.digest, png)
        offer_report()
        frame.show_link("link", is_sample=images.is_sample(image))
        why.button(image, answer, detections)
        if has_truth:
            st.toggle(
                _("Ground truth"),
                key="true_boxes",
                bind="query-params",
                help=_("Draws what is really in the image over what was detected, dotted."),
            )
        st.page_link(
            "pages/5_Robustness.py",
            label=_("What if…?"),
            icon=":material/thunderstorm:",
            help=_("What if the photo were worse?"),
        )


def _exports(
    image: ImageFile, answer: Answer, settings: ssd.Settings, detections: ssd.Detections
) -> None:
    labels = config().labels
    stem = Path(image.name).stem
    detected = DetectedImage(
        image.name, answer.size, detections, answer.model.name, answer.model.version, settings
    )
    drawn = partial(partial, _drawn, image, detections)

    files = (
        (_("Annotated image (PNG)"), f"{stem}.png", "image/png", drawn(annotated_png)),
        (_("Annotated image (JPEG)"), f"{stem}.jpg", "image/jpeg", drawn(annotated_jpeg)),
        (_("Annotated image (WebP)"), f"{stem}.webp", "image/webp", drawn(annotated_webp)),
        (_("Table (CSV)"), f"{stem}.csv", "text/csv", lambda: to_csv([detected], labels)),
        ("JSON", f"{stem}.json", "application/json", lambda: to_json([detected], labels)),
        ("COCO JSON", f"{stem}.coco.json", "application/json",
         lambda: to_coco([detected], labels)),
        ("Pascal VOC XML", f"{stem}.xml", "application/xml",
         lambda: to_voc(detected, labels)),
        (_("YOLO text"), f"{stem}.txt", "text/plain", lambda: to_yolo(detected)),
        (_("Thresholds (JSON)"), "thresholds.json", "application/json",
         lambda: write_thresholds(settings, labels)),
    )  # fmt: skip
    frame.tell_lacking_letters(labels)
    for label, file_name, mime, build in files:
        if mime == "image/webp" and max(answer.size) > WEBP_SIDE:
            continue
        st.download_button(label, build, file_name, mime, on_click="ignore", width="stretch")


def _drawn(image: ImageFile, detections: ssd.Detections, encode: Callable[..., bytes]) -> bytes:
    """The image with its boxes, encoded."""
    labels, limits = config().labels, config().image_limits
    return decode(image.read(), limits, lambda decoded: encode(decoded, detections, labels))
