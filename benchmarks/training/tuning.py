r"""Score variants of a recipe on a validation split of train, and print a row for each.

    python -m benchmarks.training.tuning path/to/gowalla --recipe gowalla \
        "" "loss.psi=3" "fit.hidden=0.0 fit.learning_rate=0.01" "method=lightgcn fit.epochs=60"

A variant is a set of overrides, separated by spaces; the empty one is the recipe itself, and
another ``method`` compares a baseline. The last fifth of each user's training interactions, by time
or else in the order of the file, is held out (``--cut random``: a random fifth). Every variant is
scored on the same split after each epoch, and its best epoch is printed. The test split is never
read. With --out, each row is also appended to a JSON-lines file; with --log, each epoch.
"""

import sys
from pathlib import Path
from typing import Any

from benchmarks.training.variants import (
    COLUMNS,
    append_record,
    metric_head,
    metric_row,
    record_of,
    variant_parser,
)
from bitrecall.errors import BitrecallError
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.split import cut_validation
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import fit_interactions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.allocator import keep_freed_memory
from bitrecall.training.runtime.training_log import TrainingLog


def best_epoch(
    train: Interactions,
    recipe: Recipe,
    split_seed: int,
    log: TrainingLog,
    checkpoint: Path | None = None,
    every: int = 1,
) -> dict[str, Any]:
    """Fit on four fifths of the interactions, score on the last; return the best epoch's record.

    Scores every nth epoch and the last. With a ``checkpoint``, resumes a fit that a signal stopped.
    """
    validation = recipe.validation
    part, held_out = cut_validation(train, validation.share, split_seed, validation.cut)
    options = FitOptions(checkpoint=checkpoint, progress_bar=None, log=log)
    fitted = fit_interactions(
        part,
        recipe,
        options,
        epochs=recipe.fit.epochs,
        held_out=held_out,
        validate_every=every,
    ).fit
    history = fitted.progress.history
    best = history[fitted.progress.best_epoch - 1]
    return {
        "best_epoch": best["epoch"],
        "epochs_run": history[-1]["epoch"],
        "seconds": best["seconds"],
        "seconds_run": history[-1]["seconds"],
        "metrics": {name: best["metrics"][name] for name in COLUMNS},
    }


def table_head() -> str:
    """Return the head of the table."""
    return metric_head("variant", "best epoch", "s")


def table_line(label: str, result: dict[str, Any]) -> str:
    """Return a row of the table."""
    epochs = f"{result['best_epoch']} of {result['epochs_run']}"
    return metric_row(label, epochs, f"{result['seconds']:.0f}", metrics=result["metrics"])


def main() -> int:
    """Run the variants in turn, return the exit code."""
    parser = variant_parser((__doc__ or "").splitlines()[0])
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    train = load_dataset(arguments.data).train.compact()
    print(table_head(), flush=True)
    for variant in arguments.variants:
        held_out = ["validation.share=0.2", f"validation.cut={arguments.cut}"]
        recipe = load_recipe(arguments.recipe, [*held_out, *variant.split()])
        result = best_epoch(train, recipe, arguments.split_seed, TrainingLog(arguments.log))
        print(table_line(variant or "the recipe", result), flush=True)
        if arguments.out is not None:
            record = record_of(arguments.data, arguments.recipe, variant, result)
            append_record(arguments.out, record)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BitrecallError as error:
        sys.exit(str(error))
