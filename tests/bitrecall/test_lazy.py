import subprocess
import sys

import pytest
from click.testing import CliRunner

from bitrecall.lazy import LazyGroup

pytestmark = pytest.mark.slow

# A module with one command per kind of error; only the group under test imports it.
COMMANDS = """\
import os, signal
import click
from bitrecall.errors import BitrecallError

@click.command()
def fine():
    click.echo("fine")

@click.command()
def ours():
    raise BitrecallError("the file is damaged")

@click.command()
def bug():
    raise ZeroDivisionError("not ours to hide")

@click.command()
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()

@click.command()
def bare():
    raise ModuleNotFoundError("No module named 'torch'", name="torch")

@click.command()
def misspelt():
    import a_module_that_nobody_wrote

@click.command()
@click.argument("path")
def reading(path):
    open(path).close()
"""


@pytest.fixture
def group(tmp_path, monkeypatch):
    (tmp_path / "commands_of_the_test.py").write_text(COMMANDS)
    monkeypatch.syspath_prepend(tmp_path)
    names = ["fine", "ours", "bug", "bare", "misspelt", "reading"]
    places = {name: f"commands_of_the_test:{name}" for name in names}
    yield LazyGroup("tool", places=places | {"absent": "a_module_that_nobody_wrote:absent"})
    sys.modules.pop("commands_of_the_test", None)


def test_runs_a_command(group):
    result = CliRunner().invoke(group, ["fine"])
    assert (result.exit_code, result.output) == (0, "fine\n")


def test_imports_no_module_for_an_unknown_command(group):
    result = CliRunner().invoke(group, ["unheard-of"])
    assert result.exit_code == 2
    assert "No such command 'unheard-of'" in result.stderr
    assert "commands_of_the_test" not in sys.modules


def test_prints_an_error_in_one_line_and_exits_with_2(group):
    result = CliRunner().invoke(group, ["ours"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "error: the file is damaged\n"


def test_does_not_hide_a_bug(group):
    result = CliRunner().invoke(group, ["bug"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_reports_how_to_install_a_missing_extra(group):
    result = CliRunner().invoke(group, ["bare"])
    assert result.exit_code == 2
    assert "needs torch" in result.stderr
    assert "install -c constraints.txt -e '.[train]'" in result.stderr


def test_does_not_hide_a_missing_module_of_no_extra(group):
    result = CliRunner().invoke(group, ["misspelt"])
    assert isinstance(result.exception, ModuleNotFoundError)


def test_names_a_file_that_cannot_be_opened(group, tmp_path):
    result = CliRunner().invoke(group, ["reading", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path / 'none'}: No such file or directory\n"


def test_control_c_exits_with_130_without_a_traceback(tmp_path):
    (tmp_path / "commands_of_the_test.py").write_text(COMMANDS)
    script = (
        "from bitrecall.lazy import LazyGroup\n"
        "LazyGroup('tool', places={'it': 'commands_of_the_test:interrupted'})(['it'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"


def test_suggests_a_command_for_a_misspelt_one() -> None:
    from bitrecall.cli import bitrecall

    assert "did you mean 'train'?" in CliRunner().invoke(bitrecall, ["tran"]).stderr
    assert "did you mean" not in CliRunner().invoke(bitrecall, ["zzzz"]).stderr
