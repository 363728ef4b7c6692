"""The model card of others and our own."""

import json
from pathlib import Path
from typing import Any

import pytest

from detector.errors import ConfigError
from detector.formats.card import ClassFigures, read_card


def file_of(content: Any, folder: Path) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(content))
    return path


def test_a_card_that_says_nothing_is_empty(tmp_path: Path) -> None:
    card = read_card(file_of({"figures": None, "data": None}, tmp_path))
    assert (card.task, card.measured_on, card.licences) == ("", "", "")
    assert (len(card.precisions), len(card.weaknesses), len(card.classes)) == (0, 0, 0)


def test_what_a_card_says_is_taken_and_a_number_that_is_none_is_missing(tmp_path: Path) -> None:
    figures = {
        "data": "40 images",
        "all": {"mAP50": 0.5},
        "scene": {"mAP50": float("nan")},
        "classes": {"cat": {"AP50": 1, "best_F1": None, "best_F1_threshold": 0.25}},
    }
    content = {
        "task": "cats",
        "figures": figures,
        "known_weaknesses": ["small ones"],
        "data": {"licences": "mixed"},
        "more": 1,
    }
    card = read_card(file_of(content, tmp_path))
    assert (card.task, card.measured_on, card.licences) == ("cats", "40 images", "mixed")
    assert card.precisions == {"all": 0.5, "scene": None}
    assert list(card.weaknesses) == ["small ones"]
    assert list(card.classes) == [ClassFigures("cat", 1.0, None, 0.25)]
    assert card.whole["more"] == 1


def test_the_shipped_card_has_figures_for_every_class(model_base_path: Path) -> None:
    card = read_card(model_base_path / "1" / "card.json")
    assert set(card.precisions) == {"all", "product", "scene"}
    assert len(card.classes) == 8
    assert all(entry.best_f1_threshold for entry in card.classes)
    assert card.weaknesses


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r"\[\], expected an object"),
        ({"task": 5}, "task is 5, expected a text or null"),
        ({"figures": {"all": {"mAP50": "x"}}}, r"figures\.all\.mAP50 is 'x', expected a number"),
        (
            {"figures": {"classes": {"cat": {"AP50": []}}}},
            r"figures\.classes\['cat'\]\.AP50 is \[\], expected a number or null",
        ),
        ({"known_weaknesses": [1]}, r"known_weaknesses\[0\] is 1, expected a text"),
    ],
)
def test_a_damaged_card_is_an_error_that_names_the_place(
    content: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_card(file_of(content, tmp_path))
    assert "training.evaluate" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_an_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="broken JSON"):
        read_card(path)
