"""manifest.json and the file of a running batch: read back, and refused where they are damaged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from detector.batch.manifest import Batch, ManifestError, Result, read_manifest, to_manifest
from detector.batch.state import State
from tests.support.detected import LABELS, NONE, TWO

BATCH = Batch(
    "commodity",
    LABELS,
    TWO.settings,
    started="2026-01-01T00:00:00+00:00",
    finished="2026-01-01T00:01:00+00:00",
    results=(
        Result("shop/shelf.jpg", "ab12", TWO),
        Result("bad.jpg", "", None, "it is no image", "Give another."),
    ),
)


def changed(path: str, value: Any) -> bytes:
    """The manifest with another value at a place such as pictures.0.size; ... = without it."""
    content = json.loads(to_manifest(BATCH))
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    inner = content
    for step in steps:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(content).encode()


def test_a_batch_of_nothing_is_read_back() -> None:
    empty = Batch("commodity", LABELS, TWO.settings)
    assert read_manifest(to_manifest(empty)) == empty


def test_a_manifest_is_read_back_to_the_last_bit() -> None:
    again = read_manifest(to_manifest(BATCH))
    assert to_manifest(again) == to_manifest(BATCH)
    assert again.header() == BATCH.header()
    assert (again.started, again.finished) == (BATCH.started, BATCH.finished)
    found = again.results[0].found
    assert found.detections.boxes.tolist() == TWO.detections.boxes.tolist()
    assert found.detections.ids == TWO.detections.ids
    assert again.results[1].hint == "Give another."


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "other", 'expected a JSON object with "format"'),
        ("version", 2, "has version 2, expected 1"),
        ("model", ..., "m.json: there is no model"),
        ("labels.1", 5, "m.json: labels[1] is 5, expected a text"),
        ("times.started", None, "m.json: times.started is None, expected a text"),
        ("settings.iou_threshold", 1.5, "settings.iou_threshold is 1.5, expected a number of at"),
        ("settings.class_thresholds", {"x": 0.5}, "in settings.class_thresholds, expected a"),
        ("settings.class_thresholds", {"-1": 0.5}, "in settings.class_thresholds, expected a"),
        ("settings.top_k", 10**30, "settings.top_k is 1000000000000000000000000000000"),
        ("pictures", {}, "m.json: pictures is {}, expected a list"),
        ("pictures.0.boxes", ..., "m.json: pictures[0]: there is no boxes"),
        ("pictures.0.size", [0, 480], "pictures[0].size[0] is 0, expected a whole number of at"),
        ("pictures.0.size", [640], "pictures[0].size is [640], expected a list of length 2"),
        ("pictures.0.model_version", 10**30, "pictures[0].model_version is 1000000"),
        ("pictures.0.boxes.1.0", 0, "pictures[0].boxes[1][0] is 0, expected a whole number of at"),
        ("pictures.0.boxes.1.0", 99, "pictures[0].boxes has class id 99, which has no label"),
        ("pictures.0.boxes.0.1", float("nan"), "pictures[0].boxes[0][1] is nan, expected a number"),
        ("pictures.0.boxes.0.2", float("inf"), "pictures[0].boxes[0][2] is inf, expected a number"),
        ("pictures.0.boxes.0.6", 1.5, "pictures[0].boxes[0][6] is 1.5, expected a whole number"),
        ("pictures.1.error", 3, "pictures[1].error is 3, expected a text"),
    ],
)
def test_a_damaged_manifest_is_an_error_that_names_the_place(
    path: str, value: Any, message: str
) -> None:
    with pytest.raises(ManifestError, match=re.escape(message)):
        read_manifest(changed(path, value), "m.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 100_000, b"1" * 5000, b"{}"])
def test_what_is_no_manifest_is_an_error(data: bytes) -> None:
    with pytest.raises(ManifestError):
        read_manifest(data)


def test_a_state_gives_back_what_was_done_and_bad_images_are_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "state"
    state = State(file, BATCH)
    for result in BATCH.results:
        state.add(result, "shelf-detected.png")
    state.close()
    file.write_bytes(file.read_bytes() + b'{"name": "cut')
    started, found = State.read(file, BATCH)
    assert started == BATCH.started
    assert {key: drawn for key, (_, drawn) in found.items()} == {
        ("shop/shelf.jpg", "ab12"): "shelf-detected.png"
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nonsense", "broken JSON at line 1"),
        (b"5", "line 2 is 5, expected an object"),
        (b'{"name": "a", "sha256": "b", "size": [1, 1], "model_version": 1, "boxes": []}',
         "line 2: there is no file"),
    ],
)  # fmt: skip
def test_a_damaged_state_is_an_error_that_names_the_place(
    tmp_path: Path, line: bytes, message: str
) -> None:
    file = tmp_path / "state"
    State(file, BATCH).close()
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(ManifestError, match=re.escape(message)) as caught:
        State.read(file, BATCH)
    assert caught.value.hint == "Start again without --resume."


def test_a_state_whose_first_line_was_cut_off_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_bytes(b'{"format": "commod')
    state = State(file, BATCH)
    state.add(BATCH.results[0], "shelf-detected.png")
    state.close()
    assert len(State.read(file, BATCH)[1]) == 1


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    State(file, BATCH).close()
    other = Batch("other", LABELS, NONE.settings or TWO.settings)
    with pytest.raises(ManifestError, match="model 'commodity', not 'other'"):
        State.read(file, other)
