import json

import pytest

pytestmark = pytest.mark.slow


def test_list_shows_the_newest_first_and_marks_the_current(run, publish):
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


def test_list_as_json_has_the_whole_manifests(run, publish):
    published = publish(metrics={"recall@50": 0.25})
    (found,) = json.loads(run("release", "list", "--json").stdout)
    assert (found["id"], found["current"], found["damage"]) == (published.id, True, None)
    assert found["manifest"]["metrics"] == {"recall@50": 0.25}


def test_list_says_what_is_damaged(run, publish):
    published = publish()
    (published.path / "popularity.npy").unlink()
    result = run("release", "list")
    assert result.exit_code == 0
    assert f"{published.id} is damaged: " in result.output
    assert "popularity.npy" in result.output
    (found,) = json.loads(run("release", "list", "--json").stdout)
    assert "popularity.npy" in found["damage"]


def test_a_folder_that_is_no_store_is_said(run, root):
    result = run("release", "list")
    assert result.exit_code == 2
    assert "there is no such folder of releases" in result.stderr
    assert not root.exists()
    root.mkdir(parents=True)
    (root / "notes.txt").touch()
    result = run("release", "list", "--json")
    assert result.exit_code == 2
    assert "has other files and no releases" in result.stderr


def test_an_empty_store_is_an_empty_list(run, root):
    root.mkdir(parents=True)
    result = run("release", "list")
    assert (result.exit_code, result.output) == (0, f"no releases in {root}\n")
    assert json.loads(run("release", "list", "--json").stdout) == []


def test_show_is_of_the_current_release_unless_told(run, publish):
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


def test_show_as_json_is_the_manifest_and_whether_it_is_current(run, publish):
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
def test_what_is_not_there_is_an_error_of_one_line(run, root, arguments):
    root.mkdir()
    result = run("release", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {root}")
    assert result.stderr.count("\n") == 1


def test_verify_finds_the_damaged_one_among_the_sound(run, publish, damage):
    good, bad = publish(1), publish(2)
    assert run("release", "verify").exit_code == 0
    file = damage(bad)
    result = run("release", "verify")
    assert result.exit_code == 1
    assert f"{good.id}  sound" in result.output
    assert f"{bad.id}  damaged: " in result.output
    assert file in result.output
    assert run("release", "verify", good.id).exit_code == 0
    assert run("release", "verify", bad.id).exit_code == 1


def test_activate_and_rollback_move_the_mark(run, publish):
    first, second = publish(1), publish(2)
    assert run("release", "activate", first.id).output == f"{first.id} is current\n"
    assert json.loads(run("release", "show", "--json").stdout)["id"] == first.id
    assert run("release", "rollback").output == f"{second.id} is current again\n"
    assert json.loads(run("release", "show", "--json").stdout)["id"] == second.id


def test_prune_says_what_it_removed_and_keeps_the_current(run, publish):
    first, second, third = publish(1), publish(2), publish(3)
    run("release", "activate", first.id)
    result = run("release", "prune", "--keep", "1")
    assert result.output == f"removed {second.id}\n"
    left = json.loads(run("release", "list", "--json").stdout)
    assert {found["id"] for found in left} == {first.id, third.id}
    assert run("release", "prune", "--keep", "1").output == "nothing to remove\n"


def test_prune_must_be_told_how_many_to_keep(run, publish):
    publish()
    assert run("release", "prune").exit_code == 2
    assert run("release", "prune", "--keep", "-1").exit_code == 2
