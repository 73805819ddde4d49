"""Backup and restore with a stub of Docker."""

import shutil
from pathlib import Path

import pytest

from tests.docker.conftest import Script

pytestmark = pytest.mark.slow


def empty(state: Path) -> None:
    """Reset to the state after ``docker compose down --volumes``."""
    for name in ("releases", "work"):
        shutil.rmtree(state / name)
        (state / name).mkdir()
    (state / "events").unlink()
    (state / "running-database").unlink()


def content(state: Path) -> dict[str, str]:
    paths = [*(state / "releases").rglob("*"), *(state / "work").rglob("*"), state / "events"]
    files = [path for path in paths if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(state)): path.read_text() for path in files}


def test_restores_a_backup(script: Script, state: Path) -> None:
    before = content(state)
    result = script("backup.sh", "kept")
    assert result.stdout == "backed up 3 events and 1 releases into kept\n", result.stderr
    empty(state)
    # The database has just been started and does not respond yet.
    (state / "deaf").write_text("7")
    result = script("restore.sh", "kept")
    assert result.stdout == "restored 3 events and 1 releases from kept\n", result.stderr
    assert content(state) == before


def test_fails_if_the_database_does_not_respond(script: Script, state: Path) -> None:
    script("backup.sh", "kept")
    empty(state)
    (state / "deaf").write_text("100000")
    result = script("restore.sh", "kept")
    assert result.returncode == 1
    assert "does not respond" in result.stderr
    assert content(state) == {}


@pytest.mark.parametrize("missing", ["events", "releases"])
def test_does_not_overwrite_existing_data(script: Script, state: Path, missing: str) -> None:
    script("backup.sh", "kept")
    (state / "events").write_text("" if missing == "releases" else "event 4\n")
    if missing == "events":
        shutil.rmtree(state / "releases")
        (state / "releases").mkdir()
    before = content(state)
    result = script("restore.sh", "kept")
    assert result.returncode == 1
    assert "--replace" in result.stderr
    assert content(state) == before
    assert script("restore.sh", "kept", "--replace").returncode == 0
    assert content(state)["events"] == "event 1\nevent 2\nevent 3\n"


def test_restores_only_events(script: Script, state: Path) -> None:
    script("backup.sh", "kept")
    (state / "events").unlink()
    (state / "work" / "keys.txt").write_text("another key\n")
    result = script("restore.sh", "kept", "--events-only")
    assert result.stdout == "restored 3 events from kept\n", result.stderr
    assert content(state)["work/keys.txt"] == "another key\n"


def test_restores_keys_without_releases(script: Script, state: Path) -> None:
    # A service with a configured key file does not start without it.
    script("backup.sh", "kept")
    empty(state)
    result = script("restore.sh", "kept", "--without-releases")
    assert result.stdout == "restored 3 events and the keys from kept\n", result.stderr
    assert content(state) == {
        "events": "event 1\nevent 2\nevent 3\n",
        "work/keys.txt": "a key\n",
    }


@pytest.mark.parametrize("options", [(), ("--without-releases",)])
def test_does_not_overwrite_existing_keys(
    script: Script, state: Path, options: tuple[str, ...]
) -> None:
    script("backup.sh", "kept")
    empty(state)
    (state / "work" / "keys.txt").write_text("another key\n")
    result = script("restore.sh", "kept", *options)
    assert result.returncode == 1
    assert "1 release or key entries" in result.stderr
    assert content(state) == {"work/keys.txt": "another key\n"}
    assert script("restore.sh", "kept", *options, "--replace").returncode == 0
    assert content(state)["work/keys.txt"] == "a key\n"


@pytest.mark.parametrize("name", ["service", "trainer"])
def test_does_not_restore_into_a_running_system(script: Script, state: Path, name: str) -> None:
    script("backup.sh", "kept")
    (state / f"running-{name}").touch()
    result = script("restore.sh", "kept", "--replace")
    assert result.returncode == 1
    assert "stop service trainer" in result.stderr
    assert "DROP" not in (state / "log").read_text()


@pytest.mark.parametrize("file", ["events.dump", "releases.tar", "keys.tar"])
def test_rejects_a_damaged_backup(script: Script, state: Path, tmp_path: Path, file: str) -> None:
    script("backup.sh", "kept")
    path = tmp_path / "kept" / file
    path.write_bytes(path.read_bytes()[:-1])
    before = content(state)
    result = script("restore.sh", "kept", "--replace")
    assert result.returncode == 1
    assert "damaged" in result.stderr
    path.unlink()
    assert f"the file {file} is missing" in script("restore.sh", "kept", "--replace").stderr
    assert content(state) == before


def test_rejects_a_truncated_dump(script: Script, state: Path, tmp_path: Path) -> None:
    (state / "cut").touch()
    result = script("backup.sh", "kept")
    assert result.returncode == 1
    assert "cannot read the dump" in result.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("kept")]


def test_does_not_overwrite_a_backup(script: Script, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    result = script("backup.sh", "kept")
    assert result.returncode == 1
    assert "already exists" in result.stderr


def test_cannot_back_up_a_stopped_database(script: Script, state: Path) -> None:
    (state / "running-database").unlink()
    result = script("backup.sh", "kept")
    assert result.returncode == 1
    assert "up -d database" in result.stderr
