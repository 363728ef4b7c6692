"""The true boxes of pictures, read from COCO JSON, Pascal VOC XML or YOLO text.

What can be used is used. What cannot be used is left out and named: `Truths.problems` has one line
for each kind of fault, with the first offending entry and how many more there are. A file with
nothing to use raises `GroundTruthError`.
"""

import json
import math
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from detector.errors import GroundTruthError

ANY_CLASS = 0  # the class id of a region in which every class is ignored

# How far a box may reach over the picture's edge without a word: corners that were rounded, and
# Pascal VOC files that count from 0.
_EDGE_PIXELS = 1.0

Sizes = Mapping[str, tuple[int, int]]  # file name -> (width, height) in pixels


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What is to be found in one picture. Arrays are read-only; M and K may be 0.

    Attributes:
        file_name: the picture, as the visitor knows it.
        size: (width, height) in pixels.
        boxes: (M, 4) float64 xyxy in pixels. May reach over the picture's edge.
        class_ids: (M,) int64, 1 or more.
        crowd: (M,) bool. A crowd box (COCO's `iscrowd`, Pascal VOC's `difficult`) need not be
            found, and what is found in it is neither right nor wrong. May be left out: none is.
        regions: (K, 4) float64 xyxy in pixels: what is found there is neither right nor wrong.
        region_class_ids: (K,) int64, the class that each region holds for; ANY_CLASS = all.
        labelled: class ids whose objects all have boxes here; None = all classes. Nothing is said
            of the others: what is found of them is neither right nor wrong.
    """

    file_name: str
    size: tuple[int, int]
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    class_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    crowd: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    regions: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    region_class_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    labelled: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"expected size of 1 x 1 pixel or more, got {self.size}")
        count, region_count = len(self.boxes), len(self.regions)
        if len(self.crowd) == 0:
            object.__setattr__(self, "crowd", np.zeros(count, np.bool_))
        for name, shape, dtype in (
            ("boxes", (count, 4), np.float64),
            ("class_ids", (count,), np.int64),
            ("crowd", (count,), np.bool_),
            ("regions", (region_count, 4), np.float64),
            ("region_class_ids", (region_count,), np.int64),
        ):
            value = np.array(getattr(self, name), dtype)
            if value.shape != shape:
                raise ValueError(f"expected {name} {shape}, got {value.shape}")
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        for boxes in (self.boxes, self.regions):
            if not (np.isfinite(boxes).all() and (boxes[:, 2:] > boxes[:, :2]).all()):
                raise ValueError("expected finite boxes xyxy with an area")
        if (self.class_ids < 1).any() or (self.region_class_ids < 0).any():
            raise ValueError("expected class ids of 1 or more")
        if self.labelled is not None:
            object.__setattr__(self, "labelled", frozenset(map(int, self.labelled)))


@dataclass(frozen=True)
class Problem:
    """One kind of fault in a file: the first entry that has it, and how many more do.

    `str(problem)` is one line for the reader.
    """

    kind: str
    first: str
    more: int = 0

    def __str__(self) -> str:
        return f"{self.first} (and {self.more} more)" if self.more else self.first


@dataclass(frozen=True)
class Truths:
    """What could be used, and what could not.

    Attributes:
        pictures: one for each picture, in the file's order; never empty.
        problems: one for each kind of fault, in the order in which they were met.
    """

    pictures: tuple[GroundTruth, ...]
    problems: tuple[Problem, ...] = ()


def read_ground_truth(files: Mapping[str, bytes], labels: Sequence[str], sizes: Sizes) -> Truths:
    """The ground truth in files of any of the formats, told apart by their endings.

    Args:
        files: file name -> content: .json is COCO, .xml is Pascal VOC, .txt is YOLO; classes.txt
            (or a .names file) holds the names of YOLO's classes, one a line.
        labels: the model's; index = class id, background first.
        sizes: the pictures at hand.

    Raises:
        GroundTruthError: nothing in the files can be used.
    """
    report = _Report()
    pictures: dict[str, GroundTruth] = {}
    lists = {name: data for name, data in files.items() if _is_class_list(name)}
    class_names = None
    for name, data in lists.items():
        class_names = [line.strip() for line in _text(data, name).rstrip().splitlines()]
    for name, data in files.items():
        if name in lists:
            continue
        try:
            found = _read_file(name, data, labels, sizes, class_names)
        except GroundTruthError as error:
            message = str(error)
            report.add("file", message if message.startswith(name) else f"{name}: {message}")
            continue
        for problem in found.problems:
            report.add(problem.kind, problem.first, problem.more)
        for picture in found.pictures:
            if picture.file_name in pictures:
                report.add(
                    "picture twice",
                    f"{name}: {picture.file_name} has its ground truth from an earlier file",
                )
            else:
                pictures[picture.file_name] = picture
    if pictures:
        for name in sizes:
            if name not in pictures:
                report.add("no truth", f"{name}: no ground truth for this picture")
    return report.result(pictures.values(), "there is no ground truth in the files")


def read_coco(data: bytes, labels: Sequence[str], sizes: Sizes | None = None) -> Truths:
    """The ground truth in a COCO JSON.

    Categories are matched to the labels by name, whatever the case. The file speaks of its own
    categories only: of other classes nothing is known, as if they were not `labelled`.

    Two fields beyond COCO are honoured, both of an image: `labelled`, the names of the categories
    whose objects all have boxes in it; `ignore_regions`, a list of {categories, bbox}: there these
    categories (all, where none are named) may be present without a box.

    A box that reaches over the picture's edge is named, and used as it is, as pycocotools does.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the pictures at hand; None = take them as the file describes them.

    Raises:
        GroundTruthError: not a COCO JSON, or nothing in it can be used.
    """
    content = _coco_object(data)
    report, names = _Report(), _Names(labels)
    categories = _coco_categories(content["categories"], report)
    drafts = _coco_images(content["images"], categories, names, sizes, report)
    for position, note in enumerate(content["annotations"], start=1):
        if not isinstance(note, dict):
            report.add("type", f"annotation {position}: expected an object, got {_shown(note)}")
            continue
        entry = f"annotation {_shown(note.get('id', position))}"
        image_id, category = note.get("image_id"), note.get("category_id")
        if not _is_id(image_id) or image_id not in drafts:
            report.add("image id", f"{entry}: there is no image with id {_shown(image_id)}")
            continue
        draft = drafts[image_id]
        if draft is None:  # the image has been reported; its boxes need not be
            continue
        entry += f" in {draft.file_name}"
        if not _is_id(category) or category not in categories:
            report.add("category id", f"{entry}: there is no category with id {_shown(category)}")
            continue
        crowd = note.get("iscrowd", 0)
        if crowd not in (0, 1):
            report.add("type", f"{entry}: iscrowd is {_shown(crowd)}, expected 0 or 1")
            continue
        class_id = names.id(categories[category])
        box = _xywh(note.get("bbox"))
        draft.add(class_id, categories[category], box, note.get("bbox"), crowd == 1, entry, report)
    used = (draft.made() for draft in drafts.values() if draft is not None)
    return report.result(used, "the file has no pictures")


def read_voc(
    data: bytes, labels: Sequence[str], sizes: Sizes | None = None, file_name: str = ""
) -> Truths:
    """The ground truth in a Pascal VOC annotation, one picture.

    Corners are pixels counted from 1 that both belong to the box. `difficult` objects are crowd
    boxes: they need not be found, and what is found in them is neither right nor wrong.

    A document type is refused, so that no entity can grow or reach outside the file.

    Args:
        labels: the model's; index = class id, background first. Matched whatever the case.
        sizes: the pictures at hand; None = take the picture as the file describes it.
        file_name: the annotation file's own. Where the <filename> in it is of no picture at hand,
            the picture of the same name but for its ending is taken.

    Raises:
        GroundTruthError: not a Pascal VOC XML, or nothing in it can be used.
    """
    root = _xml(data)
    report, names = _Report(), _Names(labels)
    picture = (root.findtext("filename") or "").strip()
    entry = file_name or picture or "annotation"
    size = _size(root.findtext("size/width"), root.findtext("size/height"))
    if sizes is not None:
        pictures = _Pictures(sizes)
        known = pictures.named(picture) or pictures.with_stem(file_name or picture)
        if known is None:
            raise GroundTruthError(f"there is no picture named {_shown(picture or file_name)}")
        if size not in (None, sizes[known]):
            raise GroundTruthError(_wrong_size(size, sizes[known]))
        picture, size = known, sizes[known]
    if size is None:
        raise GroundTruthError("expected a size with a width and a height of 1 or more")
    draft = _Draft(picture or file_name, size)
    for position, item in enumerate(root.findall("object"), start=1):
        name = (item.findtext("name") or "").strip()
        texts = [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        box = None
        if corners := _numbers(texts):
            xmin, ymin, xmax, ymax = corners
            box = xmin - 1, ymin - 1, xmax, ymax
        crowd = (item.findtext("difficult") or "").strip().lower() in ("1", "true")
        draft.add(names.id(name), name, box, texts, crowd, f"{entry}, object {position}", report)
    return report.result([draft.made()], "")


def read_yolo(
    data: bytes,
    labels: Sequence[str],
    sizes: Sizes,
    file_name: str,
    class_names: Sequence[str] | None = None,
) -> Truths:
    """The ground truth in a YOLO text file, one picture; an empty file says: nothing there.

    A line an object: class, centre x, centre y, width, height, as fractions of the picture.

    Args:
        labels: the model's; index = class id, background first.
        sizes: the pictures at hand; the text's is the one of the same name but for its ending.
        file_name: the text file's own.
        class_names: what the class numbers mean, from 0 (classes.txt). None = the labels without
            the background. Of classes that are not named nothing is known.

    Raises:
        GroundTruthError: not text, or of no picture at hand.
    """
    text = _text(data, file_name)
    report, names = _Report(), _Names(labels)
    picture = _Pictures(sizes).with_stem(file_name)
    if picture is None:
        stem = PurePosixPath(file_name.replace("\\", "/")).stem
        raise GroundTruthError(f"there is no picture named {_shown(stem)}")
    draft = _Draft(picture, sizes[picture])
    listed = list(labels[1:] if class_names is None else class_names)
    if class_names is not None:
        draft.labelled = names.ids(class_names)
    width, height = sizes[picture]
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        entry = f"{file_name}, line {number}"
        if len(parts) != 5 or not re.fullmatch("[0-9]{1,9}", parts[0]):
            report.add(
                "columns",
                f"{entry}: expected a class number, centre x, centre y, width, height; "
                f"got {_shown(line.strip())}",
            )
            continue
        index = int(parts[0])
        name = listed[index] if index < len(listed) else f"number {index}"
        box = None
        if values := _numbers(parts[1:]):
            cx, cy, w, h = values
            left, right = (cx - w / 2) * width, (cx + w / 2) * width
            box = left, (cy - h / 2) * height, right, (cy + h / 2) * height
        draft.add(names.id(name), name, box, parts[1:], False, entry, report)
    return report.result([draft.made()], "")


class _Report:
    """Collects faults: of each kind the first, and how many more."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}

    def add(self, kind: str, message: str, more: int = 0) -> None:
        met = self._problems.get(kind)
        self._problems[kind] = (
            Problem(kind, met.first, met.more + 1 + more) if met else Problem(kind, message, more)
        )

    def result(self, pictures: Iterable[GroundTruth], nothing: str) -> Truths:
        """What was read; an error that names the first fault where that is nothing."""
        used, problems = tuple(pictures), tuple(self._problems.values())
        if not used:
            raise GroundTruthError(str(problems[0]) if problems else nothing)
        return Truths(used, problems)


class _Draft:
    """The ground truth of a picture while it is read."""

    def __init__(self, file_name: str, size: tuple[int, int]) -> None:
        self.file_name = file_name
        self.size = size
        self.labelled: frozenset[int] | None = None
        self.regions: list[tuple[_Box, int]] = []
        self._boxes: list[tuple[_Box, int, bool]] = []

    def add(
        self,
        class_id: int | None,
        name: str,
        box: "_Box | None",
        written: Any,
        crowd: bool,
        entry: str,
        report: _Report,
    ) -> None:
        """Takes an object in, or reports why it cannot be used.

        Args:
            class_id: None = the label of that name is unknown.
            name: of the class, as the file has it.
            box: xyxy in pixels; None = not four finite numbers.
            written: the box as the file has it.
            entry: where it stands in the file.
        """
        if class_id is None:
            report.add("unknown class", f"{entry}: unknown class {_shown(name)}")
            return
        if box is None or not all(map(math.isfinite, box)):
            report.add("no numbers", f"{entry}: the box {_shown(written)} is not four numbers")
            return
        xmin, ymin, xmax, ymax = box
        width, height = self.size
        if xmax <= xmin or ymax <= ymin:
            report.add("no area", f"{entry}: the box {_shown(written)} has no area")
            return
        over = max(-xmin, -ymin, xmax - width, ymax - height)
        if xmin >= width or ymin >= height or xmax <= 0 or ymax <= 0:
            report.add(
                "outside",
                f"{entry}: the box {_shown(written)} lies outside the {width} x {height} picture",
            )
            return
        if over > _EDGE_PIXELS:
            report.add(
                "over the edge",
                f"{entry}: the box {_shown(written)} reaches {over:.0f} pixels over the edge of "
                f"the {width} x {height} picture; it is used as it is",
            )
        self._boxes.append((box, class_id, crowd))

    def made(self) -> GroundTruth:
        return GroundTruth(
            self.file_name,
            self.size,
            np.array([box for box, _, _ in self._boxes], np.float64).reshape(-1, 4),
            np.array([class_id for _, class_id, _ in self._boxes], np.int64),
            np.array([crowd for _, _, crowd in self._boxes], np.bool_),
            np.array([box for box, _ in self.regions], np.float64).reshape(-1, 4),
            np.array([class_id for _, class_id in self.regions], np.int64),
            self.labelled,
        )


class _Names:
    """Class ids by label, whatever the case; the background is nobody's label."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._ids = {_folded(label): index for index, label in enumerate(labels) if index > 0}

    def id(self, name: str) -> int | None:
        return self._ids.get(_folded(name))

    def ids(self, names: Iterable[str]) -> frozenset[int]:
        """Those of them that are known."""
        return frozenset(self._ids[_folded(name)] for name in names if _folded(name) in self._ids)


class _Pictures:
    """The pictures at hand, by name."""

    def __init__(self, sizes: Sizes) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._names = frozenset(sizes)
        for name in sizes:
            path = _path(name)
            self._by_name.setdefault(path.name, []).append(name)
            self._by_stem.setdefault(path.stem, []).append(name)

    def named(self, name: str) -> str | None:
        """The picture of that name; else the only one when folders and case are left out."""
        if name in self._names:
            return name
        found = self._by_name.get(_path(name).name, [])
        return found[0] if len(found) == 1 else None

    def with_stem(self, name: str) -> str | None:
        """The only picture of that name when folders, case and ending are left out."""
        found = self._by_stem.get(_path(name).stem, [])
        return found[0] if len(found) == 1 else None


class _NoDocumentType(ElementTree.TreeBuilder):
    """Refuses a DOCTYPE at its beginning, before anything that it declares is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise GroundTruthError(
            "the XML has a document type (DOCTYPE), which is refused for safety",
            "Remove the <!DOCTYPE ...> from the file.",
        )


_Box = tuple[float, float, float, float]

# Looks at the beginning of a value only, however long or deep it is.
_REPR = reprlib.Repr()
_REPR.maxlist = _REPR.maxdict = 5
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = 60


def _read_file(
    name: str,
    data: bytes,
    labels: Sequence[str],
    sizes: Sizes,
    class_names: Sequence[str] | None,
) -> Truths:
    ending = _path(name).suffix
    if ending == ".json":
        return read_coco(data, labels, sizes)
    if ending == ".xml":
        return read_voc(data, labels, sizes, name)
    if ending == ".txt":
        return read_yolo(data, labels, sizes, name, class_names)
    raise GroundTruthError("not a .json, .xml or .txt file")


def _is_class_list(name: str) -> bool:
    path = _path(name)
    return path.name == "classes.txt" or path.suffix == ".names"


def _coco_object(data: bytes) -> dict[str, Any]:
    """The JSON with lists of images, annotations and categories."""
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        raise GroundTruthError(
            f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:  # not Unicode; numbers or nesting without end
        raise GroundTruthError(f"broken JSON: {error}") from error
    if isinstance(content, list):
        raise GroundTruthError(
            "expected a JSON object with images, annotations and categories, got a list",
            "A list is COCO's format of results; its ground truth is an object.",
        )
    lists = content if isinstance(content, dict) else {}
    for key in ("images", "annotations", "categories"):
        if not isinstance(lists.get(key), list):
            raise GroundTruthError(f"the JSON has no list of {key}")
    return lists


def _coco_categories(entries: list[Any], report: _Report) -> dict[Any, str]:
    """Category id -> name."""
    categories = {}
    for position, entry in enumerate(entries, start=1):
        if (
            isinstance(entry, dict)
            and _is_id(entry.get("id"))
            and isinstance(entry.get("name"), str)
        ):
            categories[entry["id"]] = entry["name"]
        else:
            report.add(
                "category", f"category {position}: expected an id and a name, got {_shown(entry)}"
            )
    return categories


def _coco_images(
    entries: list[Any],
    categories: Mapping[Any, str],
    names: _Names,
    sizes: Sizes | None,
    report: _Report,
) -> dict[Any, _Draft | None]:
    """Image id -> draft; None = an image that was reported and is not used."""
    pictures = None if sizes is None else _Pictures(sizes)
    known = names.ids(categories.values())
    drafts: dict[Any, _Draft | None] = {}
    taken = set()
    for position, image in enumerate(entries, start=1):
        if (
            not isinstance(image, dict)
            or not isinstance(image.get("file_name"), str)
            or not _is_id(image.get("id"))
        ):
            report.add("image", f"image {position}: expected an id and a file_name")
            continue
        image_id, file_name = image["id"], image["file_name"]
        entry = f"image {_shown(file_name)}"
        size = _size(image.get("width"), image.get("height"))
        if image_id in drafts:
            report.add("picture twice", f"{entry}: id {_shown(image_id)} is there twice")
            continue
        drafts[image_id] = None
        if sizes is not None and pictures is not None:
            name = pictures.named(file_name)
            if name is None:
                report.add("no picture", f"{entry}: there is no picture of that name")
                continue
            if size not in (None, sizes[name]):
                report.add("size", f"{entry}: {_wrong_size(size, sizes[name])}")
                continue
            file_name, size = name, sizes[name]
        if size is None:
            report.add("size", f"{entry}: expected a width and a height of 1 or more")
            continue
        if file_name in taken:
            report.add("picture twice", f"{entry}: the picture is there twice")
            continue
        taken.add(file_name)
        draft = drafts[image_id] = _Draft(file_name, size)
        draft.labelled = known
        listed = image.get("labelled", [])
        if not _are_names(listed):
            report.add("labelled", f"{entry}: labelled is {_shown(listed)}, not a list of names")
        elif "labelled" in image:
            draft.labelled = names.ids(listed)
        _coco_regions(image.get("ignore_regions", []), draft, names, entry, report)
    return drafts


def _coco_regions(regions: Any, draft: _Draft, names: _Names, entry: str, report: _Report) -> None:
    for region in regions if isinstance(regions, list) else [regions]:
        box = _xywh(region.get("bbox")) if isinstance(region, dict) else None
        listed = region.get("categories") if isinstance(region, dict) else None
        if (
            box is None
            or not all(map(math.isfinite, box))
            or box[2] <= box[0]
            or box[3] <= box[1]
            or not (listed is None or _are_names(listed))
        ):
            report.add(
                "region",
                f"{entry}: an ignore region is {_shown(region)}, expected "
                '{"categories": [names], "bbox": [x, y, width, height]}',
            )
            continue
        for class_id in (ANY_CLASS,) if listed is None else sorted(names.ids(listed)):
            draft.regions.append((box, class_id))


def _xml(data: bytes) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(data, ElementTree.XMLParser(target=_NoDocumentType()))
    except ElementTree.ParseError as error:
        line, column = error.position
        raise GroundTruthError(
            f"broken XML at line {line}, column {column + 1}: {error.msg.split(':')[0]}"
        ) from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise GroundTruthError(f"broken XML: {error}") from error
    if root.tag != "annotation":
        raise GroundTruthError(f"expected an XML <annotation>, got <{_shown(root.tag)[1:-1]}>")
    return root


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GroundTruthError(f"{name}: not a text file (UTF-8)") from error


def _xywh(value: Any) -> _Box | None:
    """xyxy of a COCO box."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in value):
        return None
    if not (numbers := _numbers(value)):
        return None
    x, y, width, height = numbers
    return x, y, x + width, y + height


def _numbers(values: Iterable[Any]) -> list[float] | None:
    """Finite floats, or None where one is not."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height where they are whole numbers of 1 or more."""
    numbers = _numbers([width, height])
    if numbers is None or not all(value >= 1 and value == int(value) for value in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


def _wrong_size(written: tuple[int, int] | None, actual: tuple[int, int]) -> str:
    if written is None:
        return "no size"
    return (
        f"its boxes are for {written[0]} x {written[1]} pixels, the picture has "
        f"{actual[0]} x {actual[1]}"
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, int | float | str)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _folded(name: str) -> str:
    return name.strip().casefold()


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/").casefold())


def _shown(value: Any) -> str:
    """A value of the file as text that is short and printable."""
    text = _REPR.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
