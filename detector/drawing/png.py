"""PNG files in a thirteenth of the time that Pillow takes, a third to a half larger.

Pillow tries five filters a line and looks for what repeats. Photos gain little by either: one
filter, what differs from the pixel to the left, and a code for that and its runs do.
"""

import struct
import zlib

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

_BAND_PIXELS = 2**18
_SUB = 1  # the filter's number
_RGB = 2  # the colour type's


def encode_png(image: Image.Image) -> bytes:
    """The image as a PNG file of 8-bit RGB; what goes on at once is a band of it.

    Args:
        image: of mode RGB.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an image of mode RGB, got {image.mode}")
    width, height = image.size
    packer = zlib_ng.compressobj(strategy=zlib_ng.Z_RLE)
    packed = []
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        band = np.asarray(image.crop((0, top, width, min(top + rows, height))))
        band = band.reshape(len(band), 3 * width)
        lines = np.empty((len(band), 1 + 3 * width), np.uint8)
        lines[:, 0] = _SUB
        lines[:, 1:4] = band[:, :3]
        np.subtract(band[:, 3:], band[:, :-3], out=lines[:, 4:])
        packed.append(packer.compress(lines))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, _RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
