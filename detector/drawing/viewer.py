"""One image as the viewer in the browser wants it: it then follows the thresholds by itself.

Greedy NMS lets only a better box suppress another. Class by class a threshold is therefore a mere
filter over what NMS keeps at the floor, and the viewer needs no more than that. Class-agnostic with
thresholds a class it is not: a box that its threshold hides must not suppress. There the viewer
runs NMS itself, over lists of who would suppress whom, so that no overlap is ever computed twice,
or in another arithmetic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

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


Mode = Literal["Classes", "Right and wrong", "X-ray"]


class Contract:
    """A frozen dataclass that JavaScript reads: dashboard/frontend/viewer/types.d.ts has the same
    fields, and a test compares them."""

    def as_json(self) -> dict[str, Any]:
        """The fields by name, ready for `json.dumps`."""
        # Not `dataclasses.asdict`: it copies every number of every list.
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: _as_json(value) for name, value in values.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, Contract):
        return value.as_json()
    if isinstance(value, list) and value and isinstance(value[0], Contract):
        return [each.as_json() for each in value]
    return value


@dataclass(frozen=True)
class ViewSettings(Contract):
    """What the viewer starts with, and what does not change in it.

    Attributes:
        score: threshold of all classes that have none of their own, 0 to 1.
        classes: class id (as text: JSON has no other keys) -> own threshold.
        shown: ids of the classes that show. None: all.
        top_k: at most so many boxes show.
        iou: threshold of NMS.
        agnostic: whether boxes of different classes suppress each other.
    """

    score: float
    classes: dict[str, float]
    shown: list[int] | None
    top_k: int
    iou: float
    agnostic: bool


@dataclass(frozen=True)
class Pairs(Contract):
    """The better candidates that would suppress candidate i: `by[starts[i]:starts[i + 1]]`.

    Attributes:
        starts: K + 1 of them for K candidates.
        ious: with each of `by`.
    """

    starts: list[int]
    by: list[int]
    ious: list[float]


@dataclass(frozen=True)
class GroundTruthBoxes(Contract):
    """A value (`boxes`: four) an object of the ground truth; regions to ignore come last.

    Attributes:
        class_ids: 0 for a region to ignore of any class.
        boxes: xyxy in pixels of the original image.
        ignored: 1 for a crowd or a region: nothing is right or wrong there.
        found_by: index of the candidate that finds it, else -1.
    """

    class_ids: list[int]
    boxes: list[float]
    ignored: list[int]
    found_by: list[int]


@dataclass(frozen=True)
class Judgement(Contract):
    """A value a candidate, but for the ground truth itself.

    Attributes:
        outcomes: `matching.Outcome`, 0 = not judged.
        ious: the one that decided.
        about: index of the object in the ground truth that it is about, else -1.
    """

    outcomes: list[int]
    ious: list[float]
    about: list[int]
    ground_truth: GroundTruthBoxes


@dataclass(frozen=True)
class View(Contract):
    """All that the viewer needs to show an image at any score threshold.

    Attributes:
        digest: names the image: the viewer keeps its zoom for as long as it is the same.
        size: (width, height) of the original, in pixels.
        labels: a name, a colour and the colour of text on it for each class id: `labels`, `colors`,
            `text_colors`.
        class_ids: a value (`boxes`: four) a candidate above the floor, best first: `class_ids`,
            `prior_indices`, `scores` (exact), `boxes` (xyxy in pixels), `kept`, `suppressors`,
            `ious`.
        kept: 1 where NMS at the floor keeps it, among the first 400 of its class.
        suppressors: index of the kept candidate that suppressed it, else -1; `ious` with that one.
        kept_count: how many are kept.
        left_out: how many candidates were not sent: they never show.
        pairs: class-agnostic only, and only where it fits.
        settled: class-agnostic without `pairs`: the candidates that these very settings show.
        judgement: with a ground truth.
    """

    digest: str
    size: tuple[int, int]
    labels: list[str]
    colors: list[str]
    text_colors: list[str]
    settings: ViewSettings
    class_ids: list[int]
    prior_indices: list[int]
    scores: list[float]
    boxes: list[float]
    kept: list[int]
    suppressors: list[int]
    ious: list[float]
    kept_count: int
    left_out: int
    pairs: Pairs | None
    settled: list[int] | None
    judgement: Judgement | None


@dataclass(frozen=True)
class ViewerData(Contract):
    """What the viewer is given.

    Attributes:
        name: of the viewer on its page. Zoom is kept by it.
        photo: URL of the image, of any resolution but of the original's aspect.
        mode: what the boxes' colours say.
        target: id of the class whose threshold the slider moves; None: of all.
        picked: id of the picked box; "truth-" and its index for a missed object.
        appeared: ids of the boxes that the last change of the IoU threshold brought.
        vanished: ids of those that it took away.
        look: another number than before scrolls the page to the viewer; 0 never does.
        back: key of the table that it was reached from, for the way back; empty: none.
        texts: what the viewer says, by the names in types.d.ts.
    """

    name: str
    view: View
    photo: str
    mode: Mode
    target: int | None
    picked: str | None
    appeared: list[str]
    vanished: list[str]
    look: int
    back: str
    texts: Mapping[str, Any]


def view(
    raw: RawPrediction,
    settings: Settings,
    size: tuple[int, int],
    labels: Sequence[str],
    *,
    digest: str,
    truth: GroundTruth | None = None,
    match_iou: float = 0.5,
    has_removed: bool = True,
) -> View:
    """The view of an image. The boxes that the viewer shows at a threshold are those of
    `ssd.postprocess`, in its order.

    Args:
        raw: the model's output for the image.
        settings: as for `ssd.postprocess`; thresholds, as the viewer starts with them.
        size: (width, height) of the original image, in pixels.
        labels: a name for each class id, the background's first.
        digest: names the image: the viewer keeps zoom and selection for as long as it is the same.
        truth: what is to be found in the image.
        match_iou: the IoU at which a detection finds an object.
        has_removed: whether the candidates that NMS removed are in it where no threshold can bring
            them back: X-ray shows them, and they are most of it.
    """
    floor = replace(at_floor(settings), class_agnostic=settings.class_agnostic)
    seen = xray(raw, floor, size)
    found = seen.candidates
    settled = postprocess(raw, settings, size).ids if settings.class_agnostic else []
    is_entangled = settings.class_agnostic and bool(settings.class_thresholds)
    most_rest = MAX_REST if has_removed or is_entangled else 0
    rows = _rows_to_send(seen, settings, settled, most_rest)
    left_out = len(found) - len(rows)
    place = np.full(len(found) + 1, -1)  # the last is for index -1
    place[rows] = np.arange(len(rows))
    paired = settings.class_agnostic and not left_out
    pairs = _pairs(raw, found, settings.iou_threshold) if paired else None
    sent = found.take(rows)
    judgement = None
    if truth is not None:
        judgement = _judged(raw, settings, size, seen, rows, truth, match_iou, len(labels))
    colors = [class_color(class_id) for class_id in range(len(labels))]
    index = {name: row for row, name in enumerate(sent.ids)}
    return View(
        digest=digest,
        size=size,
        labels=list(labels),
        colors=colors,
        text_colors=[text_color(color) for color in colors],
        settings=_view_settings(settings),
        class_ids=sent.class_ids.tolist(),
        prior_indices=sent.prior_indices.tolist(),
        scores=sent.scores.astype(np.float64).tolist(),
        boxes=_rounded(sent.boxes.ravel(), 1),
        kept=seen.shown[rows].astype(int).tolist(),
        suppressors=place[seen.suppressor[rows]].tolist(),
        ious=_rounded(seen.ious[rows], 4),
        kept_count=int(seen.shown.sum()),
        left_out=left_out,
        pairs=pairs,
        settled=[index[name] for name in settled]
        if settings.class_agnostic and pairs is None
        else None,
        judgement=judgement,
    )


def _view_settings(settings: Settings) -> ViewSettings:
    return ViewSettings(
        score=settings.score_threshold,
        classes={str(key): value for key, value in settings.class_thresholds.items()},
        shown=None if settings.classes is None else sorted(settings.classes),
        top_k=settings.top_k,
        iou=settings.iou_threshold,
        agnostic=settings.class_agnostic,
    )


def _rows_to_send(seen: XRay, settings: Settings, settled: list[str], most_rest: int) -> Ints:
    """Indices of all candidates that may ever show, and of the best of the others. Ascending."""
    found = seen.candidates
    # What a threshold leaves of a class are its best: of one class no more than `top_k` ever show.
    needed = seen.shown.copy()
    for class_id in np.unique(found.class_ids):
        needed[np.flatnonzero(needed & (found.class_ids == class_id))[settings.top_k :]] = False
    rest = np.flatnonzero(~needed)
    if len(rest) > most_rest:
        if settled:
            # Thresholds a class may show what NMS at the floor does not keep.
            index = {name: row for row, name in enumerate(found.ids)}
            needed[[index[name] for name in settled]] = True
        needed[rest[:most_rest]] = True
        return np.flatnonzero(needed)
    return np.arange(len(found))


def _pairs(raw: RawPrediction, found: Detections, iou_threshold: float) -> Pairs | None:
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
    return Pairs(
        starts=[0, *np.cumsum(counts).tolist()],
        by=np.concatenate(by).tolist(),
        ious=_rounded(np.concatenate(ious), 4),
    )


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
) -> Judgement:
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
    return Judgement(
        outcomes=outcome[rows].tolist(),
        ious=_rounded(overlap[rows], 4),
        about=about[rows].tolist(),
        ground_truth=GroundTruthBoxes(
            class_ids=[*truths.class_ids.tolist(), *truth.region_class_ids.tolist()],
            boxes=_rounded(np.concatenate([truths.boxes, truth.regions]).ravel(), 1),
            ignored=[*truths.ignored.astype(int).tolist(), *[1] * regions],
            found_by=[*found_by.tolist(), *[-1] * regions],
        ),
    )


def _deciding_ious(matches: Matches) -> NDArray[np.float64]:
    """(N,) the IoU that made each outcome: with the object found, of its own class, or of any."""
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
