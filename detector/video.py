"""Video files: what is in one, and its frames as images. FFmpeg reads them, through PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from detector.errors import ImageError
from detector.images import ImageLimits
from detector.translation import _, noted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# What is read of a video of strangers: its time, and the frames that are looked at.
MAX_SECONDS = 600
MAX_FRAMES = 600
MAX_PIXELS = 4096 * 2304  # of a frame; FFmpeg keeps a dozen of them

_TURNED = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
_CONVERT = noted("Convert it to MP4 with H.264, and try again.")


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video before its frames are looked at.

    Attributes:
        size: (width, height) of its frames as they are shown, in pixels.
        seconds: from the first frame's begin to the last one's end.
        frame_count: of all frames.
        codec: FFmpeg's name of it: h264, hevc, vp9, …
    """

    size: tuple[int, int]
    seconds: float
    frame_count: int
    codec: str

    @property
    def rate(self) -> float:
        """Frames a second, on average."""
        return self.frame_count / self.seconds


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame as it is shown.

    Attributes:
        index: its place among all frames, from 0.
        time_s: when it begins, in seconds of the player's clock.
    """

    index: int
    time_s: float
    image: Image.Image


def read_facts(path: Path, limits: ImageLimits) -> VideoFacts:
    """What is in a video. Its frames are counted; only the first one is decoded.

    Raises:
        ImageError: it is no video, damaged at its beginning, or beyond the limits.
    """
    most = min(limits.max_pixels, MAX_PIXELS)
    with _opened(path) as (container, stream):
        _check_size(stream.width, stream.height, most)  # as the file says, before it is decoded
        first = next(iter(container.decode(stream)), None)
        if first is None:
            raise ImageError(_("the video has no frames"), _(_CONVERT))
        width, height = first.width, first.height
        if first.rotation % 180:
            width, height = height, width
        _check_size(width, height, most)
    with _opened(path) as (container, stream):
        # The headers of recorded and of streamed videos do not tell their length, or wrongly.
        spans = [
            (packet.pts, packet.pts + (packet.duration or 0))
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
        base = stream.time_base or Fraction(1)
        seconds = float((max(span[1] for span in spans) - min(span[0] for span in spans)) * base)
        codec = stream.codec_context.codec.canonical_name
    seconds = seconds or 1.0  # a single frame without a duration
    if seconds > MAX_SECONDS:
        raise ImageError(
            _(
                "the video is {minutes} minutes long, expected {most} at most",
                minutes=f"{seconds / 60:.1f}",
                most=MAX_SECONDS // 60,
            ),
            _("Cut out the part that matters, and try again."),
        )
    return VideoFacts((width, height), seconds, len(spans), codec)


def _check_size(width: int, height: int, most: int) -> None:
    """Raises ImageError: more pixels than `most`."""
    if width * height > most:
        raise ImageError(
            _(
                "the video has {width} x {height} pixels, expected {most} megapixels at most",
                width=width,
                height=height,
                most=f"{most / 1e6:.1f}",
            ),
            _("Make it smaller, and try again."),
        )


def read_frames(path: Path, every: int = 1, start: int = 0) -> Iterator[Frame]:
    """Each `every`-th frame, the first one included, in the order in which they are shown.

    Args:
        start: index of the first frame that is given; those before are passed over.

    Raises:
        ImageError: the video is damaged from here on. What came before holds.
    """
    with _opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        base, begin = stream.time_base or Fraction(1), container.start_time or 0
        for index, frame in enumerate(container.decode(stream)):
            if index >= start and index % every == 0:
                time_s = float((frame.pts or 0) * base) - begin / 1e6
                yield Frame(index, max(time_s, 0.0), upright(frame))


def upright(frame: "VideoFrame") -> Image.Image:
    """The frame as RGB image, turned as players turn it."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    turn = _TURNED.get(round(frame.rotation) % 360)
    return image if turn is None else image.transpose(turn)


@contextmanager
def _opened(path: Path) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The file and its first video stream. Raises ImageError, also for what fails inside."""
    import av  # 70 MB, for those who look at videos

    try:
        # A title that is no UTF-8 is no reason to refuse the video.
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise ImageError(_("the file has no video in it"), _(_CONVERT))
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ImageError(_("the video's coding is not known"), _(_CONVERT))
            yield container, stream
    except av.error.FFmpegError as error:
        raise ImageError(
            _("the video cannot be read: {reason}", reason=error.strerror), _(_CONVERT)
        ) from error
