from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bitrecall.cli import bitrecall
from bitrecall.service.auth.keys import Keyring, Role, read_keys


@pytest.fixture
def run(tmp_path: Path):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            bitrecall, ["key", *arguments, "--keys", str(tmp_path / "keys.txt")]
        )

    return run


def test_a_key_is_printed_once_and_works(run, tmp_path: Path) -> None:
    made = run("new", "shop", "--role", "write")
    assert made.exit_code == 0, made.output
    assert Keyring(read_keys(tmp_path / "keys.txt")).role_of(made.stdout.strip()) == Role.WRITE
    listed = run("list")
    assert "shop" in listed.stdout
    assert "write" in listed.stdout
    assert made.stdout.strip() not in listed.stdout
    assert run("remove", "shop").stdout == "removed shop\n"
    assert read_keys(tmp_path / "keys.txt") == []


def test_what_is_wrong_is_said(run) -> None:
    failed = run("remove", "nobody")
    assert failed.exit_code != 0
    assert "Traceback" not in failed.output
