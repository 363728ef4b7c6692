"""docs/performance.md's tables and chart, made of benchmarks/results.

    python -m benchmarks.document

A table stands between `<!-- TOPIC -->` and `<!-- /TOPIC -->`; what is around is written by hand
and has no figures.
"""

import math
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from benchmarks.measuring import RESULTS, ROOT, Figure, facts_of, lines, load, median, percentile

TOPICS = (
    *("postprocess", "serving", "image", "start", "page", "figure", "scrub", "batch"),
    *("visitors", "replicas"),
)
DOCUMENT = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "postprocess.svg"


def write() -> None:
    DOCUMENT.write_text(document(DOCUMENT.read_text("utf-8")), "utf-8")
    CHART.write_text(chart(load(result("postprocess"))), "utf-8")


def result(topic: str) -> Path:
    return RESULTS / f"{topic}.json"


def document(text: str) -> str:
    """The document with the tables of the results that there are."""
    for topic in TOPICS:
        start, end = f"<!-- {topic} -->\n", f"<!-- /{topic} -->"
        if not re.search(f"{start}.*?{end}", text, re.DOTALL):
            raise ValueError(f"docs/performance.md has no place for {topic}: {start}{end}")
        if result(topic).exists():
            made = start + table(topic) + end
            text = re.sub(f"{start}.*?{end}", lambda _, made=made: made, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def table(topic: str) -> str:
    figures = load(result(topic))
    rows = by_way(figures) if topic == "postprocess" else lines(figures)
    return "\n".join(["", *rows, "", where(topic), ""]) + "\n"


def by_way(figures: Iterable[Figure]) -> Iterable[str]:
    """A row a case, a column a way."""
    cases: dict[str, list[Figure]] = {}
    for figure in figures:
        cases.setdefault(figure.case, []).append(figure)
    ways = list(dict.fromkeys(figure.way for case in cases.values() for figure in case))
    yield "| ms: median, p95, processor | " + " | ".join(ways) + " |"
    yield "|---|" + "---|" * len(ways)
    for case, found in cases.items():
        cells = [f"{case}: {found[0].note}"]
        of_way = {figure.way: figure for figure in found}
        for way in ways:
            cells.append(_cell(of_way[way], found[0]) if way in of_way else "")
        yield f"| {' | '.join(cells)} |"


def _cell(figure: Figure, base: Figure) -> str:
    p95, cpu = percentile(figure.values, 95), percentile(figure.cpu_s, 50)
    rest = f" <br>{_ms(p95)}, {_ms(cpu)}"
    if figure is base:
        return f"**{_ms(median(figure))}**{rest}"
    star = "\\*" if figure.note != base.note else ""
    return f"{_ms(median(figure))}{star} ({median(figure) / median(base):.1f} ×){rest}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}" if seconds < 0.00995 else f"{seconds * 1e3:,.0f}"


def where(topic: str) -> str:
    """What was measured where, when and with what."""
    facts = facts_of(result(topic))
    versions = ", ".join(
        f"{name.removesuffix('_version')} {str(value).split(' ')[0]}"
        for name, value in sorted(facts.items())
        if name.endswith("_version")
    )
    options = f" with {facts['options']}" if facts.get("options") else ""
    return (
        f"`python -m benchmarks.{topic}`{options}, commit {facts['commit']},"
        f" {str(facts['date'])[:10]}, {facts['seconds']:.0f} s on {facts['cpu_count']} ×"
        f" {facts['cpu_model_name']} with a load of {facts['load_before']:.1f} before;"
        f" {versions}."
    )


_COLORS = ("#1b7f5c", "#b8c4cc", "#e8a33d", "#d9c27a", "#5b7fb8", "#8a6fb0")
_LABELS, _WIDTH, _BAR, _GAP = 250, 900, 13, 16


def chart(figures: Iterable[Figure]) -> str:
    """An SVG: a group of bars a case, as long as the median on a logarithmic scale."""
    cases: dict[str, list[Figure]] = {}
    for figure in figures:
        cases.setdefault(figure.case, []).append(figure)
    times = [median(figure) for found in cases.values() for figure in found]
    low, high = 10 ** math.floor(math.log10(min(times))), max(times)
    scale = (_WIDTH - _LABELS - 80) / math.log(high / low)

    def x(seconds: float) -> float:
        return _LABELS + math.log(seconds / low) * scale

    ways = list(dict.fromkeys(figure.way for found in cases.values() for figure in found))
    color = dict(zip(ways, _COLORS, strict=False))
    drawn, y = [], 10
    for index, way in enumerate(ways):
        left = 10 + index * 175
        drawn.append(f'<rect x="{left}" y="{y}" width="11" height="11" fill="{color[way]}"/>')
        drawn.append(f'<text x="{left + 16}" y="{y + 10}">{escape(way)}</text>')
    y += 34
    for case, found in cases.items():
        middle = y + len(found) * _BAR / 2 + 4
        drawn.append(f'<text x="{_LABELS - 8}" y="{middle:g}" class="case">{escape(case)}</text>')
        for figure in found:
            width = x(median(figure)) - _LABELS
            drawn.append(
                f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR - 2}"'
                f' fill="{color[figure.way]}"/>'
            )
            drawn.append(
                f'<text x="{_LABELS + width + 5:.1f}" y="{y + 10}">{_ms(median(figure))}</text>'
            )
            y += _BAR
        y += _GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img">',
            "<title>Median milliseconds of post-processing, on a logarithmic scale</title>",
            "<style>text { font: 11px sans-serif; fill: #333 } .case { text-anchor: end }</style>",
            f'<rect width="{_WIDTH}" height="{y}" fill="#fff"/>',
            *drawn,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    write()
