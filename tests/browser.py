"""The Chrome or Chromium that the browser tests drive. As a script: prints its path, or fails."""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
]


def find() -> str | None:
    """Path of the browser: $CHROME, or the first of the usual names on the PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROME", ""), *NAMES))), None)


if __name__ == "__main__":
    path = find()
    print(path or "no Chrome or Chromium found", file=sys.stdout if path else sys.stderr)
    sys.exit(path is None)
