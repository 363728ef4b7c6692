"""The labels of a model's classes, and what a visitor reads for them. The same of the gallery's
titles.

A label is what files, keys and settings have. A labels file may give its names in other languages;
for those of commodity the catalogues have them.
"""

from collections.abc import Iterable, Mapping

from detector.translation import Translated, in_language, known, language, noted

COMMODITY_LABELS = (
    "background",
    noted("clothes"),
    noted("pants"),
    noted("shoes"),
    noted("watch"),
    noted("phone"),
    noted("audio"),
    noted("computer"),
    noted("books"),
)


class Label(str):
    """A label that a labels file has translated.

    Attributes:
        names: by the catalogue of the language.
    """

    names: Mapping[str, str]

    def __new__(cls, text: str, names: Mapping[str, str] | None = None) -> "Label":
        made = super().__new__(cls, text)  # without names while a copy is made
        made.names = names or {}
        return made


def parsed(line: str) -> str:
    """A line of a labels file: a label, and behind tabs its names as LANGUAGE=NAME: zh=衣服.

    Languages that the dashboard does not speak are left out.

    Raises:
        ValueError: what stands behind a tab has no such form.
    """
    text, *parts = (part.strip() for part in line.split("\t"))
    names = {}
    for part in filter(None, parts):
        tag, equals, name = (piece.strip() for piece in part.partition("="))
        if not (tag and equals and name):
            raise ValueError(part)
        names[tag] = name
    return translated(text, names)


def translated(text: str, names: Mapping[str, str]) -> str:
    """A text with its names by language tags, of which those are kept that the dashboard speaks."""
    kept = {spoken: name for tag, name in names.items() if (spoken := known(tag))}
    return Label(text, kept) if kept else text


def name_in(spoken: str, label: str) -> str:
    """The name of a class in that language, a key of LANGUAGES; its label where there is none."""
    names = label.names if isinstance(label, Label) else {}
    if spoken in names:
        return names[spoken]
    return in_language(spoken, str(label)) if label in COMMODITY_LABELS[1:] else label


def name_of(label: str) -> str:
    """The name of a class in the visitor's language, which knows its label as its English."""
    name = name_in(language.get(), label)
    if name == label:
        return label
    made = Translated(name)
    made.english = str(label)
    return made


def names_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The names of classes in the visitor's language, in the order of the labels."""
    return tuple(map(name_of, labels))
