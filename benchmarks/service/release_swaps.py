"""Check that a swap of releases fails no request, and measure the delay that it causes.

    python -m benchmarks.service.release_swaps    # twenty swaps, two to damaged releases
    python -m benchmarks.service.release_swaps --workers 2 --connections 16

Serves releases of the size of Gowalla, loads the service over persistent connections, and activates
another release every few seconds. Two of the swaps go to damaged releases, which must be rejected.
Every response must be a 200 from one release: its items must be those that this release recommends
to that user. Compares the latency in the seconds around swaps with the latency at other times of
the same run.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.tools import random_release
from benchmarks.tools.serving import serving
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore

USERS = 50
AROUND = 1.0


@dataclass
class Observations:
    """The results of the requests: when and by which release each was answered, and its latency."""

    times: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def expected(release: Release, users: list[str]) -> dict[tuple[str, str], list[str]]:
    """Return the ten items that a release recommends to each of some users."""
    rows = np.array([release.users.row_of(user) for user in users])
    exclude = [release.seen[row] for row in rows]
    _, ranked = release.backend.search(release.user_codes(rows), 10, exclude)
    return {
        (release.id, user): release.items.ids_of(items)
        for user, items in zip(users, ranked, strict=True)
    }


async def request_until_stopped(
    client: httpx.AsyncClient,
    users: list[str],
    answers: dict[tuple[str, str], list[str]],
    observed: Observations,
    stop: asyncio.Event,
) -> None:
    """Send requests for one user after another, and check every response."""
    while not stop.is_set():
        user = random.choice(users)
        started = time.perf_counter()
        try:
            response = await client.post("/recommend", json={"user_id": user})
        except httpx.TransportError as error:
            observed.failed.append(repr(error))
            continue
        observed.seconds.append(time.perf_counter() - started)
        observed.times.append(time.monotonic())
        if response.status_code != 200:
            observed.failed.append(response.text[:200])
            continue
        answer = response.json()
        observed.releases.append(answer["release_id"])
        items = [item["id"] for item in answer["items"]]
        if answers.get((answer["release_id"], user)) != items:
            observed.failed.append(
                f"{user} got items that differ from those of release {answer['release_id']}"
            )


async def load(
    url: str, store: ReleaseStore, releases: list[Release], arguments: argparse.Namespace
) -> None:
    """Swap releases under load, and print the cost."""
    users = releases[0].users.ids_of(range(USERS))
    answers = {
        key: items for release in releases for key, items in expected(release, users).items()
    }
    observed, stop = Observations(), asyncio.Event()
    limits = httpx.Limits(max_connections=arguments.connections)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        clients = [
            asyncio.create_task(request_until_stopped(client, users, answers, observed, stop))
            for _ in range(arguments.connections)
        ]
        await asyncio.sleep(3)
        swaps = []
        bad = set(random.sample(range(1, arguments.swaps), min(2, arguments.swaps - 1)))
        for number in range(arguments.swaps):
            release = releases[(number + 1) % len(releases)]
            damage(store, release) if number in bad else (store.root / "CURRENT").write_text(
                release.id
            )
            swaps.append(time.monotonic())
            await asyncio.sleep(arguments.every)
        stop.set()
        await asyncio.gather(*clients)
    report(observed, swaps, bad, arguments)


def damage(store: ReleaseStore, release: Release) -> None:
    """Activate a copy of a release in which a file contradicts the manifest."""
    name = f"20260101T000000Z-{random.randrange(16**8):08x}"
    folder = store.root / name
    folder.mkdir()
    for path in release.path.iterdir():
        (folder / path.name).write_bytes(path.read_bytes()[: -1 if path.suffix == ".npy" else None])
    (store.root / "CURRENT").write_text(name)


def report(
    observed: Observations, swaps: list[float], bad: set[int], arguments: argparse.Namespace
) -> None:
    """Print the comparison; exit with 1 if anything failed."""
    times, seconds = np.array(observed.times), np.array(observed.seconds) * 1000
    poll = arguments.poll
    near = np.zeros(len(times), np.bool_)
    for swap in swaps:
        near |= (times > swap) & (times < swap + poll + AROUND)
    changes = sum(a != b for a, b in zip(observed.releases, observed.releases[1:], strict=False))
    print(f"{len(seconds):,} responses, {len(observed.failed)} failed or wrong")
    print(f"{len(swaps)} swaps, {len(bad)} of them to damaged releases; {changes} changes observed")
    for name, part in (("around swaps", seconds[near]), ("steady", seconds[~near])):
        p50, p99 = np.percentile(part, [50, 99])
        print(f"{name}: {len(part):,} responses, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    ratios = [np.percentile(seconds[near], q) / np.percentile(seconds[~near], q) for q in (50, 99)]
    print(f"around swaps over steady: p50 {ratios[0]:.2f}, p99 {ratios[1]:.2f}")
    if observed.failed:
        print("\n".join(observed.failed[:5]))
        sys.exit(1)


def main() -> None:
    """Publish, serve, load, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--every", type=float, default=3.0, metavar="SECONDS")
    parser.add_argument("--poll", type=float, default=0.2, metavar="SECONDS")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = ReleaseStore(Path(folder) / "releases")
        releases = [random_release.publish(store.root, seed) for seed in range(3)]
        options = ("--workers", str(arguments.workers), "--events", "off", "--log-level", "error")
        with serving(store.root, *options, "--poll-interval", str(arguments.poll)) as (url, _):
            asyncio.run(load(url, store, releases, arguments))


if __name__ == "__main__":
    main()
