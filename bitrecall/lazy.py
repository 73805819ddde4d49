"""A click group that imports each sub-command on first use."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from bitrecall.disk import disk_fault, is_full
from bitrecall.errors import BitrecallError
from bitrecall.extras import missing_extra
from bitrecall.suggestions import did_you_mean

# Exit code of a process interrupted by Ctrl-C.
INTERRUPTED = 130


class Failure(click.ClickException):
    """An error that the user can correct: ``error: …`` on stderr and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message to stderr, or to ``file``."""
        click.echo(f"error: {self.format_message()}", file=file or sys.stderr)


class LazyGroup(click.Group):
    """A group whose sub-commands are imported on first use.

    Turns a BitrecallError, an OSError and a missing extra into a ``Failure``, and Ctrl-C into exit
    code 130.

    Args:
        places: ``"module:attribute"`` of each sub-command by name.
        args: positional arguments of ``click.Group``.
        kwargs: further arguments of ``click.Group``.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = dict(places)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the sub-commands, in the order of ``places``."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command; None if the name is unknown."""
        if cmd_name not in self._places:
            return None
        module, attribute = self._places[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command, or suggest a similar one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            suggestion = did_you_mean(args[0], self.list_commands(ctx))
            if not suggestion or "did you mean" in error.message.lower():
                raise
            raise click.UsageError(error.message.rstrip(".") + suggestion, ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; errors that the user can correct become one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except BitrecallError as error:
            raise Failure(str(error)) from error
        except ModuleNotFoundError as error:
            if (missing := missing_extra(error, command=ctx.invoked_subcommand)) is None:
                raise
            raise Failure(str(missing)) from error
        except BrokenPipeError:
            # The reader closed the pipe, as ``head`` does: click exits without a message.
            raise
        except OSError as error:
            if error.filename is None or error.strerror is None:
                raise Failure(str(error)) from error
            if is_full(error):
                raise Failure(disk_fault(error, Path(error.filename).parent)) from error
            raise Failure(f"{error.filename}: {error.strerror}") from error
