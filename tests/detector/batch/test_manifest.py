"""manifest.json and the file of a running batch: read back, and refused where they are damaged."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.batch.manifest import (
    Batch,
    Difference,
    ManifestError,
    Result,
    compare,
    now,
    program_version,
    read_manifest,
    to_manifest,
    write_whole,
)
from detector.batch.run import Done
from detector.batch.state import State
from detector.errors import ImageError
from detector.formats.detected import DetectedImage
from detector.serving import ModelVersion
from detector.ssd import RawPrediction, Settings
from detector.tiling import Tiling
from tests.support.detected import LABELS, NONE, TWO, detections
from tests.support.outputs import output_of

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


def test_every_setting_is_read_back() -> None:
    settings = Settings(0.4, 0.6, True, {2: 0.5}, frozenset({7, 4}), 7, Tiling.THREE)
    again = read_manifest(to_manifest(replace(BATCH, settings=settings)))
    assert again.settings == settings
    assert hash(again.settings) == hash(settings)


def test_a_manifest_that_says_nothing_of_tiles_is_of_none() -> None:
    assert read_manifest(changed("settings.tiles", ...)).settings.tiles is Tiling.OFF


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
        ("settings.tiles", "4x4", "m.json: settings.tiles is '4x4'"),
        ("pictures", {}, "m.json: pictures is {}, expected a list"),
        ("pictures.0.boxes", ..., "m.json: pictures[0]: there is no boxes"),
        ("pictures.0.size", [0, 480], "pictures[0].size[0] is 0, expected a whole number of at"),
        ("pictures.0.size", [640], "pictures[0].size is [640], expected a list of length 2"),
        ("pictures.0.model_version", 10**30, "pictures[0].model_version is 1000000"),
        ("pictures.0.boxes.1.0", 0, "pictures[0].boxes[1][0] is 0, expected a whole number of at"),
        ("pictures.0.boxes.1.0", len(LABELS), "pictures[0].boxes has class id 9, which has no"),
        ("pictures.0.boxes.0.1", -0.1, "pictures[0].boxes[0][1] is -0.1, expected a number of at"),
        ("pictures.0.boxes.0.2", -1, "pictures[0].boxes[0][2] is -1, expected a number of at"),
        ("pictures.0.boxes.0.5", 1e10, "pictures[0].boxes[0][5] is 10000000000.0, expected a num"),
        ("pictures.0.boxes.0.6", 2**60, f"pictures[0].boxes[0][6] is {2**60}, expected a whole"),
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


def test_a_state_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "state"
    first = State(file, BATCH)
    first.add(BATCH.results[0], "first.png")
    first.close()
    file.write_bytes(file.read_bytes() + b'{"name": "' + 10_000 * b"a")
    again = State(file, BATCH)
    again.add(replace(BATCH.results[0], name="b.jpg"), "b.png")
    # Before it is closed: a process that is killed loses nothing.
    _, found = State.read(file, BATCH)
    assert [drawn for _, drawn in found.values()] == ["first.png", "b.png"]
    assert file.read_bytes().endswith(b"}\n")
    again.close()


def test_a_state_that_was_cut_off_in_its_first_line_has_no_results(tmp_path: Path) -> None:
    file = tmp_path / "state"
    for content in (b"", b'{"format": "commod'):
        file.write_bytes(content)
        assert State.read(file, BATCH) == ("", {})


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


# Results.


def test_the_result_of_an_image_is_what_the_settings_show_of_it() -> None:
    raw = RawPrediction.from_output(output_of(3, ((0, 0, 0.5, 1), {1: 0.9, 2: 0.2})))
    settings = Settings(score_threshold=0.5)
    done = Done(0, "a.jpg", "ab12", (200, 100), raw, None, ModelVersion("commodity", 7))
    result = Result.of(done, settings)
    assert (result.name, result.digest) == ("a.jpg", "ab12")
    found = result.found
    assert found is not None
    assert (found.file_name, found.size, found.settings) == ("a.jpg", (200, 100), settings)
    assert (found.model_name, found.model_version) == ("commodity", 7)
    assert found.detections.boxes.tolist() == [[0, 0, 100, 100]]


def test_the_result_of_an_image_that_failed_is_its_error() -> None:
    failed = Done(0, "a.jpg", "ab12", error=ImageError("it is no image", "Give another."))
    result = Result.of(failed, Settings())
    assert (result.name, result.digest) == ("a.jpg", "ab12")
    assert (result.found, result.error, result.hint) == (None, "it is no image", "Give another.")
    assert Result.of(Done(0, "a.jpg", ""), Settings()).error == "no answer"


def test_the_versions_of_a_batch_are_each_there_once_and_rising() -> None:
    images = [replace(TWO, model_version=version) for version in (9, 2, 9, None)]
    results = (*(Result("a.jpg", "ab12", image) for image in images), Result("b.jpg", ""))
    assert replace(BATCH, results=results).versions == [2, 9]


def test_a_manifest_has_a_line_for_each_image() -> None:
    lines = to_manifest(BATCH).decode().splitlines()
    for result in BATCH.results:
        [line] = [line for line in lines if result.name in line]
        assert json.loads(line.rstrip(",")) == result.as_json()


# A repeated run.

BOX = (10.0, 20.0, 30.0, 40.0)


def result(*rows: tuple[float, ...], digest: str = "ab12") -> Result:
    """Rows as of `detections`: a box has the prior of its place."""
    return Result("a.jpg", digest, DetectedImage("a.jpg", (100, 100), detections(*rows)))


def in_other_order(one: Result) -> Result:
    assert one.found is not None
    turned = one.found.detections.take([1, 0])
    return replace(one, found=replace(one.found, detections=turned))


def test_two_runs_over_nothing_are_the_same() -> None:
    assert compare([], []) == ([], 0)


def test_of_equal_boxes_the_largest_change_of_a_score_is_told() -> None:
    before = [result((*BOX, 1, 0.9), (*BOX, 2, 0.5)), result((*BOX, 1, 0.7)), result()]
    after = [result((*BOX, 1, 0.9), (*BOX, 2, 0.50006)), result((*BOX, 1, 0.69998)), result()]
    differences, most = compare(before, after)
    assert differences == []
    assert most == pytest.approx(6e-5, rel=0.01)


TWO_BOXES = result((*BOX, 1, 0.9), (*BOX, 2, 0.5))
FAILED = Result("a.jpg", "ab12", None, "it is no image")


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (FAILED, FAILED, None),
        (FAILED, replace(FAILED, error="it is too large"), "it is too large"),
        (FAILED, result(), "it can be read now"),
        (result(), FAILED, "it is no image"),
        (result(), replace(FAILED, digest="", error="it is gone"), "it is gone"),
        (result(), result(digest="cd34"), "the file is another one than it was"),
        (result((*BOX, 1, 0.9)), result(), "1 boxes then, 0 now; 1 gone, 0 new"),
        (result(), TWO_BOXES, "0 boxes then, 2 now; 0 gone, 2 new"),
        (result((*BOX, 1, 0.9)), result((*BOX, 2, 0.9)), "1 boxes then, 1 now; 1 gone, 1 new"),
        (TWO_BOXES, in_other_order(TWO_BOXES), "the same boxes in another order"),
        (
            TWO_BOXES,
            result((*BOX, 1, 0.9), (*BOX, 2, 0.49)),
            "a score differs by 0.01, a corner by 0 pixels at most",
        ),
        (
            TWO_BOXES,
            result((*BOX, 1, 0.9), (10, 20, 30.5, 40, 2, 0.5)),
            "a score differs by 0, a corner by 0.5 pixels at most",
        ),
        (TWO_BOXES, result((*BOX, 1, 0.9), (10, 20, 30.05, 40, 2, 0.49995)), None),
    ],
)
def test_a_repeated_run_tells_what_is_otherwise(
    before: Result, after: Result, what: str | None
) -> None:
    differences, _ = compare([before], [after])
    assert differences == ([] if what is None else [Difference("a.jpg", what)])


# Files.


def test_times_are_utc_to_the_second() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", now())


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    for data in (b"first", b"second"):
        write_whole(tmp_path / "a.json", data)
        assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
        assert (tmp_path / "a.json").read_bytes() == data


def test_a_batch_has_the_version_of_the_program_that_ran_it() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", program_version())
    assert Batch("commodity", LABELS, Settings()).program == program_version()
    assert replace(BATCH, program="0.1.0").program == "0.1.0"
