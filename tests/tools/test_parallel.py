"""Tests that share a server with fixed ports run in one process."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TESTS = """
import os, pytest
from pathlib import Path

pytestmark = pytest.mark.xdist_group("GROUP")

@pytest.fixture(scope="session")
def milvus(): pass

@pytest.fixture(params=["flat", pytest.param("milvus", marks=pytest.mark.milvus)])
def kind(request):
    if request.param == "milvus":
        request.getfixturevalue("milvus")
    return request.param

def note(kind):
    Path(__file__).with_name(f"{kind}-{os.environ['PYTEST_XDIST_WORKER']}").touch()

@pytest.mark.parametrize("number", range(20))
def test_by_parameter(kind, number): note(kind)

@pytest.mark.parametrize("number", range(20))
def test_by_name(milvus, number): note("milvus")
"""


def test_runs_the_tests_of_a_group_in_one_process(tmp_path: Path) -> None:
    for name in ("test_some.py", "test_others.py"):
        (tmp_path / name).write_text(TESTS.replace("GROUP", "milvus"))
    (tmp_path / "test_plain.py").write_text("def test_it(): pass")
    options = ("-q", "-n", "3", "-p", "tests.conftest", "-p", "no:cacheprovider")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    milvus: x\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "121 passed" in result.stdout, result.stdout + result.stderr
    assert len(list(tmp_path.glob("milvus-*"))) == 1
