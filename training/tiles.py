"""What tiles do to average precision, over all and by how large objects are for the model.

    python -m training.tiles samples [--split val]

FOLDER holds annotations.json (COCO) and its images. Each image is asked once a tiling, by the
shipped model on a server of its own; docs/tiles.md has the tables.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detector.answers import Detector
from detector.config import Config
from detector.evaluation.curves import average_precision, mean_without_nan
from detector.evaluation.matching import Matches, at_floor, match
from detector.evaluation.slices import MODEL_SIZE, slices_by
from detector.ssd import Detections, Settings
from detector.tiling import Tiling
from training.score import Split

THRESHOLD = Settings().score_threshold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="val")
    options = parser.parse_args()
    with Detector(Config()) as detector:
        split = Split.load(options.folder, options.split, detector.labels)
        data = [split.path(options.folder, image).read_bytes() for image in split.images]
        sizes = [(image["width"], image["height"]) for image in split.images]
        print("tiles    AP@0.5  small  medium  large   AP@[.5:.95]  right  wrong at 0.30   ms")
        for tiling in Tiling:
            answers = [detector.answer(image, tiling) for image in data]
            found = [answer.detections(at_floor(Settings())) for answer in answers]
            spent = np.median([sum(answer.timings_s.values()) for answer in answers])
            print(f"{tiling:8} {_figures(split, sizes, found)}  {spent * 1000:7.0f}")


def _figures(split: Split, sizes: Sequence[tuple[int, int]], found: Sequence[Detections]) -> str:
    comparison = split.compared(found)
    matches = match(comparison)
    parts = slices_by(MODEL_SIZE, matches, sizes, [{}] * len(sizes))
    by_size = [_mean(part.judge(matches)) for part in parts]
    whole = np.mean([_mean(match(comparison, iou)) for iou in np.arange(0.5, 1, 0.05)])
    shown = comparison.detections.scores >= np.float32(THRESHOLD)
    right = int((shown & (matches.truth_of >= 0) & ~matches.ignored).sum())
    wrong = int((shown & (matches.truth_of < 0) & ~matches.ignored).sum())
    small, medium, large = (f"{value:6.3f}" for value in by_size)
    return f"{_mean(matches):6.3f} {small} {medium} {large} {whole:12.3f} {right:6} {wrong:6}"


def _mean(matches: Matches) -> float:
    classes = range(1, matches.comparison.class_count)
    return mean_without_nan([average_precision(matches, class_id) for class_id in classes])


if __name__ == "__main__":
    main()
