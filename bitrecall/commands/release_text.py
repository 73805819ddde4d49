"""Releases as text and JSON, for ``bitrecall release``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bitrecall.aligned_text import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bitrecall.index.releases.manifest import Manifest
    from bitrecall.index.releases.reader import ReleaseSummary

__all__ = ["manifest_as_json", "manifest_as_text", "summaries_as_json", "summaries_as_table"]

# The metric that the table of releases shows.
_MAIN_METRIC = "recall@50"


def summaries_as_table(summaries: Sequence[ReleaseSummary]) -> str:
    """Format the list of releases, one row each, and a line for each damaged release."""
    titles = ["", "id", "created", "parent", "bits", "users", "items", "backend", _MAIN_METRIC]
    rows = [_row(summary) for summary in summaries]
    damages = [
        f"{summary.id} is damaged: {summary.damage}"
        for summary in summaries
        if summary.damage is not None
    ]
    return "\n".join([aligned(titles, rows, right="<<<<>>><>"), *damages])


def summaries_as_json(summaries: Sequence[ReleaseSummary]) -> list[dict[str, Any]]:
    """Convert the list of releases to JSON, with their manifests."""
    return [
        {
            "id": summary.id,
            "current": summary.current,
            "damage": summary.damage,
            "manifest": None if summary.manifest is None else manifest_as_json(summary.manifest),
        }
        for summary in summaries
    ]


def manifest_as_text(manifest: Manifest, *, current: bool) -> str:
    """Format a manifest: facts, metrics, recipe and files."""
    data = manifest.data
    times = f", {data.first_time} to {data.last_time}" if data.first_time else ""
    facts = {
        "release": manifest.id + (" (current)" if current else ""),
        "created": f"{manifest.created_at} by Bitrecall {manifest.code_version}",
        "parent": manifest.parent or "none",
        "codes": f"{manifest.bits} bits, {manifest.backend} backend"
        + "".join(f", {name} {value}" for name, value in manifest.backend_parameters.items())
        + ("" if manifest.backend_recall is None else f", recall {manifest.backend_recall:.3f}"),
        "serves": f"{manifest.users:,} users, {manifest.items:,} items, "
        f"{manifest.seen:,} seen pairs",
        "data": f"{data.users:,} users, {data.items:,} items, {data.interactions:,} interactions"
        + times,
        "sha256": data.sha256,
        "recency": "none" if manifest.recency is None else manifest.recency.describe(),
        "repeats": "none" if manifest.repeats is None else manifest.repeats.describe(),
    }
    lines = [f"{fact:<9}{text}" for fact, text in facts.items()]
    for title, entries in (("metrics", manifest.metrics), ("recipe", manifest.recipe)):
        rows = [[f"  {name}", _formatted(value)] for name, value in _flattened(entries)]
        if rows:
            lines += ["", aligned([title, ""], rows)]
    sizes = [[f"  {name}", f"{entry.size:,}"] for name, entry in manifest.files.items()]
    return "\n".join([*lines, "", aligned(["files", "bytes"], sizes, right="<>")])


def manifest_as_json(manifest: Manifest) -> dict[str, Any]:
    """Convert a manifest to JSON, as in its file."""
    fields: dict[str, Any] = json.loads(manifest.to_json())
    return fields


def _row(summary: ReleaseSummary) -> list[str]:
    mark = "*" if summary.current else ""
    manifest = summary.manifest
    if summary.damage is not None or manifest is None:
        return [mark, summary.id, "damaged", *[""] * 6]
    return [
        mark,
        summary.id,
        manifest.created_at[:19].replace("T", " "),
        f"…{manifest.parent[-8:]}" if manifest.parent else "-",
        str(manifest.bits),
        f"{manifest.users:,}",
        f"{manifest.items:,}",
        manifest.backend,
        _formatted(manifest.metrics.get(_MAIN_METRIC, "-")),
    ]


def _flattened(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the entries of nested mappings under dotted names, such as ``fit.epochs``."""
    for name, value in entries.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _formatted(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
