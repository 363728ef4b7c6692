"""Invented print and screens, drawn with Pillow: book covers and spines, displays, watch dials."""

from __future__ import annotations

import colorsys
import math
import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Color = tuple[int, int, int]

# Debian's fonts-dejavu and fonts-liberation; Pillow's own font stands in where they are missing.
_FONTS = {
    "sans": ("LiberationSans-Regular.ttf", "DejaVuSans.ttf"),
    "bold": ("LiberationSans-Bold.ttf", "DejaVuSans-Bold.ttf"),
    "narrow": ("LiberationSansNarrow-Bold.ttf", "DejaVuSansCondensed-Bold.ttf"),
    "serif": ("LiberationSerif-Regular.ttf", "DejaVuSerif.ttf"),
    "serifbold": ("LiberationSerif-Bold.ttf", "DejaVuSerif-Bold.ttf"),
    "italic": ("LiberationSerif-Italic.ttf", "DejaVuSerif-Italic.ttf"),
    "mono": ("LiberationMono-Regular.ttf", "DejaVuSansMono.ttf"),
}
_FIRST = [
    "Quiet",
    "Northern",
    "Paper",
    "Hidden",
    "Slow",
    "Winter",
    "Glass",
    "Open",
    "Second",
    "Long",
    "Silver",
    "Early",
    "Distant",
]
_SECOND = [
    "Harbour",
    "Garden",
    "Atlas",
    "Light",
    "Rivers",
    "Letters",
    "Station",
    "Island",
    "Kitchen",
    "Orchard",
    "Road",
    "Tide",
]
_PLAIN = (
    "Field Notes",
    "On Making",
    "Good Soup",
    "Salt & Smoke",
    "Small Machines",
    "Reading Maps",
    "The Bread Year",
    "Clear Thinking",
    "Home Repairs",
    "Birds at Dusk",
    "Sketching",
    "Tools",
    "A Walk Inland",
    "Ordinary Days",
    "Weather",
    "Numbers",
    "Composition",
    "Old Houses",
)
_NAMES = (
    "Ada Morley",
    "J. P. Lindqvist",
    "Tomas Reyle",
    "Ines Carrow",
    "M. Okonda",
    "Petra Vahl",
    "Leo Hartwin",
    "Nadia Brandt",
    "R. S. Ferrow",
    "Clara Wynne",
    "Otto Belmar",
    "Ruth Castellan",
)
_PALETTES = (
    ("#f3ead8", "#d1495b", "#22333b"),
    ("#17324d", "#f2b134", "#f6f1e7"),
    ("#e9c46a", "#264653", "#e76f51"),
    ("#fdfcf8", "#1b1b1e", "#c8553d"),
    ("#2d4739", "#e8dab2", "#c0a062"),
    ("#8d1f2d", "#f4e8d0", "#d9a441"),
    ("#dfe7ec", "#3d5a80", "#ee6c4d"),
    ("#1d1d24", "#e0e0e0", "#b5843c"),
    ("#f7d6c4", "#7d2e46", "#2f4858"),
    ("#0e7c7b", "#f4f1de", "#f2cc8f"),
    ("#f2f2ef", "#6b705c", "#cb997e"),
    ("#5c3d6e", "#f6e7cb", "#ffb4a2"),
    ("#d8572a", "#fff4e0", "#33202a"),
    ("#274c77", "#e7ecef", "#a3cef1"),
)


@lru_cache(maxsize=256)
def font(style: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for file in _FONTS[style]:
        try:
            return ImageFont.truetype(file, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def rgb(code: str) -> Color:
    return (int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16))


def blend(a: Color, b: Color, t: float) -> Color:
    return (
        round(a[0] + (b[0] - a[0]) * t),
        round(a[1] + (b[1] - a[1]) * t),
        round(a[2] + (b[2] - a[2]) * t),
    )


def gradient(size: tuple[int, int], top: Color, bottom: Color, angle: float = 0.0) -> Image.Image:
    """Two-colour gradient, downwards at angle 0 (degrees)."""
    width, height = size
    ramp = Image.linear_gradient("L").rotate(angle, resample=Image.Resampling.BILINEAR)
    ramp = ramp.crop((40, 40, 216, 216)).resize(size, Image.Resampling.BICUBIC)
    return Image.composite(
        Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), ramp
    )


def invent_title(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return rng.choice(_PLAIN)
    article, first = rng.choice(("The ", "", "", "A ")), rng.choice(_FIRST)
    if article == "A " and first[0] in "AEIO":
        article = "An "
    return f"{article}{first} {rng.choice(_SECOND)}"


class BookDesign:
    """Cover and spine that belong together."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ground, self.ink, self.accent = (rgb(code) for code in rng.choice(_PALETTES))
        if rng.random() < 0.25:
            self.ground, self.ink = self.ink, self.ground
        self.title = invent_title(rng)
        self.author = rng.choice(_NAMES)
        self.style = rng.choice(("bold", "serifbold", "narrow", "serif", "sans"))

    def cover(self, aspect: float, height: int = 900) -> Image.Image:
        """Front cover; aspect = width / height."""
        rng, width = self.rng, round(height * aspect)
        page = gradient((width, height), self.ground, blend(self.ground, self.accent, 0.12))
        draw = ImageDraw.Draw(page)
        motif = rng.choice((_hills, _circles, _stripes, _leaves, _frame, _city, _blocks))
        motif(draw, page, rng, self.ink, self.accent, self.ground)
        upper = motif in (_hills, _leaves, _city) or rng.random() < 0.5
        text = self.title.upper() if rng.random() < 0.5 else self.title
        top = height * (0.07 if upper else 0.6)
        bottom = _text_block(
            draw,
            text,
            (width * 0.09, top, width * 0.91, top + height * 0.3),
            self.style,
            self.ink,
            rng.choice(("left", "center")),
        )
        small = font("sans", max(10, height // 26))
        name = self.author.upper() if rng.random() < 0.6 else self.author
        where = (width * 0.09, bottom + height * 0.025) if upper else (width * 0.09, height * 0.07)
        draw.text(where, name, font=small, fill=blend(self.ink, self.accent, 0.35))
        return page

    def spine(self, aspect: float, height: int = 700) -> Image.Image:
        """Spine; aspect = thickness / height."""
        width = max(12, round(height * aspect))
        strip = Image.new("RGB", (height, width), self.ground)
        draw = ImageDraw.Draw(strip)
        kind = self.rng.choice(("plain", "bars", "block"))
        if kind == "bars":
            for x in (0.05, 0.93):
                draw.rectangle(
                    (height * x, 0, height * x + height * 0.012, width), fill=self.accent
                )
        elif kind == "block":
            draw.rectangle((height * 0.8, 0, height, width), fill=self.accent)
        size = max(8, round(width * 0.5))
        while size > 8 and draw.textlength(self.title, font=font(self.style, size)) > height * 0.55:
            size -= 2
        draw.text(
            (height * 0.1, width / 2),
            self.title,
            font=font(self.style, size),
            fill=self.ink,
            anchor="lm",
        )
        draw.text(
            (height * 0.78, width / 2),
            self.author.split()[-1],
            font=font("sans", max(7, round(size * 0.6))),
            fill=self.ink,
            anchor="rm",
        )
        return strip.rotate(-90, expand=True)


def _text_block(
    draw: ImageDraw.ImageDraw,
    text: str,
    box: tuple[float, float, float, float],
    style: str,
    color: Color,
    align: str,
) -> float:
    """Words as large as the box allows; returns the bottom of the text."""
    left, top, right, bottom = box
    words = text.split()
    lines = [
        " ".join(words[: math.ceil(len(words) / 2)]),
        " ".join(words[math.ceil(len(words) / 2) :]),
    ]
    if len(words) > 3:
        third = math.ceil(len(words) / 3)
        lines = [" ".join(words[i : i + third]) for i in range(0, len(words), third)]
    lines = [line for line in lines if line]
    size = int((bottom - top) / len(lines) / 1.1)
    while (
        size > 8
        and max(draw.textlength(line, font=font(style, size)) for line in lines) > right - left
    ):
        size -= 2
    y = top
    for line in lines:
        width = draw.textlength(line, font=font(style, size))
        x = left if align == "left" else (left + right - width) / 2
        draw.text((x, y), line, font=font(style, size), fill=color)
        y += size * 1.1
    return y


def _hills(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    sun = height * rng.uniform(0.08, 0.14)
    x, y = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.46, 0.56)
    draw.ellipse((x - sun, y - sun, x + sun, y + sun), fill=accent)
    for layer in range(4):
        base = height * (0.58 + 0.1 * layer)
        phase, swing = rng.uniform(0, 6.3), height * rng.uniform(0.02, 0.06)
        points = [
            (x, base + swing * math.sin(phase + x / width * rng.choice((5.0, 5.1))))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon(
            [*points, (width, height), (0, height)], fill=blend(ground, ink, 0.3 + 0.2 * layer)
        )


def _circles(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    for _ in range(rng.randint(2, 5)):
        r = width * rng.uniform(0.1, 0.32)
        x, y = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.12, 0.55)
        fill = blend(ground, rng.choice((ink, accent)), rng.uniform(0.4, 0.95))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _stripes(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    count = rng.randint(5, 11)
    for index in range(count):
        y = height * (0.08 + 0.46 * index / count)
        fill = accent if index % 3 == 0 else blend(ground, ink, 0.35)
        draw.rectangle((0, y, width * rng.uniform(0.35, 1.0), y + height * 0.02), fill=fill)


def _leaves(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    for _ in range(rng.randint(9, 16)):
        leaf = Image.new("L", (220, 80))
        ImageDraw.Draw(leaf).ellipse((0, 18, 219, 62), fill=255)
        ImageDraw.Draw(leaf).line((10, 40, 210, 40), fill=150, width=3)
        leaf = leaf.resize((round(width * 0.34), round(width * 0.13)))
        leaf = leaf.rotate(rng.uniform(0, 360), expand=True)
        fill = blend(rng.choice((ink, accent)), ground, rng.uniform(0, 0.45))
        where = (int(width * rng.uniform(-0.1, 0.85)), int(height * rng.uniform(0.45, 0.95)))
        page.paste(Image.new("RGB", leaf.size, fill), where, leaf)


def _frame(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    for inset, color, thick in ((0.035, accent, 6), (0.055, ink, 2)):
        margin = width * inset
        draw.rectangle(
            (margin, margin, width - margin, height - margin), outline=color, width=thick
        )
    cx, cy, r = width / 2, height * 0.45, width * 0.17
    points = []
    spikes = rng.choice((5, 6, 8, 12))
    for step in range(spikes * 2):
        radius = r if step % 2 == 0 else r * 0.45
        angle = math.pi * step / spikes
        points.append((cx + radius * math.sin(angle), cy - radius * math.cos(angle)))
    draw.polygon(points, fill=accent)


def _city(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    x = 0.0
    while x < width:
        step = width * rng.uniform(0.07, 0.17)
        top = height * rng.uniform(0.45, 0.75)
        fill = blend(ground, rng.choice((ink, ink, accent)), rng.uniform(0.5, 1.0))
        draw.rectangle((x, top, x + step, height), fill=fill)
        for wy in range(int(top) + 14, height, 34):
            for wx in range(int(x) + 10, int(x + step) - 12, 24):
                if rng.random() < 0.4:
                    draw.rectangle((wx, wy, wx + 9, wy + 14), fill=ground)
        x += step


def _blocks(draw, page, rng, ink, accent, ground) -> None:
    width, height = page.size
    cell = width / rng.choice((4, 5, 6))
    for row in range(int(height * 0.5 / cell)):
        for column in range(int(width / cell) + 1):
            x, y = column * cell, row * cell + height * 0.06
            fill = blend(ground, rng.choice((ink, accent)), rng.choice((0.15, 0.5, 0.9)))
            if rng.random() < 0.5:
                draw.pieslice((x, y, x + 2 * cell, y + 2 * cell), 180, 270, fill=fill)
            else:
                draw.rectangle((x, y, x + cell, y + cell), fill=fill)


def text_page(rng: random.Random, width: int = 500, height: int = 760) -> Image.Image:
    """A page of an open book: grey lines of unreadable text."""
    page = Image.new("RGB", (width, height), (250, 247, 238))
    draw = ImageDraw.Draw(page)
    words = " ".join((_FIRST + _SECOND) * 3).lower().split()
    y = 60
    while y < height - 70:
        x = 55.0 + (20 if rng.random() < 0.12 else 0)
        end = width - 55 if rng.random() > 0.12 else width - rng.randint(120, 300)
        while True:
            word = rng.choice(words) + " "
            step = draw.textlength(word, font=font("serif", 15))
            if x + step > end:
                break
            draw.text((x, y), word, font=font("serif", 15), fill=(60, 56, 52))
            x += step
        y += 21
    return page


# Displays -----------------------------------------------------------------------------------


def wallpaper(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A soft, colourful background."""
    width, height = size
    hue = rng.random()

    def tone(shift: float, s: float, v: float) -> Color:
        r, g, b = colorsys.hsv_to_rgb((hue + shift) % 1, s, v)
        return (int(r * 255), int(g * 255), int(b * 255))

    page = gradient(size, tone(0, 0.65, 0.45), tone(0.12, 0.6, 0.9), rng.uniform(-40, 40))
    blobs = Image.new("RGB", size)
    mask = Image.new("L", size)
    for _ in range(5):
        r = max(size) * rng.uniform(0.1, 0.35)
        x, y = width * rng.random(), height * rng.random()
        where = (x - r, y - r, x + r, y + r)
        ImageDraw.Draw(blobs).ellipse(where, fill=tone(rng.uniform(-0.1, 0.25), 0.6, 0.95))
        ImageDraw.Draw(mask).ellipse(where, fill=150)
    blur = ImageFilter.GaussianBlur(max(size) * rng.choice((0.002, 0.06)))
    return Image.composite(blobs.filter(blur), page, mask.filter(blur))


def phone_screen(rng: random.Random, height: int = 900) -> Image.Image:
    """Home screen, lock screen or a list."""
    page = wallpaper(rng, (round(height * 0.47), height))
    kind = rng.choice(("home", "home", "lock", "list"))
    if kind == "list":
        _phone_list(rng, page)
        return page
    _phone_clock(rng, page, 0.13 if kind == "lock" else 0.1)
    if kind == "home":
        _phone_icons(rng, page)
    else:
        _phone_notices(page)
    return page


_WHITE: Color = (250, 250, 252)


def _hsv(hue: float, saturation: float, value: float) -> Color:
    r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
    return (int(r * 255), int(g * 255), int(b * 255))


def _phone_list(rng: random.Random, page: Image.Image) -> None:
    """Nine entries under a title bar: a round image and two lines of text each."""
    width, height = page.size
    draw = ImageDraw.Draw(page)
    page.paste((246, 246, 248), (0, 0, width, height))
    draw.rectangle((0, 0, width, height * 0.13), fill=(40 + rng.randint(0, 60), 90, 160))
    draw.text((width * 0.08, height * 0.065), "Today", font=font("bold", height // 24), fill=_WHITE)
    for row in range(9):
        y = height * (0.15 + 0.092 * row)
        dot = tuple(rng.randint(70, 230) for _ in range(3))
        draw.ellipse((width * 0.06, y, width * 0.19, y + width * 0.13), fill=dot)
        lines = (
            (0.014, rng.uniform(0.3, 0.5), (120, 122, 130)),
            (0.042, rng.uniform(0.45, 0.7), (200, 201, 206)),
        )
        for line, length, grey in lines:
            top, bottom = y + height * line, y + height * (line + 0.013)
            draw.rounded_rectangle(
                (width * 0.25, top, width * (0.25 + length), bottom), 4, fill=grey
            )


def _phone_clock(rng: random.Random, page: Image.Image, where: float) -> None:
    """Time and date, at a share `where` of the height."""
    width, height = page.size
    draw = ImageDraw.Draw(page)
    clock = f"{rng.randint(7, 22):02d}:{rng.randint(0, 59):02d}"
    for text, y, size in ((clock, where, height // 10), ("Tuesday 14", where + 0.07, height // 38)):
        draw.text((width / 2, height * y), text, font=font("sans", size), fill=_WHITE, anchor="mm")


def _phone_icons(rng: random.Random, page: Image.Image) -> None:
    """Rows of four, the first with two, and the dock below."""
    width, height = page.size
    draw = ImageDraw.Draw(page)
    side = width * 0.15
    for row in range(5):
        for column in range(4):
            if row == 0 and column > 1:
                continue
            x = width * (0.085 + 0.23 * column)
            y = height * (0.28 + 0.115 * row) + (height * 0.1 if row == 4 else 0)
            fill = _hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.7, 1))
            draw.rounded_rectangle((x, y, x + side, y + side), side * 0.24, fill=fill)
            inner = side * 0.28
            box = (x + inner, y + inner, x + side - inner, y + side - inner)
            rng.choice((draw.ellipse, draw.rectangle))(box, fill=_WHITE)


def _phone_notices(page: Image.Image) -> None:
    width, height = page.size
    draw = ImageDraw.Draw(page)
    for card in range(2):
        y = height * (0.62 + 0.11 * card)
        draw.rounded_rectangle(
            (width * 0.06, y, width * 0.94, y + height * 0.09), 22, fill=(235, 236, 240)
        )
        draw.rectangle((width * 0.12, y + 26, width * 0.5, y + 36), fill=(120, 120, 130))
        draw.rectangle((width * 0.12, y + 48, width * 0.75, y + 56), fill=(180, 180, 188))


def desktop_screen(rng: random.Random, width: int = 1200, height: int = 750) -> Image.Image:
    """A computer's display: code, a document with a chart, mail or only the background."""
    page = wallpaper(rng, (width, height))
    kind = rng.choice(("code", "chart", "wall", "mail", "chart"))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, width, height * 0.03), fill=(28, 30, 36))
    if kind == "wall":
        for index in range(9):
            x = width * (0.27 + index * 0.052)
            box = (x, height * 0.91, x + width * 0.04, height * 0.91 + width * 0.04)
            draw.rounded_rectangle(box, 12, fill=_hsv(rng.random(), 0.6, 0.95))
        return page
    window = (width * 0.05, height * 0.08, width * 0.95, height * 0.96)
    left, top, right, bottom = window
    side = left + (right - left) * 0.2
    _window(rng, draw, window, side, dark=kind == "code")
    # What is shown stands right of the window's list, which ends at `side`.
    {"code": _code, "chart": _report, "mail": _mail}[kind](rng, draw, side, top, right, bottom)
    return page


def _window(
    rng: random.Random,
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    side: float,
    *,
    dark: bool,
) -> None:
    """Title bar with three buttons, and a list of names from the left edge to x = `side`."""
    left, top, right, bottom = box
    paper: Color = (32, 35, 42) if dark else (252, 252, 253)
    draw.rounded_rectangle(box, 14, fill=paper)
    draw.rounded_rectangle(
        (left, top, right, top + 34), 14, fill=blend(paper, (128, 128, 135), 0.35)
    )
    for index, fill in enumerate(((236, 96, 88), (245, 190, 79), (98, 197, 84))):
        draw.ellipse(
            (left + 16 + index * 24, top + 10, left + 30 + index * 24, top + 24), fill=fill
        )
    draw.rectangle((left, top + 34, side, bottom - 14), fill=blend(paper, (128, 128, 140), 0.16))
    for row in range(14):
        y = top + 60 + row * 30
        draw.rounded_rectangle(
            (left + 24, y, left + 24 + rng.uniform(0.3, 0.75) * (side - left), y + 9),
            4,
            fill=blend(paper, (128, 128, 140), 0.6),
        )


def _code(rng, draw, left, top, right, bottom) -> None:
    inks = ((198, 120, 221), (97, 175, 239), (152, 195, 121), (229, 192, 123), (171, 178, 191))
    for row in range(int((bottom - top - 70) / 22)):
        x = left + 40 + 34 * rng.choice((0, 1, 1, 2, 3))
        y = top + 56 + row * 22
        for _ in range(rng.randint(0, 6)):
            step = rng.uniform(24, 110)
            if x + step > right - 40:
                break
            draw.rounded_rectangle((x, y, x + step, y + 10), 4, fill=rng.choice(inks))
            x += step + 12


def _report(rng, draw, left, top, right, bottom) -> None:
    """Bars and a line over some text."""
    main = _hsv(rng.random(), 0.65, 0.8)
    draw.text((left + 40, top + 56), "Quarterly report", font=font("bold", 34), fill=(50, 52, 60))
    base = top + 330
    for index in range(12):
        x = left + 44 + index * (right - left - 110) / 12
        tall = rng.uniform(50, 200)
        draw.rectangle((x, base - tall, x + 34, base), fill=blend(main, (255, 255, 255), 0.25))
    points = [
        (left + 44 + i * (right - left - 110) / 19, base - 60 - 110 * rng.random())
        for i in range(20)
    ]
    draw.line(points, fill=main, width=5, joint="curve")
    for row in range(9):
        y = base + 40 + row * 24
        if y > bottom - 40:
            break
        draw.rectangle((left + 44, y, right - rng.randint(60, 380), y + 9), fill=(205, 207, 214))


def _mail(rng, draw, left, top, right, bottom) -> None:
    for row in range(7):
        y = top + 56 + row * 84
        if y > bottom - 80:
            break
        tint = tuple(rng.randint(80, 220) for _ in range(3))
        draw.rounded_rectangle((left + 36, y, left + 96, y + 60), 10, fill=tint)
        draw.rectangle((left + 120, y + 8, left + 360, y + 20), fill=(90, 92, 100))
        draw.rectangle(
            (left + 120, y + 34, right - rng.randint(60, 240), y + 43), fill=(200, 202, 208)
        )


# Watches ------------------------------------------------------------------------------------


def watch_dial(
    rng: random.Random, face: Color, ink: Color, accent: Color, size: int = 700
) -> Image.Image:
    """Round dial without hands: marks, numerals or batons, sometimes small dials and a date."""
    page = Image.new("RGB", (size, size), face)
    glow = Image.radial_gradient("L").resize((size, size))
    page = Image.composite(Image.new("RGB", (size, size), blend(face, (0, 0, 0), 0.45)), page, glow)
    draw = ImageDraw.Draw(page)
    centre, radius = size / 2, size * 0.485
    middle = (centre, centre)
    for minute in range(60):
        inner, width = (0.93, 3) if minute % 5 else (0.9, 6)
        _mark(draw, middle, radius, minute * math.pi / 30, (inner, 0.985), ink, width)
    _hours(rng, draw, size, ink)
    if rng.random() < 0.5:
        for angle in (math.pi / 2, math.pi, 3 * math.pi / 2):
            at = _on_circle(middle, radius * 0.42, angle)
            _small_dial(rng, draw, at, radius * 0.21, (face, ink, accent))
    else:
        x = centre + radius * 0.5
        draw.rectangle(
            (x, centre - 26, x + 62, centre + 26), fill=(245, 245, 242), outline=ink, width=3
        )
        day = str(rng.randint(1, 28))
        draw.text((x + 31, centre), day, font=font("bold", 38), fill=(25, 25, 25), anchor="mm")
    name = rng.choice(("MERIDIAN", "AUREL", "NORDA", "VALMONT"))
    for text, up, style, share in ((name, 0.34, "serifbold", 20), ("AUTOMATIC", 0.25, "sans", 40)):
        at = (centre, centre - radius * up)
        draw.text(at, text, font=font(style, size // share), fill=ink, anchor="mm")
    return page


def _on_circle(centre: tuple[float, float], radius: float, angle: float) -> tuple[float, float]:
    """The point of a circle at an angle, clockwise from 12 o'clock."""
    return (centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle))


def _mark(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    radius: float,
    angle: float,
    reach: tuple[float, float],
    color: Color,
    width: int,
) -> None:
    """A line towards the centre, between two shares of the radius."""
    ends = [_on_circle(centre, radius * share, angle) for share in reach]
    draw.line(ends, fill=color, width=width)


def _hours(rng: random.Random, draw: ImageDraw.ImageDraw, size: int, ink: Color) -> None:
    """Batons, or Arabic or Roman numerals."""
    middle, radius = (size / 2, size / 2), size * 0.485
    numerals = rng.choice(("batons", "arabic", "roman", "batons"))
    roman = ["XII", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI"]
    for hour in range(12):
        angle = hour * math.pi / 6
        if numerals == "batons":
            _mark(draw, middle, radius, angle, (0.7, 0.88), ink, 10 if hour % 3 else 16)
            continue
        draw.text(
            _on_circle(middle, radius * 0.76, angle),
            roman[hour] if numerals == "roman" else str(hour or 12),
            font=font("serif" if numerals == "roman" else "bold", size // 11),
            fill=ink,
            anchor="mm",
        )


def _small_dial(
    rng: random.Random,
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    r: float,
    colors: tuple[Color, Color, Color],
) -> None:
    """A chronograph's dial with a hand anywhere; colours of face, ink and hand."""
    face, ink, accent = colors
    x, y = centre
    draw.ellipse((x - r, y - r, x + r, y + r), fill=blend(face, ink, 0.14), outline=ink, width=3)
    for tick in range(12):
        _mark(draw, centre, r, tick * math.pi / 6, (0.78, 0.95), ink, 2)
    _mark(draw, centre, r, rng.uniform(0, 6.3), (0.0, 0.7), accent, 5)


def smart_dial(rng: random.Random, size: int = 500) -> Image.Image:
    """Square face of a digital watch."""
    page = Image.new("RGB", (size, size), (4, 4, 6))
    draw = ImageDraw.Draw(page)
    for index in range(3):
        r, g, b = colorsys.hsv_to_rgb(rng.random(), 0.8, 1.0)
        inset = 40 + index * 38
        draw.arc(
            (inset, inset, size - inset, size - inset),
            -90,
            rng.randint(60, 250),
            fill=(int(r * 255), int(g * 255), int(b * 255)),
            width=28,
        )
    draw.text(
        (size / 2, size / 2),
        f"{rng.randint(1, 12)}:{rng.randint(0, 59):02d}",
        font=font("bold", 100),
        fill=(255, 255, 255),
        anchor="mm",
    )
    return page


def radio_scale(rng: random.Random, width: int = 900, height: int = 260) -> Image.Image:
    """Tuning scale of a radio."""
    page = gradient((width, height), (247, 232, 196), (226, 200, 148))
    draw = ImageDraw.Draw(page)
    for row, (first, step) in enumerate(((88, 2), (530, 100))):
        y = height * (0.3 + 0.42 * row)
        draw.line((40, y, width - 40, y), fill=(70, 48, 30), width=3)
        for index in range(11):
            x = 60 + index * (width - 120) / 10
            draw.line((x, y - 12, x, y + 12), fill=(70, 48, 30), width=3)
            draw.text(
                (x, y - 30),
                str(first + step * index),
                font=font("sans", 26),
                fill=(70, 48, 30),
                anchor="mm",
            )
    x = width * rng.uniform(0.2, 0.8)
    draw.line((x, 14, x, height - 14), fill=(200, 40, 30), width=7)
    return page
