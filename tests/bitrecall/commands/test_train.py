import contextlib
import json
import signal
import sqlite3
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

QUICK = (
    "--recipe=sample",
    "--threads=1",
    "--set=bits=16",
    "--set=fit.epochs=1",
    "--set=validation.share=0",
    "--no-progress",
    "--no-comparison",
)


@pytest.fixture
def data(tmp_path):
    """Write 30 users of two disjoint tastes as LightGCN train and test files."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [
        (user, [user % 2 * 20 + (user + step) % 20 for step in range(9)]) for user in range(30)
    ]
    train = "\n".join(f"{user} " + " ".join(map(str, items[:7])) for user, items in lines)
    test = "\n".join(f"{user} " + " ".join(map(str, items[7:])) for user, items in lines)
    (folder / "train.txt").write_text(train)
    (folder / "test.txt").write_text(test)
    return folder


@pytest.fixture
def train(data, tmp_path):
    def train(*arguments, env=None):
        folders = ["--releases", str(tmp_path / "releases"), "--run", str(tmp_path / "run")]
        command = ["train", str(data), *QUICK, *folders, *arguments]
        return CliRunner().invoke(bitrecall, command, env=env)

    return train


def test_publishes_a_release_and_prints_its_metrics(train, tmp_path):
    done = train()
    assert done.exit_code == 0, done.output
    release = ReleaseStore(tmp_path / "releases").open_current()
    assert f"published {release.id}: 30 users, 40 items, 16 bits" in done.stdout
    assert f"recall@20 {release.manifest.metrics['recall@20']:.5f}" in done.stdout
    assert "on the test split" in done.stdout
    assert f"bitrecall serve --releases {tmp_path / 'releases'}" in done.stdout


def test_compares_the_codes_with_float_recommenders(train, tmp_path):
    done = train("--comparison")
    assert done.exit_code == 0, done.output
    published, table = done.stdout.split("\n\n", 1)
    assert "bitrecall serve" in published
    assert "compared on 60 test interactions of 30 users" in table
    assert "settings chosen on a random 15% of each user's interactions" in table
    for name in ("popularity", "item kNN", "RP3beta", "EASE", "ALS, ", "Bitrecall, 16 bits"):
        assert f"\n{name}" in table
    record = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert record["event"] == "comparison"
    release = ReleaseStore(tmp_path / "releases").open_current()
    measured = record["codes"]["measures"]["recall@20"]
    assert measured == release.manifest.metrics["recall@20"]
    assert len(record["recommenders"]) == 5


def test_compares_on_the_validation_interactions_without_a_test_split(train, data):
    (data / "test.txt").unlink()
    done = train("--comparison", "--set=validation.share=0.2", "--split=none")
    assert done.exit_code == 0, done.output
    assert "validation interactions of 30 users" in done.stdout
    assert "these are the same interactions, so all values are a little too high" in done.stdout


def test_publishes_and_reports_no_comparison_if_nothing_is_held_out(train, data, tmp_path):
    (data / "test.txt").unlink()
    done = train("--comparison", "--split=none")
    assert done.exit_code == 0, done.output
    assert "no comparison: nothing is held out to compare on" in done.stderr
    assert ReleaseStore(tmp_path / "releases").open_current().n_items == 40


def test_an_error_of_the_comparison_keeps_the_release(train, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise DataError("the order is unknown")

    monkeypatch.setattr("bitrecall.training.comparison.comparison.compare", fail)
    done = train("--comparison")
    assert done.exit_code == 0, done.output
    assert "no comparison: the order is unknown" in done.stderr
    assert ReleaseStore(tmp_path / "releases").open_current().n_items == 40


def test_ctrl_c_in_the_comparison_keeps_the_release(train, tmp_path, monkeypatch):
    def interrupt(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("bitrecall.training.comparison.families.als", interrupt)
    done = train("--comparison")
    assert done.exit_code == 130
    assert "ALS  not run: interrupted" in done.stdout
    release = ReleaseStore(tmp_path / "releases").open_current()
    assert done.stderr.endswith(f"release {release.id} is published\ninterrupted\n")


def test_without_comparison_prints_no_table(train):
    assert "compared on" not in train().output


def test_reports_the_bad_rows_that_it_skips(train, data, tmp_path):
    with (data / "train.txt").open("ab") as file:
        file.write(b"\n7 \xff\n8 \xfe")
    done = train("--skip-bad-rows", "--format", "lightgcn")
    assert done.exit_code == 0, done.output
    example = f"{data / 'train.txt'}, line 31: is not UTF-8"
    assert f"warning: 2 bad rows skipped, such as {example}" in done.stderr
    start = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert start["bad_rows_skipped"] == 2
    assert start["bad_row_examples"][0] == example


def test_publishes_tags_and_attributes(train, tmp_path):
    table = tmp_path / "items.csv"
    table.write_text("item,tags,price\n3,new|red,2.5\n4,,\nunheard,red,1\n")
    done = train("--items", str(table))
    assert done.exit_code == 0, done.output
    assert "item table: items.csv has 2 of the 40 items" in done.stderr
    release = ReleaseStore(tmp_path / "releases").open_current()
    row = release.items.row_of("3")
    assert release.attributes.tags_of(row) == ["new", "red"]
    assert release.attributes.columns_of(row) == {"price": 2.5}


def test_rejects_an_item_table_with_other_ids_before_training(train, tmp_path):
    table = tmp_path / "items.csv"
    table.write_text("item,price\n3.0,2.5\n4.0,1\n")
    done = train("--items", str(table))
    assert done.exit_code == 2
    assert "the table has ids such as '3.0', '4.0', the interactions such as" in done.stderr
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_publishes_an_item_table_with_only_tags(train, tmp_path):
    table = tmp_path / "items.csv"
    table.write_text("item,Tags\n3,new|red\n")
    done = train(env={"BITRECALL_TRAIN_ITEMS": str(table)})
    assert done.exit_code == 0, done.output
    assert "warning: items.csv: has only 1 of the 40 items" in done.stderr
    release = ReleaseStore(tmp_path / "releases").open_current()
    assert release.attributes.tags_of(release.items.row_of("3")) == ["new", "red"]


def test_trains_on_events_and_leaves_out_forgotten_users(train, tmp_path):
    url = f"sqlite:///{tmp_path}/events.db"
    store = EventStore(url)
    store.append([Event("newcomer", item, "view", 1.0) for item in ("3", "5", "brand new")])
    store.forget("7")
    last, log_id = store.last_sequence(), store.state().log_id
    store.close()
    done = train("--events", url)
    assert done.exit_code == 0, done.output
    assert f"events up to number {last} add 3 interactions; left out the earlier" in done.stdout
    assert "interactions of 1 forgotten users" in done.stdout
    release = ReleaseStore(tmp_path / "releases").open_current()
    assert release.users.row_of("7") is None
    assert release.items.row_of("brand new") is not None
    assert len(release.seen[release.users.row_of("newcomer")]) == 3
    data = release.manifest.data
    assert (data.last_event, data.events_id) == (last, log_id)
    assert len(data.last_event_digest) == 16
    # An event that cannot be used is reported and left out.
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as connection, connection:
        row = ("newcomer", "11", "view", -7e10)
        connection.execute("INSERT INTO events (user_id, item_id, type, at) VALUES (?,?,?,?)", row)
    done = train("--events", url)
    assert done.exit_code == 0, done.output
    assert f"left out event {last + 1:,} (user 'newcomer', item '11'): the time" in done.output
    assert "1 events cannot be used" in done.output


def test_reports_a_missing_events_database(train, tmp_path):
    done = train("--events", f"sqlite:///{tmp_path}/nowhere/events.db")
    assert done.exit_code != 0
    assert "Traceback" not in done.output


def test_prints_the_activation_command_without_activation(train, tmp_path):
    done = train("--no-activate")
    (summary,) = ReleaseStore(tmp_path / "releases").list()
    assert f"bitrecall release activate {summary.id}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "gowala"), "did you mean 'gowalla'?"),
        (("--set", "fit.epoch=2"), "unknown key 'fit.epoch'; did you mean 'fit.epochs'?"),
        (("--set", "encoder.name=lightgnc"), "did you mean 'lightgcn'?"),
        (("--set", "method=lightgcn"), "bitrecall reproduce"),
        (("--set", "method=bgch", "--set", "bgch.form=weighted"), "bitrecall reproduce"),
        (("--device", "toaster"), "'toaster' is not a device"),
        (("--set", "fit.learning_rate=1e38", "--set", "fit.batch_users=8"), "diverged"),
    ],
)
def test_reports_invalid_arguments_and_publishes_nothing(train, tmp_path, arguments, message):
    done = train(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "releases" / "CURRENT").exists()


def test_ctrl_c_writes_a_checkpoint(data, tmp_path):
    command = [
        *(sys.executable, "-m", "bitrecall", "train", str(data), *QUICK),
        *("--set=fit.epochs=3000", "--set=fit.batch_users=4", "--progress"),
        *("--releases", str(tmp_path / "releases"), "--run", str(tmp_path / "run")),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, bufsize=0)
    progress = ""
    while "loss" not in progress:  # the bar shows a loss once steps are taken
        character = process.stderr.read(1)
        assert character, f"ended before a step was taken: {progress}"
        progress += character
    process.send_signal(signal.SIGINT)
    _, remaining = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "the same command resumes" in remaining
    assert "Traceback" not in remaining
    assert (tmp_path / "run" / "final.npz").exists()
    assert not (tmp_path / "releases" / "CURRENT").exists()
    log = (tmp_path / "run" / "log.jsonl").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    assert events[-1]["event"] == "interrupted"
    assert events[-1]["signal"] == "SIGINT"
