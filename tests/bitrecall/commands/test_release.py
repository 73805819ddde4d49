import json

import pytest

pytestmark = pytest.mark.slow


def test_lists_the_newest_release_first_and_marks_the_current_one(run, publish):
    old = publish(1)
    new = publish(2, metrics={"recall@50": 0.25}, activate=False)
    result = run("release", "list")
    assert result.exit_code == 0
    titles, *lines = [line.split() for line in result.output.splitlines()]
    assert titles == ["id", "created", "parent", "bits", "users", "items", "backend", "recall@50"]
    assert [line[0] for line in lines] == [new.id, "*"]
    assert lines[0][3:] == [f"…{old.id[-8:]}", "8", "2", "4", "flat", "0.25"]
    assert lines[1][1] == old.id
    assert lines[1][4:] == ["-", "8", "2", "4", "flat", "-"]


def test_lists_complete_manifests_as_json(run, publish):
    published = publish(metrics={"recall@50": 0.25})
    (listed,) = json.loads(run("release", "list", "--json").stdout)
    assert (listed["id"], listed["current"], listed["damage"]) == (published.id, True, None)
    assert listed["manifest"]["metrics"] == {"recall@50": 0.25}


def test_lists_the_damaged_file(run, publish):
    published = publish()
    (published.path / "popularity.npy").unlink()
    result = run("release", "list")
    assert result.exit_code == 0
    assert f"{published.id} is damaged: " in result.output
    assert "popularity.npy" in result.output
    (listed,) = json.loads(run("release", "list", "--json").stdout)
    assert "popularity.npy" in listed["damage"]


def test_list_rejects_a_folder_that_is_not_a_store(run, root):
    result = run("release", "list")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr
    assert not root.exists()
    root.mkdir(parents=True)
    (root / "notes.txt").touch()
    result = run("release", "list", "--json")
    assert result.exit_code == 2
    assert "contains other files and no releases" in result.stderr


def test_lists_an_empty_store(run, root):
    root.mkdir(parents=True)
    result = run("release", "list")
    assert (result.exit_code, result.output) == (0, f"no releases in {root}\n")
    assert json.loads(run("release", "list", "--json").stdout) == []


def test_shows_the_current_release_by_default(run, publish):
    old, new = publish(1), publish(2, metrics={"recall@50": 0.25})
    shown = run("release", "show").output
    assert f"{new.id} (current)" in shown
    assert old.id in shown  # its parent
    assert "2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z" in shown
    assert "8 bits, flat backend" in shown
    assert "  recall@50  0.25\n" in shown
    assert "  fit.seed  2\n" in shown
    assert "item_codes.npy" in shown
    other = run("release", "show", old.id).output
    assert "(current)" not in other
    assert "parent   none" in other


def test_shows_the_manifest_as_json(run, publish):
    published = publish(3)
    shown = json.loads(run("release", "show", "--json").stdout)
    assert shown.pop("current") is True
    assert shown == json.loads((published.path / "manifest.json").read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "20260101T000000Z-00000000"],
        ["verify"],
        ["verify", "20260101T000000Z-00000000"],
        ["activate", "20260101T000000Z-00000000"],
        ["activate", "../elsewhere"],
        ["rollback"],
    ],
    ids=" ".join,
)
def test_reports_a_missing_release_in_one_line(run, root, arguments):
    root.mkdir()
    result = run("release", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {root}")
    assert result.stderr.count("\n") == 1


def test_verify_reports_damaged_and_intact_releases(run, publish, damage):
    good, bad = publish(1), publish(2)
    assert run("release", "verify").exit_code == 0
    file = damage(bad)
    result = run("release", "verify")
    assert result.exit_code == 1
    assert f"{good.id}  intact" in result.output
    assert f"{bad.id}  damaged: " in result.output
    assert file in result.output
    assert run("release", "verify", good.id).exit_code == 0
    assert run("release", "verify", bad.id).exit_code == 1


def test_activates_and_rolls_back(run, publish):
    first, second = publish(1), publish(2)
    assert run("release", "activate", first.id).output == f"{first.id} is current\n"
    assert json.loads(run("release", "show", "--json").stdout)["id"] == first.id
    assert run("release", "rollback").output == f"{second.id} is current again\n"
    assert json.loads(run("release", "show", "--json").stdout)["id"] == second.id


def test_prune_prints_the_removed_releases_and_keeps_the_current_one(run, publish):
    first, second, third = publish(1), publish(2), publish(3)
    run("release", "activate", first.id)
    result = run("release", "prune", "--keep", "1")
    assert result.output == f"removed {second.id}\n"
    remaining = json.loads(run("release", "list", "--json").stdout)
    assert {listed["id"] for listed in remaining} == {first.id, third.id}
    assert run("release", "prune", "--keep", "1").output == "no releases to remove\n"


def test_prune_requires_the_number_to_keep(run, publish):
    publish()
    assert run("release", "prune").exit_code == 2
    assert run("release", "prune", "--keep", "-1").exit_code == 2
