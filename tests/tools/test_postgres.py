"""The PostgreSQL server of a test run lives as long as the run."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

pytestmark = pytest.mark.slow


def test_another_run_of_pytest_does_not_end_the_server(postgres_url: str, tmp_path: Path) -> None:
    # Each pytest takes the permissions of other users from the folder that holds all temporary
    # folders; the server runs as another user, and writes all data at a checkpoint.
    (tmp_path / "test_it.py").write_text("def test_it(tmp_path): pass")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
