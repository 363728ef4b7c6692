"""What all benchmarks share: ways compared in turn, and the file of what was measured.

Values, statistics and the facts of the machine are pyperf's, so `pyperf show`, `stats` and
`compare_to` read the files. Its Runner is not used: it measures one way after the other, each in
processes of its own, and a slow minute of the machine would meet one of them alone.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pyperf

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    *("grpcio", "numpy", "opencv-python-headless", "openvino", "playwright", "plotly"),
    *("streamlit", "tensorflow", "torchvision"),
)
# Of what pyperf collects: the rest is of the process and says nothing to a reader.
FACTS = ("cpu_count", "cpu_model_name", "date", "load_avg_1min", "platform", "python_version")


@dataclass
class Figure:
    """What was measured of one way to do one thing.

    Attributes:
        case: the thing.
        way: the way; the first of a case is what the others are compared with.
        values: seconds, or what `unit` says.
        cpu_s: seconds of processor time, of all threads and of the processes that take part.
        unit: `second` or `byte`.
        note: what else there is to say, in a few words.
    """

    case: str
    way: str
    values: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    unit: str = "second"
    note: str = ""


def interleaved(
    case: str,
    ways: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 3,
    processes: Iterable[int] = (),
    before: Callable[[int], object] = lambda number: None,
    note: str = "",
) -> list[Figure]:
    """Each way once a round, in an order that changes from round to round.

    Args:
        processes: ids of those whose processor time counts too: model servers.
        before: called before each call of a way, with the number of the round; not timed.
    """
    shuffled = random.Random(1)
    figures = {way: Figure(case, way, note=note) for way in ways}
    for number in range(-warm_up, rounds):
        for way in shuffled.sample(list(ways), len(ways)):
            before(number)
            cpu_s, start = processor_s(processes), time.perf_counter()
            ways[way]()
            spent_s = time.perf_counter() - start
            if number >= 0:
                figures[way].values.append(spent_s)
                figures[way].cpu_s.append(processor_s(processes) - cpu_s)
    return list(figures.values())


def processor_s(processes: Iterable[int] = ()) -> float:
    """Seconds of processor time that this process and the others have used so far."""
    # Linux' number of the clock of another process, as glibc's clock_getcpuclockid gives it: to the
    # nanosecond, where /proc counts in hundredths of a second.
    spent_s = time.process_time()
    for pid in processes:
        with suppress(OSError):  # it has ended
            spent_s += time.clock_gettime(~pid << 3 | 2)
    return spent_s


def family() -> list[int]:
    """All processes that this one has started, and that those have started: servers, browsers."""
    return [child.pid for child in psutil.Process().children(recursive=True)]


def main(
    document: str | None,
    figures: Callable[[argparse.Namespace], list[Figure]],
    add_options: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
) -> None:
    """The command line of one benchmark: measures, prints, and writes the file where it is told."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="the file of results")
    add_options(parser)
    options = parser.parse_args()
    load, started = os.getloadavg()[0], time.monotonic()
    found = figures(options)
    for line in lines(found):
        print(line)
    if options.out:
        given = {
            key: value for key, value in sorted(vars(options).items()) if key != "out" and value
        }
        facts = {
            "load_before": round(load, 2),
            "seconds": round(time.monotonic() - started, 1),
            "commit": _commit(),
            "options": ", ".join(f"{key} {value}" for key, value in given.items()),
            **{f"{name}_version": _version(name) for name in PACKAGES},
        }
        save(options.out, found, {key: value for key, value in facts.items() if value})


def save(path: Path, figures: Iterable[Figure], facts: Mapping[str, Any]) -> None:
    """Write a suite of pyperf: of each figure a benchmark, and a second one of processor time."""
    collected = pyperf.Run([1.0]).get_metadata()
    common = {name: collected[name] for name in FACTS if name in collected}
    benchmarks = []
    for figure in figures:
        for clock, values in (("wall", figure.values), ("cpu", figure.cpu_s)):
            if values:
                name = f"{figure.case}: {figure.way}" + (", processor time" * (clock == "cpu"))
                own = {"case": figure.case, "way": figure.way, "clock": clock, "name": name}
                unit = {"unit": figure.unit if clock == "wall" else "second"}
                note = {"note": figure.note} if figure.note else {}
                rounded = [max(round(value, 8), 1e-8) for value in values]
                run = pyperf.Run(
                    rounded,
                    metadata={**common, **facts, **own, **unit, **note},
                    collect_metadata=False,
                )
                benchmarks.append(pyperf.Benchmark([run]))
    path.parent.mkdir(parents=True, exist_ok=True)
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)
    path.write_text(path.read_text("utf-8").rstrip() + "\n", "utf-8")


def load(path: Path) -> list[Figure]:
    """The figures of a file, in its order."""
    found: dict[tuple[str, str], Figure] = {}
    for benchmark in pyperf.BenchmarkSuite.load(str(path)):
        about, values = benchmark.get_metadata(), list(benchmark.get_values())
        key = (about["case"], about["way"])
        if about["clock"] == "cpu":
            found[key].cpu_s = values
        else:
            note = about.get("note", "")
            found[key] = Figure(*key, values, unit=benchmark.get_unit(), note=note)
    return list(found.values())


def facts_of(path: Path) -> dict[str, Any]:
    """What is the same for all figures of a file: commit, machine, versions."""
    facts: dict[str, Any] = pyperf.BenchmarkSuite.load(str(path)).get_metadata()
    return facts


def lines(figures: Iterable[Figure]) -> Iterable[str]:
    """The figures as a Markdown table: median, 95th percentile, processor time."""
    yield "| | | median | p95 | processor | | n |"
    yield "|---|---|---|---|---|---|---|"
    first: dict[str, Figure] = {}
    for figure in figures:
        base = first.setdefault(figure.case, figure)
        cells = [
            figure.case if figure is base else "",
            figure.way + (f" ({figure.note})" if figure.note else ""),
            text(median(figure), figure.unit),
            text(percentile(figure.values, 95), figure.unit),
            text(percentile(figure.cpu_s, 50)) if figure.cpu_s else "",
            "" if figure is base else f"{median(figure) / median(base):.2f} ×",
            str(len(figure.values)),
        ]
        yield f"| {' | '.join(cells)} |"


def median(figure: Figure) -> float:
    return percentile(figure.values, 50)


def percentile(values: list[float], percent: float) -> float:
    """Between the two nearest values, as NumPy does it."""
    ranked = sorted(values)
    place = (len(ranked) - 1) * percent / 100
    low, high = ranked[int(place)], ranked[min(int(place) + 1, len(ranked) - 1)]
    return low + (high - low) * (place % 1)


def text(value: float, unit: str = "second") -> str:
    """Three digits, in s, ms or µs; bytes in MB or kB."""
    if unit == "byte":
        return f"{value / 1e6:.0f} MB" if value >= 1e6 else f"{value / 1e3:.0f} kB"
    scaled, name = (value, "s") if value >= 1 else (value * 1e3, "ms")
    if scaled < 0.1:
        scaled, name = scaled * 1e3, "µs"
    return f"{scaled:.{0 if scaled >= 99.5 else 1 if scaled >= 9.95 else 2}f} {name}"


def _commit() -> str:
    """The commit that is checked out, with a + where the code differs from it."""
    written = (":!benchmarks/results", ":!docs")
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + "+" * bool(_git("status", "--porcelain", "--", ".", *written))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def say(what: str) -> None:
    """A line for who waits, apart from the results."""
    print(what, file=sys.stderr, flush=True)
