"""How long decode and NMS take: ours, plain NumPy and TensorFlow's NMS op, both class by class.

    python -m benchmarks.postprocess [--repeats 60]

Cases: 7308 priors with 9 and 21 classes. "typical" is an image with six objects, each seen by a
cloud of priors, over faint noise; "worst" is flat random scores. Floor 0.01 and threshold 0.3. All
ways run interleaved in one process, and must give the same detections. Reported: median and 95th
percentile in ms, and how many times ours is faster.
"""

import argparse
import importlib.util
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detector import ssd
from detector.boxes import Boxes, iou_matrix

SEED = 20
TOP_K = 200
IOU = 0.45
Rows = list[tuple[int, int]]  # (class id, prior) of each detection, in order


def default_boxes() -> Boxes:
    """(7308, 4) priors of an SSD300, xyxy, clipped to 0..1."""
    cells = []
    scales = (0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05)
    for grid, count, scale, following in zip(
        (38, 19, 10, 5, 3, 1), (3, 6, 6, 6, 6, 6), scales[:-1], scales[1:], strict=True
    ):
        shapes = [(scale, scale), ((scale * following) ** 0.5,) * 2]
        for aspect in (2, 0.5, 3, 1 / 3):
            shapes.append((scale * aspect**0.5, scale / aspect**0.5))
        shapes = shapes[:count]
        centres = (np.arange(grid) + 0.5) / grid
        cx, cy = np.meshgrid(centres, centres)
        for w, h in shapes:
            cells.append(
                np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1).reshape(-1, 4)
            )
    boxes: NDArray[np.float32] = np.clip(np.concatenate(cells), 0, 1).astype(np.float32)
    return boxes


def make_output(kind: str, class_count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(7308, class_count + 12) output of one image."""
    priors = default_boxes()
    offsets = rng.normal(0, 1, (len(priors), 4)).astype(np.float32)
    logits = rng.normal(0, 1, (len(priors), class_count)).astype(np.float32)
    variances = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (len(priors), 1))
    if kind == "typical":
        logits[:, 0] += 7.5
        for _ in range(6):
            cx, cy, w, h = rng.uniform([0.2, 0.2, 0.15, 0.15], [0.8, 0.8, 0.6, 0.6])
            truth = np.array([[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]], np.float32)
            truth = np.clip(truth, 0, 1)
            near = iou_matrix(priors, truth)[:, 0]
            seen = near > 0.3
            logits[seen, rng.integers(1, class_count)] += 12 * near[seen]
            size = priors[:, 2:] - priors[:, :2]
            target = np.concatenate(
                [
                    ((truth[:, :2] + truth[:, 2:]) - (priors[:, :2] + priors[:, 2:])) / 2 / size,
                    np.log((truth[:, 2:] - truth[:, :2]) / size),
                ],
                axis=1,
            )
            offsets[seen] = (target / variances)[seen] + 0.3 * offsets[seen]
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    if kind == "worst":
        scores = rng.random(scores.shape)
    return np.concatenate([offsets, scores, priors, variances], axis=1).astype(np.float32)


def ours(raw: ssd.RawPrediction, threshold: float) -> Rows:
    found = ssd.postprocess(
        raw, ssd.Settings(score_threshold=threshold, iou_threshold=IOU, top_k=TOP_K), (1, 1)
    )
    return list(zip(found.class_ids.tolist(), found.prior_indices.tolist(), strict=True))


def plain_numpy(raw: ssd.RawPrediction, threshold: float) -> Rows:
    """Decode everything, then for each class: take the best, drop what it overlaps, repeat."""
    boxes = ssd.decode(raw.offsets, raw.priors, raw.variances)

    def suppress(candidates: Boxes, scores: NDArray[np.float32]) -> list[int]:
        order = np.argsort(-scores, kind="stable")
        kept: list[int] = []
        while len(order) and len(kept) < ssd.MAX_KEPT_PER_CLASS:
            kept.append(int(order[0]))
            rest = order[1:]
            order = rest[iou_matrix(candidates[order[:1]], candidates[rest])[0] <= np.float32(IOU)]
        return kept

    return _class_by_class(raw, threshold, boxes, suppress)


def tensorflow_op() -> Callable[[ssd.RawPrediction, float], Rows]:
    """The old way: tf.image.non_max_suppression in a TF 1 session, fed once for each class."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        boxes_in = tf.compat.v1.placeholder(tf.float32, (None, 4))
        scores_in = tf.compat.v1.placeholder(tf.float32, (None,))
        kept_out = tf.image.non_max_suppression(
            boxes_in, scores_in, ssd.MAX_KEPT_PER_CLASS, iou_threshold=IOU
        )
    session = tf.compat.v1.Session(graph=graph)

    def suppress(candidates: Boxes, scores: NDArray[np.float32]) -> list[int]:
        kept: list[int] = session.run(kept_out, {boxes_in: candidates, scores_in: scores}).tolist()
        return kept

    def run(raw: ssd.RawPrediction, threshold: float) -> Rows:
        boxes = ssd.decode(raw.offsets, raw.priors, raw.variances)
        return _class_by_class(raw, threshold, boxes, suppress)

    return run


def _class_by_class(
    raw: ssd.RawPrediction,
    threshold: float,
    boxes: Boxes,
    suppress: Callable[[Boxes, NDArray[np.float32]], list[int]],
) -> Rows:
    found: list[tuple[float, int, int]] = []
    for class_id in range(1, raw.scores.shape[1]):
        scores = raw.scores[:, class_id]
        priors = np.flatnonzero((scores > ssd.SCORE_FLOOR) & (scores >= threshold))
        if len(priors):
            kept = priors[suppress(boxes[priors], scores[priors])].tolist()
            found += [(-float(scores[prior]), class_id, prior) for prior in kept]
    return [(class_id, prior) for _, class_id, prior in sorted(found)[:TOP_K]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time post-processing, three ways.")
    parser.add_argument("--repeats", type=int, default=60)
    repeats = parser.parse_args().repeats
    ways: dict[str, Callable[[ssd.RawPrediction, float], Rows]] = {
        "ours": ours,
        "NumPy": plain_numpy,
    }
    if importlib.util.find_spec("tensorflow"):
        ways["TF op"] = tensorflow_op()

    rng = np.random.default_rng(SEED)
    print(
        f"NumPy {np.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"seed {SEED}, {repeats} repeats, median / p95 in ms\n"
    )
    print("| case | candidates | kept |" + "".join(f" {name} |" for name in ways) + " ratios |")
    print("|---|---|---|" + "---|" * (len(ways) + 1))
    for class_count in (9, 21):
        for kind in ("typical", "worst"):
            raws = [
                ssd.RawPrediction.from_output(make_output(kind, class_count, rng)) for _ in range(5)
            ]
            for threshold in (0.01, 0.3):
                times: dict[str, list[float]] = {name: [] for name in ways}
                for repeat in range(repeats + 5):
                    raw = raws[repeat % len(raws)]
                    rows = {}
                    for name, way in ways.items():
                        start = time.perf_counter()
                        rows[name] = way(raw, threshold)
                        if repeat >= 5:  # the first rounds warm up
                            times[name].append(1000 * (time.perf_counter() - start))
                    for name in ways:
                        if rows[name] != rows["ours"]:
                            raise SystemExit(
                                f"{name} found other boxes than ours: {kind} {threshold}"
                            )
                median = {name: float(np.median(values)) for name, values in times.items()}
                candidates = int((raws[0].scores[:, 1:] >= threshold).sum())
                print(
                    f"| {class_count} classes, {kind}, {threshold} | {candidates} "
                    f"| {len(ours(raws[0], threshold))} |"
                    + "".join(
                        f" {median[name]:.2f} / {np.percentile(times[name], 95):.2f} |"
                        for name in ways
                    )
                    + " "
                    + ", ".join(
                        f"{median[name] / median['ours']:.1f}×" for name in ways if name != "ours"
                    )
                    + " |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
