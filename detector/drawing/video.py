"""Videos that are written: frames with their boxes drawn in, as MP4 that any player shows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from PIL import Image

from detector.drawing.annotate import annotated
from detector.images import shrunk
from detector.ssd import Detections
from detector.video import Frame

MOST_SIDE = 1280  # pixels: what is drawn beyond costs time, and boxes are not seen better
_CLOCK = Fraction(1, 90_000)  # seconds: fine enough for every rate


def annotated_frames(
    frames: Iterable[Frame],
    found_at: Callable[[float, tuple[int, int]], Detections],
    labels: Sequence[str],
) -> Iterator[Frame]:
    """The frames with their boxes, at most MOST_SIDE long.

    Args:
        found_at: what is shown at a time in seconds, its boxes in pixels of an image of that size.
    """
    for frame in frames:
        image = shrunk(frame.image, MOST_SIDE)
        found = found_at(frame.time_s, image.size)
        yield Frame(frame.index, frame.time_s, annotated(image, found, labels))


def write_mp4(path: Path, frames: Iterable[Frame]) -> None:
    """H.264 without sound, at the frames' own times.

    Args:
        frames: at least one, all of one size; odd sides lose a pixel.

    Raises:
        OSError: the file cannot be written.
    """
    import av  # 70 MB, for those who look at videos

    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = None
        for frame in frames:
            image = frame.image
            even = (image.width // 2 * 2, image.height // 2 * 2)
            if stream is None:
                stream = container.add_stream("libx264", options={"preset": "veryfast"})
                stream.width, stream.height = even
                stream.pix_fmt = "yuv420p"
                stream.time_base = _CLOCK
                stream.codec_context.time_base = _CLOCK
            cut = image.crop((0, 0, *even))
            made = av.VideoFrame.from_image(cut)  # type: ignore[no-untyped-call]
            made.pts, made.time_base = round(frame.time_s / _CLOCK), _CLOCK
            container.mux(stream.encode(made))
        if stream is not None:
            container.mux(stream.encode())


def pan(images: Sequence[Image.Image], size: tuple[int, int], seconds: float) -> Iterator[Frame]:
    """A camera that moves over one image after the other, 25 frames a second: a video for a try.

    Args:
        size: (width, height) of the frames, in pixels; each image is larger by a fifth.
        seconds: for each image.
    """
    width, height = size
    count = round(seconds * 25)
    for number, image in enumerate(images):
        scale = 1.2 * max(width / image.width, height / image.height)
        larger = image.resize((round(image.width * scale), round(image.height * scale)))
        room = (larger.width - width, larger.height - height)
        for step in range(count):
            part = step / count if number % 2 == 0 else 1 - step / count
            left, top = round(part * room[0]), round(part * room[1])
            index = number * count + step
            yield Frame(index, index / 25, larger.crop((left, top, left + width, top + height)))
