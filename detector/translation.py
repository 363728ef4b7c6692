"""The words that a visitor reads, in the visitor's language.

A language is a catalogue, `locale/LANGUAGE/LC_MESSAGES/commodity_lens.mo`, and a line in LANGUAGES:
every text stands in the code as a whole English sentence with named places,
`_("{count} of {total} images", count=3, total=9)`. `make messages` brings the catalogues up to it.
"""

import gettext
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parent / "locale"

# What each language calls itself, by its catalogue.
LANGUAGES = {"en": "English", "zh_CN": "中文"}

language: ContextVar[str] = ContextVar("language", default="en")


def known(tag: str | None) -> str | None:
    """The language that a tag like zh-CN, zh or en-GB asks for; None: none that there is."""
    wanted = (tag or "").replace("_", "-").split("-")[0].lower()
    return next((name for name in LANGUAGES if name.split("_")[0] == wanted), None)


def _(message: str, /, **places: object) -> str:
    """The message in the visitor's language, with its named places filled."""
    text = _catalogue(language.get()).gettext(message)
    return text.format(**places) if places else text


def plural(one: str, many: str, count: int, /, **places: object) -> str:
    """The one or the other message, as the language counts; `{count}` is the number."""
    text = _catalogue(language.get()).ngettext(one, many, count)
    return text.format(count=count, **places)


def noted(message: str, /) -> str:
    """The message as it is, marked for the catalogues: for constants, which `_` gets later."""
    return message


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("commodity_lens", LOCALE, [name], fallback=True)
