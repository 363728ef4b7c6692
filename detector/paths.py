"""Where the program's own files are: app.py, pages/, models/, samples/, .streamlit/."""

from pathlib import Path

_BESIDE_DETECTOR = Path(__file__).resolve().parents[1]
# The wheel puts them into one folder in site-packages; pyproject.toml says which.
_IN_SITE_PACKAGES = _BESIDE_DETECTOR / "commodity_lens"

ROOT = _IN_SITE_PACKAGES if (_IN_SITE_PACKAGES / "app.py").is_file() else _BESIDE_DETECTOR
"""The folder that holds them: the checkout, or a folder in site-packages."""
