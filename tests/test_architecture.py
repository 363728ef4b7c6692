"""The layers of docs/architecture.md: imports point down only, and state stays in dashboard/."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("app.py", "pages", "dashboard", "detector", "model_server")
# What a file in the layer may import of the project itself.
ALLOWED = {
    "app.py": {"dashboard"},
    "pages": {"dashboard"},
    "dashboard": {"dashboard", "detector"},
    "detector": {"detector"},
    "model_server": {"model_server", "detector._protos"},
}
OWN = {"app", "pages", "dashboard", "detector", "model_server", "training", "benchmarks", "tests"}


def files(layer: str) -> list[Path]:
    path = ROOT / layer
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that the file imports, `from package import name` as package.name too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


CASES = [pytest.param(layer, path, id=str(path.relative_to(ROOT)))
         for layer in LAYERS for path in files(layer)]  # fmt: skip


@pytest.mark.parametrize(("layer", "path"), CASES)
def test_imports_of_the_project_point_down_only(layer: str, path: Path):
    own = {name for name in imports(path) if name.split(".")[0] in OWN}
    assert {name for name in own if not within(name, ALLOWED[layer])} == set()


@pytest.mark.parametrize(("layer", "path"), CASES)
def test_streamlit_is_imported_in_the_dashboard_and_the_pages_only(layer: str, path: Path):
    if layer in ("detector", "model_server"):
        assert not {name for name in imports(path) if within(name, {"streamlit"})}


@pytest.mark.parametrize(("layer", "path"), CASES)
def test_the_serving_protobufs_are_imported_in_one_module(layer: str, path: Path):
    if path != ROOT / "detector" / "_protos.py":
        assert not {name for name in imports(path) if within(name, {"tensorflow_serving"})}


@pytest.mark.parametrize("path", [*files("app.py"), *files("pages")], ids=lambda p: p.name)
def test_a_page_is_thin(path: Path):
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= 60
    banned = (ast.For, ast.While, ast.Try, ast.BinOp, ast.comprehension)
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, banned)]
    assert not [word for word in ("session_state", "st.cache", "st.error") if word in source]
