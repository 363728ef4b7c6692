"""Fonts for texts that Pillow draws: of those at hand the first that has a text's letters.

Pillow's own font has little more than ASCII. Noto Sans CJK comes as a dependency; for what neither
has, fontconfig is asked for a font of the system. Nothing is fetched when a text is drawn.
"""

import subprocess
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files

from PIL import ImageFont

from detector.translation import _

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# A file, and which of the fonts in it; None = Pillow's own font.
_Source = tuple[str, int] | None

# In the file: Japanese, Korean, simplified Chinese; each has the letters of all.
_SIMPLIFIED = 2
# A code point that is no letter: fonts draw what they draw for a letter that they lack.
_NO_LETTER = "\uffff"
_FONTCONFIG_TIMEOUT_S = 5


def font_for(text: str, size: float) -> Font:
    """The first font that has all letters of the text; where none has, the one that lacks least.

    Args:
        size: in pixels; letters of 18 pixels at 18.
    """
    return _font(_source_for(text), size)


def drawable(text: str) -> str:
    """The text with a question mark for each letter that its font lacks."""
    lacking = _lacking(_source_for(text), text)
    return "".join("?" if c in lacking else c for c in text)


def untold(texts: Iterable[str]) -> str:
    """What to say where there are letters that no font here has; else an empty text."""
    lacking = sorted({c for text in texts for c in _lacking(_source_for(text), text)})
    if not lacking:
        return ""
    return _(
        "No font on the machine that draws the images has {letters}: they stand there as ?."
        " Install a font with these letters, on Debian and Ubuntu for instance fonts-noto.",
        letters="".join(lacking[:20]),
    )


@lru_cache(maxsize=1024)
def _source_for(text: str) -> _Source:
    best: _Source = None
    least = _lacking(None, text)
    if not least:
        return best
    for source in _further_sources(text):
        lacking = _lacking(source, text)
        if len(lacking) < len(least):
            best, least = source, lacking
        if not least:
            break
    return best


def _further_sources(text: str) -> Iterator[_Source]:
    """In the order in which they are tried; the system is asked only when the others fail."""
    yield _cjk()
    codes = " ".join(sorted({f"{ord(c):x}" for c in text}))
    # The second for a text of several scripts, of which one font has one.
    beyond = " ".join(f"{ord(c):x}" for c in sorted(_lacking(_cjk(), text)))
    for wanted in (codes, beyond):
        if (found := _of_system(wanted)) is not None:
            yield found


@cache
def _cjk() -> _Source:
    file = files("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc"
    return str(file), _SIMPLIFIED


@lru_cache(maxsize=256)
def _of_system(codes: str) -> _Source:
    """What fontconfig takes for the best font for these code points, which may lack them."""
    command = ["fc-match", "--format=%{file}\n%{index}", f"sans-serif:charset={codes}"]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, timeout=_FONTCONFIG_TIMEOUT_S, check=True
        )
        file, index = asked.stdout.split("\n")
        # The upper half numbers a variable font's named instances, which Pillow does not take.
        source = file, int(index) & 0xFFFF
        _font(source, 20)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return source


@lru_cache(maxsize=64)
def _font(source: _Source, size: float, layout: ImageFont.Layout | None = None) -> Font:
    if source is None:
        return ImageFont.load_default(size=size)
    font = ImageFont.truetype(source[0], size, index=source[1], layout_engine=layout)
    if source == _cjk():
        font.set_variation_by_axes([400])  # else it is as thin as it can be
    return font


def _lacking(source: _Source, text: str) -> set[str]:
    return {c for c in text if c != " " and not (c.isprintable() and _has(source, c))}


@lru_cache(maxsize=8192)
def _has(source: _Source, letter: str) -> bool:
    font = _font(source, 20, ImageFont.Layout.BASIC)  # letter by letter: without shaping
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))
