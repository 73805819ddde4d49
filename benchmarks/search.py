"""Search a recipe's values one key after another, until a budget of seconds of training is spent.

    python benchmarks/search.py path/to/gowalla --recipe bgch-gowalla --seconds 7200 \
        --out bgch.jsonl "fit.learning_rate=0.005|0.01|0.02|0.05" "encoder.start=random|svd"

Each KEY=VALUE|VALUE|… is a ladder of values. From the recipe's own value, or the first one where
it stands on no rung, the search takes a step up or down a ladder for as long as that ranks better,
then turns to the next ladder, and begins again with the first until a round changes nothing or the
budget is spent. What ranks better has the higher Recall@50 in its best epoch, on the last fifth of
each user's training pairs, as in benchmarks/tuning.py. The test split is never read. A run that has
begun is finished, so the budget is a lower bound of what a search may take.

The budget counts the seconds of training steps of all runs in --out, so that an interrupted search
goes on: runs that stand there are not made again.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning import COLUMNS, best_epoch, table_line

from training.data.load import load_dataset
from training.log import TrainingLog
from training.memory import keep_freed_memory
from training.recipe import load_recipe

Rungs = dict[str, int]
"""Where on each ladder: the key's place among its values."""


def climb(
    ladders: Mapping[str, Sequence[str]],
    start: Rungs,
    score: Callable[[Rungs], float],
    may_go_on: Callable[[], bool],
) -> Rungs:
    """Coordinate ascent on ladders.

    Args:
        ladders: values of each key, in an order in which neighbours are alike.
        start: where to begin.
        score: the higher the better; asked once for each place.
        may_go_on: asked before each step; False ends the search.

    Returns:
        The best place seen.
    """
    known: dict[tuple[int, ...], float] = {}

    def scored(place: Rungs) -> float:
        key = tuple(place[name] for name in ladders)
        if key not in known:
            known[key] = score(place)
        return known[key]

    best, before = dict(start), None
    scored(best)
    while best != before:
        before = best
        for name in ladders:
            for direction in (1, -1):
                moved = best
                for step in _steps(ladders[name], best[name], direction):
                    if not may_go_on():
                        return best
                    tried = {**best, name: step}
                    if scored(tried) <= scored(best):
                        break
                    best = tried
                if best is not moved:
                    break
    return best


def _steps(values: Sequence[str], at: int, direction: int) -> Iterator[int]:
    yield from range(at + direction, len(values) if direction > 0 else -1, direction)


def parse_ladder(text: str) -> tuple[str, list[str]]:
    """``KEY=VALUE|VALUE`` as the key and its values."""
    key, equals, values = text.partition("=")
    if not equals or not key or not all(values.split("|")):
        raise argparse.ArgumentTypeError(f"a ladder reads KEY=VALUE|VALUE, not {text!r}")
    return key, values.split("|")


def first_rungs(recipe: str, given: Sequence[str], ladders: Mapping[str, Sequence[str]]) -> Rungs:
    """Where the recipe stands on each ladder; 0 where on none of its rungs."""
    values = load_recipe(recipe, given).model_dump(mode="json")
    rungs = {}
    for key, options in ladders.items():
        own: Any = values
        for part in key.split("."):
            own = own[part]
        parsed = [load_recipe(recipe, [*given, f"{key}={option}"]) for option in options]
        same = [load_recipe(recipe, [*given, f"{key}={own}"]) == option for option in parsed]
        rungs[key] = same.index(True) if True in same else 0
    return rungs


def main() -> int:
    """Search, print a row for each run, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("ladders", nargs="+", type=parse_ladder, metavar="KEY=VALUE|VALUE")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--set", nargs="*", default=[], help="overrides of every run")
    parser.add_argument("--seconds", type=float, required=True, help="budget of training time")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, a run each")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    keep_freed_memory()
    train = load_dataset(given.data).train.compact()
    ladders = dict(given.ladders)
    held_out = ["validation.share=0.2", "validation.cut=latest"]
    done = _rows(given.out)

    def score(place: Rungs) -> float:
        chosen = [f"{key}={ladders[key][rung]}" for key, rung in place.items()]
        variant = " ".join([*given.set, *chosen])
        if variant not in done:
            recipe = load_recipe(given.recipe, [*held_out, *given.set, *chosen])
            found = best_epoch(train, recipe, 0, TrainingLog(given.log))
            done[variant] = {"data": given.data.name, "recipe": given.recipe, "variant": variant}
            done[variant] |= found
            with given.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[variant]) + "\n")
            print(table_line(variant, found), flush=True)
        return float(done[variant]["metrics"]["recall@50"])

    def may_go_on() -> bool:
        return sum(row["seconds_run"] for row in done.values()) < given.seconds

    print("| variant | best epoch | s | " + " | ".join(COLUMNS) + " |")
    print("|---" * (3 + len(COLUMNS)) + "|", flush=True)
    best = climb(ladders, first_rungs(given.recipe, given.set, ladders), score, may_go_on)
    spent = sum(row["seconds_run"] for row in done.values())
    print(f"best of {len(done)} runs in {spent:.0f} s:")
    print(" ".join(f"{key}={ladders[key][rung]}" for key, rung in best.items()))
    return 0


def _rows(file: Path) -> dict[str, dict[str, Any]]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {row["variant"]: row for row in rows}


if __name__ == "__main__":
    sys.exit(main())
