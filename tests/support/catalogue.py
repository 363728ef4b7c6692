"""The catalogues of detector/locale/: `python -m tests.support.catalogue` writes them anew.

Messages are found in the syntax tree: Babel's own extraction reads over calls within f-strings.
Neither dates nor line numbers are written, so a file differs only where a message does.
"""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from detector.translation import LANGUAGES, LOCALE
from tests.support.paths import ROOT

TEMPLATE = LOCALE / "commodity_lens.pot"
FOLDERS = ("detector", "dashboard")

_HEADERS = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Language", "Plural-Forms")
_HEADER = """\
# What a visitor of Commodity Lens reads, by `make messages`."""


class _Undated(Catalog):
    """A catalogue whose header says what gettext needs, and nothing of when and who."""

    @property  # type: ignore[misc]
    def mime_headers(self) -> list[tuple[str, str]]:
        # mypy takes Babel's property for an attribute.
        headers: Any = Catalog.mime_headers
        return [pair for pair in headers.fget(self) if pair[0] in _HEADERS]


def catalogue_path(language: str) -> Path:
    """The translations into a language, as text; the compiled ones are beside them."""
    return LOCALE / language / "LC_MESSAGES" / "commodity_lens.po"


def template() -> Catalog:
    """All messages of the program, each with the files that have it."""
    found: dict[str, tuple[str | tuple[str, str], set[str]]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for message in _messages(path):
                key = message if isinstance(message, str) else message[0]
                known, files = found.setdefault(key, (message, set()))
                if known != message:
                    raise ValueError(f"{name}: {key!r} is counted in one place and not in another")
                files.add(name)
    catalog = _Undated(header_comment=_HEADER)
    for message, files in found.values():
        catalog.add(message, locations=[(name, 0) for name in sorted(files)])
    return catalog


def _messages(path: Path) -> Iterator[str | tuple[str, str]]:
    calls = [
        (node.lineno, node.col_offset, node.func.id, node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    for _line, _column, name, node in sorted(calls, key=lambda call: call[:2]):
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        if name in ("_", "noted") and texts:
            yield str(texts[0])
        elif name == "plural" and len(texts) > 1:
            yield str(texts[0]), str(texts[1])


def translated(language: str) -> Catalog:
    """The catalogue of a language as it is in its file."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language)


def as_text(catalog: Catalog) -> bytes:
    """The content of a .pot or .po file."""
    text = BytesIO()
    write_po(
        text,
        _undated(catalog),
        width=100,
        sort_by_file=True,
        include_lineno=False,
        ignore_obsolete=True,
    )
    return text.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """The content of a .mo file."""
    binary = BytesIO()
    write_mo(binary, _undated(catalog))
    return binary.getvalue()


def places(text: str) -> list[str]:
    """The named places of a message, sorted; with how they are written, `{share:.0f}`."""
    return sorted(re.findall(r"\{[^{}]*\}", text))


def _undated(catalog: Catalog) -> Catalog:
    # Dates that are given are not asked of the clock.
    epoch = datetime.fromtimestamp(0, UTC)
    copy = _Undated(
        catalog.locale,
        header_comment=_HEADER,
        creation_date=epoch,
        revision_date=epoch,
        fuzzy=False,
    )
    for message in catalog:
        if message.id:
            copy[message.id] = message
    return copy


def main() -> None:
    """Write the template, bring each language up to it, and compile it.

    A message that is new or another than it was comes without a translation; tests tell of it.
    """
    messages = template()
    TEMPLATE.write_bytes(as_text(messages))
    for language in LANGUAGES:
        path = catalogue_path(language)
        if not path.exists():  # English
            continue
        catalog = translated(language)
        catalog.update(messages, no_fuzzy_matching=True)
        path.write_bytes(as_text(catalog))
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        missing = [message.id for message in catalog if message.id and not message.string]
        print(f"{language}: {len(catalog)} messages, {len(missing)} of them not translated")


if __name__ == "__main__":
    main()
