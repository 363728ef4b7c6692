"""Which ground truth belongs to which image: what was mended, else uploaded files, else what comes
with the gallery."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import frame, state
from dashboard.answers import config
from dashboard.files import ImageFile
from dashboard.images import titles_by_digest
from dashboard.media import prepare
from detector.answers import Answer
from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, Problem
from detector.evaluation.mending import digest_of
from detector.formats.annotations import read_ground_truth
from detector.formats.class_mapping import (
    ClassMapping,
    agreed,
    has_class_mapping,
    read_class_mapping,
)
from detector.formats.coco import read_coco
from detector.formats.packed import SUFFIXES, is_zip, unpacked
from detector.translation import _, language, plural


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
        key: the same for the same files, images and class names.
        source: in words, where it comes from.
        not_counted: images that the files speak of, but not in a way that was understood.
        foreign: names of classes in the files that are no labels of the model.
    """

    key: str
    source: str
    by_image: Mapping[str, GroundTruth]
    problems: tuple[Problem, ...] = ()
    not_counted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def choose() -> None:
    """Upload ground truth; what was uploaded stays after a page switch."""
    st.file_uploader(
        _("Ground truth: COCO, Pascal VOC, YOLO, CVAT, labelme, Label Studio, or a ZIP file of it"),
        type=[suffix.removeprefix(".") for suffix in (*sorted(SUFFIXES), ".zip")],
        accept_multiple_files=True,
        key="ground_truth",
        on_change=_keep,
        help=_(
            "YOLO texts need the list of their class names beside them: classes.txt, data.yaml or "
            "the like. Images in a ZIP file are passed over."
        ),
    )
    kept = state.read(state.GroundTruthFiles)
    if kept.files and not state.widget("ground_truth"):
        st.caption(_("Still in use: {names}", names=frame.plain(_listed(kept.files))))
        st.button(
            _("Forget them"),
            icon=":material/delete:",
            type="tertiary",
            key="forget_truth",
            on_click=_forget,
        )


def _listed(files: Sequence[tuple[str, bytes]]) -> str:
    names = list(dict.fromkeys(_uploaded_as(name) for name, _data in files))
    return (
        ", ".join(names) if len(names) < 4 else plural("{count} file", "{count} files", len(files))
    )


def _uploaded_as(name: str) -> str:
    """The name of an upload: of what is in a ZIP file, the ZIP file's."""
    return name.split("/", 1)[0]


@frame.callback
def _forget() -> None:
    state.update(state.GroundTruthFiles, files=())


@frame.callback
def _keep() -> None:
    """Copy what is in the uploader; class-names.json says what names in the others mean."""
    files: list[tuple[str, bytes]] = []
    mappings: list[tuple[str, ClassMapping]] = []
    with_mapping: list[tuple[str, bytes]] = []
    for file in state.widget("ground_truth"):
        data = file.getvalue()
        try:
            if is_zip(file.name, data):  # its images, which are most of it, need not be kept
                files += unpacked(file.name, data)
            elif has_class_mapping(data):
                mappings.append((file.name, read_class_mapping(data, config().labels)))
                with_mapping.append((file.name, data))
            else:
                files.append((file.name, data))
        except GroundTruthError:  # it is named with what else is wrong in the files
            files.append((file.name, data))
    found, contradictions = agreed(mappings)
    if contradictions:  # they are named where the others' faults are
        files += with_mapping
    class_names = {**state.read(state.GroundTruthFiles).class_names, **found}
    state.write(state.GroundTruthFiles(tuple(files), class_names))


def of_images(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    """The ground truth of these images, mended where it was; None = there is none.

    Raises:
        GroundTruthError: nothing in the uploaded files can be used for these images.
    """
    return _mended(_of_files(images), images)


def _of_files(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    kept = state.read(state.GroundTruthFiles)
    if not kept.files:
        return _of_gallery(images)
    return _from_files(kept.digest, images, language.get(), kept)


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _from_files(
    digest: str, images: tuple[JudgedImage, ...], spoken: str, _kept: state.GroundTruthFiles
) -> GroundTruthSet:
    sizes = {image.name: image.size for image in images}
    read = read_ground_truth(_kept.files, config().labels, sizes, _kept.class_names)
    # A second image of a file name is "a.jpg (2)" here: which of the two is meant is not known.
    doubtful = {truth.file_name for truth in read.images if f"{truth.file_name} (2)" in sizes}
    problems = read.problems
    if doubtful:
        message = _("{image}: does not count, for two images have this name", image=min(doubtful))
        problems = (*problems, Problem("two images", message, len(doubtful) - 1))
    return GroundTruthSet(
        f"{digest} {hash(images)}",
        _listed(_kept.files),
        {t.file_name: t for t in read.images if t.file_name not in doubtful},
        problems,
        (*read.not_counted, *sorted(doubtful)),
        read.foreign,
    )


def of_gallery(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    """The ground truth that comes with the gallery, for those of the images that are in it; mended
    where it was."""
    return _mended(_of_gallery(images), images)


def _of_gallery(images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    known = titles_by_digest()
    sizes = tuple((image.name, image.size) for image in images if image.digest in known)
    return _from_gallery(sizes, language.get()) if sizes else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _from_gallery(
    sizes: tuple[tuple[str, tuple[int, int]], ...], spoken: str
) -> GroundTruthSet | None:
    file = config().samples_path / "annotations.json"
    try:
        read = read_coco(file.read_bytes(), config().labels, dict(sizes))
    except GroundTruthError:
        return None
    names = " ".join(name for name, _size in sizes)
    by_image = {t.file_name: t for t in read.images}
    return GroundTruthSet(f"gallery {names}", _("the gallery's own"), by_image)


def _mended(found: GroundTruthSet | None, images: tuple[JudgedImage, ...]) -> GroundTruthSet | None:
    """The same with what was mended in place of what the files say."""
    of_digest = state.read(state.Mendings).truths
    mended = {
        image.name: replace(of_digest[image.digest], file_name=image.name)
        for image in images
        if image.digest in of_digest
    }
    if not mended:
        return found
    key = " ".join(["mended", *map(digest_of, mended.values())])
    if found is None:
        return GroundTruthSet(key, _("mended by hand"), mended)
    return replace(
        found,
        key=f"{found.key} {key}",
        source=_("{source}, mended by hand", source=found.source),
        by_image={**found.by_image, **mended},
        not_counted=tuple(name for name in found.not_counted if name not in mended),
    )


def of_image(image: ImageFile, answer: Answer) -> GroundTruth | None:
    """The ground truth of one image, where there is any that can be used."""
    judged = JudgedImage(image.name, image.digest, answer.size)
    try:
        found = of_images(company(judged))
    except GroundTruthError:
        found = _mended(None, (judged,))
    return found.by_image.get(image.name) if found else None


def company(image: JudgedImage, alternatives: Iterable[ImageFile] = ()) -> tuple[JudgedImage, ...]:
    """An image, and those that uploaded files may be about in its place: a.jpg beside A.jpg."""
    if not state.read(state.GroundTruthFiles).files:
        return (image,)
    many = state.read(state.ImageSets).many
    if many is not None and image in many.judged_with:
        return tuple(many.judged_with)
    uploads = state.read(state.Uploads).files
    others = {**uploads, **{other.name: other for other in alternatives}}
    others.pop(image.name, None)
    beside = (JudgedImage(name, own.digest, prepare(own).size) for name, own in others.items())
    return (*beside, image)


def tell_unread(truths: Iterable[GroundTruth], not_counted: int = 0) -> list[str]:
    """Say beside a measure what of the ground truth it leaves out, if anything. Returns the same.

    Args: as of `unread_in_words`.
    """
    told = unread_in_words(truths, not_counted)
    if told:
        st.caption(f":material/rule: {' '.join(told)}")
    return told


def unread_in_words(truths: Iterable[GroundTruth], not_counted: int = 0) -> list[str]:
    """What of the ground truth a measure leaves out.

    Args:
        truths: what the measure is about.
        not_counted: images of which the ground truth was not understood.
    """
    unread = sum(truth.unread for truth in truths)
    told = []
    if unread:
        told.append(
            plural(
                "{count} entry of the ground truth was not understood: what is found there is "
                "neither right nor wrong.",
                "{count} entries of the ground truth were not understood: what is found there is "
                "neither right nor wrong.",
                unread,
            )
        )
    if not_counted:
        told.append(
            plural(
                "{count} image does not count, for its ground truth was not understood.",
                "{count} images do not count, for their ground truth was not understood.",
                not_counted,
            )
        )
    return told
