"""``pytest --quick`` excludes tests that need a server, a browser or a training."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_plain(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.parametrize("store", ["sqlite", pytest.param("pg", marks=pytest.mark.postgres)])
def test_store(store): pass
"""


@pytest.mark.parametrize(("options", "count"), [([], 4), (["--quick"], 2)])
def test_excludes_marked_tests(tmp_path: Path, options: list[str], count: int) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    # A file whose tests are all excluded is not imported.
    (tmp_path / "test_broken.py").write_text(
        "import pytest\npytestmark = pytest.mark.slow\nimport missing" if options else ""
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: x\n    postgres: x\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.tools.quick", *options, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert f"{count} passed" in result.stdout, result.stdout + result.stderr
