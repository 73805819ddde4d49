import os
import subprocess
from pathlib import Path

import pytest

from tests.docker.conftest import ROOT

pytestmark = pytest.mark.slow


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
