"""``bitrecall key``: manage the API keys of the service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bitrecall.aligned_text import aligned
from bitrecall.commands.options import NonEmptyPath, option


def _keys_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return option(
        "--keys",
        type=NonEmptyPath(dir_okay=False, path_type=Path),
        default=Path("keys.txt"),
        envvar="BITRECALL_KEYS",
        metavar="FILE",
        help="File of the hashed keys.",
    )(command)


@click.group()
def key() -> None:
    """Manage API keys: create, list, remove.

    The file contains only hashes, from which a key cannot be recovered. A running service applies
    changes of the file at once. Only its owner must be able to write to it: anyone else who can
    write to it can add a key.
    """


@key.command(
    epilog="""\b
Examples:
  bitrecall key new shop --role recommend
  bitrecall serve --host 0.0.0.0 --keys keys.txt
  curl -s http://shop.example:8000/popular -H 'authorization: Bearer br_recommend_…'

\b
To replace a key without failed requests: create a second key, switch the clients to it, and
remove the first.
"""
)
@click.argument("name")
@option(
    "--role",
    type=click.Choice(["recommend", "read", "write", "admin"]),
    default="read",
    help="recommend: get recommendations only. read: also read users, their items, all items, and "
    "metrics. write: also send events, and forget users. admin: also change the current release.",
)
@_keys_option
def new(name: str, role: str, keys: Path) -> None:
    """Create a key called NAME and print it; it cannot be shown again."""
    from bitrecall.service.auth.keyring import Role, add_key

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
    """List the names and roles of the keys; fail if a line of the file is not a valid key."""
    from bitrecall.service.auth.keyring import parse_keys
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
    """Remove the key called NAME; the service rejects it from then on. Other keys do not change."""
    from bitrecall.service.auth.keyring import remove_key

    remove_key(keys, name)
    click.echo(f"removed {name}")
