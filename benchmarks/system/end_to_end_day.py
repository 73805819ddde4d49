"""Run the whole system on Docker for a day: requests, events, scheduled retraining, a swap.

    docker compose build && python -m benchmarks.system.end_to_end_day

Starts the system under its own project name, with empty volumes and the embedded sample, and waits
until it is ready. Then it sends requests without a pause and events for some known and some new
users, and the schedule, set to a few minutes ahead, retrains. Checks that the release changes, that
the new users are known to it, that the recommendations of users with events change and leave out
their new items, that no request fails in that time, and that a stop and a start lose nothing.
Everything is removed at the end.
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from benchmarks.tools.simulated_users import draw_pairs
from bitrecall.training.data.sample import sample_model

ROOT = Path(__file__).parents[2]
NEW_USERS = [f"new user {number}" for number in range(20)]
KNOWN = 40
PATIENCE = 900.0


class Compose:
    """The system under a project name."""

    def __init__(self, project: str, environment: dict[str, str]) -> None:
        compose = shutil.which("docker-compose")
        self.command = [compose] if compose else ["docker", "compose"]
        self.command += ["--project-name", project, "--file", str(ROOT / "compose.yaml")]
        self.environment = os.environ | environment

    def __call__(self, *arguments: str) -> str:
        """Run a command of Compose; return its output."""
        done = subprocess.run(
            [*self.command, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
        )
        if done.returncode:
            sys.exit(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout


class Requester(threading.Thread):
    """Requests recommendations until it is stopped, and records failures."""

    def __init__(self, url: str, users: list[str]) -> None:
        super().__init__()
        self.url = url
        self.users = users
        self.answers = 0
        self.releases: list[str] = []
        self.failed: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Send requests one after another."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.stop.wait(0.01):
                user = random.choice(self.users)
                try:
                    answer = client.post("/recommend", json={"user_id": user})
                except httpx.TransportError as error:
                    self.failed.append(repr(error))
                    continue
                self.answers += 1
                if answer.status_code != 200:
                    self.failed.append(f"{answer.status_code} {answer.text[:200]}")
                    continue
                release = answer.json()["release_id"]
                if self.releases[-1:] != [release]:
                    self.releases.append(release)


def wait_until_ready(url: str) -> float:
    """Wait for repeated 200s of ``/readyz`` (each worker checks itself); return seconds."""
    started = time.monotonic()
    first, in_a_row = started, 0
    while time.monotonic() < started + PATIENCE:
        try:
            ready = httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            ready = False
        if ready and not in_a_row:
            first = time.monotonic()
        in_a_row = in_a_row + 1 if ready else 0
        if in_a_row == 30:
            return first - started
        time.sleep(0.1 if ready else 0.5)
    sys.exit(f"the service was not ready within {PATIENCE:.0f} s")


def items_of(client: httpx.Client, user: str) -> list[str]:
    """Return the items recommended to a user."""
    answer = client.post("/recommend", json={"user_id": user, "k": 20})
    answer.raise_for_status()
    return [item["id"] for item in answer.json()["items"]]


def interactions_of_a_day() -> dict[str, list[str]]:
    """Return interactions of forty sample users and the new users: five items each.

    The items follow the users' own taste. Recommended items would be known perfectly to the
    release.
    """
    model = sample_model()
    interactions: dict[str, list[str]] = {}
    for user, item in draw_pairs(model, np.random.default_rng(), KNOWN + len(NEW_USERS), 5):
        interactions.setdefault(user, []).append(model.item_ids[item])
    names = [*list(interactions)[:KNOWN], *NEW_USERS]
    return dict(zip(names, interactions.values(), strict=True))


def run_day(url: str) -> None:
    """Send requests and events, wait for the retraining run, and compare."""
    with httpx.Client(base_url=url, timeout=60) as client:
        interactions = interactions_of_a_day()
        users = list(interactions)[:KNOWN]
        release = client.get("/readyz").json()["release_id"]
        before = {user: items_of(client, user) for user in users}
        requester = Requester(url, users)
        requester.start()
        try:
            events = [
                {"user_id": user, "item_id": item}
                for user, items in interactions.items()
                for item in items
            ]
            client.post("/events", json={"events": events}).raise_for_status()
            summary = f"{sum(map(len, interactions.values()))} events of {len(interactions)} users"
            print(f"{summary}; waiting for retraining", flush=True)
            started = time.monotonic()
            while requester.releases[-1:] in ([], [release]):
                if time.monotonic() > started + PATIENCE:
                    sys.exit(f"the release did not change: {client.get('/releases').text[:2000]}")
                time.sleep(0.2)
            time.sleep(5)
        finally:
            requester.stop.set()
            requester.join()
        print(
            f"{requester.answers:,} responses, {len(requester.failed)} failed; {requester.releases}"
        )
        after = {user: items_of(client, user) for user in interactions}
        changed = sum(before[user] != after[user] for user in before)
        repeated = sum(bool(set(after[user]) & set(items)) for user, items in interactions.items())
        known = sum(client.get(f"/users/{user}").json()["known"] for user in NEW_USERS)
        status = client.get("/releases").json()["last_retraining"]
        print(f"retraining: {status['outcome']}, {status['reason']}")
        print(f"{changed} of {len(before)} users with events have other recommendations")
        print(f"{repeated} users got an item that they already had")
        print(f"{known} of {len(NEW_USERS)} new users are known")
        if requester.failed or repeated or known != len(NEW_USERS) or changed < len(before) * 0.9:
            print("\n".join(requester.failed[:5]))
            sys.exit(1)


def stop_and_start(compose: Compose, url: str) -> None:
    """Check that nothing is lost after the containers are removed and started again."""
    release = httpx.get(f"{url}/readyz").json()["release_id"]
    compose("down")
    compose("up", "-d", "--no-build")
    seconds = wait_until_ready(url)
    same = httpx.get(f"{url}/readyz").json()["release_id"] == release
    seen = httpx.get(f"{url}/users/{NEW_USERS[0]}").json()["seen"]
    print(f"down and up: ready after {seconds:.0f} s, the same release: {same}, {seen} seen items")
    if not same or seen < 5:
        sys.exit(1)


def main() -> None:
    """Start, run a day, stop and start, remove."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=4, help="until the retraining run")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    at = datetime.now(UTC) + timedelta(minutes=arguments.minutes)
    with tempfile.TemporaryDirectory() as folder:
        thresholds = Path(folder) / "retrain.env"
        # With so few events, popularity drifts.
        thresholds.write_text("BITRECALL_RETRAIN_MAX_DRIFT=2\n")
        compose = Compose(
            "bitrecall-day",
            {
                "BITRECALL_PUBLISH": f"127.0.0.1:{port}",
                "BITRECALL_AT": f"{at:%H:%M}",
                "BITRECALL_RETRAIN_ENV": str(thresholds),
            },
        )
        started = time.monotonic()
        try:
            compose("up", "-d", "--no-build")
            wait_until_ready(url)
            print(f"ready after {time.monotonic() - started:.0f} s; retraining at {at:%H:%M}")
            run_day(url)
            stop_and_start(compose, url)
        finally:
            compose("down", "--volumes")


if __name__ == "__main__":
    main()
