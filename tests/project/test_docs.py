"""The documents: links lead somewhere, and examples run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from detector.embedded import EmbeddedServer
from detector.evaluation.operating_points import OperatingPoint
from detector.formats.bundle import to_zip
from detector.formats.class_mapping import write_class_mapping
from detector.formats.thresholds import write_thresholds
from detector.labels import COMMODITY_LABELS
from tests.support.paths import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "training" / "README.md"]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^(python -m detector .*?)(?: *#.*)?$", README, re.MULTILINE)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMMODITY_LENS_")}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path, samples_dir: Path) -> Path:
    """A folder with what the examples name: photo.jpg, photos/, samples/, thresholds.json, and
    labels.zip with class-names.json."""
    first, second = (samples_dir / f"{name}.jpg" for name in ("headphones_studio", "tshirt_flat"))
    shutil.copy(first, tmp_path / "photo.jpg")
    for name in ("photos", "samples"):
        (tmp_path / name).mkdir()
        shutil.copy(first, tmp_path / name)
        shutil.copy(second, tmp_path / name)
    point = write_thresholds(OperatingPoint(0.4, {3: 0.5}), COMMODITY_LABELS)
    (tmp_path / "thresholds.json").write_bytes(point)
    truth = (samples_dir / "annotations.json").read_bytes()
    (tmp_path / "labels.zip").write_bytes(to_zip({"annotations.json": truth}))
    (tmp_path / "class-names.json").write_bytes(write_class_mapping({"trousers": "pants"}))
    return tmp_path


@pytest.fixture
def earlier_run(folder: Path, embedded_server: EmbeddedServer) -> None:
    """What an earlier run of the examples left: boxes/ with its manifest."""
    command = [sys.executable, "-m", "detector", "predict", "photos", "--out", "boxes"]
    run([*command, "--server", embedded_server.address], folder)
    assert (folder / "boxes" / "manifest.json").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path):
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8"))
    missing = [
        link for link in links if "://" not in link and not (document.parent / link).exists()
    ]
    assert missing == []


def test_the_table_of_changes_names_what_is_there_and_every_folder_of_tests():
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = "\n".join(line for line in contributing.splitlines() if line.startswith("| "))
    named = re.findall(r"`([\w.]+/[\w./]*)`", rows)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")}
    tops = {"/".join(folder.parts[:2]) for folder in folders if len(folder.parts) > 1}
    assert [top for top in sorted(tops) if f"`{top}/" not in rows] == []


@pytest.mark.server
@pytest.mark.parametrize("name", ["README.md", "docs/robustness.md", "docs/video.md"])
def test_the_notebook_example_runs(name: str, folder: Path):
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    done = run([sys.executable, "-W", "error", "-c", code], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_runs(
    command: str,
    folder: Path,
    embedded_server: EmbeddedServer,
    request: pytest.FixtureRequest,
):
    if "rerun" in command:
        request.getfixturevalue("earlier_run")
    command = command.replace("10.0.0.5:8500", embedded_server.address)
    done = run(["bash", "-c", command.replace("python", sys.executable, 1)], folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_commands_to_run():
    assert len(COMMANDS) >= 4


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in README
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[-1] == "make test"
