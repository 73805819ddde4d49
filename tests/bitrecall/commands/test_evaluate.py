import json

import pytest


@pytest.fixture
def data(tmp_path):
    """Anna's nearest items are bread (seen), milk, tea, salt; ben's salt (seen), tea, milk."""
    path = tmp_path / "events"
    path.mkdir()
    (path / "train.csv").write_text('user,item\nanna,bread\n"ben, the elder",salt\n')
    (path / "test.csv").write_text(
        'user,item\nanna,milk\n"ben, the elder",milk\n"ben, the elder",a new thing\ncleo,bread\n'
    )
    return str(path)


def test_json_has_the_metrics_and_the_counts(run, publish, data):
    published = publish()
    result = run("evaluate", data, "-k", "1", "-k", "2", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["data"] == "events"
    assert report["split"] == "test (given)"
    assert report["release"] == published.id
    assert (report["users"], report["unknown_users"], report["unknown_pairs"]) == (3, 1, 1)
    assert report["metrics"]["recall@1"] == pytest.approx((1 + 0 + 1) / 3)
    assert report["metrics"]["recall@2"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert {name.partition("@")[2] for name in report["metrics"]} == {"1", "2"}


def test_aligns_the_table(run, publish, data):
    publish()
    output = run("evaluate", data, "-k", "1", "-k", "100").output
    titles, first, last = output.splitlines()[-3:]
    assert titles.split()[:3] == ["K", "recall", "NDCG"]
    assert len(titles) == len(first) == len(last)
    assert first.split()[:2] == ["1", "0.66667"]
    assert "1 of them unknown to the release" in output


def test_evaluates_an_older_release(run, publish, data):
    old, new = publish(1), publish(2)
    assert json.loads(run("evaluate", data, "--json").stdout)["release"] == new.id
    result = run("evaluate", data, "--json", "--release", old.id)
    assert json.loads(result.stdout)["release"] == old.id


def test_warns_if_the_split_is_not_that_of_the_training(run, publish, data):
    publish()
    output = run("evaluate", data, "--split", "random", "--test-fraction", "0.9").output
    assert "Is this the split that the release was trained with?" in output


def test_counts_repeated_interactions_if_seen_items_are_included(run, publish, tmp_path):
    publish()
    path = tmp_path / "events"
    path.mkdir()
    (path / "train.csv").write_text("user,item\nanna,bread\n")
    (path / "test.csv").write_text("user,item\nanna,milk\nanna,bread\n")
    arguments = ("evaluate", str(path), "-k", "1", "-k", "2", "--json")
    new, every = (json.loads(run(*arguments, *more).stdout) for more in ([], ["--include-seen"]))
    assert (new["pairs"], new["seen_pairs"], new["metrics"]["recall@1"]) == (1, 0, 1.0)
    assert (every["pairs"], every["seen_pairs"]) == (2, 1)
    assert (every["metrics"]["recall@1"], every["metrics"]["recall@2"]) == (0.5, 1.0)
    assert "Is this the split" not in run(*arguments[:-1], "--include-seen").output


def test_reports_that_no_test_interaction_repeats_a_training_interaction(run, publish, data):
    publish()
    assert "are never right answers" in run("evaluate", data, "--include-seen").output


def test_rejects_data_without_a_test_split(run, publish, data):
    publish()
    result = run("evaluate", data, "--split", "none")
    assert result.exit_code == 2
    assert "has no test split" in result.stderr


def test_reports_a_store_without_releases(run, data):
    result = run("evaluate", data)
    assert result.exit_code == 2
    assert "no current release" in result.stderr


@pytest.mark.parametrize("k", ["0", "-1", "ten", "1000000001"])
def test_rejects_an_invalid_k(run, data, k):
    result = run("evaluate", data, "-k", k)
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr
