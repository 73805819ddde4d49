import click
import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.commands.options import NonEmptyPath


@pytest.mark.parametrize(
    "arguments",
    [
        ("popular", "--releases", ""),
        ("train", "", "--releases", "releases"),
        ("data", "describe", ""),
        ("serve", "--releases", ""),
        ("train", "sample", "--items", ""),
    ],
)
def test_rejects_an_empty_path(arguments):
    done = CliRunner().invoke(bitrecall, arguments)
    assert done.exit_code == 2
    assert "the path is empty; the current folder is '.'" in done.output


def commands_below(command):
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands_below(command.get_command(context, name))


def test_no_option_or_argument_accepts_an_empty_path():
    paths = [
        (command.name, parameter.name, type(parameter.type))
        for command in commands_below(bitrecall)
        for parameter in command.params
        if isinstance(parameter.type, click.Path)
    ]
    assert len(paths) > 20
    assert [path for path in paths if not issubclass(path[2], NonEmptyPath)] == []
