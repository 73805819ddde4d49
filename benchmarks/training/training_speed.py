r"""Measure the training time by size of the data, threads and bits, and its parts.

    python -m benchmarks.training.training_speed path/to/gowalla \
        --json training.json --plot training.svg
    python -m benchmarks.training.training_speed path/to/gowalla \
        --scales 0.1 1 --bits 256 --threads 2

Each row is a separate process: set-up (graph, teacher, initialisation), then some epochs of the
recipe, of which the first is not counted. It has the peak memory, and the arithmetic of the loss
relative to dense matrix products on the same machine, measured just before. A scale below 1 takes
that fraction of the users. A scale above 1 copies the users that often, each with a tenth of its
items redrawn, so that copies differ. For comparison, each row is followed by epochs of LightGCN's
BPR training in the same code base, with 64 dimensions.

    python -m benchmarks.training.training_speed path/to/gowalla --until 0.2308 --epochs 12

trains the recipe for that many epochs, evaluates on the test split after each power of two of them,
and prints when Recall@50 was first reached, including set-up and excluding evaluation.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.tools.machine import describe, save


def configure_torch() -> Any:
    """Load torch, with threads and memory configured as by `bitrecall train`."""
    from bitrecall.training.runtime.allocator import keep_freed_memory
    from bitrecall.training.runtime.openmp import wait_briefly

    wait_briefly()
    import torch

    keep_freed_memory()
    return torch


def measure_row(data: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Set up a training, train some epochs, and return the measurements."""
    torch = configure_torch()

    from bitrecall.reproduction.log_studies.scaled_interactions import scaled
    from bitrecall.training.data.item_order import popularity_order, reorder_items
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.fitting.method_registry import build
    from bitrecall.training.model.graph import EdgeList
    from bitrecall.training.recipe.recipe_file import load_recipe

    torch.set_num_threads(config["threads"])
    pairs = scaled(load_dataset(data).train.compact(), config["scale"])
    pairs = reorder_items(pairs, popularity_order(pairs))
    recipe = load_recipe(config["recipe"], config["overrides"])
    gflops = dense_gflops()
    started = time.perf_counter()
    method = build(EdgeList(pairs.users, pairs.items, pairs.n_users, pairs.n_items), recipe)
    setup = time.perf_counter() - started
    seconds = [epoch_seconds(method) for _ in range(config["epochs"])]
    return {
        "users": pairs.n_users,
        "items": pairs.n_items,
        "pairs": len(pairs),
        "setup_seconds": setup,
        "epoch_seconds": statistics.median(seconds[1:] or seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
        "dense_gflops": gflops,
        # Scores of users and items, once for the histogram and twice for the gradient.
        "loss_gflop": 3 * 2 * pairs.n_users * scored_items(pairs, recipe) * recipe.bits / 1e9,
    }


def scored_items(pairs: Any, recipe: Any) -> int:
    """Return the number of items that a step scores for each of its users."""
    loss = recipe.loss
    return int(min(pairs.n_items, loss.head + loss.sample) if loss.sample else pairs.n_items)


def epoch_seconds(method: Any) -> float:
    """Train one epoch; return its seconds."""
    started = time.perf_counter()
    epoch = method.epoch
    while method.epoch == epoch:
        method.advance()
    return time.perf_counter() - started


def dense_gflops(size: int = 2048, times: int = 8) -> float:
    """Return the GFLOPS of dense matrix products."""
    import torch

    matrix = torch.randn(size, size)
    torch.mm(matrix, matrix)
    started = time.perf_counter()
    for _ in range(times):
        torch.mm(matrix, matrix)
    return times * 2 * size**3 / (time.perf_counter() - started) / 1e9


def measure_in_process(data: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Measure one row in a separate process."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.training.training_speed",
        str(data),
        "--row",
        json.dumps(config),
    ]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    row: dict[str, Any] = json.loads(process.stdout)
    return row


def train_until(arguments: argparse.Namespace, recall: float) -> dict[str, Any]:
    """Train the recipe, and return the first evaluated epoch that reaches a Recall@50."""
    torch = configure_torch()

    from bitrecall.training.data.item_order import popularity_order, reorder_items
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.fitting.method_registry import build
    from bitrecall.training.fitting.validator import Validator
    from bitrecall.training.model.graph import EdgeList
    from bitrecall.training.recipe.recipe_file import load_recipe

    torch.set_num_threads(max(arguments.threads))
    dataset = load_dataset(arguments.data)
    if dataset.test is None:
        sys.exit(f"{arguments.data} has no test split")
    recipe = load_recipe(
        arguments.recipe,
        [*arguments.set, f"fit.epochs={arguments.epochs}", "validation.users=1000000"],
    )
    order = popularity_order(dataset.train)
    pairs = reorder_items(dataset.train, order)
    validate = Validator(pairs, reorder_items(dataset.test, order), recipe)
    started = time.perf_counter()
    edges = EdgeList(pairs.users, pairs.items, pairs.n_users, pairs.n_items)
    method = build(edges, recipe, progress=None)
    spent = time.perf_counter() - started
    curve = [
        {"epoch": 0, "seconds": spent, "recall@50": validate(method.embeddings())["recall@50"]}
    ]
    print(json.dumps(curve[-1]), flush=True)
    while method.epoch < arguments.epochs:
        spent += epoch_seconds(method)
        if method.epoch & (method.epoch - 1) == 0 or method.epoch == arguments.epochs:
            value = validate(method.embeddings())["recall@50"]
            curve.append({"epoch": method.epoch, "seconds": spent, "recall@50": value})
            print(json.dumps(curve[-1]), flush=True)
    reached = next((row for row in curve if row["recall@50"] >= recall), None)
    print(f"Recall@50 of {recall} first reached: {reached}")
    return {"machine": describe(), "wanted": recall, "reached": reached, "curve": curve}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Plot seconds per epoch against interactions."""
    mpl.use("svg" if path.suffix == ".svg" else "agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name in sorted({row["name"] for row in rows}):
        chosen = [row for row in rows if row["name"] == name]
        chosen.sort(key=lambda row: row["pairs"])
        axes.plot(
            [row["pairs"] for row in chosen],
            [row["epoch_seconds"] for row in chosen],
            marker="o",
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlabel="pairs", ylabel="seconds per epoch")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Measure each row, print the table and plot it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the recipe")
    parser.add_argument("--scales", type=float, nargs="+", default=[0.1, 0.3, 1, 3, 10])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--bits", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--row", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, metavar="RECALL")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.row is not None:
        print(json.dumps(measure_row(arguments.data, arguments.row)))
        return
    print(json.dumps(describe()))
    if arguments.until is not None:
        save(arguments.json, train_until(arguments, arguments.until))
        return
    print("| | users | pairs | set-up s | epoch s | peak MiB | loss, share of dense products |")
    print("|" + "---|" * 7)
    rows = []
    for scale in arguments.scales:
        for threads in arguments.threads:
            kinds = {f"{bits} bits": [*arguments.set, f"bits={bits}"] for bits in arguments.bits}
            kinds["LightGCN, BPR"] = ["method=lightgcn"]
            for kind, overrides in kinds.items():
                config = {"scale": scale, "threads": threads, "overrides": overrides}
                config |= {"recipe": arguments.recipe, "epochs": arguments.epochs}
                row = measure_in_process(arguments.data, config)
                row |= {"name": f"{kind}, {threads} threads", "scale": scale}
                share = row["loss_gflop"] / row["epoch_seconds"] / row["dense_gflops"]
                share_text = "" if kind.startswith("LightGCN") else f"{share:.2f}"
                rows.append(row)
                print(
                    f"| {row['name']} | {row['users']:,} | {row['pairs']:,} | "
                    f"{row['setup_seconds']:.1f} | {row['epoch_seconds']:.2f} | "
                    f"{row['peak_mib']:,.0f} | {share_text} |",
                    flush=True,
                )
    save(arguments.json, {"machine": describe(), "rows": rows})
    if arguments.plot is not None:
        draw(rows, arguments.plot)


if __name__ == "__main__":
    main()
