"""A batch on a real Dask cluster, with S3 and a fleet of model servers, all of them processes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from detector.embedded import EmbeddedServer
from tests.support.cluster import S3, cluster, s3_server
from tests.support.paths import NEWEST, ROOT
from tests.support.running import model_server

pytestmark = pytest.mark.server

COPIES = 5
PART_SIZE = 4


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COMMODITY_LENS_", "AWS_"))}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def started(*arguments: object, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "detector", "predict", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def predict(*arguments: object, status: int = 0, **more: str) -> tuple[str, str]:
    """What the command line prints on its two outputs."""
    process = started(*arguments, **more)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    return output, errors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def s3(folder: Path, samples_dir: Path) -> Iterator[S3]:
    """S3 with copies of the samples, an image without objects, and two files that are no images."""
    with s3_server(folder) as server:
        for path in samples_dir.glob("*.jpg"):
            for copy in range(COPIES):
                server.put(f"images/{copy}/{path.name}", path.read_bytes())
        buffer = io.BytesIO()
        Image.new("RGB", (50, 40), "gray").save(buffer, "PNG")
        server.put("images/blank.png", buffer.getvalue())
        server.put("images/broken.jpg", b"this is no image")
        server.put("images/empty.jpg", b"")
        server.put("images/notes.txt", b"not looked at")
        yield server


@pytest.fixture(scope="module")
def finished(s3: S3, folder: Path) -> Iterator[tuple[list[str], str]]:
    """A run, of whose two workers one was killed: the command line without the servers' address,
    and what it printed."""
    with ExitStack() as stack:
        servers = [stack.enter_context(model_server()) for _ in range(3)]
        fleet = f"ipv4:{','.join(server.address for server in servers)}"
        dask = stack.enter_context(cluster(folder, 2, environment(**s3.environment)))
        options = ["--cluster", dask.address, "--part-size", str(PART_SIZE)]
        command = ["s3://bucket/images", "--out", "s3://bucket/found", *options]
        process = started(*command, "--server", fleet, "--timeout", 60, **s3.environment)
        while not s3.keys("found/parts/"):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        # With servers that stand still each worker is in the middle of a task, however quick it is.
        for server in servers:
            server.process.send_signal(signal.SIGSTOP)
        dask.workers[0].kill()
        assert len(s3.keys("found/parts/")) < 20
        for server in servers:
            server.process.send_signal(signal.SIGCONT)
        output, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (1, "")  # two of the files are no images
        yield command, output


def rows(s3: S3) -> dict[str, list[dict]]:
    """The rows of all parts, by image."""
    found: dict[str, list[dict]] = {}
    for key in s3.keys("found/parts/"):
        for row in pq.read_table(io.BytesIO(s3.get(key))).to_pylist():
            found.setdefault(row["image"].removeprefix("s3://bucket/images/"), []).append(row)
    return found


def test_the_rows_are_those_of_a_plain_run_though_a_worker_was_killed(
    finished: tuple[list[str], str], s3: S3, embedded_server: EmbeddedServer
) -> None:
    found = rows(s3)
    assert len(found) == 17 * COPIES + 3
    printed, _ = predict("samples", "--json", "--server", embedded_server.address)
    for alone in map(json.loads, printed.splitlines()):
        for copy in range(COPIES):
            boxes = found[f"{copy}/{Path(alone['image']).name}"]
            assert {(row["width"], row["height"]) for row in boxes} == {
                (alone["width"], alone["height"])
            }
            assert {(row["model"], row["version"]) for row in boxes} == {("commodity", int(NEWEST))}
            expected = alone["detections"]
            assert [(row["label"], row["class_id"]) for row in boxes] == [
                (each["label"], each["class_id"]) for each in expected
            ]
            scores = [row["score"] for row in boxes]
            np.testing.assert_allclose(scores, [each["score"] for each in expected], atol=1e-4)
            corners = [[row[name] for name in ("xmin", "ymin", "xmax", "ymax")] for row in boxes]
            np.testing.assert_allclose(corners, [each["box"] for each in expected], atol=0.1)


def test_images_without_boxes_and_those_that_failed_have_a_row(
    finished: tuple[list[str], str], s3: S3
) -> None:
    found = rows(s3)
    [blank], [broken], [empty] = found["blank.png"], found["broken.jpg"], found["empty.jpg"]
    assert (blank["width"], blank["height"], blank["label"], blank["error"]) == (50, 40, None, None)
    assert (broken["width"], broken["model"], broken["label"]) == (None, None, None)
    assert broken["error"]
    assert empty["error"]


def test_the_manifest_says_what_ran(finished: tuple[list[str], str], s3: S3) -> None:
    manifest = json.loads(s3.get("found/manifest.json"))
    assert manifest["settings"]["score_threshold"] == 0.3
    assert manifest["labels"][0] == "background"
    assert manifest["model_versions"] == [int(NEWEST)]
    assert manifest["images"]["count"] == 17 * COPIES + 3
    assert sorted(failure["name"] for failure in manifest["failures"]) == [
        "s3://bucket/images/broken.jpg",
        "s3://bucket/images/empty.jpg",
    ]
    assert {f"found/{part['file']}" for part in manifest["parts"]} == set(s3.keys("found/parts/"))
    assert sum(part["images"] for part in manifest["parts"]) == 17 * COPIES + 3
    _, output = finished
    assert output == (
        f"88 images: {manifest['detections']} objects, 2 images failed; 22 parts in"
        " s3://bucket/found\n"
    )


def test_again_nothing_is_done_anew(finished: tuple[list[str], str], s3: S3) -> None:
    """Nobody listens at the model server's address, and nothing is asked."""
    command, output = finished
    before = s3.keys("found/parts/"), s3.get("found/manifest.json")
    again, _ = predict(*command, "--server", "127.0.0.1:1", status=1, **s3.environment)
    assert again == output
    assert (s3.keys("found/parts/"), s3.get("found/manifest.json")) == before


def test_a_part_that_is_missing_is_done_again(
    finished: tuple[list[str], str], s3: S3, embedded_server: EmbeddedServer
) -> None:
    command, output = finished
    before = s3.keys("found/parts/")
    missing = min(before)
    s3.client.delete_object(Bucket="bucket", Key=missing)
    address = embedded_server.address
    again, _ = predict(*command, "--server", address, status=1, **s3.environment)
    assert again == output
    after = s3.keys("found/parts/")
    assert after.keys() == before.keys()
    assert {key for key in after if after[key] != before[key]} <= {missing}


def test_other_settings_need_another_folder(finished: tuple[list[str], str], s3: S3) -> None:
    command, _ = finished
    arguments = [*command, "--score", "0.5", "--server", "127.0.0.1:1"]
    _, errors = predict(*arguments, status=2, **s3.environment)
    assert "is of a run with settings" in errors


def test_a_model_server_that_the_workers_do_not_reach_is_named(
    finished: tuple[list[str], str], s3: S3
) -> None:
    command, _ = finished
    elsewhere = ["s3://bucket/other" if each == "s3://bucket/found" else each for each in command]
    _, errors = predict(*elsewhere, "--server", "127.0.0.1:1", status=3, **s3.environment)
    assert "the model server at 127.0.0.1:1 can't be reached" in errors


def test_a_cluster_on_this_machine_needs_no_server(tmp_path: Path, samples_dir: Path) -> None:
    names = ["canvas_shoes.jpg", "watch_marble.jpg", "jeans_flat.jpg"]
    paths = [*(str(samples_dir / name) for name in names), str(tmp_path / "missing.jpg")]
    (tmp_path / "list.txt").write_text("\n".join(paths) + "\n")
    options = ["--cluster", "local", "--part-size", 2, "--out", tmp_path / "found"]
    _, errors = predict(tmp_path / "list.txt", *options, status=1)
    assert errors == ""
    table = pq.read_table(tmp_path / "found" / "parts").to_pylist()
    assert {row["image"] for row in table} == {f"file://{path}" for path in paths}
    [missing] = [row for row in table if row["error"]]
    assert missing["image"] == f"file://{tmp_path}/missing.jpg"
    assert sorted(path.suffix for path in (tmp_path / "found" / "parts").iterdir()) == [
        ".parquet",
        ".parquet",
    ]


# Refusals.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--cluster writes to the folder of --out"),
        (["--out", "found", "--resume", "--json"], "--resume, --json cannot be given"),
        (["--out", "found"], "the cluster's workers have no model server"),
        (["--out", "found", "--part-size", "0"], "expected a whole number from 1"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], message: str) -> None:
    _, errors = predict("samples", "--cluster", "tcp://127.0.0.1:1", *options, status=2)
    assert message in errors


def test_a_scheduler_that_nobody_runs_is_named(tmp_path: Path) -> None:
    options = ["--cluster", "tcp://127.0.0.1:1", "--server", "127.0.0.1:1", "--out", tmp_path]
    _, errors = predict("samples", *options, status=3)
    assert "the cluster at tcp://127.0.0.1:1 cannot be used" in errors


def python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("package", ["distributed", "fsspec", "pyarrow"])
def test_a_missing_package_is_named_with_its_remedy(package: str) -> None:
    done = python(
        f"import sys; sys.modules['{package}'] = None; from detector.cli import main; "
        "sys.exit(main(['predict', 'samples', '--cluster', 'local', '--out', 'found']))"
    )
    assert done.returncode == 2
    assert package in done.stderr
    assert done.stderr.endswith("pip install -r requirements-cluster.txt\n")


def test_nothing_of_a_cluster_is_imported_without_one(embedded_server: EmbeddedServer) -> None:
    arguments = ["predict", "samples/watch_marble.jpg", "--server", embedded_server.address]
    done = python(
        f"import sys; from detector.cli import main; main({arguments!r}); "
        "print(*{'dask', 'distributed', 'fsspec', 'pyarrow'} & sys.modules.keys(), end='.')"
    )
    assert done.stdout.splitlines()[-1] == "."
