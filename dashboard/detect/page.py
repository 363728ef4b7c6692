"""The result of one picture: figure, tables, timings, exports. A knob redraws nothing else."""

import time
from contextlib import nullcontext
from pathlib import Path

import streamlit as st
from streamlit import runtime

from dashboard import controls, frame, image_sets
from dashboard.answers import (
    Answer,
    Picture,
    Prepared,
    answer_for,
    config,
    embedded,
    jpeg_uri,
    last_answer,
    prepare,
)
from dashboard.detect import tables
from detector import images, ssd
from detector.drawing import marks, photo
from detector.errors import ServingError
from detector.evaluation import operating_points
from detector.evaluation.ground_truth import GroundTruth
from detector.formats import exports

# What gathers within some ten milliseconds reaches the browser in one piece, and is drawn as one.
# The figure is what a visitor watches: this pause lets it be painted before the tables are drawn
# (from moving the slider to the painted figure 250 -> 200 ms, benchmarks/page.py).
FIGURE_FIRST_S = 0.06

PHONE_SIZE = (350, 480)  # that a photo is fitted into on a phone

STEPS = (
    ("Decode", "#0072b2"),
    ("Preprocess", "#56b4e9"),
    ("Model server", "#e69f00"),
    ("Post-process", "#009e73"),
)


def show(picture: Picture) -> None:
    """Detect in the picture and show what came; without an answer, the photo and what is wrong."""
    prepared = prepare(picture.digest, picture.data)
    answer = answered(picture, prepared)
    if answer is None:
        _figure(picture, prepared, ssd.Detections.empty(), (), None)
        return
    tables.forget_pick_of_another(picture)
    _explore(picture, prepared, answer)


def answered(picture: Picture, prepared: Prepared) -> Answer | None:
    """The model server's answer. Where it gives none the page says why and tries again by itself;
    meanwhile the last answer that this session had for the picture, or None."""
    server = embedded()
    starting = server is not None and server.state != "running"
    try:
        with st.spinner("Starting the model server…") if starting else nullcontext():
            return answer_for(picture, prepared)
    except ServingError as error:
        frame.show_error(error)
        frame.try_again()
        return last_answer(picture)


@st.fragment
def _explore(picture: Picture, prepared: Prepared, answer: Answer) -> None:
    labels = config().labels
    left, right = st.columns([8, 5], gap="medium")
    with right:
        settings = controls.settings(labels)
    started = time.perf_counter()
    detections = ssd.postprocess(answer.raw, settings, prepared.size)
    postprocess_ms = (time.perf_counter() - started) * 1000
    truth = image_sets.truth_of(picture, image_sets.of_answer(picture, prepared, answer))
    with left:
        _figure(picture, prepared, detections, (settings,), _shown_truth(truth))
        time.sleep(FIGURE_FIRST_S)
        st.caption(f"{photo.summary(detections, labels)} · {frame.plain(picture.name)}")
        _timings(prepared.decode_ms, prepared.preprocess_ms, answer.call_ms, postprocess_ms)
        _hand_on(picture, prepared, answer, settings, detections, truth)
    with right:
        tables.by_class(detections, settings, labels)
    tables.detections(picture, prepared, detections, labels)


def _is_phone() -> bool:
    return "Mobi" in st.context.headers.get("User-Agent", "")


def _shown_truth(truth: GroundTruth | None) -> GroundTruth | None:
    # The switch is drawn below the figure: what it said is known before.
    return truth if st.session_state.get("true_boxes") or _in_address("true_boxes") else None


def _in_address(name: str) -> bool:
    return name not in st.session_state and st.query_params.get(name) == "true"


def _figure(
    picture: Picture,
    prepared: Prepared,
    detections: ssd.Detections,
    drawn_with: tuple[object, ...],
    truth: GroundTruth | None,
) -> None:
    """The chart. Its spec must not change for a click in it: a new spec resets the zoom.

    So the picked box is in the spec only when something else redrew the chart, or when the pick
    came from the table; Plotly itself shows the click.
    """
    labels = config().labels
    state = (picture.digest, drawn_with, truth is None)
    if st.session_state.get("figure_state") != state:
        st.session_state["figure_state"] = state
        st.session_state["figure_pick"] = st.session_state.get("picked")
    figure = photo.draw(
        photo_url(picture, prepared),
        prepared.size,
        detections,
        labels,
        picked=st.session_state["figure_pick"],
        truth=truth,
        revision=st.session_state.setdefault("figure_revision", 0),
        usual_size=PHONE_SIZE if _is_phone() else marks.USUAL_SIZE,
    )
    width, height = prepared.size
    # As high as the photo needs at the column's width; style.css keeps it within the window.
    st.html(f"<style>.st-key-figure_frame{{--photo:{height / width:.4f}}}</style>")
    with st.container(key="figure_column"), st.container(key="figure_frame"):
        st.plotly_chart(
            figure,
            key="figure",
            height="stretch",
            on_select=tables.pick_from_figure,
            selection_mode="points",
            config=photo.CONFIG,
            alt=photo.summary(detections, labels),
        )


def photo_url(picture: Picture, prepared: Prepared) -> str:
    """Where the browser gets the photo: once, instead of with every change of the figure.

    Streamlit has no public call for this. Without its runtime, as in tests of the script alone, the
    photo goes into the figure.
    """
    if not runtime.exists():
        return jpeg_uri(prepared.display)
    try:
        files = runtime.get_instance().media_file_mgr
        url = files.add(prepared.display, "image/jpeg", f"photo-{picture.digest}")
    except (AttributeError, TypeError):  # another Streamlit than the one that was pinned
        return jpeg_uri(prepared.display)
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}{url}" if base else url


def _timings(*steps_ms: float) -> None:
    """Where the time went: all but the last as measured when the picture was first read."""
    total = sum(steps_ms)
    bar = "".join(
        f'<span style="width:{ms / total:.1%};background:{color}"></span>'
        for ms, (_, color) in zip(steps_ms, STEPS, strict=True)
    )
    texts = "".join(
        f'<span><i style="background:{color}"></i>{name} <b>{ms:.1f} ms</b></span>'
        for ms, (name, color) in zip(steps_ms, STEPS, strict=True)
    )
    with st.container(key="timings"):
        st.html(
            f'<div class="lens-bar">{bar}</div><div class="lens-times">{texts}'
            f"<span>Total <b>{total:.0f} ms</b></span></div>"
        )


def _hand_on(
    picture: Picture,
    prepared: Prepared,
    answer: Answer,
    settings: ssd.Settings,
    detections: ssd.Detections,
    truth: GroundTruth | None,
) -> None:
    """Exports, built on the click, and the link to what one sees."""
    labels = config().labels
    stem = Path(picture.name).stem
    detected = exports.DetectedImage(
        picture.name, prepared.size, detections, answer.model.name, answer.model.version, settings
    )
    files = (
        ("Annotated picture (PNG)", f"{stem}.png", "image/png",
         lambda: exports.annotated_png(
             images.read_image(picture.data, config().image_limits), detections, labels)),
        ("Table (CSV)", f"{stem}.csv", "text/csv", lambda: exports.to_csv([detected], labels)),
        ("JSON", f"{stem}.json", "application/json", lambda: exports.to_json([detected], labels)),
        ("COCO JSON", f"{stem}.coco.json", "application/json",
         lambda: exports.to_coco([detected], labels)),
        ("Pascal VOC XML", f"{stem}.xml", "application/xml",
         lambda: exports.to_voc(detected, labels)),
        ("YOLO text", f"{stem}.txt", "text/plain", lambda: exports.to_yolo(detected)),
        ("Thresholds (JSON)", "thresholds.json", "application/json",
         lambda: operating_points.write_thresholds(settings, labels)),
    )  # fmt: skip
    with st.container(horizontal=True):
        # What is in a closed popover is not sent: a knob has less to draw.
        export = st.popover("Export", icon=":material/download:", key="export", on_change="rerun")
        if export.open:
            for label, file_name, mime, build in files:
                export.download_button(
                    label, build, file_name, mime, on_click="ignore", width="stretch"
                )
        link = st.popover("Link", icon=":material/link:", key="link", on_change="rerun")
        if link.open:
            link.caption("Opens the same sample with the same settings; uploads are not in it.")
            link.code(frame.link(), language=None, wrap_lines=True)
        if truth is not None:
            st.toggle(
                "True boxes",
                key="true_boxes",
                bind="query-params",
                help="Draws what is really in the picture over what was found, dotted.",
            )
