"""The session's state: a few frozen dataclasses, and typed access to them.

The only file that touches st.session_state. What a widget holds stands there under the widget's
key; all else under the name of one of the classes below, read and written whole.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast

import streamlit as st

from dashboard.files import ImageFile
from detector.answers import AnswerStore
from detector.asking import Place
from detector.errors import LensError
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.mending import Mending, digest_of
from detector.formats.results import Legend, Results
from detector.ssd import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class RefusedFile:
    """A file that cannot be used, and why. Texts only: an error's traceback holds the file."""

    name: str
    message: str
    hint: str


@dataclass(frozen=True)
class Uploads:
    """The images that were uploaded, or opened from elsewhere.

    Attributes:
        files: by the name on the strip, which is unique.
        names: the strip's name by the id of the file that is in the uploader.
        taken: ids of the uploaders' files that were looked at: they are empty since.
    """

    files: Mapping[str, ImageFile] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    refused: tuple[RefusedFile, ...] = ()


@dataclass(frozen=True)
class Choice:
    """Which image is looked at, of each source.

    Attributes:
        sample: its place in the gallery.
        upload: its name on the strip.
        photo: that was taken with the camera.
        frozen: the frame of the live camera that was frozen last.
        opened: an image that is on no strip, in place of what the strips say.
    """

    sample: int | None = None
    upload: str | None = None
    photo: ImageFile | None = None
    frozen: ImageFile | None = None
    opened: ImageFile | None = None


@dataclass(frozen=True)
class Thresholds:
    """What all pages post-process with; None before a page has said."""

    settings: Settings | None = None


@dataclass(frozen=True)
class ChosenClass:
    """The class that Thresholds is about: whose threshold the slider and a click in a chart move;
    0 = all of them."""

    class_id: int = 0


@dataclass(frozen=True)
class WholeSet:
    """Compare over many images.

    Attributes:
        opened: an image of them was chosen; the page is to show it.
        sides: what a side's model said of all of them, by its key, the newest last.
        of_batch: a batch, and those of its images that were read, by their names there.
    """

    opened: bool = False
    of_batch: tuple[object, Mapping[str, ImageFile]] = (None, MappingProxyType({}))
    sides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Why:
    """Why a box is there.

    Attributes:
        shown: what is shown, by its key; "" for nothing.
        found: the masks of each box that was asked about, by key, the newest last.
    """

    shown: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Robustness:
    """The page Robustness.

    Attributes:
        store: the answers for altered images, by the image's digest and what was altered.
        picked: (digest, id) of the box of an unaltered image that stands out.
        measured: runs over many images, by key, the newest last.
    """

    store: AnswerStore = field(default_factory=lambda: AnswerStore(96))
    picked: tuple[str, str] | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Presented:
    """What is presented.

    Attributes:
        stepped: another image was gone to; the page is to be drawn with it.
    """

    stepped: bool = False


@dataclass(frozen=True)
class Question:
    """The place of an image that was asked about.

    Attributes:
        digest: of the image.
        place: None where nothing is asked.
    """

    digest: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Visit:
    """The page that is looked at.

    Attributes:
        page: its name.
        is_new: no run of it has come to its end yet, since another one or the session's start.
        started: keys of the controls that have been set as they start on it.
    """

    page: str = ""
    is_new: bool = True
    started: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Language:
    """The visitor's language.

    Attributes:
        chosen: by the switch or the address; None: it is the browser's.
    """

    chosen: str | None = None


@dataclass(frozen=True)
class Owner:
    """Whose session it is.

    Attributes:
        visitor: of `media.visitor`; None before the first run.
    """

    visitor: str | None = None


@dataclass(frozen=True)
class Pick:
    """The one box that figure and tables mark.

    Attributes:
        digest: of the image that it is in.
        detection_id: as of `Detections.ids`, or "truth-" and the index of a missed object.
    """

    digest: str = ""
    detection_id: str | None = None


@dataclass(frozen=True)
class DetectFigure:
    """What the chart on Detect was drawn with.

    Attributes:
        drawn: all that changes its spec but the pick.
        pick: the box that its spec marks.
        revision: another number makes the browser draw it anew.
        table_rows: ids of the detections in the table's rows.
    """

    drawn: object = None
    pick: str | None = None
    revision: int = 0
    table_rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The answers that the session has had."""

    store: AnswerStore = field(default_factory=AnswerStore)


@dataclass(frozen=True)
class ServerSeen:
    """What the state line said last while the server was ready."""

    line: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Failures:
    """What went wrong in callbacks, to be told by the page that is drawn next.

    Attributes:
        errors: errors that a reader can act on.
        ids: of unexpected ones, as in the log.
    """

    errors: tuple[Exception, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroundTruthFiles:
    """The ground-truth files that were uploaded: name and content of each. Two may have one name.

    Attributes:
        class_names: what the visitor says of names in them: the label that each stands for; None =
            none of the model's.
    """

    files: tuple[tuple[str, bytes], ...] = ()
    class_names: Mapping[str, str | None] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The same for the same files and class names; computed once, for they may be large."""
        digest = hashlib.sha256(repr(sorted(self.class_names.items())).encode())
        for name, data in self.files:
            digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class ResultsFiles:
    """Other detectors' results that were chosen.

    Attributes:
        files: by name, which is unique.
        legend: what ids in them mean, by the annotations that were chosen with them.
        mapping: class names in them -> label of the model, or None.
        refused: what of the last choice cannot be used.
        taken: how often something was chosen.
        chosen: the one that Thresholds is about; "" = the model server.
    """

    files: Mapping[str, Results] = field(default_factory=dict)
    legend: Legend = field(default_factory=Legend)
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    refused: tuple[RefusedFile, ...] = ()
    taken: int = 0
    chosen: str = ""


@dataclass(frozen=True)
class Mendings:
    """What the visitor has mended of the ground truth of images.

    Attributes:
        images: by the image's digest, in the order in which they were begun.
        heard: the number of the last change that came from the browser.
        class_id: of a box that is drawn.
        exported: `key` when it was exported last.
    """

    images: Mapping[str, Mending] = field(default_factory=dict)
    heard: int = 0
    class_id: int = 1
    exported: str = ""

    @cached_property
    def truths(self) -> Mapping[str, GroundTruth]:
        """The ground truth of each image that is mended, by its digest."""
        found = {digest: mending.truth for digest, mending in self.images.items()}
        return {digest: truth for digest, truth in found.items() if truth is not None}

    @cached_property
    def key(self) -> str:
        """The same for the same boxes of the same images; "" for none."""
        return " ".join(map(digest_of, self.truths.values()))

    @property
    def is_unsaved(self) -> bool:
        """Whether there is anything that was not exported."""
        return self.key not in ("", self.exported)


@dataclass(frozen=True)
class NmsChange:
    """What the last move of the IoU threshold, or of class-agnostic NMS, changed.

    Attributes:
        now: (digest of the image, settings) of the last run.
        before: the settings that it is compared with.
        appeared, vanished: ids of detections.
    """

    now: tuple[str, Settings] | None = None
    before: Settings | None = None
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListedBoxes:
    """The table of boxes behind an error on Thresholds.

    Attributes:
        rows: (image, id of the box) of each row.
        look: one was chosen: the page has to be drawn with it.
        looks: how often one was chosen; the viewer comes into view with each.
        looked_at: digest of the image of the last one.
    """

    rows: tuple[tuple[Any, str], ...] = ()
    look: bool = False
    looks: int = 0
    looked_at: str = ""


@dataclass(frozen=True)
class ImageSets:
    """The sets of images that were counted over.

    Attributes:
        sets: by key, the newest last.
        many_files: ids of the files in the uploader of many images.
        many_sources: the images in them, and what was refused; None before any.
        many: the set of them.
        many_done: what was answered of a set before it was complete, by the set's key.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    many_files: str = ""
    many_sources: Any = None
    many: Any = None
    many_done: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ThresholdsFile:
    """The file of thresholds that was refused last."""

    refused: RefusedFile | None = None


SIDES = "abcdef"  # of Compare: A and B everywhere, the others over a whole set


@dataclass(frozen=True)
class Comparison:
    """The page Compare.

    Attributes:
        kept: values of its widgets by key, which are gone on another page otherwise.
        images: names of the images in the grid; None before any were chosen.
        left_out: names of images for which there was no room.
        listed: (digest, identity) of each row in the table of differences.
        picked: the one that was clicked.
        own_thresholds: class id -> score threshold, of each side ("a", "b") that has a file's.
        revision: another number makes the browser draw the figure anew, with all kinds of boxes.
    """

    kept: Mapping[str, Any] = field(default_factory=dict)
    images: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    listed: tuple[tuple[str, tuple[str, str]], ...] = ()
    picked: tuple[str, tuple[str, str]] | None = None
    own_thresholds: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True)
class Batch:
    """The page Batch.

    Attributes:
        job: the batch.job.Job that is run, or was run last.
        go_on: it is to begin, or to go on, as soon as the model server answers.
        files: ids of the files that it is of; none: it is of the gallery.
        refused: files that could not be used.
        gallery_error: why the gallery could not be run.
        opened: the place of the image that is to be opened in Detect.
        evaluates: Thresholds is to be opened, to count over the batch's images.
        shown: (job, settings, detections by place) of the last run of the page.
    """

    job: Any = None
    go_on: bool = False
    files: tuple[str, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    gallery_error: LensError | None = None
    opened: int | None = None
    evaluates: bool = False
    shown: Any = (None, None, None)


@dataclass(frozen=True)
class Video:
    """The page Video.

    Attributes:
        file: the video.
        upload: id of the uploader's file that it is.
        facts: its detector.video.VideoFacts.
        watching: the video.watching.Watching over it.
        go_on: that is to begin, or to go on, as soon as the model server answers.
        drawing: the video.watching.Drawing that was asked for last.
        refused: the file that could not be used.
    """

    file: ImageFile | None = None
    upload: str = ""
    facts: Any = None
    watching: Any = None
    go_on: bool = False
    drawing: Any = None
    refused: RefusedFile | None = None


def read(kind: type[T]) -> T:
    """The session's value of that kind; its defaults before one was written."""
    found = st.session_state.get(_key(kind))
    return found if isinstance(found, kind) else kind()


def write(value: object) -> None:
    """Keep the value as the session's of its kind."""
    st.session_state[_key(type(value))] = value


def update(kind: type[T], **changes: Any) -> T:
    """Change fields of the session's value of that kind. Returns the new value."""
    value = cast(T, replace(cast(Any, read(kind)), **changes))
    write(value)
    return value


def answer_store() -> AnswerStore:
    """The session's answers. The same object on every run."""
    answers = read(Answers)
    write(answers)
    return answers.store


def widget(key: str, default: Any = None) -> Any:
    """What a widget holds; the default where it was not drawn yet."""
    return st.session_state.get(key, default)


def has_widget(key: str) -> bool:
    """Whether the widget holds anything."""
    return key in st.session_state


def set_widget(key: str, value: Any) -> None:
    """Set a widget that has not been drawn in this run yet, or in a callback."""
    st.session_state[key] = value


def forget_widget(key: str) -> None:
    """Let a widget start from its default."""
    st.session_state.pop(key, None)


def _key(kind: type) -> str:
    return f"state.{kind.__name__}"
