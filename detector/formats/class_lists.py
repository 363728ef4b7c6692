"""Lists of the names of YOLO's classes, which a YOLO text counts from 0.

Programs call them classes.txt (labelImg), labels.txt (make-sense), obj.names (Darknet),
_darknet.labels (Roboflow), data.yaml (Ultralytics) or notes.json (Label Studio).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import msgspec
import yaml

from detector.errors import GroundTruthError
from detector.formats.names import ImageNames, path_of, same_name
from detector.formats.reading import as_text, number
from detector.formats.typed_json import JsonError, shown, typed
from detector.translation import _

LIST_SUFFIXES = (".names", ".labels", ".yaml", ".yml")
# A list of names has some hundred lines; YAML is slow to read.
_MAX_BYTES = 2**18
_LIST_STEM = re.compile(
    r"(?P<before>.*[._ -])?_*(obj|predefined)?[._ -]?(class|label|categor(y|ie)|name)(e?s)?"
    r"([._ -]?(names?|list|map|labels?|classes))?|notes"
)
_PROSE = re.compile(r"readme|licen[cs]e|notes|changelog", re.IGNORECASE)
_IMAGE = re.compile(r"\.(jpe?g|png|bmp|webp|tiff?|gif|heic|heif|avif)", re.IGNORECASE)
# Keys that Ultralytics' files of a data set have.
_OF_DATA_SET = {"names", "nc", "train", "val", "test", "path"}


@dataclass(frozen=True)
class ClassList:
    """What the class numbers of YOLO texts mean.

    Attributes:
        file: where it was read.
        names: by number.
        has_keypoints: key points follow each box (Ultralytics' `kpt_shape`).
    """

    file: str
    names: Mapping[int, str]
    has_keypoints: bool = False

    @classmethod
    def of(cls, names: Sequence[str], file: str = "") -> "ClassList":
        """Names in the order of their numbers, from 0."""
        return cls(file, dict(enumerate(names)))

    def is_same(self, other: "ClassList") -> bool:
        """Whether both say the same of every number."""
        return self.names.keys() == other.names.keys() and all(
            same_name(name, other.names[index]) for index, name in self.names.items()
        )


class ClassLists:
    """The lists among some files, and for each YOLO text the one that holds for it."""

    def __init__(self) -> None:
        self._lists: list[tuple[PurePosixPath, ClassList | str]] = []

    @property
    def are_any(self) -> bool:
        """Whether there is a list at all, understood or not."""
        return bool(self._lists)

    def add(self, file: str, found: ClassList | Exception) -> None:
        """Take in a list, or why it could not be read."""
        told = found if isinstance(found, ClassList) else _told(file, str(found))
        self._lists.append((path_of(file).parent, told))

    def of(self, file: str) -> ClassList | None:
        """The list that holds for a YOLO text: beside it or in a folder above; else any.

        None = there is none at all.

        Raises:
            GroundTruthError: one of them was not understood, or they contradict each other.
        """
        path = path_of(file)
        fitting = [found for folder, found in self._lists if folder in path.parents]
        fitting = fitting or [found for _folder, found in self._lists]
        readable = [found for found in fitting if isinstance(found, ClassList)]
        for unread in fitting:
            if isinstance(unread, str):
                raise GroundTruthError(unread)
        for other in readable[1:]:
            if not readable[0].is_same(other):
                raise GroundTruthError(
                    _(
                        "{first} and {second} give the classes different names, so neither is used",
                        first=readable[0].file,
                        second=other.file,
                    )
                )
        return max(readable, key=lambda found: found.has_keypoints, default=None)


def is_called_so(name: str) -> bool:
    """Whether a file is called as lists are, whatever its ending."""
    path = path_of(name)
    return path.suffix in LIST_SUFFIXES or bool(_LIST_STEM.fullmatch(path.stem))


def is_class_list(name: str, data: bytes, images: ImageNames, *, by_name: bool = True) -> bool:
    """Whether a text is a list of names, rather than the ground truth of an image.

    Args:
        by_name: only a text that is called as lists are. Else any of short lines that are neither
            rows of numbers nor names of images.
    """
    path = path_of(name)
    called_so = _LIST_STEM.fullmatch(path.stem)
    if path.suffix != ".txt" or (by_name and called_so is None):
        return False
    # "price label.txt" is the ground truth of "price label.jpg", where there is one.
    is_plain = by_name and called_so is not None and not called_so["before"]
    has_image = images.with_stem(name) is not None
    try:
        lines = [line for line in as_text(data, name).splitlines() if line.strip()]
    except GroundTruthError:
        return is_plain or not has_image
    if any(map(_is_row, lines)) or (has_image and not is_plain):
        return False
    if by_name:
        return bool(lines) or (is_plain and not has_image)
    is_prose = _PROSE.match(path.stem) or max(map(len, lines), default=99) > 40
    has_numbers = any(number(line.split()[0]) is not None for line in lines)
    return not (is_prose or has_numbers or lists_images(data))


def lists_images(data: bytes) -> bool:
    """Whether a text holds the paths of images and nothing else, like Darknet's train.txt."""
    lines = [line.strip() for line in data.splitlines() if line.strip()]
    paths = [PurePosixPath(line.decode(errors="replace")) for line in lines]
    return bool(paths) and all(_IMAGE.fullmatch(path.suffix) for path in paths)


def read_class_list(name: str, data: bytes) -> ClassList | None:
    """The list in a file; None where a YAML is about something else.

    Raises:
        GroundTruthError: it was not understood.
    """
    if len(data) > _MAX_BYTES:
        raise GroundTruthError(
            _("expected a list of names, got a file of {size} MB", size=len(data) // 2**20 or 1)
        )
    text = as_text(data, name)
    if path_of(name).suffix in (".yaml", ".yml"):
        return _of_yaml(name, text)
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if not lines:
        raise GroundTruthError(_("there are no names in it"))
    if "" in lines:
        raise GroundTruthError(_("line {line} is empty", line=lines.index("") + 1))
    return ClassList.of(lines, name)


class _Category(msgspec.Struct):
    id: int
    name: str


def is_list_in_json(content: Any) -> bool:
    """Whether the content of a JSON is a list of names, and no ground truth."""
    if isinstance(content, list):
        return bool(content) and all(isinstance(name, str) for name in content)
    if not isinstance(content, dict):
        return False
    keys = content.keys()
    return "names" in keys or keys & {"categories", "images", "annotations"} == {"categories"}


def read_json_list(name: str, content: Any) -> ClassList:
    """The list in a JSON: names alone, under "names", or Label Studio's categories.

    Raises:
        GroundTruthError: it was not understood.
    """
    try:
        if isinstance(content, dict) and "names" not in content:
            read = typed(content["categories"], list[_Category], "categories")
            return _numbered(name, [(category.id, category.name) for category in read])
        names = content["names"] if isinstance(content, dict) else content
        if isinstance(names, dict):
            return _numbered(name, list(typed(names, dict[str, str], "names").items()))
        return _numbered(name, list(enumerate(typed(names, list[str], "names"))))
    except JsonError as error:
        raise GroundTruthError(str(error)) from error


def _of_yaml(name: str, text: str) -> ClassList | None:
    """By its nodes, in which every scalar is a text: "no" is a name and not false."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        if line is None:
            raise GroundTruthError(_("broken YAML")) from error
        raise GroundTruthError(_("broken YAML at line {line}", line=line + 1)) from error
    if not isinstance(root, yaml.MappingNode):
        raise GroundTruthError(_("expected a YAML with names"))
    pairs = root.value
    fields = [(key.value, value) for key, value in pairs if isinstance(key, yaml.ScalarNode)]
    keys = [key for key, _value in fields]
    if not _OF_DATA_SET.intersection(keys):
        return None
    if keys.count("names") != 1:
        raise GroundTruthError(
            _("expected one list called names, got {count}", count=keys.count("names"))
        )
    values = dict(fields)
    found = _numbered(name, _entries(values["names"]), has_keypoints="kpt_shape" in keys)
    count = number(values["nc"].value) if "nc" in values else len(found.names)
    if count != len(found.names):
        raise GroundTruthError(
            _(
                "nc is {value}, and there are {count} names",
                value=shown(values["nc"].value),
                count=len(found.names),
            )
        )
    return found


def _entries(node: Any) -> list[tuple[Any, str]]:
    """Number and name, of a list or of numbers with names."""
    if isinstance(node, yaml.SequenceNode):
        pairs: list[tuple[Any, Any]] = list(enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        pairs = [(key.value, value) for key, value in node.value]
    else:
        pairs = []
    if not pairs or not all(isinstance(value, yaml.ScalarNode) for _key, value in pairs):
        raise GroundTruthError(_("expected names to be a list of texts, or numbers with texts"))
    return [(key, value.value.strip()) for key, value in pairs]


def _numbered(
    file: str, entries: Sequence[tuple[Any, str]], *, has_keypoints: bool = False
) -> ClassList:
    names: dict[int, str] = {}
    for key, name in entries:
        index = number(key)
        if index is None or index < 0 or index != int(index) or not name:
            raise GroundTruthError(
                _("expected a number and a name, got {value}", value=shown((key, name)))
            )
        if not same_name(names.setdefault(int(index), name), name):
            raise GroundTruthError(_("class number {number} has two names", number=int(index)))
    if not names:
        raise GroundTruthError(_("there are no names in it"))
    return ClassList(file, names, has_keypoints)


def _told(file: str, fault: str) -> str:
    fault = fault.removeprefix(f"{file}: ")
    return _(
        "the list of class names in {file} was not understood: {fault}", file=file, fault=fault
    )


def _is_row(line: str) -> bool:
    parts = line.split()
    return len(parts) > 4 and all(number(part) is not None for part in parts[1:5])
