from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bitrecall.cli import bitrecall
from bitrecall.service.auth.keyring import Keyring, Role, read_keys


@pytest.fixture
def run(tmp_path: Path):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            bitrecall, ["key", *arguments, "--keys", str(tmp_path / "keys.txt")]
        )

    return run


def test_prints_a_new_key_once(run, tmp_path: Path) -> None:
    created = run("new", "shop", "--role", "write")
    assert created.exit_code == 0, created.output
    assert Keyring(read_keys(tmp_path / "keys.txt")).role_of(created.stdout.strip()) == Role.WRITE
    listed = run("list")
    assert "shop" in listed.stdout
    assert "write" in listed.stdout
    assert created.stdout.strip() not in listed.stdout
    assert run("remove", "shop").stdout == "removed shop\n"
    assert read_keys(tmp_path / "keys.txt") == []


def test_reports_an_unknown_key_name(run) -> None:
    failed = run("remove", "nobody")
    assert failed.exit_code != 0
    assert "Traceback" not in failed.output
