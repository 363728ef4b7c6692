"""Video files, made small."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from detector.drawing.video import write_mp4
from detector.video import Frame

SIZE = (64, 48)


def video(path: Path, colors: Sequence[str], rate: float = 10.0) -> Path:
    """An MP4 with a frame of each colour, so many a second."""
    return timed(path, [(index / rate, color) for index, color in enumerate(colors)])


def timed(path: Path, frames: Iterable[tuple[float, str]]) -> Path:
    """An MP4 with frames of those times and colours."""
    made = (
        Frame(index, time_s, Image.new("RGB", SIZE, color))
        for index, (time_s, color) in enumerate(frames)
    )
    write_mp4(path, made)
    return path


def turned(path: Path) -> Path:
    """The same MP4 as of a phone that was held upright: shown turned a quarter clockwise."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 4
    matrix = header + 4 + (20 if data[header] == 0 else 32) + 16
    one = 1 << 16
    places = (0, one, 0, -one, 0, 0, SIZE[1] * one, 0, 1 << 30)
    struct.pack_into(">9i", data, matrix, *places)
    path.write_bytes(data)
    return path
