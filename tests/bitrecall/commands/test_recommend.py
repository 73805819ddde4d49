import json

import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving
from tests.tools.small_release import contents, release

__all__ = ["contents", "release"]


@pytest.fixture
def run(release):
    def run(*arguments):
        store = ["--releases", str(release.path.parent)]
        return CliRunner().invoke(bitrecall, [*arguments, *store], prog_name="bitrecall")

    return run


@pytest.fixture(scope="module")
def http(release):
    with serving(create_app(Settings(releases=release.path.parent, events="off"))) as client:
        yield client


def test_prints_recommendations_as_a_table(run):
    done = run("recommend", "17", "-k", "3")
    assert done.exit_code == 0, done.output
    title, head, *rows = done.stdout.splitlines()
    assert title == "3 items for 17 by codes"
    assert head.split() == ["item_id", "distance", "score"]
    assert len(rows) == 3
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["17"], {"user_id": "17"}),
        (["17", "-k", "4", "--explain"], {"user_id": "17", "k": 4, "explain": True}),
        (["nobody", "--include-seen"], {"user_id": "nobody", "exclude_seen": False}),
        (
            [
                "17",
                "--exclude",
                "item 3",
                "--exclude",
                "item 4",
                "--filter",
                '{"any_tags":["jazz"]}',
            ],
            {
                "user_id": "17",
                "exclude_items": ["item 3", "item 4"],
                "filter": {"any_tags": ["jazz"]},
            },
        ),
        (["--history", "item 1", "--history", "item 2"], {"history": ["item 1", "item 2"]}),
        (
            ["17", "--history", "item 9", "--history-mode", "add"],
            {"user_id": "17", "history": ["item 9"], "history_mode": "add"},
        ),
        (["all seen"], {"user_id": "all seen"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_json_equals_the_response_of_the_service(run, http, arguments, body):
    done = run("recommend", *arguments, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == http.post("/recommend", json=body).json()


def test_excludes_items(run):
    best = json.loads(run("recommend", "17", "-k", "2", "--json").stdout)["items"]
    excluded = [f"--exclude={item['id']}" for item in best]
    others = json.loads(run("recommend", "17", *excluded, "--json").stdout)["items"]
    assert {item["id"] for item in best}.isdisjoint(item["id"] for item in others)
    nearest = json.loads(run("similar", "item 3", "-k", "1", "--json").stdout)["items"][0]["id"]
    others = json.loads(run("similar", "item 3", f"--exclude={nearest}", "--json").stdout)["items"]
    assert nearest not in {item["id"] for item in others}


def test_json_of_similar_and_popular_equals_the_responses_of_the_service(run, http):
    similar = json.loads(run("similar", "item 3", "-k", "60", "--json").stdout)
    assert similar == http.post("/similar", json={"item_id": "item 3", "k": 60}).json()
    popular = json.loads(run("popular", "-k", "3", "--json").stdout)
    assert popular == http.get("/popular?k=3").json()


def test_prints_similar_and_popular_items_as_tables(run):
    assert run("similar", "item 3", "-k", "2").stdout.startswith("2 items like item 3\nitem_id")
    assert run("popular", "-k", "2").stdout.splitlines()[2].split() == ["item", "0", "60"]


def test_warns_of_an_unknown_user_and_suggests_a_similar_id(run):
    done = run("recommend", "All Sen", "-k", "2")
    assert done.exit_code == 0
    assert "user 'All Sen' is not in release" in done.stderr
    assert "did you mean 'all seen'?" in done.stderr
    assert done.stdout.startswith("2 items for All Sen by popular\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recommend"], "pass a USER, or items with --history"),
        (["recommend", "17", "--filter", "any_tags"], "expected a JSON object"),
        (["recommend", "17", "--filter", "[]"], "filter has to be a dict"),
        (["recommend", "17", "--filter", '{"where": {"color": 1}}'], "no item has an attribute"),
        (["recommend", "17", "-k", "0"], "not in the range x>=1"),
        (["recommend", " "], "user_id is empty"),
        (["similar", "item 100"], "did you mean 'item 10'?"),
        (["popular", "--release", "none"], "there is no release 'none'"),
    ],
)
def test_reports_invalid_arguments(run, arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_shows_the_training_command_if_the_store_is_missing(tmp_path):
    done = CliRunner().invoke(bitrecall, ["popular", "--releases", str(tmp_path / "missing")])
    assert done.exit_code == 2
    assert "bitrecall train DATA --releases" in done.stderr
