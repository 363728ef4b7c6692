"""Files of numbers that somebody else wrote: whatever stands in them, an error or a sound value."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from detector.batch.manifest import Batch, ManifestError, Result, read_manifest, to_manifest
from detector.batch.state import State
from detector.errors import ConfigError, LensError
from detector.formats.card import read_card
from detector.formats.thresholds import read_thresholds, write_thresholds
from detector.ssd import Settings
from tests.support.detected import LABELS, TWO

SETTINGS = Settings(class_thresholds={1: 0.5}, classes=frozenset({1, 2}))
BATCH = Batch(
    "commodity",
    LABELS,
    SETTINGS,
    started="2026-01-01T00:00:00+00:00",
    results=(Result("a.jpg", "ab12", TWO), Result("b.jpg", "", None, "no image", "Give another.")),
)
CARD = {
    "task": "finds things",
    "figures": {
        "data": "100 images",
        "all": {"mAP50": 0.8},
        "classes": {"watch": {"AP50": 0.5, "best_F1": 0.5, "best_F1_threshold": 0.5}},
    },
    "known_weaknesses": ["books"],
    "data": {"licences": "CC0"},
}
DEEP = "[" * 900 + "]" * 900
# As they stand in the file: some of them no writer of Python's would give.
VALUES = [
    *("1e400", "-1e400", "Infinity", "-Infinity", "NaN", "1e-400", "-0.0", "1.5", "1e30", "1e300"),
    *("0", "1", "-1", "99", str(2**31), str(2**53), str(2**63), str(2**64), "1" + "0" * 30),
    *("1" + "0" * 400, "1" * 5000, DEEP, '{"a":' * 900 + "1" + "}" * 900),
    *("null", "true", "[]", "{}", '""', '"x"', '"../x"', '"\\u0000"', '"\\ud800"', '"1"', "[1]"),
    *('{"1e400": 1}', '{"-1": 0.5}', '{"99": 0.5}', '{"0": 0.5}', '{"%s": 0.5}' % ("9" * 5000)),
]


def places(value: Any, path: tuple = ()) -> list[tuple]:
    found = [path]
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(each, (*path, key))
    return found


def spoiled(content: Any, rng: random.Random) -> bytes:
    """The content with one to three of its values replaced."""
    content = json.loads(json.dumps(content))
    for number in range(rng.choice([1, 1, 1, 2, 3])):
        *steps, last = rng.choice(places(content)[1:])
        inner = content
        for step in steps:
            inner = inner[step]
        inner[last] = f"@{number}@"
    text = json.dumps(content)
    for number in range(3):
        text = text.replace(f'"@{number}@"', rng.choice(VALUES))
    return text.encode()


def check_batch(batch: Batch) -> None:
    """What was read can be true."""
    count = len(batch.labels)
    settings = batch.settings
    assert all(0 < key < count for key in {*settings.class_thresholds, *(settings.classes or ())})
    for found in (result.found for result in batch.results if result.found is not None):
        boxes, (width, height) = found.detections.boxes, found.size
        assert (found.detections.class_ids > 0).all()
        assert (found.detections.class_ids < count).all()
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert (boxes[:, :2] <= boxes[:, 2:]).all()
    again = read_manifest(to_manifest(batch))
    assert to_manifest(again) == to_manifest(batch)


@pytest.mark.parametrize("seed", range(4))
def test_a_manifest_with_any_values_is_refused_or_can_be_true(seed: int) -> None:
    rng = random.Random(seed)
    content = json.loads(to_manifest(BATCH))
    for _ in range(500):
        try:
            batch = read_manifest(spoiled(content, rng))
        except ManifestError:
            continue
        check_batch(batch)


@pytest.mark.parametrize("seed", range(4))
def test_a_state_with_any_values_is_refused_or_can_be_true(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    file = tmp_path / "state"
    state = State(file, BATCH)
    for result in BATCH.results:
        state.add(result, "a-detected.png")
    state.close()
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    for _ in range(300):
        place = rng.randrange(len(lines))
        written = [json.dumps(line).encode() for line in lines]
        written[place] = spoiled(lines[place], rng)
        file.write_bytes(b"\n".join(written) + b"\n")
        try:
            started, found = State.read(file, BATCH)
        except ManifestError:
            continue
        json.dumps(started).encode()
        for result, drawn in found.values():
            assert Path(drawn).name == drawn
            check_batch(Batch("commodity", LABELS, SETTINGS, results=(result,)))


@pytest.mark.parametrize("seed", range(4))
def test_thresholds_with_any_values_are_refused_or_in_0_to_1(seed: int) -> None:
    rng = random.Random(seed)
    content = json.loads(write_thresholds(SETTINGS, LABELS))
    for _ in range(500):
        try:
            point = read_thresholds(spoiled(content, rng), LABELS)
        except LensError:
            continue
        assert all(0 <= v <= 1 for v in (point.score_threshold, *point.class_thresholds.values()))


@pytest.mark.parametrize("seed", range(4))
def test_a_card_with_any_values_is_refused_or_has_shares(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    file = tmp_path / "card.json"
    for _ in range(500):
        file.write_bytes(spoiled(CARD, rng))
        try:
            card = read_card(file)
        except ConfigError:
            continue
        figures = [*card.precisions.values()]
        for each in card.classes:
            figures += [each.average_precision, each.best_f1, each.best_f1_threshold]
        assert all(value is None or 0 <= value <= 1 for value in figures)
        assert not any(value is not None and math.isnan(value) for value in figures)
        json.dumps(card.whole, allow_nan=True)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("settings.classes", [0], r"settings has class id 0, which has no"),
        ("settings.classes", [99], r"settings has class id 99, which has no"),
        ("settings.class_thresholds", {"99": 0.5}, r"settings has class id 99, which has no"),
        ("settings.class_thresholds", {"0": 0.5}, r"settings has class id 0, which has no"),
        ("pictures.0.boxes.0.4", 1e6, r"pictures\[0\]\.boxes\[0\] is .* is not in an image of"),
        ("pictures.0.boxes.0.2", 639.5, r"pictures\[0\]\.boxes\[0\] is .* is not in an image of"),
        ("pictures.0.size", [2**40, 5], r"pictures\[0\]\.size\[0\] is 1099511627776"),
        ("pictures.0.sha256", "../x", r"pictures\[0\]\.sha256 is '\.\./x', expected"),
    ],
)
def test_a_lie_in_a_manifest_is_named(path: str, value: Any, message: str) -> None:
    content = json.loads(to_manifest(BATCH))
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    inner = content
    for step in steps:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(ManifestError, match=message):
        read_manifest(json.dumps(content).encode())
