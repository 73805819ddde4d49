import pytest

from bitrecall.reproduction.log_studies.teacher_tables import (
    ranker_table,
    scorers_table,
    student_table,
)


@pytest.fixture
def rows(row):
    def scorer(kind, recall, added, seed=0):
        details = {"kind": kind, "seconds": 1.25, "added": added, "used": added > 0}
        others = {"split": "validation", "variant": kind, "details": details}
        return row("teacher/toys", seed, recall, **others)

    return [
        scorer("ease", 0.1, 0.12),
        scorer("ease", 0.1, 0.14, seed=1),
        scorer("als", 0.08, 0.0),
        row("teacher/toys", recall=0.1, split="validation", variant="mean of scores"),
        row("teacher/toys", recall=0.11, split="validation", variant="ranker"),
        row("teacher/toys", recall=0.22, variant="mean of scores"),
        row("teacher/toys", recall=0.2, variant="ranker"),
        row("codes/toys", recall=0.19, variant="recency off"),
        row("codes/toys", recall=0.21, variant="with recency"),
    ]


def test_scorers_have_their_time_their_lists_and_what_they_add(rows):
    assert scorers_table(rows).splitlines()[2:] == [
        "| toys | `ease` | 1.2 | .1000 ± .0000 | .2000 ± .0000 | .0500 ± .0000 | 13.0% |",
        "| toys | `als` | 1.2 | .0800 | .1600 | .0400 | left out |",
    ]


def test_compares_the_ranker_with_the_mean(rows):
    assert ranker_table(rows).splitlines()[2:] == [
        "| toys | validation | mean of scores | .1000 | .2000 | .0500 |",
        "| toys | validation | ranker | .1100 | .2200 | .0550 |",
        "| toys | validation | change | +10.0% | +10.0% | +10.0% |",
        "| toys | test | mean of scores | .2200 | .4400 | .1100 |",
        "| toys | test | ranker | .2000 | .4000 | .1000 |",
        "| toys | test | change | −9.1% | −9.1% | −9.1% |",
    ]


def test_the_students_share_of_its_teacher(rows):
    assert student_table(rows).splitlines()[2:] == [
        "| toys | teacher | .2000 | .4000 | .1000 |",
        "| toys | codes, recency off | .1900 (95.0%) | .3800 (95.0%) | .0950 (95.0%) |",
        "| toys | codes | .2100 (105.0%) | .4200 (105.0%) | .1050 (105.0%) |",
    ]


def test_without_a_teacher_there_is_no_share(rows):
    codes = [row for row in rows if row["study"] == "codes"]
    assert len(student_table(codes).splitlines()) == 2
