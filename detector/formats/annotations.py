"""Ground truth in files of any format, joined with the images at hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruths
from detector.formats import coco, cvat, label_studio, labelme, voc, yolo
from detector.formats.class_lists import (
    LIST_SUFFIXES,
    ClassList,
    ClassLists,
    is_called_so,
    is_class_list,
    is_list_in_json,
    lists_images,
    read_class_list,
    read_json_list,
)
from detector.formats.class_mapping import ClassMapping, agreed, is_class_mapping, of_content
from detector.formats.names import ImageNames, Sizes, path_of
from detector.formats.packed import Files, is_zip, unpacked
from detector.formats.reading import Draft, NoImageError, Reading, Report
from detector.formats.safe_xml import root_of
from detector.formats.typed_json import JsonError, parse
from detector.translation import _

_CLASS_LIST = "class list"  # a kind of fault
_Read = Callable[[Reading], list[Draft]]


def read_ground_truth(
    files: Files, labels: Sequence[str], sizes: Sizes, mapping: ClassMapping | None = None
) -> GroundTruths:
    """The ground truth in files of any of the formats, told apart by endings and content.

    JSON is COCO, labelme or Label Studio, XML is Pascal VOC or CVAT, a text is YOLO, a ZIP file
    holds any of these. What YOLO's class numbers mean stands in classes.txt, labels.txt, a .names,
    .labels or .yaml file; without one of these they count the model's labels.

    What was not understood is named and not held against the detector: see `GroundTruths`. A bad
    file spoils no other. Two files may have one name. Where two contradict each other about an
    image, it does not count.

    Args:
        files: (file name, content) of each.
        labels: the model's; index = class id, background first.
        sizes: the images at hand.
        mapping: name of a class in the files -> label, or None for none of the model's classes.

    Raises:
        GroundTruthError: nothing in the files can be used.
    """
    return _Files(labels, sizes, mapping or {}).read(files)


class _Files:
    """The reading of some files together."""

    def __init__(self, labels: Sequence[str], sizes: Sizes, mapping: ClassMapping) -> None:
        self._labels, self._sizes = labels, sizes
        self._mapping = mapping
        self._mappings: list[tuple[str, ClassMapping]] = []
        self._images = ImageNames(sizes)
        self._report = Report()
        self._lists = ClassLists()
        self._texts: list[tuple[str, bytes]] = []
        self._others: list[tuple[str, _Read]] = []

    def read(self, files: Files) -> GroundTruths:
        for name, data in dict.fromkeys(self._all(files)):
            with self._spoiling_no_other(name):
                self._sort(name, data)
        self._sort_texts()
        among_files, contradictions = agreed(self._mappings)
        for message in contradictions:
            self._report.add("class names", message)
        self._mapping = {**among_files, **self._mapping}
        reading = Reading(self._labels, self._sizes, self._mapping, self._report)
        drafts: list[Draft] = []
        for name, read in self._others:
            with self._spoiling_no_other(name):
                drafts += read(reading)
        for name, data in self._texts:
            with self._spoiling_no_other(name):
                drafts.append(self._yolo(name, data, reading))
        if drafts:
            with_truth = {draft.file_name for draft in drafts}
            for name in self._sizes:
                if name not in with_truth:
                    message = _("{image}: no ground truth for this image", image=name)
                    self._report.add("no ground truth", message)
        return reading.result(drafts, _("there is no ground truth in the files"))

    @contextmanager
    def _spoiling_no_other(self, name: str, kind: str = "file") -> Iterator[None]:
        """A file that cannot be used is named, and the reading goes on.

        Where it may be a list of class names, or hold one, that list was not understood.
        """
        try:
            yield
        except NoImageError as error:
            self._report.add("file of no image", f"{name}: {error}")
        except (GroundTruthError, JsonError) as error:
            may_be_list = is_called_so(name) and path_of(name).suffix != ".xml"
            if kind == _CLASS_LIST or may_be_list or path_of(name).suffix == ".zip":
                self._lists.add(name, error)
            message = str(error)
            self._report.add(kind, message if message.startswith(name) else f"{name}: {message}")

    def _all(self, files: Files) -> Files:
        """The files, and in place of a ZIP file what is in it."""
        for name, data in files:
            if not is_zip(name, data):
                yield name, data
                continue
            with self._spoiling_no_other(name):
                yield from unpacked(name, data)

    def _sort(self, name: str, data: bytes) -> None:
        """Find out what is in a file; lists of names and the mapping are read, the rest later."""
        ending = path_of(name).suffix
        if ending == ".json":
            self._sort_json(name, parse(data))
        elif ending == ".xml":
            root = root_of(data)
            read = cvat.read_content if root.tag == "annotations" else voc.read_content
            self._others.append((name, partial(read, root, name)))
        elif ending == ".txt":
            self._texts.append((name, data))
        elif ending in LIST_SUFFIXES:
            self._add_list(name, partial(read_class_list, name, data))
        else:
            raise GroundTruthError(_("not a file of ground truth, by its ending"))

    def _sort_json(self, name: str, content: Any) -> None:
        keys = content.keys() if isinstance(content, dict) else set()
        if is_class_mapping(content):
            self._add_mapping(name, content)
        elif is_list_in_json(content):
            self._add_list(name, partial(read_json_list, name, content))
        elif label_studio.is_label_studio(content):
            self._others.append((name, partial(label_studio.read_content, content, name)))
        else:
            read = labelme.read_content if "shapes" in keys else coco.read_content
            self._others.append((name, partial(read, content, name)))

    def _add_mapping(self, name: str, content: Any) -> None:
        try:
            self._mappings.append((name, of_content(content, self._labels)))
        except GroundTruthError as error:
            self._report.add("class names", f"{name}: {error}")

    def _sort_texts(self) -> None:
        """Which of the texts are lists of names, and which are about images."""
        texts = [(name, data) for name, data in self._texts if not lists_images(data)]
        called_so = [is_class_list(name, data, self._images) for name, data in texts]
        by_name = self._lists.are_any or any(called_so)
        self._texts = []
        for name, data in texts:
            if is_class_list(name, data, self._images, by_name=by_name):
                self._add_list(name, partial(read_class_list, name, data))
            else:
                self._texts.append((name, data))

    def _add_list(self, name: str, read: Callable[[], ClassList | None]) -> None:
        with self._spoiling_no_other(name, _CLASS_LIST):
            found = read()
            if found is not None:
                self._lists.add(name, found)

    def _yolo(self, name: str, data: bytes, reading: Reading) -> Draft:
        classes: ClassList | GroundTruthError | None
        try:
            classes = self._lists.of(name)
        except GroundTruthError as error:
            classes = error
        return yolo.read_content(data, name, reading, classes)
