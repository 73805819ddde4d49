"""The reader of docs/operations.md: actions before and after its commands."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import polars as pl

from benchmarks.system.operations_page.page import CommandBlock
from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.training.data.sample import sample_dataset

PROJECT = "bitrecall-operations-page"
PATIENCE = 900.0
EVENTS = 300
COPIED = 250


@dataclass
class Reader:
    """The reader of the page, who acts before and after some of its commands."""

    folder: Path
    environment: dict[str, str]
    url: str
    limits: bool
    key: str | None = None
    saved_counts: dict[str, object] = field(default_factory=dict)

    def before(self, block: CommandBlock) -> None:
        """Prepare what the block requires."""
        if "BITRECALL_DATA=" in block.text:
            self.compose("down", "--volumes")
            _write_clicks(self._make_folder("clicks") / "clicks.csv")
        if "BITRECALL_ITEMS=" in block.text:
            folder = self._make_folder("catalogue")
            items = sorted({line.split(",")[1] for line in self._click_lines()})
            rows = [f"{item},{number % 50}.5" for number, item in enumerate(items)]
            (folder / "items.csv").write_text("\n".join(["item_id,price", *rows]) + "\n")
        if "retrain --dry-run" in block.text:
            self.send_events()
        if "release rollback" in block.text:
            # A release to roll back from.
            self.run_compose(
                *("run", "--rm", "-T", "--no-deps", "--entrypoint", "bitrecall", "trainer"),
                *("train", "/data", "--recipe", "sample", "--run", "/work/second"),
            )
        if block.text.startswith("docker/backup.sh"):
            self.send_events()
            self.saved_counts = self.counts()
        if block.text.startswith("docker/restore.sh"):
            print(f"    before the backup: {self.saved_counts}")
            self.compose("down", "--volumes")
        if "--without-releases" in block.text and not (self.folder / "backup").exists():
            self.saved_counts = self.counts()
            script = ["docker/backup.sh", "backup"]
            subprocess.run(script, cwd=self.folder, env=self.environment, check=True)
        if "events copy sqlite:////old" in block.text:
            # Releases and keys stay; only the database is new.
            self.compose("down")
            subprocess.run(["docker", "volume", "rm", f"{PROJECT}_events"], check=True)
            store = EventStore(f"sqlite:///{self._make_folder('old')}/events.db")
            store.append(
                [Event(f"u{n % 40}", f"i{n % 90}", "view", 1e9 + n) for n in range(COPIED)]
            )
            store.close()

    def after(self, block: CommandBlock, printed: str) -> None:
        """Check that the block did what the page says."""
        if match := re.search(r"br_[\w-]+", printed):
            self.key = match[0]
        if re.search(r"up -d(?! database)", block.text) and "monitoring" not in block.text:
            self.wait_until_ready()
        if block.section == "Operations" or "change-password" in block.text:
            self.send_events()
        if "release rollback" in block.text:
            self.wait_until_serving(re.findall(r"\d{8}T\d{6}Z-[0-9a-f]{8}", printed)[-1])
        if block.text.startswith("docker/restore.sh backup &&"):
            restored = self.counts()
            print(f"    after the restore: {restored}")
            if restored != self.saved_counts:
                sys.exit("the restore differs from the backup")
        if "events copy sqlite:////old" in block.text:
            copied = self.counts()["events"]
            print(f"    of {COPIED} events in SQLite, PostgreSQL has {copied}")
            if copied != COPIED:
                sys.exit("the copy differs from the events in SQLite")
        if "--without-releases" in block.text:
            restored = self.counts()
            print(f"    in the new project: {restored}")
            if restored["events"] != self.saved_counts["events"]:
                sys.exit(f"restored {restored['events']} events, not {self.saved_counts['events']}")
        if "BITRECALL_ITEMS=" in block.text:
            self.run_compose("exec", "-T", "trainer", "test", "-s", "/items/items.csv")
        if "--profile monitoring" in block.text:
            self.check_monitoring()
        if self.limits and block.text == "docker compose --profile monitoring up -d":
            print(self.usage())

    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    def wait_until_ready(self) -> None:
        """Wait until ``/readyz`` has responded with 200 ten times in a row."""
        in_a_row, give_up = 0, time.monotonic() + PATIENCE
        while in_a_row < 10:
            if time.monotonic() > give_up:
                sys.exit("the service did not become ready:\n" + self.logs())
            try:
                ready = httpx.get(f"{self.url}/readyz").status_code == 200
            except httpx.TransportError:
                ready = False
            in_a_row = in_a_row + 1 if ready else 0
            time.sleep(0.1 if ready else 0.5)

    def wait_until_serving(self, release: str) -> None:
        """Wait until ``/readyz`` names a release."""
        give_up = time.monotonic() + 60
        while (serving := httpx.get(f"{self.url}/readyz").json()["release_id"]) != release:
            if time.monotonic() > give_up:
                sys.exit(f"the service still serves {serving}, not {release}")
            time.sleep(0.2)

    def send_events(self) -> None:
        """Send events; each counts once, however often this is called."""
        events = [
            {"user_id": f"reader {n % 50}", "item_id": item, "id": f"event {n}"}
            for n, item in zip(range(EVENTS), self._items(), strict=False)
        ]
        answer = httpx.post(f"{self.url}/events", json={"events": events}, headers=self.headers())
        answer.raise_for_status()

    def counts(self) -> dict[str, object]:
        """Return the number of events and the releases, including the current one."""
        events = self.run_compose(
            *("exec", "-T", "database", "psql", "-X", "-A", "-t", "-U", "bitrecall"),
            *("-d", "bitrecall", "-c", "SELECT count(*) FROM events"),
        )
        answer = httpx.get(f"{self.url}/releases", headers=self.headers())
        answer.raise_for_status()
        document = answer.json()
        ids = sorted(release["id"] for release in document["releases"])
        return {"events": int(events), "releases": ids, "serving": document["serving"]}

    def check_monitoring(self) -> None:
        """Check that Prometheus has both targets up and that Grafana responds."""
        give_up = time.monotonic() + 120
        expected = {("service", "up"), ("trainer", "up")}
        targets_up: set[tuple[str, str]] = set()
        has_key = sends_a_key((self.folder / "monitoring" / "prometheus.yml").read_text("utf-8"))
        while targets_up != expected:
            if time.monotonic() > give_up:
                if self.key is not None and not has_key and ("trainer", "up") in targets_up:
                    break  # the service requires a key; Prometheus gets it in the next block
                sys.exit(f"Prometheus does not reach its targets: {targets_up}\n{self.logs()}")
            port = self.environment["BITRECALL_PUBLISH_PROMETHEUS"]
            try:
                targets = httpx.get(f"http://{port}/api/v1/targets").json()["data"]
                targets_up = {
                    (target["labels"]["job"], target["health"])
                    for target in targets["activeTargets"]
                }
            except httpx.TransportError:
                targets_up = set()
            if self.key is not None and not has_key and ("trainer", "up") in targets_up:
                break
            time.sleep(1)
        print(f"    Prometheus: {sorted(targets_up)}")
        grafana = httpx.get(f"http://{self.environment['BITRECALL_PUBLISH_GRAFANA']}/")
        print(f"    Grafana's port: {grafana.status_code}")

    def usage(self) -> str:
        """Return the containers' usage of their limits."""
        ids = self.run_compose("--profile", "monitoring", "ps", "-q").split()
        columns = "{{.Name}}  {{.MemUsage}}  {{.PIDs}} processes and threads"
        return subprocess.run(
            ["docker", "stats", "--no-stream", "--format", columns, *ids],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def logs(self) -> str:
        """Return the ends of the containers' logs."""
        return self.run_compose("logs", "--tail", "20")[-6000:]

    def compose(self, *arguments: str) -> None:
        """Print and run a command of Compose."""
        print(f"  $ docker compose {' '.join(arguments)}", flush=True)
        self.run_compose(*arguments)

    def run_compose(self, *arguments: str) -> str:
        """Return the output of a command of Compose."""
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"docker compose {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def _make_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _click_lines(self) -> list[str]:
        return (self.folder / "clicks" / "clicks.csv").read_text("utf-8").splitlines()[1:]

    def _items(self) -> list[str]:
        items = httpx.get(f"{self.url}/items?k=100", headers=self.headers()).json()["ids"]
        return [items[n % len(items)] for n in range(EVENTS)]


def sends_a_key(settings: str) -> bool:
    """Return whether Prometheus's configuration has an active line for a key."""
    return re.search(r"^\s*authorization:", settings, re.MULTILINE) is not None


def _write_clicks(path: Path) -> None:
    """Write the training interactions of the embedded sample as a click log."""
    pairs = sample_dataset().train
    assert pairs.times is not None
    columns = {
        "user_id": [pairs.user_ids[row] for row in pairs.users],
        "item_id": [pairs.item_ids[row] for row in pairs.items],
        "timestamp": pairs.times.astype(int),
    }
    pl.DataFrame(columns).write_csv(path)
