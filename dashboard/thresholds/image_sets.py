"""The images that the page counts over, and what is computed of them once.

An image is asked once and keeps only what post-processing reads; NMS is done again when its
settings move, matching when the ground truth or the IoU that counts as correct does. A score
threshold is a filter over what is here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import controls, frame, results, state
from dashboard.answers import (
    NO_ANSWER,
    address,
    config,
    has_failed,
    is_starting,
    recorded_answer,
    served,
    served_version,
    stored_answers,
)
from dashboard.files import ImageFile
from dashboard.ground_truth import GroundTruthSet, JudgedImage
from detector import ssd
from detector.answers import Answer
from detector.batch import archives
from detector.batch.run import Source, read_source, run
from detector.drawing import charts
from detector.errors import ImageError, LensError, ResultsError
from detector.evaluation import matching
from detector.evaluation.curves import (
    Curve,
    average_precision,
    count_detections,
    curve,
    mean_without_nan,
)
from detector.formats.results import Joined
from detector.translation import _, plural

MAX_SETS = 4
# A set of fewer images is there before a progress bar could be read.
SHOW_PROGRESS_FROM = 6
# Bad files that are told one by one.
MAX_TOLD = 5


@dataclass(frozen=True, eq=False)
class AnsweredImage:
    """An image with the model's answer."""

    name: str
    digest: str
    size: tuple[int, int]
    raw: ssd.RawPrediction = field(repr=False)
    read: Callable[[], bytes] = field(repr=False)

    def file(self) -> ImageFile:
        """To look at it."""
        return ImageFile.of(self.name, self.read())

    @property
    def judged(self) -> JudgedImage:
        return JudgedImage(self.name, self.digest, self.size)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their answers.

    Attributes:
        key: the same for the same images and model.
        images: in the order in which they were given; names are unique.
        refused: (name, error) of each that could not be used.
        judged_with: the images that ground-truth files are about; these and maybe others.
        recorded: one of the answers, where these are recorded ones.
        joined: where the answers are a file's, what was not used of it.
    """

    key: str
    images: tuple[AnsweredImage, ...]
    refused: tuple[tuple[str, LensError], ...] = ()
    judged_with: tuple[JudgedImage, ...] = ()
    recorded: Answer | None = None
    joined: Joined | None = None


def of_answer(
    image: ImageFile, answer: Answer, judged_with: tuple[JudgedImage, ...] = ()
) -> ImageSet:
    """The set of one image whose answer is there."""
    model = answer.model
    only = AnsweredImage(image.name, image.digest, answer.size, answer.raw, image.read)
    by = results.key_of(answer.file) if answer.file else f"{model.name} {model.version}"
    key = f"{image.name} {image.digest} {by} {len(answer.tiles)}"
    return ImageSet(key, (only,), judged_with=judged_with or (only.judged,))


def of_images(images: Sequence[ImageFile]) -> ImageSet:
    """The set of these images, by the file of results that was chosen; else by the model server, or
    of recorded answers while it gives no others.

    Raises:
        ServingError: there is no server, and not for each image a recorded answer.
        ResultsError: the file says nothing of them.
    """
    if file := results.chosen():
        return _of_file(file, images)
    instead = _of_recorded(images)
    if instead is not None and is_starting() and not has_failed():
        return instead
    try:
        return _of_asked(images)
    except NO_ANSWER:
        if instead is None:
            raise
        return instead


def _of_file(name: str, images: Sequence[ImageFile]) -> ImageSet:
    by_name = {image.name: image for image in images}
    sizes: dict[str, tuple[int, int]] = {}
    refused: list[tuple[str, LensError]] = []
    for image in images:
        try:
            sizes[image.name] = results.size_of(image)
        except ImageError as error:
            refused.append((image.name, error.with_traceback(None)))
    found = results.joined(name, list(sizes.items()))
    parts = tuple(
        AnsweredImage(each, by_name[each].digest, sizes[each], answer.raw, by_name[each].read)
        for each, answer in found.answers.items()
    )
    refused += [(each, ResultsError(why)) for each, why in found.lacking.items()]
    judged = tuple(part.judged for part in parts)
    key = _digest([results.key_of(name), *(f"{image.name} {image.digest}" for image in images)])
    return ImageSet(key, parts, tuple(refused), judged, joined=found)


def _of_recorded(images: Sequence[ImageFile]) -> ImageSet | None:
    recorded = [(image, recorded_answer(image)) for image in images]
    sets = [of_answer(image, answer) for image, answer in recorded if answer is not None]
    if len(sets) < len(images) or not sets:
        return None
    parts = tuple(only for each in sets for only in each.images)
    key = _digest(["recorded", *(each.key for each in sets)])
    return ImageSet(key, parts, (), tuple(each.judged for each in parts), recorded[0][1])


def _of_asked(images: Sequence[ImageFile]) -> ImageSet:
    sources = [Source(image.name, image.read) for image in images]
    version = served_version()
    key = _key(version, [f"{image.name} {image.digest}" for image in images])
    sets = dict(state.read(state.ImageSets).sets)
    if key not in sets:
        sets[key] = _asked(key, version, sources)
        for old in list(sets)[:-MAX_SETS]:
            del sets[old]
        state.update(state.ImageSets, sets=sets)
    found: ImageSet = sets[key]
    return found


def choose_many() -> ImageSet | None:
    """Upload hundreds of images, or ZIP files of them; each is asked once a version of the model.

    Raises:
        ServingError: the server does not answer, or its answers cannot be used.
    """
    files = st.file_uploader(
        _("Images to count over, some hundreds if you like, or ZIP files of them"),
        accept_multiple_files=True,
        key="many",
    )
    kept = state.read(state.ImageSets)
    chosen = " ".join(file.file_id for file in files)
    # What was chosen stays after a page switch, which empties the uploader.
    if files and kept.many_files != chosen:
        kept = state.update(state.ImageSets, many_files=chosen, many_sources=_sources(files))
    if kept.many_sources is None:
        st.info(_("Nothing to count over yet: add some images."), icon=":material/photo_library:")
        return None
    sources, refused = kept.many_sources
    found = _many(kept, sources, refused)
    for name, error in found.refused[:MAX_TOLD]:
        file = state.RefusedFile(name, str(error), error.hint)
        st.warning(frame.refused_line(file), icon=":material/broken_image:")
    if len(found.refused) > MAX_TOLD:
        st.caption(
            _("… and {count} more that could not be used.", count=len(found.refused) - MAX_TOLD)
        )
    count = len(found.images)
    st.caption(plural("Counting over {count} image.", "Counting over {count} images.", count))
    return found if count else None


def _many(
    kept: state.ImageSets, sources: Sequence[Source], refused: Sequence[tuple[str, LensError]]
) -> ImageSet:
    """The set of many images; it is kept alone, for it holds some hundreds of files."""
    file = results.chosen()
    if file:
        key = _digest([results.key_of(file), kept.many_files])
    else:
        version = served_version()
        key = _key(version, [kept.many_files])
    found: ImageSet | None = kept.many
    if found is None or found.key != key:
        made = _read(file, sources) if file else _asked(key, version, sources)
        found = replace(made, key=key, refused=(*refused, *made.refused))
        state.update(state.ImageSets, many=found)
    return found


def _read(file: str, sources: Sequence[Source]) -> ImageSet:
    """The set by a file of results."""
    images: list[ImageFile] = []
    refused: list[tuple[str, LensError]] = []
    for source in sources:
        try:
            images.append(ImageFile.of(source.name, read_source(source)))
        except ImageError as error:
            refused.append((source.name, error.with_traceback(None)))
    found = _of_file(file, images)
    return replace(found, refused=(*refused, *found.refused))


def _key(version: int, parts: Sequence[str]) -> str:
    tiling = controls.kept().tiles
    return _digest([address(), config().model_name, str(version), tiling, *parts])


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _asked(key: str, version: int, sources: Sequence[Source]) -> ImageSet:
    """The set by that version: what is kept under its number is what it said.

    A control that moves meanwhile ends the script: what was answered by then is kept, and the next
    run goes on from there.
    """
    done: dict[int, AnsweredImage | tuple[str, LensError]]
    done = state.read(state.ImageSets).many_done.get(key, {})
    state.update(state.ImageSets, many_done={key: done})
    todo = [index for index in range(len(sources)) if index not in done]
    bar = st.empty()
    where = address()
    runs = run(
        [sources[index] for index in todo],
        served(where).at(version),
        config(),
        stored=stored_answers(where, version),
        tiling=controls.kept().tiles,
    )
    for result in runs:
        index = todo[result.index]
        if result.error is not None:
            done[index] = (result.name, result.error.with_traceback(None))
        elif result.raw is not None and result.size is not None:
            done[index] = AnsweredImage(
                result.name, result.digest, result.size, result.raw, sources[index].read
            )
        if len(sources) >= SHOW_PROGRESS_FROM:
            text = _("{count} of {total} images", count=len(done), total=len(sources))
            bar.progress(len(done) / len(sources), text)
    bar.empty()
    state.update(state.ImageSets, many_done={})
    in_order = [done[index] for index in sorted(done)]
    images = tuple(each for each in in_order if isinstance(each, AnsweredImage))
    refused = tuple(each for each in in_order if not isinstance(each, AnsweredImage))
    return ImageSet(key, images, refused, tuple(image.judged for image in images))


def detections_of(images: ImageSet, settings: ssd.Settings) -> tuple[ssd.Detections, ...]:
    """The detections of each image at the floor, after NMS with these settings."""
    return _detections_of(images.key, *_nms(settings), images)


def _nms(settings: ssd.Settings) -> tuple[float, bool]:
    """What of the settings decides which boxes there are; thresholds only hide some of them."""
    return settings.iou_threshold, settings.class_agnostic


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _detections_of(
    key: str, iou_threshold: float, class_agnostic: bool, _images: ImageSet
) -> tuple[ssd.Detections, ...]:
    floor = matching.at_floor(ssd.Settings(iou_threshold=iou_threshold))
    floor = replace(floor, class_agnostic=class_agnostic)
    return tuple(ssd.postprocess(image.raw, floor, image.size) for image in _images.images)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Detections against ground truth, whatever the thresholds.

    Attributes:
        images: those that have ground truth, in the order of the tables' image indices.
        matches: which detection found which object.
        curves: by class id, of the classes that have ground truth; None = all together.
        average_precisions: by class id; None = their mean.
        truth: what they were matched with.
    """

    images: tuple[AnsweredImage, ...]
    matches: matching.Matches
    curves: Mapping[int | None, Curve]
    average_precisions: Mapping[int | None, float]
    truth: GroundTruthSet


def evaluate(
    images: ImageSet, truth: GroundTruthSet, settings: ssd.Settings, match_iou: float
) -> Evaluated | None:
    """The evaluation of those images that have ground truth; None where none has."""
    if not any(image.name in truth.by_image for image in images.images):
        return None
    return _evaluate(images.key, truth.key, *_nms(settings), match_iou, images, truth)


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _evaluate(
    key: str,
    truth_key: str,
    iou_threshold: float,
    class_agnostic: bool,
    match_iou: float,
    _images: ImageSet,
    _truth: GroundTruthSet,
) -> Evaluated:
    detections = _detections_of(key, iou_threshold, class_agnostic, _images)
    judged = [
        (image, _truth.by_image[image.name], found)
        for image, found in zip(_images.images, detections, strict=True)
        if image.name in _truth.by_image
    ]
    class_count = len(config().labels)
    comparison = matching.compare([(truth, found) for _image, truth, found in judged], class_count)
    matches = matching.match(comparison, match_iou)
    curves: dict[int | None, Curve] = {None: curve(matches)}
    precisions: dict[int | None, float] = {}
    for class_id in range(1, class_count):
        of_class = curve(matches, class_id)
        if of_class.truth_count:
            curves[class_id] = of_class
            precisions[class_id] = average_precision(matches, class_id)
    precisions[None] = mean_without_nan(list(precisions.values()))
    return Evaluated(tuple(image for image, _t, _d in judged), matches, curves, precisions, _truth)


def count(images: ImageSet, settings: ssd.Settings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(100, C) boxes at each threshold of charts.GRID, and (50, C) boxes by score."""
    return _count(images.key, *_nms(settings), images)


@st.cache_data(show_spinner=False, scope="session", max_entries=8)
def _count(
    key: str, iou_threshold: float, class_agnostic: bool, _images: ImageSet
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return counted(
        _detections_of(key, iou_threshold, class_agnostic, _images), len(config().labels)
    )


def counted(
    detections: Sequence[ssd.Detections], class_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same of detections at the floor, of an image each."""
    edges = np.append(np.arange(50) * 0.02, 1.01)
    at_edges = count_detections(detections, class_count, edges)
    counts = count_detections(detections, class_count, charts.GRID)
    return counts, at_edges[:-1] - at_edges[1:]


def evaluated_detections(
    evaluated: Evaluated, settings: ssd.Settings, images: ImageSet
) -> tuple[ssd.Detections, ...]:
    """The detections of each evaluated image, in the rows that the evaluation's table names."""
    # By name: what is cached of an equal set has other objects.
    names = [image.name for image in images.images]
    by_name = dict(zip(names, detections_of(images, settings), strict=True))
    return tuple(by_name[image.name] for image in evaluated.images)


def _sources(
    files: Sequence[UploadedFile],
) -> tuple[list[Source], list[tuple[str, LensError]]]:
    """A source an image, those in ZIP files too; names are made unique."""
    sources: list[Source] = []
    refused: list[tuple[str, LensError]] = []
    taken: set[str] = set()
    for file in files:
        try:
            found = archives.sources_of(file.name, file.getvalue(), config().image_limits)
        except LensError as error:
            refused.append((file.name, error.with_traceback(None)))
            continue
        sources += [replace(source, name=_free(source.name, taken)) for source in found]
    return sources, refused


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    taken.add(free)
    return free
