import pytest

from bitrecall.reproduction.part_selection import select_runs
from bitrecall.training.errors import StudyError


def names(runs):
    return [(run.part.name, run.seed) for run in runs]


def test_selects_every_part_without_a_pattern(plan):
    runs = select_runs(plan)
    assert names(runs)[:3] == [
        ("gowalla/proposed/16", 0),
        ("gowalla/proposed/16", 1),
        ("gowalla/lightgcn/256", 0),
    ]
    assert len(runs) == 9


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("gowalla/lightgcn/256", ["gowalla/lightgcn/256"]),
        ("gowalla/study/sign", ["gowalla/study/sign/aage", "gowalla/study/sign/steeper"]),
        ("gowalla/study/sign/", ["gowalla/study/sign/aage", "gowalla/study/sign/steeper"]),
        ("*/steeper", ["gowalla/study/sign/steeper"]),
        ("gowalla/*/256", ["gowalla/lightgcn/256"]),
    ],
)
def test_selects_by_name_prefix_or_glob(plan, pattern, expected):
    assert [run.part.name for run in select_runs(plan, [pattern])] == expected


def test_combines_patterns_in_the_order_of_the_plan(plan):
    runs = select_runs(plan, ["*/steeper", "gowalla/lightgcn"], seeds=[3, 3])
    assert names(runs) == [("gowalla/lightgcn/256", 3), ("gowalla/study/sign/steeper", 3)]


def test_a_prefix_ends_at_a_slash(plan):
    with pytest.raises(StudyError):
        select_runs(plan, ["gowalla/proposed/1"])


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("gowalla/propsed/16", "gowalla/proposed/16"),
        ("gowala/study/sign", "gowalla/study/sign"),
        ("xyz", "--list"),
    ],
)
def test_suggests_similar_names_for_an_unknown_part(plan, pattern, near):
    with pytest.raises(StudyError, match=near) as raised:
        select_runs(plan, ["gowalla/lightgcn", pattern])
    assert repr(pattern) in str(raised.value)
