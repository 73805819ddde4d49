"""Measure the cost of attacks on the service. Each runs against its own service, on loopback only.

    python -m benchmarks.service.attacks                     # all, in about six minutes
    python -m benchmarks.service.attacks 1 4 16 --json attacks.json
    python -m benchmarks.service.attacks --checkout ../before

Serves a release of the size of Gowalla (random codes), attacks the service, and samples its memory
and the time that a new connection waits for /livez several times per second. Prints a table. Exits
with 1 if an attack succeeded, or cost more than the limits of memory (MiB) and /livez (seconds).
docs/security.md describes the attacks. All traffic goes to 127.0.0.1. Every attack is bounded in
connections, bytes and seconds, and stops the service that it started.
"""

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.service.attacks.suite import ATTACKS, line, measure, publish
from benchmarks.tools.machine import describe, save


def main() -> None:
    """Attack and print; return 1 if a check failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", type=int, nargs="*", help="rows to run; all by default")
    parser.add_argument("--checkout", type=Path, help="serve the code of another checkout")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    # On SIGTERM, also stop the attacked service.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    chosen = [attack for attack in ATTACKS if not arguments.rows or attack.row in arguments.rows]
    outcomes = []
    print(json.dumps(describe()))
    with tempfile.TemporaryDirectory() as outside:
        root = Path(outside) / "releases"
        publish(root, arguments.checkout)
        print("| row | attack | memory, MiB | /livez, ms, worst | found | held |", flush=True)
        print("|" + "---|" * 6)
        for number, attack in enumerate(chosen):
            folder = Path(outside) / str(number)
            folder.mkdir()
            outcomes.append(measure(attack, root, folder, arguments.checkout))
            print(line(outcomes[-1]), flush=True)
    save(
        arguments.json,
        {"machine": describe(), "attacks": [asdict(outcome) for outcome in outcomes]},
    )
    if not all(outcome.held for outcome in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
