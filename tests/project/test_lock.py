"""uv.lock: what `make` installs where uv can be had."""

import re
import tomllib

from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

TEXT = (ROOT / "uv.lock").read_text("utf-8")
LOCKED = {package["name"]: package["version"] for package in tomllib.loads(TEXT)["package"]}


def pinned(name: str) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in lines}


def test_the_lock_has_the_versions_of_the_requirements_files():
    """Else: make lock."""
    wanted = {
        **pinned("requirements.txt"),
        **pinned("requirements-cluster.txt"),
        **pinned("requirements-dev.txt"),
    }
    assert {name: LOCKED.get(name) for name in wanted} == wanted


def test_the_lock_has_what_the_project_asks_for_and_no_more():
    [project] = [p for p in tomllib.loads(TEXT)["package"] if p["name"] == "commodity-lens"]
    assert {p["name"] for p in project["dependencies"]} == set(pinned("requirements.txt"))
    extras = project["optional-dependencies"]
    assert extras.keys() == {"cluster", "dev"}
    for extra, packages in extras.items():
        wanted = set(pinned(f"requirements-{extra}.txt"))
        assert {package["name"] for package in packages} == wanted


def test_the_lock_names_no_other_index_than_the_public_one():
    hosts = set(re.findall(r"https?://([^/\"]+)", TEXT))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
