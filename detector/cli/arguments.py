"""The commands and their options."""

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from detector.batch.folder import EXPORTS
from detector.batch.manifest import program_version
from detector.cli.printing import printing
from detector.printable import on_one_line
from detector.ssd import Settings
from detector.tiling import CUT_FINER_FROM, CUT_FROM, Tiling
from detector.translation import _

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


def make_parser(program: str) -> argparse.ArgumentParser:
    """The command line's parser: of what it parses, `command` is the name of the command.

    Args:
        program: the name that help and messages begin with.
    """
    parser = _Parser(prog=program, description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {program_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_rerun(commands)
    _add_record(commands)
    _add_demo(commands)
    _add_serve(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Its errors repeat what was given, and help that cannot be written is an error."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not sys.stdout:
            return super()._print_message(message, file)
        with printing():
            print(message, end="", flush=True)

    def error(self, message: str) -> NoReturn:
        super().error(on_one_line(message))


def _add_predict(commands: Any) -> None:
    command = commands.add_parser(
        "predict",
        help="print the detections in images",
        description="Prints what the detector sees in each image.",
        epilog=_PREDICT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command="predict")
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
    """The options of what is asked of an image, and of post-processing."""
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
    command.add_argument(
        "--tiles",
        choices=[tiling.value for tiling in Tiling],
        default=defaults.tiles.value,
        help="also look at each image in overlapping parts, for things that are small in it; auto:"
        f" none below a longer side of {CUT_FROM} pixels, 2x2 below {CUT_FINER_FROM}, then 3x3"
        " (default: %(default)s)",
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
    command.set_defaults(command="rerun")
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
    command.set_defaults(command="record")
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
    command.set_defaults(command="demo", others=[])
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
    command.set_defaults(command="serve", others=[])


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
