"""JSON that others wrote, as typed values; errors say where, what is there and what was expected.

Python's own parser reads the text: it knows the line and column of a fault, and the NaN that
Python's writers leave behind. msgspec then checks each value against a type.
"""

import json
import re
import reprlib
from typing import Any, TypeVar

import msgspec

from detector.translation import _, noted

T = TypeVar("T")

# No file of ours, nor one of ground truth, is a tenth as deep; what is deeper overflows readers.
_MAX_DEPTH = 100

# Looks at the beginning of a value only, however long or deep it is.
_REPR = reprlib.Repr()
_REPR.maxlist = _REPR.maxdict = 5
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = 60

_NOUNS = {
    "int": noted("a whole number"),
    "float": noted("a number"),
    "str": noted("a text"),
    "bool": noted("true or false"),
    "null": noted("null"),
    "array": noted("a list"),
    "object": noted("an object"),
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
        value = json.loads(data, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        message = _(
            "broken JSON at line {line}, column {column}: {fault}",
            line=error.lineno,
            column=error.colno,
            fault=error.msg,
        )
        raise JsonError(message) from error
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:  # not Unicode; numbers or nesting without end
        raise JsonError(_("broken JSON: {fault}", fault=error)) from error
    if not _is_shallow(value):
        raise JsonError(_("broken JSON: lists or objects more than {depth} deep", depth=_MAX_DEPTH))
    return value


def _is_shallow(value: Any) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _depth in range(_MAX_DEPTH):
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
        raise JsonError(_placed(at, _("a number is too large"))) from error
    except UnicodeEncodeError as error:  # JSON can spell half a character: "\\ud800"
        raise JsonError(_placed(at, _("{value} is not Unicode", value=shown(value)))) from error


def shown(value: object) -> str:
    """A value of a file as text that is short and printable."""
    text = _REPR.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the JSON. A name that is there twice says two things: neither is taken."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(_("broken JSON: {name} is twice in one object", name=shown(twice)))
    return content


def _placed(where: str, fault: str) -> str:
    return _("{where}: {fault}", where=where, fault=fault) if where else fault


def _in_words(message: str, value: Any, at: str) -> str:
    """msgspec's "Expected `float`, got `str` - at `$.bbox[0]`" with the value that is there."""
    what, _at, path = message.partition(" - at ")
    path = path.removeprefix("`key` in ").strip("`").removeprefix("$")
    where = f"{at}{path}" if at else path.removeprefix(".")
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
        return _placed(where, _("there is no {field}", field=missing[1]))
    expected = re.sub(r", got .*", "", what).removeprefix("Expected ")
    expected = re.sub(r"`([^`]*)`", lambda kinds: _nouns(kinds[1]), expected)
    expected = expected.replace(">=", _("of at least")).replace("<=", _("of at most"))
    if "[...]" in path or "`key`" in message:  # somewhere in an object: msgspec does not say where
        place = where.removesuffix("[...]")
        return _("in {where}, expected {expected}", where=place, expected=expected)
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
    places = {"where": where, "value": shown(value), "expected": expected}
    if expected == what:
        subject = _("{where} is {value}", **places) if where else shown(value)
        return f"{subject}: {what.lower()}"
    if where:
        return _("{where} is {value}, expected {expected}", **places)
    return _("{value}, expected {expected}", **places)


def _nouns(kinds: str) -> str:
    names = kinds.split(" | ")
    return _(" or ").join(
        _(_NOUNS.get(name, name)) for name in names if name != "int" or "float" not in names
    )
