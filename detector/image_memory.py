"""How much memory an image takes while it is decoded, by its header.

Figures by format were measured as the process's peak on images of 12 and 40 to 80 megapixels.
"""

import ctypes
import sys
from functools import cache
from math import ceil

from PIL import ImageFile

_RESULT = 3  # bytes a pixel: 8-bit RGB
# Bytes a pixel of Pillow's image in memory; of all other modes 4.
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
# Whoever shrinks or annotates the result has Pillow's image again beside it.
_LEAST = 4 + _RESULT
# Bytes a pixel that a decoder takes besides Pillow's image, until that is complete.
_WEBP = 13  # of an animation's decoder: canvas, the canvas before, the frame as bytes
_AVIF, _AVIF_DEEP = 10, 14  # planes of 8 or up to 12 bits with alpha, their RGB, and its bytes
_HEIC, _HEIC_FINE, _HEIC_FINE_DEEP, _HEIC_ALPHA = 5, 7, 12, 5  # fine: colour is not halved
_BANDS = 0.15  # bytes a pixel: what allocation wastes
_FIXED = 12_000_000  # bytes: bands, profiles, tables
# glibc's malloc.h: options of mallopt. Heaps for threads: the interpreter lets one run at a time.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BLOCK, _ARENAS = 2**22, 2  # bytes; smaller blocks are made and freed all the time


def decoding_bytes(image: ImageFile.ImageFile, data: bytes) -> int:
    """The most that it takes at once, from the file's bytes to the upright RGB image.

    Args:
        image: opened, not decoded.
        data: its file; counts twice, as whoever decodes may copy it.
    """
    stored = _STORED.get(image.mode, 4)
    count = image.width * image.height
    while_decoding = count * (stored + _work(image, data)) + _strip_bytes(image)
    after = count * max(stored + _RESULT, _LEAST)
    return max(while_decoding, after) + ceil(count * _BANDS) + 2 * len(data) + _FIXED


@cache
def large_blocks_apart() -> None:
    """Have what an image takes returned to the system when it is freed.

    glibc else raises its own threshold to the largest block that was ever freed, and keeps that
    much at the end of a heap for each of many threads: a dashboard kept twice what it used.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(option, _LARGE_BLOCK)
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return what was freed to the system, where its C library can."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _work(image: ImageFile.ImageFile, data: bytes) -> int:
    """Bytes a pixel that the decoder takes besides Pillow's image."""
    if image.format == "WEBP":
        return _WEBP
    if image.format == "AVIF":
        return _AVIF_DEEP if _is_deep_avif(data) else _AVIF
    if image.format == "HEIF":
        return _heic_work(image)
    if image.format == "JPEG" and _has_several_scans(data):
        return 2 * len(image.getbands())  # all coefficients, of 16 bits
    if image.format == "TIFF" and image.tag_v2.get(274, 1) != 1:  # type: ignore[attr-defined]
        return 4  # Pillow turns a TIFF itself, as a whole
    return 0


def _heic_work(image: ImageFile.ImageFile) -> int:
    fine = _HEIC_FINE if image.info.get("bit_depth") == 8 else _HEIC_FINE_DEEP
    alpha = _HEIC_ALPHA if image.mode == "RGBA" else 0
    return alpha + (_HEIC if image.info.get("chroma") == 420 else fine)


def _is_deep_avif(data: bytes) -> bool:
    """Whether a channel has more than 8 bits, by the codec's configuration."""
    flags = data.find(b"av1C") + 6
    return flags >= len(data) or bool(data[flags] & 0x40)


def _has_several_scans(data: bytes) -> bool:
    """Whether a JPEG comes in several passes over the image: it is progressive, or by channels."""
    at, channels = 2, 0
    while at + 10 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # a byte of filling
            at += 1
            continue
        if marker == 0xDA:
            return data[at + 4] < channels
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            channels = data[at + 9]
            if marker in (0xC2, 0xC6, 0xCA, 0xCE):
                return True
        at += 2 + length
    return True


def _strip_bytes(image: ImageFile.ImageFile) -> int:
    """What libtiff unpacks at a time: a strip or tile. It may be as large as the image."""
    tags = getattr(image, "tag_v2", None)
    if tags is None or not image.tile or image.tile[0][0] != "libtiff":
        return 0
    width, height = image.size
    columns, rows = tags.get(322, width), tags.get(323) or min(tags.get(278, height), height)
    bits = max(tags.get(258, (1,))) * (tags.get(277, 1) if tags.get(284, 1) == 1 else 1)
    return int(columns * rows * ceil(bits / 8))
