"""How good detections are, against partly labelled truth, by a COCO evaluator.

A detection of a category that is not in the picture's `labelled`, or that lies in an ignore region
of its category, is neither right nor wrong: the first are dropped, the second become crowd boxes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.ssd import Detections


@dataclass(frozen=True)
class Truth:
    """Annotations of one split."""

    data: Mapping[str, Any]  # COCO, with the fields of this data set
    labels: tuple[str, ...]  # of the model, background first

    @classmethod
    def load(cls, folder: Path, split: str, labels: tuple[str, ...]) -> Truth:
        data = json.loads((folder / "annotations.json").read_text())
        images = [i for i in data["images"] if i.get("split", split) == split]
        kept = {i["id"] for i in images}
        notes = [a for a in data["annotations"] if a["image_id"] in kept]
        return cls({**data, "images": images, "annotations": notes}, labels)

    @property
    def images(self) -> list[dict]:
        return self.data["images"]

    def path(self, folder: Path, image: Mapping) -> Path:
        inner = folder / "images" / image["file_name"]
        return inner if inner.exists() else folder / image["file_name"]

    def labelled(self, image: Mapping) -> set[str]:
        return set(image.get("labelled", self.labels[1:]))

    def coco(self, kind: str | None) -> COCO:
        """The truth as the evaluator wants it, of one kind of picture or of all."""
        ids = {c["name"]: c["id"] for c in self.data["categories"]}
        images = [i for i in self.images if kind in (None, i.get("kind"))]
        kept = {i["id"] for i in images}
        notes = [dict(a) for a in self.data["annotations"] if a["image_id"] in kept]
        for note in notes:
            note["area"] = note["bbox"][2] * note["bbox"][3]
            note["iscrowd"] = note.get("iscrowd", 0)
        for image in images:
            for region in image.get("ignore_regions", []):
                area = region["bbox"][2] * region["bbox"][3]
                notes += [
                    {
                        "image_id": image["id"],
                        "category_id": ids[name],
                        "bbox": region["bbox"],
                        "area": area,
                        "iscrowd": 1,
                    }
                    for name in region["categories"]
                ]
        notes = [{**note, "id": index} for index, note in enumerate(notes, 1)]
        coco = COCO()
        coco.dataset = {**self.data, "images": images, "annotations": notes}
        with redirect_stdout(io.StringIO()):
            coco.createIndex()
        return coco


@dataclass(frozen=True)
class Figures:
    """What one evaluation says. NaN where a class has no box."""

    ap50: float
    ap: float
    ap50_of: Mapping[str, float]
    threshold_of: Mapping[str, float]  # the score threshold with the best F1
    f1_of: Mapping[str, float]
    f1_at: Mapping[float, float]  # threshold -> F1 over all classes together
    calibration_error: float  # expected, over detections of at least 0.05, ten bins of equal width

    @property
    def best_threshold(self) -> float:
        return max(self.f1_at, key=lambda t: self.f1_at[t]) if self.f1_at else float("nan")


def rows_of(truth: Truth, found: Iterable[tuple[Mapping, Detections]]) -> list[dict]:
    """Detections as COCO results, those of categories that the picture does not label left out."""
    ids = {c["name"]: c["id"] for c in truth.data["categories"]}
    rows = []
    for image, detections in found:
        allowed = truth.labelled(image)
        for box, score, label in zip(
            detections.boxes, detections.scores, detections.class_ids, strict=True
        ):
            name = truth.labels[label]
            if name in allowed:
                x0, y0, x1, y1 = (float(v) for v in box)
                rows.append(
                    {
                        "image_id": image["id"],
                        "category_id": ids[name],
                        "score": float(score),
                        "bbox": [x0, y0, x1 - x0, y1 - y0],
                    }
                )
    return rows


def figures(truth: Truth, rows: list[dict], kind: str | None = None) -> Figures:
    """Average precision, best thresholds and calibration on pictures of one kind, or all."""
    coco = truth.coco(kind)
    kept = set(coco.getImgIds())
    rows = [row for row in rows if row["image_id"] in kept]
    names = {c["id"]: c["name"] for c in truth.data["categories"]}
    with redirect_stdout(io.StringIO()):
        found = coco.loadRes(rows) if rows else COCO()
        result = COCOeval(coco, found, "bbox")
        result.evaluate()
        result.accumulate()
    precision = result.eval["precision"]  # (IoU, recall, class, area, maximum)
    mean = lambda p: float(p[p > -1].mean()) if (p > -1).any() else float("nan")  # noqa: E731
    by_class = {
        names[c]: mean(precision[0, :, k, 0, -1]) for k, c in enumerate(result.params.catIds)
    }
    marks, count = matches(coco, rows)
    thresholds, best = {}, {}
    for category, name in names.items():
        own = marks[marks[:, 2] == category]
        thresholds[name], best[name] = best_f1(own, count.get(category, 0))
    grid = np.round(np.arange(0.05, 0.951, 0.05), 2)
    total = sum(count.values())
    f1_at = {float(t): f1(marks[marks[:, 0] >= t], total) for t in grid}
    return Figures(
        mean(precision[0, :, :, 0, -1]),
        mean(precision[:, :, :, 0, -1]),
        by_class,
        thresholds,
        best,
        f1_at,
        calibration_error(marks),
    )


def matches(coco: COCO, rows: list[dict], iou: float = 0.5) -> tuple[np.ndarray, dict[int, int]]:
    """(K, 3) score, right or wrong (1 or 0), category, of the detections that count, highest score
    first; and the number of true boxes a category. Greedy by score, as COCO does it."""
    true: dict[tuple[int, int], list] = {}
    count: dict[int, int] = {}
    for note in coco.anns.values():
        true.setdefault((note["image_id"], note["category_id"]), []).append(note)
        if not note["iscrowd"]:
            count[note["category_id"]] = count.get(note["category_id"], 0) + 1
    taken: set[int] = set()
    marks = []
    for row in sorted(rows, key=lambda r: -r["score"]):
        x, y, w, h = row["bbox"]
        best, at, crowd = iou, None, False
        for note in true.get((row["image_id"], row["category_id"]), []):
            a, b, c, d = note["bbox"]
            inter = max(0.0, min(x + w, a + c) - max(x, a)) * max(
                0.0, min(y + h, b + d) - max(y, b)
            )
            if note["iscrowd"]:
                crowd = crowd or inter >= iou * w * h
            elif note["id"] not in taken and inter / (w * h + c * d - inter) >= best:
                best, at = inter / (w * h + c * d - inter), note["id"]
        if at is not None:
            taken.add(at)
        elif crowd:
            continue
        marks.append((row["score"], float(at is not None), row["category_id"]))
    return np.array(marks, np.float64).reshape(-1, 3), count


def f1(marks: np.ndarray, total: int) -> float:
    return float(2 * marks[:, 1].sum() / max(len(marks) + total, 1))


def best_f1(marks: np.ndarray, total: int) -> tuple[float, float]:
    """(threshold, F1) at the best place of a list sorted by score."""
    if not len(marks) or not total:
        return float("nan"), float("nan")
    values = 2 * marks[:, 1].cumsum() / (np.arange(1, len(marks) + 1) + total)
    place = int(values.argmax())
    return float(marks[place, 0]), float(values[place])


def calibration_error(marks: np.ndarray, floor: float = 0.05) -> float:
    """Mean distance of score and share of right ones over ten bins, weighted by their size."""
    marks = marks[marks[:, 0] >= floor]
    if not len(marks):
        return float("nan")
    bins = np.minimum((marks[:, 0] * 10).astype(int), 9)
    gaps = [
        abs(marks[bins == b, 0].mean() - marks[bins == b, 1].mean()) * (bins == b).sum()
        for b in range(10)
        if (bins == b).any()
    ]
    return float(sum(gaps) / len(marks))
