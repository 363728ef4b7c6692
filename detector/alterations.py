"""What if the photo were worse: an image made darker, blurred, noisy, turned, cut, and the boxes
that were in it.

Every amount is relative to the image, none is in pixels of the file: an altered image begins as a
copy whose longest side is SIDE pixels, whatever the file's size, so that a blur, a grain of noise
or a block of JPEG is as large a part of a small image as of a large one.
"""

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat

Floats = NDArray[np.float64]

# Pixels of the longest side: twice and more what the model sees, and a fraction of a photo's time.
SIDE = 800
SEED = 0  # of the noise: the same grain at every strength, so that a sweep is over nothing else
# What comes into sight around a turned or smaller image: the mean that the model's input is
# relative to.
AROUND = (124, 117, 104)


@dataclass(frozen=True)
class Knob:
    """One way to alter an image.

    Attributes:
        name: the field of `Alteration`.
        usual: the value that alters nothing.
        lowest, highest, step: the values that it can have.
        levels: those of a sweep, rising, `usual` among them.
    """

    name: str
    usual: float
    lowest: float
    highest: float
    step: float
    levels: tuple[float, ...]


KNOBS = (
    Knob("brightness", 0, -6, 3, 0.5, (-6, -5, -4, -3, -2, -1, 0, 1, 2, 3)),
    Knob("contrast", 1, 0.05, 2, 0.05, (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2)),
    Knob("blur", 0, 0, 20, 0.5, (0, 1, 2, 3, 4, 6, 8, 12, 16, 20)),
    Knob("noise", 0, 0, 1, 0.05, (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1)),
    Knob("jpeg_quality", 100, 1, 100, 1, (1, 3, 5, 10, 15, 20, 30, 50, 75, 100)),
    Knob("rotation", 0, -90, 90, 5, (-90, -60, -45, -30, -20, -10, 0, 10, 20, 30, 45, 60, 90)),
    Knob("scale", 1, 0.1, 1, 0.05, (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1)),
    Knob("crop", 0, 0, 0.8, 0.05, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
)


@dataclass(frozen=True)
class Alteration:
    """What is done to an image, in this order: turned, made smaller and cut; blurred; made darker
    or brighter; contrast; noise; JPEG. So light meets a lens, a sensor and a file. Hashable.

    Attributes:
        brightness: stops; one less is half the light. Computed in linear light.
        contrast: factor of each value's distance from the image's mean grey.
        blur: standard deviation of a Gaussian, in thousandths of the longest side.
        noise: standard deviation of Gaussian noise, a part of the range of values.
        jpeg_quality: of Pillow; 100 = not encoded again.
        rotation: degrees, clockwise, about the centre; what leaves the frame is lost.
        scale: how large the image is within its frame, about the centre.
        crop: the part of width and height that is cut away, half of it on each side.
    """

    brightness: float = 0
    contrast: float = 1
    blur: float = 0
    noise: float = 0
    jpeg_quality: float = 100
    rotation: float = 0
    scale: float = 1
    crop: float = 0

    def __post_init__(self) -> None:
        for knob in KNOBS:
            value = getattr(self, knob.name)
            if not knob.lowest <= value <= knob.highest:
                raise ValueError(
                    f"expected {knob.name} in {knob.lowest}..{knob.highest}, got {value}"
                )

    @property
    def is_identity(self) -> bool:
        """Whether it alters nothing."""
        return self == IDENTITY

    @property
    def moves(self) -> bool:
        """Whether boxes are elsewhere afterwards."""
        return (self.rotation, self.scale, self.crop) != (0, 1, 0)

    @cached_property
    def key(self) -> str:
        """What is altered, in a few letters: "" where nothing is."""
        return " ".join(
            f"{field.name}={getattr(self, field.name):g}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        )

    def apply(self, image: Image.Image) -> Image.Image:
        """The altered image, of `size_after`; the image itself where nothing is altered.

        Args:
            image: of mode RGB, as `working_copy` gives it.
        """
        if self.moves:
            image = self._moved(image)
        if self.blur:
            image = image.filter(ImageFilter.GaussianBlur(self.blur / 1000 * max(image.size)))
        if self.brightness:
            image = image.point(_exposed(self.brightness) * 3)
        if self.contrast != 1:
            [mean] = ImageStat.Stat(image.convert("L")).mean
            values = mean + self.contrast * (np.arange(256) - mean)
            image = image.point(_to_bytes(values).tolist() * 3)
        if self.noise:
            grain = _grain(image.height, image.width)
            image = Image.fromarray(_to_bytes(np.asarray(image) + 255 * self.noise * grain))
        if self.jpeg_quality < 100:
            data = BytesIO()
            image.save(data, "JPEG", quality=int(self.jpeg_quality))
            image = Image.open(data)
            image.load()
        return image

    def size_after(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of an image of that size once it is altered."""
        width, height = (max(1, round(side * (1 - self.crop))) for side in size)
        return width, height

    def boxes_after(self, boxes: NDArray[np.floating], size: tuple[int, int]) -> Floats:
        """(N, 4) float64 xyxy: the smallest upright boxes around the altered ones, in pixels of the
        altered image. They may reach over its edge, or lie outside.

        A turned box needs a larger one around it: at 45° one of twice a square's area.

        Args:
            boxes: (N, 4) xyxy in pixels of the image.
            size: (width, height) of the image.
        """
        if not self.moves:
            return np.asarray(boxes, np.float64)
        corners = np.asarray(boxes, np.float64)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        linear, offset = self._map(size)
        moved = corners @ linear.T + offset
        return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)

    def _map(self, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """(2, 2) and (2,): a point of the image is at linear @ point + offset of the altered one.
        Pixel i reaches from i to i + 1."""
        before, after = np.array(size, np.float64), np.array(self.size_after(size), np.float64)
        angle = np.deg2rad(self.rotation)
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        # A frame has whole pixels.
        to_pixels = after / (before * (1 - self.crop))
        linear = to_pixels[:, None] * self.scale * turned
        return linear, after / 2 - linear @ (before / 2)

    def _moved(self, image: Image.Image) -> Image.Image:
        linear, offset = self._map(image.size)
        # Made smaller first, so that no pixel is skipped.
        width, height = (max(1, round(side * self.scale)) for side in image.size)
        smaller = image.resize((width, height), Image.Resampling.BILINEAR)
        back = np.linalg.inv(linear) * [[width / image.width], [height / image.height]]
        (a, b), (d, e) = back
        c, f = -back @ offset
        return smaller.transform(
            self.size_after(image.size),
            Image.Transform.AFFINE,
            (a, b, c, d, e, f),
            Image.Resampling.BICUBIC,
            fillcolor=AROUND,
        )


IDENTITY = Alteration()


def working_copy(image: Image.Image) -> Image.Image:
    """The image with a longest side of SIDE pixels, which alterations begin with.

    Of Pillow's filters Lanczos changes least what the model sees: the scores of the gallery's boxes
    by 0.055 at most, bilinear 0.14.

    Args:
        image: upright, of mode RGB.
    """
    factor = SIDE / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def inside(boxes: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """(N, 4) boxes cut at an image's edge, and (N,) which part of each is in the image, 0..1.

    Args:
        boxes: (N, 4) xyxy, each with an area.
        size: (width, height) of the image.
    """
    cut = np.clip(boxes, 0, [*size, *size])
    whole = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return cut, np.prod(cut[:, 2:] - cut[:, :2], axis=1) / whole


def _exposed(stops: float) -> list[int]:
    """What each value becomes with so much more light: sRGB is not linear, light is."""
    values = np.arange(256) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light *= 2**stops
    darker = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    exposed: list[int] = _to_bytes(255 * darker).tolist()
    return exposed


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> NDArray[np.float32]:
    grain = np.random.default_rng(SEED).standard_normal((height, width, 3), np.float32)
    grain.setflags(write=False)
    return grain


def _to_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded
