"""Random images with their detections, and COCO's own evaluation of them."""

import io
from contextlib import redirect_stdout

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.evaluation.ground_truth import ANY_CLASS, GroundTruth
from detector.ssd import Detections


def random_boxes(rng, count, whole):
    """Boxes inside 100 x 100; on whole pixels, so that many IoUs are equal, or anywhere."""
    corners = rng.integers(0, 90, (count, 2)) if whole else rng.uniform(0, 90, (count, 2))
    sides = rng.integers(1, 11, (count, 2)) * 3 if whole else rng.uniform(1, 40, (count, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def random_images(seed):
    """Images with near misses, duplicates, crowds, regions, unlabelled classes, equal scores."""
    rng = np.random.default_rng(seed)
    whole = seed % 2 == 0
    images: list[tuple[GroundTruth, Detections]] = []
    for _ in range(rng.integers(1, 8)):
        count = rng.choice([0, 0, 1, 3, 8])
        boxes = random_boxes(rng, count, whole)
        class_ids = rng.integers(1, 4, count)  # class 4 has never a ground-truth box
        near = np.repeat(boxes, rng.integers(0, 4, count), axis=0)
        near = near + rng.integers(-3, 4, near.shape) * (1 if whole else rng.uniform())
        near_classes = np.resize(class_ids, len(near)) if len(near) else np.empty(0, np.int64)
        stray_count = rng.choice([0, 5, 150 if seed % 3 == 0 else 20])
        found_boxes = np.concatenate([near, random_boxes(rng, stray_count, whole)])
        found_classes = np.concatenate([near_classes, rng.integers(1, 5, stray_count)])
        if stray_count == 150:
            found_classes[:] = 1  # more than 100 of one class
        found_boxes[:, 2:] = np.maximum(found_boxes[:, 2:], found_boxes[:, :2])
        scores = rng.choice(np.linspace(0.05, 0.95, 10), len(found_boxes))
        order = np.argsort(-scores, kind="stable")
        region_count = rng.choice([0, 0, 2])
        images.append(
            (
                GroundTruth(
                    f"{len(images)}.jpg",
                    (100, 100),
                    boxes,
                    class_ids,
                    rng.uniform(size=count) < 0.2,
                    random_boxes(rng, region_count, whole),
                    rng.integers(0, 4, region_count),
                    frozenset({1, 2, 4}) if rng.uniform() < 0.2 else None,
                ),
                Detections(
                    found_boxes[order], scores[order], found_classes[order], np.arange(len(order))
                ),
            )
        )
    return images


def xywh(box):
    xmin, ymin, xmax, ymax = (float(value) for value in box)
    return [xmin, ymin, xmax - xmin, ymax - ymin]


def notes_and_results(images, class_count):
    """Ground truth and detections for pycocotools; ids are indices plus one."""
    notes, results = [], []
    truth_index = 0
    for image_id, (truths, detections) in enumerate(images, start=1):

        def labelled(class_id, truths=truths):
            return truths.labelled is None or class_id in truths.labelled

        for box, class_id, crowd in zip(truths.boxes, truths.class_ids, truths.crowd, strict=True):
            truth_index += 1
            if labelled(class_id):
                notes.append((truth_index, image_id, class_id, box, int(crowd)))
        for box, class_id in zip(truths.regions, truths.region_class_ids, strict=True):
            for held in range(1, class_count) if class_id == ANY_CLASS else [class_id]:
                notes.append((100_000 + len(notes), image_id, held, box, 1))
        for box, score, class_id in zip(
            detections.boxes, detections.scores, detections.class_ids, strict=True
        ):
            results.append(
                {
                    "image_id": image_id,
                    "category_id": int(class_id),
                    "bbox": xywh(box),
                    # What is not labelled is dropped, but keeps its id.
                    "score": float(score) if labelled(class_id) else None,
                }
            )
    return notes, results


def pycocotools(images, class_count, max_detections):
    """COCOeval over the same images."""
    notes, results = notes_and_results(images, class_count)
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number + 1} for number in range(len(images))],
        "categories": [{"id": number} for number in range(1, class_count)],
        "annotations": [
            {
                "id": index,
                "image_id": image_id,
                "category_id": int(class_id),
                "bbox": xywh(box),
                "area": float(np.prod(xywh(box)[2:])),
                "iscrowd": crowd,
            }
            for index, image_id, class_id, box, crowd in notes
        ],
    }
    answers = COCO()
    answers.dataset = {
        **coco.dataset,
        "annotations": [
            {**result, "id": number, "area": result["bbox"][2] * result["bbox"][3], "iscrowd": 0}
            for number, result in enumerate(results, start=1)
            if result["score"] is not None
        ],
    }
    with redirect_stdout(io.StringIO()):
        coco.createIndex()
        answers.createIndex()
        evaluation = COCOeval(coco, answers, "bbox")
        evaluation.params.maxDets = [1, 10, max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
