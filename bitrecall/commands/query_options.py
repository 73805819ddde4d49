"""Options of the commands that query a release."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bitrecall.commands.options import json_option, option, releases_option

if TYPE_CHECKING:
    from bitrecall.model.model import Model

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["exclude_option", "filter_option", "k_option", "open_model", "release_options"]


def release_options(command: F) -> F:
    """Add ``--releases``, ``--release`` and ``--json``.

    As ``releases: Path, release_id: str | None, as_json: bool``.
    """
    with_release = option(
        "--release",
        "release_id",
        metavar="ID",
        help="Release to query.",
        show_default="the current one",
    )(json_option(command))
    return releases_option(with_release)


def k_option(command: F) -> F:
    """Add ``-k`` as ``k: int``."""
    return option(
        "-k",
        "--k",
        "k",
        type=click.IntRange(min=1),
        metavar="K",
        default=10,
        help="Number of items; the result is shorter if fewer items are allowed.",
    )(command)


def filter_option(command: F) -> F:
    """Add ``--filter`` as ``item_filter: dict[str, Any] | None``."""
    return option(
        "--filter",
        "item_filter",
        callback=_parse_json,
        metavar="JSON",
        help="Filter that the items must match, as in POST /recommend: "
        '\'{"any_tags": ["noir"], "where": {"year": {"gte": 1990}}}\'.',
    )(command)


def exclude_option(command: F) -> F:
    """Add ``--exclude`` as ``exclude: tuple[str, ...]``."""
    return option(
        "--exclude",
        metavar="ITEM",
        multiple=True,
        help="Id of an item to exclude; may be given several times.",
    )(command)


def open_model(releases: Path, release_id: str | None) -> "Model":
    """Open a release; None opens the current one.

    Raises:
        ReleaseError: the release cannot be opened.
    """
    from bitrecall.model.loading import load

    return load(releases, release=release_id)


def _parse_json(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    import json

    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.BadParameter(
            f'{error}; expected a JSON object, quoted for the shell: \'{{"any_tags": ["noir"]}}\''
        ) from None
