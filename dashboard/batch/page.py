"""Many pictures: run them in the background, look through the results, hand them on."""

import html
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import controls, frame, images, state
from dashboard.answers import address, config, embedded, served
from dashboard.batch.job import Job
from dashboard.files import ImageFile
from dashboard.media import jpeg_uri
from detector import ssd
from detector.batch import manifest
from detector.batch.archives import sources_of
from detector.batch.run import Done, Source
from detector.drawing.annotate import annotated_png
from detector.drawing.colors import class_color, text_color
from detector.errors import ImageError
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.coco import to_coco, to_coco_results
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv
from detector.formats.voc import voc_zip
from detector.formats.yolo import yolo_zip
from detector.images import read_image

PAGE_SIZE = 24
POLL_S = 1.0
# Bad files that are told one by one.
MAX_TOLD = 200
# An annotated PNG has up to two bytes a pixel, and the ZIP of all is made in memory.
MAX_DRAWN_PIXELS = 300_000_000

KINDS = ("All", "Found", "Nothing", "Errors")
MOST_COUNTED = 50
NO_COUNTS = (0, MOST_COUNTED)
NO_SCORES = (0.0, 1.0)
ANY_CLASS = "Any class"


@dataclass(frozen=True, eq=False)
class View:
    """A picture that is done, as the knobs and the filter show it.

    Attributes:
        shown: all its boxes.
        count, best: of the boxes of the class that is looked for, else of all; best is 0 for none.
    """

    done: Done
    shown: ssd.Detections
    count: int
    best: float


ORDERS: dict[str, Callable[[View], Any]] = {
    "As given": lambda view: view.done.index,
    "Most objects": lambda view: -view.count,
    "Fewest objects": lambda view: view.count,
    "Best score, high first": lambda view: -view.best,
    "Best score, low first": lambda view: view.best,
    "Name": lambda view: view.done.name.casefold(),
}


def show() -> None:
    """The whole page."""
    _choose()
    job: Job | None = st.session_state.get("batch_job")
    if job is None:
        return
    # While it runs the results are drawn again every second; a fragment's timer is fixed when it is
    # made.
    polls = job.is_running
    st.fragment(_results, run_every=POLL_S if polls else None)(job, polls)


def _choose() -> None:
    """The pictures to run: files, ZIP files, or the gallery."""
    limit_mb = int(st.get_option("server.maxUploadSize"))
    is_new = "batch_job" not in st.session_state
    with st.container(key="batch_choice", horizontal=True, vertical_alignment="bottom"):
        files = st.file_uploader(
            "Pictures, hundreds if you like, or ZIP files of them",
            accept_multiple_files=True,
            max_upload_size=limit_mb,
            key="batch_upload",
        )
        if files:
            is_again = [file.file_id for file in files] == st.session_state.get("batch_files")
            count = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
            st.button(
                f"Run {count} again" if is_again else f"Run {count}",
                type="secondary" if is_again else "primary",
                icon=":material/play_arrow:",
                key="batch_run",
                on_click=_start,
                args=(files,),
            )
        st.button(
            "Run the gallery",
            type="primary" if is_new and not files else "secondary",
            icon=":material/photo_library:",
            key="batch_gallery_run",
            on_click=_start,
        )
    if is_new:
        st.caption(
            "Results appear while it runs. Then move the thresholds, sort and filter, open a "
            "picture in Detect, and export all: CSV, COCO, Pascal VOC, YOLO, annotated pictures."
            "\n\n"
            "Pictures go to this dashboard and its model server, and nowhere else. "
            "Folders and larger archives: `python -m detector predict FOLDER`."
        )
    if refused := st.session_state.get("batch_refused"):
        told = "  \n".join(frame.refused_line(state.RefusedFile(*file)) for file in refused)
        st.error(told, icon=":material/folder_off:")
    if st.session_state.pop("batch_go_on", False):
        server = embedded()
        starting = server is not None and server.state != "running"
        with st.spinner("Starting the model server…") if starting else nullcontext():
            where = address()
        job: Job = st.session_state["batch_job"]
        job.go_on(served(where), config())


def _start(files: Sequence[UploadedFile] = ()) -> None:
    """Callback: begin with these files, without any with the gallery."""
    sources: list[Source] = []
    refused = []
    limits = config().image_limits
    for file in files:
        try:
            # The uploader's own bytes: neither BytesIO nor a source copies them.
            sources += sources_of(file.name, file.getvalue(), limits)
        except ImageError as error:
            refused.append((file.name, str(error), error.hint))
    if not files:
        folder = config().samples_path
        sources = [
            Source(sample.file_name, (folder / sample.file_name).read_bytes)
            for sample in images.samples()
        ]
    st.session_state["batch_refused"] = refused
    st.session_state["batch_files"] = [file.file_id for file in files]
    if not sources:
        return
    _guard().hold(Job(sources))
    st.session_state["batch_job"] = _guard().job
    st.session_state["batch_go_on"] = True
    st.session_state["batch_page"] = 1


class _Guard:
    """Stops a session's job when another takes its place, and when the session ends."""

    def __init__(self) -> None:
        self.job: Job | None = None

    def hold(self, job: Job) -> None:
        self.release()
        self.job = job

    def release(self) -> None:
        if self.job is not None:
            self.job.stop()


@st.cache_resource(show_spinner=False, scope="session", max_entries=1, on_release=_Guard.release)
def _guard() -> _Guard:
    return _Guard()


def _results(job: Job, polls: bool) -> None:
    """Progress, gallery, summary and exports. A fragment: a knob or the timer redraws no more."""
    labels = config().labels
    is_running = job.is_running
    _progress(job, is_running)
    results = job.results
    _errors(results)
    with st.container(horizontal=True, vertical_alignment="bottom", key="batch_filter"):
        chosen = _choose_views(labels)
        export = st.popover(
            "Export all",
            icon=":material/download:",
            key="batch_export",
            on_change="rerun",
            # Each redraw makes the files' addresses anew, and the timer redraws every second.
            disabled=polls,
            help="When it is done or stopped." if polls else None,
        )
    left, right = st.columns([8, 5], gap="medium")
    with right:
        settings = controls.show_all(labels)
    shown = _postprocessed(results, settings)
    with left:
        _gallery(job, chosen.views(results, shown), has_any=bool(results), labels=labels)
    with right:
        _summary(results, shown, settings, labels)
    if export.open and results:
        with export:
            _hand_on(job, results, shown, settings, labels)
    if polls and not is_running:
        st.rerun()  # the timer has done its work


def _progress(job: Job, is_running: bool) -> None:
    total, count = len(job.sources), job.count
    with st.container(key="batch_progress", horizontal=True, vertical_alignment="center"):
        st.progress(count / total, _progress_text(job, is_running))
        if is_running:
            st.button(
                "Stopping…" if job.is_stopping else "Stop",
                icon=":material/stop_circle:",
                key="batch_stop",
                on_click=job.stop,
                disabled=job.is_stopping,
            )
        elif count < total and st.button(
            "Continue", type="primary", icon=":material/play_arrow:", key="batch_continue"
        ):
            st.session_state["batch_go_on"] = True
            st.rerun()
    if job.error is not None and not is_running:
        frame.show_error(job.error)


def _progress_text(job: Job, is_running: bool) -> str:
    total, count, rate = len(job.sources), job.count, job.rate
    parts = [f"**{count} of {total}** {'picture' if total == 1 else 'pictures'}"]
    if rate > 0:
        parts.append(f"{rate:.1f} a second")
    if is_running and rate > 0:
        parts.append(f"{_duration(math.ceil((total - count) / rate))} left")
    elif not is_running and count < total:
        parts.append("stopped")
    return " · ".join(parts)


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _postprocessed(results: Sequence[Done], settings: ssd.Settings) -> dict[int, ssd.Detections]:
    """The boxes of each picture by its index; those computed before are kept with the job."""
    key = (st.session_state["batch_job"].started, id(st.session_state["batch_job"]), settings)
    kept: dict[int, ssd.Detections]
    kept_key, kept = st.session_state.get("batch_shown", (None, {}))
    if kept_key != key:
        kept = {}
        st.session_state["batch_shown"] = (key, kept)
    for done in results:
        if done.index not in kept:
            if done.raw is None or done.size is None:
                kept[done.index] = ssd.Detections.empty()
            else:
                kept[done.index] = ssd.postprocess(done.raw, settings, done.size)
    return kept


def _errors(results: Sequence[Done]) -> None:
    """The files that could not be read, and why."""
    bad = [done for done in results if done.error is not None]
    if not bad:
        return
    rows = "".join(
        f'<tr><th scope="row">{html.escape(done.name)}</th><td>{html.escape(str(done.error))}</td>'
        for done in bad[:MAX_TOLD]
    )
    count = f"{len(bad)} {'file' if len(bad) == 1 else 'files'} could not be read"
    with st.expander(count, icon=":material/broken_image:", key="batch_errors"):
        st.html(f'<table class="lens-bad"><tbody>{rows}</tbody></table>')
        if len(bad) > MAX_TOLD:
            st.caption(f"… and {len(bad) - MAX_TOLD} more.")


def _gallery(job: Job, views: Sequence[View], has_any: bool, labels: Sequence[str]) -> None:
    if not views:
        if has_any:
            st.info("No picture passes the filter.", icon=":material/filter_alt_off:")
        return
    pages = math.ceil(len(views) / PAGE_SIZE)
    page = min(st.session_state.get("batch_page", 1), pages)
    first = (page - 1) * PAGE_SIZE
    with st.container(key="batch_gallery"):
        for view in views[first : first + PAGE_SIZE]:
            _card(job, view, labels)
    if pages > 1:
        st.session_state["batch_page"] = page
        with st.container(horizontal=True, vertical_alignment="center"):
            # As wide as there is room: of its content's width it would hide pages for good.
            st.pagination(pages, key="batch_page", width="stretch", persist_state="session")
            last = min(first + PAGE_SIZE, len(views))
            st.caption(f"{first + 1} to {last} of {len(views)} pictures")


@dataclass(frozen=True)
class _Filter:
    """Which pictures are looked at, and in which order.

    Attributes:
        kind: one of KINDS.
        class_id: None = any.
        counts, scores: the least and the most, of that class.
        order: one of ORDERS.
    """

    kind: str
    class_id: int | None
    counts: tuple[int, int]
    scores: tuple[float, float]
    order: str

    def views(self, results: Sequence[Done], shown: dict[int, ssd.Detections]) -> list[View]:
        """What passes, sorted."""
        views = [self._view(done, shown[done.index]) for done in results]
        order = ORDERS[self.order]
        return sorted(filter(self._passes, views), key=lambda view: (order(view), view.done.index))

    def _view(self, done: Done, found: ssd.Detections) -> View:
        mine = slice(None) if self.class_id is None else found.class_ids == self.class_id
        scores = found.scores[mine]
        return View(done, found, len(scores), float(scores.max()) if len(scores) else 0.0)

    def _passes(self, view: View) -> bool:
        if view.done.error is not None:
            whole = (None, NO_COUNTS, NO_SCORES)
            is_whole = (self.class_id, self.counts, self.scores) == whole
            return self.kind == "Errors" or (self.kind == "All" and is_whole)
        fits = {
            "All": self.class_id is None or view.count > 0,
            "Found": view.count > 0,
            "Nothing": view.count == 0,
            "Errors": False,
        }[self.kind]
        fewest, most = self.counts
        return (
            fits
            and fewest <= view.count
            and (view.count <= most or most == MOST_COUNTED)
            and self.scores[0] <= view.best <= self.scores[1]
        )


def _choose_views(labels: Sequence[str]) -> _Filter:
    # They outlast the look at a picture in Detect, as the page does.
    kind = st.segmented_control(
        "Show", KINDS, default=KINDS[0], required=True, key="batch_kind", on_change=_first_page,
        persist_state="session",
    )  # fmt: skip
    label = st.selectbox(
        "Class", [ANY_CLASS, *labels[1:]], key="batch_class", width=140, on_change=_first_page,
        persist_state="session",
    )  # fmt: skip
    order = st.selectbox(
        "Sort by", list(ORDERS), key="batch_order", width=190, on_change=_first_page,
        persist_state="session",
    )  # fmt: skip
    more = st.popover("More", icon=":material/filter_alt:", key="batch_more")
    counts = more.slider(
        "Objects", 0, MOST_COUNTED, NO_COUNTS, key="batch_counts", on_change=_first_page,
        help=f"How many it has, of that class where one is chosen; {MOST_COUNTED} is any more.",
        persist_state="session",
    )  # fmt: skip
    scores = more.slider(
        "Best score", 0.0, 1.0, NO_SCORES, 0.01, key="batch_scores", on_change=_first_page,
        help="The score of its best box, of that class where one is chosen.",
        persist_state="session",
    )  # fmt: skip
    class_id = None if label == ANY_CLASS else labels.index(label)
    return _Filter(kind, class_id, counts, scores, order)


def _first_page() -> None:
    st.session_state["batch_page"] = 1


def _card(job: Job, view: View, labels: Sequence[str]) -> None:
    """A small picture with its boxes; a click anywhere on it opens it in Detect."""
    done = view.done
    with st.container(key=f"card_{done.index}"):
        name = html.escape(done.name)
        if done.error is not None or done.size is None:
            st.html(
                f'<div class="lens-card bad"><div class="frame"><p>{html.escape(str(done.error))}'
                f'</p></div><b title="{name}">{name}</b><small>Could not be read</small></div>'
            )
            return
        st.html(
            f'<div class="lens-card"><div class="frame">{_shot(view, done.size)}</div>'
            f'<b title="{name}">{name}</b><small>{_counts(view.shown, labels)}</small></div>'
        )
        if st.button(f"Open {frame.plain(done.name)} in Detect", key=f"open_{done.index}"):
            images.open_in_detect(ImageFile.of(done.name, job.sources[done.index].read()))
            st.switch_page("app.py")


def _shot(view: View, size: tuple[int, int]) -> str:
    """The small picture with its boxes over it, as HTML."""
    width, height = size
    boxes = view.shown.boxes.astype(float) / (width, height, width, height) * 100
    drawn = "".join(
        f'<i style="left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;'
        f'height:{bottom - top:.2f}%;border-color:{class_color(class_id)}"></i>'
        for class_id, (left, top, right, bottom) in zip(
            view.shown.class_ids.tolist(), boxes, strict=True
        )
    )
    # The frame is 4:3: a wider picture fills its width, a higher one its height.
    side = "width" if width * 3 >= height * 4 else "height"
    assert isinstance(view.done.made, bytes)
    return (
        f'<div class="shot" style="aspect-ratio:{width}/{height};{side}:100%">'
        f'<img src="{jpeg_uri(view.done.made)}" alt="">{drawn}</div>'
    )


def _counts(shown: ssd.Detections, labels: Sequence[str]) -> str:
    """How many of each class, as chips in its colour."""
    if not len(shown):
        return "No objects"
    class_ids, counts = np.unique(shown.class_ids, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return "".join(
        f'<em style="background:{class_color(class_id)};color:{text_color(class_color(class_id))}">'
        f"{count} {html.escape(labels[class_id])}</em>"
        for class_id, count in zip(class_ids[order].tolist(), counts[order].tolist(), strict=True)
    )


def _summary(
    results: Sequence[Done],
    shown: dict[int, ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> None:
    """A row a class: in how many pictures, how many boxes, how sure."""
    found = [shown[done.index] for done in results]
    class_ids = np.concatenate([np.empty(0, np.int64), *(each.class_ids for each in found)])
    scores = np.concatenate([np.empty(0, np.float32), *(each.scores for each in found)])
    rows = ""
    for class_id, label in enumerate(labels[1:], start=1):
        mine = scores[class_ids == class_id]
        pictures = sum(bool((each.class_ids == class_id).any()) for each in found)
        best, mean = (f"{mine.max():.2f}", f"{mine.mean():.2f}") if len(mine) else ("–", "–")
        rows += (
            f'<tr{"" if len(mine) else " class=none"}><th scope="row">'
            f'<i style="background:{class_color(class_id)}"></i>{html.escape(label)}</th>'
            f"<td>{len(mine)}<td>{pictures}<td>{best}<td>{mean}"
            f"<td>{settings.threshold_of(class_id):.2f}</tr>"
        )
    with st.container(key="batch_summary"):
        st.html(
            '<table class="lens-classes"><thead><tr><th scope="col">Class<th scope="col">Boxes'
            '<th scope="col">Pictures<th scope="col">Best<th scope="col">Mean'
            f'<th scope="col">Threshold</tr></thead><tbody>{rows}</tbody></table>'
        )


def _hand_on(
    job: Job,
    results: Sequence[Done],
    shown: dict[int, ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> None:
    """Exports of all pictures that are done, as they are shown; built on the click."""
    good = [done for done in results if done.size is not None]
    found = [_detected(done, shown[done.index], settings) for done in good]
    pixels = sum(done.size[0] * done.size[1] for done in good if done.size is not None)
    files = (
        ("Table (CSV)", "detections.csv", "text/csv", lambda: to_csv(found, labels)),
        ("COCO JSON", "detections.coco.json", "application/json",
         lambda: to_coco(found, labels)),
        ("COCO results", "results.coco.json", "application/json",
         lambda: to_coco_results(found)),
        ("Pascal VOC (ZIP)", "pascal-voc.zip", "application/zip",
         lambda: voc_zip(found, labels)),
        ("YOLO (ZIP)", "yolo.zip", "application/zip", lambda: yolo_zip(found, labels)),
        ("Manifest (JSON)", "manifest.json", "application/json",
         lambda: manifest.to_manifest(_batch(job, results, found, settings, labels))),
        ("Annotated pictures (ZIP)", "pictures.zip", "application/zip",
         partial(_drawn, job, good, found, labels)),
    )  # fmt: skip
    for label, file_name, mime, build in files:
        is_too_much = file_name == "pictures.zip" and pixels > MAX_DRAWN_PIXELS
        st.download_button(
            label, build, file_name, mime, on_click="ignore", width="stretch", disabled=is_too_much,
            help="So many pixels are drawn by `python -m detector predict FOLDER --out …` only."
            if is_too_much else None,
        )  # fmt: skip
    if job.count < len(job.sources):
        st.caption(f"Of the {job.count} pictures that are done.")


def _detected(done: Done, found: ssd.Detections, settings: ssd.Settings) -> DetectedImage:
    assert done.size is not None
    assert done.model is not None
    return DetectedImage(done.name, done.size, found, done.model.name, done.model.version, settings)


def _batch(
    job: Job,
    results: Sequence[Done],
    found: Sequence[DetectedImage],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> manifest.Batch:
    left = iter(found)
    entries = tuple(
        manifest.Result(done.name, done.digest, next(left))
        if done.error is None
        else manifest.Result(done.name, done.digest, None, str(done.error), done.error.hint)
        for done in results
    )
    batch = manifest.Batch(config().model_name, tuple(labels), settings, started=job.started)
    return replace(batch, finished=job.finished, results=entries)


def _drawn(
    job: Job,
    good: Sequence[Done],
    found: Sequence[DetectedImage],
    labels: Sequence[str],
) -> bytes:
    """A ZIP of all pictures with their boxes."""
    limits = config().image_limits
    names = unique_stems(done.name for done in good)
    return to_zip(
        {
            f"{name}.png": annotated_png(
                read_image(job.sources[done.index].read(), limits), each.detections, labels
            )
            for name, done, each in zip(names, good, found, strict=True)
        }
    )
