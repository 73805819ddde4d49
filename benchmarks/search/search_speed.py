r"""Measure the speed of a search, compared with alternatives and with the memory bandwidth.

    python -m benchmarks.search.search_speed RELEASES --json search.json --plot search.svg
    python -m benchmarks.search.search_speed RELEASES --items 1000000 \
        --only flat hnsw ivf float-flat

Runs on one thread. The codes are those of the current release, or a chosen number of synthetic
codes with the same statistics (synthetic_codes.py); the queries are users. The contenders take
turns for several rounds, so that other load on the machine slows all of them; compare the ratios
within a round. Recall is by distance: a result counts if it is as near as the last of the true
nearest. USearch and hnswlib are included if they are installed (`pip install usearch hnswlib`).
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import faiss
import matplotlib as mpl
import numpy as np

from benchmarks.search.contender import Contender, search_data
from benchmarks.search.contenders import CONTENDERS, FLOAT_CONTENDERS
from benchmarks.tools.machine import describe, quantile, roof, save, seconds
from benchmarks.tools.synthetic_codes import extend_codes, release_in
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.tuning import recall_by_distance, sample_queries

ROUNDS = 7
BATCHES = (1, 32, 1000)
KS = (10, 100)


def measure(
    contenders: list[Contender], k: int, batch: int, budget: float
) -> dict[str, dict[str, Any]]:
    """Return the times of each contender, and their ratio to the first contender by round."""
    rounds: dict[str, list[list[float]]] = {contender.name: [] for contender in contenders}
    for turn in range(ROUNDS):
        for contender in contenders:
            numbers = iter(range(turn * 97, 10**9))

            def search(contender: Contender = contender, numbers: Any = numbers) -> None:
                start = next(numbers) * batch % max(1, len(contender.queries) - batch + 1)
                contender.search(contender.queries[start : start + batch], k)

            rounds[contender.name].append(seconds(search, budget / ROUNDS))
    first = [statistics.median(times) for times in rounds[contenders[0].name]]
    results = {}
    for name, several in rounds.items():
        ratios = [
            statistics.median(times) / reference
            for times, reference in zip(several, first, strict=True)
        ]
        took = [duration for times in several for duration in times]
        results[name] = {
            "k": k,
            "batch": batch,
            "p50_us": quantile(took, 0.5) * 1e6,
            "p99_us": quantile(took, 0.99) * 1e6,
            "queries_a_second": batch / quantile(took, 0.5),
            "ratio": statistics.median(ratios),
            "ratio_least": min(ratios),
            "ratio_most": max(ratios),
        }
    return results


def recalls(contenders: list[Contender], k: int, count: int = 200) -> dict[str, float]:
    """Return the share of the true nearest items that each contender finds."""
    by_name = {contender.name: contender for contender in contenders}
    result = {}
    for contender in contenders:
        exact = by_name.get(contender.exact)
        if exact is not None:
            near, true = (each.search(each.queries[:count], k) for each in (contender, exact))
            # Sums of floats differ in the last digits between libraries.
            result[contender.name] = recall_by_distance(*_ranked(near, true))
    return result


def _ranked(near: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as integers in the same order, ignoring the last digits."""
    if near.dtype.kind in "iu" and true.dtype.kind in "iu":
        return near, true
    scale = 1000 / max(1e-9, float(np.abs(true).max()))
    lowest = float(min(near.min(), true.min()))
    return tuple(
        ((distances - lowest) * scale).round().astype(np.int32) for distances in (near, true)
    )  # type: ignore[return-value]


def with_seen(release: Any, codes: np.ndarray, budget: float) -> dict[str, float]:
    """Measure searches for 100 items without seen ones, relative to the hardware limit."""
    built = FlatBackend.build(codes)
    rows = np.random.default_rng(0).permutation(release.n_users)[:2000]
    users = release.user_codes(rows)
    seen = [release.seen[row] for row in rows.tolist()]
    numbers = iter(range(10**9))

    def search() -> None:
        row = next(numbers) % len(rows)
        built.search(users[row : row + 1], 100, [seen[row]])

    ratios, took = [], []
    for _ in range(ROUNDS):
        passes = roof(codes, users[:1].copy())
        part = seconds(search, budget / ROUNDS)
        took += part
        ratios.append(statistics.median(part) / passes["roof"])
    return {
        "p50_us": quantile(took, 0.5) * 1e6,
        "p99_us": quantile(took, 0.99) * 1e6,
        "over_the_roof": statistics.median(ratios),
        "over_the_roof_least": min(ratios),
        "over_the_roof_most": max(ratios),
        **{f"{name}_us": value * 1e6 for name, value in passes.items()},
    }


def main() -> None:
    """Build, measure, print and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument(
        "--items", type=int, help="number of items, with synthetic codes beyond the release's"
    )
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--seconds", type=float, default=3.0, help="measuring time per figure")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    release = release_in(arguments.releases)
    codes = np.asarray(release.item_codes)
    if arguments.items:
        codes = extend_codes(codes, arguments.items)
    users = sample_queries(release.user_embeddings, 5000)
    data = search_data(codes, users, vectors=bool(FLOAT_CONTENDERS & set(arguments.only)))
    print(json.dumps(describe()))
    print(f"{len(codes):,} items of {release.bits} bits, one thread")
    document: dict[str, Any] = {"machine": describe(), "items": len(codes), "built": {}}
    if not arguments.items:
        document["with_seen"] = with_seen(release, codes, arguments.seconds)
        print(json.dumps({name: round(value, 2) for name, value in document["with_seen"].items()}))
    document["roof"] = roof(codes, users[:1].copy())
    contenders = []
    for name in arguments.only:
        started = time.perf_counter()
        try:
            contenders.append(CONTENDERS[name](data))
        except ImportError as error:
            print(f"{name} is skipped: {error}")
            continue
        contender = contenders[-1]
        document["built"][contender.name] = {
            "build_seconds": contender.build_seconds,
            "bytes_an_item": contender.bytes_per_item,
            "settings": contender.settings,
        }
        print(
            f"{contender.name}: built in {contender.build_seconds:.1f} s "
            f"({time.perf_counter() - started:.1f} s with tuning), "
            f"{contender.bytes_per_item:.0f} bytes per item, {contender.settings}",
            flush=True,
        )
    rows = []
    print("\n| | k | batch | p50 µs | p99 µs | queries/s | relative time | recall |")
    print("|" + "---|" * 8)
    for k in KS:
        recall = recalls(contenders, k)
        for batch in arguments.batches:
            for name, result in measure(contenders, k, batch, arguments.seconds).items():
                rows.append({"name": name, "recall": recall.get(name), **result})
                print(line(rows[-1]), flush=True)
    document["rows"] = rows
    save(arguments.json, document)
    if arguments.plot is not None:
        draw(rows, len(codes), arguments.plot)


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    recall = "" if row["recall"] is None else f"{row['recall']:.3f}"
    ratio = f"{row['ratio']:.2f} ({row['ratio_least']:.2f} … {row['ratio_most']:.2f})"
    return (
        f"| {row['name']} | {row['k']} | {row['batch']} | {row['p50_us']:,.0f} | "
        f"{row['p99_us']:,.0f} | {row['queries_a_second']:,.0f} | {ratio} | {recall} |"
    )


def draw(rows: list[dict[str, Any]], items: int, path: Path) -> None:
    """Plot the microseconds of a single query (k = 100) against recall."""
    mpl.use("svg" if path.suffix == ".svg" else "agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for row in rows:
        if (row["k"], row["batch"]) == (100, 1) and row["recall"] is not None:
            axes.scatter(row["recall"], row["p50_us"], s=40)
            axes.annotate(
                row["name"],
                (row["recall"], row["p50_us"]),
                xytext=(-6, 4),
                textcoords="offset points",
                ha="right",
            )
    axes.set(
        yscale="log",
        xlabel="recall of the true nearest hundred",
        ylabel="µs per query, median",
        title=f"{items:,} items, the nearest 100 of one user, one thread",
    )
    axes.margins(x=0.35)
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path)


if __name__ == "__main__":
    main()
