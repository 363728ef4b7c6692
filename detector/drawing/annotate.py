"""An image with its boxes drawn in, as a file at its own resolution. Without Plotly."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from detector.drawing.colors import class_color, text_color
from detector.drawing.fonts import Font, drawable, font_for
from detector.drawing.png import encode_png
from detector.images import RGBImage
from detector.ssd import Detections

AnyImage = RGBImage | Image.Image
_Place = tuple[int, int, int, int]

WEBP_SIDE = 16383  # the longest that the format has


def annotated_png(image: AnyImage, detections: Detections, labels: Sequence[str]) -> bytes:
    """The image with its boxes as PNG, without loss. See `annotated`."""
    return encode_png(annotated(image, detections, labels))


def annotated_jpeg(image: AnyImage, detections: Detections, labels: Sequence[str]) -> bytes:
    """The image with its boxes as JPEG, a tenth of a PNG's size. See `annotated`."""
    return _saved(annotated(image, detections, labels), "JPEG", quality=92, subsampling=0)


def annotated_webp(image: AnyImage, detections: Detections, labels: Sequence[str]) -> bytes:
    """The image with its boxes as WebP, half of a JPEG's size. See `annotated`.

    Raises:
        ValueError: a side is longer than WEBP_SIDE.
    """
    return _saved(annotated(image, detections, labels), "WEBP", quality=88, method=2)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def annotated(image: AnyImage, detections: Detections, labels: Sequence[str]) -> Image.Image:
    """The image with its boxes, at its own resolution.

    Each box has its class's colour and "0.93, watch" at its top left: above the box, or in it where
    the image ends; at another corner where a better scored box's label is. Lines and letters grow
    with the image. Better scored lie over worse, and labels over lines.

    Args:
        image: (H, W, 3) uint8 RGB, or Pillow's of mode RGB, which is drawn on itself.
    """
    # From an array it is a copy, as RGB has four bytes in Pillow.
    canvas = image if isinstance(image, Image.Image) else Image.fromarray(image)
    canvas.info = {}  # a photo's comments and profile are not for the file that is made of it
    draw = ImageDraw.Draw(canvas)
    # A 1000-pixel image has lines of 3 and letters of 18 pixels, much as on the page.
    side = (canvas.width * canvas.height) ** 0.5
    line = max(1, round(side * 0.003))
    letters = max(10, round(side * 0.018))
    corners = []
    for class_id, box in zip(detections.class_ids.tolist(), detections.boxes, strict=True):
        xmin, ymin, xmax, ymax = (round(float(value)) for value in box)
        # The pixel at xmax belongs to the box no more; one without an inside is drawn as a point.
        xmin, ymin = min(xmin, canvas.width - 1), min(ymin, canvas.height - 1)
        corners.append((class_id, (xmin, ymin, max(xmax - 1, xmin), max(ymax - 1, ymin))))
    # A thin edge in the text's colour keeps a line visible on a background of its own colour.
    edge = max(1, line // 3)
    for class_id, (xmin, ymin, xmax, ymax) in reversed(corners):
        color = class_color(class_id)
        halo = (xmin - edge, ymin - edge, xmax + edge, ymax + edge)
        draw.rectangle(halo, outline=text_color(color), width=line + 2 * edge)
        draw.rectangle((xmin, ymin, xmax, ymax), outline=color, width=line)
    chips: list[_Label] = []
    for (class_id, box), score in zip(corners, detections.scores, strict=True):
        text = drawable(f"{score:.2f}, {labels[class_id]}")
        chips.append(_label(draw, text, class_color(class_id), letters, box, chips))
    for chip in reversed(chips):
        chip.draw(draw)
    return canvas


@dataclass(frozen=True)
class _Label:
    """A filled label.

    Attributes:
        place: (xmin, ymin, xmax, ymax), in pixels; those at xmax and ymax are its own no more.
        origin: where Pillow has its text begin.
    """

    text: str
    color: str
    font: Font
    place: _Place
    origin: tuple[float, float]

    def hides(self, place: _Place) -> bool:
        left, top, right, bottom = self.place
        return left < place[2] and place[0] < right and top < place[3] and place[1] < bottom

    def draw(self, draw: ImageDraw.ImageDraw) -> None:
        left, top, right, bottom = self.place
        draw.rectangle((left, top, right - 1, bottom - 1), fill=self.color)
        draw.text(self.origin, self.text, font=self.font, fill=text_color(self.color))


def _label(
    draw: ImageDraw.ImageDraw,
    text: str,
    color: str,
    size: float,
    box: _Place,
    others: Sequence[_Label],
) -> _Label:
    """The label of a box: above or in its corners, or below, in the image and off the others.

    Where there is no such place it is above the upper left corner.
    """
    canvas_width, canvas_height = draw.im.size
    font = font_for(text, size)
    left, _, right, _ = draw.textbbox((0, 0), text, font=font)
    # Height of a line that is the same for every text, with or without letters below the line;
    # letters of Chinese are higher.
    _, top, _, bottom = draw.textbbox((0, 0), f"Agjy0{text}", font=font)
    padding = max(2, round((bottom - top) * 0.2))
    width, height = int(right - left + 2 * padding), int(bottom - top + padding)
    xmin, ymin, xmax, ymax = box
    places = []
    for y in (ymin - height, ymin, ymax + 1, ymax - height):
        for x in (xmin, xmax - width):
            x = max(0, min(x, canvas_width - width))
            y = max(0, min(y, canvas_height - height))
            places.append((x, y, x + width, y + height))
    place = next((p for p in places if not any(other.hides(p) for other in others)), places[0])
    origin = (place[0] + padding - left, place[1] + padding // 2 - top)
    return _Label(text, color, font, place, origin)
