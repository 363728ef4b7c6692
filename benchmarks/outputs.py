"""Outputs of the shipped model for the gallery, and what is made of them for more classes."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import ROOT
from detector.config import Config
from detector.images import read_image
from detector.ssd import preprocess
from model_server.engine import DEFAULT_SIGNATURE, Model

Values = NDArray[np.float32]


def shipped_model() -> Model:
    """The newest version of the model that ships, in this process."""
    return Model(max(Config().model_base_path.glob("[0-9]*"), key=lambda path: int(path.name)))


def gallery_outputs() -> list[Values]:
    """(7308, 21) the output of the shipped model for each image of the gallery."""
    config, model = Config(), shipped_model()
    found = []
    for path in sorted((ROOT / "samples").glob("*.jpg")):
        pixels = {config.input_name: preprocess(read_image(path.read_bytes()))}
        with model.run(DEFAULT_SIGNATURE, pixels, [config.output_name], None) as arrays:
            found.append(arrays[config.output_name][0].copy())
    return found


def with_classes(outputs: list[Values], class_count: int) -> list[Values]:
    """The same outputs of a detector with more classes, none of which is seen clearly.

    An added class is one that the model saw in another image, at the same places and at a tenth of
    its scores, as a detector doubts; the background has so much less.
    """
    found = []
    for index, output in enumerate(outputs):
        real = output.shape[1] - 12
        faint = []
        for added in range(class_count - real):
            other = outputs[(index + 1 + added // (real - 1)) % len(outputs)]
            faint.append(other[:, 5 + added % (real - 1)] / 10)
        scores = np.column_stack([output[:, 4:-8], *faint])
        scores[:, 0] = np.maximum(scores[:, 0] - np.sum(faint, axis=0), 0)
        scores /= scores.sum(axis=1, keepdims=True)
        found.append(np.concatenate([output[:, :4], scores, output[:, -8:]], axis=1))
    return found


def flat(output: Values, class_count: int, rng: np.random.Generator) -> Values:
    """The worst case: the boxes of an output with random scores, so that all of them compete."""
    scores = rng.random((len(output), class_count), np.float32)
    return np.concatenate([output[:, :4], scores, output[:, -8:]], axis=1)
