"""The PostgreSQL server runs as long as the test run."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

pytestmark = pytest.mark.slow


def test_another_pytest_session_keeps_the_server_working(postgres_url: str, tmp_path: Path) -> None:
    # Each start of pytest removes the permissions of other users from the folder with all temporary
    # folders. The server runs as another user, and writes all data at a checkpoint.
    (tmp_path / "test_it.py").write_text("def test_it(tmp_path): pass")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
