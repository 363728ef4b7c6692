"""Starts an image's dashboard as its user, on a root that is read-only, and waits for its health.

As root: python3 deploy/try_image.py ROOT IMAGE.json, the tree that was built, and what
`buildah inspect` says of the image. Standard library only: it runs where nothing is installed.
"""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START_S = 120
UNWANTED = ("gcc", "cc", "g++", "make", "pip", "pip3", "buildah")
# In a mount namespace of its own: nothing stays mounted, however this ends.
INSIDE = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs none "$1/tmp" &&
mount -t proc none "$1/proc" && mount --bind /dev "$1/dev" || exit 1
user=$2; folder=$3; root=$1; shift 3
exec chroot --userspec="$user" "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


def started(
    root: Path, image: dict[str, Any], command: list[str], errors: int | None = None
) -> subprocess.Popen[bytes]:
    """A command of the image in its tree, with its environment, user and folder."""
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh"]
    place = [str(root), image["User"], image["WorkingDir"]]
    environment = dict(entry.split("=", 1) for entry in image["Env"])
    return subprocess.Popen([*inside, *place, *command], env=environment, stderr=errors)


def main(root: Path, description: Path) -> None:
    """Exits with what is wrong, or prints how long the start took."""
    image = json.loads(description.read_text("utf-8"))["Docker"]["config"]
    if image["User"].split(":")[0] in ("", "0", "root"):
        sys.exit("the image runs as root")
    folders = [root / folder for folder in ("usr/bin", "usr/local/bin", "opt/venv/bin")]
    if unwanted := [name for name in UNWANTED for place in folders if (place / name).exists()]:
        sys.exit(f"the image has {', '.join(unwanted)}")
    if (root / "app/.streamlit/secrets.toml").exists():
        sys.exit("the image has secrets")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    # Those of the image, on a port that is free here.
    serve = [part.replace("8501", port) for part in image["Cmd"]]
    ask = [part.replace("8501", port) for part in image["Healthcheck"]["Test"][1:]]
    begun = time.monotonic()
    dashboard = started(root, image, serve)
    try:
        while started(root, image, ask, subprocess.DEVNULL).wait() != 0:
            if dashboard.poll() is not None or time.monotonic() - begun > START_S:
                sys.exit("the dashboard does not come up")
            time.sleep(0.5)
        print(f"the dashboard is up after {time.monotonic() - begun:.1f} s")
    finally:
        dashboard.terminate()
        dashboard.wait(30)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
