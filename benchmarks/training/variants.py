"""Variants of a recipe that benchmarks score on a validation split: arguments, rows and records.

A variant is a set of overrides of a recipe, separated by spaces; the empty one is the recipe.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMNS = ("recall@20", "recall@50", "recall@100", "ndcg@20", "ndcg@50", "ndcg@100")
"""The metrics of a row."""


def variant_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the data set, the variants, the recipe, the split and the output."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--cut", choices=("latest", "random"), default="latest")
    parser.add_argument("--out", type=Path, help="JSON-lines file, one line per variant")
    return parser


def metric_head(*titles: str) -> str:
    """Return the head of a table with these columns and those of the metrics."""
    columns = [*titles, *COLUMNS]
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"


def metric_row(*cells: str, metrics: Mapping[str, float]) -> str:
    """Return a row of the table."""
    return f"| {' | '.join([*cells, *(f'{metrics[name]:.4f}' for name in COLUMNS)])} |"


def record_of(data: Path, recipe: str, variant: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a variant: what was run, and its result."""
    return {"data": data.name, "recipe": recipe, "variant": variant, **result}


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append a record to a JSON-lines file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
