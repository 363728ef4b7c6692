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
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

import grpc

from detector.wire.protos import (
    model_server_config_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)
from model_server.config import ConfigError, one_model, read_text_proto
from model_server.engine import EngineName, Model
from model_server.models import Models
from model_server.service import ModelService, PredictionService
from model_server.standard import add_health, add_reflection
from model_server.tls import server_credentials

# Predict waits for a free engine inside its thread. So many threads that status and metadata are
# still answered at once while the requests of a whole page of images are waiting.
_THREADS = 32
_MAX_MESSAGE_BYTES = 2**31 - 1  # as TensorFlow Serving; the default is 4 MiB
_GRACE_S = 5.0  # for running requests, when the server is told to end

_log = logging.getLogger("model_server")


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 = ended as told, 1 = could not start (one line on stderr says why)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if not (args.model_config_file or args.model_base_path):
        parser.error("--model_base_path or --model_config_file is needed")
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
    try:
        tls = server_credentials(args.ssl_config_file) if args.ssl_config_file else None
    except ConfigError as error:
        raise _StartError(str(error)) from error
    engine: EngineName = args.engine
    models = Models(
        lambda path: Model(path, engine, args.threads),
        any_labels=args.allow_version_labels_for_unavailable_models,
    )
    _load_first(models, args)
    served = [f"{name} {max(models.available(name))}" for name in models.served]
    server, end_health = _server(models, args)
    address = _listen(server, tls, args)

    told_to_end = _end_in_order_on_signals()
    stop = threading.Event()
    threading.Thread(target=_poll, args=[models, args, stop], daemon=True).start()
    if args.model_config_file and args.model_config_file_poll_wait_seconds > 0:
        threading.Thread(target=_watch_config, args=[models, args, stop], daemon=True).start()
    print(" ".join([f"ready {address}", *served]), flush=True)
    _log.info("listening on %s", address)
    os.read(told_to_end, 1)
    _log.info("ending")
    stop.set()
    end_health()
    server.stop(_GRACE_S).wait()
    return 0


def _server(models: Models, args: argparse.Namespace) -> tuple[grpc.Server, Callable[[], None]]:
    """The server with its services, and what tells those who ask for its health that it ends."""
    server = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc"),
        options=[
            ("grpc.so_reuseport", 0),  # two servers on one port would share its requests
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(models, as_content=args.enable_serialization_as_tensor_content),
        server,
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(models), server)
    end_health = add_health(server) if args.enable_grpc_healthcheck_service else lambda: None
    if args.enable_grpc_reflection:
        add_reflection(server, with_health=args.enable_grpc_healthcheck_service)
    return server, end_health


def _listen(
    server: grpc.Server, tls: grpc.ServerCredentials | None, args: argparse.Namespace
) -> str:
    """Starts the server: its HOST:PORT."""
    host = f"[{args.host}]" if ":" in args.host else args.host
    wanted = f"{host}:{args.port}"
    try:
        port = server.add_secure_port(wanted, tls) if tls else server.add_insecure_port(wanted)
    except RuntimeError as error:
        reason = f"gRPC does not take what is in {args.ssl_config_file}" if tls else str(error)
        raise _StartError(f"can't listen on {wanted}: {reason}") from error
    server.start()
    return f"{host}:{port}"


def _load_first(models: Models, args: argparse.Namespace) -> None:
    """Returns when each model has a version to serve."""
    try:
        models.configure(_read_config(args))
    except ConfigError as error:
        raise _StartError(str(error)) from error
    seconds = args.file_system_poll_wait_seconds
    for name in models.served:
        while not models.poll_until_served(name):
            waits = seconds > 0 and not args.fail_if_no_model_versions_found
            if models.statuses(name) or not waits:
                raise _StartError(f"model {name}: {models.problem(name)}")
            models.log_problems()
            time.sleep(seconds)


def _read_config(args: argparse.Namespace) -> model_server_config_pb2.ModelServerConfig:
    if args.model_config_file:
        config = model_server_config_pb2.ModelServerConfig()
        return read_text_proto(args.model_config_file, config)
    return one_model(args.model_name, args.model_base_path, args.latest_versions)


def _poll(models: Models, args: argparse.Namespace, stop: threading.Event) -> None:
    while models.poll():  # the versions that the start did not wait for
        pass
    seconds = args.file_system_poll_wait_seconds
    while seconds > 0 and not stop.wait(seconds):
        models.poll()
        models.log_problems()


def _watch_config(models: Models, args: argparse.Namespace, stop: threading.Event) -> None:
    """Reads the file again and again, changed or not: a label may be in order by now."""
    said = ""
    while not stop.wait(args.model_config_file_poll_wait_seconds):
        problem = ""
        try:
            models.reload(_read_config(args))
        except ConfigError as error:
            problem = str(error)
        if problem and problem != said:
            _log.error("the model config file is not followed: %s", problem)
        said = problem


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


def _end_in_order_on_signals() -> int:
    """The descriptor from which a byte can be read once a signal has come.

    A handler of Python's runs when the main thread does: one that is about to wait, or whose signal
    another thread got, would sleep on. The byte is there at once.
    """

    def end(signal_number: int, frame: FrameType | None) -> None:
        signal.alarm(int(_GRACE_S) + 3)  # ends the process if the orderly way should hang

    told_to_end, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return told_to_end


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
        description="TensorFlow Serving's gRPC services over SavedModels.",
        allow_abbrev=False,
    )
    _add_models(parser.add_argument_group("what is served"))
    _add_server(parser.add_argument_group("how it is served"))
    return parser


def _add_models(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model_name", default="default", help="default: %(default)s")
    group.add_argument(
        "--model_base_path",
        type=Path,
        help="the folder that holds one folder a version: 1/saved_model.pb, 2/saved_model.pb, …",
    )
    group.add_argument(
        "--latest_versions",
        type=_count,
        default=1,
        metavar="N",
        help="serve the N versions with the highest numbers; default: %(default)s",
    )
    group.add_argument(
        "--model_config_file",
        type=Path,
        metavar="FILE",
        help="a ModelServerConfig in text format, in place of the three options above",
    )
    group.add_argument(
        "--model_config_file_poll_wait_seconds",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how often to read that file again; 0 = never, the default",
    )
    _add_switch(
        group,
        "--allow_version_labels_for_unavailable_models",
        "a label that is not in use may be given to a version that is not served yet",
    )
    group.add_argument(
        "--file_system_poll_wait_seconds",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how often to look for new versions; 0 = never; default: %(default)s",
    )
    _add_switch(
        group,
        "--fail_if_no_model_versions_found",
        "end when a model has no version at the start, and do not wait for one",
    )


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    group.add_argument("--port", type=_port, default=8500, help="0 = any; default: %(default)s")
    group.add_argument(
        "--engine",
        choices=["auto", "openvino", "tensorflow"],
        default="auto",
        help="auto = OpenVINO, and TensorFlow for what OpenVINO can't read",
    )
    group.add_argument(
        "--threads", type=int, default=0, help="CPU threads of one run; 0 = the engine's choice"
    )
    _add_switch(
        group,
        "--enable_serialization_as_tensor_content",
        "answer with tensor_content, faster than lists of values (float_val, …)",
    )
    group.add_argument(
        "--float_val",
        dest="enable_serialization_as_tensor_content",
        action="store_false",
        help="the opposite, and the default",
    )
    group.add_argument(
        "--ssl_config_file",
        type=Path,
        metavar="FILE",
        help="an SSLConfig in text format: TLS, and with client_verify mutual TLS",
    )
    _add_switch(
        group,
        "--enable_grpc_healthcheck_service",
        "answer grpc.health.v1.Health too",
    )
    _add_switch(
        group,
        "--enable_grpc_reflection",
        "say over gRPC which services there are, for grpcurl and its like",
    )
    _add_switch(
        group,
        "--exit_with_parent",
        "end when standard input closes or the parent process ends",
    )


def _add_switch(group: argparse._ArgumentGroup, name: str, help: str) -> None:
    """`--name`, `--name=true` or `--name=false`, as TensorFlow Serving takes it."""
    group.add_argument(
        name, nargs="?", type=_boolean, const=True, default=False, metavar="BOOL", help=help
    )


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
