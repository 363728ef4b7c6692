"""A gRPC server without a model, for benchmarks.serving: what carrying the bytes costs alone.

It answers `/bytes/Echo` with so many bytes as an answer has, and Predict with an answer that is
ready, through the embedded server's own service. Prints its port; ends with its standard input.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import grpc
import numpy as np

from benchmarks.outputs import shipped_model
from detector.config import Config
from detector.wire.protos import prediction_service_pb2_grpc
from model_server.engine import Arrays
from model_server.service import PredictionService

OUTPUT = np.random.default_rng(3).random((1, 7308, 21), np.float32)


class Ready:
    """A model whose answer is ready, and the models of a server that has only this one."""

    def __init__(self) -> None:
        self.signatures = shipped_model().signatures
        self._answer = {Config().output_name: OUTPUT}

    def run(self, *_: object) -> nullcontext[Arrays]:
        return nullcontext(self._answer)

    @contextmanager
    def use(self, name: str, version: int | None) -> Iterator[tuple[int, Any]]:
        yield 1, self


def main() -> None:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    models: Any = Ready()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(models, as_content=True), server
    )
    answer = OUTPUT.tobytes()
    echo: Any = grpc.unary_unary_rpc_method_handler(lambda request, context: answer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bytes", {"Echo": echo}),)
    )
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
