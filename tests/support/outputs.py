"""Outputs of an SSD, made up or random, and random settings for them."""

import numpy as np

from detector.ssd import RawPrediction

SIZE = (640, 371)


VARIANCES = (0.1, 0.1, 0.2, 0.2)


def output_of(class_count, *rows):
    """Output with one row for each (prior xyxy, {class id: score}); offsets 0."""
    output = np.zeros((len(rows), class_count + 12), np.float32)
    for row, (prior, scores) in zip(output, rows, strict=True):
        for class_id, score in scores.items():
            row[4 + class_id] = score
        row[-8:-4] = prior
        row[-4:] = VARIANCES
    return output


def apart(index):
    """A box that touches no other of these."""
    column, row = index % 32, index // 32
    return (column / 32, row / 32, (column + 0.8) / 32, (row + 0.8) / 32)


EVERYWHERE = (0.1, 0.1, 0.9, 0.9)


def random_output(rng, prior_count, class_count, kind):
    """(P, C + 12) output of boxes in a few heaps, with scores and offsets of that kind."""
    output = np.zeros((prior_count, class_count + 12), np.float32)
    output[:, :4] = rng.normal(0, 1, (prior_count, 4))
    output[:, 4:-8] = rng.dirichlet(np.full(class_count, 0.3), prior_count)
    output[:, -4:] = VARIANCES
    heaps = rng.random((4, 4))
    centre, size = np.split(heaps[rng.integers(0, 4, prior_count)], 2, axis=1)
    centre = centre + rng.normal(0, 0.05, centre.shape)
    output[:, -8:-4] = np.clip(np.concatenate([centre - size / 2, centre + size / 2], 1), 0, 1)
    if kind == "tied":
        output[:, 4:-8] = rng.integers(0, 5, (prior_count, class_count)) / 5
        output[:, :4] = rng.integers(-1, 2, (prior_count, 4))
        output[:, -8:-4] = np.round(output[:, -8:-4] * 4) / 4  # many IoUs of exactly 1/2, 1/3
    elif kind == "at the thresholds":
        close = np.array([0.01, 0.3, 0.45, 0.5, 0.7], np.float32)
        close = np.concatenate([close, np.nextafter(close, 0), np.nextafter(close, 1)])
        output[:, 4:-8] = rng.choice(close, (prior_count, class_count))
    elif kind == "extreme":
        output[:, :4] *= rng.choice([1, 1e3, 1e30, 5e37], (prior_count, 4)).astype(np.float32)
        output[:, -8:-4] = np.round(output[:, -8:-4])  # empty boxes among them
        output[:, -4:] = rng.choice([0.1, 0.2, 5.0], (prior_count, 4))
    elif kind == "one heap":
        output[:, :4] = 0
        output[:, -8:-4] = EVERYWHERE
    return output


def random_settings(rng, class_count):
    ids = np.arange(1, class_count)
    return {
        "score_threshold": float(rng.choice([0, 0.01, 0.2, 0.3, 0.4, 0.7, 1.0])),
        "iou_threshold": float(rng.choice([0, 0.2, 1 / 3, 0.45, 0.5, 1])),
        "class_agnostic": bool(rng.random() < 0.4),
        "class_thresholds": {
            int(class_id): float(rng.choice([0, 0.01, 0.3, 0.5, 0.7, rng.random()]))
            for class_id in rng.choice(ids, rng.integers(0, 3))
        },
        "classes": None if rng.random() < 0.6 else frozenset(rng.choice(ids, 2).tolist()),
        "top_k": int(rng.choice([0, 1, 5, 200])),
    }


def unchecked(output):
    """The prediction of an output (P, C + 12), also one that a model is refused for."""
    return RawPrediction(output[:, :4], output[:, 4:-8], output[:, -8:-4], output[:, -4:])
