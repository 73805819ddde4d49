"""Check that only complete releases are served while retraining is killed.

    python -m benchmarks.system.crash_retraining    # a hundred kills, some while publishing
    python -m benchmarks.system.crash_retraining --events postgresql://…/kills  # an empty database

Retrains the embedded sample, while a service on the same releases answers requests. Each round
sends some events, starts a retraining run and kills it (SIGKILL) at a random moment, in some rounds
as soon as it publishes. Every response must be a 200 from a complete release, and at the end an
undisturbed retraining run must succeed.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np

from benchmarks.tools.serving import serving
from benchmarks.tools.simulated_users import draw_pairs
from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.sample import sample_model

QUICK = ("--recipe", "sample", "--set", "bits=64", "--set", "fit.epochs=3", "--no-progress")
USERS, EACH = 150, 4


class Requester(threading.Thread):
    """Requests recommendations until it is stopped."""

    def __init__(self, url: str, users: list[str]) -> None:
        super().__init__()
        self.url = url
        self.users = users
        self.answers = 0
        self.releases: set[str] = set()
        self.failed: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Send requests one after another."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.stop.wait(0.02):
                answer = client.post("/recommend", json={"user_id": random.choice(self.users)})
                self.answers += 1
                if answer.status_code == 200:
                    self.releases.add(answer.json()["release_id"])
                else:
                    self.failed.append(f"{answer.status_code} {answer.text[:200]}")


class System:
    """A release store, an events database, and the retraining command."""

    def __init__(self, root: Path, events: str | None) -> None:
        self.root = root
        self.store = ReleaseStore(root / "releases")
        self.events = events or f"sqlite:///{root}/events.db"
        self.model = sample_model()
        self.random = np.random.default_rng(0)

    def retrain(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a retraining run."""
        command = [sys.executable, "-m", "bitrecall", "retrain", *arguments, *QUICK]
        places = ["--releases", str(self.store.root), "--work", str(self.root / "work")]
        return subprocess.Popen(
            [*command, *places, "--events", self.events],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def send_events(self) -> None:
        """Store interactions of some users with items that they like."""
        events = [
            Event(user, self.model.item_ids[item], "view", time.time())
            for user, item in draw_pairs(self.model, self.random, USERS, EACH)
        ]
        store = EventStore(self.events)
        store.append(events)
        store.close()

    def is_publishing(self) -> bool:
        """Return whether a release is being written."""
        return any(path.name.startswith(".publishing-") for path in self.store.root.iterdir())

    def damage(self) -> str | None:
        """Return the damage of a release, or None if all are complete."""
        try:
            self.store.open_current()
        except ReleaseError as error:
            return str(error)
        damaged = [release for release in self.store.list() if release.damage is not None]
        return f"{damaged[0].id}: {damaged[0].damage}" if damaged else None


def run_round(system: System, duration: float) -> str:
    """Kill a retraining run; return the time of the kill."""
    system.send_events()
    process = system.retrain()
    started = time.monotonic()
    while_publishing = random.random() < 0.3
    give_up = started + (3 * duration if while_publishing else random.uniform(0, 1.1 * duration))
    while process.poll() is None and time.monotonic() < give_up:
        if while_publishing and system.is_publishing():
            time.sleep(random.uniform(0, 0.05))
            break
        time.sleep(0.002)
    when = "publishing" if system.is_publishing() else f"after {time.monotonic() - started:.1f} s"
    if process.poll() is not None:
        return "finished before the kill"
    process.kill()
    process.wait()
    return f"killed {when}"


def main() -> None:
    """Run the rounds and print the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", metavar="URL", help="an empty database; SQLite by default")
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        system = System(Path(folder), arguments.events)
        started = time.monotonic()
        if system.retrain("sample").wait() != 0:
            sys.exit("the first run failed")
        system.send_events()
        started = time.monotonic()
        if system.retrain().wait() != 0:
            sys.exit("the second run failed")
        duration = time.monotonic() - started
        print(f"a run takes {duration:.1f} s", flush=True)
        options = ("--events", system.events, "--poll-interval", "0.2", "--log-level", "error")
        with serving(system.store.root, *options) as (url, _):
            requester = Requester(url, system.model.user_ids)
            requester.start()
            try:
                rounds(system, duration, arguments.kills)
            finally:
                requester.stop.set()
                requester.join()
        last = system.retrain().wait()
        published = {release.id for release in system.store.list()}
        print(
            f"{requester.answers:,} responses from {len(requester.releases)} releases, "
            f"{len(requester.failed)} failed; the next run ended with {last}; "
            f"{len(published)} releases in the store"
        )
        if requester.failed or last not in (0, 3, 4):
            print("\n".join(requester.failed[:5]))
            sys.exit(1)


def rounds(system: System, duration: float, kills: int) -> None:
    """Kill a number of retraining runs, and verify the releases after each."""
    counted: dict[str, int] = {}
    done = 0
    while done < kills:
        outcome = run_round(system, duration)
        kind = "publishing" if "publishing" in outcome else outcome.split(" ")[0]
        counted[kind] = counted.get(kind, 0) + 1
        done += outcome != "finished before the kill"
        if damage := system.damage():
            sys.exit(f"{outcome}: {damage}")
        if done % 10 == 0:
            print(f"{done} of {kills}: {counted}", flush=True)
    print(f"{kills} kills, {counted.get('publishing', 0)} of them while publishing")


if __name__ == "__main__":
    main()
