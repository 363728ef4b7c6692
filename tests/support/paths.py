"""Where things of the checkout are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
VERSIONS = sorted(int(p.name) for p in (ROOT / "models" / "commodity").iterdir() if p.is_dir())
# Of the shipped model, as addresses and controls have them. A server serves the newest by default.
BEFORE, NEWEST = map(str, VERSIONS[-2:])
