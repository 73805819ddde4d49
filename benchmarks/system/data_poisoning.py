"""Check that retraining rejects bad data and says why.

    python -m benchmarks.system.data_poisoning

Retrains the embedded sample, with its interactions and its item table in files, while a service
accepts events. After a good run come runs with bad data: shuffled items, no data, files with half
of their rows missing, an item table with half of its rows missing. None of them may publish, and
the service must continue with its release. The events of a bad run are then removed, as an operator
would. At the end two runs must publish: one with a flood of events from a bot, of which
only a part may count, among other users' events; and a good one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.tools.serving import serving
from benchmarks.tools.simulated_users import draw_pairs
from bitrecall.events.store import EventStore
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.sample import sample_dataset, sample_items, sample_model

RECIPE = ("--recipe", "sample", "--set", "bits=64", "--set", "fit.epochs=3", "--no-progress")
USERS, EACH = 300, 5
FLOOD = 20_000
MAX_EVENTS_PER_REQUEST = 1000


@dataclass(frozen=True)
class Files:
    """The files to train on, besides events."""

    pairs: Path
    items: Path

    def write(self, pairs: float = 1.0, items: float = 1.0) -> None:
        """Write a fraction of the sample's interactions, and of its item table."""
        train = sample_dataset().train
        kept = np.random.default_rng(1).random(len(train)) < pairs
        lines = [
            f"{train.user_ids[user]},{train.item_ids[item]}"
            for user, item in zip(train.users[kept], train.items[kept], strict=True)
        ]
        self.pairs.write_text("\n".join(["user_id,item_id", *lines]) + "\n")
        table = sample_items()
        assert table.tags is not None
        rows = zip(table.ids, table.tags, table.columns["year"], strict=True)
        table_lines = [f"{name},{'|'.join(tags)},{year:.0f}" for name, tags, year in rows]
        table_lines = table_lines[: round(len(table_lines) * items)]
        self.items.write_text("\n".join(["item_id,tags,year", *table_lines]) + "\n")


class System:
    """A store, events, the files, and a service that accepts events."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = ReleaseStore(root / "releases")
        self.events = f"sqlite:///{root}/events.db"
        self.files = Files(root / "pairs.csv", root / "items.csv")
        self.model = sample_model()
        self.random = np.random.default_rng(0)

    def bitrecall(self, *arguments: str) -> int:
        """Run a command; return its exit code."""
        command = [sys.executable, "-m", "bitrecall", *arguments, "--events", self.events]
        return subprocess.run(command, check=False, capture_output=True).returncode

    def retrain(self) -> tuple[int, str]:
        """Run retraining; return its exit code and output."""
        places = ["--releases", str(self.store.root), "--work", str(self.root / "work")]
        files = [str(self.files.pairs), "--items", str(self.files.items)]
        code = self.bitrecall("retrain", *files, *places, *RECIPE)
        status = RetrainingStatus.read(self.store.root)
        return code, f"{status.outcome}: {status.reason}" if status else "no status in the store"

    def interactions(self, shuffled: bool = False) -> list[dict[str, str]]:
        """Return interactions of some users, by their taste or, shuffled, with random items."""
        places = np.arange(len(self.model.item_ids))
        if shuffled:
            self.random.shuffle(places)
        return [
            {"user_id": user, "item_id": self.model.item_ids[places[item]]}
            for user, item in draw_pairs(self.model, self.random, USERS, EACH)
        ]

    def flood(self) -> list[dict[str, str]]:
        """Return the events of a bot: thousands for one user."""
        items = self.random.choice(self.model.item_ids, FLOOD).tolist()
        return [{"user_id": "a bot", "item_id": item} for item in items]

    def last_event(self) -> int:
        """Return the number of the last event."""
        store = EventStore(self.events)
        try:
            return store.last_sequence()
        finally:
            store.close()


def post(client: httpx.Client, events: list[dict[str, str]]) -> None:
    """Send events through the API."""
    for start in range(0, len(events), MAX_EVENTS_PER_REQUEST):
        part = events[start : start + MAX_EVENTS_PER_REQUEST]
        client.post("/events", json={"events": part}).raise_for_status()


def served_release(client: httpx.Client) -> str:
    """Return the id of the release being served."""
    return str(client.get("/readyz").json()["release_id"])


def faults(system: System, client: httpx.Client) -> dict[str, Callable[[], None]]:
    """Return the faults of the bad runs, by name."""

    def half_the_pairs() -> None:
        system.files.write(pairs=0.5)
        post(client, system.interactions())

    def half_the_items() -> None:
        system.files.write(items=0.5)
        post(client, system.interactions())

    return {
        "shuffled items": lambda: post(client, system.interactions(shuffled=True)),
        "a run without events": lambda: None,
        "half of the pairs": half_the_pairs,
        "half of the item table": half_the_items,
    }


def retrain_with_usual_events(
    system: System,
    client: httpx.Client,
    name: str = "usual events",
    more: Sequence[dict[str, str]] = (),
) -> bool:
    """Send events and retrain; return whether the release was published and is served."""
    post(client, [*system.interactions(), *more])
    code, message = system.retrain()
    print(f"{name}: {message}", flush=True)
    status = RetrainingStatus.read(system.store.root)
    give_up = time.monotonic() + 30
    while status and status.release != served_release(client) and time.monotonic() < give_up:
        time.sleep(0.1)
    return code == 0 and status is not None and status.release == served_release(client)


def main() -> None:
    """Run the good and the bad retraining runs."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        system = System(Path(folder))
        system.files.write()
        code, message = system.retrain()
        print(f"the first run: {message}", flush=True)
        if code:
            sys.exit(1)
        options = ("--events", system.events, "--poll-interval", "0.2", "--log-level", "error")
        with (
            serving(system.store.root, *options) as (url, _),
            httpx.Client(base_url=url, timeout=60) as client,
        ):
            if not retrain_with_usual_events(system, client):
                failures.append("the run before")
            for name, inject_fault in faults(system, client).items():
                before, release = system.last_event(), served_release(client)
                inject_fault()
                code, message = system.retrain()
                print(f"{name}: exit code {code}, {message}", flush=True)
                expected = 4 if name == "a run without events" else 3
                if code != expected or served_release(client) != release:
                    failures.append(name)
                system.files.write()
                until = str(system.last_event())
                system.bitrecall("events", "remove", "--after", str(before), "--until", until)
            if not retrain_with_usual_events(system, client, "the flood of a bot", system.flood()):
                failures.append("the flood of a bot")
            if not retrain_with_usual_events(system, client):
                failures.append("the run after")
    print(json.dumps({"failures": failures}))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
