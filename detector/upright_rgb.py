"""A decoded image as upright 8-bit sRGB, band by band, so that only the result is a second whole.

Pillow's image and the result have 7 bytes a pixel together. Each further whole copy would be 4.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from detector.decoders import DECODER_ERRORS

RGBImage = NDArray[np.uint8]  # (H, W, 3), upright, original size

_BAND_PIXELS = 2**18
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BOTTOM_FIRST = {3, 4, 6, 7}  # turned so, the last rows come first
_ON_THE_SIDE = {5, 6, 7, 8}  # turned so, rows are columns


def is_upright_rgb(image: Image.Image) -> bool:
    """Whether `upright_rgb` would change nothing."""
    return (
        image.mode == "RGB"
        and not image.has_transparency_data
        and _orientation(image) not in _TURNS
        and _srgb_transform("RGB", image.info.get("icc_profile")) is None
    )


def upright_rgb(image: Image.Image) -> RGBImage:
    """(H, W, 3) uint8: transparency over white, 16 bits scaled to 8, in sRGB, turned by its EXIF.

    Args:
        image: decoded; of any mode that Pillow has.
    """
    convert = _conversion(image)
    orientation = _orientation(image)
    turn = _TURNS.get(orientation)
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    if orientation in _ON_THE_SIDE:
        pixels = np.empty((width, height, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = convert(image.crop((0, top, width, bottom)))
        turned = np.asarray(band if turn is None else band.transpose(turn))
        place = slice(top, bottom)
        if orientation in _BOTTOM_FIRST:
            place = slice(height - bottom, height - top)
        if orientation in _ON_THE_SIDE:
            pixels[:, place] = turned
        else:
            pixels[place] = turned
    return pixels


def _orientation(image: Image.Image) -> int:
    """1 to 8, as the EXIF data say. Broken EXIF data turn nothing."""
    try:
        orientation = image.getexif().get(0x0112)
    except DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _conversion(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes a part of the image RGB."""
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        low, top = _range(image)
        return lambda band: Image.fromarray(_to_8_bits(np.asarray(band), low, top)).convert("RGB")
    profile = image.info.get("icc_profile")
    if image.mode in {"CMYK", "LAB"}:
        to_srgb = _srgb_transform(image.mode, profile)
        return to_srgb or (lambda band: band.convert("RGB"))
    to_srgb = _srgb_transform("RGB", profile) or (lambda band: band)
    if image.has_transparency_data:
        return lambda band: to_srgb(_over_white(band))
    return lambda band: to_srgb(band if band.mode == "RGB" else band.convert("RGB"))


def _over_white(image: Image.Image) -> Image.Image:
    over = image.convert("RGBA")
    rgb = Image.new("RGB", image.size, "white")
    rgb.paste(over, mask=over.getchannel("A"))
    return rgb


def _range(image: Image.Image) -> tuple[float, float]:
    """The values of a grey image that become 0 and 255: those of the type, where it is of 16 bits.

    The range of 32-bit integers and floats is not known. So: 0..1 (floats), 0..255 and 0..65535 are
    taken for those ranges, and anything else is stretched from its own lowest to its highest value.
    """
    if image.mode.startswith("I;16"):
        return 0, 65535
    low, high = np.inf, -np.inf
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        grey = _finite(np.asarray(image.crop((0, top, image.width, bottom))))
        low, high = min(low, float(grey.min())), max(high, float(grey.max()))
    if low < 0:
        return low, high
    tops = (1, 255, 65535) if image.mode == "F" else (255, 65535)
    return next(((0.0, float(top)) for top in tops if high <= top), (low, high))


def _to_8_bits(values: NDArray[np.generic], low: float, top: float) -> NDArray[np.uint8]:
    """Grey values of more than 8 bits as 0..255, never clipped."""
    if values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scaled = (_finite(values) - low) * (255 / max(top - low, 1e-300))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)


def _srgb_transform(
    mode: str, profile: bytes | None
) -> Callable[[Image.Image], Image.Image] | None:
    """From that mode to sRGB by the profile; None when that changes nothing or cannot be done."""
    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
        else:
            return None
        if source.profile.xcolor_space.strip().upper() != mode:
            return None
        if "srgb" in (source.profile.profile_description or "").lower():
            return None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, srgb, mode, "RGB").apply
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
