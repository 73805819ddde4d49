"""Run the recipes of docs/operations.md on a Docker engine, from top to bottom.

    python -m benchmarks.system.operations_page
    python -m benchmarks.system.operations_page --stand-ins    # without a registry of images

Takes the indented blocks of the page and types each into an interactive shell, in a copy of this
checkout, under a project name of its own. The images ``bitrecall:serve`` and ``bitrecall:train``
are removed first, so that the first recipe builds them from this code. Between the recipes it does
what the page's reader would: brings files, sends events, stops the service, empties the volumes
before restoring. After a backup and its restore the numbers of events and releases must be the
same, and every recipe must end well. Containers, volumes and the copy are removed in the end.
``--stand-ins`` builds PostgreSQL and Prometheus from Debian's packages, and in place of Grafana
something that checks the files given to it; ``--limits`` prints what the containers use of what
they may.
"""

import argparse
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import polars as pl

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.training.data.sample import sample_dataset

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations.md"
PATIENCE = 900.0
EVENTS = 300
MOVED = 250
PROMPT = "recipe-ends-"
# What Compose builds where it is missing: the first recipe of the page.
BUILT_IMAGES = ("bitrecall:serve", "bitrecall:train")
STAND_INS = {
    "BITRECALL_POSTGRES_IMAGE": "bitrecall-test:postgres",
    "BITRECALL_PROMETHEUS_IMAGE": "bitrecall-test:prometheus",
    "BITRECALL_GRAFANA_IMAGE": "bitrecall-test:grafana",
}


@dataclass(frozen=True)
class Recipe:
    """One indented block of the page."""

    section: str
    text: str


def recipes(page: str) -> Iterator[Recipe]:
    """The indented blocks outside of fences, in order."""
    section, block, fenced = "", [], False
    for line in [*page.splitlines(), ""]:
        if line.startswith("    ") and not fenced:
            block.append(line[4:])
            continue
        if block:
            yield Recipe(section, "\n".join(block))
            block = []
        if line.startswith("```"):
            fenced = not fenced
        elif line.startswith("#"):
            section = line.lstrip("# ")


class Shell:
    """An interactive bash on a terminal of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.master, terminal = pty.openpty()
        attributes = termios.tcgetattr(terminal)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            cwd=folder,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**environment, "PS1": f"{PROMPT}$?\n", "PS2": "", "TERM": "dumb"},
        )
        os.close(terminal)
        self._read_to_prompt(30)

    def run(self, text: str) -> tuple[int, str]:
        """Paste some text; the exit status of the last command, and what was printed."""
        os.write(self.master, f"{text}\n".encode())
        return self._read_to_prompt(PATIENCE)

    def close(self) -> None:
        """End the shell."""
        self.process.terminate()
        os.close(self.master)
        self.process.wait()

    def _read_to_prompt(self, seconds: float) -> tuple[int, str]:
        printed = b""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if select.select([self.master], [], [], 1)[0]:
                printed += os.read(self.master, 65536)
                if found := re.search(rf"{PROMPT}(\d+)\r?\n\Z".encode(), printed):
                    return int(found[1]), printed[: found.start()].decode(errors="replace")
        sys.exit(f"no prompt within {seconds:.0f} s:\n{printed.decode(errors='replace')[-2000:]}")


@dataclass
class Reader:
    """The page's reader: what to do before and after some of its recipes."""

    folder: Path
    environment: dict[str, str]
    url: str
    limits: bool
    key: str | None = None
    kept: dict[str, object] = field(default_factory=dict)

    def before(self, recipe: Recipe) -> None:
        """Get ready what the recipe takes for granted."""
        if "BITRECALL_DATA=" in recipe.text:
            self.compose("down", "--volumes")
            _write_clicks(self._made("clicks") / "clicks.csv")
        if "BITRECALL_ITEMS=" in recipe.text:
            folder = self._made("catalogue")
            items = sorted({line.split(",")[1] for line in self._click_lines()})
            rows = [f"{item},{number % 50}.5" for number, item in enumerate(items)]
            (folder / "items.csv").write_text("\n".join(["item_id,price", *rows]) + "\n")
        if "retrain --dry-run" in recipe.text:
            self.send_events()
        if "release rollback" in recipe.text:
            # A release to roll back from.
            self.run_compose(
                *("run", "--rm", "-T", "--no-deps", "--entrypoint", "bitrecall", "trainer"),
                *("train", "/data", "--recipe", "sample", "--run", "/work/second"),
            )
        if recipe.text.startswith("docker/backup.sh"):
            self.send_events()
            self.kept = self.counts()
        if recipe.text.startswith("docker/restore.sh"):
            print(f"    before the backup: {self.kept}")
            self.compose("down", "--volumes")
        if "--without-releases" in recipe.text and not (self.folder / "backup").exists():
            self.kept = self.counts()
            script = ["docker/backup.sh", "backup"]
            subprocess.run(script, cwd=self.folder, env=self.environment, check=True)
        if "events copy sqlite:////old" in recipe.text:
            # Releases and keys stay: the database alone is new.
            self.compose("down")
            subprocess.run(["docker", "volume", "rm", "bitrecall-recipes_events"], check=True)
            store = EventStore(f"sqlite:///{self._made('old')}/events.db")
            store.append([Event(f"u{n % 40}", f"i{n % 90}", "view", 1e9 + n) for n in range(MOVED)])
            store.close()

    def after(self, recipe: Recipe, printed: str) -> None:
        """Look whether it did what the page says."""
        if found := re.search(r"br_[\w-]+", printed):
            self.key = found[0]
        if re.search(r"up -d(?! database)", recipe.text) and "monitoring" not in recipe.text:
            self.wait_until_ready()
        if recipe.section == "Operations" or "change-password" in recipe.text:
            self.send_events()
        if "release rollback" in recipe.text:
            self.wait_until_serving(re.findall(r"\d{8}T\d{6}Z-[0-9a-f]{8}", printed)[-1])
        if recipe.text.startswith("docker/restore.sh backup &&"):
            found_now = self.counts()
            print(f"    after the restore: {found_now}")
            if found_now != self.kept:
                sys.exit("the restore differs from what was backed up")
        if "events copy sqlite:////old" in recipe.text:
            moved = self.counts()["events"]
            print(f"    of {MOVED} events in SQLite, PostgreSQL has {moved}")
            if moved != MOVED:
                sys.exit("the copy differs from what was in SQLite")
        if "--without-releases" in recipe.text:
            found_now = self.counts()
            print(f"    in the new project: {found_now}")
            if found_now["events"] != self.kept["events"]:
                sys.exit(f"restored {found_now['events']} events, not {self.kept['events']}")
        if "BITRECALL_ITEMS=" in recipe.text:
            self.run_compose("exec", "-T", "trainer", "test", "-s", "/items/items.csv")
        if "--profile monitoring" in recipe.text:
            self.check_monitoring()
        if self.limits and recipe.text == "docker compose --profile monitoring up -d":
            print(self.usage())

    def headers(self) -> dict[str, str]:
        """What to send along with a request."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    def wait_until_ready(self) -> None:
        """Until ``/readyz`` has answered 200 ten times in a row."""
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
        """Until ``/readyz`` names a release."""
        give_up = time.monotonic() + 60
        while (found := httpx.get(f"{self.url}/readyz").json()["release_id"]) != release:
            if time.monotonic() > give_up:
                sys.exit(f"the service still answers from {found}, not from {release}")
            time.sleep(0.2)

    def send_events(self) -> None:
        """Send events, each once however often this is called."""
        events = [
            {"user_id": f"reader {n % 50}", "item_id": item, "id": f"event {n}"}
            for n, item in zip(range(EVENTS), self._items(), strict=False)
        ]
        answer = httpx.post(f"{self.url}/events", json={"events": events}, headers=self.headers())
        answer.raise_for_status()

    def counts(self) -> dict[str, object]:
        """How many events there are, and which releases, of which one is served."""
        events = self.run_compose(
            *("exec", "-T", "database", "psql", "-X", "-A", "-t", "-U", "bitrecall"),
            *("-d", "bitrecall", "-c", "SELECT count(*) FROM events"),
        )
        answer = httpx.get(f"{self.url}/releases", headers=self.headers())
        answer.raise_for_status()
        document = answer.json()
        ids = sorted(one["id"] for one in document["releases"])
        return {"events": int(events), "releases": ids, "serving": document["serving"]}

    def check_monitoring(self) -> None:
        """Prometheus has both targets up, Grafana answers."""
        give_up = time.monotonic() + 120
        wanted = {("service", "up"), ("trainer", "up")}
        found: set[tuple[str, str]] = set()
        key = sends_a_key((self.folder / "monitoring" / "prometheus.yml").read_text("utf-8"))
        while found != wanted:
            if time.monotonic() > give_up:
                if self.key is not None and not key and ("trainer", "up") in found:
                    break  # the service asks for a key that Prometheus gets in the next recipe
                sys.exit(f"Prometheus does not reach its targets: {found}\n{self.logs()}")
            port = self.environment["BITRECALL_PUBLISH_PROMETHEUS"]
            try:
                targets = httpx.get(f"http://{port}/api/v1/targets").json()["data"]
                found = {(one["labels"]["job"], one["health"]) for one in targets["activeTargets"]}
            except httpx.TransportError:
                found = set()
            if self.key is not None and not key and ("trainer", "up") in found:
                break
            time.sleep(1)
        print(f"    Prometheus: {sorted(found)}")
        grafana = httpx.get(f"http://{self.environment['BITRECALL_PUBLISH_GRAFANA']}/")
        print(f"    Grafana's port: {grafana.status_code}")

    def usage(self) -> str:
        """What the containers use of what they may."""
        ids = self.run_compose("--profile", "monitoring", "ps", "-q").split()
        columns = "{{.Name}}  {{.MemUsage}}  {{.PIDs}} processes and threads"
        return subprocess.run(
            ["docker", "stats", "--no-stream", "--format", columns, *ids],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def logs(self) -> str:
        """The ends of the containers' logs."""
        return self.run_compose("logs", "--tail", "20")[-6000:]

    def compose(self, *arguments: str) -> None:
        """Run a command of Compose, and say so."""
        print(f"  $ docker compose {' '.join(arguments)}", flush=True)
        self.run_compose(*arguments)

    def run_compose(self, *arguments: str) -> str:
        """What a command of Compose prints."""
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

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _click_lines(self) -> list[str]:
        return (self.folder / "clicks" / "clicks.csv").read_text("utf-8").splitlines()[1:]

    def _items(self) -> list[str]:
        items = httpx.get(f"{self.url}/items?k=100", headers=self.headers()).json()["ids"]
        return [items[n % len(items)] for n in range(EVENTS)]


def sends_a_key(settings: str) -> bool:
    """Whether Prometheus's settings have a line about a key that is not a comment."""
    return re.search(r"^\s*authorization:", settings, re.MULTILINE) is not None


def _write_clicks(path: Path) -> None:
    """The training pairs of the embedded sample as a file of clicks."""
    pairs = sample_dataset().train
    assert pairs.times is not None
    columns = {
        "user_id": [pairs.user_ids[row] for row in pairs.users],
        "item_id": [pairs.item_ids[row] for row in pairs.items],
        "timestamp": pairs.times.astype(int),
    }
    pl.DataFrame(columns).write_csv(path)


# What cannot be run here, and why.
LEFT_OUT: dict[str, str] = {
    "export BITRECALL_EVENTS=": "needs a database at db.example; the next one does the same",
    "bitrecall retrain --milvus": "needs a Milvus server; tests/index/milvus has one",
    "bitrecall serve --milvus": "needs a Milvus server; tests/service/releases has one",
    "printf '%s\\n' BITRECALL_EXTRAS=milvus": "needs a Milvus server",
}
# Exit codes that are no fault: a dry run may find that it would not publish.
FINE: dict[str, set[int]] = {"retrain --dry-run": {0, 3, 4}}


def shim(folder: Path) -> None:
    """Where there is only Compose v1, a ``docker`` whose command ``compose`` is that."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return
    docker, compose = shutil.which("docker"), shutil.which("docker-compose")
    if docker is None or compose is None:
        sys.exit("this needs docker, and Compose v1 or v2")
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = compose ]; then shift; exec {compose} "$@"; fi\n'
        f'exec {docker} "$@"\n'
    )
    path.chmod(0o755)


def free_address() -> str:
    """An address on this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


def copy_of_checkout(folder: Path) -> Path:
    """A clone of this checkout with what has not been committed, whose ``git pull`` works."""
    copy, origin = folder / "bitrecall", folder / "origin.git"
    git = ("git", "-c", "advice.detachedHead=false")
    # An origin of its own, which nobody else changes.
    subprocess.run([*git, "clone", "-q", "--bare", str(ROOT), str(origin)], check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(copy)], check=True)
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)
    return copy


def remove_images(environment: dict[str, str]) -> None:
    """Remove the images of earlier code: Compose would start them instead of building new ones.

    Their layers stay for the build. Docker refuses while containers use them.
    """
    for image in BUILT_IMAGES:
        listed = ["docker", "image", "ls", "--quiet", image]
        found = subprocess.run(listed, check=True, capture_output=True, text=True, env=environment)
        if not found.stdout.strip():
            continue
        removed = subprocess.run(
            ["docker", "image", "rm", "--no-prune", image],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
        if removed.returncode:
            sys.exit(f"cannot remove the image {image} to build it anew: {removed.stderr.strip()}")


def follow(reader: Reader, shell: Shell, only: Callable[[Recipe], bool]) -> None:
    """Run the recipes, and stop at the first that fails."""
    for recipe in recipes((reader.folder / "docs" / "operations.md").read_text("utf-8")):
        first = recipe.text.splitlines()[0]
        if not only(recipe):
            continue
        reason = next((why for text, why in LEFT_OUT.items() if first.startswith(text)), None)
        if reason is not None:
            print(f"[{recipe.section}] left out: {first}\n    {reason}")
            continue
        reader.before(recipe)
        print(f"[{recipe.section}]\n" + "\n".join(f"  $ {one}" for one in recipe.text.split("\n")))
        began = time.monotonic()
        status, printed = shell.run(recipe.text)
        fine = next((codes for text, codes in FINE.items() if text in recipe.text), {0})
        last = printed.strip().splitlines()[-1:] or [""]
        print(
            f"    {status}, {time.monotonic() - began:.0f} s: {last[0].strip()[:160]}", flush=True
        )
        if status not in fine:
            sys.exit(f"this recipe failed with {status}:\n{printed[-3000:]}\n{reader.logs()}")
        reader.after(recipe, printed)


def main() -> None:
    """Copy the checkout, follow the page, remove everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stand-ins", action="store_true", help="build images from Debian's")
    parser.add_argument("--section", nargs="+", help="only the recipes of these, after the first")
    parser.add_argument("--limits", action="store_true", help="say what the containers use")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bitrecall-recipes-") as folder:
        shim(Path(folder))
        service = free_address()
        environment = {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "BITRECALL_PUBLISH": service,
            "BITRECALL_RECIPE": "sample",
            "BITRECALL_PUBLISH_PROMETHEUS": free_address(),
            "BITRECALL_PUBLISH_GRAFANA": free_address(),
        }
        if given.stand_ins:
            for image in STAND_INS.values():
                source = ROOT / "benchmarks" / "images" / image.partition(":")[2]
                subprocess.run(["docker", "build", "-q", "-t", image, str(source)], check=True)
            environment |= STAND_INS | {"BITRECALL_TORCH_INDEX": ""}
            LEFT_OUT["docker/pin-images.sh"] = "images that were built here have no digest"
            LEFT_OUT["docker compose exec -T grafana"] = "its place is taken by a stand-in"
        copy = copy_of_checkout(Path(folder))
        (copy / ".env").write_text("COMPOSE_PROJECT_NAME=bitrecall-recipes\n")
        (copy / "docker" / "retrain.env").write_text("BITRECALL_RETRAIN_MOST_DRIFT=2\n")
        reader = Reader(copy, environment, f"http://{service}", given.limits)
        remove_images(environment)
        sections = None if given.section is None else {"Operations", *given.section}
        shell = Shell(copy, environment)
        try:
            follow(reader, shell, lambda one: sections is None or one.section in sections)
        finally:
            shell.close()
            for project in ("bitrecall-recipes", "next"):
                reader.compose("--project-name", project, "down", "--volumes", "--remove-orphans")


if __name__ == "__main__":
    main()
