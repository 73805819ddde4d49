"""Measure the disk size of a release, and the memory of the workers that serve it.

    python -m benchmarks.service.sizing --users 1000000 --items 1000000 --workers 4
    python -m benchmarks.service.sizing --releases RELEASES --workers 1 2 3 --json sizing.json

Publishes a release of random codes of that size, or uses an existing one, measures its files,
serves it with the given numbers of workers until each has answered, and sums up their memory;
shared memory counts once (PSS, Linux only). For comparison it also measures a process that has only
imported a worker's modules.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.tools import random_release
from benchmarks.tools.machine import describe, save
from benchmarks.tools.processes import children, pss_mib
from benchmarks.tools.serving import serving
from benchmarks.tools.synthetic_codes import release_in
from bitrecall.index.releases.release import Release
from bitrecall.loadtest.target import Target

MIB = 2**20
REQUESTS = 200

_IDLE = "import bitrecall.service.app, sys; print(flush=True); sys.stdin.read()"


def idle_mib(count: int) -> float:
    """Return the memory of another process with a worker's imports, next to ``count`` of them."""

    def total_mib(processes: int) -> float:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", _IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(processes)
        ]
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        total = sum(pss_mib(process.pid) for process in started)
        for process in started:
            process.communicate()
        return total

    return total_mib(count + 1) - total_mib(count)


def served_mib(root: Path, workers: int) -> float:
    """Return the memory of a service that has answered, over all its processes."""
    options = ("--workers", str(workers), "--events", "off", "--log-level", "error")
    with serving(root, *options) as (url, pid):
        users = Target.at(url).users(REQUESTS)
        for number in range(REQUESTS * workers):
            # A new connection per request, so that every worker gets requests.
            body = {"user_id": users[number % len(users)]}
            httpx.post(f"{url}/recommend", json=body).raise_for_status()
        return sum(pss_mib(process) for process in children(pid))


@contextmanager
def _release(arguments: argparse.Namespace) -> Iterator[tuple[Path, Release]]:
    if arguments.releases is not None:
        yield arguments.releases, release_in(arguments.releases)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "releases"
        yield root, random_release.publish(root, users=arguments.users, items=arguments.items)


def main() -> None:
    """Publish, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--releases", type=Path, help="release store; by default a random release is published"
    )
    parser.add_argument("--users", type=int, default=random_release.USERS)
    parser.add_argument("--items", type=int, default=random_release.ITEMS)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with _release(arguments) as (root, release):
        sizes = {path.name: path.stat().st_size for path in release.path.iterdir()}
        print(
            f"{release.n_users:,} users, {release.n_items:,} items, {release.manifest.seen:,} "
            f"pairs, {release.bits} bits, {release.manifest.backend}"
        )
        for name, size in sorted(sizes.items(), key=lambda entry: -entry[1])[:8]:
            print(f"  {name:<24}{size / MIB:10,.1f} MiB")
        print(f"  {'all files':<24}{sum(sizes.values()) / MIB:10,.1f} MiB")
        document = {"machine": describe(), "items": release.n_items, "files": sizes}
        del release
        memory = {workers: served_mib(root, workers) for workers in arguments.workers}
    for workers, mib in memory.items():
        above = " and their supervisor" if workers > 1 else ""
        print(f"{workers} workers{above}: {mib:,.0f} MiB in total, PSS")
    if len(memory) > 1:
        (fewer, fewer_mib), (more, more_mib) = min(memory.items()), max(memory.items())
        if fewer == 1:
            # The supervisor starts with the second worker.
            fewer, fewer_mib = sorted(memory.items())[1] if len(memory) > 2 else (fewer, fewer_mib)
        further = (more_mib - fewer_mib) / (more - fewer)
        print(f"each further worker: {further:,.1f} MiB")
        document["further_worker_mib"] = further
    idle = idle_mib(2)
    print(f"a process that has only imported a worker's modules: {idle:,.1f} MiB")
    save(arguments.json, {**document, "workers_mib": memory, "idle_mib": idle})


if __name__ == "__main__":
    main()
