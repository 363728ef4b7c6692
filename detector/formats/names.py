"""Names in files of ground truth: which class of the model is meant, and which image at hand.

Names are compared in one Unicode form (NFC), for macOS writes "é" as two characters. An exact match
comes first; case, and for images the folders, are left out where only one then fits.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

Sizes = Mapping[str, tuple[int, int]]  # file name -> (width, height) in pixels
Id = int | float | str  # of an image or a category, as COCO's files have it

_WHOLE = re.compile(r"\s*([0-9]{1,20})(?:\.0*)?\s*")

# What a name may be mapped to in place of a label: it is none of the model's classes.
NO_CLASS = 0

# Browsers write these characters of a file's name so when they send it (WHATWG's HTML standard).
_SENT = {"%22": '"', "%0D": "\r", "%0A": "\n"}
# Folders that say what is in them, not of which part of a data set it is.
_FOLDERS_OF_KINDS = {"images", "labels", "annotations", "jpegimages", "imgs", "img", "data"}
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_OF_SPLITS = frozenset(_SPLITS.values())
# More images of one name than this are told apart by their whole path alone, or it takes too long.
_MAX_ALIKE = 200
# Label Studio puts eight hexadecimal digits before the name of an upload.
_HASHED = re.compile(r"[0-9a-f]{8}-(?=.)")


class ClassNames:
    """Class ids by label. The background is nobody's label.

    Attributes:
        foreign: names that were asked for and are no labels -> how often one was asked for alone.
    """

    def __init__(
        self, labels: Sequence[str], mapping: Mapping[str, str | None] | None = None
    ) -> None:
        """
        Args:
            labels: the model's; index = class id, background first.
            mapping: name in the files -> label; None = none of the model's classes.
        """
        self._exact = {_form(label): index for index, label in enumerate(labels) if index > 0}
        self._folded = _unique((_folded(label), i) for i, label in enumerate(labels) if i > 0)
        self._mapping = {_form(name): label for name, label in (mapping or {}).items()}
        self._mapped = {_folded(name): name for name in self._mapping}
        self.foreign: Counter[str] = Counter()

    def id(self, name: str) -> int | None:
        """The class id; NO_CLASS where the mapping says that it is none; None = not known."""
        return self._id(name, 1)

    def ids(self, names: Iterable[str]) -> frozenset[int]:
        """Those of the model's classes among them."""
        return frozenset(class_id for name in names if (class_id := self._id(name, 0)))

    def _id(self, name: str, uses: int) -> int | None:
        form, own = _form(name), self._own(name)
        mapped = form if form in self._mapping else self._mapped.get(_folded(name))
        if mapped is not None and (own is None or mapped == form):
            self.foreign[form] += uses
            label = self._mapping[mapped]
            return NO_CLASS if label is None else self._own(label)
        if form and own is None:
            self.foreign[form] += uses
        return own

    def _own(self, name: str) -> int | None:
        return self._exact.get(_form(name), self._folded.get(_folded(name)))


class ImageNames:
    """The images at hand, by name."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self._paths = {name: _path(name) for name in sizes}
        self._folders = {name: _folders(path) for name, path in self._paths.items()}
        self._by_path: dict[PurePosixPath, list[str]] = {}
        self._by_base, self._by_stem = _Index(), _Index()
        for name, path in self._paths.items():
            self._by_path.setdefault(path, []).append(name)
            folders = self._folders[name]
            self._by_base.add(path.name.casefold(), folders, name)
            self._by_stem.add(path.stem.casefold(), folders, name)

    def named(self, name: str) -> str | None:
        """The image of that name; None where none or several fit."""
        if name in self.sizes:
            return name
        path = _path(name)
        whole = self._by_path.get(path, [])
        if len(whole) == 1:
            return whole[0]
        base = path.name.casefold()
        found = self._by_base.of(base, path) or self._by_base.of(_without_hash(base), path)
        of_case = [image for image in found if self._paths[image].name == path.name]
        return self._chosen(of_case, path) or self._chosen(found, path)

    def with_stem(self, name: str) -> str | None:
        """The image of that name but for the ending; None where none or several fit."""
        path = _path(name)
        stem = path.stem.casefold()
        found = (
            self._by_stem.of(stem, path)
            or self._by_stem.of(_without_hash(stem), path)
            or self._by_base.of(stem, path)  # desk.jpg.txt
        )
        of_case = [image for image in found if self._paths[image].stem == path.stem]
        return self._chosen(of_case, path) or self._chosen(found, path)

    def nearness(self, name: str, image: str) -> tuple[int, int]:
        """How well a name fits an image: exactly, but for the case, or less; and in its folders."""
        path, own = _path(name), self._paths[image]
        stems = (own.stem, own.name)
        is_exact = path.stem in stems
        is_folded = path.stem.casefold() in [stem.casefold() for stem in stems]
        return is_exact + is_folded, _shared(_folders(path), self._folders[image])

    def _chosen(self, images: Sequence[str], path: PurePosixPath) -> str | None:
        """The one of the images in whose folders the path fits best."""
        folders = _folders(path)
        fitting = [image for image in images if _can_be(folders, self._folders[image])]
        if len(fitting) > 1:
            shared = {image: _shared(folders, self._folders[image]) for image in fitting}
            fitting = [image for image in fitting if shared[image] == max(shared.values())]
        return fitting[0] if len(fitting) == 1 else None


class _Index:
    """Images by a part of their name, and of one such part by their innermost folder."""

    def __init__(self) -> None:
        self._images: dict[str, dict[str, list[str]]] = {}

    def add(self, key: str, folders: Sequence[str], image: str) -> None:
        by_folder = self._images.setdefault(key, {})
        by_folder.setdefault(folders[0] if folders else "", []).append(image)

    def of(self, key: str, path: PurePosixPath) -> list[str]:
        """Those that may fit: of the same innermost folder, else all; none where they are many."""
        by_folder = self._images.get(key, {})
        folders = _folders(path)
        found = by_folder.get(folders[0], []) if folders else []
        if not found and len(by_folder) <= _MAX_ALIKE:
            found = [image for images in by_folder.values() for image in images]
        return found if len(found) <= _MAX_ALIKE else []


def in_folder_of(file: str, name: str) -> str:
    """The name of an image with the folder of the file that it stands in, where it has no own."""
    folder = PurePosixPath(file.replace("\\", "/")).parent
    return name if "/" in name or "\\" in name else str(folder / name)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same in one Unicode form."""
    return _form(one) == _form(other)


def same_id(value: Id) -> Id:
    """An id as it is compared: "1" and 1.0 are 1."""
    if isinstance(value, str) and (whole := _WHOLE.fullmatch(value)):
        return int(whole[1])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def path_of(name: str) -> PurePosixPath:
    """A file name to compare with others: "/" between folders, one Unicode form, lower case."""
    return PurePosixPath(str(_path(name)).casefold())


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", _form(name).casefold())


def _unique(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, list[int]] = {}
    for name, index in pairs:
        found.setdefault(name, []).append(index)
    return {name: indices[0] for name, indices in found.items() if len(indices) == 1}


def _path(name: str) -> PurePosixPath:
    for sent, character in _SENT.items():
        name = name.replace(sent, character)
    return PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))


def _folders(path: PurePosixPath) -> list[str]:
    """The folders that tell parts of a data set apart, innermost first; splits in one word."""
    parts = [part.casefold() for part in reversed(path.parent.parts)]
    return [_SPLITS.get(part, part) for part in parts if part not in _FOLDERS_OF_KINDS]


def _shared(folders: Sequence[str], others: Sequence[str]) -> int:
    """How many folders are the same, from the innermost one on."""
    count = 0
    for one, other in zip(folders, others, strict=False):
        if one != other:
            break
        count += 1
    return count


def _can_be(folders: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the two are not of different parts (train, val, test) of a data set."""
    one, other = _OF_SPLITS.intersection(folders), _OF_SPLITS.intersection(others)
    return not one or not other or one == other


def _without_hash(name: str) -> str:
    return _HASHED.sub("", name, count=1)
