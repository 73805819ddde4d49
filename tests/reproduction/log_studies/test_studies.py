import pytest

from bitrecall.reproduction.log_studies.studies import STUDIES, select_cells
from bitrecall.training.errors import StudyError


def names(*patterns):
    return [cell.name for cell in select_cells(["a", "b"], patterns)]


def test_cells_are_grouped_by_data_set():
    every = names()
    assert len(set(every)) == len(every)
    assert [name.split("/")[1] for name in every] == sorted(name.split("/")[1] for name in every)
    assert {name.split("/")[0] for name in every} == set(STUDIES)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["codes"], ["codes/a", "codes/b"]),
        (["codes/b"], ["codes/b"]),
        (["codes/*", "sasrec/a/test"], ["codes/a", "sasrec/a/test", "codes/b"]),
    ],
)
def test_selects_by_name_beginning_or_glob(patterns, expected):
    assert names(*patterns) == expected


def test_rejects_a_pattern_without_a_match():
    with pytest.raises(StudyError, match="no cell matches 'cod'"):
        names("codes", "cod")
