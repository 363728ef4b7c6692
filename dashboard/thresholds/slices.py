"""The measures for parts of the objects: small ones, those at the edge, in dark images."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dashboard import cards, controls, frame, images, state
from dashboard.answers import config, labels_shown
from dashboard.media import boxes_html
from dashboard.thresholds import accuracy
from dashboard.thresholds.image_sets import AnsweredImage, Evaluated, ImageSet
from detector import ssd
from detector.drawing import charts
from detector.drawing.charts import SliceBar
from detector.errors import ImageError
from detector.evaluation import bootstrap, slices
from detector.evaluation.slices import BRIGHTNESS, Slice
from detector.images import encode_jpeg, read_thumbnail
from detector.report.document import Chart, Row, Section, Table, Text
from detector.translation import _, noted

FEW = 10  # objects: fewer, and a figure can be luck
PAGE_SIZE = 12
SHOT_SIDE = 320
MEASURES = {
    "average_precision": noted("AP"),
    "precision": noted("Precision"),
    "recall": noted("Recall"),
    "f1": noted("F1"),
}


@dataclass(frozen=True)
class SliceRow:
    """A slice with its measures.

    Attributes:
        objects: how many ground-truth boxes it has, of the chosen class.
        images: indices of the images that have one.
        values: by the names of MEASURES; NaN where there is nothing to measure.
        interval: of the chosen measure, 95 %.
    """

    name: str
    objects: int
    images: tuple[int, ...]
    values: Mapping[str, float]
    interval: tuple[float, float]


def show(counted: ImageSet, evaluated: Evaluated, settings: ssd.Settings) -> Section:
    """A choice of what divides the objects, a bar a slice, a table, and the images behind a bar.

    Returns what it says, for a report.
    """
    truth = evaluated.truth
    attributes = [truth.by_image[image.name].attributes for image in evaluated.images]
    left, right = st.columns(2, vertical_alignment="bottom")
    dimension = left.selectbox(
        _("Divide by"),
        slices.dimensions(attributes),
        key="slice_by",
        persist_state="session",
        format_func=_,
    )
    measure = right.segmented_control(
        _("Measure"),
        list(MEASURES),
        default="average_precision",
        required=True,
        key="slice_measure",
        persist_state="session",
        format_func=lambda name: _(MEASURES[name]),
    )
    sizes = [image.size for image in evaluated.images]
    brightness = []
    if dimension == BRIGHTNESS:
        brightness = [_brightness(image.digest, image) for image in evaluated.images]
    parts = slices.slices_by(dimension, evaluated.matches, sizes, attributes, brightness)
    nms = (settings.iou_threshold, settings.class_agnostic)
    key = (counted.key, truth.key, *nms, accuracy.match_iou(), dimension)
    rows = [_row(key, part, evaluated, settings, measure) for part in parts]
    bars = [SliceBar(_(row.name), row.objects, row.values[measure], row.interval) for row in rows]
    figure, alt = (
        charts.slices(bars, _(MEASURES[measure]), FEW),
        _("A bar a slice, with the 95 % interval of its measure."),
    )
    chart: Any = st.plotly_chart(
        figure,
        key="slices",
        on_select="rerun",
        selection_mode="points",
        config=charts.CONFIG,
        alt=alt,
    )
    table, note = _as_table(rows), _few(rows)
    st.html(_html(table))
    if note:
        st.caption(note)
    _images_behind(chart["selection"]["points"], rows, evaluated, settings)
    said = Chart(_("{measure} by slice", measure=_(MEASURES[measure])), figure, alt)
    notes = [Text(frame.unmarked(note), is_note=True)] if note else []
    return Section(_("Slices: {dimension}", dimension=_(dimension)), [said, table, *notes])


def _images_behind(
    points: Sequence[Any], rows: Sequence[SliceRow], evaluated: Evaluated, settings: ssd.Settings
) -> None:
    """The images of the slice whose bar was clicked."""
    if not points:
        st.caption(_(":gray[Click a bar to see the images of its slice.]"))
        return
    row = rows[int(points[0]["customdata"][0])]
    st.markdown(f"**{frame.plain(_(row.name))}**")
    if not row.images:
        st.caption(_("None."))
        return
    cards.pages(
        "slice_page", row.images, PAGE_SIZE, lambda at: _card(at, evaluated.images[at], settings)
    )


def _row(
    key: tuple[str | float, ...],
    part: Slice,
    evaluated: Evaluated,
    settings: ssd.Settings,
    measure: str,
) -> SliceRow:
    """The slice's measures, of the chosen class or over all."""
    judged = part.judge(evaluated.matches)
    chosen = controls.chosen_class(config().labels)
    truths = judged.comparison.truths
    there = ~truths.ignored & ((truths.class_ids == chosen) | (not chosen))
    count = len(evaluated.images)

    def of(name: str, weights: bootstrap.Weights) -> bootstrap.Floats:
        if name == "average_precision":
            classes = [chosen] if chosen else range(1, len(config().labels))
            ap = [bootstrap.average_precision(judged, c, weights) for c in classes]
            return bootstrap.mean_without_nan(np.stack(ap, axis=1))
        of_classes, overall = bootstrap.rates(judged, settings, weights)
        return of_classes[name][:, chosen] if chosen else overall[name]

    def interval() -> tuple[float, float]:
        return bootstrap.interval(of(measure, bootstrap.resamples(count)))

    return SliceRow(
        part.name,
        int(there.sum()),
        tuple(np.unique(truths.images[there]).tolist()),
        {name: float(of(name, bootstrap.resamples(count, 0))[0]) for name in MEASURES},
        # Average precision takes a while, and no threshold changes it.
        _kept((*key, part.name, chosen), interval)
        if measure == "average_precision"
        else interval(),
    )


@st.cache_data(show_spinner=False, scope="session", max_entries=200)
def _kept(
    key: tuple[str | float, ...], _interval: Callable[[], tuple[float, float]]
) -> tuple[float, float]:
    return _interval()


def _as_table(rows: Sequence[SliceRow]) -> Table:
    """What each slice rests on, and all its measures."""
    columns = (_("Slice"), _("Objects"), _("Images"), *(_(name) for name in MEASURES.values()))
    return Table(
        columns,
        [
            Row(
                (
                    _(row.name),
                    f"{row.objects}{' *' if row.objects < FEW else ''}",
                    str(len(row.images)),
                    *("–" if np.isnan(value) else f"{value:.3f}" for value in row.values.values()),
                )
            )
            for row in rows
        ],
    )


def _html(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    body = ""
    for row in table.rows:
        name, *cells = (html.escape(cell) for cell in row.cells)
        values = "".join(f"<td>{cell}</td>" for cell in cells)
        body += f'<tr><th scope="row">{name}</th>{values}</tr>'
    return (
        f'<table class="lens-classes lens-slices"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _few(rows: Sequence[SliceRow]) -> str:
    """What the mark in the table means, in Markdown; "" where there is none."""
    if all(row.objects >= FEW for row in rows):
        return ""
    return _("\\* Fewer than {count} objects: one more or less moves the figures much.", count=FEW)


def _card(place: int, image: AnsweredImage, settings: ssd.Settings) -> None:
    labels = labels_shown()
    try:
        detections = ssd.postprocess(image.raw, settings, image.size)
        shot = cards.shot(
            _shot(image.digest, image), image.size, boxes_html(detections, image.size, labels)
        )
    except ImageError as error:
        shot = f"<p>{html.escape(str(error))}</p>"
    cards.card(
        f"slice_{place}",  # an image may be there twice, under two names
        shot,
        image.name,
        "",
        _("Look at {name}", name=frame.plain(image.name)),
        _look_at,
        (image,),
    )


@st.cache_data(show_spinner=False, scope="session", max_entries=96)
def _shot(digest: str, _image: AnsweredImage) -> bytes:
    return encode_jpeg(read_thumbnail(_image.read(), SHOT_SIDE, config().image_limits), SHOT_SIDE)


@st.cache_data(show_spinner=False, scope="session", max_entries=2000)
def _brightness(digest: str, _image: AnsweredImage) -> float:
    """The mean of the image's pixels, 0..255; NaN where it cannot be read any more."""
    try:
        pixels = read_thumbnail(_image.read(), SHOT_SIDE, config().image_limits)
    except ImageError:
        return float("nan")
    return float(np.asarray(Image.fromarray(pixels).convert("L")).mean())


@frame.callback
def _look_at(image: AnsweredImage) -> None:
    """Callback: show that image."""
    images.look_at(image.file())
    state.update(state.ListedBoxes, look=True, looks=state.read(state.ListedBoxes).looks + 1)
