"""An error's words can be translated: no sentence of one stands beside gettext."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.batch.manifest import Result
from detector.batch.run import Done, Source, read_source
from detector.errors import ImageError
from detector.images import ImageLimits, read_file, read_image
from detector.ssd import Settings
from detector.translation import language
from tests.support.paths import ROOT

# For programmers.
OURS = {"ValueError", "TypeError", "KeyError", "AttributeError"}


def sentences_of_errors() -> Iterator[tuple[str, ast.expr]]:
    for path in (ROOT / "detector").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id.endswith("Error") and node.func.id not in OURS:
                for argument in node.args:
                    yield f"{path.name}:{node.lineno}", argument


def test_no_error_is_raised_with_words_that_cannot_be_translated():
    sentences = list(sentences_of_errors())
    plain = [
        where
        for where, argument in sentences
        if isinstance(argument, ast.JoinedStr)
        or (isinstance(argument, ast.Constant) and isinstance(argument.value, str))
    ]
    assert len(sentences) > 100
    assert plain == []


def test_an_error_speaks_the_language_of_its_reader(monkeypatch):
    class Shouting:
        def gettext(self, message: str) -> str:
            return message.upper().replace("{KIND}", "{kind}")

    monkeypatch.setattr("detector.translation._catalogue", lambda language: Shouting())
    with pytest.raises(ImageError, match=r"^THIS IS NOT AN IMAGE THAT CAN BE READ, BUT A PDF"):
        read_image(b"%PDF-1.7 ...")


def test_files_have_an_error_in_english_whoever_met_it():
    def refused() -> tuple[Result, str]:
        with pytest.raises(ImageError) as raised:
            read_source(Source("a.jpg", lambda: read_file(Path("/nothing/a.jpg"), ImageLimits())))
        return Result.of(Done(0, "a.jpg", "", error=raised.value), Settings()), str(raised.value)

    in_english, said = refused()
    assert in_english.error == said
    spoken = language.set("zh_CN")
    try:
        in_chinese, told = refused()
    finally:
        language.reset(spoken)
    assert told != said
    assert in_chinese.as_json() == in_english.as_json()
