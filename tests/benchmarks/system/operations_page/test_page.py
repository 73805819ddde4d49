"""Tests of the commands of the operations page: each block stops at the first error."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.system.operations_page.page import command_blocks

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
BLOCKS = [block.text for block in command_blocks(PAGE)]


def test_finds_command_blocks() -> None:
    assert len(BLOCKS) > 20


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_block_is_one_chain(block: str) -> None:
    # Lines that end a command would be run even if the one before failed.
    *lines, last = block.splitlines()
    for line in lines:
        assert line.endswith((" &&", " \\"))
    assert not last.endswith((" &&", " \\"))
    assert ";" not in block
    assert "||" not in block
    # A comment is a command in shells that do not know comments when typed, such as zsh.
    assert not any(line.lstrip().startswith("#") or " # " in line for line in [*lines, last])
    subprocess.run(["bash", "-n", "-c", block], check=True)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_scripts_in_blocks_exist(block: str) -> None:
    for word in block.split():
        if word.startswith("docker/") and word.endswith(".sh"):
            assert (ROOT / word).stat().st_mode & 0o111
