"""Altered images and what the model says of them, kept for the session."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard import answers, state
from dashboard.answers import config
from dashboard.files import ImageFile
from detector import robustness
from detector.alterations import Alteration, working_copy
from detector.answers import Answer, SSDModel, StoredAnswers, load
from detector.images import encode_jpeg
from detector.serving import ModelSpec
from detector.ssd import resize


@dataclass(frozen=True)
class Altered:
    """An altered image.

    Attributes:
        display: JPEG of it.
        pixels: (300, 300, 3) uint8 RGB, what the model sees of it.
    """

    display: bytes
    pixels: NDArray[np.uint8]


def altered(image: ImageFile, alteration: Alteration) -> Altered:
    """The image under that alteration. Raises ImageError."""
    return _altered(image.digest, alteration.key, image, alteration)


@st.cache_resource(show_spinner=False, scope="session", max_entries=16)
def _altered(digest: str, key: str, _image: ImageFile, _alteration: Alteration) -> Altered:
    made = _alteration.apply(_working(digest, _image))
    return Altered(encode_jpeg(made), resize(made))


@st.cache_resource(show_spinner=False, scope="session", max_entries=4)
def _working(digest: str, _image: ImageFile) -> Image.Image:
    made: Image.Image = load(_image.read(), config().image_limits, working_copy).made
    return made


def answer_for(image: ImageFile, answer: Answer, alteration: Alteration) -> Answer:
    """What the model says of the altered image, one call; of an unaltered one what it said.

    Args:
        answer: the live one for the unaltered image: the same version is asked.

    Raises:
        ServingError: as of `SSDModel.ask`.
    """
    [only] = answers_for(image, answer, [alteration])
    return only


def answers_for(
    image: ImageFile, answer: Answer, alterations: Sequence[Alteration]
) -> list[Answer]:
    """The same of several alterations, as many in a call as the server takes.

    Args, Raises: as of `answer_for`.
    """
    where = answers.address()
    store = state.update(state.Robustness).store  # kept from the first time on
    of_version = StoredAnswers(store, where, answer.model.name, answer.model.version)
    keys = {each: f"{image.digest} {each.key}" for each in alterations}
    found = {each: of_version.get(key) for each, key in keys.items() if not each.is_identity}
    todo = [each for each, known in found.items() if known is None]
    if todo:
        working = _working(image.digest, image)
        pixels = (
            altered(image, todo[0]).pixels[None]
            if len(todo) == 1
            else robustness.pixels_of(working, todo)
        )
        for each, raw in zip(todo, robustness.ask(model(answer), pixels), strict=True):
            new = Answer(raw, each.size_after(answer.size), answer.model, {})
            of_version.put(keys[each], new)
            found[each] = new
    return [found.get(each) or answer for each in alterations]


def model(answer: Answer) -> SSDModel:
    """The version of the model that gave the answer."""
    spec = ModelSpec.of(config()).at(answer.model.version)
    return answers.ssd_model(answers.address(), spec)
