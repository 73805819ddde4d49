"""The operators' scripts with a stub of Docker: checks, waiting, backup and restore."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# A stub of `docker` for these scripts. A container runs if the file running-NAME exists. The file
# deaf has the number of checks that the database fails first. Events are the lines of the file
# events, which pg_dump and pg_restore copy. Volumes are folders beside these files.
DOCKER = r"""#!/bin/bash
set -eu
cd "$STATE"
echo "$*" >>log
case "$1 ${2-}" in
  "compose version") exit 0 ;;
  "inspect "*) [ -e "running-${*: -1}" ] && echo true || echo false; exit ;;
  "image inspect") cat "digest-${*: -1}" 2>/dev/null || exit 1; exit ;;
esac
shift
while [[ $1 == --* ]]; do shift 2; done
in_volumes() { sed -e "s#/releases#$STATE/releases#g; s#/work#$STATE/work#g"; }
case "$*" in
  "ps -q "*) echo "$3" ;;
  "up -d database") touch running-database ;;
  *"pg_isready"*)
    deaf=$(cat deaf); [ "$deaf" -gt 0 ] || exit 0
    echo $((deaf - 1)) >deaf; exit 2 ;;
  *"to_regclass"*) [ -e events ] && echo f || echo t ;;
  *"count(*)"*) wc -l <events | tr -d ' ' ;;
  *"DROP SCHEMA"*) rm -f events ;;
  *"pg_restore --data-only"*) cat ;;
  *"pg_restore"*)
    [ ! -e events ] || { echo "pg_restore: error: relation exists" >&2; exit 1; }
    grep '^event' >events || true ;;
  *"pg_dump"*)
    echo "COPY public.events (sequence) FROM stdin;"; cat events; echo '\.'; echo
    [ -e cut ] || echo "-- PostgreSQL database dump complete" ;;
  "run "*"--entrypoint sh admin -c "*) exec sh -c "$(printf %s "${*: -1}" | in_volumes)" ;;
  "run "*"admin release verify") [ ! -e damaged ] ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac
"""

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A running system with three events, one release and one key."""
    folder = tmp_path / "state"
    (folder / "releases" / "20261123T174500Z-3fa94c1b").mkdir(parents=True)
    (folder / "releases" / "20261123T174500Z-3fa94c1b" / "manifest.json").write_text("{}")
    (folder / "releases" / "CURRENT").write_text("20261123T174500Z-3fa94c1b\n")
    (folder / "releases" / ".lock").touch()
    (folder / "work").mkdir()
    (folder / "work" / "keys.txt").write_text("a key\n")
    (folder / "events").write_text("event 1\nevent 2\nevent 3\n")
    (folder / "deaf").write_text("0")
    (folder / "running-database").touch()
    return folder


@pytest.fixture
def script(tmp_path: Path, state: Path) -> Script:
    """Runs a script of docker/ with the stub of Docker, and a sleep that returns at once."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("docker", DOCKER), ("sleep", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "STATE": str(state)}
        environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        return subprocess.run(
            [str(ROOT / "docker" / name), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


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


def test_pins_all_images_or_none(script: Script, state: Path) -> None:
    images = {
        "BITRECALL_PYTHON_IMAGE": "python:3.11-slim",
        "BITRECALL_POSTGRES_IMAGE": "postgres:16-alpine",
        "BITRECALL_PROMETHEUS_IMAGE": "prom/prometheus:v2.55.1",
        "BITRECALL_GRAFANA_IMAGE": "grafana/grafana:11.3.1",
    }
    for image in images.values():
        result = script("pin-images.sh")
        assert result.returncode == 1
        assert result.stdout == ""
        assert "has no digest on this machine" in result.stderr
        (state / f"digest-{image}").parent.mkdir(exist_ok=True)
        (state / f"digest-{image}").write_text(f"{image.partition(':')[0]}@sha256:12\n")
    lines = script("pin-images.sh").stdout.splitlines()
    expected = {f"{name}={image.partition(':')[0]}@sha256:12" for name, image in images.items()}
    assert set(lines) == expected
    assert len(lines) == len(expected)


def test_the_trainer_uses_data_and_an_item_table(tmp_path: Path) -> None:
    text = (ROOT / "docker" / "trainer.sh").read_text().replace("/data", f"{tmp_path}/data")
    (tmp_path / "trainer.sh").write_text(text.replace("/items", f"{tmp_path}/items"))
    (tmp_path / "bitrecall").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "bitrecall").chmod(0o755)
    for name in ("data", "items"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").touch()

    def trainer() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        command = ["sh", str(tmp_path / "trainer.sh"), "--no-catch-up"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    assert trainer().stdout == "scheduler --no-catch-up -- sample --recipe sample\n"
    (tmp_path / "data" / "clicks.csv").touch()
    assert trainer().stdout == f"scheduler --no-catch-up -- {tmp_path}/data\n"
    (tmp_path / "items" / "table of items.csv").touch()
    assert (
        trainer().stdout == f"scheduler --no-catch-up -- {tmp_path}/data --items {tmp_path}/items\n"
    )
    (tmp_path / "data" / "clicks.csv").unlink()
    assert trainer().stdout.endswith(f"-- sample --recipe sample --items {tmp_path}/items\n")
