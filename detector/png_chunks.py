"""A PNG without what stands beside its pixels: comments, workflows, animation, private chunks.

Pillow refuses a whole file for one comment that is too large or has a wrong checksum. Browsers show
it; and of all that is beside the pixels only colours and turning matter here.
"""

import zlib
from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
# Texts that may say how the image is turned.
_TURNING = {b"Raw profile type exif", b"XML:com.adobe.xmp"}
# In bytes, unpacked. A text: as much as Pillow takes. Printers' profiles have some 10 MB.
_MAX_TEXT = 2**20
_MAX_PROFILE = 16 * 2**20


def pixels_only(data: bytes) -> tuple[bytes, bytes | None]:
    """A PNG with its pixels and how they are turned; and its colour profile.

    What is beside the pixels and broken, or too large when it is unpacked, is left out. Damage to
    the pixels stays what it is.

    Args:
        data: a PNG's bytes.

    Returns:
        The PNG's bytes, and the ICC profile, unpacked; None where there is none.
    """
    view = memoryview(data)
    pieces = [view[:_SIGNATURE_BYTES]]
    profile = None
    for kind, start, end in _chunks(data):
        if kind in _PIXELS or not kind.isalpha():
            pieces.append(view[start:end])
        elif zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            continue
        elif kind == b"iCCP":
            profile = profile or _profile(bytes(view[start + 8 : end - 4]))
        elif kind == b"eXIf" or (kind in _TEXTS and _turns(kind, bytes(view[start + 8 : end - 4]))):
            pieces.append(view[start:end])
    return b"".join(pieces), profile


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk; from a kind that cannot be, of all the rest."""
    start = _SIGNATURE_BYTES
    while start < len(data):
        kind = data[start + 4 : start + 8]
        # Besides its content a chunk has its length, its kind and a checksum, four bytes each.
        end = start + 12 + int.from_bytes(data[start : start + 4])
        yield kind, start, min(end, len(data)) if kind.isalpha() else len(data)
        if kind == b"IEND" or not kind.isalpha():
            return
        start = end


def _profile(content: bytes) -> bytes | None:
    _, _, packed = content.partition(b"\0")
    return _unpacked(packed[1:], _MAX_PROFILE) if packed[:1] == b"\0" else None


def _turns(kind: bytes, content: bytes) -> bool:
    """Whether a text may say how the image is turned, and can be read."""
    keyword, _, text = content.partition(b"\0")
    if keyword not in _TURNING or len(text) > _MAX_TEXT:
        return False
    if kind == b"tEXt":
        return True
    if kind == b"zTXt":
        return text[:1] == b"\0" and _unpacked(text[1:], _MAX_TEXT) is not None
    if text[:2] == b"\1\0":  # packed; its language and translated keyword come before
        return _unpacked(text[2:].split(b"\0", 2)[-1], _MAX_TEXT) is not None
    return True


def _unpacked(packed: bytes, most: int) -> bytes | None:
    """None where it is broken, or more."""
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, most)
    except zlib.error:
        return None
    return None if unpacking.unconsumed_tail else plain
