"""A second language is a catalogue and nothing else: no word on a page stands beside gettext."""

import ast
import gettext
import re
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from detector import translation
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("empty_caches")

PAGES = ["app.py", *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py")))]
# Data, names and units, the same in every language.
SAME = re.compile(
    r"\W*|[\d.,×%\W]+|F1|JSON|COCO JSON|Pascal VOC XML|thresholds\.json|mAP@0\.5.*|IoU|AP@0\.5|A|B"
    r"|TensorFlow Serving|embedded|commodity|newest|serving_default"
)


class Marked(gettext.NullTranslations):
    """A language in which every text stands between two marks."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def texts(app: AppTest) -> Iterator[str]:
    """What a visitor reads on the page, but for tables and figures."""
    for kind in ("markdown", "caption", "header", "subheader", "info", "warning", "error"):
        for element in getattr(app, kind):
            yield element.value
    for kind in (
        "button",
        "slider",
        "toggle",
        "selectbox",
        "multiselect",
        "text_input",
        "expander",
    ):
        for element in app.get(kind):
            yield element.label
    for metric in app.metric:
        yield metric.label


@pytest.mark.parametrize("name", PAGES)
def test_every_text_of_a_page_can_be_translated(name, embedded_server, monkeypatch):
    monkeypatch.setattr("detector.translation._catalogue", lambda language: Marked())
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app = app.run() if name == "app.py" else app.switch_page(name).run()
    assert not app.exception
    plain = [text for text in texts(app) if "⟦" not in text and not SAME.fullmatch(text)]
    assert plain == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_whose_address_asks_for_chinese_is_in_chinese(name, embedded_server, monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = "zh"
    app = app.run() if name == "app.py" else app.switch_page(name).run()
    assert not app.exception
    chinese = re.compile("[\u4e00-\u9fff]")
    plain = [text for text in texts(app) if not chinese.search(text) and not SAME.fullmatch(text)]
    assert plain == []


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("zh-CN", "zh_CN"),
        ("zh", "zh_CN"),
        ("zh_Hans_CN", "zh_CN"),
        ("ZH-tw", "zh_CN"),
        ("en-GB", "en"),
        ("de-DE", None),
        ("zhx", None),
        ("", None),
        (None, None),
    ],
)
def test_a_tag_names_a_language_that_there_is_or_none(tag, name):
    assert translation.known(tag) == name


def test_a_thread_speaks_the_language_of_whoever_began_it():
    def said() -> str:
        return translation._("Image from")

    token = translation.language.set("zh_CN")
    try:
        speaking = translation.carried(said)
    finally:
        translation.language.reset(token)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(speaking).result() == "图像来源"
        assert pool.submit(said).result() == "Image from"  # the thread itself is nobody's


def calls_of_gettext(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_call and node.func.id in ("plural", "noted"):
            yield node


def test_what_is_marked_for_translation_is_a_literal_sentence():
    marked = 0
    for path in (ROOT / "dashboard").rglob("*.py"):
        for call in calls_of_gettext(path):
            sentences = call.args[:2] if call.func.id == "plural" else call.args
            assert all(isinstance(each, ast.Constant) for each in sentences), (path, call.lineno)
            marked += 1
    assert marked > 50


def test_a_catalogue_is_all_that_a_language_needs(tmp_path, monkeypatch):
    """Written by hand as msgfmt would: a header, and one text."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "commodity_lens.mo").write_bytes(
        _mo({"": "Content-Type: text/plain; charset=UTF-8\n", "Image from": "Bild von"})
    )
    monkeypatch.setattr(translation, "LOCALE", tmp_path)
    translation._catalogue.cache_clear()
    token = translation.language.set("de")
    try:
        assert translation._("Image from") == "Bild von"
        assert translation._("{count} left", count=3) == "3 left"  # not in the catalogue
    finally:
        translation.language.reset(token)
        translation._catalogue.cache_clear()
    assert translation._("Image from") == "Image from"


def _mo(messages: dict[str, str]) -> bytes:
    """GNU's binary catalogue."""
    pairs = [(k.encode(), v.encode()) for k, v in sorted(messages.items())]
    keys_at, values_at = 28, 28 + 8 * len(pairs)
    offset = values_at + 8 * len(pairs)
    tables, strings = b"", b""
    for side in (0, 1):
        for pair in pairs:
            tables += struct.pack("<II", len(pair[side]), offset + len(strings))
            strings += pair[side] + b"\0"
    header = struct.pack("<IIIIIII", 0x950412DE, 0, len(pairs), keys_at, values_at, 0, 0)
    return header + tables + strings
