"""Encoded images in, upright RGB arrays out; and back to JPEG for display.

Only the formats named here are ever opened: Pillow's other parsers (PostScript runs a program) stay
shut.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from detector.decoders import DECODER_ERRORS, silence
from detector.errors import ImageError
from detector.image_memory import decoding_bytes, large_blocks_apart
from detector.png_chunks import pixels_only
from detector.translation import _, noted
from detector.upright_rgb import RGBImage as RGBImage
from detector.upright_rgb import upright_rgb

silence()


@dataclass(frozen=True)
class ImageLimits:
    """What an image may be before anything of it is decoded.

    The pixels stay below the 89.5 million at which Pillow begins to warn of decompression bombs.
    Which of them fit into the memory depends on the format: as a JPEG or PNG 82 million, as a
    progressive JPEG 57, as a WebP 34. An image narrower than `min_side` or longer than
    `max_aspect` to 1 shows nothing any more when it is squeezed into the model's square.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 89_000_000
    max_memory_mb: int = 600
    min_side: int = 8
    max_aspect: float = 20.0


def read_image(data: bytes, limits: ImageLimits = ImageLimits()) -> RGBImage:
    """(H, W, 3) uint8 RGB image, upright, at its original size, read-only.

    The first frame; transparency over white; 16 bits scaled to 8; colours in sRGB. Thread-safe.

    Args:
        data: the file's bytes: JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC or AVIF.

    Raises:
        ImageError: not such a file, damaged, incomplete, or outside the limits.
    """
    with _opened(data, limits) as image:
        image.load()
        pixels = upright_rgb(image)
    pixels.setflags(write=False)
    return pixels


def read_file(path: Path, limits: ImageLimits = ImageLimits()) -> bytes:
    """The bytes of an image's file, one more than the limit at most: enough to be refused.

    Raises:
        ImageError: it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise ImageError(
            _("cannot be opened: {reason}", reason=error.strerror), _("Check the path.")
        ) from error
    except ValueError as error:  # a null character in the path
        raise ImageError(
            _("cannot be opened: {error}", error=error), _("Check the path.")
        ) from error


def read_thumbnail(data: bytes, max_side: int, limits: ImageLimits = ImageLimits()) -> RGBImage:
    """What `read_image` reads, shrunk to `max_side` pixels a side, never enlarged.

    For the eye only: a JPEG is decoded at a fraction of its size, in a fraction of the time, and
    the model would see other pixels.

    Raises:
        ImageError: as `read_image`; a JPEG that is incomplete is refused here too.
    """
    with _opened(data, limits) as image:
        # Twice the side, so that the last step can still smooth.
        image.draft(None, (2 * max_side, 2 * max_side))  # does nothing unless it is a JPEG
        image.load()
        upright = Image.fromarray(upright_rgb(image))
        upright.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=2.0)
        pixels = np.array(upright)
    pixels.setflags(write=False)
    return pixels


def read_size(data: bytes, limits: ImageLimits = ImageLimits()) -> tuple[int, int]:
    """(width, height) in pixels by the file's header: before it is turned upright.

    Raises:
        ImageError: what `read_image` says of the file without decoding it.
    """
    with _opened(data, limits) as image:
        size = image.size
    return size


def read_memory(data: bytes, limits: ImageLimits = ImageLimits()) -> int:
    """How many bytes of memory decoding the file takes at most, by its header.

    Raises:
        ImageError: what `read_image` says of the file without decoding it.
    """
    with _opened(data, limits) as image:
        memory = decoding_bytes(image, data)
    return memory


def encode_jpeg(image: RGBImage, max_side: int = 1600, quality: int = 85) -> bytes:
    """The image as a JPEG for display, shrunk to `max_side` pixels a side, never enlarged."""
    shrunk = Image.fromarray(image)
    shrunk.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = BytesIO()
    shrunk.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


Plugin = Callable[[BytesIO], ImageFile.ImageFile]


@contextmanager
def _opened(data: bytes, limits: ImageLimits) -> Iterator[ImageFile.ImageFile]:
    """The image with its header read and its size checked; nothing is decoded yet.

    Raises:
        ImageError: for what is wrong with the file, here or in the body of the `with`.
    """
    large_blocks_apart()
    if not data:
        raise ImageError(
            _("The file is empty."), _("Choose the image again: it may not have been copied.")
        )
    if len(data) > limits.max_bytes:
        raise ImageError(
            _(
                "The file has more than {max_bytes:.0f} MiB, the most that is read.",
                max_bytes=limits.max_bytes / 2**20,
            ),
            _("Save it smaller, or as a JPEG."),
        )
    name, plugin = _recognise(data)
    try:
        image = plugin(BytesIO(data))
        _check_size(image.size, limits)
        _check_memory(name, image.size, decoding_bytes(image, data), limits)
        yield image
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(str(error)) from error
    except DECODER_ERRORS as error:
        raise ImageError(
            _(
                "The {name} image cannot be decoded: it is incomplete, damaged or of a rare kind.",
                name=name,
            ),
            _("Copy the image again, or save it as a JPEG."),
        ) from error
    except MemoryError as error:
        raise ImageError(_("The image does not fit into memory."), _("Save it smaller.")) from error


def _heif(file: BytesIO) -> ImageFile.ImageFile:
    # Only who opens a HEIC image waits for its library.
    from pillow_heif import HeifImageFile

    return HeifImageFile(file)  # type: ignore[no-untyped-call]


def _png(file: BytesIO) -> ImageFile.ImageFile:
    data, profile = pixels_only(file.getvalue())
    image = PngImagePlugin.PngImageFile(BytesIO(data))
    image.info["icc_profile"] = profile
    return image


# First bytes -> name, Pillow's reader. A phone's multi-picture JPEG (MPO) is a JPEG: its first
# image.
_FORMATS: tuple[tuple[bytes, str, Plugin], ...] = (
    (b"\xff\xd8\xff", "JPEG", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", "PNG", _png),
    (b"GIF87a", "GIF", GifImagePlugin.GifImageFile),
    (b"GIF89a", "GIF", GifImagePlugin.GifImageFile),
    (b"BM", "BMP", BmpImagePlugin.BmpImageFile),
    (b"II*\0", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"II+\0", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", "TIFF", TiffImagePlugin.TiffImageFile),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# First bytes -> what people upload by mistake.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", noted("a PDF document")),
    (b"%!PS", noted("a PostScript file")),
    (b"8BPS", noted("a Photoshop document")),
    (b"PK\x03\x04", noted("a ZIP archive or an office document")),
    (b"\x1f\x8b", noted("a gzip archive")),
    (b"\x1a\x45\xdf\xa3", noted("a video")),
    (b"\x00\x00\x01\x00", noted("an icon")),
    (b"\xff\x0a", noted("a JPEG XL image")),
    (b"\x00\x00\x00\x0cJXL ", noted("a JPEG XL image")),
    (b"\x00\x00\x00\x0cjP  ", noted("a JPEG 2000 image")),
    (b"\xff\x4f\xff\x51", noted("a JPEG 2000 image")),
)


def _recognise(data: bytes) -> tuple[str, Plugin]:
    """Name and reader of the file's format, by its first bytes; no file name is ever trusted."""
    for magic, name, plugin in _FORMATS:
        if data.startswith(magic):
            return name, plugin
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", WebPImagePlugin.WebPImageFile
    if data[4:8] == b"ftyp":
        length = int.from_bytes(data[:4])
        brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(length, 256), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF", AvifImagePlugin.AvifImageFile
        if brands & _HEIF_BRANDS:
            return "HEIC", _heif
    raise ImageError(_("This is not an image that can be read, but {kind}.", kind=_describe(data)))


def _describe(data: bytes) -> str:
    for magic, description in _OTHERS:
        if data.startswith(magic):
            return _(description)
    if data[4:8] == b"ftyp":
        return _("a camera's raw file") if data[8:12] == b"crx " else _("a video")
    if data.startswith(b"RIFF"):
        return _("a video") if data[8:12] == b"AVI " else _("a sound or other media file")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return _("an SVG drawing")
    if start.startswith((b"<!doctype html", b"<html")):
        return _("a web page")
    return _("a text file") if _is_text(data[:1024]) else _("an unknown kind of file")


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:  # not merely a character cut in two at the end
            return False
        text = data[: error.start].decode()
    return text != "" and all(letter.isprintable() or letter.isspace() for letter in text)


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise _too_many_pixels(
            _(
                "{width} × {height} = {count:.0f} megapixels; at most {most:.0f} are read",
                width=width,
                height=height,
                count=width * height / 1e6,
                most=limits.max_pixels / 1e6,
            )
        )
    if min(size) < limits.min_side:
        raise ImageError(
            _(
                "The image is too small: {width} × {height} pixels; each side needs at least "
                "{min_side}.",
                width=width,
                height=height,
                min_side=limits.min_side,
            ),
            _("Use a larger image."),
        )
    if max(size) > limits.max_aspect * min(size):
        raise ImageError(
            _(
                "The image is too narrow a strip: {width} × {height} pixels; the long side may "
                "be at most {max_aspect:g} times the short one.",
                width=width,
                height=height,
                max_aspect=limits.max_aspect,
            ),
            _("Crop it closer to a square."),
        )


def _check_memory(name: str, size: tuple[int, int], memory: int, limits: ImageLimits) -> None:
    if memory > limits.max_memory_mb * 1_000_000:
        raise ImageError(
            _(
                "The image is too large: as {name} its {width} × {height} pixels take {memory:.0f} "
                "MB of memory while they are decoded; at most {most} MB are used.",
                name=name,
                width=size[0],
                height=size[1],
                memory=memory / 1e6,
                most=limits.max_memory_mb,
            ),
            _("Save it smaller, or as an ordinary JPEG."),
        )


def _too_many_pixels(detail: str) -> ImageError:
    return ImageError(_("The image is too large: {detail}.", detail=detail), _("Save it smaller."))
