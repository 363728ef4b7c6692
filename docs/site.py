"""Makes the documents, written to be read in the repository, fit into the site of `make docs`."""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page's text; the README's on the first page. Called by MkDocs."""
    if page.file.src_uri == "index.md":
        markdown = (DOCS.parent / "README.md").read_text("utf-8").replace("](docs/", "](")
        markdown = markdown.replace("[中文](README.zh.md)\n\n", "")  # of the repository alone
    markdown = re.sub(r"\]\((\.\./)?README\.md", "](index.md", markdown)

    def inside(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        folder = (DOCS / page.file.src_uri).parent
        return link[0] if "://" in target or (folder / target).exists() else text

    # Of a file that is not in the site, the text stays without the link.
    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)[^)]*\)", inside, markdown)
