"""Measure the time from the start of the process to the first 200 of ``/readyz``.

    python -m benchmarks.service.startup
    python -m benchmarks.service.startup --releases RELEASES --json startup.json

Publishes a release of the size of Gowalla, or uses an existing one, and starts ``bitrecall serve``
on it several times. If the machine has other load, use the CPU seconds.
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from benchmarks.tools import random_release
from benchmarks.tools.machine import describe, save
from benchmarks.tools.processes import cpu_seconds
from benchmarks.tools.serving import free_port


def seconds_until_ready(releases: Path) -> tuple[float, float]:
    """Start ``bitrecall serve``, wait until ready, stop it; return wall and CPU seconds."""
    port = free_port()
    command = [
        str(Path(sysconfig.get_path("scripts")) / "bitrecall"),
        *("serve", "--releases", str(releases), "--port", str(port), "--log-level", "warning"),
    ]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    try:
        while not is_ready(port):
            if process.poll() is not None:
                sys.exit(f"the service ended with exit code {process.returncode}")
            time.sleep(0.002)
        return time.perf_counter() - started, cpu_seconds(process.pid)
    finally:
        process.terminate()
        process.wait()


def is_ready(port: int) -> bool:
    """Return whether ``/readyz`` responds with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def main() -> None:
    """Print the fastest, the median and the slowest start."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument(
        "--releases", type=Path, help="release store; by default a random release is published"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        releases = arguments.releases or Path(folder)
        if arguments.releases is None:
            random_release.publish(releases)
        took = [seconds_until_ready(releases) for _ in range(arguments.runs)]
    print(f"{os.cpu_count()} CPUs, load average before {load:.1f}, {arguments.runs} starts")
    both = dict(zip(("wall", "CPU"), zip(*took, strict=True), strict=True))
    save(arguments.json, {"machine": describe(), **both})
    for name, seconds in both.items():
        print(f"{name}: fastest {min(seconds):.2f} s, ", end="")
        print(f"median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
