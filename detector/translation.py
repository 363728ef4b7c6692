"""The words that a visitor reads, in the visitor's language.

A language is a catalogue, `locale/LANGUAGE/LC_MESSAGES/commodity_lens.mo`, and a line in LANGUAGES:
every text stands in the code as a whole English sentence with named places,
`_("{count} of {total} images", count=3, total=9)`. `make messages` brings the catalogues up to it.
"""

import gettext
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LOCALE = Path(__file__).resolve().parent / "locale"

# What each language calls itself, by its catalogue.
LANGUAGES = {"en": "English", "zh_CN": "中文"}

language: ContextVar[str] = ContextVar("language", default="en")


def known(tag: str | None) -> str | None:
    """The language that a tag like zh-CN, zh or en-GB asks for; None: none that there is."""
    wanted = (tag or "").replace("_", "-").split("-")[0].lower()
    return next((name for name in LANGUAGES if name.split("_")[0] == wanted), None)


class Translated(str):
    """A text in another language than English. `english` is the same in English, for files."""

    english: str


def _(message: str, /, **places: object) -> str:
    """The message in the visitor's language, with its named places filled."""
    return _filled(_catalogue(language.get()).gettext(message), message, places)


def _filled(text: str, message: str, places: dict[str, object]) -> str:
    """The text with its places filled; where it is another than `message`, with its English."""
    if language.get() == "en":
        return text.format(**places) if places else text
    translated = Translated(text.format(**places) if places else text)
    in_english = {name: english(value) for name, value in places.items()}
    translated.english = message.format(**in_english) if places else message
    return translated


def english(text: T) -> T | str:
    """A text as files have it, whatever language it was made in; anything else as it is."""
    return text.english if isinstance(text, Translated) else text


def in_language(name: str, message: str, /) -> str:
    """The message in that language, whoever reads it."""
    return _catalogue(name).gettext(message)


def plural(one: str, many: str, count: int, /, **places: object) -> str:
    """The one or the other message, as the language counts; `{count}` is the number."""
    text = _catalogue(language.get()).ngettext(one, many, count)
    return _filled(text, one if count == 1 else many, {"count": count, **places})


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """The function as a thread is to call it: it speaks the language that is spoken now. A thread
    begins in English of itself."""
    spoken = language.get()

    def speaking(*args: P.args, **kwargs: P.kwargs) -> T:
        before = language.set(spoken)
        try:
            return function(*args, **kwargs)
        finally:
            language.reset(before)

    return speaking


def noted(message: str, /) -> str:
    """The message as it is, marked for the catalogues: for constants, which `_` gets later."""
    return message


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("commodity_lens", LOCALE, [name], fallback=True)
