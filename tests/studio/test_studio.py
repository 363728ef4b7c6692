"""The renderer, where Blender's module is: the meshes of a scene give the shipped boxes."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# It has requirements of its own: `make .venv-studio/.installed` installs them.
PYTHON = ROOT / ".venv-studio" / "bin" / "python"


@pytest.mark.slow
def test_a_scene_gives_the_boxes_that_the_gallery_has(samples_dir: Path, tmp_path: Path):
    """A laptop, headphones, two phones, a book and a watch, a fifth as large and not drawn."""
    python = sys.executable if importlib.util.find_spec("bpy") else str(PYTHON)
    if not Path(python).exists():
        pytest.skip("Blender's module bpy is not installed: make .venv-studio/.installed")
    options = ["--only", "electronics_flatlay", "--boxes", "--scale", "0.2", "--out", tmp_path]
    done = subprocess.run(
        [python, "-m", "studio.render", "gallery", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    drawn, shipped = (
        boxes(folder / "annotations.json", "electronics_flatlay.jpg")
        for folder in (tmp_path, samples_dir)
    )
    assert [category for category, _ in drawn] == [category for category, _ in shipped]
    for (_, small), (_, large) in zip(drawn, shipped, strict=True):
        # A pixel of the small one is five wide.
        assert [5 * side for side in small] == pytest.approx(large, abs=6)


def boxes(path: Path, file_name: str) -> list[tuple[int, list[int]]]:
    """Category and x, y, width, height in pixels of each box of one image, in the file's order."""
    data = json.loads(path.read_text("utf-8"))
    [image_id] = [image["id"] for image in data["images"] if image["file_name"] == file_name]
    return [
        (entry["category_id"], entry["bbox"])
        for entry in data["annotations"]
        if entry["image_id"] == image_id
    ]
