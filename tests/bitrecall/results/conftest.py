from dataclasses import replace

import pytest

from bitrecall.results.comparison import BREAKDOWN, OVERALL, Comparison, ComparisonRow, Groups


def comparison_row(name, recall, **changes):
    values = dict.fromkeys((*OVERALL, *BREAKDOWN), recall / 2) | {"recall@20": recall}
    return replace(ComparisonRow(name, values, 4, 1.25, {}), **changes)


@pytest.fixture
def comparison():
    return Comparison(
        data="clicks",
        split="test",
        users=1234,
        unknown_users=0,
        interactions=5678,
        tuned_on="the latest 15% of each user's interactions",
        groups=Groups(5, 400, 834, 20, 180),
        recommenders=[
            comparison_row("popularity", 0.05),
            comparison_row("EASE", 0.2, bytes_per_item=6452),
        ],
        codes=comparison_row("Bitrecall, 256 bits", 0.19, bytes_per_item=32, seconds=61.5),
        not_run=[],
        seconds=9.0,
    )
