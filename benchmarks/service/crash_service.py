"""Check that every acknowledged event is stored exactly once while the service is killed.

    python -m benchmarks.service.crash_service                               # SQLite, ten rounds
    python -m benchmarks.service.crash_service --events postgresql://…/storm # an empty database

Serves a small release and sends it events from several threads as fast as they are accepted, some
with an id and repeated until they are acknowledged. Kills the service (SIGKILL) at a random moment
and starts it again on the same database, several times. At the end every acknowledged event must be
in the database exactly once, and the database must not have any event that was not sent.
"""

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from benchmarks.tools import random_release
from bitrecall.events.store import EventStore

SENDERS = 6


class Sender(threading.Thread):
    """Sends events until it is stopped, each until it is acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(name=name)
        self.url = url
        self.sent = 0
        self.acknowledged: list[str] = []
        self.refused = 0
        self.stop = threading.Event()

    def run(self) -> None:
        """Send events one after another."""
        with httpx.Client(base_url=self.url, timeout=20) as client:
            while not self.stop.is_set():
                self.sent += 1
                names = [f"{self.name}-{self.sent}-{part}" for part in range(random.randint(1, 4))]
                while not self.stop.is_set() and not self._acknowledged(client, names):
                    time.sleep(0.01)

    def _acknowledged(self, client: httpx.Client, names: list[str]) -> bool:
        events = [{"user_id": self.name, "item_id": name, "id": name} for name in names]
        try:
            answer = client.post("/events", json={"events": events})
        except httpx.TransportError:
            return False
        if answer.status_code != 200:
            self.refused += 1
            return False
        result = answer.json()
        if result["accepted"] + result["duplicates"] != len(names):
            sys.exit(f"{result} for {len(names)} events")
        self.acknowledged.extend(names)
        return True


def main() -> None:
    """Run the rounds and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", metavar="URL", help="an empty database; SQLite by default")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        random_release.publish(root / "releases")
        events = arguments.events or f"sqlite:///{root}/events.db"
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        command = [
            *(sys.executable, "-m", "bitrecall", "serve", "--releases", str(root / "releases")),
            *("--events", events, "--port", str(port), "--workers", str(arguments.workers)),
        ]
        senders = [Sender(f"http://127.0.0.1:{port}", f"s{n}") for n in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            for round_number in range(arguments.rounds):
                run_round(command, senders, round_number, arguments.rounds)
        finally:
            for sender in senders:
                sender.stop.set()
            for sender in senders:
                sender.join()
        judge(events, senders)


def run_round(command: list[str], senders: list[Sender], number: int, rounds: int) -> None:
    """Start the service, wait for some acknowledged events, and kill it at a random moment."""
    before = sum(len(sender.acknowledged) for sender in senders)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    give_up = time.monotonic() + 60
    while sum(len(sender.acknowledged) for sender in senders) < before + 50:
        if time.monotonic() > give_up:
            sys.exit("no events were acknowledged within a minute")
        time.sleep(0.01)
    time.sleep(random.uniform(0, 1.5))
    subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=True)
    if process.wait() != -signal.SIGKILL:
        sys.exit("the service ended before it was killed")
    after = sum(len(sender.acknowledged) for sender in senders)
    print(
        f"round {number + 1} of {rounds}: {after - before:,} acknowledged, then killed", flush=True
    )


def judge(events: str, senders: list[Sender]) -> None:
    """Compare the acknowledged events with the database."""
    store = EventStore(events, create=False)
    stored = Counter(event.item_id for event in store.all_after(0))
    store.close()
    acknowledged = {name for sender in senders for name in sender.acknowledged}
    lost = acknowledged - stored.keys()
    twice = [name for name, count in stored.items() if count > 1]
    print(
        f"{len(acknowledged):,} acknowledged, {len(stored):,} in the database: "
        f"{len(lost)} lost, {len(twice)} stored twice"
    )
    if lost or twice:
        sys.exit(1)


if __name__ == "__main__":
    main()
