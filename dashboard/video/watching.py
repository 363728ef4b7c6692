"""A video's frames through the model, in the background of a session. No Streamlit here: a thread
must not call it."""

import io
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from dashboard.background import Background
from dashboard.files import ImageFile
from detector.batch.run import Source, run
from detector.config import Config
from detector.drawing.video import annotated_frames, write_mp4
from detector.serving import ModelVersion, ServedModel
from detector.ssd import Detections, RawPrediction, Settings, postprocess
from detector.video import Frame, VideoFacts, read_frames

# A frame of 4K has 25 MB; so few are under way at a time.
WORKERS = 3


@dataclass(frozen=True, eq=False)
class SeenFrame:
    """A frame that was answered.

    Attributes:
        index: its place among all frames, from 0.
        time_s: when it begins, in seconds of the player's clock.
    """

    index: int
    time_s: float
    raw: RawPrediction
    model: ModelVersion


class Watching(Background):
    """Each n-th frame of a video, answered one after the other.

    Attributes:
        every: n.
        total: how many frames that are.
    """

    def __init__(
        self,
        video: ImageFile,
        facts: VideoFacts,
        every: int,
        report: Callable[[Exception], str],
        known: Sequence[SeenFrame] = (),
    ) -> None:
        """
        Args:
            report: as of `Background`.
            known: frames of the same video that were answered before.
        """
        super().__init__("watching", report)
        self.every = every
        self.total = -(-facts.frame_count // every)
        self._video = video
        self._seen = {frame.index: frame for frame in known if frame.index % every == 0}

    @property
    def frames(self) -> list[SeenFrame]:
        """Those that were answered so far, in the order of their time."""
        seen = dict(self._seen)
        return [seen[index] for index in sorted(seen)]

    @property
    def count(self) -> int:
        """How many were answered."""
        return len(self._seen)

    def go_on(self, model: ServedModel, config: Config) -> None:
        """Look at what is still to come. Nothing happens while it runs or when all is there."""
        if not self.is_running and self.count < self.total:
            self._begin(partial(self._watch, model, config))

    def _watch(self, model: ServedModel, config: Config) -> None:
        sent: list[Frame] = []
        began_with = max((frame.model.version for frame in self.frames), default=0)
        sources = self._until_stopped(sent)
        for done in run(sources, model, config, workers=WORKERS, began_with=began_with):
            if done.error is not None:
                raise done.error
            frame = sent[done.index]
            assert done.raw is not None  # there is no error
            assert done.model is not None
            seen = SeenFrame(frame.index, frame.time_s, done.raw, done.model)
            self._seen[frame.index] = seen
        if not self._stop.is_set():
            self.total = self.count  # a file may claim more frames than it has

    def _until_stopped(self, sent: list[Frame]) -> Iterator[Source]:
        missing = (i for i in range(0, self.total * self.every, self.every) if i not in self._seen)
        for frame in read_frames(self._video.path, self.every, next(missing, 0)):
            if self._stop.is_set():
                return
            if frame.index not in self._seen:
                sent.append(Frame(frame.index, frame.time_s, _NOTHING))  # not its pixels
                yield Source(f"{frame.time_s:.3f}", partial(_as_bmp, frame.image))


_NOTHING = Image.new("RGB", (1, 1))


def _as_bmp(image: Image.Image) -> bytes:
    """An encoded image without loss, at the cost of a copy."""
    file = io.BytesIO()
    image.save(file, "BMP")
    return file.getvalue()


def frame_at(frames: Sequence[SeenFrame], time_s: float) -> SeenFrame:
    """The frame whose boxes stand at a time: the last one before it, or the first.

    Args:
        frames: at least one, in the order of their time.
    """
    after = bisect_right(frames, time_s + 1e-4, key=lambda frame: frame.time_s)
    return frames[max(after - 1, 0)]


class Drawing(Background):
    """The video with its boxes as MP4, frame by frame.

    Attributes:
        total: how many frames it has.
        count: how many are drawn.
        made: the file, once it is there.
    """

    def __init__(
        self,
        video: ImageFile,
        facts: VideoFacts,
        frames: Sequence[SeenFrame],
        settings: Settings,
        labels: Sequence[str],
        report: Callable[[Exception], str],
    ) -> None:
        """
        Args:
            frames: that were answered; the boxes of each stand until the next one's.
            report: as of `Background`.
        """
        super().__init__("drawing", report)
        self.total, self.count = facts.frame_count, 0
        self.settings, self.frames = settings, tuple(frames)
        self.made: ImageFile | None = None
        self._video, self._labels = video, labels

    def go_on(self) -> None:
        """Begin. Nothing happens while it runs or when it is there."""
        if self.made is None:
            self._begin(self._draw)

    def _draw(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "made.mp4")
            write_mp4(path, self._drawn())
            if not self._stop.is_set():
                self.made = ImageFile.of(f"{Path(self._video.name).stem}.mp4", path.read_bytes())

    def _drawn(self) -> Iterator[Frame]:
        self.count = 0
        for frame in annotated_frames(read_frames(self._video.path), self._found_at, self._labels):
            if self._stop.is_set():
                return
            yield frame
            self.count += 1

    def _found_at(self, time_s: float, size: tuple[int, int]) -> Detections:
        return postprocess(frame_at(self.frames, time_s).raw, self.settings, size)
