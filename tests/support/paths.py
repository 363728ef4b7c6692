"""Where things of the checkout are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
VERSIONS = sorted(int(p.name) for p in (ROOT / "models" / "commodity").iterdir() if p.is_dir())
NEWEST = str(VERSIONS[-1])  # the version of the shipped model that a server of its folder serves
