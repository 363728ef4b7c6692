"""Python and JavaScript agree on what they hand to each other."""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from dashboard import asking, following, images, media, present
from dashboard.compare import swipe
from dashboard.detect import live, share
from dashboard.thresholds import mending, texts
from dashboard.video import player
from detector.asking import Place
from detector.drawing import viewer

NAMES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
# Where Python's type says less than the other side's, or says it by another name.
ALIASES = {viewer.Mode: "Mode", Mapping[str, Any]: "Texts"}


def interfaces(folder: str) -> dict[str, dict[str, str]]:
    """The fields of each interface of the folder's types.d.ts, with their types."""
    source = (media.FRONTEND / folder / "types.d.ts").read_text("utf-8")
    found = re.findall(r"^export interface (\w+) \{\n(.*?)^\}", source, re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"(\w+): (.+)", body)) for name, body in found}


def in_typescript(hint: Any) -> str:
    if hint in ALIASES:
        return ALIASES[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        return f"{in_typescript(arguments[0])}[]"
    if origin is dict:
        return f"Record<{', '.join(map(in_typescript, arguments))}>"
    if origin is tuple:
        return f"[{', '.join(map(in_typescript, arguments))}]"
    if origin is types.UnionType:
        return " | ".join(map(in_typescript, arguments))
    return hint.__name__ if dataclasses.is_dataclass(hint) else NAMES[hint]


@pytest.mark.parametrize(
    ("folder", "made"),
    [
        ("viewer", viewer.ViewerData),
        ("viewer", viewer.View),
        ("viewer", viewer.ViewSettings),
        ("viewer", viewer.Pairs),
        ("viewer", viewer.Judgement),
        ("viewer", viewer.GroundTruthBoxes),
        ("swipe", swipe.SwipeData),
        ("swipe", swipe.KindOfBox),
        ("swipe", swipe.Side),
        ("swipe", swipe.Box),
        ("swipe", swipe.LabelPlace),
        ("ask", asking.AskData),
        ("ask", asking.Box),
        ("ask", Place),
        ("mend", mending.MendData),
        ("mend", mending.MendBox),
        ("mend", mending.MendDetection),
        ("bring", images.BringData),
        ("live", live.LiveData),
        ("video", player.VideoData),
        ("present", present.PresentData),
        ("follow", following.FollowData),
        ("follow", following.Slider),
        ("follow", following.Pairing),
        ("share", share.ShareData),
    ],
)
def test_the_fields_are_those_of_the_types_file(folder: str, made: type):
    fields = {name: in_typescript(hint) for name, hint in get_type_hints(made).items()}
    assert fields == interfaces(folder)[made.__name__]


def test_the_modes_are_those_of_the_types_file():
    source = (media.FRONTEND / "viewer" / "types.d.ts").read_text("utf-8")
    expected = " | ".join(f'"{mode}"' for mode in get_args(viewer.Mode))
    assert get_origin(viewer.Mode) is Literal
    assert f"export type Mode = {expected}\n" in source


@pytest.mark.parametrize(
    ("folder", "given"),
    [
        ("viewer", texts.texts),
        ("live", live.texts),
        ("video", partial(player.texts, "h264")),
        ("present", present.texts),
    ],
)
def test_a_component_is_given_every_text_that_it_says_and_no_other(
    folder: str, given: Callable[[], dict[str, texts.Text]]
):
    kinds = {str: "string", list: "string[]", dict: "Plural"}
    types_of_texts = {name: kinds[type(text)] for name, text in given().items()}
    assert types_of_texts == interfaces(folder)["Texts"]
    for text in given().values():
        assert not isinstance(text, dict) or set(text) == {"one", "other"}


def test_the_parts_that_the_markup_names_have_texts():
    markup = (media.FRONTEND / "viewer" / "markup.html").read_text("utf-8")
    names = re.findall(r'data-(?:label|title)="(\w+)"', markup)
    assert len(names) == 9
    assert {type(texts.texts().get(name)) for name in names} == {str}


def test_the_address_of_the_files_changes_with_them(tmp_path: Path):
    (tmp_path / "main.js").write_text("one")
    (tmp_path / "parts").mkdir()
    first = media.digest_of(tmp_path)
    assert media.digest_of(tmp_path) == first
    (tmp_path / "main.js").write_text("two")
    second = media.digest_of(tmp_path)
    (tmp_path / "parts" / "more.js").write_text("")
    assert len({first, second, media.digest_of(tmp_path)}) == 3
