import gc
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import bitrecall
from bitrecall.cli import bitrecall as command_line
from bitrecall.errors import ArgumentError, MissingExtraError
from bitrecall.model.fitting import DataWarning, fit
from bitrecall.service.shared_folder import shared_folder
from bitrecall.training.errors import DataError, InterruptedTraining, RecipeError, TrainingError
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.pipeline import TrainingPipeline

pytestmark = pytest.mark.slow

QUICK = {
    "recipe": "sample",
    "overrides": {"bits": 16, "fit.epochs": 1, "validation.share": 0},
    "threads": 1,
    "progress": False,
}


@pytest.fixture(scope="module")
def frame():
    """Interactions of 30 users in two groups, each with nine items and times."""
    return pl.DataFrame(
        [
            {"who": user, "item_id": user % 2 * 20 + (user + step) % 20, "timestamp": 10**9 + step}
            for user in range(30)
            for step in range(9)
        ]
    )


@pytest.fixture(scope="module")
def csv(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "events.csv"
    frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def model(frame):
    return fit(frame, user_column="who", **QUICK)


def test_fit_and_the_command_give_equal_codes_for_every_kind_of_table(frame, csv, model, tmp_path):
    done = CliRunner().invoke(
        command_line,
        [
            *("train", str(csv), "--recipe=sample", "--threads=1", "--set=bits=16"),
            *("--set=fit.epochs=1", "--set=validation.share=0", "--no-progress"),
            "--no-comparison",
            *("--user-column=who", f"--run={tmp_path / 'run'}", f"--releases={tmp_path / 'r'}"),
        ],
    )
    assert done.exit_code == 0, done.output
    trained = bitrecall.load(tmp_path / "r")
    pandas = pytest.importorskip("pandas")
    from_pandas = fit(pandas.DataFrame(frame.to_dict(as_series=False)), user_column="who", **QUICK)
    for other in (model, from_pandas, fit(str(csv), user_column="who", **QUICK)):
        assert list(other.items) == list(trained.items)
        assert np.array_equal(other.item_codes().packed, trained.item_codes().packed)
        users = list(trained.users)
        assert np.array_equal(other.codes(users).packed, trained.codes(users).packed)
        assert other.metrics == trained.metrics


def test_evaluates_on_the_interactions_held_out_by_fit(model):
    evaluation = model.evaluate(ks=[5, 20], progress=False)
    assert evaluation.split == "held out by fit"
    assert evaluation["recall@20"] == model.metrics["recall@20"]
    assert {name.partition("@")[2] for name in evaluation.metrics} == {"5", "20"}


def test_lines_in_order_give_the_codes_of_times_that_count_lines():
    order = np.random.default_rng(0).permutation(40 * 24)
    users, items = np.repeat(np.arange(40), 24), np.tile(np.arange(24), 40)
    items = users % 2 * 40 + (items * (1 + users % 3) + users) % 40
    lines = pl.DataFrame({"user_id": users[order], "item_id": items[order]})
    timed = lines.with_columns(timestamp=10**9 + pl.int_range(pl.len()))
    arguments = {
        "recipe": "default",
        "overrides": {"bits": 16, "fit.epochs": 2},
        "threads": 1,
        "progress": False,
        "split": "latest",
    }
    by_lines, by_times = fit(lines, lines_in_order=True, **arguments), fit(timed, **arguments)
    overrides = {**arguments["overrides"], "validation.cut": "random"}
    at_random = fit(timed, **{**arguments, "overrides": overrides})
    assert by_lines.metrics == by_times.metrics
    names = list(by_times.users)
    assert np.array_equal(by_lines.item_codes().packed, by_times.item_codes().packed)
    assert np.array_equal(by_lines.codes(names).packed, by_times.codes(names).packed)
    assert not np.array_equal(by_lines.codes(names).packed, at_random.codes(names).packed)


def test_evaluates_on_repeated_interactions_if_seen_items_are_included(frame):
    again = frame.filter(pl.col("timestamp") < 10**9 + 3).with_columns(pl.col("timestamp") + 20)
    model = fit(pl.concat([frame, again]), user_column="who", **QUICK)
    new = model.evaluate(ks=[20], progress=False)
    every = model.evaluate(ks=[20], exclude_seen=False, progress=False)
    assert (new.seen_pairs, every.seen_pairs) == (0, 90)
    assert every.pairs == new.pairs + 90


def test_evaluates_on_a_table_or_a_folder(frame, model, tmp_path):
    test = frame.filter(pl.col("timestamp") >= 10**9 + 7)
    on_table = model.evaluate(test, user_column="who", progress=False)
    assert on_table.pairs == len(test)
    (tmp_path / "folder").mkdir()
    test.write_csv(tmp_path / "folder" / "test.csv")
    frame.filter(pl.col("timestamp") < 10**9 + 7).write_csv(tmp_path / "folder" / "train.csv")
    on_folder = model.evaluate(tmp_path / "folder", user_column="who", progress=False)
    assert (on_folder.split, on_folder.metrics) == ("test (given)", on_table.metrics)
    on_split = model.evaluate(
        frame, user_column="who", split="time", test_fraction=0.5, progress=False
    )
    assert 0 < on_split.pairs < len(frame)


def test_publishes_to_a_store_and_activates_on_request(frame, tmp_path):
    model = fit(frame, user_column="who", releases=tmp_path / "releases", **QUICK)
    assert bitrecall.load(tmp_path / "releases").release_id == model.release_id
    inactive = fit(
        frame, user_column="who", releases=tmp_path / "releases", activate=False, **QUICK
    )
    assert bitrecall.load(tmp_path / "releases").release_id == model.release_id
    assert bitrecall.load(tmp_path / "releases", release=inactive.release_id).bits == 16


def test_deletes_the_temporary_store_with_its_model(frame):
    model = fit(frame, user_column="who", **QUICK)
    folder = Path(model._release.path)
    assert folder.is_dir()
    del model
    gc.collect()
    assert not folder.exists()


def test_a_service_started_meanwhile_keeps_the_temporary_folders(frame, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    publish = TrainingPipeline.publish

    def publish_beside_a_service(*arguments):
        with shared_folder():
            assert {path.name.split("-")[1] for path in tmp_path.iterdir()} == (
                {"releases", "fit", "service"}
            )
        return publish(*arguments)

    monkeypatch.setattr(TrainingPipeline, "publish", publish_beside_a_service)
    assert fit(frame, user_column="who", **QUICK).recommend("3", k=1)


def test_accepts_items_as_a_table(frame):
    items = pl.DataFrame(
        {"item_id": list(range(40)), "tags": [["even", "odd"][i % 2] for i in range(40)]}
    )
    model = fit(frame, items=items, user_column="who", **QUICK)
    recommended = model.recommend(3, k=40, exclude_seen=False, filter={"any_tags": ["even"]})
    assert {int(item) % 2 for item in recommended.item_ids} == {0}


def test_rejects_implausible_data_unless_allowed():
    one_user = pl.DataFrame({"user": ["a"] * 5, "item": list("vwxyz")})
    with pytest.raises(DataError, match=r"only one user.*with user_column.*allow_implausible=True"):
        fit(one_user, **QUICK)
    with pytest.warns(DataWarning) as warnings:
        fit(one_user, allow_implausible=True, split="none", **QUICK)
    assert any("only one user" in str(warning.message) for warning in warnings)
    assert {warning.filename for warning in warnings} == {__file__}


def test_warns_of_the_bad_rows_that_it_skips(frame):
    dirty = frame.with_columns(who=pl.when(pl.int_range(pl.len()) > 0).then("who"))
    with pytest.raises(DataError, match=r"or pass skip_bad_rows=True to leave it out"):
        fit(dirty, user_column="who", **QUICK)
    with pytest.warns(DataWarning, match=r"^1 bad row skipped, such as events, row 1: the user"):
        fit(dirty, user_column="who", skip_bad_rows=True, **QUICK)


def test_error_for_a_missing_column_names_the_keyword(frame):
    with pytest.raises(DataError, match=r"has no user column.*user_column=NAME"):
        fit(frame, **QUICK)


def test_rejects_an_unknown_keyword_or_value(frame):
    with pytest.raises(TypeError, match="'user_colum'; did you mean 'user_column'"):
        fit(frame, user_colum="who")  # type: ignore[call-arg]
    with pytest.raises(DataError, match="split has to be one of auto, given, time"):
        fit(frame, user_column="who", split="tomorrow", **QUICK)


def test_rejects_an_unknown_recipe_key(frame):
    with pytest.raises(RecipeError, match="unknown key 'bit'"):
        fit(frame, user_column="who", recipe="sample", overrides={"bit": 16})


def test_accepts_numpy_values_as_overrides(frame):
    overrides = {**QUICK["overrides"], "bits": np.int64(16), "fit.epochs": np.array(1)}
    model = fit(frame, user_column="who", **{**QUICK, "overrides": overrides})
    assert model.bits == 16


@pytest.mark.parametrize(
    ("argument", "value"), [("overrides", ["bits=16"]), ("threads", 0), ("threads", "2")]
)
def test_rejects_overrides_and_threads_of_another_type(frame, argument, value):
    with pytest.raises(ArgumentError, match=f"{argument} has to be"):
        fit(frame, user_column="who", **{**QUICK, argument: value})


def test_accepts_nested_overrides(frame):
    model = fit(
        frame,
        user_column="who",
        **QUICK | {"overrides": {"bits": 24, "fit": {"epochs": 1}, "validation": {"share": 0}}},
    )
    assert model.bits == 24


@pytest.mark.parametrize("value", [None, float("nan"), [float("inf")]])
def test_rejects_overrides_without_a_value(frame, value):
    with pytest.raises(ArgumentError, match=r"overrides\['fit.epochs'\] is .*; omit the key"):
        fit(frame, overrides={"fit": {"epochs": value}})


@pytest.mark.parametrize(
    "argument",
    [
        {"test_fraction": "x"},
        {"split_seed": 1.5},
        {"where": 3},
        {"weight": 3},
        {"columns": 3},
        {"columns": ["a", 3]},
        {"user_column": 1.5},
        {"use_times": "no"},
        {"skip_bad_rows": None},
        {"device": None},
        {"activate": "no"},
    ],
)
def test_rejects_arguments_of_another_type(frame, argument):
    (name,) = argument
    with pytest.raises(ArgumentError, match=rf"^{name}(\[1\])? has to be "):
        fit(frame, **argument)


def test_an_unusable_device_names_the_keyword(frame):
    with pytest.raises(TrainingError, match="use device='cpu' or device='cuda'"):
        fit(frame, user_column="who", **QUICK, device="meta")


@pytest.mark.parametrize(
    "arguments", [{"releases": ""}, {"run": ""}, {"events": ""}, {"items": ""}]
)
def test_rejects_an_empty_path(frame, arguments):
    with pytest.raises(ArgumentError, match=f"{next(iter(arguments))} has to be a path"):
        fit(**{"events": frame, "user_column": "who", **QUICK, **arguments})


@pytest.mark.parametrize("option", [{"columns": ["a", "b"]}, {"query": "select 1"}])
def test_rejects_options_of_files_for_a_table(frame, option):
    with pytest.raises(DataError, match=f"in memory, to which {next(iter(option))} does not"):
        fit(frame, user_column="who", **QUICK, **option)


def test_accepts_columns_named_by_integers(frame):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(frame.select("who", "item_id").to_numpy())
    assert len(fit(table, user_column=0, item_column=1, **QUICK).users) == 30
    with pytest.raises(DataError, match=r"has no column '7' \(user_column\)"):
        fit(table, user_column=7, item_column=1, **QUICK)


def test_rejects_a_table_that_cannot_be_read():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"it has no columns"):
        fit(pandas.DataFrame(), **QUICK)
    with pytest.raises(DataError, match="column 'user_id' has text that is not valid Unicode"):
        fit(pandas.DataFrame({"user_id": ["\ud800"], "item_id": ["a"]}), **QUICK)


def test_a_missing_extra_is_named_with_how_to_install_it(csv):
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import bitrecall\n"
        "try:\n"
        "    bitrecall.fit(sys.argv[1])\n"
        "except bitrecall.MissingExtraError as error:\n"
        "    print(error.extra, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(csv)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("train bitrecall.fit needs torch, which is not installed: ")
    assert "[train]" in done.stdout
    assert issubclass(MissingExtraError, ImportError)


def test_a_service_started_meanwhile_keeps_the_run_folder(frame, monkeypatch):
    publish = TrainingPipeline.publish

    def beside_a_service(pipeline, store):
        # A service removes temporary files of services that have ended.
        with shared_folder():
            return publish(pipeline, store)

    monkeypatch.setattr(TrainingPipeline, "publish", beside_a_service)
    assert fit(frame, user_column="who", **QUICK).bits == 16


@pytest.fixture
def interrupted(monkeypatch):
    """Interrupt a training before its first step, as Ctrl-C does."""
    run = FitLoop.run

    def interrupted_run(loop, stop):
        os.kill(os.getpid(), signal.SIGINT)
        return run(loop, stop)

    monkeypatch.setattr(FitLoop, "run", interrupted_run)
    return monkeypatch


def test_an_interrupted_fit_resumes_from_its_run_folder(frame, interrupted, tmp_path):
    with pytest.raises(InterruptedTraining, match=r"^stopped by SIGINT.*pass run=FOLDER"):
        fit(frame, user_column="who", **QUICK)
    with pytest.raises(InterruptedTraining, match=r"the same command resumes from"):
        fit(frame, user_column="who", run=tmp_path / "run", **QUICK)
    interrupted.undo()
    resumed = fit(frame, user_column="who", run=tmp_path / "run", **QUICK)
    assert "resumed" in (tmp_path / "run" / "log.jsonl").read_text()
    uninterrupted = fit(frame, user_column="who", **QUICK)
    assert np.array_equal(resumed.item_codes().packed, uninterrupted.item_codes().packed)
