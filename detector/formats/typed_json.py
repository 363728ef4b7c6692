"""JSON that others wrote, as typed values; errors say where, what is there and what was expected.

Python's own parser reads the text: it knows the line and column of a fault, and the NaN that
Python's writers leave behind. msgspec then checks each value against a type.
"""

import json
import re
import reprlib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

# No file of ours, nor one of ground truth, is a tenth as deep; what is deeper overflows readers.
_MAX_DEPTH = 100

# Looks at the beginning of a value only, however long or deep it is.
_REPR = reprlib.Repr()
_REPR.maxlist = _REPR.maxdict = 5
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = 60

_NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


class JsonError(ValueError):
    """A text is no JSON, or a value is not of its type. The message can be shown to a reader.

    `field` is the field of the value at which the fault is; "" = the value itself.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def parse(data: bytes) -> Any:
    """The value that a JSON text holds. Raises JsonError, with line and column where known."""
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        raise JsonError(
            f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:  # not Unicode; numbers or nesting without end
        raise JsonError(f"broken JSON: {error}") from error
    if not _is_shallow(value):
        raise JsonError(f"broken JSON: lists or objects more than {_MAX_DEPTH} deep")
    return value


def _is_shallow(value: Any) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in (dict, list)
        ]
        if not level:
            return True
    return False


def typed(value: Any, kind: type[T], at: str = "") -> T:
    """A value of parsed JSON as a msgspec type.

    Args:
        kind: fields that it does not name are left aside; whole numbers may be keys of objects.
        at: where the value stands in the file, for errors.

    Raises:
        JsonError: "images[3].size[0] is 'x', expected a whole number".
    """
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        place = re.search(r"(?:field `|\$\.)(\w+)", str(error))
        raise JsonError(_in_words(str(error), value, at), place[1] if place else "") from error
    except OverflowError as error:  # a whole number where a float is wanted
        raise JsonError(f"{at + ': ' if at else ''}a number is too large") from error
    except UnicodeEncodeError as error:  # JSON can spell half a character: "\\ud800"
        raise JsonError(f"{at + ' is ' if at else ''}{shown(value)}: not Unicode") from error


def shown(value: object) -> str:
    """A value of a file as text that is short and printable."""
    text = _REPR.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _in_words(message: str, value: Any, at: str) -> str:
    """msgspec's "Expected `float`, got `str` - at `$.bbox[0]`" with the value that is there."""
    what, _, path = message.partition(" - at ")
    path = path.removeprefix("`key` in ").strip("`").removeprefix("$")
    where = f"{at}{path}" if at else path.removeprefix(".")
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
        return f"{where}: there is no {missing[1]}" if where else f"there is no {missing[1]}"
    expected = re.sub(r", got .*", "", what).removeprefix("Expected ")
    expected = re.sub(r"`([^`]*)`", lambda kinds: _nouns(kinds[1]), expected)
    expected = expected.replace(">= ", "of at least ").replace("<= ", "of at most ")
    if "[...]" in path or "`key`" in message:  # somewhere in an object: msgspec does not say where
        return f"in {where.removesuffix('[...]')}, expected {expected}"
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
    subject = f"{where} is {shown(value)}" if where else shown(value)
    return f"{subject}, expected {expected}" if expected != what else f"{subject}: {what.lower()}"


def _nouns(kinds: str) -> str:
    names = kinds.split(" | ")
    return " or ".join(
        _NOUNS.get(name, name) for name in names if name != "int" or "float" not in names
    )
