"""Every word that a visitor reads is there in every language."""

import re

import pytest
from babel.messages.catalog import Message

from detector.translation import LANGUAGES
from tests.support import catalogue

FOREIGN = [name for name in LANGUAGES if name != "en"]
# What is drawn, run or typed and not read: icons, colours, code, what a shell or a file is given.
KEPT = re.compile(r":material/\w+:|:[a-z-]+\[|`[^`]*`|</?\w+>|--[a-z][\w-]*|[a-z]+(?:_[a-z]+)+")


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string or "",)


@pytest.fixture(params=FOREIGN)
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def messages(language: str) -> list[Message]:
    return [message for message in catalogue.translated(language) if message.id]


def test_the_template_has_the_messages_of_the_program():
    assert catalogue.TEMPLATE.read_bytes() == catalogue.as_text(catalogue.template()), (
        "run `make messages`, and translate what is new"
    )


def test_a_language_has_the_template_s_messages(language: str, messages: list[Message]):
    wanted = {ids(message) for message in catalogue.template() if message.id}
    assert {ids(message) for message in messages} == wanted, "run `make messages`"


def test_every_message_is_translated_and_none_is_a_guess(messages: list[Message]):
    assert [message.id for message in messages if not all(strings(message))] == []
    assert [message.id for message in messages if message.fuzzy] == []


def test_a_translation_has_the_named_places_of_its_message(messages: list[Message]):
    for message in messages:
        wanted = catalogue.places(ids(message)[-1])
        for text in strings(message):
            assert catalogue.places(text) == wanted, (message.id, text)


def test_a_translation_keeps_what_is_no_word(messages: list[Message]):
    for message in messages:
        original = ids(message)[-1]
        for text in strings(message):
            assert sorted(KEPT.findall(text)) == sorted(KEPT.findall(original)), text
            assert text.count("**") == original.count("**"), text
            for edge in (str.startswith, str.endswith):
                assert edge(text, " ") == edge(original, " "), text


def test_bold_in_a_translation_is_bold(messages: list[Message]):
    """Markdown ends **bold.** before a space or a mark only: with a letter after it the stars stay,
    and a Chinese sentence has no space there of itself."""
    for message in messages:
        for text in strings(message):
            parts = text.split("**")
            for inside, after in zip(parts[1::2], parts[2::2], strict=True):
                ends_with_mark = not (inside[-1].isalnum() or inside[-1] == "}")
                assert not (ends_with_mark and after[:1].isalnum()), text


def test_the_compiled_catalogue_is_of_the_text(language: str):
    binary = catalogue.catalogue_path(language).with_suffix(".mo").read_bytes()
    compiled = catalogue.compiled(catalogue.translated(language))
    assert binary == compiled, "run `make messages`"
