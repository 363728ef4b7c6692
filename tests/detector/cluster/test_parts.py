"""A part's Parquet file."""

import io

import numpy as np
import pyarrow.parquet as pq

from detector.batch.manifest import Result
from detector.cluster.parts import SCHEMA, Summary, read_summary, to_parquet
from detector.formats.detected import DetectedImage
from detector.ssd import Detections

LABELS = ["background", "clothes", "watch"]


def found(boxes: list[list[float]], scores: list[float], class_ids: list[int]) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(class_ids, np.int64),
        np.arange(len(scores)),
    )


NOTHING = Result(
    "s3://b/empty.jpg", "e0", DetectedImage("", (40, 30), found([], [], []), "commodity", 1)
)
BOXES = Result(
    "s3://b/two.jpg",
    "e1",
    DetectedImage(
        "",
        (400, 200),
        found([[1, 2, 30, 40], [5, 6, 7, 8]], [0.75, 0.5], [2, 1]),
        "commodity",
        2,
    ),
)
FAILED = Result("s3://b/bad.jpg", "", None, "cannot be opened", "Check the path.")


def part(*results: Result) -> tuple[list[dict], Summary]:
    summary = Summary.of("part.parquet", results)
    data = to_parquet(results, LABELS, summary)
    assert read_summary(io.BytesIO(data)) == summary
    table = pq.read_table(io.BytesIO(data))
    assert table.schema.equals(SCHEMA)
    return table.to_pylist(), summary


def given(row: dict) -> dict:
    return {name: value for name, value in row.items() if value is not None}


def test_a_part_of_no_images_has_no_rows() -> None:
    assert part() == ([], Summary("part.parquet", 0, 0, [], []))


def test_an_image_without_boxes_has_one_row() -> None:
    [row], summary = part(NOTHING)
    assert given(row) == {
        "image": "s3://b/empty.jpg",
        "digest": "e0",
        "width": 40,
        "height": 30,
        "model": "commodity",
        "version": 1,
    }
    assert (summary.images, summary.detections, summary.versions) == (1, 0, [1])


def test_each_box_has_a_row_in_the_order_of_the_images() -> None:
    rows, summary = part(BOXES, NOTHING)
    assert [row["image"] for row in rows] == ["s3://b/two.jpg"] * 2 + ["s3://b/empty.jpg"]
    assert list(given(rows[0]).values()) == [
        *("s3://b/two.jpg", "e1", 400, 200, "commodity", 2),
        *("watch", 2, 0.75, 1.0, 2.0, 30.0, 40.0),
    ]
    assert (summary.images, summary.detections, summary.versions) == (2, 2, [1, 2])


def test_an_image_that_failed_has_one_row_and_stands_in_the_summary() -> None:
    [row], summary = part(FAILED)
    assert given(row) == {"image": "s3://b/bad.jpg", "digest": "", "error": "cannot be opened"}
    assert summary.failures == [
        {
            "name": "s3://b/bad.jpg",
            "sha256": "",
            "error": "cannot be opened",
            "hint": "Check the path.",
        }
    ]
