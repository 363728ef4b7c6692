"""The command line: a real process, the real model server, and a model with known answers."""

import contextlib
import csv
import hashlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detector.drawing.colors import class_color
from detector.embedded import EmbeddedServer
from detector.formats.class_mapping import write_class_mapping
from detector.formats.thresholds import write_thresholds
from detector.labels import COMMODITY_LABELS
from detector.ssd import Settings
from tests.support.foreign import gated
from tests.support.paths import ROOT
from tests.support.running import children
from tests.support.savedmodels import Graph

pytestmark = pytest.mark.server

# Two watches over each other, and clothes whose score rises with the image's brightness.
PRIORS = [(0.25, 0.5, 0.75, 1.0), (0.25, 0.5, 0.7, 1.0), (0.0, 0.0, 0.5, 0.25)]
WHITE_SCORE, BLACK_SCORE = 0.5 + 0.002 * (255 - 114.799), 0.5 - 0.002 * 114.799


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 3 priors and 9 classes: watch 0.93, watch 0.8, clothes by brightness."""
    rows = np.zeros((1, 3, 21), np.float32)
    rows[0, :, 13:17] = PRIORS
    rows[0, :, 17:] = (0.1, 0.1, 0.2, 0.2)
    rows[0, [0, 1, 2], [4 + 4, 4 + 4, 4 + 1]] = (0.93, 0.8, 0.5)
    slope = np.zeros((1, 3, 21), np.float32)
    slope[0, 2, 4 + 1] = 0.002
    graph = Graph()
    images = graph.placeholder("images", "float32", [None, 300, 300, 3])
    axes = graph.constant("axes", np.array([0, 1, 2, 3], np.int32))
    brightness = graph.mean("brightness", images, axes)
    product = graph.binary("Mul", "product", brightness, graph.constant("slope", slope))
    output = graph.binary("AddV2", "output", product, graph.constant("rows", rows))
    graph.signature("serving_default", {"images": images}, {"concat_3:0": output})
    base_path = tmp_path_factory.mktemp("model")
    graph.write(base_path, 5)
    return base_path


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    with EmbeddedServer("commodity", model) as embedded:
        yield embedded.address


@pytest.fixture
def white(tmp_path: Path) -> Path:
    path = tmp_path / "white.png"
    Image.new("RGB", (400, 200), "white").save(path)
    return path


@pytest.fixture
def black(tmp_path: Path) -> Path:
    path = tmp_path / "black.jpg"
    Image.new("L", (100, 100), 0).save(path)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"this is no image")
    return path


def environment(model: Path | None = None) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("COMMODITY_LENS_")
    }
    return kept | ({"COMMODITY_LENS_MODEL_BASE_PATH": str(model)} if model else {})


def run(
    *arguments: object, model: Path | None = None, status: int = 0, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "detector", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(model) | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def results(done: subprocess.CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# Results.


def test_json_has_exactly_what_the_help_promises(server: str, white: Path) -> None:
    done = run("predict", "--json", "--server", server, white)
    [result] = results(done)
    timings = result.pop("timings_ms")
    assert set(timings) == {"decode", "preprocess", "call", "postprocess"}
    assert all(value > 0 for value in timings.values())
    score = result["detections"][1].pop("score")
    assert score == pytest.approx(WHITE_SCORE, abs=1e-4)
    assert result == {
        "image": str(white),
        "width": 400,
        "height": 200,
        "model": {"name": "commodity", "version": 5},
        "detections": [
            {"label": "watch", "class_id": 4, "score": 0.93, "box": [100.0, 100.0, 300.0, 200.0]},
            {"label": "clothes", "class_id": 1, "box": [0.0, 0.0, 200.0, 50.0]},
        ],
    }
    assert done.stderr == ""


def test_without_a_server_one_is_started_and_ended(model: Path, white: Path, black: Path) -> None:
    white_result, black_result = results(run("predict", "--json", white, black, model=model))
    assert [found["label"] for found in white_result["detections"]] == ["watch", "clothes"]
    assert [found["label"] for found in black_result["detections"]] == ["watch"]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    server: str, white: Path, broken: Path, black: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.jpg"
    (tmp_path / "empty").mkdir()
    arguments = [broken, white, missing, tmp_path / "empty", "/dev/zero", black]
    done = run("predict", "--json", "--server", server, *arguments, status=1)
    lines = results(done)
    assert [line["image"] for line in lines] == [str(path) for path in arguments]
    assert [set(line) == {"image", "error"} for line in lines] == [
        True,
        False,
        True,
        True,
        True,
        False,
    ]
    assert lines[2]["error"] == "cannot be opened: No such file or directory"
    assert lines[3]["error"] == "there are no images in this folder"
    assert all(line["error"] for line in (lines[0], lines[4]))


def test_bad_files_alone_need_no_server(broken: Path) -> None:
    done = run("predict", "--json", "--server", "127.0.0.1:1", broken, status=1)
    assert len(results(done)) == 1


def test_text_has_a_line_for_each_image_and_each_box(
    server: str, white: Path, broken: Path
) -> None:
    lines = run("predict", "--server", server, white, broken, status=1).stdout.splitlines()
    assert lines[0].startswith(f"{white}: 2 objects (400 x 200 pixels, commodity 5, ")
    assert lines[1].split() == ["0.93", "watch", "100.0", "100.0", "300.0", "200.0"]
    assert lines[2].split() == ["0.78", "clothes", "0.0", "0.0", "200.0", "50.0"]
    assert lines[3].startswith(f"{broken}: ")


@pytest.mark.parametrize(
    ("options", "scores"),
    [
        (["--score", "0.25"], [0.93, BLACK_SCORE]),
        (["--score", "0.95"], []),
        (["--iou", "1", "--score", "0.25"], [0.93, 0.8, BLACK_SCORE]),
        (["--iou", "1", "--score", "0.25", "--top-k", "2"], [0.93, 0.8]),
    ],
)
def test_options_set_the_post_processing(
    server: str, black: Path, options: list[str], scores: list[float]
) -> None:
    [result] = results(run("predict", "--json", "--server", server, *options, black))
    found = [detection["score"] for detection in result["detections"]]
    assert found == pytest.approx(scores, abs=1e-4)


def test_a_name_that_is_no_text_is_printed_and_given_back(server: str, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.png"
    Image.new("RGB", (50, 50)).save(os.fsdecode(path))
    command = [sys.executable, "-m", "detector", "predict", "--server", server, path]
    for options in ([], ["--json"]):
        done = subprocess.run([*command, *options], capture_output=True, cwd=ROOT, timeout=60)
        assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout)["image"]) == path


ESCAPES = "\x1b]0;title\x07\x1b[31m\u202e\r\n"


def test_control_characters_in_names_never_reach_the_terminal(
    server: str, tmp_path: Path, model: Path
) -> None:
    name = tmp_path / f"a{ESCAPES}.png"
    Image.new("RGB", (50, 50)).save(name)
    bad = tmp_path / f"b{ESCAPES}.png"
    bad.write_bytes(b"x")
    out = tmp_path / "out"
    done = run("predict", "--server", server, name, bad, "--out", out, status=1)
    gone = run("predict", "--server", server, tmp_path / f"c{ESCAPES}.png", status=1)
    name.unlink()
    again = run("rerun", out / "manifest.json", model=model, status=1)
    wrong = run("predict", f"--x{ESCAPES}", name, status=2)
    folder = run("predict", name, "--thresholds", f"{tmp_path}/{ESCAPES}", status=2)
    for printed in (done, gone, again, wrong, folder):
        text = printed.stdout + printed.stderr
        assert r"\x1b]0;title\x07\x1b[31m\u202e\r" in text
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert r"\r\n.png" in done.stdout


# The folder.


def test_out_gets_annotated_images_and_a_table(server: str, white: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    run("predict", "--server", server, "--out", out, white)
    assert sorted(path.name for path in out.iterdir()) == [
        "detections.csv",
        "manifest.json",
        "white-detected.png",
    ]
    with Image.open(out / "white-detected.png") as image:
        assert image.size == (400, 200)
        assert image.getpixel((100, 150)) == tuple(bytes.fromhex(class_color(4)[1:]))
    with (out / "detections.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["label"]) for row in rows] == [
        (str(white), "watch"),
        (str(white), "clothes"),
    ]


def test_images_of_the_same_name_do_not_overwrite_each_other(
    server: str, white: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "white.png"
    other.parent.mkdir()
    Image.new("RGB", (60, 90)).save(other)
    out = tmp_path / "out"
    run("predict", "--server", server, "--out", out, white, other)
    for name, size in (("white", (400, 200)), ("white-2", (60, 90))):
        with Image.open(out / f"{name}-detected.png") as image:
            assert image.size == size


def test_an_image_that_is_given_often_is_drawn_once(
    server: str, white: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("predict", "--server", server, "--out", out, *[white] * 40)
    assert [path.name for path in out.glob("*.png")] == ["white-detected.png"]
    assert len(json.loads((out / "manifest.json").read_text())["pictures"]) == 40


def test_out_never_overwrites_an_input(server: str, white: Path) -> None:
    input_too = white.with_name("white-detected.png")
    Image.new("RGB", (60, 90)).save(input_too)
    before = white.read_bytes(), input_too.read_bytes()
    run("predict", "--server", server, "--out", white.parent, white, input_too)
    assert (white.read_bytes(), input_too.read_bytes()) == before
    assert white.with_name("white-2-detected.png").exists()


def test_a_folder_that_cannot_be_made_is_one_message(server: str, white: Path) -> None:
    done = run("predict", "--server", server, "--out", white / "x", white, status=4)
    assert done.stderr.startswith(f"python -m detector: cannot write to {white}")


@pytest.fixture
def shelf(white: Path, black: Path, broken: Path, tmp_path: Path) -> Path:
    """A folder of four images, one of them broken, and of a ZIP file's two."""
    folder = tmp_path / "shelf"
    (folder / "below").mkdir(parents=True)
    (folder / "b.png").write_bytes(white.read_bytes())
    (folder / "below" / "b.jpg").write_bytes(black.read_bytes())
    (folder / "c.jpg").write_bytes(broken.read_bytes())
    (folder / "notes.txt").write_text("no image")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(white, "in/w.png")
        archive.writestr("inner.zip", b"")
    return folder


def test_folders_and_zip_files_give_their_images_sorted(server: str, shelf: Path) -> None:
    done = run("predict", "--json", "--server", server, shelf, shelf / "more.zip", status=1)
    found = [(result["image"], "error" in result) for result in results(done)]
    assert found == [
        (f"{shelf}/b.png", False),
        (f"{shelf}/below/b.jpg", False),
        (f"{shelf}/c.jpg", True),
        (f"{shelf}/more.zip/in/w.png", False),
        (f"{shelf}/more.zip/inner.zip", True),
    ]


def test_a_zip_file_without_images_and_a_damaged_one_are_errors_of_their_own(
    server: str, tmp_path: Path
) -> None:
    empty, damaged = tmp_path / "empty.zip", tmp_path / "damaged.zip"
    zipfile.ZipFile(empty, "w").close()
    damaged.write_bytes(b"PK\x03\x04")
    done = run("predict", "--json", "--server", server, empty, damaged, status=1)
    first, second = results(done)
    assert (first["image"], first["error"]) == (
        str(empty),
        "There are no images in this ZIP file.",
    )
    assert "not a ZIP file that can be read" in second["error"]


def test_what_an_earlier_run_wrote_into_the_folder_is_no_image_of_it(
    server: str, shelf: Path
) -> None:
    arguments = ["predict", "--json", "--server", server, "--out", shelf, shelf]
    first = results(run(*arguments, status=1))
    assert [r["image"] for r in results(run(*arguments, status=1))] == [r["image"] for r in first]
    assert (shelf / "b-2-detected.png").exists()


def test_other_formats_are_written_when_asked_for(
    server: str, white: Path, black: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    formats = [f"--export={name}" for name in ("coco", "coco-results", "voc", "yolo")]
    run("predict", "--server", server, "--out", out, "--no-images", *formats, white, black)
    assert sorted(path.name for path in out.iterdir()) == [
        "detections.coco.json",
        "detections.csv",
        "manifest.json",
        "pascal-voc.zip",
        "results.coco.json",
        "yolo.zip",
    ]
    coco = json.loads((out / "detections.coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [str(white), str(black)]
    with zipfile.ZipFile(out / "yolo.zip") as archive:
        assert archive.namelist() == ["classes.txt", "labels/white.txt", "labels/black.txt"]


def test_thresholds_of_a_file_hold_and_the_command_line_wins(
    server: str, white: Path, tmp_path: Path
) -> None:
    file = tmp_path / "thresholds.json"
    file.write_bytes(write_thresholds(Settings(0.9, class_thresholds={1: 0.8}), COMMODITY_LABELS))
    given = ["predict", "--json", "--server", server, "--thresholds", file]

    def labels(*options: str) -> list[str]:
        [result] = results(run(*given, *options, white))
        return [found["label"] for found in result["detections"]]

    assert labels() == ["watch"]  # clothes at 0.78 are below their own threshold
    assert labels("--score", "0.95") == []
    file.write_bytes(write_thresholds(Settings(0.95, class_thresholds={1: 0.7}), COMMODITY_LABELS))
    assert labels() == ["clothes"]
    assert labels("--score", "0.9") == ["watch", "clothes"]


@pytest.mark.parametrize("content", [None, "{}", "nonsense"])
def test_a_file_that_holds_no_thresholds_is_one_message(
    server: str, white: Path, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "thresholds.json"
    if content is not None:
        file.write_text(content)
    done = run("predict", "--server", server, "--thresholds", file, white, status=2)
    assert done.stderr.startswith("python -m detector: ")


# A run that goes on, and one that is repeated.


def contents(folder: Path) -> dict[str, str]:
    """All files: the text of one, the digest of an image; of the manifest without its times."""
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        if path.suffix == ".png"
        else path.read_text()
        for path in sorted(folder.iterdir())
    }
    manifest = json.loads(found["manifest.json"])
    assert manifest.pop("times")["finished"]
    return {**found, "manifest.json": json.dumps(manifest)}


def test_a_killed_run_goes_on_and_ends_like_one_that_was_not(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(300):
        Image.new("RGB", (60 + i % 7, 40), (i % 256, i, 99)).save(folder / f"{i:03}.png")
    for i in (5, 77, 140, 141, 222):
        (folder / f"{i:03}.png").write_bytes(b"broken")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run("predict", "--server", server, "--out", whole, "--export=coco", folder, status=1)

    arguments = ["predict", "--json", "--resume", "--out", parts, "--export=coco", folder]
    seen = 0
    for _ in range(3):
        with gated(server) as (gate, held):
            # It cannot come to its end before it is killed. Lines are in the order of the images
            # and answers are not, so that there are fewer lines than answers at first.
            gate.close_after(70)
            with subprocess.Popen(
                [sys.executable, "-m", "detector", *map(str, arguments), "--server", held.address],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=environment() | {"COMMODITY_LENS_TIMEOUT_S": "300"},
            ) as process:
                assert process.stdout is not None
                for _ in range(25):
                    assert process.stdout.readline()
                process.kill()
        kept = (parts / "unfinished.jsonl").read_bytes().count(b'"boxes"')
        assert kept > seen
        seen = kept
        # As a kill in the middle of a line leaves it.
        with (parts / "unfinished.jsonl").open("ab") as file:
            file.write(b'{"name": "half a li')
    rest = results(run(*arguments, "--server", server, status=1))
    assert len(rest) == 300 - seen  # what was broken is tried again
    assert contents(parts) == contents(whole)


def test_going_on_with_a_finished_run_does_what_is_new_only(
    server: str, shelf: Path, white: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["predict", "--json", "--server", server, "--resume", "--out", out, shelf]
    assert len(results(run(*arguments, status=1))) == 3
    (shelf / "d.png").write_bytes(white.read_bytes())
    found = [Path(result["image"]).name for result in results(run(*arguments, status=1))]
    assert found == ["c.jpg", "d.png"]
    with (out / "detections.csv").open(newline="") as file:
        assert {Path(row["image"]).name for row in csv.DictReader(file)} == {
            "b.png",
            "b.jpg",
            "d.png",
        }


def test_a_image_that_has_changed_is_done_again(
    server: str, white: Path, black: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["predict", "--json", "--server", server, "--resume", "--out", out, white, black]
    run(*arguments)
    Image.new("RGB", (90, 90), "gray").save(white)
    assert [result["width"] for result in results(run(*arguments))] == [90]


def test_versions_of_the_model_are_mixed_only_when_told(
    server: str, model: Path, white: Path, black: Path, tmp_path: Path
) -> None:
    shutil.copytree(model / "5", tmp_path / "newer" / "6")
    out = tmp_path / "out"
    run("predict", "--server", server, "--out", out, white)
    with EmbeddedServer("commodity", tmp_path / "newer") as newer:
        arguments = ["predict", "--server", newer.address, "--resume", "--out", out, white, black]
        refused = run(*arguments, status=3)
        assert "the run began with version 5, which is gone" in refused.stderr
        assert "--any-version" in refused.stderr
        mixed = run(*arguments, "--any-version")
    assert "Results of the model's versions 5, 6 are mixed." in mixed.stderr
    assert json.loads((out / "manifest.json").read_text())["model_versions"] == [5, 6]
    again = run("predict", "--server", server, "--resume", "--out", out, white, black, status=2)
    assert "has results of the model's version 5, 6" in again.stderr


def test_a_run_with_other_settings_does_not_go_on(server: str, white: Path, tmp_path: Path) -> None:
    arguments = ["predict", "--server", server, "--resume", "--out", tmp_path / "out", white]
    run(*arguments)
    done = run(*arguments, "--score", "0.5", status=2)
    assert "is of a run with score_threshold 0.3, not 0.5" in done.stderr
    assert not (tmp_path / "out" / "unfinished.jsonl").exists()  # the finished run stays one


def test_tiles_are_asked_too_and_a_run_with_others_does_not_go_on(
    embedded_server: EmbeddedServer, tmp_path: Path
) -> None:
    photo, out = ROOT / "samples" / "workplace_wide.jpg", tmp_path / "out"
    given = ["predict", "--json", "--no-images", "--server", embedded_server.address]
    [plain] = results(run(*given, "--out", tmp_path / "plain", photo))
    [tiled] = results(run(*given, "--out", out, "--tiles", "auto", photo))
    assert len(tiled["detections"]) > len(plain["detections"])
    refused = run(*given, "--out", out, "--resume", "--tiles=2x2", photo, status=2)
    assert "is of a run with tiles 'auto', not '2x2'" in refused.stderr
    again = run("rerun", out / "manifest.json", "--server", embedded_server.address)
    assert again.stdout.startswith("1 of 1 images are the same")


def test_options_for_the_folder_need_one(white: Path) -> None:
    for option in ("--resume", "--export=voc", "--no-images", "--no-pictures"):
        assert "--out" in run("predict", option, white, status=2).stderr


def test_a_repeated_run_is_the_same(model: Path, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("predict", "--out", out, "--score", "0.2", shelf, shelf / "more.zip", model=model, status=1)
    done = run("rerun", out / "manifest.json", model=model)
    assert done.stdout == "5 of 5 images are the same, their scores to within 0\n"


def test_a_repeated_run_names_what_is_otherwise(model: Path, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("predict", "--out", out, shelf, model=model, status=1)
    Image.new("RGB", (20, 20)).save(shelf / "below" / "b.jpg")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["pictures"][0]["boxes"][0][1] = 0.9
    (out / "manifest.json").write_text(json.dumps(manifest))
    (shelf / "c.jpg").unlink()
    lines = run("rerun", out / "manifest.json", model=model, status=1).stdout.splitlines()
    assert lines == [
        f"{shelf}/b.png: a score differs by 0.03, a corner by 0 pixels at most",
        f"{shelf}/below/b.jpg: the file is another one than it was",
        f"{shelf}/c.jpg: cannot be opened: No such file or directory",
        "0 of 3 images are the same, their scores to within 0",
    ]


@pytest.mark.parametrize("option", ["--images", "--pictures"])
def test_a_repeated_run_finds_images_by_their_content(
    model: Path, shelf: Path, tmp_path: Path, option: str
) -> None:
    out = tmp_path / "out"
    run("predict", "--out", out, shelf, model=model, status=1)
    moved = shelf.rename(tmp_path / "moved")
    done = run("rerun", out / "manifest.json", option, moved, model=model)
    assert done.stdout.startswith("3 of 3 images are the same")


@pytest.mark.parametrize("content", [None, "[]", "{}", '{"format": "commodity-lens-batch"}'])
def test_what_is_no_manifest_is_one_message(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "manifest.json"
    if content is not None:
        file.write_text(content)
    done = run("rerun", file, status=2)
    assert done.stderr.startswith(f"python -m detector: {file}")


# What goes wrong.


def test_a_server_that_is_not_there_is_one_message_with_what_to_do(white: Path) -> None:
    done = run("predict", "--json", "--server", "127.0.0.1:1", "--timeout", "3", white, status=3)
    message, hint = done.stderr.splitlines()
    assert message.startswith("python -m detector: ")
    assert "127.0.0.1:1" in message
    assert hint
    assert done.stdout == ""


def test_a_model_that_the_server_does_not_have_is_named(server: str, white: Path) -> None:
    done = run("predict", "--server", server, "--model", "cats", white, status=3)
    assert "cats" in done.stderr.splitlines()[0]


def test_a_model_folder_without_a_model_is_one_message(white: Path, tmp_path: Path) -> None:
    empty = tmp_path / "no-model"
    empty.mkdir()
    done = run("predict", white, model=empty, status=3)
    assert done.stderr.startswith("python -m detector: ")


def test_labels_of_another_model_are_refused(model: Path, server: str, white: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "detector", "predict", "--server", server, str(white)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment() | {"COMMODITY_LENS_LABELS": "background,cat,dog"},
        timeout=60,
    )
    assert done.returncode == 3
    assert "(3, 21)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["predict"],
        ["predict", "--score", "1.5", "x.jpg"],
        ["predict", "--iou", "nan", "x.jpg"],
        ["predict", "--top-k", "0", "x.jpg"],
        ["predict", "--server", "nowhere", "x.jpg"],
        ["predict", "--server", "http://127.0.0.1:8501", "x.jpg"],
        ["predict", "--timeout", "-1", "x.jpg"],
    ],
)
def test_a_command_line_that_cannot_be_is_refused_with_status_2(arguments: list[str]) -> None:
    done = run(*arguments, status=2)
    assert done.stderr
    assert done.stdout == ""


def test_help_has_examples_and_exit_statuses() -> None:
    text = run("predict", "--help").stdout
    for part in ("examples:", "--json", "--class-agnostic", "exit status:"):
        assert part in text


# As a process.


def test_nothing_heavy_is_imported(server: str, white: Path) -> None:
    code = (
        "import sys; from detector.__main__ import main;"
        f"main(['predict', '--json', '--server', {server!r}, {str(white)!r}]);"
        "print(sorted({'tensorflow', 'streamlit', 'plotly', 'pandas', 'tqdm', 'openvino'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.stderr == "[]\n"


def start(model: Path, *images: Path) -> subprocess.Popen[str]:
    """A run that has printed its first line, of its own server."""
    process = subprocess.Popen(
        [sys.executable, "-m", "detector", "predict", "--json", *map(str, images)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(model),
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["width"]
    return process


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_however_it_ends_it_is_quiet_and_its_server_ends_too(
    model: Path, white: Path, number: int, status: int
) -> None:
    with start(model, *[white] * 2000) as process:
        [child] = children(process.pid)
        watch = os.pidfd_open(child)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == ""
    # Readable once the process has ended.
    assert select.select([watch], [], [], 60)[0]
    os.close(watch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_often_it_is_told_to_end_it_goes_on_to_an_equal_result(
    model: Path, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(60):
        Image.new("RGB", (60 + i % 7, 40), (i % 256, i, 99)).save(folder / f"{i:03}.png")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run("predict", "--out", whole, folder, model=model)
    images = [folder, "--resume", "--out", parts]
    for lines in (1, 10):
        with start(model, *images) as process:
            [child] = children(process.pid)
            watch = os.pidfd_open(child)
            assert process.stdout is not None
            for _ in range(lines - 1):
                process.stdout.readline()
            for _ in range(5):
                process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert errors == ""
        assert select.select([watch], [], [], 60)[0]
        os.close(watch)
    run("predict", *images, model=model)
    assert contents(parts) == contents(whole)


def test_a_frozen_server_is_not_left_behind(model: Path, white: Path) -> None:
    with start(model, *[white] * 2000) as process:
        [child] = children(process.pid)
        watch = os.pidfd_open(child)
        os.kill(child, signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert select.select([watch], [], [], 60)[0]
    os.close(watch)


def test_under_nohup_the_end_of_the_terminal_does_not_end_it(server: str, white: Path) -> None:
    ignoring = "import signal, os, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    program = f"{ignoring} os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    arguments = ["-m", "detector", "predict", "--server", server, *[white] * 200]
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert len(process.stdout.read().splitlines()) >= 199
    assert process.returncode == 0


# Places that take nothing.


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("arguments", [["--json"], [], ["--help"]], ids=["json", "text", "help"])
def test_a_full_device_is_one_message(server: str, white: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "detector", "predict", "--server", server, white, *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=60
        )
    assert done.returncode == 4
    assert done.stderr.startswith("python -m detector: cannot write to standard output: No space")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_with_no_place_for_its_errors_the_status_says_it(broken: Path) -> None:
    command = [sys.executable, "-m", "detector", "predict", broken, "--model-version", "0"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stderr=full, stdout=full, cwd=ROOT, timeout=60)
    assert done.returncode in (2, 4)


@pytest.mark.parametrize("images", [True, False])
def test_a_folder_that_goes_in_the_middle_is_never_reported_as_written(
    model: Path, white: Path, tmp_path: Path, images: bool
) -> None:
    out = tmp_path / "out"
    options = [] if images else ["--no-images"]
    with start(model, *[white] * 300, "--out", out, *options) as process:
        shutil.rmtree(out)
        out.write_bytes(b"")
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 4
    assert "cannot write to" in errors
    assert "Traceback" not in errors


def test_a_disk_that_fills_up_is_one_message_and_the_run_can_go_on(
    server: str, white: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["predict", "--server", server, "--no-images", "--resume", "--out", out]
    arguments += [white] * 50
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from detector.cli import main; sys.exit(main())"
    )
    full = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert full.returncode == 4, full.stderr
    assert "File too large" in full.stderr
    assert "Traceback" not in full.stderr
    assert (out / "unfinished.jsonl").read_bytes().endswith(b"\n")
    run(*arguments)
    assert len(json.loads((out / "manifest.json").read_text())["pictures"]) == 50


def test_two_runs_into_one_folder_are_one_too_many(
    server: str, model: Path, white: Path, black: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (tmp_path / "same").symlink_to(out)
    with start(model, *[white] * 2000, "--out", out) as process:
        before = (out / "unfinished.jsonl").read_bytes()
        for folder in (out, tmp_path / "same"):
            second = run("predict", "--server", server, black, "--out", folder, status=4)
            assert "another run is writing to" in second.stderr
            assert second.stdout == ""
        assert (out / "unfinished.jsonl").read_bytes().startswith(before)
        process.kill()
        process.communicate()
    run("predict", "--server", server, black, "--out", out)  # a killed run keeps no folder
    assert sorted(path.name for path in out.iterdir()) == [
        "black-detected.png",
        "detections.csv",
        "manifest.json",
        *(["white-detected.png"] if (out / "white-detected.png").exists() else []),
    ]


def test_a_closed_pipe_ends_it_quietly(model: Path, white: Path) -> None:
    with start(model, *[white] * 2000) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.parametrize(("count", "has_bar"), [(3, False), (4, True)])
def test_more_than_a_few_images_have_a_progress_bar_on_a_terminal(
    server: str, white: Path, count: int, has_bar: bool
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))  # On one of no width there is no bar to be seen.
    process = subprocess.Popen(
        [sys.executable, "-m", "detector", "predict", "--json", "--server", server]
        + [str(white)] * count,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        cwd=ROOT,
    )
    os.close(theirs)
    output, _ = process.communicate(timeout=60)
    terminal = b""
    with contextlib.suppress(OSError):  # How Linux says that the other end is closed.
        while chunk := os.read(ours, 65536):
            terminal += chunk
    os.close(ours)
    assert len([json.loads(line) for line in output.splitlines()]) == count
    assert (b"0/4" in terminal) == has_bar
    assert has_bar or terminal == b""


def truth_of(done: subprocess.CompletedProcess[str], folder: Path, **names: str) -> Path:
    """A COCO JSON of what was detected, with other names of classes where they are given."""
    found = [result for result in results(done) if "detections" in result]
    labels = COMMODITY_LABELS[1:]
    content = {
        "images": [
            {
                "id": place,
                "file_name": Path(each["image"]).name,
                "width": each["width"],
                "height": each["height"],
            }
            for place, each in enumerate(found)
        ],
        "categories": [
            {"id": n, "name": names.get(label, label)} for n, label in enumerate(labels, start=1)
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": place,
                "category_id": box["class_id"],
                "bbox": [
                    *box["box"][:2],
                    box["box"][2] - box["box"][0],
                    box["box"][3] - box["box"][1],
                ],
            }
            for place, each in enumerate(found)
            for box in each["detections"]
        ],
    }
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return path


def test_ground_truth_says_how_good_the_boxes_are(server, white, black, tmp_path):
    truth = truth_of(run("predict", "--json", "--server", server, white, black), tmp_path)
    given = ["predict", "--server", server, "--ground-truth", truth]
    lines = run(*given, white, black).stdout.splitlines()
    assert lines[-2:] == [
        "2 images with ground truth: 3 right, 0 wrong, 0 missed",
        "precision 1.000, recall 1.000, F1 1.000, mAP@0.5 1.000",
    ]
    [*_images, last] = results(run(*given, "--json", "--score", "0.99", white))
    measured = last["ground_truth"]
    assert (measured["right"], measured["missed"]) == (0, 2)
    assert (measured["precision"], measured["recall"], measured["map@0.5"]) == (None, 0, 1)
    assert measured["problems"] == ["image 'black.jpg': there is no image of that name"]


def test_a_file_of_class_names_says_what_the_ground_truth_means(server, white, tmp_path):
    done = run("predict", "--json", "--server", server, white)
    truth = truth_of(done, tmp_path, watch="wristwatch")
    given = ["predict", "--json", "--server", server, "--ground-truth", truth]
    measured = results(run(*given, white))[-1]["ground_truth"]
    assert (measured["right"], measured["wrong"], measured["entries_not_understood"]) == (1, 0, 1)
    names = tmp_path / "names.json"
    names.write_bytes(write_class_mapping({"wristwatch": "watch"}))
    measured = results(run(*given, "--class-names", names, white))[-1]["ground_truth"]
    assert (measured["right"], measured["wrong"], measured["entries_not_understood"]) == (2, 0, 0)


def test_a_folder_of_ground_truth_is_read_and_what_was_not_understood_is_said(
    server, white, black, tmp_path
):
    labels = tmp_path / "labels"
    (labels / "train").mkdir(parents=True)
    (labels / "train" / "white.txt").write_text("not understood")
    (labels / "train" / "black.txt").write_text("")
    (labels / "more.xml").write_bytes(b"no XML")
    done = run("predict", "--server", server, "--ground-truth", labels, white, black)
    assert "1 image with ground truth: 0 right, 1 wrong, 0 missed" in done.stdout
    assert "1 image does not count, for its ground truth was not understood" in done.stdout
    assert "  more.xml: broken XML" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ground-truth", "/nowhere.json"], "/nowhere.json cannot be read"),
        (["--ground-truth", "README.md"], "not a file of ground truth"),
        (["--class-names", "pyproject.toml", "--ground-truth", "README.md"], "broken JSON"),
        (["--ground-truth", "x", "--resume", "--out", "y"], "--ground-truth counts over all"),
        (["--class-names", "x"], "--class-names is about the files of --ground-truth"),
    ],
)
def test_ground_truth_that_cannot_be_used_is_an_error(server, white, options, message):
    done = run("predict", "--server", server, white, *options, status=2)
    assert message in done.stderr
