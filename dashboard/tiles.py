"""Tiles on the pages: the choice, and which part of the image a box comes from, in words."""

from dashboard import languages
from detector.answers import Answer
from detector.tiling import CUT_FINER_FROM, CUT_FROM, Tiling
from detector.translation import _, noted

WORDS = {
    Tiling.OFF: noted("Off"),
    Tiling.AUTO: noted("By size"),
    Tiling.TWO: noted("2 × 2"),
    Tiling.THREE: noted("3 × 3"),
}
OPTIONS = {word: tiling for tiling, word in WORDS.items()}


def explained() -> str:
    """What the choice does, for its tip."""
    return _(
        "The model sees 300 × 300 pixels of an image, whatever its size. With tiles it looks at"
        " overlapping parts too, and sees things that are small in the whole; what is found is"
        " merged. By size: none below a longer side of {first} pixels, 2 × 2 below {second}, then"
        " 3 × 3. Asks the model server once; finds more, and errs more.",
        first=CUT_FROM,
        second=CUT_FINER_FROM,
    )


def in_words(tiling: Tiling) -> str:
    """The choice in a word or two; that it can be made, while it is off."""
    if tiling is Tiling.OFF:
        return _("Tiles")
    return _("Tiles: {tiles}", tiles=_(WORDS[tiling]))


def in_address(words: list[str]) -> Tiling:
    """What an address says, in any language; off where it says nothing of that kind."""
    meant = languages.meant(OPTIONS)
    return next((OPTIONS[meant[word]] for word in words if word in meant), Tiling.OFF)


def part_in_words(answer: Answer, prior_index: int) -> str:
    """Which part of the image a box comes from; "" where there are no tiles."""
    part = answer.raw.part_of(prior_index)
    if not answer.tiles:
        return ""
    if not part:
        return _("the whole image")
    row, column = divmod(part - 1, round(len(answer.tiles) ** 0.5))
    return _(
        "tile {part} of {count} (row {row}, column {column})",
        part=part,
        count=len(answer.tiles),
        row=row + 1,
        column=column + 1,
    )
