"""The attacks of docs/security.md, and the measurement of one attack."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.service.attacks import connections, operations, requests
from benchmarks.service.attacks.target import Costs, Target, releases_in, target

MAX_MIB = 150.0
MAX_SECONDS = 1.0
CALM_SECONDS = 1.0


@dataclass(frozen=True)
class Attack:
    """An attack.

    Attributes:
        row: Row of docs/security.md.
        name: Name in the table.
        run: Runs the attack; returns the result, and whether the service behaved correctly.
        settings: Settings of the service.
        descriptors: Limit of open files of the service.
        keys: Whether the service has a key file.
        ends_service: Whether the attack stops the service, so that it has no cost to measure.
    """

    row: int
    name: str
    run: Callable[[Target], tuple[str, bool]]
    settings: Mapping[str, object] = field(default_factory=dict)
    descriptors: int | None = None
    keys: bool = False
    ends_service: bool = False


BUSY = {"max_concurrent": connections.MAX_CONCURRENT, "max_heavy_requests": 4}
ATTACKS = (
    Attack(1, "headers without end", connections.headers_without_end),
    Attack(1, "a URL without end", connections.url_without_end),
    Attack(1, "trailers without end", connections.trailers_without_end),
    Attack(2, "150 idle sockets, 128 files", connections.idle_sockets, descriptors=128),
    Attack(3, "a million explained items", requests.expensive_responses),
    Attack(4, "12 readers that never read", connections.never_reading, {"answer_timeout": 3}),
    Attack(5, "a user with 100,000 events", requests.long_history),
    Attack(6, "around admission", connections.around_admission, BUSY),
    Attack(7, "a refused connection", connections.refused_and_kept, BUSY),
    Attack(8, "a form of another page", requests.cross_site_form),
    Attack(9, "a rebound name", requests.dns_rebinding),
    Attack(10, "numbers of 310 digits", requests.numbers_without_end),
    Attack(11, "Upgrade: h2c", connections.other_protocols),
    Attack(12, "parent killed", operations.killed_parent, {"workers": 2}, ends_service=True),
    Attack(13, "a revoked key", operations.revoked_key, keys=True),
    Attack(14, "the Compose file", operations.compose_file),
    Attack(15, "a key that lists users", requests.list_of_users, keys=True),
    Attack(16, "10 x 90,000 unknown members", requests.unknown_members),
    Attack(17, "CURRENT as FIFO and of 1 MB", operations.pipe_for_pointer),
)


@dataclass(frozen=True)
class Outcome:
    """The result of an attack: memory in MiB, /livez in seconds."""

    row: int
    name: str
    before_mib: float
    most_mib: float
    after_mib: float
    calm_seconds: float
    worst_seconds: float
    found: str
    held: bool


def publish(root: Path, checkout: Path | None) -> None:
    """Publish two releases of random codes, in the format of a checkout."""
    code = "from pathlib import Path; from benchmarks.tools import random_release; "
    code += f"[random_release.publish(Path({str(root)!r}), seed) for seed in range(2)]"
    where = checkout or Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=where, check=True)


def measure(attack: Attack, root: Path, folder: Path, checkout: Path | None) -> Outcome:
    """Serve, attack and measure.

    Args:
        attack: The attack.
        root: A store with two releases.
        folder: Folder for files of the service.
        checkout: Code to serve, this checkout by default.
    """
    settings = dict(attack.settings)
    if attack.keys:
        (folder / "keys").touch(mode=0o600)
        settings["keys"] = folder / "keys"
    (root / "CURRENT").write_text(releases_in(root)[0] + "\n")
    calm, during = Costs(), Costs()
    with target(
        root, folder, settings, checkout=checkout, descriptors=attack.descriptors
    ) as service:
        with service.watched(calm):
            time.sleep(CALM_SECONDS)
        with service.watched(during):
            found, is_right = attack.run(service)
        after = service.memory()
    before = calm.memory[-1]
    peak, worst = max(during.memory), max(during.seconds)
    cheap = attack.ends_service or (peak - before <= MAX_MIB and worst <= MAX_SECONDS)
    return Outcome(
        attack.row,
        attack.name,
        before,
        peak,
        after,
        sorted(calm.seconds)[len(calm.seconds) // 2],
        worst,
        found,
        is_right and cheap,
    )


def line(outcome: Outcome) -> str:
    """Return a row of the table."""
    cells = [
        f"{outcome.row}",
        outcome.name,
        f"{outcome.before_mib:.0f} → {outcome.most_mib:.0f} → {outcome.after_mib:.0f}",
        f"{1000 * outcome.calm_seconds:.0f} → {1000 * outcome.worst_seconds:.0f}",
        outcome.found,
        "yes" if outcome.held else "**no**",
    ]
    return f"| {' | '.join(cells)} |"
