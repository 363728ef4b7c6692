"""The program: its commands, exit statuses and signals."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from detector.batch.folder import OutputError
from detector.batch.manifest import ManifestError
from detector.cli.arguments import make_parser
from detector.cli.predict import predict
from detector.cli.printing import printing
from detector.cli.processes import demo, serve
from detector.cli.record import record
from detector.cli.rerun import rerun
from detector.cli.server import kill_embedded
from detector.cli.status import BROKEN_PIPE, OUTPUT_FAILED, SERVER_FAILED, SIGNALLED, USAGE
from detector.cluster.errors import ClusterError
from detector.errors import ConfigError, GroundTruthError, LensError, ServingError, ThresholdsError

COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "predict": predict,
    "rerun": rerun,
    "record": record,
    "demo": demo,
    "serve": serve,
}


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
        return _status(make_parser(program), arguments)
    except (ConfigError, ThresholdsError, GroundTruthError, ManifestError) as error:
        _complain(program, error)
        return USAGE
    except (ServingError, ClusterError) as error:
        _complain(program, error)
        return SERVER_FAILED
    except BrokenPipeError:  # whoever read the output has closed it
        _print_no_more()
        return BROKEN_PIPE
    except OutputError as error:
        _complain(program, error)
        _print_no_more()
        return OUTPUT_FAILED


def _status(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Do what the command line says; the exit status."""
    try:
        options, others = parser.parse_known_args(arguments)
        if "others" in options:
            options.others = others
        elif others:
            parser.error(f"unrecognized arguments: {' '.join(others)}")
        status = COMMANDS[options.command](options)
    finally:
        with printing():  # of help too
            sys.stdout.flush()
    return status


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
    kill_embedded()
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\n")  # the prompt comes below the progress bar
    os._exit(SIGNALLED + signum)
