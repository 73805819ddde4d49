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
from benchmarks.training.training_speed import as_the_command_does, epoch_seconds


def main() -> None:
    """Train, profile, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the recipe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=12, help="operators to name")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(json.dumps(describe()))
    torch = as_the_command_does()
    from torch.profiler import ProfilerActivity, profile

    from bitrecall.training.data.item_order import popularity_order, reorder_items
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.fitting.method_registry import build
    from bitrecall.training.model.graph import EdgeList
    from bitrecall.training.recipe.recipe_file import load_recipe

    torch.set_num_threads(given.threads)
    pairs = load_dataset(given.data).train
    pairs = reorder_items(pairs, popularity_order(pairs))
    recipe = load_recipe(given.recipe, given.set)
    edges = EdgeList(pairs.users, pairs.items, pairs.n_users, pairs.n_items)
    method = build(edges, recipe)
    unseen = epoch_seconds(method)
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as looked:
        seen = epoch_seconds(method)
    found = sorted(looked.key_averages(), key=lambda one: one.self_cpu_time_total, reverse=True)
    whole = sum(one.self_cpu_time_total for one in found)
    print(f"an epoch takes {unseen:.2f} s, and {seen:.2f} s while it is looked at\n")
    print("| operator | share | seconds | calls |\n|---|---|---|---|")
    rows = [
        {"name": one.key, "seconds": one.self_cpu_time_total / 1e6, "calls": one.count}
        for one in found
    ]
    for row in rows[: given.rows]:
        share = row["seconds"] * 1e6 / whole
        print(f"| `{row['name']}` | {share:.2f} | {row['seconds']:.2f} | {row['calls']:,} |")
    save(given.json, {"machine": describe(), "epoch_seconds": [unseen, seen], "rows": rows})


if __name__ == "__main__":
    main()
