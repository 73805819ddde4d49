"""Profile the operators of a training epoch.

    python -m benchmarks.training.training_profile path/to/gowalla --set teacher.lightgcn.weight=0

Sets up a recipe, trains an epoch, and profiles the next one with torch's profiler: the share of
each operator in the time, excluding nested operators. Profiling makes an epoch a little slower; the
first line says by how much.
"""

import argparse
import json
from pathlib import Path

from benchmarks.tools.machine import describe, save
from benchmarks.training.training_speed import configure_torch, epoch_seconds


def main() -> None:
    """Train, profile, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the recipe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=12, help="number of operators to print")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(describe()))
    torch = configure_torch()
    from torch.profiler import ProfilerActivity, profile

    from bitrecall.training.data.item_order import popularity_order, reorder_items
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.fitting.method_registry import build
    from bitrecall.training.model.graph import EdgeList
    from bitrecall.training.recipe.recipe_file import load_recipe

    torch.set_num_threads(arguments.threads)
    pairs = load_dataset(arguments.data).train
    pairs = reorder_items(pairs, popularity_order(pairs))
    recipe = load_recipe(arguments.recipe, arguments.set)
    edges = EdgeList(pairs.users, pairs.items, pairs.n_users, pairs.n_items)
    method = build(edges, recipe)
    plain_seconds = epoch_seconds(method)
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        profiled_seconds = epoch_seconds(method)
    operators = sorted(
        profiler.key_averages(), key=lambda operator: operator.self_cpu_time_total, reverse=True
    )
    total = sum(operator.self_cpu_time_total for operator in operators)
    print(
        f"an epoch takes {plain_seconds:.2f} s, and {profiled_seconds:.2f} s under the profiler\n"
    )
    print("| operator | share | seconds | calls |\n|---|---|---|---|")
    rows = [
        {
            "name": operator.key,
            "seconds": operator.self_cpu_time_total / 1e6,
            "calls": operator.count,
        }
        for operator in operators
    ]
    for row in rows[: arguments.rows]:
        share = row["seconds"] * 1e6 / total
        print(f"| `{row['name']}` | {share:.2f} | {row['seconds']:.2f} | {row['calls']:,} |")
    save(
        arguments.json,
        {"machine": describe(), "epoch_seconds": [plain_seconds, profiled_seconds], "rows": rows},
    )


if __name__ == "__main__":
    main()
