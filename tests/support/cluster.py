"""What a cluster consists of, as processes of their own: Dask's scheduler and workers, an S3."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.support.paths import ROOT
from tests.support.running import START_S, free_port, wait_until_up


@dataclass(frozen=True)
class Cluster:
    address: str
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, workers: int, environment: dict[str, str]) -> Iterator[Cluster]:
    """A scheduler and workers of one thread, which nobody starts again. Logs go into the folder."""
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]

    def started(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, *common]
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process

    with ExitStack() as stack:
        scheduler = started("scheduler", "scheduler", "--port", "0")
        end = time.monotonic() + START_S
        while not file.exists():
            assert scheduler.poll() is None, "the scheduler ended"
            assert time.monotonic() < end, "the scheduler does not come up"
            time.sleep(0.05)
        options = ["worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        processes = [started(f"worker-{number}", *options) for number in range(workers)]
        yield Cluster(json.loads(file.read_text())["address"], processes)


@dataclass(frozen=True)
class S3:
    """An S3 server with one bucket, `bucket`."""

    client: Any
    environment: dict[str, str]

    def keys(self, prefix: str) -> dict[str, str]:
        """When each object that begins so was written last, by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket="bucket", Prefix=prefix
        )
        found = [each for page in pages for each in page.get("Contents", [])]
        return {each["Key"]: each["LastModified"].isoformat() for each in found}

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket="bucket", Key=key, Body=data)

    def get(self, key: str) -> bytes:
        data: bytes = self.client.get_object(Bucket="bucket", Key=key)["Body"].read()
        return data


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """An S3 server, whose environment leads all that uses S3 to it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    account = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    with (
        (folder / "s3.log").open("wb") as log,
        subprocess.Popen(
            command, env=os.environ | account, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            wait_until_up(f"{url}/moto-api/", process)
            client = boto3.client(
                "s3",
                endpoint_url=url,
                region_name=account["AWS_DEFAULT_REGION"],
                aws_access_key_id=account["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=account["AWS_SECRET_ACCESS_KEY"],
            )
            client.create_bucket(Bucket="bucket")
            yield S3(client, account | {"AWS_ENDPOINT_URL": url})
            client.close()
        finally:
            process.kill()
