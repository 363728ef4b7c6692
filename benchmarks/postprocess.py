"""From the model's answer to detections: ours, plain NumPy, and the NMS of TensorFlow and OpenCV.

    python -m benchmarks.postprocess [--rounds 51] [--case 'photo, 9 classes']

`photo` is the shipped model's output for the gallery's images, one after the other; 21 and 81
classes are the same with added classes that are seen faintly (benchmarks/outputs.py). `flat` is
random scores, where all boxes compete. An answer is (7308, C + 12) float32 as it was just received:
each way sees that its numbers are finite and its scores from 0 to 1, ours also that the rest is an
SSD's. `slider` starts with what is kept of an answer that was shown with a threshold 0.05 higher:
ours with its RawPrediction, the others with that one's arrays.

All ways decode with the same function, of the candidates only, and must find the same boxes to the
last bit. Torchvision takes part where it is installed.
"""

import argparse
import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Figure, interleaved, main, say
from benchmarks.outputs import Values, flat, gallery_outputs, with_classes
from detector import ssd
from detector.boxes import iou_matrix

SEED = 20
TOP_K = 200
IOU = 0.45
SIZE = (1280, 960)
# Where one round of all ways takes seconds there are fewer of them.
MOST_S = 6.0
# These keep classes apart by moving their boxes apart, which costs the coordinates their last bits:
# where an IoU is all but at the threshold they decide otherwise.
MOVE_APART = ("OpenCV, batched", "torchvision, batched")
MOST_OTHERS = 3


class Parts(NamedTuple):
    """An answer, split: rows of offsets, scores, prior corners and variances."""

    offsets: Values
    scores: Values
    priors: Values
    variances: Values


class Found(NamedTuple):
    """Boxes in pixels, scores and class ids, best first."""

    boxes: Values
    scores: Values
    class_ids: NDArray[np.int64]


Way = Callable[[Parts, float], Found]


def read(output: Values) -> Parts:
    """What the other ways do with an answer first."""
    parts = Parts(output[:, :4], output[:, 4:-8], output[:, -8:-4], output[:, -4:])
    if not np.isfinite(output).all():
        raise ValueError("an answer with numbers that are not finite")
    if parts.scores.min() < -0.001 or parts.scores.max() > 1.001:
        raise ValueError("an answer with scores that are none")
    return parts


def candidates(parts: Parts, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and class ids with a score at or above the threshold."""
    rows, classes = np.nonzero(parts.scores[:, 1:] >= np.float32(threshold))
    return rows, classes + 1


def decoded(parts: Parts, rows: NDArray[np.int64]) -> Values:
    return ssd.decode(parts.offsets[rows], parts.priors[rows], parts.variances[rows])


def found(boxes: Values, scores: Values, class_ids: NDArray[np.int64]) -> Found:
    return Found(boxes * np.array([*SIZE, *SIZE], np.float32), scores, class_ids)


def ours(raw: ssd.RawPrediction, settings: ssd.Settings) -> Found:
    detections = ssd.postprocess(raw, settings, SIZE)
    return Found(detections.boxes, detections.scores, detections.class_ids)


def numpy_by_class(parts: Parts, threshold: float) -> Found:
    """For each class: take the best, drop what it overlaps, repeat."""
    rows, class_ids = candidates(parts, threshold)
    boxes, scores = decoded(parts, rows), parts.scores[rows, class_ids]
    kept: list[int] = []
    for class_id in np.unique(class_ids):
        members = np.flatnonzero(class_ids == class_id)
        order = members[np.argsort(-scores[members], kind="stable")]
        for _ in range(ssd.MAX_KEPT_PER_CLASS):
            if not len(order):
                break
            kept.append(int(order[0]))
            overlaps = iou_matrix(boxes[order[:1]], boxes[order[1:]])[0]
            order = order[1:][overlaps <= np.float32(IOU)]
    best = np.array(kept, np.int64)
    best = best[np.argsort(-scores[best], kind="stable")][:TOP_K]
    return found(boxes[best], scores[best], class_ids[best])


def tensorflow_by_class() -> Way:
    """The way before: all boxes decoded, then tf.image.non_max_suppression in a TF 1 session, fed
    once for each class."""
    tf = importlib.import_module("tensorflow")
    graph = tf.Graph()
    with graph.as_default():
        boxes_in = tf.compat.v1.placeholder(tf.float32, (None, 4))
        scores_in = tf.compat.v1.placeholder(tf.float32, (None,))
        kept_out = tf.image.non_max_suppression(
            boxes_in, scores_in, ssd.MAX_KEPT_PER_CLASS, iou_threshold=IOU
        )
    session = tf.compat.v1.Session(graph=graph)

    def run(parts: Parts, threshold: float) -> Found:
        boxes = ssd.decode(parts.offsets, parts.priors, parts.variances)
        priors, class_ids = [], []
        for class_id in range(1, parts.scores.shape[1]):
            rows = np.flatnonzero(parts.scores[:, class_id] >= np.float32(threshold))
            if len(rows):
                fed = {boxes_in: boxes[rows], scores_in: parts.scores[rows, class_id]}
                kept = rows[session.run(kept_out, fed)]
                priors.append(kept)
                class_ids.append(np.full(len(kept), class_id))
        if not priors:
            return found(boxes[:0], parts.scores[:0, 0], np.empty(0, np.int64))
        all_rows, all_ids = np.concatenate(priors), np.concatenate(class_ids)
        scores = parts.scores[all_rows, all_ids]
        best = np.argsort(-scores, kind="stable")[:TOP_K]
        return found(boxes[all_rows[best]], scores[best], all_ids[best])

    return run


def tensorflow_combined() -> Way:
    tf = importlib.import_module("tensorflow")

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def combined(boxes: Any, scores: Any, threshold: Any) -> Any:
        return tf.image.combined_non_max_suppression(
            boxes, scores, ssd.MAX_KEPT_PER_CLASS, TOP_K, IOU, threshold, clip_boxes=False
        )

    def run(parts: Parts, threshold: float) -> Found:
        below = np.nextafter(np.float32(threshold), np.float32(0))  # its threshold is exclusive
        rows = np.flatnonzero((parts.scores[:, 1:] > below).any(axis=1))
        boxes = decoded(parts, rows)
        answer = combined(boxes[None, :, None], parts.scores[None, rows, 1:], below)
        count = int(answer.valid_detections[0])
        return found(
            answer.nmsed_boxes[0, :count].numpy(),
            answer.nmsed_scores[0, :count].numpy(),
            answer.nmsed_classes[0, :count].numpy().astype(np.int64) + 1,
        )

    return run


def opencv() -> Way:
    cv2 = importlib.import_module("cv2")

    def run(parts: Parts, threshold: float) -> Found:
        rows, class_ids = candidates(parts, threshold)
        boxes, scores = decoded(parts, rows), parts.scores[rows, class_ids]
        corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        kept = cv2.dnn.NMSBoxesBatched(
            corner_and_size, scores, class_ids.astype(np.int32), 0.0, IOU
        )
        best = np.asarray(kept, np.int64)[:TOP_K]
        return found(boxes[best], scores[best], class_ids[best])

    return run


def torchvision() -> Way:
    torch, ops = importlib.import_module("torch"), importlib.import_module("torchvision.ops")

    def run(parts: Parts, threshold: float) -> Found:
        rows, class_ids = candidates(parts, threshold)
        boxes, scores = decoded(parts, rows), parts.scores[rows, class_ids]
        contiguous = np.ascontiguousarray(boxes)
        kept = ops.batched_nms(*map(torch.from_numpy, (contiguous, scores, class_ids)), IOU)
        best = kept.numpy()[:TOP_K]
        return found(boxes[best], scores[best], class_ids[best])

    return run


def other_ways() -> dict[str, Way]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # PyTorch loads before TensorFlow: the other way round it ends the process.
    batched = torchvision() if importlib.util.find_spec("torchvision") else None
    ways: dict[str, Way] = {"NumPy, class by class": numpy_by_class}
    ways["TensorFlow, class by class"] = tensorflow_by_class()
    ways["TensorFlow, combined"] = tensorflow_combined()
    ways["OpenCV, batched"] = opencv()
    if batched is not None:
        ways["torchvision, batched"] = batched
    return ways


def figures(options: argparse.Namespace) -> list[Figure]:
    real, rng = gallery_outputs(), np.random.default_rng(SEED)
    others = other_ways()
    measured = []
    kinds = [("photo", classes, with_classes(real, classes)) for classes in (9, 21, 81)]
    kinds += [("flat", classes, [flat(real[0], classes, rng)]) for classes in (9, 21)]
    for kind, classes, outputs in kinds:
        # From 0.30 flat scores are the same: 200 boxes are found among the very best.
        for threshold in (0.01, 0.30) if kind == "photo" else (0.01,):
            for start in ("answer", "slider") if (kind, classes) != ("flat", 21) else ("answer",):
                case = f"{kind}, {classes} classes, from {threshold:.2f}, {start}"
                if options.case not in case:
                    continue
                say(case)
                measured += _case(case, outputs, threshold, start, others, options.rounds)
    return measured


def _case(
    case: str,
    outputs: list[Values],
    threshold: float,
    start: str,
    others: dict[str, Way],
    rounds: int,
) -> list[Figure]:
    settings = ssd.Settings(score_threshold=threshold, iou_threshold=IOU, top_k=TOP_K)
    # Where the floor is what counts it is exclusive, as ours has it.
    lowest = float(max(np.nextafter(np.float32(ssd.SCORE_FLOOR), np.float32(1)), threshold))
    raws = [ssd.RawPrediction.from_output(output) for output in outputs]
    parts = [
        Parts(*map(np.ascontiguousarray, (raw.offsets, raw.scores, raw.priors, raw.variances)))
        for raw in raws
    ]
    received = outputs[0].copy()
    index, seen = 0, raws[0]
    earlier = replace(settings, score_threshold=threshold + 0.05)

    def our_way() -> Found:
        raw = ssd.RawPrediction.from_output(received) if start == "answer" else seen
        return ours(raw, settings)

    def other_way(way: Way) -> Found:
        return way(read(received) if start == "answer" else parts[index], lowest)

    ways: dict[str, Callable[[], Found]] = {"ours": our_way}
    ways |= {name: partial(other_way, way) for name, way in others.items()}

    def before(number: int) -> None:
        nonlocal index, seen
        index = number % len(outputs)
        seen = ssd.RawPrediction.from_output(outputs[index])
        ours(seen, earlier)
        # TensorFlow's threads look out for work for a while after a call.
        time.sleep(0.003)
        received[...] = outputs[index]

    counts = []
    others_found = dict.fromkeys(ways, 0)
    began = time.perf_counter()
    for number in range(len(outputs)):
        before(number)
        expected = our_way()
        counts.append(len(expected.scores))
        for name, way in ways.items():
            missed = missing(expected, way())
            if missed > (MOST_OTHERS if name in MOVE_APART else 0):
                raise SystemExit(f"{case}: {name} does not find {missed} of {counts[-1]} boxes")
            others_found[name] += missed
    a_round_s = (time.perf_counter() - began) / len(outputs)
    scores = np.concatenate([raw.scores[:, 1:].reshape(-1) for raw in raws])
    candidate_count = np.count_nonzero(scores >= np.float32(lowest)) / len(raws)
    timed = interleaved(
        case,
        ways,
        rounds=max(3, min(rounds, int(MOST_S / a_round_s))),
        warm_up=1 if a_round_s > 1 else 3,
        before=before,
        note=f"{candidate_count:,.0f} candidates, {np.mean(counts):.0f} boxes",
    )
    for figure in timed:
        if others_found[figure.way]:
            figure.note = f"{others_found[figure.way]} of {sum(counts):,} boxes are others"
    return timed


def missing(expected: Found, got: Found) -> int:
    """How many boxes were not found to the last bit, or are too many; the order of equal scores is
    free."""
    ours, theirs = (
        set(zip(f.scores.tolist(), f.class_ids.tolist(), map(tuple, f.boxes.tolist()), strict=True))
        for f in (expected, got)
    )
    return max(len(ours - theirs), len(theirs - ours), len(got.scores) - len(expected.scores))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", default="", help="those only with this in their name")
    parser.add_argument("--rounds", type=int, default=51, help="at most (default: 51)")


if __name__ == "__main__":
    main(__doc__, figures, add_options)
