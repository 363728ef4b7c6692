"""Files of any detector's results, of any of the formats, told apart by endings and content."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from detector.errors import GroundTruthError, LensError, ResultsError
from detector.formats import coco, tables, yolo
from detector.formats.class_lists import (
    LIST_SUFFIXES,
    ClassLists,
    is_class_list,
    is_list_in_json,
    read_class_list,
    read_json_list,
)
from detector.formats.class_mapping import ClassMapping, agreed, is_class_mapping, of_content
from detector.formats.names import ImageNames, path_of
from detector.formats.packed import Files, is_zip, unpacked
from detector.formats.results import Legend, Results, ResultsDraft
from detector.formats.typed_json import JsonError, parse
from detector.translation import _

SUFFIXES = frozenset({".json", ".csv", ".txt", *LIST_SUFFIXES})


@dataclass(frozen=True)
class ReadResults:
    """What was in some files that were chosen together.

    Attributes:
        results: of a detector each.
        legend: what ids mean, by the annotations among the files.
        mapping: what class names mean, by the class-names.json among them.
        refused: (file, why) of each that cannot be used.
    """

    results: tuple[Results, ...]
    legend: Legend
    mapping: ClassMapping
    refused: tuple[tuple[str, LensError], ...]


def read_results(files: Files, labels: Sequence[str]) -> ReadResults:
    """The results in files: each JSON, CSV and ZIP file is a detector's, and so are all texts.

    JSON is a COCO list of results, or a COCO data set whose annotations have scores; one without
    says what ids mean. A text is YOLO's, with confidences; what its class numbers mean stands in
    classes.txt, a .names, .labels or .yaml file, and without one of these they count the labels.

    A bad file spoils no other; a ZIP file is used whole or not at all.

    Args:
        files: (file name, content) of each.
        labels: the model's; index = class id, background first.
    """
    return _Files(labels).read(files)


class _Files:
    """The reading of some files together."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._legend = Legend()
        self._lists = ClassLists()  # those that stand alone hold for every text
        self._mappings: list[tuple[str, ClassMapping]] = []
        self._refused: list[tuple[str, LensError]] = []

    def read(self, files: Files) -> ReadResults:
        texts: list[tuple[str, bytes]] = []
        groups: list[tuple[str, list[tuple[str, bytes]]]] = []
        for name, data in files:
            with self._spoiling_no_other(name):
                ending = path_of(name).suffix
                if is_zip(name, data):
                    groups.append((name, unpacked(name, data, SUFFIXES)))
                elif ending in (".json", ".csv"):
                    groups.append((name, [(name, data)]))
                elif ending in LIST_SUFFIXES or is_class_list(name, data, ImageNames({})):
                    _add_list(name, data, self._lists)
                elif ending == ".txt":
                    texts.append((name, data))
                else:
                    raise ResultsError(_("not a file of results, by its ending"))
        if texts:
            groups.append((texts[0][0] if len(texts) == 1 else f"YOLO ({len(texts)} txt)", texts))
        results = []
        for name, group in groups:
            with self._spoiling_no_other(name):
                if (made := self._of_group(name, group)) is not None:
                    results.append(made)
        mapping, contradictions = agreed(self._mappings)
        for message in contradictions:
            self._refused.append((self._mappings[0][0], ResultsError(message)))
        return ReadResults(tuple(results), self._legend, mapping, tuple(self._refused))

    @contextmanager
    def _spoiling_no_other(self, name: str) -> Iterator[None]:
        try:
            yield
        except ResultsError as error:
            self._refused.append((name, error))
        except (GroundTruthError, JsonError) as error:
            self._refused.append((name, ResultsError(str(error).removeprefix(f"{name}: "))))

    def _of_group(self, name: str, group: Sequence[tuple[str, bytes]]) -> Results | None:
        """The results in files that belong together; None where they only say what ids mean."""
        draft, lists = ResultsDraft(name), ClassLists()
        texts: list[tuple[str, bytes]] = []
        is_any = False
        for file, data in group:
            ending = path_of(file).suffix
            if ending == ".csv":
                tables.add_results(data, draft, file)
                is_any = True
            elif ending == ".json":
                is_any |= self._add_json(file, parse(data), draft, lists)
            elif ending in LIST_SUFFIXES or is_class_list(file, data, ImageNames({})):
                _add_list(file, data, lists)
            else:
                texts.append((file, data))
        fitting = lists if lists.are_any else self._lists
        if texts and not fitting.are_any:
            message = _("no list of class names: class numbers count the model's labels from 0")
            draft.report.add("class numbers", message)
        for file, data in texts:
            yolo.add_results(data, file, draft, fitting.of(file), self._labels)
        return draft.made() if is_any or texts else None

    def _add_json(self, file: str, content: Any, draft: ResultsDraft, lists: ClassLists) -> bool:
        """Takes a JSON in. Returns whether it has detections."""
        if is_class_mapping(content):
            self._mappings.append((file, of_content(content, self._labels)))
            return False
        if is_list_in_json(content):
            lists.add(file, read_json_list(file, content))
            self._lists.add(file, read_json_list(file, content))
            return False
        entries = content.get("annotations") if isinstance(content, dict) else content
        has_scores = isinstance(entries, list) and any(
            isinstance(each, dict) and "score" in each for each in entries
        )
        if isinstance(content, list) or has_scores:
            coco.add_results(content, draft, file)
            return True
        legend = coco.legend_of(content)
        if not legend.images and not legend.categories:
            raise ResultsError(_("neither a COCO list of results nor a COCO data set"))
        self._legend = self._legend.over(legend)
        return False


def _add_list(file: str, data: bytes, lists: ClassLists) -> None:
    found = read_class_list(file, data)
    if found is not None:
        lists.add(file, found)
