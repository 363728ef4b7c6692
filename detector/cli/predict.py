"""`predict`: the detections in images, printed, and written to a folder."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from detector.batch.folder import OutputFolder
from detector.batch.judging import Accuracy, Judge, files_at
from detector.batch.manifest import Batch, Result, now
from detector.batch.run import Done, Source
from detector.cli.predict_on_cluster import predict_on_cluster
from detector.cli.printing import progress
from detector.cli.server import configured, detected
from detector.cli.settings import settings_of
from detector.cli.sources import sources_at
from detector.cli.status import IMAGES_FAILED
from detector.config import Config
from detector.drawing.fonts import untold
from detector.errors import ConfigError, GroundTruthError, ServingError
from detector.formats.class_mapping import agreed, read_class_mapping
from detector.formats.tables import record
from detector.printable import on_one_line, printable
from detector.ssd import Settings
from detector.translation import _


def predict(options: argparse.Namespace) -> int:
    """Detect in the images; the exit status.

    Raises:
        LensError: the settings, the model server or the output end the run.
    """
    if options.cluster is not None:
        return predict_on_cluster(options)
    if options.out is not None:
        options.out = Path(options.out)
    if options.out is None and (options.resume or options.export or options.no_images):
        raise ConfigError(
            _("--resume, --export and --no-images are about the folder of --out"),
            _("Give --out too."),
        )
    if options.ground_truth and options.resume:
        raise ConfigError(
            _("--ground-truth counts over all images, and --resume asks for some of them"),
            _("Leave one of the two out."),
        )
    config = configured(options)
    settings = settings_of(options, config)
    judge = _judge(options, config, settings)
    failed = False
    with ExitStack() as stack:
        sources = sources_at(options.images, config, stack, options.out)
        out = _output(options, sources, config, settings)
        if out is not None:
            stack.enter_context(out)
        write = stack.enter_context(progress(len(sources)))
        todo = sources if out is None else out.todo
        write.skip(len(sources) - len(todo))
        versions: set[int] = set()
        results = detected(
            todo,
            config,
            settings.tiles,
            began_with=0 if out is None else out.began_with,
            any_version=options.any_version,
        )
        for done in _in_order(stack.enter_context(results)):
            started = time.perf_counter()
            result = Result.of(done, settings)
            versions |= {done.model.version} if done.model else set()
            spent_s = {**done.timings, "postprocess": time.perf_counter() - started}
            if judge is not None:
                judge.add(done)
            if out is not None:
                out.add(done.index, result)
            failed |= result.found is None
            write(_line(result, spent_s, config.labels, as_json=options.json))
        if out is not None:
            versions |= set(out.finish().versions)
            if not options.no_images and (lacking := untold(config.labels)):
                print(printable(lacking), file=sys.stderr)
    if judge is not None:
        _tell_accuracy(judge.accuracy(), as_json=options.json)
    if len(mixed := sorted(versions - {0})) > 1:
        listed = ", ".join(map(str, mixed))
        print(
            _("Results of the model's versions {listed} are mixed.", listed=listed), file=sys.stderr
        )
    return IMAGES_FAILED if failed else 0


def _output(
    options: argparse.Namespace, sources: Sequence[Source], config: Config, settings: Settings
) -> OutputFolder | None:
    """The folder of --out; None where none is wanted."""
    if not options.out:
        return None
    return OutputFolder(
        options.out,
        sources,
        Batch(config.model_name, config.labels, settings, started=now()),
        config,
        exports=options.export,
        draws=not options.no_images,
        resumes=options.resume,
        any_version=options.any_version,
    )


def _judge(options: argparse.Namespace, config: Config, settings: Settings) -> Judge | None:
    """What compares the run with the ground truth, where some is given. Raises GroundTruthError."""
    if not options.ground_truth:
        if options.class_names:
            raise ConfigError(
                _("--class-names is about the files of --ground-truth"),
                _("Give --ground-truth too."),
            )
        return None
    files = files_at(options.class_names)
    mapping, contradictions = agreed(
        (name, read_class_mapping(data, config.labels)) for name, data in files
    )
    if contradictions:
        raise GroundTruthError(contradictions[0], _("Correct one of them, or leave one out."))
    return Judge(files_at(options.ground_truth), config.labels, settings, mapping)


def _in_order(results: Iterator[Done]) -> Iterator[Done]:
    """The same in the order of their sources; when the server fails, what has come before it."""
    early: dict[int, Done] = {}
    following = 0
    try:
        for done in results:
            early[done.index] = done
            while following in early:
                yield early.pop(following)
                following += 1
    except ServingError:
        for index in sorted(early):
            yield early.pop(index)
        raise


def _line(
    result: Result, spent_s: Mapping[str, float], labels: Sequence[str], *, as_json: bool
) -> str:
    """What is printed of an image."""
    formatted = _as_json if as_json else _as_text
    if result.found is None:
        return formatted({"image": result.name, "error": result.error}, result.hint)
    spent_ms = {name: round(1000 * each_s, 2) for name, each_s in spent_s.items()}
    return formatted({**record(result.found, labels), "timings_ms": spent_ms}, "")


def _as_json(result: dict[str, Any], hint: str) -> str:
    return json.dumps(result)


def _as_text(result: dict[str, Any], hint: str) -> str:
    if "error" in result:
        return f"{on_one_line(result['image'])}: {result['error']}\n  {hint}"
    detections = result["detections"]
    count = f"{len(detections)} {'object' if len(detections) == 1 else 'objects'}"
    size = f"{result['width']} x {result['height']} pixels"
    model = on_one_line(f"{result['model']['name']} {result['model']['version']}")
    took = f"{sum(result['timings_ms'].values()):.0f} ms"
    lines = [f"{on_one_line(result['image'])}: {count} ({size}, {model}, {took})"]
    labels = [on_one_line(found["label"]) for found in detections]
    wide = max(map(len, labels), default=0)
    for label, found in zip(labels, detections, strict=True):
        box = " ".join(f"{value:7.1f}" for value in found["box"])
        lines.append(f"  {found['score']:.2f}  {label:<{wide}}  {box}")
    return "\n".join(lines)


def _tell_accuracy(accuracy: Accuracy, *, as_json: bool) -> None:
    record = {"ground_truth": accuracy.record()}
    print(json.dumps(record) if as_json else printable("\n".join(accuracy.lines())), flush=True)
