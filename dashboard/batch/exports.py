"""A batch's results as files; each is built when it is clicked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from dashboard import frame
from dashboard.answers import config
from dashboard.batch.job import Job
from detector import ssd
from detector.answers import decode
from detector.batch import manifest
from detector.batch.run import Done, read_source
from detector.drawing.annotate import annotated_png
from detector.formats.bundle import to_zip, unique_stems
from detector.formats.coco import to_coco, to_coco_results
from detector.formats.detected import DetectedImage
from detector.formats.tables import to_csv
from detector.formats.voc import voc_zip
from detector.formats.yolo import yolo_zip
from detector.translation import _

# An annotated PNG has up to two bytes a pixel, and the ZIP of all is made in memory.
MAX_DRAWN_PIXELS = 300_000_000


def show(
    job: Job,
    results: Sequence[Done],
    detections: Mapping[int, ssd.Detections],
    settings: ssd.Settings,
    labels: Sequence[str],
) -> None:
    """Downloads of all images that are done, as they are shown."""
    good = [done for done in results if done.size is not None]
    found = [_detected(done, detections[done.index], settings) for done in good]
    pixels = sum(done.size[0] * done.size[1] for done in good if done.size is not None)
    files = (
        (_("Table (CSV)"), "detections.csv", "text/csv", lambda: to_csv(found, labels)),
        ("COCO JSON", "detections.coco.json", "application/json",
         lambda: to_coco(found, labels)),
        (_("COCO results"), "results.coco.json", "application/json",
         lambda: to_coco_results(found)),
        (_("Pascal VOC (ZIP)"), "pascal-voc.zip", "application/zip",
         lambda: voc_zip(found, labels)),
        (_("YOLO (ZIP)"), "yolo.zip", "application/zip", lambda: yolo_zip(found, labels)),
        (_("Manifest (JSON)"), "manifest.json", "application/json",
         lambda: manifest.to_manifest(_batch(job, results, found, settings, labels))),
        (_("Annotated images (ZIP)"), "images.zip", "application/zip",
         partial(_drawn, job, good, found, labels)),
    )  # fmt: skip
    frame.tell_lacking_letters(labels)
    for label, file_name, mime, build in files:
        is_too_much = file_name == "images.zip" and pixels > MAX_DRAWN_PIXELS
        st.download_button(
            label, build, file_name, mime, on_click="ignore", width="stretch", disabled=is_too_much,
            help=_("So many pixels are drawn by `python -m detector predict FOLDER --out …` only.")
            if is_too_much else None,
        )  # fmt: skip
    if job.count < len(job.sources):
        st.caption(_("Of the {count} images that are done.", count=job.count))


def _detected(done: Done, detections: ssd.Detections, settings: ssd.Settings) -> DetectedImage:
    assert done.size is not None
    assert done.model is not None
    return DetectedImage(
        done.name, done.size, detections, done.model.name, done.model.version, settings
    )


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
        else manifest.Result(done.name, done.digest, None, *done.error.in_english)
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
    """A ZIP of all images with their boxes."""

    def drawn(done: Done, detected: DetectedImage) -> bytes:
        return decode(
            read_source(job.sources[done.index]),
            config().image_limits,
            lambda image: annotated_png(image, detected.detections, labels),
        )

    stems = unique_stems(done.name for done in good)
    return to_zip(
        {
            f"{stem}.png": drawn(done, each)
            for stem, done, each in zip(stems, good, found, strict=True)
        }
    )
