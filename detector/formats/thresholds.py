"""thresholds.json: score thresholds, classes by name, to hand on to other programs and runs."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from detector.errors import ThresholdsError
from detector.evaluation.operating_points import OperatingPoint
from detector.formats.typed_json import JsonError, parse, shown, typed
from detector.ssd import Settings
from detector.translation import _

FORMAT = "commodity-lens-thresholds"
VERSION = 1

_Threshold = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _File(msgspec.Struct):
    score_threshold: _Threshold
    class_thresholds: dict[str, Any] = {}  # each looked at by itself, so that errors name the class


def write_thresholds(settings: Settings | OperatingPoint, labels: Sequence[str]) -> bytes:
    """thresholds.json: the thresholds of the settings, classes by name.

    Args:
        labels: the model's; index = class id, background first.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "score_threshold": settings.score_threshold,
        "class_thresholds": {
            labels[class_id]: value for class_id, value in settings.class_thresholds.items()
        },
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read_thresholds(data: bytes, labels: Sequence[str]) -> OperatingPoint:
    """The thresholds in a thresholds.json.

    Args:
        labels: the model's; index = class id, background first. Matched exactly.

    Raises:
        ThresholdsError: not such a file, a newer version, an unknown label, or a threshold that is
            no number in 0..1.
    """
    try:
        content = parse(data)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ThresholdsError(
                _('expected a JSON object with "format": "{format}"', format=FORMAT)
            )
        if content.get("version") != VERSION:
            raise ThresholdsError(
                _(
                    "the file has version {value}, expected {version}",
                    value=shown(content.get("version")),
                    version=VERSION,
                ),
                _("Save it again with this release, or use the release that saved it."),
            )
        file = typed(content, _File)
        class_ids = {label: class_id for class_id, label in enumerate(labels) if class_id > 0}
        if unknown := [name for name in file.class_thresholds if name not in class_ids]:
            more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
            raise ThresholdsError(
                _(
                    "the model has no label {unknown!r}{more}; it has {class_ids}",
                    unknown=unknown[0],
                    more=more,
                    class_ids=", ".join(class_ids),
                )
            )
        return OperatingPoint(
            file.score_threshold,
            {
                class_ids[name]: typed(value, _Threshold, f"class_thresholds[{name!r}]")
                for name, value in file.class_thresholds.items()
            },
        )
    except JsonError as error:
        raise ThresholdsError(str(error)) from error
