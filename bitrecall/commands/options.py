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


def device_option(command: F) -> F:
    """Add ``--device``, a torch device, as ``device: str``."""
    return option(
        "--device", default="cpu", metavar="DEVICE", help="Where to train: cpu, cuda, cuda:1 …"
    )(command)


def threads_option(command: F) -> F:
    """Add ``--threads`` as ``threads: int | None``."""
    return option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        show_default="one a core",
        help="Threads that training uses.",
    )(command)


def progress_option(command: F) -> F:
    """Add ``--progress/--no-progress`` as ``progress: bool | None``."""
    return option(
        "--progress/--no-progress",
        default=None,
        show_default="where stderr is a terminal",
        help="Show progress bars on stderr.",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json`` as ``as_json: bool``."""
    return option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and only that.")(
        command
    )
