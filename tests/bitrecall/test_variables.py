"""The environment variable of every option is named after its flag."""

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
    ("command", "flag", "context"),
    ALL,
    ids=[f"{command} {flag.opts[0]}" for command, flag, _ in ALL],
)
def test_variable_is_named_after_the_flag(
    command: str, flag: click.Option, context: click.Context
) -> None:
    suffix = max(flag.opts, key=len).removeprefix("--").upper().replace("-", "_")
    shown = flag.get_help_extra(context)["envvars"]
    if flag.envvar is None:
        assert list(shown) == [f"{command}_{suffix}"]
    else:
        # The variable of an option that several commands share does not contain a command.
        assert all(name.startswith("BITRECALL_") and name.endswith(suffix) for name in shown)


def test_reads_the_variables_that_help_shows() -> None:
    @click.command(context_settings={"auto_envvar_prefix": "TRY"})
    @option("--set", "overrides", multiple=True)
    @option("--as-json/--as-text", "as_json")
    def command(overrides: tuple[str, ...], as_json: bool) -> None:
        click.echo(f"{overrides} {as_json}")

    variables = {"TRY_SET": "a b", "TRY_AS_JSON": "1", "TRY_OVERRIDES": "c"}
    assert CliRunner().invoke(command, env=variables).output == "('a', 'b') True\n"
