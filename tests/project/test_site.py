"""The site of the documents and of the API, as `make docs` builds it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import detector
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_public_name_is_described(site: Path):
    pages = "".join(page.read_text("utf-8") for page in (site / "api").glob("*.html"))
    described = set(re.findall(r'id="detector\.\w+\.(\w+)"', pages))
    assert set(detector.__all__) - described == set()


def test_nothing_is_fetched_from_elsewhere(site: Path):
    fetched = re.compile(
        r'<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]*)'
    )
    pages = "".join(page.read_text("utf-8") for page in site.rglob("*.html"))
    styles = "".join(sheet.read_text("utf-8") for sheet in site.rglob("*.css"))
    assert fetched.findall(pages) == []
    assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"';]*", styles) == []


def test_the_readme_is_the_first_page_and_links_of_it_lead_to_pages(site: Path):
    first = (site / "index.html").read_text("utf-8")
    assert "<h1" in first
    targets = re.findall(r'<a href="([^"#:]+\.html)"', first)
    assert "serving.html" in targets
    assert [target for target in targets if not (site / target).exists()] == []
