"""A stub of Docker, with which the operators' scripts run."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
