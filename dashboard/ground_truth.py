"""Which ground truth belongs to which image: uploaded files, else what comes with the gallery."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard import frame, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.images import titles_by_digest
from detector.answers import Answer
from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, Problem
from detector.formats.annotations import read_ground_truth
from detector.formats.coco import read_coco
from detector.translation import _, plural


@dataclass(frozen=True)
class JudgedImage:
    """An image for which ground truth is looked up: by its name, and in the gallery by its digest.

    Attributes:
        size: (width, height) of the upright original, in pixels.
    """

    name: str
    digest: str
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class GroundTruthSet:
    """Ground truth by the name of its image, and what was wrong in the files.

    Attributes:
        key: the same for the same files and images.
        source: in words, where it comes from.
    """

    key: str
    source: str
    by_image: Mapping[str, GroundTruth]
    problems: tuple[Problem, ...] = ()


def choose() -> None:
    """Upload ground truth; what was uploaded stays after a page switch."""
    st.file_uploader(
        _("Ground truth: COCO JSON, Pascal VOC XML or YOLO text (with classes.txt)"),
        type=["json", "xml", "txt", "names"],
        accept_multiple_files=True,
        key="ground_truth",
        on_change=_keep,
    )
    files = state.read(state.GroundTruthFiles).files
    if files and not state.widget("ground_truth"):
        st.caption(_("Still in use: {names}", names=frame.plain(_listed(files))))
        st.button(
            _("Forget them"),
            icon=":material/delete:",
            type="tertiary",
            key="forget_truth",
            on_click=_forget,
        )


def _listed(files: Mapping[str, bytes]) -> str:
    if len(files) < 4:
        return ", ".join(files)
    return plural("{count} file", "{count} files", len(files))


@frame.callback
def _forget() -> None:
    state.write(state.GroundTruthFiles())


@frame.callback
def _keep() -> None:
    files = {file.name: file.getvalue() for file in state.widget("ground_truth")}
    state.write(state.GroundTruthFiles(files))


def of_images(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    """The ground truth of these images; None = there is none.

    Raises:
        GroundTruthError: nothing in the uploaded files can be used for these images.
    """
    files = state.read(state.GroundTruthFiles).files
    if not files:
        return of_gallery(images)
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return _from_files(digest.hexdigest(), images, files)


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _from_files(
    digest: str, images: tuple[JudgedImage, ...], _files: Mapping[str, bytes]
) -> GroundTruthSet:
    sizes = {image.name: image.size for image in images}
    read = read_ground_truth(_files, config().labels, sizes)
    names = _listed(_files)
    key = f"{digest} {hash(images)}"
    return GroundTruthSet(key, names, {t.file_name: t for t in read.images}, read.problems)


def of_gallery(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    """The ground truth that comes with the gallery, for those of the images that are in it."""
    known = titles_by_digest()
    sizes = tuple((image.name, image.size) for image in images if image.digest in known)
    return _from_gallery(sizes) if sizes else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _from_gallery(sizes: tuple[tuple[str, tuple[int, int]], ...]) -> GroundTruthSet | None:
    file = config().samples_path / "annotations.json"
    try:
        read = read_coco(file.read_bytes(), config().labels, dict(sizes))
    except GroundTruthError:
        return None
    names = " ".join(name for name, _size in sizes)
    by_image = {t.file_name: t for t in read.images}
    return GroundTruthSet(f"gallery {names}", _("the gallery's own"), by_image)


def of_image(image: ImageFile, answer: Answer) -> GroundTruth | None:
    """The ground truth of one image, where there is any that can be used."""
    try:
        found = of_images((JudgedImage(image.name, image.digest, answer.size),))
    except GroundTruthError:
        return None
    return found.by_image.get(image.name) if found else None
