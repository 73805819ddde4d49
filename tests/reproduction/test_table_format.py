import pytest

from bitrecall.reproduction.summary import summarise
from bitrecall.reproduction.table_format import number, spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.26891, ".2689"),
        (0.0, ".0000"),
        (1.0, "1.0000"),
        (-0.25, "−.2500"),
        (None, ""),
        (0.00004, ".0000"),
    ],
)
def test_formats_shares_without_a_leading_zero(value, text):
    assert number(value) == text


def test_formats_several_seeds_as_mean_and_sample_standard_deviation(row):
    rows = [row("gowalla/bitrecall/256", seed, recall=0.26 + seed / 100) for seed in range(3)]
    (summary,) = summarise(rows)
    assert spread(summary, "recall@50") == ".2700 ± .0100"
    (single,) = summarise(rows[:1])
    assert spread(single, "recall@50") == ".2600"
    assert spread(single, "recall@10") == ""
