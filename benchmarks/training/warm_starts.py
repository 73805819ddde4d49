"""Compare retraining from the previous release with retraining from scratch: quality and time.

    python -m benchmarks.training.warm_starts path/to/gowalla --work runs/warm-starts

Splits the training interactions of a data set at random into a start, four fifths of each user's,
and five days. Trains the start once. Then, day by day, alternating between the two kinds (so that
other load affects both), posts the day's interactions as events through the API of a service,
retrains, and evaluates the published release on what follows: the interactions of later days and
the test split. Resumes after an interruption; prints a table.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.tools.serving import serving
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.split import random_per_user
from bitrecall.training.evaluation.evaluate import evaluate

KINDS = ("warm", "scratch")
START_SHARE = 0.2
SEED = 0


def cut(dataset: Dataset, parts: int) -> tuple[Interactions, list[Interactions]]:
    """Return the start, and the interactions of each day, over one vocabulary."""
    start, later = random_per_user(dataset.train, START_SHARE, SEED)
    parts_of = np.random.default_rng(SEED).integers(parts, size=len(later))
    return start, [later.select(parts_of == part) for part in range(parts)]


def combine(parts: list[Interactions]) -> Interactions:
    """Return all interactions of several parts, over one vocabulary."""
    users = np.concatenate([part.users for part in parts])
    items = np.concatenate([part.items for part in parts])
    return collapse(parts[0].user_ids, parts[0].item_ids, users, items)


def write(pairs: Interactions, path: Path) -> None:
    """Write interactions in the LightGCN format."""
    lines = (
        " ".join([pairs.user_ids[user], *(pairs.item_ids[item] for item in pairs.items_of(user))])
        for user in np.flatnonzero(pairs.user_degrees).tolist()
    )
    path.write_text("\n".join(lines) + "\n")


def retrain(folder: Path, *arguments: str) -> dict[str, Any]:
    """Retrain in the folder of a kind; return the report."""
    command = [
        *(sys.executable, "-m", "bitrecall", "retrain", *arguments),
        *("--releases", str(folder / "releases"), "--work", str(folder / "work")),
        *("--events", f"sqlite:///{folder}/events.db"),
    ]
    process = subprocess.run(command, check=False)
    if process.returncode not in (0, 3, 4):
        sys.exit(f"the run ended with exit code {process.returncode}")
    reports = sorted((folder / "work" / "reports").glob("*.json"), reverse=True)
    documents = (json.loads(report.read_text()) for report in reports)
    # If the benchmark was stopped after a run but before its row, the repeated run has no new data.
    return next(document for document in documents if document["outcome"] != "no new data")


def post(folder: Path, pairs: Interactions) -> None:
    """Send interactions as events to a service on the folder's releases."""
    options = ("--events", f"sqlite:///{folder}/events.db", "--log-level", "error")
    with serving(folder / "releases", *options) as (url, _), httpx.Client(base_url=url) as client:
        order = np.random.default_rng(SEED).permutation(len(pairs))
        for start in range(0, len(order), 1000):
            events = [
                {
                    "user_id": pairs.user_ids[pairs.users[place]],
                    "item_id": pairs.item_ids[pairs.items[place]],
                    # An event that is sent twice counts once.
                    "id": f"{pairs.users[place]}-{pairs.items[place]}",
                }
                for place in order[start : start + 1000].tolist()
            ]
            answer = client.post("/events", json={"events": events}, timeout=60)
            if answer.status_code != 200:
                sys.exit(f"/events: {answer.status_code} {answer.text[:300]}")


def quality(folder: Path, later_pairs: Interactions) -> dict[str, float]:
    """Return the metrics of the current release on the interactions that follow."""
    return evaluate(ReleaseStore(folder / "releases").open_current(), later_pairs).metrics


def row(kind: str, run: int, report: dict[str, Any], metrics: dict[str, float]) -> dict[str, Any]:
    """Return a row of the results."""
    training = report["training"]
    return {
        "kind": kind,
        "run": run,
        "outcome": report["outcome"],
        "new_pairs": report["data"]["new_pairs"],
        "candidate_seconds": training["candidate"]["seconds"],
        "release_seconds": training.get("release", {}).get("seconds"),
        "metrics": metrics,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the runs side by side, as a table."""
    lines = [
        "| run | new pairs | from scratch: R@50 | N@50 | seconds | warm: R@50 | N@50 | seconds | "
        "warm / from scratch: R@50 | seconds |",
        "|" + "---|" * 10,
    ]
    by_key = {(entry["kind"], entry["run"]): entry for entry in rows}
    for run in sorted({entry["run"] for entry in rows if entry["run"]}):
        if not {("scratch", run), ("warm", run)} <= by_key.keys():
            continue
        sides = [by_key[kind, run] for kind in ("scratch", "warm")]
        cells = [str(run), f"{sides[0]['new_pairs']:,}"]
        for side in sides:
            metrics = side["metrics"]
            cells += [f"{metrics['recall@50']:.4f}", f"{metrics['ndcg@50']:.4f}"]
            cells.append(f"{side['candidate_seconds']:.0f}")
        ratios = [
            sides[1]["metrics"]["recall@50"] / sides[0]["metrics"]["recall@50"],
            sides[1]["candidate_seconds"] / sides[0]["candidate_seconds"],
        ]
        lines.append("| " + " | ".join([*cells, *(f"{ratio:.3f}" for ratio in ratios)]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Do the missing runs, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/warm-starts"))
    parser.add_argument("--recipe", default="gowalla")
    parser.add_argument("--parts", type=int, default=5)
    parser.add_argument("arguments", nargs="*", help="arguments of bitrecall retrain, after --")
    options = parser.parse_args()
    dataset = load_dataset(options.data)
    if dataset.test is None:
        parser.error(f"{options.data} has no test split")
    start, parts = cut(dataset, options.parts)
    options.work.mkdir(parents=True, exist_ok=True)
    results = options.work / "results.jsonl"
    rows = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    done = {(entry["kind"], entry["run"]) for entry in rows}
    first = options.work / "start"
    common = ("--recipe", options.recipe, *options.arguments)
    if ("start", 0) not in done:
        first.mkdir(exist_ok=True)
        write(start, options.work / "start.txt")
        report = retrain(first, str(options.work / "start.txt"), *common)
        rows.append(row("start", 0, report, quality(first, combine([*parts, dataset.test]))))
        results.write_text("".join(json.dumps(entry) + "\n" for entry in rows))
    for kind in KINDS:
        if not (options.work / kind).exists():
            shutil.copytree(first, options.work / kind)
    for run, pairs in enumerate(parts, 1):
        later_pairs = combine([*parts[run:], dataset.test])
        for kind in KINDS:
            if (kind, run) in done:
                continue
            folder = options.work / kind
            post(folder, pairs)
            report = retrain(folder, *common, *(["--from-scratch"] if kind == "scratch" else []))
            rows.append(row(kind, run, report, quality(folder, later_pairs)))
            results.write_text("".join(json.dumps(entry) + "\n" for entry in rows))
            print(json.dumps(rows[-1]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
