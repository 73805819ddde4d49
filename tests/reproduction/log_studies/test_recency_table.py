import pytest

from bitrecall.reproduction.log_studies.recency_table import recency_table

CHOICE = {"strength": 0.5, "decay": 2.0, "gain": 0.0321, "error": 0.004}
NONE = {"strength": 0.0, "decay": 1.0, "gain": -0.001, "error": 0.0}


@pytest.fixture
def rows(row):
    def group(seed, name, items, for_group):
        return row(
            "recency/toys",
            seed,
            split="validation",
            variant=f"half/{name}",
            metrics={"mean of recall@20 and ndcg@20": 0.1234},
            details={
                "new": "half",
                "group": name,
                "items": items,
                "users": 1234,
                "for_all": CHOICE,
                "for_group": for_group,
                "by_strength": {"0": 0.0, "1": 0.1},
            },
        )

    return [
        group(seed, name, items, choice)
        for seed in (1, 2)
        for name, items, choice in (("all", [3, 90], CHOICE), ("1", [3, 3], NONE))
    ]


def test_compares_the_choices_for_all_users_and_for_the_group(rows):
    assert recency_table(rows).splitlines()[2:] == [
        "| toys | half | all: 3–90 | 1,234 | .1234 | 0.5, 2 | +3.2% ± 0.4 | 0.5, 2 | +3.2% ± 0.4 |",
        "| toys | half | 3 | 1,234 | .1234 | 0.5, 2 | +3.2% ± 0.4 | 0 | −0.1% ± 0.0 |",
    ]
