r"""Search the values of a recipe one key after another, within a budget of training seconds.

    python -m benchmarks.training.recipe_search DATA --recipe bgch-gowalla \
        --seconds 7200 --out bgch.jsonl
    python -m benchmarks.training.recipe_search DATA --recipe bgch-gowalla \
        --seconds 7200 --out bgch.jsonl \
        --ladder "fit.learning_rate=0.005|0.01|0.02|0.05" --ladder "encoder.start=random|svd"

A ladder is a key and its values in order. Without --ladder, the ladders of the recipe's method in
ladders.toml are used. From the recipe's own value, or the first value if that is not on the ladder,
the search steps up or down a ladder as long as the result improves, then continues with the next
ladder. It starts over with the first until a round changes nothing or the budget is spent. A result
is better if its best epoch has a higher Recall@50 on the last fifth of each user's training
interactions, as in ``benchmarks.training.tuning``. The test split is never read. A run in progress
is finished, so a search may exceed its budget. A run that diverges ranks last and does not count
towards the budget.

Evaluation takes as long as an epoch of a fast method; --every 5 evaluates every fifth epoch and the
last.

The budget counts the training seconds of all runs in --out, so an interrupted search can be
resumed: recorded runs are not repeated, and a run that was stopped by Ctrl-C or a signal resumes
from its checkpoint in --runs.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.training.tuning import best_epoch, table_head, table_line
from benchmarks.training.variants import COLUMNS, append_record, record_of
from bitrecall.errors import BitrecallError
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import DivergedError
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.allocator import keep_freed_memory
from bitrecall.training.runtime.training_log import TrainingLog

Rungs = dict[str, int]
"""Position on each ladder: key to index of its value."""


def climb(
    ladders: Mapping[str, Sequence[str]],
    start: Rungs,
    score: Callable[[Rungs], float],
    may_continue: Callable[[], bool],
) -> Rungs:
    """Coordinate ascent on ladders.

    Args:
        ladders: Values of each key, ordered so that neighbours are similar.
        start: Start position.
        score: Score of a position, higher is better; called once per position.
        may_continue: Called before each step; False ends the search.

    Returns:
        The best position found.
    """
    scores: dict[tuple[int, ...], float] = {}

    def scored(place: Rungs) -> float:
        key = tuple(place[name] for name in ladders)
        if key not in scores:
            scores[key] = score(place)
        return scores[key]

    best, before = dict(start), None
    scored(best)
    while best != before:
        before = best
        for name in ladders:
            for direction in (1, -1):
                moved = best
                for step in _steps(ladders[name], best[name], direction):
                    if not may_continue():
                        return best
                    neighbour = {**best, name: step}
                    if scored(neighbour) <= scored(best):
                        break
                    best = neighbour
                if best is not moved:
                    break
    return best


def _steps(values: Sequence[str], at: int, direction: int) -> Iterator[int]:
    yield from range(at + direction, len(values) if direction > 0 else -1, direction)


def parse_ladder(text: str) -> tuple[str, list[str]]:
    """Parse ``KEY=VALUE|VALUE`` into the key and its values."""
    key, equals, values = text.partition("=")
    if not equals or not key or not all(values.split("|")):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE|VALUE, not {text!r}")
    return key, values.split("|")


def first_rungs(
    recipe: str, overrides: Sequence[str], ladders: Mapping[str, Sequence[str]]
) -> Rungs:
    """Return the recipe's position on each ladder; 0 if its value is not on the ladder."""
    chosen = load_recipe(recipe, overrides)
    rungs = {}
    for key, options in ladders.items():
        same = [
            load_recipe(recipe, [*overrides, f"{key}={option}"]) == chosen for option in options
        ]
        rungs[key] = same.index(True) if True in same else 0
    return rungs


def built_in_ladders(method: str) -> dict[str, list[str]]:
    """Return the ladders of ladders.toml."""
    text = Path(__file__).with_name("ladders.toml").read_text("utf-8")
    ladders: dict[str, dict[str, list[Any]]] = tomllib.loads(text)
    return {key: [str(value) for value in values] for key, values in ladders[method].items()}


def run(
    train: Interactions,
    recipe: str,
    variant: list[str],
    log: TrainingLog,
    runs: Path,
    every: int = 1,
) -> dict[str, Any]:
    """Train a variant and find its best epoch; a run that diverges has metrics of 0.

    If a signal stops the run, its checkpoint stays in ``runs``.
    """
    chosen = load_recipe(recipe, ["validation.share=0.2", "validation.cut=latest", *variant])
    runs.mkdir(parents=True, exist_ok=True)
    checkpoint = runs / f"{recipe}-{chosen.sha256()[:12]}-{every}.npz"
    try:
        result = best_epoch(train, chosen, 0, log, checkpoint, every)
    except DivergedError:
        zeros = dict.fromkeys(COLUMNS, 0.0)
        result = {
            "best_epoch": 0,
            "epochs_run": 0,
            "seconds": 0.0,
            "seconds_run": 0.0,
            "metrics": zeros,
        }
    checkpoint.unlink(missing_ok=True)
    return result


def main() -> int:
    """Search, print a row per run, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--set", nargs="*", default=[], help="overrides of every run")
    parser.add_argument(
        "--ladder", action="append", default=[], type=parse_ladder, metavar="KEY=VALUE|VALUE"
    )
    parser.add_argument("--seconds", type=float, required=True, help="budget of training time")
    parser.add_argument("--every", type=int, default=1, help="evaluate every N epochs")
    parser.add_argument("--out", type=Path, required=True, help="JSON-lines file, one line per run")
    parser.add_argument("--log", type=Path)
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/search"), help="folder for checkpoints"
    )
    arguments = parser.parse_args()
    if arguments.every < 1:
        parser.error("--every has to be at least 1")
    keep_freed_memory()
    train = load_dataset(arguments.data).train.compact()
    ladders = dict(arguments.ladder) or built_in_ladders(
        load_recipe(arguments.recipe, arguments.set).method
    )
    done = _rows(arguments.out)

    def score(place: Rungs) -> float:
        chosen = [f"{key}={ladders[key][rung]}" for key, rung in place.items()]
        variant = " ".join([*arguments.set, *chosen])
        if variant not in done:
            log = TrainingLog(arguments.log)
            result = run(
                train, arguments.recipe, variant.split(), log, arguments.runs, arguments.every
            )
            done[variant] = record_of(arguments.data, arguments.recipe, variant, result)
            append_record(arguments.out, done[variant])
            print(table_line(variant, result), flush=True)
        return float(done[variant]["metrics"]["recall@50"])

    def may_continue() -> bool:
        return bool(sum(row["seconds_run"] for row in done.values()) < arguments.seconds)

    print(table_head(), flush=True)
    best = climb(
        ladders, first_rungs(arguments.recipe, arguments.set, ladders), score, may_continue
    )
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
    try:
        sys.exit(main())
    except BitrecallError as error:
        sys.exit(str(error))
