"""The model card: what a model is for, how good it is and where it fails. training/ writes it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from detector.errors import ConfigError
from detector.formats.typed_json import JsonError, parse, typed
from detector.translation import _

KINDS = ("all", "product", "scene")  # of images, as the card has figures for them


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is found; None where the card does not say it.

    Attributes:
        label: the class's name.
        average_precision: AP at an IoU of 0.5.
        best_f1: at the score threshold `best_f1_threshold`.
    """

    label: str
    average_precision: float | None
    best_f1: float | None
    best_f1_threshold: float | None


@dataclass(frozen=True)
class Card:
    """What is shown of a model card. What it does not say is "" or missing; a number may be None.

    Attributes:
        measured_on: the images behind the figures, in words.
        precisions: mAP@0.5 by kind of image.
        whole: the file's content.
    """

    task: str
    measured_on: str
    precisions: Mapping[str, float | None]
    weaknesses: Sequence[str]
    licences: str
    classes: Sequence[ClassFigures]
    whole: Mapping[str, Any]


class _Kind(msgspec.Struct, rename={"precision": "mAP50"}):
    precision: float | None = None


class _Class(
    msgspec.Struct,
    rename={"ap50": "AP50", "best_f1": "best_F1", "best_f1_threshold": "best_F1_threshold"},
):
    ap50: float | None = None
    best_f1: float | None = None
    best_f1_threshold: float | None = None


class _Figures(msgspec.Struct):
    data: str | None = None
    all: _Kind | None = None
    product: _Kind | None = None
    scene: _Kind | None = None
    classes: dict[str, Any] | None = None  # each looked at by itself, so that errors name the class


class _Data(msgspec.Struct):
    licences: str | None = None


class _Card(msgspec.Struct):
    task: str | None = None
    figures: _Figures | None = None
    known_weaknesses: list[str] | None = None
    data: _Data | None = None


def read_card(path: Path) -> Card:
    """The model card in that file. Raises ConfigError."""
    try:
        whole = parse(path.read_bytes())
        card = typed(whole, _Card)
        figures = card.figures or _Figures()
        kinds = {kind: getattr(figures, kind) for kind in KINDS}
        classes = {
            label: typed(entry, _Class, f"figures.classes[{label!r}]")
            for label, entry in (figures.classes or {}).items()
        }
        return Card(
            card.task or "",
            figures.data or "",
            {kind: _share(entry.precision) for kind, entry in kinds.items() if entry is not None},
            card.known_weaknesses or (),
            (card.data or _Data()).licences or "",
            [
                ClassFigures(
                    label,
                    _share(entry.ap50),
                    _share(entry.best_f1),
                    _share(entry.best_f1_threshold),
                )
                for label, entry in classes.items()
            ],
            whole,
        )
    except (OSError, JsonError) as error:
        raise ConfigError(
            _("The model card {path} cannot be read: {error}", path=path, error=error),
            _("`python -m training.evaluate --card` writes one; without the file none is shown."),
        ) from error


def _share(value: float | None) -> float | None:
    """The figure; None where it is none. Raises JsonError outside 0..1."""
    if value is None or math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise JsonError(_("a figure is {value}, expected 0 to 1", value=f"{value:g}"))
    return value
