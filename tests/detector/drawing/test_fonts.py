"""Fonts for texts that Pillow draws."""

import pytest

from detector.drawing import fonts
from detector.drawing.fonts import drawable, font_for, untold

PRIVATE = "\ue123"  # for private use: no font has it


@pytest.mark.parametrize("text", ["", "0.93, watch", "café ½ Größe", "椅子", "いす イス", "의자"])
def test_a_text_is_drawn_with_its_own_letters(text: str) -> None:
    assert drawable(text) == text
    assert untold([text]) == ""
    font = font_for(text, 20)
    missing = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(c)) != missing for c in text if not c.isspace())


def test_a_text_of_ascii_keeps_pillows_own_font_and_one_in_chinese_has_another() -> None:
    assert font_for("watch", 20).getname()[0] == "Aileron"
    assert font_for("0.93, 椅子", 20).getname()[0].startswith("Noto Sans CJK SC")


def test_a_letter_of_no_font_is_a_question_mark_and_named() -> None:
    assert drawable(f"a{PRIVATE}椅") == "a?椅"
    assert f"has {PRIVATE}:" in untold(["watch", f"a{PRIVATE}"])


def test_without_fontconfig_the_fonts_at_hand_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts._source_for.cache_clear()
    fonts._of_system.cache_clear()
    monkeypatch.setenv("PATH", "")
    thai = "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35"  # two of them stand over the letter before
    assert drawable(f"椅{thai}") == "椅??????"
