r"""Score teachers on a validation split of train, and print a row for each.

    python -m benchmarks.training.teachers path/to/gowalla \
        "" "rank=1024 low_pass=1.0" "kind=ease ease_rank=512"

A variant is a set of overrides of the recipe's teacher, separated by spaces; the empty one is the
recipe's own. The last fifth of each user's training interactions is held out. The teacher sees the
other four fifths and ranks the unseen items of each evaluated user; split, users and metrics are
those of ``benchmarks.training.tuning``. The test split is never read. With --out, each row is also
appended to a JSON-lines file.

"power" is the maximum-likelihood p such that the share of a user's held-out interactions found at
each of the first 100 places is proportional to score^p. ``teacher.discount_power`` should be close
to it.
"""

import itertools
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.split import cut_validation
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import best_items, block_users, scorer, unseen_scores

CUTOFFS = (20, 50, 100)


def score(part: Interactions, held_out: Interactions, recipe: Recipe) -> dict[str, Any]:
    """Return the metrics of a recipe's teacher, and the seconds to build and to query it."""
    users = np.flatnonzero(held_out.user_degrees)
    if len(users) > recipe.validation.users:
        generator = np.random.default_rng(recipe.seed)
        users = np.sort(generator.choice(users, recipe.validation.users, replace=False))
    metrics = RankingMetrics(CUTOFFS, part.n_items, part.item_degrees)
    shares = np.zeros((len(users), CUTOFFS[-1]))
    scores = np.zeros_like(shares)
    matrix = interaction_matrix(part)
    started = time.monotonic()
    teacher = scorer(matrix, recipe.teacher, seed=recipe.seed, progress=None)
    built = time.monotonic()
    block = block_users(part.n_users, part.n_items)
    for start in range(0, len(users), block):
        batch = users[start : start + block]
        items, values = best_items(unseen_scores(teacher, matrix, batch), CUTOFFS[-1])
        ranked = np.full((len(batch), CUTOFFS[-1]), OUTSIDE, dtype=np.int64)
        ranked[:, : items.shape[1]] = np.where(values.isfinite(), items, OUTSIDE)
        targets = [held_out.items_of(user) for user in batch]
        metrics.update(ranked, GroundTruth.from_lists(targets))
        for row, ranked_items, target_items in zip(itertools.count(start), ranked, targets):
            shares[row] = np.isin(ranked_items, target_items) / len(target_items)
        scores[start : start + len(batch), : items.shape[1]] = values.clamp(min=0).cpu().numpy()
    result = metrics.result()
    return {
        "users": len(users),
        "seconds_to_build": round(built - started, 1),
        "seconds_to_query": round(time.monotonic() - built, 1),
        "power": round(likeliest_power(shares, scores), 2),
        "metrics": {name: result[name] for name in COLUMNS},
    }


def likeliest_power(shares: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return the p from 0 to 10 for which ``shares`` ∝ ``scores``^p is most likely.

    Args:
        shares: float64 (b, c), the share of a user's held-out interactions found at each place.
        scores: float64 (b, c), the teacher's scores there, at least 0; places of 0 are left out.
    """
    logarithms = np.log(scores[scores > 0])
    hits = shares[scores > 0]
    mean = (hits @ logarithms) / hits.sum()

    def too_flat(power: float) -> bool:
        weights = np.exp(power * (logarithms - logarithms.max()))
        return bool((weights @ logarithms) / weights.sum() < mean)

    low, high = 0.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if too_flat(middle) else (low, middle)
    return low


def main() -> int:
    """Score the variants in turn, return the exit code."""
    parser = variant_parser((__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--users", type=int, default=10_000, help="maximum number of users to evaluate"
    )
    arguments = parser.parse_args()
    train = load_dataset(arguments.data).train.compact()
    part, held_out = cut_validation(train, 0.2, arguments.split_seed, arguments.cut)
    order = popularity_order(part)
    part, held_out = reorder_items(part, order), reorder_items(held_out, order)
    print(metric_head("teacher", "s to build", "s to query", "power"), flush=True)
    for variant in arguments.variants:
        overrides = [f"teacher.{override}" for override in variant.split()]
        recipe = load_recipe(arguments.recipe, [f"validation.users={arguments.users}", *overrides])
        result = score(part, held_out, recipe)
        seconds = [f"{result[f'seconds_to_{step}']:.0f}" for step in ("build", "query")]
        cells = [variant or "the recipe", *seconds, f"{result['power']:.2f}"]
        print(metric_row(*cells, metrics=result["metrics"]), flush=True)
        if arguments.out is not None:
            record = record_of(arguments.data, arguments.recipe, variant, result)
            append_record(arguments.out, record)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BitrecallError as error:
        sys.exit(str(error))
