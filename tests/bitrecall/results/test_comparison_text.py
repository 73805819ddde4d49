from dataclasses import replace

import pytest

from bitrecall.results.comparison import Groups, NotRun
from bitrecall.results.comparison_text import comparison_text
from tests.bitrecall.results.conftest import comparison_row


def cells(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()


def test_the_table_has_a_row_per_recommender_and_marks_the_best_of_each_column(comparison):
    text = comparison_text(comparison)
    assert text.startswith("compared on 5,678 test interactions of 1,234 users\n")
    assert max(map(len, text.splitlines())) <= 100
    assert cells(text, "EASE ") == [".2000*", *[".1000*"] * 7, "6,452", "1.2", "s"]
    assert cells(text, "Bitrecall, 256 bits")[:2] == [".1900", ".0950"]
    assert cells(text, "Bitrecall, 256 bits")[-3:] == ["32", "61.5", "s"]


def test_the_last_lines_compare_the_codes_with_the_best_of_the_others(comparison):
    assert comparison_text(comparison).splitlines()[-2:] == [
        "codes: 95% of the recall@20 and 95% of the NDCG@20 of EASE, the best of the others,",
        "  with 32 bytes per item instead of 6,452",
    ]


def test_without_any_hit_there_are_no_shares(comparison):
    text = comparison_text(replace(comparison, recommenders=[comparison_row("EASE", 0.0)]))
    assert text.endswith("\nno float recommender has a hit in the first 20 places")


def test_counts_the_users_without_training_interactions(comparison):
    assert "had no training interactions" not in comparison_text(comparison)
    line = comparison_text(replace(comparison, unknown_users=1000)).splitlines()[1]
    assert line == (
        "1,000 of them had no training interactions: all recommenders, and the codes, list the "
        "popular items"
    )
    assert len(line) <= 100


def test_a_catalogue_that_fits_in_a_list_is_named(comparison):
    assert "the catalogue has" not in comparison_text(comparison)
    groups = replace(comparison.groups, head_items=5, tail_items=15)
    text = comparison_text(replace(comparison, groups=groups))
    assert "\nthe catalogue has 20 items: lists of 20 have all of them\n" in text


def test_equal_values_of_all_recommenders_have_no_mark(comparison):
    rows = [comparison_row(name, 1.0) for name in ("popularity", "EASE")]
    codes = comparison_row("Bitrecall, 16 bits", 1.0)
    codes.measures["ndcg@20"] = 0.9
    text = comparison_text(replace(comparison, recommenders=rows, codes=codes))
    assert cells(text, "EASE ")[:3] == ["1.0000", ".5000", ".5000"]
    assert cells(text, "Bitrecall, 16 bits")[2] == ".9000*"


def test_single_users_and_items_are_singular(comparison):
    text = comparison_text(
        replace(
            comparison,
            users=1,
            interactions=1,
            groups=Groups(cold_items=1, cold_users=1, warm_users=0, head_items=1, tail_items=40),
        )
    )
    assert text.startswith("compared on 1 test interaction of 1 user\n")
    assert "cold: 1 user with 1 or fewer training items; warm: the other 0" in text
    assert "head: the 1 most popular item, with half" in text


def test_users_without_training_interactions_are_cold(comparison):
    groups = replace(comparison.groups, cold_items=0)
    text = comparison_text(replace(comparison, groups=groups))
    assert "cold: 400 users with no training items; warm: the other 834" in text


def test_users_with_equal_numbers_of_items_are_not_cold(comparison):
    groups = replace(comparison.groups, cold_items=-1, cold_users=0)
    text = comparison_text(replace(comparison, groups=groups))
    assert "cold: no users, because all have the same number of training items" in text


def test_the_groups_have_their_bounds(comparison):
    text = comparison_text(comparison)
    assert "cold: 400 users with 5 or fewer training items; warm: the other 834" in text
    assert "head: the 20 most popular items" in text
    assert "tail: the other 180" in text


def test_an_equal_value_is_marked_too(comparison):
    codes = comparison_row("Bitrecall, 256 bits", 0.20001)
    text = comparison_text(replace(comparison, codes=codes))
    assert cells(text, "EASE ")[0] == cells(text, "Bitrecall, 256 bits")[0] == ".2000*"


def test_a_recommender_that_was_not_run_has_a_line_with_the_reason(comparison):
    missing = [NotRun("ALS", "about 90 s expected, 5 s left for it")]
    text = comparison_text(replace(comparison, not_run=missing))
    assert "ALS  not run: about 90 s expected, 5 s left for it" in text


@pytest.mark.parametrize(
    ("trials", "note"),
    [
        (4, "(best of 4)"),
        (2, "(best of 2 tried, 2 left out for time)"),
        (0, "(default, no time to tune)"),
    ],
)
def test_names_the_chosen_settings(comparison, trials, note):
    ease = comparison_row("EASE", 0.2, setting={"lambda": 200}, trials=trials, possible_trials=4)
    text = comparison_text(replace(comparison, recommenders=[ease]))
    assert f"EASE: lambda 200 {note}" in text


def test_unknown_values_are_dashes(comparison):
    codes = comparison_row("Bitrecall, 256 bits", 0.19, seconds=None)
    codes.measures["recall@20 cold"] = None
    text = comparison_text(replace(comparison, codes=codes))
    assert cells(text, "Bitrecall, 256 bits")[3] == "–"
    assert cells(text, "Bitrecall, 256 bits")[-1] == "–"


def test_values_on_the_validation_interactions_are_said_to_be_too_high(comparison):
    text = comparison_text(replace(comparison, split="validation"))
    assert "5,678 validation interactions" in text
    assert "so all values are a little too high" in text


def test_there_may_be_nothing_to_compare_with(comparison):
    text = comparison_text(replace(comparison, recommenders=[]))
    assert text.endswith("codes: no float recommender to compare with")


def test_tells_that_only_the_codes_use_the_order(comparison):
    line = "the float recommenders ignore the order of interactions; the codes use it, through the "
    assert "ignore the order" not in comparison_text(comparison)
    text = comparison_text(replace(comparison, order_used_by=("teacher", "recency")))
    assert text.splitlines()[-1] == line + "teacher and recency"
    assert text.splitlines()[-3].startswith("codes: 95% of")
    text = comparison_text(replace(comparison, order_used_by=("teacher",)))
    assert text.endswith(line + "teacher")
