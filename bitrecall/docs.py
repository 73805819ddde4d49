"""Generate the reference of the command line, in Markdown, from the help of the commands.

python -m bitrecall.docs > docs/cli.md
"""

from collections.abc import Iterator

import click

from bitrecall.cli import bitrecall

_HEAD = """\
# Command line

Made from the commands' own help by `python -m bitrecall.docs > docs/cli.md`; a test compares the
two, so change the help and not this file.
"""


def reference() -> str:
    """Return the help of every command and sub-command, in the order of the help."""
    parts = [_HEAD]
    for context in _contexts(bitrecall, "bitrecall", None):
        level = "#" * (2 + context.command_path.count(" "))
        parts.append(f"{level} {context.command_path}\n\n```text\n{_help(context)}\n```\n")
    return "\n".join(parts)


def _contexts(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    context = click.Context(command, parent=parent, info_name=name, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None:
                yield from _contexts(child, child_name, context)


def _help(context: click.Context) -> str:
    # The text does not depend on the width of the terminal.
    context.terminal_width = 100
    lines = context.command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


if __name__ == "__main__":
    click.echo(reference(), nl=False)
