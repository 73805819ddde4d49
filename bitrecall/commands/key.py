"""``bitrecall key``: the keys that requests to the service need."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bitrecall.commands.options import option
from bitrecall.tables import aligned


def _keys_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return option(
        "--keys",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("keys.txt"),
        envvar="BITRECALL_KEYS",
        metavar="FILE",
        help="File that the hashes of the keys are in.",
    )(command)


@click.group()
def key() -> None:
    """Look after the keys that requests need: make, list, remove.

    The file has hashes of keys, from which no key can be had. A running service takes up what
    changes in it at once. Only its owner may be able to write to it: anybody who can may let
    themselves in.
    """


@key.command(
    epilog="""\b
Examples:
  bitrecall key new shop --role recommend
  bitrecall serve --host 0.0.0.0 --keys keys.txt
  curl -s http://shop.example:8000/popular -H 'authorization: Bearer br_recommend_…'

\b
To change a key without a failed request: make another, have it used, remove the first.
"""
)
@click.argument("name")
@option(
    "--role",
    type=click.Choice(["recommend", "read", "write", "admin"]),
    default="read",
    help="recommend: recommendations only. read: also all users with what each has, all items, "
    "and metrics. write: also events. admin: also which release is served.",
)
@_keys_option
def new(name: str, role: str, keys: Path) -> None:
    """Make a key called NAME and print it, this once."""
    from bitrecall.service.auth.keys import Role, add_key

    click.echo(add_key(keys, Role[role.upper()], name))


@key.command(
    "list",
    epilog="""\b
Example:
  bitrecall key list --keys keys.txt
""",
)
@_keys_option
def list_(keys: Path) -> None:
    """List the names and roles of the keys, and fail if a line of the file is not a key."""
    from bitrecall.service.auth.keys import parse_keys
    from bitrecall.service.errors import KeysError

    parsed = parse_keys(keys)
    rows = [[key.name, key.role.name.lower()] for key in parsed.keys]
    click.echo(aligned(["name", "role"], rows, right="<<"))
    if parsed.faults:
        raise KeysError(f"{keys}: {'; '.join(parsed.faults)}")


@key.command(
    epilog="""\b
Example:
  bitrecall key remove shop --keys keys.txt
"""
)
@click.argument("name")
@_keys_option
def remove(name: str, keys: Path) -> None:
    """Remove the key called NAME: from now on it is refused. Other lines stay as they are."""
    from bitrecall.service.auth.keys import remove_key

    remove_key(keys, name)
    click.echo(f"removed {name}")
