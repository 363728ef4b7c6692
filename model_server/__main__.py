"""Starts the model server: loads the model, listens, says `ready HOST:PORT NAME VERSION`."""

import argparse
import errno
import logging
import os
import select
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

import grpc

from detector.wire.protos import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)
from model_server.engine import EngineName, Model
from model_server.service import ModelService, PredictionService
from model_server.versions import Versions

# Predict waits for a free engine inside its thread. So many threads that status and metadata are
# still answered at once while the requests of a whole page of images are waiting.
_THREADS = 32
_MAX_MESSAGE_BYTES = 2**31 - 1  # as TensorFlow Serving; the default is 4 MiB
_GRACE_S = 5.0  # for running requests, when the server is told to end

_log = logging.getLogger("model_server")


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 = ended as told, 1 = could not start (one line on stderr says why)."""
    args = _parser().parse_args(arguments)
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(_Printable("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[log])
    # While a model is loading there is nothing to end in order: the signals end the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if args.exit_with_parent:
        threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
    try:
        return _serve(args)
    except _StartError as error:
        print(f"model_server: {_printable(str(error))}", file=sys.stderr)
        return 1


class _StartError(Exception):
    pass


class _Printable(logging.Formatter):
    """No control characters in the log: a folder's name or a model's error may have some."""

    def format(self, record: logging.LogRecord) -> str:
        return _printable(super().format(record))


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )


def _serve(args: argparse.Namespace) -> int:
    _check_can_bind(args.host, args.port)
    engine: EngineName = args.engine
    versions = Versions(
        args.model_base_path, lambda path: Model(path, engine, args.threads), args.latest_versions
    )
    version = _load_first(versions, args.model_base_path)

    server = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc"),
        options=[
            ("grpc.so_reuseport", 0),  # two servers on one port would share its requests
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(
            args.model_name, versions, as_content=args.enable_serialization_as_tensor_content
        ),
        server,
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(args.model_name, versions), server
    )
    host = f"[{args.host}]" if ":" in args.host else args.host
    try:
        port = server.add_insecure_port(f"{host}:{args.port}")
    except RuntimeError as error:
        raise _StartError(f"can't listen on {host}:{args.port}: {error}") from error
    server.start()

    stop = threading.Event()
    _end_in_order_on_signals(stop)
    if args.file_system_poll_wait_seconds > 0:
        polls = [versions, args.file_system_poll_wait_seconds, stop]
        threading.Thread(target=_poll, args=polls, daemon=True).start()
    print(f"ready {host}:{port} {args.model_name} {version}", flush=True)
    _log.info("listening on %s:%d", host, port)
    stop.wait()
    _log.info("ending")
    server.stop(_GRACE_S).wait()
    return 0


def _load_first(versions: Versions, base_path: Path) -> int:
    try:
        versions.poll()
    except OSError as error:
        raise _StartError(f"can't read the folder of the model: {error}") from error
    statuses = versions.statuses()
    if not statuses:
        raise _StartError(
            f"no version of the model in {base_path}: expected a folder with a number for a name "
            f"and a SavedModel in it, such as {base_path / '1' / 'saved_model.pb'}"
        )
    newest = statuses[0]
    if newest.state != get_model_status_pb2.ModelVersionStatus.AVAILABLE:
        raise _StartError(
            f"version {newest.version} of the model in {base_path} can't be loaded: "
            f"{newest.status.error_message}"
        )
    return int(newest.version)


def _poll(versions: Versions, seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds):
        try:
            versions.poll()
        except OSError as error:
            _log.warning("the folder of the model can't be read, nothing changes: %s", error)


def _check_can_bind(host: str, port: int) -> None:
    """Fails before the model is loaded, and with a reason, where gRPC only says that it failed."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "the port is in use" if in_use else error.strerror
        raise _StartError(f"can't listen on {host}:{port}: {reason}") from error


def _end_in_order_on_signals(stop: threading.Event) -> None:
    def end(signal_number: int, frame: FrameType | None) -> None:
        signal.alarm(int(_GRACE_S) + 3)  # ends the process if the orderly way should hang
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _end_with_parent(parent: int) -> NoReturn:
    """Ends this process when its standard input closes or it gets another parent.

    The first is at once; the second is for a parent with a forked child that still holds the pipe.
    """
    while True:
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], 1.0)
        if (readable and not os.read(sys.stdin.fileno(), 4096)) or os.getppid() != parent:
            break
    os.kill(os.getpid(), signal.SIGTERM)
    while True:  # the signal ends the process, in order or at once
        signal.pause()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model_server",
        description="TensorFlow Serving's gRPC services over one SavedModel.",
        allow_abbrev=False,
    )
    parser.add_argument("--model_name", required=True)
    parser.add_argument(
        "--model_base_path",
        required=True,
        type=Path,
        help="the folder that holds one folder a version: 1/saved_model.pb, 2/saved_model.pb, …",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=_port, default=8500, help="0 = any; default: %(default)s")
    parser.add_argument(
        "--engine",
        choices=["auto", "openvino", "tensorflow"],
        default="auto",
        help="auto = OpenVINO, and TensorFlow for what OpenVINO can't read",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads of one run; 0 = the engine's choice"
    )
    parser.add_argument(
        "--file_system_poll_wait_seconds",
        type=float,
        default=1.0,
        help="how often to look for new versions; 0 = never; default: %(default)s",
    )
    parser.add_argument(
        "--latest_versions",
        type=_count,
        default=1,
        metavar="N",
        help="serve the N versions with the highest numbers; default: %(default)s",
    )
    parser.add_argument(
        "--enable_serialization_as_tensor_content",
        nargs="?",
        type=_boolean,
        const=True,
        default=False,
        metavar="BOOL",
        help="answer with tensor_content, faster than lists of values (float_val, …)",
    )
    parser.add_argument(
        "--float_val",
        dest="enable_serialization_as_tensor_content",
        action="store_false",
        help="the opposite, and the default",
    )
    parser.add_argument(
        "--exit_with_parent",
        action="store_true",
        help="end when standard input closes or the parent process ends",
    )
    return parser


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text} is neither true nor false")
    return text == "true"


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(f"{count} is not 1 or more")
    return count


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is not one of 0 to 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
