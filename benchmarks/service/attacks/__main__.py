"""What do attacks cost the service? Each is run against a service of its own, on loopback only.

    python -m benchmarks.service.attacks                     # all, in about six minutes
    python -m benchmarks.service.attacks 1 4 16 --json attacks.json
    python -m benchmarks.service.attacks --checkout ../before

Serves a release of the size of Gowalla (random codes), attacks it, and looks several times a second
how much memory it has and what a new connection waits for /livez. Prints a table, and exits with 1
if an attack did what it should not, or cost more than the bounds: MiB of memory, seconds of /livez.
docs/security.md says what each attack is. All traffic goes to 127.0.0.1; every attack is bounded in
connections, bytes and seconds, and ends the service that it started.
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
    """Attack, print, and exit with 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", type=int, nargs="*", help="rows to run; all by default")
    parser.add_argument("--checkout", type=Path, help="serve the code of another checkout")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    # Also a script that is stopped stops the service that it attacks.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    chosen = [one for one in ATTACKS if not given.rows or one.row in given.rows]
    outcomes = []
    print(json.dumps(describe()))
    with tempfile.TemporaryDirectory() as outside:
        root = Path(outside) / "releases"
        publish(root, given.checkout)
        print("| row | attack | memory, MiB | /livez, ms, worst | found | held |", flush=True)
        print("|" + "---|" * 6)
        for number, attack in enumerate(chosen):
            folder = Path(outside) / str(number)
            folder.mkdir()
            outcomes.append(measure(attack, root, folder, given.checkout))
            print(line(outcomes[-1]), flush=True)
    save(given.json, {"machine": describe(), "attacks": [asdict(one) for one in outcomes]})
    if not all(one.held for one in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
