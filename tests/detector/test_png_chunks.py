"""PNGs with sound pixels and something else beside them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from detector.errors import ImageError
from detector.images import read_image, read_size, read_thumbnail

PIXELS = np.random.default_rng(5).integers(0, 256, (30, 40, 3), np.uint8)
MIB = 2**20


def chunk(kind, content, *, checksum=None):
    checksum = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(*beside, at_end=False):
    """The pixels with these chunks before their data or after them."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    plain = file.getvalue()
    place = len(plain) - 12 if at_end else plain.index(b"IDAT") - 4
    return plain[:place] + b"".join(beside) + plain[place:]


def packed(size):
    return zlib.compress(bytes(size))


BESIDE = {
    "a packed text": [chunk(b"zTXt", b"workflow\0\0" + packed(3 * MIB))],
    "an international text": [chunk(b"iTXt", b"workflow\0\1\0\0\0" + packed(3 * MIB))],
    "a text that may turn": [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed(3 * MIB))],
    "exif in a text": [chunk(b"zTXt", b"Raw profile type exif\0\0" + packed(3 * MIB))],
    "70 MiB of texts": [chunk(b"zTXt", b"Comment\0\0" + packed(MIB - 1))] * 70,
    "a text packed otherwise": [chunk(b"zTXt", b"Comment\0\7" + packed(9))],
    "a large profile": [chunk(b"iCCP", b"scanner\0\0" + packed(3 * MIB))],
    "an endless profile": [chunk(b"iCCP", b"scanner\0\0" + packed(300 * MIB))],
    "a profile packed otherwise": [chunk(b"iCCP", b"scanner\0\7" + packed(9))],
    "a profile without an end of its name": [chunk(b"iCCP", b"scanner")],
    "an empty profile": [chunk(b"iCCP", b"")],
    "a wrong checksum": [chunk(b"tEXt", b"Comment\0x", checksum=1)],
    "a resolution cut off": [chunk(b"pHYs", b"\0\0")],
    "a gamma cut off": [chunk(b"gAMA", b"\0")],
    "primaries cut off": [chunk(b"cHRM", b"\0" * 5)],
    "an intent cut off": [chunk(b"sRGB", b"")],
    "a broken animation": [chunk(b"acTL", b"\0")],
    "frames out of order": [chunk(b"acTL", bytes(7) + b"\2" + bytes(4)), chunk(b"fcTL", bytes(26))],
    "a private chunk": [chunk(b"prVt", bytes(MIB))],
    "broken exif": [chunk(b"eXIf", b"II*\0garbage")],
}


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_what_stands_beside_the_pixels_costs_no_image(beside, at_end):
    data = png(*beside, at_end=at_end)
    assert np.array_equal(read_image(data), PIXELS)
    assert np.array_equal(read_thumbnail(data, 40), PIXELS)
    assert read_size(data) == (40, 30)


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
def test_a_text_beside_the_pixels_still_turns_them(kind):
    exif = Image.Exif()
    exif[0x0112] = 3
    raw = f"\nexif\n{len(exif.tobytes())}\n{exif.tobytes().hex()}".encode()
    xmp = b'<rdf:Description xmlns:tiff="t" tiff:Orientation="3"/>'
    content = {
        "tEXt": b"Raw profile type exif\0" + raw,
        "zTXt": b"Raw profile type exif\0\0" + zlib.compress(raw),
        "iTXt": b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp),
    }[kind]
    data = png(chunk(kind.encode(), content))
    assert np.array_equal(read_image(data), PIXELS[::-1, ::-1])


def test_damage_to_the_pixels_is_still_refused():
    sound = png()
    at = sound.index(b"IDAT")
    wrong_kind = sound[: at - 4] + chunk(b"ID\0T", b"") + sound[at - 4 :]
    for damaged in (sound[: at + 40], sound[: at + 4] + bytes(9) + sound[at + 13 :], wrong_kind):
        with pytest.raises(ImageError, match="damaged"):
            read_image(damaged)
