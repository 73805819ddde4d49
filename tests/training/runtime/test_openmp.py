import subprocess
import sys

import pytest

from bitrecall.training.runtime.openmp import wait_briefly


def test_limits_the_spin_count():
    environment = {}
    wait_briefly(environment)
    assert int(environment["GOMP_SPINCOUNT"]) > 0


def test_keeps_the_settings_of_the_user():
    for own in ({"OMP_WAIT_POLICY": "PASSIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(own)
        wait_briefly(environment)
        assert environment == own


def test_changes_the_environment_of_the_process_by_default(monkeypatch):
    monkeypatch.setattr("os.environ", own := {})
    wait_briefly()
    assert list(own) == ["GOMP_SPINCOUNT"]


# Torch and FAISS have an OpenMP library each, which reads its settings when it is loaded.
LOADED_LIBRARIES = """
import sys
from pathlib import Path
from bitrecall.cli import main
from bitrecall.training.runtime import openmp

def print_libraries():
    print("limited the spin count")
    print(*{line.split()[-1] for line in Path("/proc/self/maps").open() if "gomp" in line})
    raise SystemExit

openmp.wait_briefly = print_libraries
main()
"""


@pytest.mark.parametrize("command", ["train", "retrain", "benchmark"])
def test_a_command_limits_the_spin_count_before_it_loads_openmp(command: str, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_LIBRARIES, command, "sample"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == ["limited the spin count", ""], done.stderr
