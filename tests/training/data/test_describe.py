import json

import numpy as np
import pytest

from bitrecall.training.data.describe import describe
from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split

TRAIN = "user,item,time\na,x,0\na,y,1\na,z,2\nb,x,86400\na,x,9\nc\n"
TEST = "user,item,time\nb,x,5\nb,y,6\nd,w,7\n"


@pytest.fixture
def description(tmp_path):
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(TEST)
    return describe(load_dataset(tmp_path, ReadOptions(skip_bad_rows=True)))


def test_counts_users_items_and_pairs(description):
    assert (description.users, description.items) == (3, 4)
    assert (description.cold_users, description.cold_items) == (1, 1)
    train, test = description.train, description.test
    assert (train.users, train.items, train.pairs) == (2, 3, 4)
    assert train.density == pytest.approx(4 / 6)
    assert (train.first_time, train.last_time) == ("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z")
    assert (test.users, test.items, test.pairs) == (2, 2, 2)
    report = description.report
    assert report.duplicates_collapsed == 1
    assert report.bad_rows_skipped == 1
    assert report.test_pairs_in_train == 1


def test_describes_the_distribution_of_pairs(description):
    spread = description.train.per_user
    assert (spread.minimum, spread.maximum) == (1, 3)
    assert (spread.median, spread.mean) == (2.0, 2.0)
    assert spread.p90 == pytest.approx(2.8)
    # Of two users with 1 and 3 pairs: half of the mean difference over the mean.
    assert spread.gini == pytest.approx(0.25)
    assert spread.top_1_percent == pytest.approx(0.75)


def test_gini_is_the_mean_difference_over_twice_the_mean(tmp_path):
    counts = [1, 1, 2, 5, 9]
    lines = [
        " ".join([f"u{n}", *(f"i{item}" for item in range(count))])
        for n, count in enumerate(counts)
    ]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    dataset = load_dataset(tmp_path / "a.txt", ReadOptions(split=Split.NONE))
    expected = np.mean([abs(x - y) for x in counts for y in counts]) / (2 * np.mean(counts))
    assert describe(dataset).train.per_user.gini == pytest.approx(expected)


def test_can_be_encoded_as_json(description):
    tree = json.loads(json.dumps(description.as_dict()))
    assert tree["train"]["pairs"] == 4
    assert tree["report"]["split"] == "given"
    assert tree["test"]["sha256"] == description.test.sha256


def test_the_text_is_aligned_and_has_every_count(description):
    lines = description.render().split("\n")
    assert lines[0].endswith(": 3 users, 4 items")
    blocks = "\n".join(lines).split("\n\n")
    for block in blocks[1:3]:
        assert len({len(line) for line in block.split("\n")}) == 1
    assert any(line.split() == ["pairs", "4", "2"] for line in lines)
    assert any(line.split() == ["bad", "rows", "skipped", "1"] for line in lines)
    (skipped,) = (line for line in lines if line.startswith("  skipped: "))
    assert skipped.endswith("train.csv, line 7: has 1 field, but the header has 3")
    assert any(line.startswith("columns: user = user, item = item, time = ") for line in lines)
    assert any(line.startswith("warning: test.csv: 3 times are before 1990") for line in lines)


def test_without_a_test_split_the_table_has_one_column(tmp_path):
    (tmp_path / "a.txt").write_text("1 2\n1 3\n")
    description = describe(load_dataset(tmp_path / "a.txt", ReadOptions(split=Split.NONE)))
    assert description.test is None
    assert "test, pairs" not in description.render()
    assert description.train.first_time is None


@pytest.mark.parametrize(
    ("content", "options", "order", "text"),
    [
        ("user,item,time\na,x,1\na,y,2\n", {}, "timestamp", "by timestamp"),
        ("user,item,time\na,x,1\na,y,1\n", {}, None, "unknown (most users' times are equal)"),
        ("user,item\na,x\na,y\n", {}, None, "unknown"),
        (
            "user,item\na,x\na,y\n",
            {"lines_in_order": True},
            "the order of lines",
            "by the order of lines",
        ),
    ],
)
def test_shows_what_orders_the_pairs(tmp_path, content, options, order, text):
    (tmp_path / "a.csv").write_text(content)
    options = ReadOptions(split=Split.NONE, **options)
    description = describe(load_dataset(tmp_path / "a.csv", options))
    assert description.order == order
    lines = [line.split("  ") for line in description.render().splitlines()]
    assert [line[-1].strip() for line in lines if line[0] == "order of a user's pairs"] == [text]
