"""Answers of a model for a gallery's images, in a file beside them: what can be shown of a detector
while no model server answers.

`python -m detector record GALLERY` writes it. Of an answer it has what post-processing reads, so
that thresholds and NMS work as with a live one; its numbers are rounded.
"""

import logging
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from detector.answers import Answer
from detector.serving import ModelVersion
from detector.ssd import RawPrediction

FILE_NAME = "recorded.npz"

_log = logging.getLogger(__name__)

_HALF = ("offsets", "scores")  # kept in 16 bits: scores to 0.0005, corners to a tenth of a pixel
_PARTS = ("offsets", "scores", "priors", "variances", "prior_indices")


def write_recorded(path: Path, recorded: Sequence[tuple[str, Answer]], on: date) -> None:
    """Write the answers. The same answers give the same bytes.

    Args:
        recorded: at least one (SHA-256 of the image's file, its answer), all with equally many
            classes.
        on: the day on which they were given.

    Raises:
        OSError: the file cannot be written.
    """
    raws = [answer.raw for digest, answer in recorded]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(raw, name) for raw in raws]) for name in _PARTS
    }
    columns |= {name: columns[name].astype(np.float16) for name in _HALF}
    np.savez_compressed(
        path,
        allow_pickle=False,
        on=str(on),
        digests=[digest for digest, answer in recorded],
        models=[answer.model.name for digest, answer in recorded],
        versions=[answer.model.version for digest, answer in recorded],
        sizes=[answer.size for digest, answer in recorded],
        row_counts=[len(raw.scores) for raw in raws],
        prior_counts=[raw.prior_count for raw in raws],
        **columns,
    )


def read_recorded(path: Path) -> list[tuple[str, Answer]]:
    """The answers in a file, none where there is no file. One that cannot be read is logged, and is
    none too: nothing depends on it."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return _answers({name: file[name] for name in file.files})
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the recorded answers in %s cannot be read: %r", path, error)
        return []


def _answers(columns: dict[str, Any]) -> list[tuple[str, Answer]]:
    on = date.fromisoformat(str(columns["on"]))
    ends = np.cumsum(columns["row_counts"])
    parts = {name: np.split(columns[name], ends[:-1]) for name in _PARTS}
    found = []
    for index, digest in enumerate(columns["digests"].tolist()):
        own: dict[str, Any] = {name: parts[name][index] for name in _PARTS}
        raw = RawPrediction(**own, prior_count=int(columns["prior_counts"][index]))
        width, height = columns["sizes"][index].tolist()
        model = ModelVersion(str(columns["models"][index]), int(columns["versions"][index]))
        found.append((digest, Answer(raw, (width, height), model, {}, on)))
    return found
