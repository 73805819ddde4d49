import json

import pytest
from click.testing import CliRunner

from bitrecall.reproduction.log_studies.command import log_studies
from tests.reproduction.log_studies.conftest import SMALL


@pytest.fixture
def command(data, tmp_path):
    def command(*arguments):
        folders = ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
        values = [text for value in SMALL for text in ("--set", value)]
        named = ["--data", f"chains={data}", "--no-progress"]
        return CliRunner().invoke(log_studies, [*named, *folders, *values, *arguments])

    return command


def test_runs_a_cell_and_writes_the_page(command, tmp_path):
    result = command("--only", "codes")
    assert result.exit_code == 0, result.output
    assert "1 finished, 0 skipped, 0 failed" in result.output
    rows = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["variant"] for row in rows] == ["with recency", "recency off"]
    assert "| chains | codes |" in (tmp_path / "out" / "README.md").read_text()
    assert "codes/chains" in command("--list").output
    assert "done" in command("--only", "codes", "--list").output


def test_a_failed_cell_exits_with_1(command):
    result = command("--only", "sasrec/chains/test")
    assert result.exit_code == 1
    assert "has no result yet: run it first" in result.output


@pytest.mark.parametrize("value", ["chains", "=path", "a/b=path", "chains=/no/such/folder"])
def test_rejects_a_data_set_without_name_or_path(value):
    result = CliRunner().invoke(log_studies, ["--data", value])
    assert result.exit_code == 2
    assert "NAME=PATH" in result.output or "does not exist" in result.output


def test_requires_a_data_set():
    assert "--data NAME=PATH" in CliRunner().invoke(log_studies, []).output
