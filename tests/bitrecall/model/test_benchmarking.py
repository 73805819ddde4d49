"""``bitrecall.benchmark`` gives the table of the command, for every kind of data."""

import json

import polars as pl
import pytest
from click.testing import CliRunner

import bitrecall
from bitrecall.cli import bitrecall as command_line
from bitrecall.errors import ArgumentError
from bitrecall.model.benchmarking import benchmark
from bitrecall.training.errors import DataError, EvaluationError

pytestmark = pytest.mark.slow

QUICK = {
    "recipe": "sample",
    "overrides": {"bits": 16, "fit.epochs": 1, "teacher.rank": 8},
    "threads": 1,
    "progress": False,
}


@pytest.fixture(scope="module")
def clicks():
    """Interactions of 60 users of two disjoint tastes."""
    return pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in range(60) for _ in range(9)],
            "item_id": [
                f"i{user % 2 * 20 + (7 * user + 3 * step) % 20}"
                for user in range(60)
                for step in range(9)
            ],
            "timestamp": [10**9 + 1000 * user + step for user in range(60) for step in range(9)],
        }
    )


@pytest.fixture(scope="module")
def comparison(clicks):
    return benchmark(clicks, split="latest", **QUICK)


def without_times(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_equals_the_command(clicks, comparison, tmp_path):
    path = tmp_path / "clicks.csv"
    clicks.write_csv(path)
    options = ["--recipe=sample", "--threads=1", "--set=bits=16", "--set=fit.epochs=1"]
    options += ["--set=teacher.rank=8", "--no-progress", "--split=latest", "--json", "--no-plot"]
    done = CliRunner().invoke(command_line, ["benchmark", str(path), *options])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    for row, of_command in zip(
        comparison.rows, [*document["recommenders"], document["codes"]], strict=True
    ):
        assert (row.name, row.measures) == (of_command["name"], of_command["measures"])
        assert row.setting == of_command["setting"]


def test_returns_a_table_with_all_recommenders(comparison):
    names = [row["recommender"].partition(",")[0] for row in comparison.to_dicts()]
    assert names == ["popularity", "item kNN", "RP3beta", "EASE", "ALS", "Bitrecall"]
    assert comparison.data == "events"
    assert comparison.split == "test"
    assert comparison.not_run == []


def test_a_test_table_is_the_test_split(clicks, comparison):
    by_user = pl.int_range(pl.len()).over("user_id")
    train, test = clicks.filter(by_user < 7), clicks.filter(by_user >= 7)
    # Interactions of the training split are left out, and so is their order.
    given = benchmark(train, pl.concat([test, train.head(5)]).sample(fraction=1, seed=1), **QUICK)
    assert (given.users, given.interactions) == (60, 120)
    given_to_file = benchmark(train, test, **QUICK)
    assert without_times(given.to_dicts()) == without_times(given_to_file.to_dicts())


def test_a_test_split_may_have_other_users_and_items(clicks):
    test = pl.DataFrame({"user_id": ["u1", "new"], "item_id": ["new", "i3"], "timestamp": [1, 2]})
    result = benchmark(clicks, test, **QUICK)
    assert (result.users, result.interactions) == (2, 2)
    with pytest.raises(ArgumentError, match="test is the test split: omit split"):
        benchmark(clicks, test, split="none", **QUICK)


def test_compares_a_model_without_training(clicks, monkeypatch):
    model = bitrecall.fit(clicks, split="latest", **QUICK)
    monkeypatch.setattr("bitrecall.training.pipeline.TrainingPipeline.fit", None)
    result = benchmark(clicks, model=model, split="latest", comparison_minutes=0, **QUICK)
    assert result.codes.measures["recall@20"] == model.metrics["recall@20"]
    assert result.codes.seconds is None
    with pytest.raises(EvaluationError, match="was trained on other interactions"):
        benchmark(clicks, model=model, split="random", **QUICK)


def test_short_time_leaves_recommenders_out(clicks):
    result = benchmark(clicks, split="latest", comparison_minutes=0, **QUICK)
    assert [row.name for row in result.recommenders] == ["popularity"]
    assert [row.name for row in result.not_run] == ["item kNN", "RP3beta", "EASE", "ALS"]


def test_errors_name_the_keywords(clicks):
    with pytest.raises(EvaluationError, match=r"pass overrides validation.share=0.15"):
        benchmark(clicks, split="none", **QUICK)
    with pytest.raises(DataError, match="allow_implausible=True"):
        benchmark(clicks.filter(pl.col("user_id") == "u1"), **QUICK)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("comparison_minutes", -1), ("comparison_minutes", "5"), ("model", "releases"), ("test", 3)],
)
def test_rejects_arguments_of_another_type(clicks, argument, value):
    with pytest.raises((ArgumentError, DataError), match=argument):
        benchmark(clicks, **{**QUICK, argument: value})
