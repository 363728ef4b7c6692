"""The command line: `commodity-lens predict IMAGE...`, `rerun MANIFEST`, `record`, `demo`, `serve`.

Nothing here is slow to import: no Plotly, no pandas, no Streamlit, no TensorFlow.
"""

import argparse
import dataclasses
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from detector.answers import Detector, load
from detector.batch.archives import Archive
from detector.batch.folder import EXPORTS, SUFFIX, OutputError, OutputFolder, digest_of
from detector.batch.judging import Accuracy, Judge, files_at
from detector.batch.manifest import (
    Batch,
    ManifestError,
    Result,
    compare,
    now,
    program_version,
    read_manifest,
)
from detector.batch.run import Done, Source, file_source, images_in, run
from detector.cluster.errors import ClusterError, check_installed
from detector.config import Config, read_secrets
from detector.drawing.fonts import untold
from detector.embedded import ENVIRONMENT, EmbeddedServer
from detector.errors import (
    ConfigError,
    GroundTruthError,
    ImageError,
    LensError,
    ServingError,
    ThresholdsError,
)
from detector.formats.class_mapping import agreed, read_class_mapping
from detector.formats.tables import record
from detector.formats.thresholds import read_thresholds
from detector.paths import ROOT
from detector.printable import on_one_line, printable
from detector.recorded import FILE_NAME, write_recorded
from detector.serving import ModelSpec, ServedModel, connect
from detector.ssd import Settings
from detector.translation import _

# 2 is argparse's own, for a command line or a setting that can't be.
_IMAGES_FAILED = 1
_USAGE = 2
_SERVER_FAILED = 3
_OUTPUT_FAILED = 4
# As a shell reports a process that the signal ended.
_SIGNALLED = 128
_BROKEN_PIPE = 128 + 13
# A progress bar appears for more images than this.
_FEW = 3

_DESCRIPTION = """\
Shows what an SSD300 object detector sees in images: in a dashboard, or from the command line.
"""

_PREDICT = """\
examples:
  %(prog)s photo.jpg
  %(prog)s --json *.jpg > detections.jsonl
  %(prog)s --server 127.0.0.1:8500 --score 0.5 --out found/ shelf/ more.zip
  %(prog)s --resume --out found/ shelf/ more.zip
  %(prog)s --ground-truth labels/ --class-names class-names.json shelf/

Of a folder, all images in it and in the folders inside it are processed, sorted by name; an image
is recognised by the ending of its file name. Of a ZIP file, all images in it are processed.

Without --server and without a server in the settings (COMMODITY_LENS_SERVER), the project's own
model server is started, and ended when the run is over.

--json prints one JSON object on one line for each image, in the given order:
  {"image", "width", "height", "model": {"name", "version"},
   "detections": [{"label", "class_id", "score", "box": [xmin, ymin, xmax, ymax]}],
   "timings_ms": {"decode", "preprocess", "call", "postprocess"}}
Boxes are in pixels of the image; the best score comes first. For an image that cannot be read it
prints {"image", "error"} and goes on with the others. With --resume it prints only the images that
were not done before; the files in --out are about all of them.

--ground-truth says at the end how many boxes are right, wrong and missed, precision, recall, F1 and
mAP at an IoU of 0.5, and what of the ground truth was not understood: that is never held against
the detector. With --json that is one more line, {"ground_truth": {...}}.

With --cluster the workers of a Dask cluster do it. Each IMAGE is then a path or any URL that fsspec
knows (s3://bucket/folder), or a file that lists such URLs, one a line. --out is a path or URL too:
it gets a manifest, and for some hundred images each a table in Parquet, a row a box. The same
command again does what is missing. docs/scale.md says more.

exit status:
  0  every image was processed
  1  some images could not be read
  2  the command line or a setting is wrong
  3  the model server could not be started or reached, or its answer cannot be used; or a cluster or
     its storage failed
  4  a result could not be written
"""

_RERUN = """\
Processes the images of a manifest again, with the same version of the model and the same settings,
and says whether the result is the same: the same boxes, with scores that differ by less than 0.0001
and corners that differ by less than 0.1 pixels. (Another machine computes other last digits.)

Each image is looked for at the path that the first run was given, so start this command in the same
folder. With --images, each is recognised by its content, wherever it is now.

exit status: 0 if the result is the same, 1 if it is not; 2, 3 and 4 as for predict.
"""

_RECORD = """\
Asks the model about each image of a gallery, by every version that the server has ready, and writes
the answers into GALLERY/recorded.npz. The dashboard shows them, marked as recorded, while no model
server answers. Do it again when the model or the gallery has changed.
"""

_DEMO = """\
Starts the dashboard. Without a server in the settings (COMMODITY_LENS_SERVER) it starts the
project's own model server too. Further options are passed on to Streamlit, for example
--server.address localhost or --server.headless true.
"""

_SERVE = """\
Starts the project's own model server and waits until it is ended with Ctrl-C or SIGTERM. It speaks
TensorFlow Serving's gRPC on 127.0.0.1:8500 and serves the model that comes with the project.
Further options are passed on to it; python -m model_server --help lists them.
"""


def main(arguments: Sequence[str] | None = None, program: str = "commodity-lens") -> int:
    """Run the command line.

    Args:
        arguments: what follows the program's name; None means those of this process.
        program: the name that help and messages begin with.

    Returns:
        The exit status; `predict --help` and `rerun --help` say what each means.
    """
    _catch_signals()
    # Whoever has closed one of them wants nothing of it.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The name of a file need not be text in any encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _status(_parser(program), arguments)
    except (ConfigError, ThresholdsError, GroundTruthError, ManifestError) as error:
        _complain(program, error)
        return _USAGE
    except (ServingError, ClusterError) as error:
        _complain(program, error)
        return _SERVER_FAILED
    except BrokenPipeError:  # whoever read the output has closed it
        _print_no_more()
        return _BROKEN_PIPE
    except OutputError as error:
        _complain(program, error)
        _print_no_more()
        return _OUTPUT_FAILED


def _status(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Do what the command line says; the exit status."""
    try:
        options, others = parser.parse_known_args(arguments)
        if "others" in options:
            options.others = others
        elif others:
            parser.error(f"unrecognized arguments: {' '.join(others)}")
        status: int = options.command(options)
    finally:
        with _printing():  # of help too
            sys.stdout.flush()
    return status


def _predict(options: argparse.Namespace) -> int:
    if options.cluster is not None:
        return _predict_on_cluster(options)
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
    config = _config(options)
    settings = _settings(options, config)
    judge = _judge(options, config, settings)
    failed = False
    with ExitStack() as stack:
        sources = _sources(options.images, config, stack, options.out)
        out = _output(options, sources, config, settings)
        if out is not None:
            stack.enter_context(out)
        write = stack.enter_context(_progress(len(sources)))
        todo = sources if out is None else out.todo
        write.skip(len(sources) - len(todo))
        versions: set[int] = set()
        results = _detected(
            todo,
            config,
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
    return _IMAGES_FAILED if failed else 0


def _predict_on_cluster(options: argparse.Namespace) -> int:
    _check_cluster_options(options)
    check_installed()
    from detector.cluster.places import list_images
    from detector.cluster.run import LOCAL, connected, detect

    config = _config(options)
    batch = Batch(config.model_name, config.labels, _settings(options, config), started=now())
    if config.server is None and options.cluster != LOCAL:
        raise ConfigError(
            _("the cluster's workers have no model server"),
            _("Give --server an address that all of them reach."),
        )
    images = list_images(options.images)
    with ExitStack() as stack:
        if config.server is None:
            config = config.with_changes(server=_embedded(config, stack))
        client = stack.enter_context(connected(options.cluster))
        write = stack.enter_context(_progress(len(images)))
        totals = detect(
            client,
            images,
            options.out,
            batch,
            config,
            part_size=options.part_size,
            any_version=options.any_version,
            on_done=lambda count, before: (write.skip if before else write.several)(count),
        )
    with _printing():
        print(
            _(
                "{images} images: {detections} objects, {failed} images failed; {parts} parts in"
                " {out}",
                out=on_one_line(options.out),
                **dataclasses.asdict(totals),
            )
        )
    return _IMAGES_FAILED if totals.failed else 0


def _check_cluster_options(options: argparse.Namespace) -> None:
    """Raises ConfigError where one is given that --cluster does not go with, or lacks."""
    if options.out is None:
        raise ConfigError(
            _("--cluster writes to the folder of --out"), _("Give --out a path or a URL.")
        )
    names = ("resume", "export", "no_images", "json", "ground_truth", "class_names")
    if given := [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]:
        raise ConfigError(
            _("{options} cannot be given with --cluster", options=", ".join(given)),
            _("Leave it out: results are in the folder of --out, and a run goes on by itself."),
        )


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


def _line(
    result: Result, spent_s: Mapping[str, float], labels: Sequence[str], *, as_json: bool
) -> str:
    """What is printed of an image."""
    formatted = _as_json if as_json else _as_text
    if result.found is None:
        return formatted({"image": result.name, "error": result.error}, result.hint)
    spent_ms = {name: round(1000 * each_s, 2) for name, each_s in spent_s.items()}
    return formatted({**record(result.found, labels), "timings_ms": spent_ms}, "")


def _rerun(options: argparse.Namespace) -> int:
    where = str(options.manifest)
    try:
        before = read_manifest(options.manifest.read_bytes(), where)
    except OSError as error:
        raise ManifestError(
            _("{where} cannot be read: {reason}", where=where, reason=error.strerror),
            _("Check it."),
        ) from error
    options.model, options.model_version = before.model_name, None
    config = _config(options).with_changes(labels=before.labels, version_label=None)
    after: list[Result | None] = [None] * len(before.results)
    with ExitStack() as stack:
        sources = _sources_again(before.results, options.images, config, stack)
        write = stack.enter_context(_progress(len(sources)))
        # Each image by the version that answered then; files that were bad by any.
        by_version: dict[int | None, list[int]] = {}
        for index, result in enumerate(before.results):
            version = None if result.found is None else result.found.model_version
            by_version.setdefault(version or None, []).append(index)
        for version, indices in by_version.items():
            asked = config.with_changes(model_version=version)
            chosen = [sources[index] for index in indices]
            with _detected(chosen, asked) as results:
                for done in results:
                    after[indices[done.index]] = Result.of(done, before.settings)
                    write("")
    now_found = [result for result in after if result is not None]
    differences, most = compare(before.results, now_found)
    count, same = len(before.results), len(before.results) - len(differences)
    with _printing():
        for difference in differences:
            print(f"{on_one_line(difference.name)}: {printable(difference.what)}")
        print(
            _(
                "{same} of {count} images are the same, their scores to within {most}",
                same=same,
                count=count,
                most=f"{most:.2g}",
            )
        )
    return _IMAGES_FAILED if differences else 0


def _record(options: argparse.Namespace) -> int:
    options.model = options.model_version = None
    config = _config(options)
    recorded = []
    with Detector(config) as detector, _printing():
        model = detector.model()
        versions = _ready_versions(model.served)
        for path in images_in(options.gallery):
            source = file_source(path, config.image_limits)
            image = load(source.read(), config.image_limits)
            for version in versions:
                asked = dataclasses.replace(model, served=model.served.at(version))
                recorded.append((digest_of(source), asked.ask(image)))
            print(on_one_line(str(path)), flush=True)
    if not recorded:
        raise ConfigError(
            _("{folder} has no image", folder=options.gallery), _("Name the gallery's folder.")
        )
    target = options.gallery / FILE_NAME
    try:
        write_recorded(target, recorded, date.today())
    except OSError as error:
        raise OutputError(
            _("{target} cannot be written: {reason}", target=target, reason=error.strerror),
            _("Make room there, or the folder writable."),
        ) from error
    return 0


def _ready_versions(model: ServedModel) -> list[int]:
    """The versions that can be asked. A server that has just started loads one after the other:
    what it has is taken for all when nothing has changed in two seconds."""
    before = None
    while (versions := model.versions()) != before:
        before = versions
        time.sleep(2)
    return [each.version for each in versions if each.state == "AVAILABLE"]


def _demo(options: argparse.Namespace) -> NoReturn:
    app = [str(ROOT / "app.py"), "--server.port", str(options.port)]
    _become("streamlit", "run", *app, *options.others)


def _serve(options: argparse.Namespace) -> NoReturn:
    config = Config.load(read_secrets())
    model = ["--model_name", config.model_name, "--model_base_path", str(config.model_base_path)]
    os.environ.update(ENVIRONMENT | os.environ)
    _become("model_server", *model, *options.others)


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by `python -m module`, which then gets the signals of the terminal."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


@contextmanager
def _detected(
    sources: Sequence[Source], config: Config, *, began_with: int = 0, any_version: bool = False
) -> Iterator[Iterator[Done]]:
    """The images' results, by the configured server, or by one that lives as long as this."""
    with ExitStack() as stack:
        if not sources:
            yield iter(())
            return
        address = None if config.server is not None else _embedded(config, stack)
        client = stack.enter_context(connect(config, address)).model(ModelSpec.of(config))
        results = run(sources, client, config, began_with=began_with, any_version=any_version)
        yield stack.enter_context(closing(results))


def _embedded(config: Config, stack: ExitStack) -> str:
    """The address of an embedded server that lives as long as the stack."""
    embedded = EmbeddedServer(config.model_name, config.model_base_path)
    _servers.append(embedded)
    return stack.enter_context(embedded).address


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


def _sources(
    names: Sequence[str], config: Config, stack: ExitStack, out: Path | None = None
) -> list[Source]:
    """The images of the command line: files, and what is in folders and ZIP files.

    Args:
        out: of the folders, what an earlier run wrote there is left out.
    """
    found: list[Source] = []
    limits = config.image_limits
    for name in names:
        path = Path(name)
        try:
            if path.is_dir():
                inside = [file for file in images_in(path) if not _is_written(file, out)]
                found += [file_source(image, limits) for image in inside]
                if not inside:
                    raise ImageError(_("there are no images in this folder"), ImageError.hint)
            elif path.suffix.lower() == ".zip":
                found += stack.enter_context(Archive(path, limits, name=name)).sources
            else:
                found.append(file_source(path, limits, name))
        except ImageError as error:
            found.append(_refused(name, error))
        except ValueError:  # A null character in the path.
            found.append(file_source(path, limits, name))
    return found


def _is_written(file: Path, out: Path | None) -> bool:
    return out is not None and file.name.endswith(SUFFIX) and file.parent.resolve() == out.resolve()


def _refused(name: str, error: ImageError) -> Source:
    def read() -> bytes:
        raise error

    return Source(name, read)


def _sources_again(
    results: Sequence[Result], places: Sequence[str], config: Config, stack: ExitStack
) -> list[Source]:
    """The images of a manifest: by their names, or by their content among those given."""
    limits = config.image_limits
    if places:
        by_digest: dict[str, Callable[[], bytes]] = {}
        for source in _sources(places, config, stack):
            with suppress(ImageError, OSError):
                by_digest.setdefault(digest_of(source), source.read)
        gone = _refused("", ImageError(_("not among the given images"), _("Name more folders.")))
        return [Source(r.name, by_digest.get(r.digest, gone.read)) for r in results]
    archives: dict[Path, dict[str, Source]] = {}
    found = []
    for result in results:
        path = Path(result.name)
        inside = [parent for parent in path.parents if parent.suffix.lower() == ".zip"]
        archive = next((parent for parent in inside if parent.is_file()), None)
        if archive is None:
            found.append(file_source(path, limits, result.name))
            continue
        if archive not in archives:
            listed = _sources([str(archive)], config, stack)
            archives[archive] = {source.name: source for source in listed}
        missing = _refused(result.name, ImageError(_("no longer in the ZIP file"), _("Check it.")))
        found.append(archives[archive].get(result.name, missing))
    return found


def _config(options: argparse.Namespace) -> Config:
    given = {
        "server": options.server,
        "model_name": options.model,
        "model_version": options.model_version,
        "timeout_s": options.timeout,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    return Config.load(read_secrets()).with_changes(**changed)


def _settings(options: argparse.Namespace, config: Config) -> Settings:
    """Those of the command line; else those of --thresholds; else the defaults."""
    settings = Settings(
        iou_threshold=options.iou, class_agnostic=options.class_agnostic, top_k=options.top_k
    )
    if options.thresholds is not None:
        try:
            point = read_thresholds(options.thresholds.read_bytes(), config.labels)
        except OSError as error:
            raise ThresholdsError(
                _(
                    "{thresholds} cannot be read: {reason}",
                    thresholds=options.thresholds,
                    reason=error.strerror,
                ),
                _("Check the path."),
            ) from error
        settings = point.apply(settings)
    if options.score is not None:
        settings = dataclasses.replace(settings, score_threshold=options.score)
    return settings


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


def _tell_accuracy(accuracy: Accuracy, *, as_json: bool) -> None:
    record = {"ground_truth": accuracy.record()}
    print(json.dumps(record) if as_json else printable("\n".join(accuracy.lines())), flush=True)


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


class _Write:
    """Writes a line on standard output at once, so that a reader can follow."""

    def __call__(self, line: str) -> None:
        """One image more is done. Of an empty line nothing is written."""
        if line:
            with _printing():
                print(line, flush=True)

    def several(self, count: int) -> None:
        """So many images more are done."""

    def skip(self, count: int) -> None:
        """So many images more were done before."""


class _WriteAround(_Write):
    """The same around a progress bar on standard error."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, line: str) -> None:
        if line:
            with _printing():
                self._bar.write(line, file=sys.stdout)
                sys.stdout.flush()
        self._bar.update()

    def several(self, count: int) -> None:
        self._bar.update(count)

    def skip(self, count: int) -> None:
        # `initial` keeps what was done before out of the rate.
        self._bar.n += count
        self._bar.initial += count
        self._bar.refresh()


@contextmanager
def _progress(count: int) -> Iterator[_Write]:
    """What writes a line for each image.

    With a progress bar for more than a few images, where a person looks on.
    """
    if count <= _FEW or not sys.stderr.isatty():
        yield _Write()
        return
    from tqdm import tqdm

    with tqdm(total=count, unit="image", dynamic_ncols=True, leave=False) as bar:
        yield _WriteAround(bar)


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            _("cannot write to standard output: {reason}", reason=error.strerror),
            _("Send it to a place with room."),
        ) from error


def _print_no_more() -> None:
    """Python flushes standard output once more at its end: to nowhere, where that has failed."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(program: str, error: LensError) -> None:
    with suppress(OSError):  # the exit status says it too
        print(f"{program}: {error}", file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)


def _catch_signals() -> None:
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    # Under nohup it is ignored, and stays so. Windows has none.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)


def _end(signum: int, frame: Any) -> NoReturn:
    """Ends this process and its server at once, wherever it is.

    What is done stands in the folder's state, which any kill leaves good. To end in order would
    take a while, and the next signal would come in the middle of it.
    """
    for server in _servers:
        server.kill()
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\n")  # the prompt comes below the progress bar
    os._exit(_SIGNALLED + signum)


_servers: list[EmbeddedServer] = []


class _Parser(argparse.ArgumentParser):
    """Its errors repeat what was given, and help that cannot be written is an error."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not sys.stdout:
            return super()._print_message(message, file)
        with _printing():
            print(message, end="", flush=True)

    def error(self, message: str) -> NoReturn:
        super().error(on_one_line(message))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=program, description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {program_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_rerun(commands)
    _add_record(commands)
    _add_demo(commands)
    _add_serve(commands)
    return parser


def _add_predict(commands: Any) -> None:
    command = commands.add_parser(
        "predict",
        help="print the detections in images",
        description="Prints what the detector sees in each image.",
        epilog=_PREDICT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_predict)
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="an image, folder or ZIP file; with --cluster URLs and lists of them too",
    )
    _add_server(command)
    command.add_argument(
        "--model", metavar="NAME", help="name of the model on the server (default: commodity)"
    )
    command.add_argument(
        "--model-version",
        type=int,
        metavar="N",
        help="version of the model (default: the newest that the server has)",
    )
    command.add_argument(
        "--any-version",
        action="store_true",
        help="go on when the server's version changes; else the version that answered first answers"
        " all images, or the run ends",
    )
    _add_settings(command)
    _add_ground_truth(command)
    _add_output(command)
    _add_cluster(command)


def _add_settings(command: argparse.ArgumentParser) -> None:
    """The options of post-processing."""
    defaults = Settings()
    command.add_argument(
        "--score",
        type=_fraction,
        metavar="0..1",
        help=f"show boxes with at least this score (default: {defaults.score_threshold})",
    )
    command.add_argument(
        "--thresholds",
        type=Path,
        metavar="FILE",
        help="a thresholds.json: a score threshold, and perhaps others for single classes; --score"
        " replaces the first, not those of single classes",
    )
    command.add_argument(
        "--iou",
        type=_fraction,
        default=defaults.iou_threshold,
        metavar="0..1",
        help="drop a box whose IoU with a better one is above this (default: %(default)s)",
    )
    command.add_argument(
        "--class-agnostic",
        action="store_true",
        help="let a box drop boxes of other classes too",
    )
    command.add_argument(
        "--top-k",
        type=_count,
        default=defaults.top_k,
        metavar="N",
        help="show at most this many boxes in an image (default: %(default)s)",
    )


def _add_ground_truth(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ground-truth",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="also say how good the boxes are: a file or ZIP file of ground truth, or a folder of"
        " them, in any format that the dashboard reads; may be given several times",
    )
    command.add_argument(
        "--class-names",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a class-names.json: which label each class name in the ground truth stands for",
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print a JSON object on one line for each image"
    )
    command.add_argument(
        "--out",
        metavar="FOLDER",
        help="also write each image with its boxes drawn to FOLDER/NAME-detected.png, all boxes to"
        " FOLDER/detections.csv, and a record of the run to FOLDER/manifest.json",
    )
    command.add_argument(
        "--export",
        action="append",
        default=[],
        choices=sorted(EXPORTS),
        help="also write all boxes to --out in this format; may be given several times",
    )
    command.add_argument(
        "--no-images", action="store_true", help="do not write images with boxes to --out"
    )
    _add_former_name(command, "--no-pictures", dest="no_images", action="store_true")
    command.add_argument(
        "--resume",
        action="store_true",
        help="continue the interrupted run whose results are in --out",
    )


def _add_cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="let the workers of a Dask cluster do it: tcp://HOST:8786 of its scheduler, or `local`"
        " for one on this machine",
    )
    command.add_argument(
        "--part-size",
        type=_count,
        default=200,
        metavar="N",
        help="with --cluster: images of a task, and of a file of results (default: %(default)s)",
    )


def _add_rerun(commands: Any) -> None:
    command = commands.add_parser(
        "rerun",
        help="repeat a run from its manifest, and compare the results",
        description=_RERUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_rerun)
    command.add_argument("manifest", type=Path, metavar="MANIFEST", help="a manifest.json")
    command.add_argument(
        "--images",
        nargs="+",
        default=[],
        metavar="PLACE",
        help="files, folders or ZIP files in which to look for the images",
    )
    _add_former_name(command, "--pictures", dest="images", nargs="+", default=[])
    _add_server(command)


def _add_former_name(command: argparse.ArgumentParser, name: str, **options: Any) -> None:
    """An option by the name that it had: it goes on working, and no help shows it."""
    command.add_argument(name, help=argparse.SUPPRESS, **options)


def _add_record(commands: Any) -> None:
    command = commands.add_parser(
        "record",
        help="record the model's answers for a gallery, to be shown while no server answers",
        description=_RECORD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_record)
    command.add_argument("gallery", type=Path, metavar="GALLERY", help="a folder of images")
    _add_server(command)


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="gRPC address of a TensorFlow Serving (default: a model server of the project's own)",
    )
    command.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="how long one call to the server may take (default: 10)",
    )


def _add_demo(commands: Any) -> None:
    command = commands.add_parser(
        "demo",
        help="start the dashboard",
        description=_DEMO,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(command=_demo, others=[])
    command.add_argument(
        "--port", type=int, default=8501, help="port of the dashboard (default: %(default)s)"
    )


def _add_serve(commands: Any) -> None:
    command = commands.add_parser(
        "serve",
        help="start the model server",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(command=_serve, others=[])


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(
            _("expected a number from 0 to 1, got {text!r}", text=text)
        )
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(
            _("expected a whole number from 1, got {text!r}", text=text)
        )
    return int(text)
