"""Many images under several alterations, in the background of a session. No Streamlit here: a
thread must not call it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dashboard.background import Background
from detector import robustness
from detector.alterations import Alteration, working_copy
from detector.answers import SSDModel, StoredAnswers
from detector.batch.run import Source, run
from detector.config import Config
from detector.errors import ImageError
from detector.evaluation.matching import at_floor
from detector.ssd import Detections, Settings, postprocess


@dataclass(frozen=True, eq=False)
class MeasuredImage:
    """An image that was answered under every alteration.

    Attributes:
        size: (width, height) of the unaltered image, in pixels.
        found: all detections (`at_floor`) under each, in pixels of the altered image.
    """

    name: str
    digest: str
    size: tuple[int, int]
    found: tuple[Detections, ...]


class Measuring(Background):
    """Images that are altered and answered one after the other.

    Attributes:
        sources: the images.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        alterations: Sequence[Alteration],
        model: SSDModel,
        settings: Settings,
        config: Config,
        stored: StoredAnswers,
        report: Callable[[Exception], str],
    ) -> None:
        """
        Args:
            alterations: each image is answered under each of these.
            settings: NMS with these.
            stored: the session's answers for unaltered images, by the model's version.
            report: as of `Background`.
        """
        super().__init__("measuring", report)
        self.sources = tuple(sources)
        self._model = replace(model, served=model.served.for_batch())
        self._floor = at_floor(settings)
        self._config, self._stored = config, stored
        self._alterations = tuple(alterations)
        self._done: dict[int, MeasuredImage | ImageError] = {}

    @property
    def count(self) -> int:
        """How many images are done."""
        return len(self._done)

    @property
    def images(self) -> list[MeasuredImage]:
        """Those that were answered so far, in the order of the sources."""
        done = dict(self._done)
        in_order = [done[index] for index in sorted(done)]
        return [each for each in in_order if isinstance(each, MeasuredImage)]

    @property
    def refused(self) -> list[tuple[str, ImageError]]:
        """Those that could not be read, and why."""
        done = dict(self._done)
        return [
            (self.sources[index].name, each)
            for index, each in sorted(done.items())
            if isinstance(each, ImageError)
        ]

    def go_on(self) -> None:
        """Measure what is still to come. Nothing happens while it runs or when all is there."""
        if self.count < len(self.sources):
            self._begin(self._measure)

    def _measure(self) -> None:
        todo = [index for index in range(len(self.sources)) if index not in self._done]
        results = run(
            self._until_stopped(todo),
            self._model.served,
            self._config,
            make=self._pixels,
            stored=self._stored,
        )
        for result in results:
            index = todo[result.index]
            if isinstance(result.error, ImageError):
                self._done[index] = result.error
            elif result.size is not None and result.raw is not None:
                assert isinstance(result.made, np.ndarray)
                answered = iter(robustness.ask(self._model, result.made))
                found = tuple(
                    postprocess(
                        result.raw if alteration.is_identity else next(answered),
                        self._floor,
                        alteration.size_after(result.size),
                    )
                    for alteration in self._alterations
                )
                self._done[index] = MeasuredImage(result.name, result.digest, result.size, found)

    def _until_stopped(self, todo: Sequence[int]) -> Iterator[Source]:
        for index in todo:
            if self._stop.is_set():
                return
            yield self.sources[index]

    def _pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        """What the model sees of a decoded image, wherever that is altered."""
        altering = (each for each in self._alterations if not each.is_identity)
        return robustness.pixels_of(working_copy(image), altering)
