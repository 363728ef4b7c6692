"""A comparison as one picture to hand on."""

import io
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from detector.colors import text_color
from detector.comparison import KIND_COLORS, KIND_NAMES, Kind, Pairing
from detector.images import RGBImage

_MAX_PANEL = 1600  # pixels of a panel's longer side
_INK, _PAPER = "#15232B", "#FFFFFF"

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def sheet_png(
    image: RGBImage,
    pairing: Pairing,
    labels: Sequence[str],
    *,
    title: str,
    captions: tuple[Sequence[str], Sequence[str]],
) -> bytes:
    """Both annotated pictures side by side, wide ones one above the other, as PNG.

    Above them the title, under each the lines of its caption, at the bottom what the colours mean
    and how many boxes there are of each.

    Args:
        image: the original; panels are at most 1600 pixels long.
        captions: lines that say model, version and settings, of A and of B.
    """
    photo = Image.fromarray(image)
    photo.thumbnail((_MAX_PANEL, _MAX_PANEL), reducing_gap=2.0)
    scale = photo.width / image.shape[1]
    unit = max(11, round((photo.width * photo.height) ** 0.5 * 0.02))
    font, small = ImageFont.load_default(size=unit), ImageFont.load_default(size=unit * 0.85)
    across = photo.width < 2 * photo.height
    caption_height = round(1.5 * unit * max(len(lines) for lines in captions)) + unit
    panel_height = photo.height + caption_height
    heading_height = 3 * unit
    width = (2 * photo.width if across else photo.width) + (3 if across else 2) * unit
    height = heading_height + (panel_height if across else 2 * panel_height) + 3 * unit
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((unit, unit), _fitting(title, font, width - 2 * unit), _INK, font)
    for number, (side, lines) in enumerate(zip("ab", captions, strict=True)):
        x = unit + (number * (photo.width + unit) if across else 0)
        y = heading_height + (0 if across else number * panel_height)
        sheet.paste(_annotated(photo, pairing, side, labels, scale, small), (x, y))
        for line_number, line in enumerate(lines):
            place = (x, y + photo.height + unit // 2 + round(1.5 * unit * line_number))
            draw.text(place, _fitting(line, font, photo.width), _INK, font)
    x, y = unit, height - round(2.5 * unit)
    for kind, count in pairing.counts().items():
        draw.rectangle((x, y, x + unit, y + unit), KIND_COLORS[kind], outline=_INK)
        text = f"{KIND_NAMES[kind]}: {count}"
        draw.text((x + 1.5 * unit, y - unit // 8), text, _INK, small)
        x += round(2 * unit + small.getlength(text) + 1.5 * unit)
    file = io.BytesIO()
    sheet.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _annotated(
    photo: Image.Image,
    pairing: Pairing,
    side: str,
    labels: Sequence[str],
    scale: float,
    font: _Font,
) -> Image.Image:
    """The photo with one side's boxes in the colours of their kinds; better scored lie on top."""
    canvas = photo.copy()
    draw = ImageDraw.Draw(canvas)
    found = pairing.a if side == "a" else pairing.b
    line = max(2, round((photo.width * photo.height) ** 0.5 * 0.003))
    drawn = [
        (
            index,
            Kind(int(pairing.kinds[row])),
            tuple(round(float(value) * scale) for value in found.boxes[index]),
        )
        for index, row in enumerate(pairing.rows_of(side))
    ][::-1]
    for _, kind, (xmin, ymin, xmax, ymax) in drawn:
        color = KIND_COLORS[kind]
        corners = (xmin, ymin, max(xmax - 1, xmin), max(ymax - 1, ymin))
        halo = (corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1)
        draw.rectangle(halo, outline=text_color(color), width=line + 2)
        draw.rectangle(corners, outline=color, width=line)
    for index, kind, (xmin, ymin, _, _) in drawn:
        text = f"{labels[int(found.class_ids[index])]} {found.scores[index]:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        label_width, label_height = round(right + 2 * left + 6), round(bottom + top)
        x = max(0, min(xmin, canvas.width - label_width))
        y = max(0, ymin - label_height)
        draw.rectangle((x, y, x + label_width, y + label_height), KIND_COLORS[kind])
        draw.text((x + 3, y), text, text_color(KIND_COLORS[kind]), font)
    return canvas


def _fitting(text: str, font: _Font, width: float) -> str:
    """The text, cut with dots where it is too wide."""
    # Pillow's own font has the letters of ASCII only.
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = "".join(c if c.isascii() and c.isprintable() else "?" for c in letters)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
