"""A report as one HTML file that needs no network, no server and no other file.

Without scripts, as in a mail's preview, it is whole but for the charts: the boxes are drawn, tables
are HTML. What others may have chosen, names of files and classes, is text wherever it stands; and
of scripts the file runs its own only, by its Content-Security-Policy.
"""

import base64
import gzip
import json
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from detector.drawing.colors import class_color
from detector.printable import printable
from detector.report import boxes, document
from detector.report.document import Chart, Columns, Part, Report
from detector.translation import _, language, noted

FOLDER = Path(__file__).resolve().parent

# What stands in report.html itself: messages are looked for in Python's files only.
_WORDS = {
    "made": noted("Made"),
    "threshold": noted("Score threshold"),
    "back": noted("As in the report"),
    "reading": noted("How to read this report"),
    "no_chart": noted("The chart is drawn where scripts may run: open the file in a browser."),
}
# What report.js says.
_TEXTS = {
    "one": noted("{count} box from a score of {threshold} on"),
    "other": noted("{count} boxes from a score of {threshold} on"),
}


def to_html(report: Report) -> str:
    """The file's content."""
    environment = _environment()
    return environment.get_template("report.html").render(
        report=report,
        language=language.get().replace("_", "-"),
        nonce=secrets.token_urlsafe(16),
        plotly=_plotly() if any(map(_has_chart, _parts(report))) else "",
        words={name: _(text) for name, text in _WORDS.items()},
        texts={name: _(text) for name, text in _TEXTS.items()},
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.globals |= {
        "style": (FOLDER / "report.css").read_text("utf-8"),
        "script": (FOLDER / "report.js").read_text("utf-8"),
        "class_color": class_color,
    }
    environment.tests |= {
        name.lower(): lambda part, kind=kind: isinstance(part, kind)
        for name, kind in vars(document).items()
        if isinstance(kind, type) and kind.__module__ == document.__name__
    }
    environment.filters |= {
        "base64": lambda data: base64.b64encode(data).decode(),
        "placed": boxes.placed,
        "can_move": boxes.can_move,
        "for_script": lambda photos: in_script(boxes.for_script(photos)),
        "figure": lambda figure: in_script(_without_template(figure)),
        "in_script": in_script,
    }
    return environment


def _finalized(value: Any) -> Any:
    """No text of others turns the writing around, and none has half a letter."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(value) if is_text else value


def in_script(value: Any) -> str:
    """As JSON in a <script>: none of its texts can end that, or begin a comment there."""
    text = json.dumps(value, separators=(",", ":"))
    for letter in "<>&":  # in texts alone
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _without_template(figure: go.Figure) -> dict[str, Any]:
    """Traces and layout: colours of lines and letters are the style sheet's."""
    whole = json.loads(figure.to_json())
    whole["layout"].pop("template", None)
    return {"data": whole["data"], "layout": whole["layout"]}


@cache
def _plotly() -> str:
    """Plotly's code, packed: 2 MB in place of 5."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _parts(report: Report) -> list[Part]:
    return [part for section in report.sections for part in section.parts]


def _has_chart(part: Part) -> bool:
    if isinstance(part, Columns):
        return any(_has_chart(each) for column in part.parts for each in column)
    return isinstance(part, Chart)
