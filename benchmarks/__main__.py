"""Runs the benchmarks and writes their results and docs/performance.md.

    python -m benchmarks                            # all, in less than ten minutes on two cores
    python -m benchmarks postprocess                # one topic
    python -m benchmarks visitors --visitors 50 --seconds 60 --leave    # with its own options

Each topic runs in a process of its own and leaves `benchmarks/results/TOPIC.json`.
"""

import subprocess
import sys
import time

from benchmarks import document
from benchmarks.document import TOPICS
from benchmarks.measuring import RESULTS, ROOT, say
from benchmarks.replicas import NGINX

# The crowd of fifty takes four minutes.
BRIEF = {"visitors": ["--visitors", "10", "--seconds", "20", "--pause", "5"]}


def main() -> int:
    chosen, options = sys.argv[1:2], sys.argv[2:]
    if not set(chosen) <= set(TOPICS):
        say(f"{chosen[0]} is no topic, expected one of {', '.join(TOPICS)}")
        return 2
    for topic in chosen or TOPICS:
        if topic == "replicas" and NGINX is None:
            say("replicas: left out, as nginx is not installed")
            continue
        say(f"--- {topic}")
        started = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{topic}"]
        command += ["--out", str(RESULTS / f"{topic}.json"), *(options or BRIEF.get(topic, []))]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return 1
        say(f"{topic}: {time.monotonic() - started:.0f} s")
    document.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
