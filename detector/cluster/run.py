"""A batch on a Dask cluster: tasks of some hundred images each, of which each writes one part.

    TARGET/manifest.json        what ran, which versions answered, the parts, what failed
    TARGET/parts/NAME.parquet   rows of some hundred images: `detector.cluster.parts`

A part's name is a digest of its images, the settings and the model's version. So the same command
again does what is missing and nothing else.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from detector.batch.manifest import Batch, ManifestError, now
from detector.cluster.errors import ClusterError
from detector.cluster.parts import Summary
from detector.cluster.places import (
    ImageFile,
    absolute,
    inside,
    names_in,
    read_or_none,
    write_whole,
)
from detector.cluster.work import Task, answering_version, detect_part
from detector.config import Config
from detector.formats.typed_json import JsonError, parse, shown
from detector.translation import _

FORMAT = "commodity-lens-cluster"
LOCAL = "local"
# Enough for some hundred workers; more would only fill the scheduler's memory.
_SUBMITTED = 1000
# Of a task whose worker raised an error: a storage may fail for a moment.
_RETRIES = 1
_CONNECT_S = 10
_WORKERS_S = 120
# The parts have all failures; the manifest shows the first.
_FAILURES_LISTED = 1000


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A connection to a Dask scheduler that has a worker.

    Args:
        address: tcp://HOST:PORT, or `local` for a cluster that is started here, a worker a core.

    Raises:
        ClusterError: nobody answers there, or no worker comes.
    """
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is a ClusterError here
    with ExitStack() as stack:
        try:
            if address == LOCAL:
                local = LocalCluster(
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.ERROR,
                )
                address = stack.enter_context(local).scheduler_address
            client = Client(address, timeout=_CONNECT_S)
            stack.enter_context(client).wait_for_workers(1, timeout=_WORKERS_S)
        except (OSError, ValueError) as error:
            raise ClusterError(
                _("the cluster at {address} cannot be used: {error}", address=address, error=error),
                _("Give the address of a Dask scheduler that has workers, tcp://HOST:8786."),
            ) from error
        yield client


@dataclass(frozen=True)
class Totals:
    """What a run has done, its earlier attempts included."""

    images: int
    detections: int
    failed: int
    parts: int
    versions: Sequence[int]


def detect(
    client: Client,
    images: Sequence[ImageFile],
    target: str,
    batch: Batch,
    config: Config,
    *,
    part_size: int,
    any_version: bool = False,
    on_done: Callable[[int, bool], None],
) -> Totals:
    """Detect what is in all images, but for the parts that are finished, and write the manifest.

    Args:
        target: URL or path of a folder that all workers reach.
        batch: without results.
        config: its server is one that all workers reach.
        part_size: images of a part.
        any_version: the server's version may change; else the version that answered first answers
            all, those of a later attempt too.
        on_done: told how many images are done, and whether they were before.

    Raises:
        ManifestError: the target has a run of other images or settings.
        ServingError: the model server gives no usable answers.
        ClusterError: the cluster or a storage fails.
    """
    target = absolute(target)
    manifest = inside(target, "manifest.json")
    header = {
        **batch.header(),
        "format": FORMAT,
        "images": {"count": len(images), "sha256": _digest(images)},
        "part_size": part_size,
    }
    version, started, finished = _begun(client, target, header, batch, config, any_version)
    header |= {"model_version": version}
    folder = inside(target, "parts")
    write_whole(manifest, _to_json(header, {"started": started, "finished": finished}))
    before = names_in(folder)
    summaries = []
    for summary in _detected(client, _tasks(images, folder, header, batch, config)):
        summaries.append(summary)
        on_done(summary.images, summary.name in before)
    summaries.sort(key=lambda summary: summary.name)
    if not finished or not before.issuperset(each.name for each in summaries):
        finished = now()
    times = {"started": started, "finished": finished}
    write_whole(manifest, _to_json(header, times, summaries))
    return _totals(summaries)


def _begun(
    client: Client,
    target: str,
    header: dict[str, Any],
    batch: Batch,
    config: Config,
    any_version: bool,
) -> tuple[int, str, str]:
    """Version (0: any), start and end ("": none) of the run; those of an attempt before this one.

    Raises:
        ManifestError: the earlier attempt was of other images, settings or another version.
    """
    version, started, finished = 0, batch.started, ""
    manifest = inside(target, "manifest.json")
    if (data := read_or_none(manifest)) is not None:
        version, started, finished = _earlier(data, header, manifest)
    elif not any_version:
        version = config.model_version or _result(client.submit(answering_version, config))
    asked = 0 if any_version else config.model_version or version
    if asked != version:
        raise ManifestError(
            _(
                "the run in {target} asks for version {version} of the model, not {asked}",
                target=target,
                version=version,
                asked=asked,
            ),
            _("0 stands for any version. Give another --out."),
        )
    return version, started, finished


def _tasks(
    images: Sequence[ImageFile], folder: str, header: dict[str, Any], batch: Batch, config: Config
) -> Iterator[Task]:
    size = header["part_size"]
    ran = json.dumps({key: header[key] for key in header if key != "images"}, sort_keys=True)
    for start in range(0, len(images), size):
        chosen = images[start : start + size]
        digest = hashlib.sha256(f"{ran}\n{_digest(chosen)}".encode()).hexdigest()
        urls = tuple(image.url for image in chosen)
        name = f"{digest[:32]}.parquet"
        yield Task(name, folder, urls, batch, config, header["model_version"])


def _detected(client: Client, tasks: Iterator[Task]) -> Iterator[Summary]:
    """The summaries of all parts as they come. Tasks of a worker that died go to another one."""

    def submitted(count: int) -> list[Future[Any]]:
        return [
            client.submit(detect_part, task, key=f"part-{task.name}", retries=_RETRIES)
            for task in islice(tasks, count)
        ]

    running = as_completed(submitted(_SUBMITTED))
    for future in running:
        yield _result(future)
        running.update(submitted(1))


def _result(future: Future[Any]) -> Any:
    """What a task gave. Raises what it raised, and ClusterError where the cluster lost it."""
    try:
        return future.result()
    except KilledWorker as error:
        raise ClusterError(
            _("several workers died of the same images: {error}", error=error),
            _("Read the workers' logs: they may need more memory."),
        ) from error
    except CancelledError as error:
        raise ClusterError(_("the scheduler was lost: {error}", error=error)) from error


def _digest(images: Sequence[ImageFile]) -> str:
    """SHA-256 of the images' URLs and of what is known of their state."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.url}\t{image.state}\n".encode())
    return digest.hexdigest()


def _earlier(data: bytes, header: dict[str, Any], where: str) -> tuple[int, str, str]:
    """Version, start and end of the run in a manifest. Raises ManifestError: it ran otherwise."""
    try:
        content = parse(data)
        differing = [key for key in header if content.get(key) != header[key]]
        version, times = int(content["model_version"]), content["times"]
        started, finished = str(times["started"]), str(times["finished"])
    except (JsonError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestError(
            _("{where} is no manifest of a run on a cluster", where=where),
            _("Give another --out."),
        ) from error
    if differing:
        stands = "; ".join(
            _("{key} {old}, not {new}", key=k, old=shown(content.get(k)), new=shown(header[k]))
            for k in differing
        )
        raise ManifestError(
            _("{where} is of a run with {differing}", where=where, differing=stands),
            _("Go on with the same images and settings, or give another --out."),
        )
    return version, started, finished


def _totals(summaries: Sequence[Summary]) -> Totals:
    return Totals(
        sum(each.images for each in summaries),
        sum(each.detections for each in summaries),
        sum(len(each.failures) for each in summaries),
        len(summaries),
        sorted({version for each in summaries for version in each.versions}),
    )


def _to_json(
    header: dict[str, Any], times: dict[str, str], summaries: Sequence[Summary] = ()
) -> bytes:
    """manifest.json: of a run that has not ended, without parts."""
    totals = _totals(summaries)
    failures = [failure for each in summaries for failure in each.failures]
    content = {
        **header,
        "times": times,
        "model_versions": totals.versions,
        "detections": totals.detections,
        "failed": totals.failed,
        "failures": failures[:_FAILURES_LISTED],
    }
    # A line a part, so that the file can be read and compared.
    parts = ",\n".join(
        json.dumps(
            {
                "file": f"parts/{each.name}",
                "images": each.images,
                "detections": each.detections,
                "failed": len(each.failures),
            }
        )
        for each in summaries
    )
    start = json.dumps(content, indent=1).removesuffix("\n}")
    return f'{start},\n "parts": [\n{parts}\n ]\n}}\n'.encode()
