"""What the process counts for Prometheus, where a port is set for it.

Names begin as TensorFlow Serving's do. No label has anything of a visitor in it.
"""

import logging
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from detector.errors import ServingError
from detector.turns import Turns

_log = logging.getLogger(__name__)

# Seconds: one answer of a small model to a queue before a busy server.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests = Counter(
    ":commodity_lens:request_count",
    "Calls of Predict, by what came of them.",
    ["model_name", "status"],
)
latency = Histogram(
    ":commodity_lens:request_latency_seconds",
    "How long a call of Predict took, without its waiting for a turn.",
    ["model_name"],
    buckets=_BUCKETS,
)
decoding = Histogram(
    ":commodity_lens:decode_latency_seconds",
    "How long an uploaded image took to be decoded.",
    buckets=_BUCKETS,
)
answers = Counter(
    ":commodity_lens:answer_count",
    "Answers shown for an image that was looked at, by where they came from.",
    ["source"],  # live, kept or recorded
)
unexpected = Counter(
    ":commodity_lens:unexpected_error_count", "Errors that nobody foresaw; the log has them."
)
sessions = Gauge(":commodity_lens:session_count", "Visitors' sessions that are there now.")
waiting = Gauge(
    ":commodity_lens:waiting_request_count",
    "Calls of Predict that wait for a turn.",
    ["server"],
)


def predicted(model_name: str, spent_s: float, failure: ServingError | None) -> None:
    """Count a call of Predict."""
    status = "OK" if failure is None else type(failure).__name__
    requests.labels(model_name, status).inc()
    latency.labels(model_name).observe(spent_s)


def watch(server: str, turns: Turns) -> None:
    """Tell how many calls wait for that server."""
    waiting.labels(server).set_function(lambda: turns.waiting)


def serve(port: int, session_count: Callable[[], int]) -> None:
    """Answer Prometheus at that port, on all addresses of this machine."""
    sessions.set_function(session_count)
    try:
        start_http_server(port)
    except OSError as error:
        _log.error("the metrics' port %s cannot be used: %s", port, error)
