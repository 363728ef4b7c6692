"""Score thresholds chosen from curves, a threshold a class.

Each choice gives class id -> threshold for all classes; None where no threshold does what is asked,
as for a class without ground-truth boxes or without detections. `reachable` leaves those out: what
is left fits `ssd.Settings.class_thresholds`.

Every threshold lies between a score that occurs, which it shows, and the next lower one, which it
hides; all thresholds there show the same. It has as few digits as that leaves room for, two at
least: easy to read, and mostly a little below the score, so that another machine, whose scores
differ in the seventh digit, shows the same boxes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray

from detector.evaluation.curves import Curve, curve
from detector.evaluation.matching import Matches
from detector.ssd import ClassThresholds, Settings

Thresholds = Mapping[int, float | None]


def best_f1(matches: Matches) -> Thresholds:
    """The threshold with the best F1 of each class; of equal ones the lowest, which finds most.

    None where nothing is right at any threshold.
    """

    def choose(points: Curve) -> float | None:
        f1 = points.f1
        return _score(points, f1 == f1.max()) if f1.max() > 0 else None

    return _each_class(matches, choose)


def at_precision(matches: Matches, precision: float) -> Thresholds:
    """The lowest threshold of each class at which the precision is reached: it finds most.

    Args:
        precision: 0..1. As precision need not rise with the threshold, it may fall below this at
            higher thresholds.
    """
    _check_share("precision", precision)
    return _each_class(matches, lambda points: _score(points, points.precision >= precision))


def at_recall(matches: Matches, recall: float) -> Thresholds:
    """The highest threshold of each class at which the recall is reached: it shows least.

    Args:
        recall: 0..1.
    """
    _check_share("recall", recall)
    return _each_class(
        matches, lambda points: _score(points, points.recall >= recall, lowest=False)
    )


def at_least_cost(matches: Matches, false_alarm: float, miss: float) -> Thresholds:
    """The threshold of each class at which wrong detections and misses cost least.

    Of equal ones the lowest, which finds most. 1.0 where it costs least to show nothing.

    Args:
        false_alarm: what a wrong detection costs, 0 or more.
        miss: what a ground-truth box that is not found costs, 0 or more, in the same unit.
    """
    if not (0 <= false_alarm < np.inf and 0 <= miss < np.inf):
        raise ValueError(f"expected costs of 0 or more, got {false_alarm} and {miss}")

    def choose(points: Curve) -> float | None:
        costs = false_alarm * points.false_positives + miss * points.misses
        if costs.min() > miss * points.truth_count:
            # A detection with a score of 1.0 cannot be hidden by any threshold.
            return 1.0 if points.thresholds[0] < 1 else None
        return _score(points, costs == costs.min())

    return _each_class(matches, choose)


def reachable(thresholds: Thresholds) -> dict[int, float]:
    """Those that exist, as `Settings.class_thresholds` wants them."""
    return {class_id: value for class_id, value in thresholds.items() if value is not None}


@dataclass(frozen=True)
class OperatingPoint:
    """A common score threshold, and those of single classes: what thresholds.json holds. Hashable.

    Attributes:
        score_threshold: for classes without their own, 0..1.
        class_thresholds: class id -> threshold, 0..1.
    """

    score_threshold: float = 0.30
    class_thresholds: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_thresholds", ClassThresholds(self.class_thresholds))
        self.apply(Settings())  # raises ValueError where a threshold is outside 0..1

    def apply(self, settings: Settings) -> Settings:
        """The settings with these thresholds in place of theirs."""
        return replace(
            settings,
            score_threshold=self.score_threshold,
            class_thresholds=self.class_thresholds,
        )


def _each_class(matches: Matches, choose: Callable[[Curve], float | None]) -> Thresholds:
    comparison = matches.comparison
    chosen: dict[int, float | None] = {}
    for class_id in range(1, comparison.class_count):
        points = curve(matches, class_id)
        usable = points.truth_count > 0 and len(points.thresholds) > 0
        chosen[class_id] = choose(points) if usable else None
    return chosen


def _score(points: Curve, good: NDArray[np.bool_], lowest: bool = True) -> float | None:
    places = np.flatnonzero(good)
    if len(places) == 0:
        return None
    place = places[-1 if lowest else 0]  # thresholds fall
    score, lower = np.append(points.thresholds, np.float32(0))[[place, place + 1]]
    decimal = Decimal(str(score))  # the shortest that is read back as the same float32
    for digits in range(2, 8):
        value = float(decimal.quantize(Decimal(10) ** -digits, ROUND_FLOOR))
        if np.float32(value) > lower:
            return value
    return float(decimal)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"expected a {name} in 0..1, got {value}")
