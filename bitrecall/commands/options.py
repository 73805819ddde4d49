"""Options that several sub-commands share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

option = partial(click.option, show_envvar=True, show_default=True)
"""``click.option`` whose help says the default and the environment variable."""


def releases_option(command: F) -> F:
    """Add ``--releases``, the folder of the release store, as ``releases: Path``."""
    return option(
        "--releases",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("releases"),
        envvar="BITRECALL_RELEASES",
        metavar="DIR",
        help="Folder that the releases are in.",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json`` as ``as_json: bool``."""
    return option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and only that.")(
        command
    )
