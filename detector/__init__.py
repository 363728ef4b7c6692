"""An SSD300 detector behind TensorFlow Serving, from a notebook, a script or the command line.

Whatever is named here is loaded when it is first used, so that a part of it costs no more than it
needs: the model server, for instance, knows of this package the wire format only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detector.answers import Answer, Detector
    from detector.config import Config
    from detector.errors import ConfigError, ImageError, LensError, ServingError
    from detector.images import read_image
    from detector.serving import ModelSpec, ServingClient
    from detector.ssd import Detections, RawPrediction, Settings
    from detector.tiling import Tiling

_HOME = {
    "Answer": "answers",
    "Config": "config",
    "ConfigError": "errors",
    "Detections": "ssd",
    "Detector": "answers",
    "ImageError": "errors",
    "LensError": "errors",
    "ModelSpec": "serving",
    "RawPrediction": "ssd",
    "ServingClient": "serving",
    "ServingError": "errors",
    "Settings": "ssd",
    "Tiling": "tiling",
    "read_image": "images",
}

__all__ = [
    "Answer",
    "Config",
    "ConfigError",
    "Detections",
    "Detector",
    "ImageError",
    "LensError",
    "ModelSpec",
    "RawPrediction",
    "ServingClient",
    "ServingError",
    "Settings",
    "Tiling",
    "read_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
