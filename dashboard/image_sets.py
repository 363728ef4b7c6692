"""The pictures that a page counts over, their true boxes, and what is computed of them once.

A picture is asked once and keeps only what post-processing reads; NMS is done again when its
settings move, matching when the truth or the IoU that counts as found does. A score threshold is a
filter over what is here.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard import frame
from dashboard.answers import Answer, Picture, Prepared, address, client, config, served_version
from dashboard.images import titles_by_digest
from detector import ssd
from detector.batch import archives, run
from detector.drawing import charts
from detector.errors import GroundTruthError, LensError
from detector.evaluation import ground_truth, matching
from detector.evaluation.curves import (
    Curve,
    average_precision,
    count_detections,
    curve,
    mean_without_nan,
)
from detector.evaluation.ground_truth import GroundTruth, Problem

MAX_STUDIES = 4
# A study of fewer pictures is there before a progress bar could be read.
SHOW_PROGRESS_FROM = 6
# Bad files that are told one by one.
MAX_TOLD = 5


@dataclass(frozen=True, eq=False)
class Studied:
    """A picture with the model's answer."""

    name: str
    digest: str
    size: tuple[int, int]
    raw: ssd.RawPrediction = field(repr=False)
    read: Callable[[], bytes] = field(repr=False)

    def picture(self) -> Picture:
        """To look at it."""
        return Picture(self.name, self.read())


@dataclass(frozen=True, eq=False)
class Study:
    """Pictures with their answers.

    Attributes:
        key: the same for the same pictures and model.
        pictures: in the order in which they were given; names are unique.
        refused: (name, error) of each that could not be used.
        whole: what this is a part of.
    """

    key: str
    pictures: tuple[Studied, ...]
    refused: tuple[tuple[str, LensError], ...] = ()
    whole: "Study | None" = None

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """(width, height) by name."""
        return {picture.name: picture.size for picture in self.pictures}

    def only(self, name: str) -> "Study":
        """The study of one of the pictures."""
        chosen = tuple(picture for picture in self.pictures if picture.name == name)
        return Study(f"{self.key}/{name}", chosen, whole=self)


@dataclass(frozen=True, eq=False)
class Truth:
    """True boxes by the name of their picture, and what was wrong in the files.

    Attributes:
        key: the same for the same files.
        source: in words, where they come from.
    """

    key: str
    source: str
    of: Mapping[str, GroundTruth]
    problems: tuple[Problem, ...] = ()


def of_answer(picture: Picture, prepared: Prepared, answer: Answer) -> Study:
    """The study of one picture whose answer is there."""
    model = answer.model
    only = Studied(picture.name, picture.digest, prepared.size, answer.raw, lambda: picture.data)
    return Study(f"{picture.name} {picture.digest} {model.name} {model.version}", (only,))


def of_pictures(pictures: Sequence[Picture]) -> Study:
    """The study of these pictures. Raises ServingError."""
    sources = [run.Source(p.name, functools.partial(_same, p.data)) for p in pictures]
    return _study([f"{p.name} {p.digest}" for p in pictures], sources)


def choose_many() -> Study | None:
    """Upload hundreds of pictures, or ZIPs of them; each is asked once a version of the model.

    Raises:
        ServingError: the server does not answer, or its answers cannot be used.
    """
    files = st.file_uploader(
        "Pictures to count over, some hundreds if you like, or ZIPs of them",
        accept_multiple_files=True,
        key="many",
    )
    chosen = " ".join(file.file_id for file in files)
    # What was chosen stays after a page switch, which empties the uploader.
    if files and st.session_state.get("many_files") != chosen:
        st.session_state["many_sources"] = _sources(files)
        st.session_state["many_files"] = chosen
    if "many_sources" not in st.session_state:
        st.info("Nothing to count over yet: add some pictures.", icon=":material/photo_library:")
        return None
    sources, refused = st.session_state["many_sources"]
    version = served_version()
    key = _key(version, [st.session_state["many_files"]])
    kept: Study | None = st.session_state.get("many_study")
    if kept is None or kept.key != key:
        asked = _asked(key, version, sources)
        kept = replace(asked, refused=(*refused, *asked.refused))
        st.session_state["many_study"] = kept  # one: it holds some hundreds of files
    for name, error in kept.refused[:MAX_TOLD]:
        st.warning(frame.refused(name, str(error), error.hint), icon=":material/broken_image:")
    if len(kept.refused) > MAX_TOLD:
        st.caption(f"… and {len(kept.refused) - MAX_TOLD} more that could not be used.")
    return kept if kept.pictures else None


def _study(parts: Sequence[str], sources: Sequence[run.Source]) -> Study:
    version = served_version()
    key = _key(version, parts)
    studies: dict[str, Study] = st.session_state.setdefault("studies", {})
    if key not in studies:
        studies[key] = _asked(key, version, sources)
        while len(studies) > MAX_STUDIES:
            del studies[next(iter(studies))]
    return studies[key]


def _key(version: int, parts: Sequence[str]) -> str:
    whole = "\n".join([address(), config().model_name, str(version), *parts])
    return hashlib.sha256(whole.encode()).hexdigest()


def _asked(key: str, version: int, sources: Sequence[run.Source]) -> Study:
    """The study by that version: what is kept under its number is what it said."""
    answered: dict[int, Studied] = {}
    refused: list[tuple[str, LensError]] = []
    bar = st.empty()
    asked = client(address(), version)
    for count, done in enumerate(run.run(sources, asked, config()), start=1):
        if done.error is not None:
            refused.append((done.name, done.error.with_traceback(None)))
        elif done.raw is not None and done.size is not None:
            answered[done.index] = Studied(
                done.name, done.digest, done.size, done.raw, sources[done.index].read
            )
        if len(sources) >= SHOW_PROGRESS_FROM:
            bar.progress(count / len(sources), f"{count} of {len(sources)} pictures")
    bar.empty()
    return Study(key, tuple(answered[index] for index in sorted(answered)), tuple(refused))


def choose_truth() -> None:
    """Upload true boxes; what was uploaded stays after a page switch."""
    st.file_uploader(
        "True boxes: COCO JSON, Pascal VOC XML or YOLO text (with classes.txt)",
        type=["json", "xml", "txt", "names"],
        accept_multiple_files=True,
        key="ground_truth",
        on_change=_keep_truth,
    )
    kept: dict[str, bytes] = st.session_state.get("truth_files", {})
    if kept and not st.session_state["ground_truth"]:
        names = ", ".join(kept) if len(kept) < 4 else f"{len(kept)} files"
        st.caption(f"Still in use: {frame.plain(names)}")
        st.button(
            "Forget them", icon=":material/delete:", type="tertiary", key="forget_truth",
            on_click=lambda: st.session_state.pop("truth_files"),
        )  # fmt: skip


def _keep_truth() -> None:
    st.session_state["truth_files"] = {
        file.name: file.getvalue() for file in st.session_state["ground_truth"]
    }


def truth(study: Study) -> Truth | None:
    """The true boxes: the uploaded ones, else those that come with the samples; None = none.

    Raises:
        GroundTruthError: nothing in the uploaded files can be used for these pictures.
    """
    whole = study.whole or study
    files: dict[str, bytes] = st.session_state.get("truth_files", {})
    if not files:
        return gallery_truth(whole)
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return _uploaded_truth(f"{digest.hexdigest()} {whole.key}", files, whole.sizes)


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _uploaded_truth(
    key: str, _files: Mapping[str, bytes], _sizes: Mapping[str, tuple[int, int]]
) -> Truth:
    read = ground_truth.read_ground_truth(_files, config().labels, _sizes)
    names = ", ".join(_files) if len(_files) < 3 else f"{len(_files)} files"
    return Truth(key, names, {t.file_name: t for t in read.pictures}, read.problems)


def gallery_truth(study: Study) -> Truth | None:
    """The true boxes that come with the samples, for those of the pictures that are samples."""
    known = titles_by_digest()
    sizes = {p.name: p.size for p in study.pictures if p.digest in known}
    return _gallery_truth(tuple(sizes.items())) if sizes else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _gallery_truth(sizes: tuple[tuple[str, tuple[int, int]], ...]) -> Truth | None:
    file = config().samples_path / "annotations.json"
    try:
        read = ground_truth.read_coco(file.read_bytes(), config().labels, dict(sizes))
    except GroundTruthError:
        return None
    names = " ".join(name for name, _ in sizes)
    return Truth(f"gallery {names}", "the gallery's own", {t.file_name: t for t in read.pictures})


def truth_of(picture: Picture, study: Study) -> GroundTruth | None:
    """The true boxes of one picture, where there are any that can be used."""
    try:
        found = truth(study)
    except GroundTruthError:
        return None
    return found.of.get(picture.name) if found else None


def found(study: Study, settings: ssd.Settings) -> tuple[ssd.Detections, ...]:
    """The detections of each picture at the floor, after NMS with these settings."""
    return _found(study.key, *_nms(settings), study)


def _nms(settings: ssd.Settings) -> tuple[float, bool]:
    """What of the settings decides which boxes there are; thresholds only hide some of them."""
    return settings.iou_threshold, settings.class_agnostic


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _found(
    key: str, iou_threshold: float, class_agnostic: bool, _study: Study
) -> tuple[ssd.Detections, ...]:
    floor = matching.at_floor(ssd.Settings(iou_threshold=iou_threshold))
    floor = replace(floor, class_agnostic=class_agnostic)
    return tuple(ssd.postprocess(p.raw, floor, p.size) for p in _study.pictures)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Detections against true boxes, whatever the thresholds.

    Attributes:
        pictures: those that have true boxes, in the order of the tables' picture indices.
        matches: who found what.
        curves: by class id, of the classes that have true boxes; None = all together.
        average_precisions: by class id; None = their mean.
    """

    pictures: tuple[Studied, ...]
    matches: matching.Matches
    curves: Mapping[int | None, Curve]
    average_precisions: Mapping[int | None, float]


def evaluated(
    study: Study, truth: Truth, settings: ssd.Settings, match_iou: float
) -> Evaluated | None:
    """The evaluation of those pictures that have true boxes; None where none has."""
    if not any(picture.name in truth.of for picture in study.pictures):
        return None
    return _evaluated(study.key, truth.key, *_nms(settings), match_iou, study, truth)


@st.cache_resource(show_spinner=False, scope="session", max_entries=8)
def _evaluated(
    key: str,
    truth_key: str,
    iou_threshold: float,
    class_agnostic: bool,
    match_iou: float,
    _study: Study,
    _truth: Truth,
) -> Evaluated:
    detected = _found(key, iou_threshold, class_agnostic, _study)
    pairs = [
        (picture, _truth.of[picture.name], detections)
        for picture, detections in zip(_study.pictures, detected, strict=True)
        if picture.name in _truth.of
    ]
    class_count = len(config().labels)
    comparison = matching.compare([(t, d) for _, t, d in pairs], class_count)
    matches = matching.match(comparison, match_iou)
    curves: dict[int | None, Curve] = {None: curve(matches)}
    precisions: dict[int | None, float] = {}
    for class_id in range(1, class_count):
        of_class = curve(matches, class_id)
        if of_class.truth_count:
            curves[class_id] = of_class
            precisions[class_id] = average_precision(matches, class_id)
    precisions[None] = mean_without_nan(list(precisions.values()))
    return Evaluated(tuple(picture for picture, _, _ in pairs), matches, curves, precisions)


def counted(study: Study, settings: ssd.Settings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(100, C) boxes at each threshold of charts.GRID, and (50, C) boxes by score."""
    return _counted(study.key, *_nms(settings), study)


@st.cache_data(show_spinner=False, scope="session", max_entries=8)
def _counted(
    key: str, iou_threshold: float, class_agnostic: bool, _study: Study
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    class_count = len(config().labels)
    pictures = _found(key, iou_threshold, class_agnostic, _study)
    edges = np.append(np.arange(50) * 0.02, 1.01)
    at_edges = count_detections(pictures, class_count, edges)
    counts = count_detections(pictures, class_count, charts.GRID)
    return counts, at_edges[:-1] - at_edges[1:]


def found_in(
    evaluated: Evaluated, settings: ssd.Settings, study: Study
) -> tuple[ssd.Detections, ...]:
    """The detections of each evaluated picture, in the rows that the evaluation's table names."""
    # By name: what is cached of an equal study has other objects.
    by_name = dict(zip(study.sizes, found(study, settings), strict=True))
    return tuple(by_name[picture.name] for picture in evaluated.pictures)


def _same(data: bytes) -> bytes:
    return data


def _sources(
    files: Sequence[UploadedFile],
) -> tuple[list[run.Source], list[tuple[str, LensError]]]:
    """A source a picture, those in ZIP files too; names are made unique."""
    sources: list[run.Source] = []
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
