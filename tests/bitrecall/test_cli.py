import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bitrecall import __version__
from bitrecall.cli import bitrecall
from bitrecall.training.data.sample import sample_dataset

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SERVING = ("torch", "scipy", "polars")
BOOKKEEPING = (*SERVING, "fastapi", "uvicorn", "bitrecall.training.data")


def commands(command=bitrecall, path=()):
    """Yield every command that is not a group; the id is its name."""
    if not isinstance(command, click.Group):
        yield pytest.param(command, id=" ".join(path))
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), (*path, name))


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from bitrecall.cli import main; main()", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_help_lists_the_commands_and_first_steps():
    output = CliRunner().invoke(bitrecall, ["--help"]).output
    for name in ("train", "evaluate", "serve", "data", "release"):
        assert f"\n  {name} " in output
    assert "First steps:" in output
    assert "bitrecall train sample" in output


def test_sample_has_the_user_of_the_first_steps():
    assert "mateo-028" in sample_dataset().train.user_ids


def test_prints_the_version():
    result = CliRunner().invoke(bitrecall, ["--version"])
    assert result.output == f"bitrecall, version {__version__}\n"


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_and_option_has_help(command):
    assert command.help
    assert "Example" in (command.epilog or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.opts[0]} has no help"
            assert parameter.show_envvar, f"{parameter.opts[0]} hides its environment variable"


@pytest.mark.parametrize(
    ("arguments", "banned"),
    [
        (["--help"], SERVING),
        (["serve", "--help"], (*SERVING, "faiss")),
        (["release", "list", "--releases", "no-such-folder"], BOOKKEEPING),
        (["release", "--help"], (*BOOKKEEPING, "faiss")),
    ],
    ids=" ".join,
)
def test_a_command_imports_only_what_it_needs(arguments, banned):
    script = (
        "import contextlib, sys\n"
        "from bitrecall.cli import bitrecall\n"
        # The missing folder raises an error, which is found without importing a banned module.
        "with contextlib.suppress(Exception):\n"
        "    bitrecall(sys.argv[1:], prog_name='bitrecall', standalone_mode=False)\n"
        "print('loaded:', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert "bitrecall.lazy" in loaded
    assert set(banned).isdisjoint(loaded)


def test_prints_an_error_in_one_line_and_exits_with_2(tmp_path):
    done = run("release", "show", "--releases", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_rejects_an_unknown_option():
    done = run("release", "list", "--colour")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "Traceback" not in done.stderr


def test_reads_the_store_from_the_environment(tmp_path):
    done = run("release", "show", BITRECALL_RELEASES=str(tmp_path / "elsewhere"))
    assert done.returncode == 2
    assert "elsewhere" in done.stderr
