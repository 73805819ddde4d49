r"""Put two runs of ``benchmarks.service.attacks`` side by side, as the table of docs/security.md.

python -m benchmarks.service.attacks.table \
        docs/performance/attacks-before.json docs/performance/attacks.json
"""

import argparse
import json
from pathlib import Path
from typing import Any


def cost(one: dict[str, Any]) -> str:
    """Return the memory before and its maximum in MiB, and the longest /livez in ms."""
    memory = f"{one['before_mib']:.0f} → {one['most_mib']:.0f} MiB"
    return f"{memory}, {1000 * one['worst_seconds']:,.0f} ms"


def table(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    earlier = {one["name"]: one for one in before["attacks"]}
    lines = ["| | attack | cost before | result before | cost now | result now |", "|" + "---|" * 6]
    for one in after["attacks"]:
        was = earlier[one["name"]]
        cells = [str(one["row"]), one["name"], cost(was), was["found"], cost(one), one["found"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table of two files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path, help="what --json wrote")
    parser.add_argument("after", type=Path)
    given = parser.parse_args()
    before, after = (json.loads(path.read_text("utf-8")) for path in (given.before, given.after))
    print(table(before, after))


if __name__ == "__main__":
    main()
