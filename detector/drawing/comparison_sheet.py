"""A comparison as one image to hand on."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from detector.drawing.annotate import AnyImage
from detector.drawing.colors import text_color
from detector.drawing.fonts import Font, drawable, font_for
from detector.drawing.marks import CHIP_HEIGHT, FONT_SIZE, label_places, label_texts
from detector.drawing.png import encode_png
from detector.evaluation.pairing import KIND_COLORS, KIND_NAMES, Kind, Pairing
from detector.translation import _

_MAX_PANEL = 1600  # pixels of a panel's longer side
_INK, _PAPER = "#15232B", "#FFFFFF"


def sheet_png(
    image: AnyImage,
    pairing: Pairing,
    labels: Sequence[str],
    *,
    title: str,
    captions: tuple[Sequence[str], Sequence[str]],
) -> bytes:
    """Both annotated images side by side, wide ones one above the other, as PNG.

    Above them the title, under each the lines of its caption, at the bottom what the colours mean
    and how many boxes there are of each.

    Args:
        image: the original, (H, W, 3) uint8 RGB, or Pillow's of mode RGB, which is shrunk itself;
            panels are at most 1600 pixels long.
        captions: lines that say model, version and settings, of A and of B.
    """
    photo = image if isinstance(image, Image.Image) else Image.fromarray(image)
    whole_width = photo.width
    photo.thumbnail((_MAX_PANEL, _MAX_PANEL), reducing_gap=2.0)
    scale = photo.width / whole_width
    unit = max(11, round((photo.width * photo.height) ** 0.5 * 0.02))
    across = photo.width < 2 * photo.height
    caption_height = round(1.5 * unit * max(len(lines) for lines in captions)) + unit
    panel_height = photo.height + caption_height
    heading_height = 3 * unit
    width = (2 * photo.width if across else photo.width) + (3 if across else 2) * unit
    height = heading_height + (panel_height if across else 2 * panel_height) + 3 * unit
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    text, font = _fitting(title, unit, width - 2 * unit)
    draw.text((unit, unit), text, _INK, font)
    for number, (side, lines) in enumerate(zip("ab", captions, strict=True)):
        x = unit + (number * (photo.width + unit) if across else 0)
        y = heading_height + (0 if across else number * panel_height)
        sheet.paste(_annotated(photo, pairing, side, labels, scale, 0.85 * unit), (x, y))
        for line_number, line in enumerate(lines):
            place = (x, y + photo.height + unit // 2 + round(1.5 * unit * line_number))
            text, font = _fitting(line, unit, photo.width)
            draw.text(place, text, _INK, font)
    x, y = unit, height - round(2.5 * unit)
    for kind, count in pairing.counts().items():
        draw.rectangle((x, y, x + unit, y + unit), KIND_COLORS[kind], outline=_INK)
        text = f"{_(KIND_NAMES[kind])}: {count}"
        small = font_for(text, unit * 0.85)
        draw.text((x + 1.5 * unit, y - unit // 8), text, _INK, small)
        x += round(2 * unit + small.getlength(text) + 1.5 * unit)
    return encode_png(sheet)


def _annotated(
    photo: Image.Image,
    pairing: Pairing,
    side: str,
    labels: Sequence[str],
    scale: float,
    font_size: float,
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
    for _index, kind, (xmin, ymin, xmax, ymax) in drawn:
        color = KIND_COLORS[kind]
        corners = (xmin, ymin, max(xmax - 1, xmin), max(ymax - 1, ymin))
        halo = (corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1)
        draw.rectangle(halo, outline=text_color(color), width=line + 2)
        draw.rectangle(corners, outline=color, width=line)
    # Pillow's font has no spaces that stay, and is a tenth wider than what labels are laid out for.
    texts = [drawable(text.replace("\u00a0", " ")) for text in label_texts(found, labels)]
    grown = 1.1 * font_size / FONT_SIZE
    usual_size = (round(photo.width / grown), round(photo.height / grown))
    size = (round(photo.width / scale), round(photo.height / scale))
    places = label_places(found.boxes, texts, size, usual_size=usual_size)
    for index, kind, _box in drawn:
        if (place := places[index]) is None:
            continue
        x, y, leftward = place
        font = font_for(texts[index], font_size)
        width, height = font.getlength(texts[index]), CHIP_HEIGHT * grown
        left = min(x * scale - (width if leftward else 0), photo.width - width)
        top = min(max(y * scale - height / 2, 0), photo.height - height)
        draw.rectangle((left, top, left + width, top + height), KIND_COLORS[kind])
        middle = (left, top + height / 2)
        draw.text(middle, texts[index], text_color(KIND_COLORS[kind]), font, anchor="lm")
    return canvas


def _fitting(text: str, size: float, width: float) -> tuple[str, Font]:
    """The text, cut with dots where it is too wide, and the font that has its letters."""
    text = drawable(text)
    font = font_for(text, size)
    if font.getlength(text) <= width:
        return text, font
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "...", font
