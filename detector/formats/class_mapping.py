"""class-names.json: which label of the model each class name of a ground truth stands for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from detector.errors import GroundTruthError
from detector.formats.names import ClassNames
from detector.formats.typed_json import JsonError, parse, shown, typed
from detector.translation import _, noted

FORMAT = "commodity-lens-class-names"
VERSION = 1
# The format stands at the head of the file: nothing else is parsed for it.
_HEAD_BYTES = 1000

ClassMapping = Mapping[str, str | None]

_HINT = noted("Use a class-names.json that was saved for a model with these labels.")


class _File(msgspec.Struct):
    class_names: dict[str, str | None]


def write_class_mapping(mapping: ClassMapping) -> bytes:
    """class-names.json: name in the ground truth -> label, or null for none of the model's."""
    content = {"format": FORMAT, "version": VERSION, "class_names": dict(mapping)}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read_class_mapping(data: bytes, labels: Sequence[str]) -> ClassMapping:
    """The mapping in a class-names.json: name in the ground truth -> label, or None.

    Args:
        labels: the model's; index = class id, background first.

    Raises:
        GroundTruthError: not such a file, a newer version, or a label that the model has not.
    """
    try:
        return of_content(parse(data), labels)
    except JsonError as error:
        raise GroundTruthError(str(error), _(_HINT)) from error


def agreed(mappings: Iterable[tuple[str, ClassMapping]]) -> tuple[ClassMapping, list[str]]:
    """What several files say together, and in words where two contradict each other: of such a name
    none is believed.

    Args:
        mappings: a file's name, and its mapping.
    """
    said: dict[str, dict[str | None, str]] = {}
    for file, mapping in mappings:
        for name, label in mapping.items():
            said.setdefault(name, {}).setdefault(label, file)
    contradictions = [
        _(
            "these say different things of {name}, so none is believed: {files}",
            files=", ".join(f"{file} ({label or '–'})" for label, file in labels.items()),
            name=shown(name),
        )
        for name, labels in said.items()
        if len(labels) > 1
    ]
    return {n: next(iter(labels)) for n, labels in said.items() if len(labels) == 1}, contradictions


def is_class_mapping(content: Any) -> bool:
    """Whether the content of a JSON is such a file."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def has_class_mapping(data: bytes) -> bool:
    """Whether a file is such a file, whatever its name."""
    if FORMAT.encode() not in data[:_HEAD_BYTES]:
        return False
    try:
        return is_class_mapping(parse(data))
    except JsonError:
        return False


def of_content(content: Any, labels: Sequence[str]) -> ClassMapping:
    """The same of a parsed JSON. Raises GroundTruthError."""
    if not is_class_mapping(content):
        message = _('expected a JSON object with "format": "{format}"', format=FORMAT)
        raise GroundTruthError(message, _(_HINT))
    if content.get("version") != VERSION:
        message = _(
            "the file has version {version}, expected {expected}",
            version=shown(content.get("version")),
            expected=VERSION,
        )
        raise GroundTruthError(message, _("Save it again with this release."))
    try:
        mapping = typed(content, _File).class_names
    except JsonError as error:
        raise GroundTruthError(str(error), _(_HINT)) from error
    names = ClassNames(labels)
    for name, label in mapping.items():
        if label is not None and names.id(label) is None:
            message = _(
                "{name} is mapped to {label}, which is no label of the model; it has {labels}",
                name=shown(name),
                label=shown(label),
                labels=", ".join(labels[1:]),
            )
            raise GroundTruthError(message, _(_HINT))
    return mapping
