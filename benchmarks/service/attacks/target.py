"""A service to attack on loopback, with measurements of its memory and of /livez."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.service.attacks.raw_http import Answer, Raw, request
from benchmarks.tools.serving import free_port

START_SECONDS: Final = 60.0
# A /livez without a response after this time counts as this long.
PROBE_SECONDS: Final = 5.0
PROBE_INTERVAL: Final = 0.05


@dataclass
class Costs:
    """Periodic measurements of a service: memory in MiB, seconds of /livez."""

    memory: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Target:
    """A running service.

    Attributes:
        port: Port that it listens on.
        process: Its first process.
        releases: Its store.
        log: File with its standard error.
    """

    port: int
    process: subprocess.Popen[bytes]
    releases: Path
    log: Path
    command: list[str]
    environment: dict[str, str]
    checkout: Path | None

    def exchange(self, data: bytes, timeout: float = 20.0) -> Answer:
        """Return the response to some bytes over a new connection; status 0 without one."""
        try:
            connection = Raw(self.port, timeout=timeout)
        except OSError:
            return 0, {}, b""
        with contextlib.closing(connection):
            connection.send(data)
            return connection.answer()

    def get(self, path: str, *more: str) -> Answer:
        """Return the response to a GET."""
        return self.exchange(request("GET", path, b"", *more))

    def memory(self) -> float:
        """Return the resident memory of the service and its workers, in MiB."""
        return sum(_resident(pid) for pid in family(self.process.pid))

    @contextlib.contextmanager
    def watched(self, costs: Costs) -> Iterator[None]:
        """Measure the costs several times per second during a ``with`` block."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                started = time.perf_counter()
                status, _, _ = self.exchange(request("GET", "/livez"), PROBE_SECONDS)
                taken = time.perf_counter() - started
                costs.seconds.append(taken if status == 200 else PROBE_SECONDS)
                costs.memory.append(self.memory())
                stop.wait(PROBE_INTERVAL)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    pids = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += family(int(child))
    return pids


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


@contextlib.contextmanager
def target(
    releases: Path,
    folder: Path,
    settings: Mapping[str, object],
    *,
    checkout: Path | None = None,
    descriptors: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """Serve; afterwards stop the service and its workers, whatever they are doing.

    Args:
        releases: The store.
        folder: Folder for the events and the log.
        settings: Settings by name. A checkout ignores names that it does not know.
        checkout: Code to serve, this checkout by default.
        descriptors: Limit of open files.
        environment: Additional environment variables.
    """
    port = int(str(settings.get("port", 0))) or free_port()
    values = {"events": f"sqlite:///{folder}/events.db", "poll_interval": 0.5, **settings}
    values |= {"releases": str(releases.resolve()), "port": port, "log_level": "info"}
    variables = {f"BITRECALL_{name.upper()}": str(value) for name, value in values.items()}
    outside = {name: value for name, value in os.environ.items() if "BITRECALL" not in name}
    full = {**outside, **variables, **(environment or {})}
    command = [sys.executable, "-m", "bitrecall", "serve"]
    log = folder / "log"

    def limit() -> None:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=full,
            stderr=stream,
            start_new_session=True,
            preexec_fn=limit,
        )
    served = Target(port, process, releases, log, command, full, checkout)
    try:
        wait_until_ready(served)
        yield served
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(served: Target) -> None:
    """Wait until the service is ready; exit with its log if it does not get ready."""
    give_up = time.monotonic() + START_SECONDS
    while served.get("/livez")[0] != 200:
        if served.process.poll() is not None or time.monotonic() > give_up:
            sys.exit(f"the service did not start:\n{served.log.read_text()}")
        time.sleep(0.05)


def releases_in(root: Path) -> list[str]:
    """Return the names of the releases in a store."""
    folders = (path for path in root.iterdir() if path.is_dir())
    return sorted(path.name for path in folders if not path.name.startswith("."))
