"""The layers of docs/architecture.md, read from the imports: one test a rule."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.paths import ROOT

# What a package may import of the project itself. Of detector/, the model server knows the wire
# format only.
MAY_IMPORT = {
    "app.py": {"dashboard"},
    "pages": {"dashboard"},
    "dashboard": {"dashboard", "detector"},
    "detector": {"detector"},
    "model_server": {"model_server", "detector.wire"},
    "training": {"training", "detector"},
    "studio": {"studio", "detector"},
    "benchmarks": {"benchmarks", "detector", "dashboard", "model_server"},
}
OWN = {"app", *(package.removesuffix(".py") for package in MAY_IMPORT), "tests"}
# The files of detector/ that the walk of one image uses; all the others hang on them.
WALK = {
    *(
        "answers",
        "errors",
        "config",
        "labels",
        "paths",
        "images",
        "labels",
        "boxes",
        "ssd",
        "translation",
    ),
    *("decoders", "png_chunks", "upright_rgb", "image_memory"),
    "failures",
    "printable",
    "room",
    *("tiling", "merging"),
    "turns",
    *("serving", "channel", "embedded", "wire"),
}


def files(package: str) -> list[Path]:
    path = ROOT / package
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert found, f"{package} is empty: has it moved?"
    return found


def all_files() -> Iterator[tuple[str, Path]]:
    for package in MAY_IMPORT:
        for file in files(package):
            yield package, file


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


def is_within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_imports_of_the_project_point_down_only():
    climbs = {
        (str(file.relative_to(ROOT)), name)
        for package, file in all_files()
        for name in imports(file)
        if name.split(".")[0] in OWN and not is_within(name, MAY_IMPORT[package])
    }
    assert climbs == set()


def test_streamlit_is_imported_in_the_dashboard_and_the_pages_only():
    offenders = {
        str(file.relative_to(ROOT))
        for package, file in all_files()
        if package not in ("app.py", "pages", "dashboard", "benchmarks")
        and any(is_within(name, {"streamlit"}) for name in imports(file))
    }
    assert offenders == set()


def test_the_serving_messages_are_imported_in_one_file():
    importers = {
        str(file.relative_to(ROOT))
        for _, file in all_files()
        if any(is_within(name, {"tensorflow_serving"}) for name in imports(file))
    }
    assert importers == {"detector/wire/protos.py"}


def test_what_only_a_cluster_needs_is_imported_in_its_room_only():
    needed = {"dask", "distributed", "fsspec", "s3fs", "pyarrow"}
    rooms = {
        file.parent.relative_to(ROOT).as_posix()
        for _, file in all_files()
        if any(is_within(name, needed) for name in imports(file))
    }
    assert rooms == {"detector/cluster"}


def test_the_walk_of_one_image_uses_the_files_at_the_top_of_the_detector_only():
    climbs = {
        (file, name)
        for file in WALK - {"wire"}
        for name in imports(ROOT / "detector" / f"{file}.py")
        if name.split(".")[0] == "detector" and name.split(".")[1] not in WALK
    }
    assert climbs == set()


def test_the_rooms_of_the_detector_import_one_way():
    below: dict[str, set[str]] = {}
    for file in files("detector"):
        room = file.parent.relative_to(ROOT / "detector").parts[:1]
        if room:
            names = {name.split(".")[1] for name in imports(file) if name.startswith("detector.")}
            below.setdefault(room[0], set()).update(names - {room[0]})
    rooms = {room: names & below.keys() for room, names in below.items()}
    # Raises CycleError, which names the rooms of the circle.
    assert set(TopologicalSorter(rooms).static_order()) == rooms.keys()


def test_the_sessions_state_is_touched_in_one_file():
    touching = {
        str(file.relative_to(ROOT))
        for package in ("app.py", "pages", "dashboard")
        for file in files(package)
        if re.search(r"\bst\.session_state\b", code_of(file))
    }
    assert touching == {"dashboard/state.py"}


def test_what_streamlit_and_plotly_keep_private_is_touched_in_one_file_each():
    private = r"runtime\.get_instance|component_manager|_validate\b"
    touching = {
        str(file.relative_to(ROOT)) for _, file in all_files() if re.search(private, code_of(file))
    }
    assert touching == {"dashboard/media.py", "detector/drawing/unchecked.py"}


def code_of(file: Path) -> str:
    """The file without its comments."""
    return ast.unparse(ast.parse(file.read_text("utf-8")))


def test_a_page_is_thin():
    for file in [*files("app.py"), *files("pages")]:
        source = file.read_text("utf-8")
        assert len(source.splitlines()) <= 60, file
        banned = (ast.For, ast.While, ast.Try, ast.BinOp, ast.comprehension)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, banned)], file
        assert not [w for w in ("session_state", "st.cache", "st.error") if w in source], file
