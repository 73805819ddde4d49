"""The environment variable of every option is its flag's name."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.commands.options import option

pytestmark = pytest.mark.slow


def options(command: click.Command, path: str) -> Iterator[tuple[str, click.Option, click.Context]]:
    context = click.Context(command, info_name=path, auto_envvar_prefix=path)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from options(sub, f"{path}_{name.upper()}")
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.show_envvar:
            yield path, parameter, context


ALL = list(options(bitrecall, "BITRECALL"))


@pytest.mark.parametrize(
    ("command", "flag", "context"), ALL, ids=[f"{one} {two.opts[0]}" for one, two, _ in ALL]
)
def test_the_variable_of_an_option_is_its_flag(
    command: str, flag: click.Option, context: click.Context
) -> None:
    named = max(flag.opts, key=len).removeprefix("--").upper().replace("-", "_")
    shown = flag.get_help_extra(context)["envvars"]
    if flag.envvar is None:
        assert list(shown) == [f"{command}_{named}"]
    else:
        # One that several commands share is named without the command's own name.
        assert all(one.startswith("BITRECALL_") and one.endswith(named) for one in shown)


def test_what_help_shows_is_what_is_read() -> None:
    @click.command(context_settings={"auto_envvar_prefix": "TRY"})
    @option("--set", "overrides", multiple=True)
    @option("--as-json/--as-text", "as_it_is")
    def command(overrides: tuple[str, ...], as_it_is: bool) -> None:
        click.echo(f"{overrides} {as_it_is}")

    variables = {"TRY_SET": "a b", "TRY_AS_JSON": "1", "TRY_OVERRIDES": "c"}
    assert CliRunner().invoke(command, env=variables).output == "('a', 'b') True\n"
