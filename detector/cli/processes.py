"""`demo` and `serve`: this process becomes the dashboard, or the model server."""

import argparse
import os
import sys
from typing import NoReturn

from detector.config import Config, read_secrets
from detector.embedded import ENVIRONMENT
from detector.paths import ROOT


def demo(options: argparse.Namespace) -> NoReturn:
    """Become the dashboard; options that are not ours are Streamlit's."""
    app = [str(ROOT / "app.py"), "--server.port", str(options.port)]
    _become("streamlit", "run", *app, *options.others)


def serve(options: argparse.Namespace) -> NoReturn:
    """Become the model server, with its own options after ours. Raises ConfigError."""
    config = Config.load(read_secrets())
    model = ["--model_name", config.model_name, "--model_base_path", str(config.model_base_path)]
    os.environ.update(ENVIRONMENT | os.environ)
    _become("model_server", *model, *options.others)


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by `python -m module`, which then gets the signals of the terminal."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
