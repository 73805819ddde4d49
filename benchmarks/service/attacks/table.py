r"""Put two runs of ``benchmarks.service.attacks`` side by side, as the table of docs/security.md.

python -m benchmarks.service.attacks.table \
        docs/performance/attacks-before.json docs/performance/attacks.json
"""

import argparse
import json
from pathlib import Path
from typing import Any


def cost(attack: dict[str, Any]) -> str:
    """Return the memory before and its maximum in MiB, and the longest /livez in ms."""
    memory = f"{attack['before_mib']:.0f} → {attack['most_mib']:.0f} MiB"
    return f"{memory}, {1000 * attack['worst_seconds']:,.0f} ms"


def table(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    earlier = {attack["name"]: attack for attack in before["attacks"]}
    lines = ["| | attack | cost before | result before | cost now | result now |", "|" + "---|" * 6]
    for attack in after["attacks"]:
        was = earlier[attack["name"]]
        cells = [str(attack["row"]), attack["name"], cost(was), was["found"]]
        cells += [cost(attack), attack["found"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table of two files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path, help="file written with --json")
    parser.add_argument("after", type=Path)
    arguments = parser.parse_args()
    before, after = (
        json.loads(path.read_text("utf-8")) for path in (arguments.before, arguments.after)
    )
    print(table(before, after))


if __name__ == "__main__":
    main()
