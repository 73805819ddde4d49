"""The text of a comparison: a table with notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bitrecall.aligned_text import aligned

if TYPE_CHECKING:
    from bitrecall.results.comparison import Comparison, ComparisonRow

# Lists of 20 have all items of such a catalogue.
_FEW_ITEMS: Final = 20

_COLUMNS: Final = {
    "R@20": "recall@20",
    "R@50": "recall@50",
    "N@20": "ndcg@20",
    "cold": "recall@20 cold",
    "warm": "recall@20 warm",
    "head": "recall@20 head",
    "tail": "recall@20 tail",
    "cover": "coverage@20",
}


def comparison_text(comparison: Comparison) -> str:
    """Format a comparison as a table with notes."""
    return "\n".join([*head_lines(comparison), "", _table(comparison), *notes(comparison)])


def head_lines(comparison: Comparison) -> list[str]:
    """Describe what the recommenders were measured and tuned on."""
    held_out = _count(comparison.interactions, f"{comparison.split} interaction")
    lines = [f"compared on {held_out} of {_count(comparison.users, 'user')}"]
    if unknown := comparison.unknown_users:
        lines.append(
            f"{unknown:,} of them had no training interactions: all recommenders, and the codes, "
            "list the popular items"
        )
    lines.append(f"settings chosen on {comparison.tuned_on}")
    if comparison.split == "validation":
        lines.append("these are the same interactions, so all values are a little too high")
    items = comparison.groups.head_items + comparison.groups.tail_items
    if items <= _FEW_ITEMS:
        lines.append(f"the catalogue has {_count(items, 'item')}: lists of 20 have all of them")
    return lines


def notes(comparison: Comparison) -> list[str]:
    """Return the lines below the table: what was not run, the columns, the settings, the result."""
    lines = [f"{row.name}  not run: {row.reason}" for row in comparison.not_run]
    lines += ["", *_legend(comparison)]
    lines += [f"{row.name}: {text}" for row in comparison.recommenders if (text := _tried(row))]
    lines += ["", *_verdict(comparison)]
    if comparison.order_used_by:
        users = " and ".join(comparison.order_used_by)
        lines.append(
            "the float recommenders ignore the order of interactions; the codes use it, through "
            f"the {users}"
        )
    return lines


def setting_text(row: ComparisonRow) -> str:
    """Return the chosen values of a row, such as ``lambda 200``."""
    return ", ".join(f"{name} {value:g}" for name, value in row.setting.items())


def _table(comparison: Comparison) -> str:
    rows = comparison.rows
    best = {name: _best(rows, name) for name in _COLUMNS.values()}
    cells = [
        [
            row.name,
            *(_cell(row.measures.get(name), best[name]) for name in _COLUMNS.values()),
            f"{row.bytes_per_item:,}",
            "–" if row.seconds is None else f"{row.seconds:,.1f} s",
        ]
        for row in rows
    ]
    titles = ["", *(f"{title} " for title in _COLUMNS), "bytes", "time"]
    return aligned(titles, cells, right="<" + ">" * (len(titles) - 1))


def _best(rows: Sequence[ComparisonRow], name: str) -> float | None:
    """Return the largest value of a column; None if all are equal in the table."""
    values = [value for row in rows if (value := row.measures.get(name)) is not None]
    return max(values) if len(set(map(_short, values))) > 1 else None


def _cell(value: float | None, best: float | None) -> str:
    if value is None:
        return "– "
    text = _short(value)
    return text + ("*" if best is not None and text == _short(best) else " ")


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def _legend(comparison: Comparison) -> list[str]:
    groups = comparison.groups
    if groups.cold_users:
        cold = (
            f"  cold: {_count(groups.cold_users, 'user')} with "
            f"{f'{groups.cold_items:,} or fewer' if groups.cold_items else 'no'} training items; "
            f"warm: the other {groups.warm_users:,}"
        )
    else:
        cold = "  cold: no users, because all have the same number of training items"
    return [
        "* the best of its column",
        "R: recall, N: NDCG; cold, warm, head, tail: R@20 of",
        cold,
        f"  head: the {_count(groups.head_items, 'most popular item')}, with half of the training "
        f"interactions; tail: the other {groups.tail_items:,}",
        "cover: share of the catalogue in the first 20 places of any user",
        "bytes: per item; time: of tuning and fits, for codes of the whole training",
    ]


def _tried(row: ComparisonRow) -> str:
    """Return the setting of a row, and how much of its search was done; empty without a search."""
    if not row.possible_trials:
        return ""
    tried = f"best of {row.trials}" if row.trials else "default, no time to tune"
    missing = row.possible_trials - row.trials
    if row.trials and missing:
        tried += f" tried, {missing} left out for time"
    return f"{setting_text(row)} ({tried})"


def _verdict(comparison: Comparison) -> list[str]:
    """Compare the codes with the best of the others."""
    codes, row = comparison.codes, comparison.best
    if row is None:
        return ["codes: no float recommender to compare with"]
    if not row.measures.get("recall@20"):
        return ["no float recommender has a hit in the first 20 places"]
    shares = [
        f"{value / best:.0%} of the {title}"
        for title, name in (("recall@20", "recall@20"), ("NDCG@20", "ndcg@20"))
        if (value := codes.measures.get(name)) is not None and (best := row.measures.get(name))
    ]
    return [
        f"codes: {' and '.join(shares) or 'not measured, beside those'} of {row.name}, the best of "
        "the others,",
        f"  with {_count(codes.bytes_per_item, 'byte')} per item instead of {row.bytes_per_item:,}",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
