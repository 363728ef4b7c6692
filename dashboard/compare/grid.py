"""Several pictures next to each other under the same settings, and what they differ in by class."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import answers, controls, frame, images
from dashboard.answers import Picture, Prepared, config, prepare
from dashboard.detect.page import photo_url
from detector import ssd
from detector.drawing import photo
from detector.drawing.colors import class_color, text_color
from detector.drawing.marks import label_places, label_texts
from detector.errors import ImageError

KNOBS = ("score_all", "iou_all", "agnostic_all")
FEWEST, MOST = 2, 12
# (width, height) that a picture of the grid is fitted into: its row is some 230 high.
_USUAL_SIZE = (10**6, 230)
# What the page opens with; another gallery opens with its first ones.
OPENS_WITH = ("electronics_flatlay.jpg", "outfit_flatlay.jpg", "workplace_wide.jpg")


def show() -> None:
    """The choice of pictures, one set of knobs, the grid, and the table of differences."""
    pictures = _chosen()
    settings = _knobs()
    shown = [(name, _asked(picture, settings)) for name, picture in pictures.items()]
    if len(shown) < FEWEST:
        st.info(
            f"Pick {FEWEST} to {MOST} pictures to compare.", icon=":material/add_photo_alternate:"
        )
    if shown:
        _grid(shown, [pictures[name] for name, _ in shown])
        _table(shown)


def _chosen() -> dict[str, Picture]:
    """The chosen pictures by their names."""
    there = _available()
    samples = images.samples()
    first = [sample.title for sample in samples if sample.file_name in OPENS_WITH]
    kept = [name for name in st.session_state.get("kept_pictures", ()) if name in there]
    if "pictures" in st.session_state:  # one may have been removed on another page
        names = [name for name in st.session_state["pictures"] if name in there]
        if names != st.session_state["pictures"]:
            st.session_state["pictures"] = names
    elif kept and "pictures" not in st.query_params:
        st.session_state["pictures"] = kept
    with st.popover("Add pictures", icon=":material/add_photo_alternate:", key="add"):
        # The browser asks for the camera as soon as its picture is there.
        source = st.segmented_control("From", ("Files", "Camera"), default="Files", required=True)
        if source == "Files":
            st.file_uploader(
                "Files",
                accept_multiple_files=True,
                max_upload_size=config().max_upload_mb,
                key="compare_upload",
                on_change=_add_files,
                label_visibility="collapsed",
            )
        else:
            images.camera("compare_camera", 400, _add_photo)
    chosen = st.multiselect(
        "Pictures",
        list(there),
        default=first or [sample.title for sample in samples[:3]],
        max_selections=MOST,
        key="pictures",
        bind="query-params",
        placeholder=f"{FEWEST} to {MOST} pictures",
    )
    for told in st.session_state.get("compare_refused", ()):
        st.error(frame.refused(*told), icon=":material/broken_image:")
    left_out = [
        name
        for name in st.session_state.get("compare_left_out", ())
        if name in there and name not in chosen
    ]
    if left_out:
        st.warning(
            f"No more than {MOST} pictures fit here. Left out: "
            f"{', '.join(map(frame.plain, left_out))}. Take others out to choose them.",
            icon=":material/filter_none:",
        )
    st.session_state["kept_pictures"] = chosen
    return {name: there[name] for name in chosen}


def _available() -> dict[str, Picture]:
    """All pictures by name: the gallery's by their titles, then uploads, then the photo."""
    found = {sample.title: images.sample_picture(sample.file_name) for sample in images.samples()}
    uploads: dict[str, Picture] = st.session_state.get("uploads", {})
    for name, picture in uploads.items():
        found[f"{name} (upload)" if name in found else name] = picture
    if "photo" in st.session_state:
        found["Camera"] = st.session_state["photo"]
    return found


def _add_files() -> None:
    """Files come to the uploads that Detect has too; what can't be read is named."""
    uploads: dict[str, Picture] = st.session_state.setdefault("uploads", {})
    known = {picture.digest for picture in uploads.values()}
    refused, added = [], []
    for file in st.session_state["compare_upload"]:
        picture = Picture(file.name, file.getvalue())
        if picture.digest in known:
            continue
        try:
            if len(uploads) >= images.MAX_PICTURES:
                raise ImageError(
                    f"There are already {images.MAX_PICTURES} pictures.", "Remove one on Detect."
                )
            prepare(picture.digest, picture.data)
        except ImageError as error:
            refused.append((file.name, str(error), error.hint))
            continue
        name, number = file.name, 2
        while name in uploads:
            name, number = f"{file.name} ({number})", number + 1
        uploads[name] = picture
        added.append(name)
    st.session_state["compare_refused"] = refused
    _choose_too(added)


def _add_photo() -> None:
    taken = st.session_state["compare_camera"]
    if taken is not None:
        st.session_state["photo"] = Picture("camera.jpg", taken.getvalue())
        _choose_too(["Camera"])


def _choose_too(names: Sequence[str]) -> None:
    chosen = st.session_state["pictures"]
    wanted = [*chosen, *(n for n in names if n not in chosen)]
    st.session_state["pictures"] = wanted[:MOST]
    st.session_state["compare_left_out"] = wanted[MOST:]


def _knobs() -> ssd.Settings:
    """One set for all pictures."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="all_knobs"):
        score = controls.slider(
            "Score threshold", "score_all", controls.DEFAULTS.score_threshold, controls.SCORE_HELP
        )
        iou = controls.slider(
            "IoU threshold", "iou_all", controls.DEFAULTS.iou_threshold, controls.IOU_HELP
        )
        agnostic = st.toggle(
            "Class-agnostic NMS",
            key="agnostic_all",
            bind="query-params",
            help=controls.AGNOSTIC_HELP,
        )
    return ssd.Settings(score_threshold=score, iou_threshold=iou, class_agnostic=agnostic)


def _asked(picture: Picture, settings: ssd.Settings) -> tuple[Prepared, ssd.Detections]:
    """The picture's detections; the server is asked once a picture. Raises ServingError."""
    prepared = prepare(picture.digest, picture.data)
    known = config()
    answer = answers.answer_by(
        picture,
        prepared,
        answers.address(),
        known.model_name,
        known.model_version,
        known.version_label,
    )
    return prepared, ssd.postprocess(answer.raw, settings, prepared.size)


def _grid(
    shown: Sequence[tuple[str, tuple[Prepared, ssd.Detections]]], pictures: Sequence[Picture]
) -> None:
    """The annotated pictures. HTML: twelve charts would take the browser a second to draw."""
    labels = config().labels
    cells = []
    for picture, (name, (prepared, found)) in zip(pictures, shown, strict=True):
        width, height = prepared.size
        summary = photo.summary(found, labels)
        cells.append(
            f'<figure style="--aspect:{width / height:.4f}"><div class="shot">'
            f'<img src="{photo_url(picture, prepared)}" alt="{html.escape(f"{name}: {summary}")}">'
            f"{_boxes(found, prepared.size, labels)}</div>"
            f"<figcaption><b>{html.escape(name)}</b><br>{html.escape(summary)}</figcaption></figure>"
        )
    with st.container(key="grid"):
        st.html(f'<div class="lens-grid">{"".join(cells)}</div>')


def _boxes(found: ssd.Detections, size: tuple[int, int], labels: Sequence[str]) -> str:
    """Boxes in percent of the picture, worse scored ones below better ones."""
    width, height = size
    texts = label_texts(found, labels)
    places = label_places(found.boxes, texts, size, usual_size=_USUAL_SIZE)
    parts = []
    for index in reversed(range(len(found))):
        xmin, ymin, xmax, ymax = (float(value) for value in found.boxes[index])
        color, text = class_color(int(found.class_ids[index])), html.escape(texts[index])
        parts.append(
            f'<div class="box" style="left:{100 * xmin / width:.2f}%;top:{100 * ymin / height:.2f}%'
            f";width:{100 * (xmax - xmin) / width:.2f}%;height:{100 * (ymax - ymin) / height:.2f}%"
            f';border-color:{color}" title="{text}"></div>'
        )
        if (place := places[index]) is not None:
            x, y, leftward = place
            parts.append(
                f'<span style="left:{100 * x / width:.2f}%;background:{color};'
                f"color:{text_color(color)};"
                f"top:clamp(0.7em, {100 * y / height:.2f}%, 100% - 0.7em);"
                f'transform:translate({-100 if leftward else 0}%,-50%)">{text}</span>'
            )
    return "".join(parts)


def _table(shown: Sequence[tuple[str, tuple[Prepared, ssd.Detections]]]) -> None:
    """Boxes a class in each picture, and how many more or fewer than in the first one."""
    labels = config().labels
    counts = np.array(
        [np.bincount(found.class_ids, minlength=len(labels)) for _, (_, found) in shown]
    )
    heads = "".join(
        f'<th scope="col"><img src="{prepared.thumbnail}" alt=""><span>{html.escape(name)}</span>'
        for name, (prepared, _) in shown
    )
    rows = []
    for class_id in range(1, len(labels)):
        own, label = counts[:, class_id].tolist(), html.escape(labels[class_id])
        rows.append(
            f'<tr{"" if any(own) else " class=none"}><th scope="row">'
            f'<i style="background:{class_color(class_id)}"></i>{label}</th>'
            f"{_cells(own)}</tr>"
        )
    totals = counts[:, 1:].sum(axis=1).tolist()
    rows.append(f'<tr class="total"><th scope="row">All classes</th>{_cells(totals)}</tr>')
    with st.container(key="by_picture"):
        st.html(
            '<div class="lens-wide"><table class="lens-classes lens-pictures"'
            f' style="min-width:{7 + 5 * len(shown)}rem"><thead><tr>'
            f'<th scope="col">Class{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        )
    st.caption("Boxes a class; the small number is the difference from the first picture.")


def _cells(counts: Sequence[int]) -> str:
    first = counts[0]
    return "".join(
        f"<td>{count}<small>{f'{count - first:+d}' if count != first else ''}</small></td>"
        for count in counts
    )
