"""One picture as the viewer in the browser wants it: it then follows the thresholds by itself.

Greedy NMS lets only a better box suppress another. Class by class a threshold is therefore a mere
filter over what NMS keeps at the floor, and the viewer needs no more than that. Class-agnostic with
thresholds a class it is not: a box that its threshold hides must not suppress. There the viewer
runs NMS itself, over lists of who would suppress whom, so that no overlap is ever computed twice,
or in another arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.boxes import iou_matrix
from detector.drawing.colors import class_color, text_color
from detector.evaluation.ground_truth import GroundTruth
from detector.evaluation.matching import Matches, Outcome, at_floor, compare, match
from detector.ssd import Detections, RawPrediction, Settings, decode, postprocess
from detector.xray import XRay, xray

# Flat scores make 58,000 candidates of 7308 priors. These many of those that never show are enough
# to see what NMS does, and a canvas draws them 30 times a second.
MAX_REST = 4000
# Some 2 MB of JSON. A photo has some thousands.
MAX_PAIRS = 300_000

_ROWS = 512

Ints = NDArray[np.int64]


def view(
    raw: RawPrediction,
    settings: Settings,
    size: tuple[int, int],
    labels: Sequence[str],
    *,
    digest: str,
    truth: GroundTruth | None = None,
    match_iou: float = 0.5,
) -> dict[str, Any]:
    """All that the viewer needs to show the picture at any score threshold. Ready for JSON.

    The boxes that the viewer shows at a threshold are those of `ssd.postprocess`, in its order.

    - `digest`, `size`, `labels`, `colors`, `text_colors`: of the picture and of the classes.
    - `settings`: `score`, `classes` (class id -> own threshold), `shown` (class ids, None = all),
      `top_k`, `iou`, `agnostic`.
    - `class`, `prior`, `score`, `box`, `kept`, `suppressor`, `iou`: a value (`box` four: xyxy in
      pixels) a candidate above the floor, best first. Scores are exact; `kept` is 1 where NMS at
      the floor keeps it, among the first 400 of its class; `suppressor` is the index of the kept
      candidate that suppressed it, else -1.
    - `kept_count`: how many are kept; `left_out`: candidates that were not sent: they never show.
    - `pairs`: class-agnostic only, and only where it fits: `starts` (K + 1), `by` and `iou`: the
      better candidates that would suppress candidate i are `by[starts[i]:starts[i + 1]]`.
    - `settled`: class-agnostic without `pairs`: the candidates that these very settings show.
    - `outcome`, `overlap`, `about`: with `truth`, a value a candidate: its `matching.Outcome` (0 =
      not judged), the IoU that decided, and the index of the true box that it is about, else -1.
    - `truth`: with `truth`: `class`, `box`, `ignored`, `found_by` (candidate or -1), a value a true
      box; regions to ignore come last.

    Args:
        raw: the model's output for the picture.
        settings: as for `ssd.postprocess`; thresholds, as the viewer starts with them.
        size: (width, height) of the original picture, in pixels.
        labels: a name for each class id, the background's first.
        digest: names the picture: the viewer keeps zoom and selection for as long as it is the
            same.
        truth: what is to be found in the picture.
        match_iou: the IoU at which a box finds a true one.
    """
    floor = replace(at_floor(settings), class_agnostic=settings.class_agnostic)
    seen = xray(raw, floor, size)
    found = seen.candidates
    settled: list[str] = []
    if settings.class_agnostic:
        settled = postprocess(raw, settings, size).ids
    rows = _rows_to_send(seen, settings, settled)
    left_out = len(found) - len(rows)
    place = np.full(len(found) + 1, -1)  # the last is for index -1
    place[rows] = np.arange(len(rows))
    pairs = None
    if settings.class_agnostic and not left_out:
        pairs = _pairs(raw, found, settings.iou_threshold)
    sent = found.take(rows)
    result: dict[str, Any] = {
        "digest": digest,
        "size": list(size),
        "labels": list(labels),
        "colors": [class_color(class_id) for class_id in range(len(labels))],
        "text_colors": [text_color(class_color(class_id)) for class_id in range(len(labels))],
        "settings": {
            "score": settings.score_threshold,
            "classes": {str(key): value for key, value in settings.class_thresholds.items()},
            "shown": None if settings.classes is None else sorted(settings.classes),
            "top_k": settings.top_k,
            "iou": settings.iou_threshold,
            "agnostic": settings.class_agnostic,
        },
        "class": sent.class_ids.tolist(),
        "prior": sent.prior_indices.tolist(),
        "score": sent.scores.astype(np.float64).tolist(),
        "box": _rounded(sent.boxes.ravel(), 1),
        "kept": seen.shown[rows].astype(int).tolist(),
        "suppressor": place[seen.suppressor[rows]].tolist(),
        "iou": _rounded(seen.ious[rows], 4),
        "kept_count": int(seen.shown.sum()),
        "left_out": left_out,
        "pairs": pairs,
        "settled": None,
        "outcome": None,
        "overlap": None,
        "about": None,
        "truth": None,
    }
    if settings.class_agnostic and pairs is None:
        index = {name: row for row, name in enumerate(sent.ids)}
        result["settled"] = [index[name] for name in settled]
    if truth is not None:
        result |= _judged(raw, settings, size, seen, rows, truth, match_iou, len(labels))
    return result


def _rows_to_send(seen: XRay, settings: Settings, settled: list[str]) -> Ints:
    """Indices of all candidates that may ever show, and of the best of the others. Ascending."""
    found = seen.candidates
    # What a threshold leaves of a class are its best: of one class no more than `top_k` ever show.
    needed = seen.shown.copy()
    for class_id in np.unique(found.class_ids):
        needed[np.flatnonzero(needed & (found.class_ids == class_id))[settings.top_k :]] = False
    rest = np.flatnonzero(~needed)
    if len(rest) > MAX_REST:
        if settled:
            # Thresholds a class may show what NMS at the floor does not keep.
            index = {name: row for row, name in enumerate(found.ids)}
            needed[[index[name] for name in settled]] = True
        needed[rest[:MAX_REST]] = True
        return np.flatnonzero(needed)
    return np.arange(len(found))


def _pairs(raw: RawPrediction, found: Detections, iou_threshold: float) -> dict[str, Any] | None:
    """For each candidate the better ones that would suppress it; None where that is too much."""
    rows = np.searchsorted(raw.prior_indices, found.prior_indices)
    boxes = decode(raw.offsets[rows], raw.priors[rows], raw.variances[rows])
    counts = np.zeros(len(boxes), np.int64)
    by = [np.empty(0, np.int64)]
    ious = [np.empty(0, np.float32)]
    total = 0
    for start in range(0, len(boxes), _ROWS):
        stop = min(start + _ROWS, len(boxes))
        overlaps = iou_matrix(boxes[start:stop], boxes[:stop])
        suppresses = np.tril(overlaps > np.float32(iou_threshold), start - 1)
        counts[start:stop] = suppresses.sum(axis=1)
        total += int(counts[start:stop].sum())
        if total > MAX_PAIRS:
            return None
        by.append(np.nonzero(suppresses)[1])
        ious.append(overlaps[suppresses])
    return {
        "starts": [0, *np.cumsum(counts).tolist()],
        "by": np.concatenate(by).tolist(),
        "iou": _rounded(np.concatenate(ious), 4),
    }


@dataclass(frozen=True)
class _Judged:
    """The detections that were matched, and their indices among the candidates."""

    found: Detections
    rows: Ints


def _to_judge(raw: RawPrediction, settings: Settings, size: tuple[int, int], seen: XRay) -> _Judged:
    if not (settings.class_agnostic and settings.class_thresholds):
        rows = np.flatnonzero(seen.shown)
        return _Judged(seen.candidates.take(rows), rows)
    # Here what is kept depends on the thresholds: only what these ones keep can be judged.
    kept = postprocess(raw, replace(settings, classes=None, top_k=2**31), size)
    index = {name: row for row, name in enumerate(seen.candidates.ids)}
    return _Judged(kept, np.array([index[name] for name in kept.ids], np.int64))


def _judged(
    raw: RawPrediction,
    settings: Settings,
    size: tuple[int, int],
    seen: XRay,
    rows: Ints,
    truth: GroundTruth,
    match_iou: float,
    class_count: int,
) -> dict[str, Any]:
    judged = _to_judge(raw, settings, size, seen)
    matches = match(compare([(truth, judged.found)], class_count), match_iou)
    count = len(seen.candidates)
    outcome = np.zeros(count, np.int64)
    overlap = np.zeros(count)
    about = np.full(count, -1)
    outcome[judged.rows] = matches.outcomes
    overlap[judged.rows] = _deciding_ious(matches)
    about[judged.rows] = np.where(matches.truth_of >= 0, matches.truth_of, matches.aims_at)

    place = np.full(count + 1, -1)
    place[rows] = np.arange(len(rows))
    # Index -1, found by nothing, meets the -1 that is appended.
    found_by = place[np.append(judged.rows, -1)[matches.found_by]]
    truths = matches.comparison.truths
    regions = len(truth.regions)
    return {
        "outcome": outcome[rows].tolist(),
        "overlap": _rounded(overlap[rows], 4),
        "about": about[rows].tolist(),
        "truth": {
            "class": [*truths.class_ids.tolist(), *truth.region_class_ids.tolist()],
            "box": _rounded(np.concatenate([truths.boxes, truth.regions]).ravel(), 1),
            "ignored": [*truths.ignored.astype(int).tolist(), *[1] * regions],
            "found_by": [*found_by.tolist(), *[-1] * regions],
        },
    }


def _deciding_ious(matches: Matches) -> NDArray[np.float64]:
    """(N,) the IoU that made each outcome: with the true box found, of its own class, or of any."""
    own, other = matches.comparison.own.ious, matches.comparison.other.ious
    outcomes = matches.outcomes
    result = np.maximum(own, other)
    for outcome, ious in (
        (Outcome.RIGHT, matches.ious),
        (Outcome.LOCALISATION, own),
        (Outcome.DUPLICATE, own),
        (Outcome.CLASS, other),
        (Outcome.BOTH, other),
    ):
        result = np.where(outcomes == outcome, ious, result)
    return result


def _rounded(values: NDArray[Any], digits: int) -> list[float]:
    """As short decimal numbers: in double precision, for 0.1 of a float32 has nine digits."""
    numbers: list[float] = np.round(values.astype(np.float64), digits).tolist()
    return numbers
