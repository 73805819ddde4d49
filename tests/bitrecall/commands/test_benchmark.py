import json

import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

QUICK = (
    *("--recipe=sample", "--threads=1", "--set=bits=16", "--set=fit.epochs=1"),
    *("--set=teacher.rank=8", "--no-progress"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, which must stay empty but for the plot."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clicks(tmp_path_factory):
    """Write the interactions of 60 users of two disjoint tastes."""
    path = tmp_path_factory.mktemp("data") / "clicks.csv"
    lines = [
        f"u{user},i{user % 2 * 20 + (7 * user + 3 * step) % 20},{1000 * user + step}"
        for user in range(60)
        for step in range(9)
    ]
    path.write_text("\n".join(["user_id,item_id,timestamp", *lines]))
    return path


def run(*arguments):
    return CliRunner().invoke(bitrecall, ["benchmark", *map(str, arguments)])


def test_prints_and_draws_the_comparison(folder, clicks):
    done = run(clicks, *QUICK, "--split=random")
    assert done.exit_code == 0, done.output
    for name in ("popularity", "item kNN", "RP3beta", "EASE", "ALS, ", "Bitrecall, 16 bits"):
        assert f"\n{name}" in done.stdout
    assert "compared on 108 test interactions of 60 users" in done.stdout
    assert done.stdout.splitlines()[-2].startswith("codes: ")
    assert "left out for time" not in done.stdout
    assert (folder / "benchmark.png").read_bytes()[:4] == b"\x89PNG"
    assert [path.name for path in folder.iterdir()] == ["benchmark.png"]


def test_json_has_the_table(folder, clicks):
    done = run(clicks, *QUICK, "--json", "--no-plot", "--split=random")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["data"] == "clicks"
    assert document["split"] == "test"
    assert document["not_run"] == []
    for row in document["recommenders"]:
        assert row["trials"] == row["possible_trials"]
    assert document["codes"]["bytes_per_item"] == 2
    assert document["codes"]["seconds"] > 0
    assert 0 <= document["codes"]["measures"]["recall@20 tail"] <= 1
    assert not list(folder.iterdir())


def test_leaves_out_settings_that_do_not_fit_in_the_minutes(folder, clicks):
    document = json.loads(
        run(clicks, *QUICK, "--json", "--no-plot", "--comparison-minutes=0").stdout
    )
    assert [row["name"] for row in document["recommenders"]] == ["popularity"]
    assert len(document["not_run"]) == 4


def test_ctrl_c_prints_the_recommenders_that_are_ready(folder, clicks, monkeypatch):
    def interrupt(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("bitrecall.training.comparison.families.als", interrupt)
    done = run(clicks, *QUICK)
    assert done.exit_code == 130
    assert "\nEASE" in done.stdout
    assert "\nBitrecall, 16 bits" in done.stdout
    assert "ALS  not run: interrupted" in done.stdout
    assert done.stderr.endswith("interrupted\n")
    assert not list(folder.iterdir())


def test_compares_on_the_validation_interactions_without_a_test_split(folder, clicks):
    options = ("--json", "--no-plot", "--split=none", "--set=validation.share=0.2")
    document = json.loads(run(clicks, *QUICK, *options).stdout)
    assert document["split"] == "validation"
    assert document["tuned_on"] == "the latest 20% of each user's interactions, by timestamp"
    assert document["codes"]["measures"]["recall@20 cold"] is not None


@pytest.fixture
def release(clicks, tmp_path_factory):
    """Publish a release that was trained on the training split of ``clicks``."""
    store = tmp_path_factory.mktemp("releases")
    command = ["train", str(clicks), *QUICK, "--no-comparison", f"--releases={store}"]
    done = CliRunner().invoke(bitrecall, [*command, f"--run={store / 'run'}"])
    assert done.exit_code == 0, done.output
    return ReleaseStore(store).open_current()


def test_compares_a_release_with_the_measures_of_its_evaluation(folder, clicks, release):
    store = release.path.parent
    options = ("--release", release.id, "--releases", store, "--json", "--no-plot")
    done = run(clicks, *QUICK, *options)
    assert done.exit_code == 0, done.output
    codes = json.loads(done.stdout)["codes"]
    assert codes["measures"]["recall@20"] == release.manifest.metrics["recall@20"]
    assert codes["seconds"] is None


def test_rejects_a_release_of_other_interactions(folder, clicks, release):
    store = release.path.parent
    options = ("--release", release.id, "--releases", store, "--no-plot", "--split=random")
    done = run(clicks, *QUICK, *options)
    assert done.exit_code == 2
    assert f"release {release.id} was trained on other interactions" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plot=plot.gif",), "plot.gif must end in .png, .svg or .pdf"),
        (("--no-plot", "--split=none"), "nothing is held out to compare on"),
        (("--no-plot", "--split=none", "--release=none"), "nothing is held out"),
        (("--no-plot", "--release=none"), "none"),
    ],
)
def test_reports_invalid_arguments_before_training(folder, clicks, arguments, message):
    done = run(clicks, *QUICK, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir())


def test_rejects_data_that_are_too_few_to_tune_on(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "clicks.csv"
    path.write_text("user_id,item_id\na,x\na,y\nb,x\nb,y\n")
    done = run(path, *QUICK, "--no-plot", "--split=random", "--test-fraction=0.5")
    assert done.exit_code == 2
    assert "no user has enough interactions to hold one out for validation" in done.stderr
