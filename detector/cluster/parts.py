"""A part: the results of some hundred images in one Parquet file.

A row for each box. An image without boxes has one row, in which `label` and all after it are null;
so has one that failed, where `error` says why and `model` and `version` are null too. So a part
stands for each of its images, and is complete with its one file.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from detector.batch.manifest import Result

SCHEMA = pa.schema(
    [
        ("image", pa.string()),  # the URL
        ("digest", pa.string()),  # SHA-256 of the file's bytes; "" where it could not be read
        ("width", pa.int32()),  # of the upright image, in pixels
        ("height", pa.int32()),
        ("model", pa.string()),
        ("version", pa.int64()),
        ("error", pa.string()),
        ("label", pa.string()),
        ("class_id", pa.int32()),
        ("score", pa.float32()),
        ("xmin", pa.float32()),  # in pixels of the image
        ("ymin", pa.float32()),
        ("xmax", pa.float32()),
        ("ymax", pa.float32()),
    ]
)
_SUMMARY = b"commodity_lens"  # the key of the file's metadata


@dataclass(frozen=True)
class Summary:
    """What a part has, without its rows.

    Attributes:
        versions: those of the model that answered, rising.
        failures: name, SHA-256, error and hint of each image that failed.
    """

    name: str
    images: int
    detections: int
    versions: Sequence[int]
    failures: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, name: str, results: Sequence[Result]) -> Self:
        found = [result.found for result in results if result.found is not None]
        return cls(
            name,
            len(results),
            sum(len(image.detections) for image in found),
            sorted({image.model_version or 0 for image in found} - {0}),
            [result.as_json() for result in results if result.found is None],
        )


def to_parquet(results: Sequence[Result], labels: Sequence[str], summary: Summary) -> bytes:
    """The part's file.

    Args:
        labels: index = class id.
    """
    rows = [row for result in results for row in _rows(result, labels)]
    schema = SCHEMA.with_metadata({_SUMMARY: json.dumps(asdict(summary))})
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), buffer, compression="zstd")
    return buffer.getvalue()


def read_summary(file: BinaryIO) -> Summary:
    """The summary in a part's file, of which the end is read only."""
    return Summary(**json.loads(pq.read_schema(file).metadata[_SUMMARY]))


def _rows(result: Result, labels: Sequence[str]) -> list[dict[str, Any]]:
    start: dict[str, Any] = {"image": result.name, "digest": result.digest}
    if result.found is None:
        return [{**start, "error": result.error}]
    found = result.found
    width, height = found.size
    start |= {"width": width, "height": height}
    start |= {"model": found.model_name, "version": found.model_version}
    boxes = found.detections
    rows = [
        {
            **start,
            "label": labels[class_id],
            "class_id": class_id,
            "score": score,
            **dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)),
        }
        for class_id, score, box in zip(
            boxes.class_ids.tolist(), boxes.scores.tolist(), boxes.boxes.tolist(), strict=True
        )
    ]
    return rows or [start]
