"""``bitrecall recommend``, ``similar`` and ``popular``: a release, asked without a service."""

from pathlib import Path
from typing import Any, Literal

import click

from bitrecall.commands.options import option
from bitrecall.commands.query_options import (
    exclude_option,
    filter_option,
    k_option,
    open_model,
    release_options,
)


@click.command(
    epilog="""\b
Examples:
  bitrecall recommend mateo-028
  bitrecall recommend mateo-028 -k 5 --explain
  bitrecall recommend mateo-028 --filter '{"any_tags": ["noir"], "where": {"year": {"gte": 1990}}}'
  bitrecall recommend mateo-028 --exclude 'noir/The Last Alibi' --json
  bitrecall recommend --history 'noir/The Last Alibi' --history 'noir/The Quiet Jury'
  bitrecall recommend mateo-028 --history 'noir/The Last Alibi' --history-mode add
"""
)
@click.argument("user", required=False)
@k_option
@option(
    "--exclude-seen/--include-seen",
    default=True,
    help="Leave out the items that the user has.",
)
@exclude_option
@filter_option
@option(
    "--history",
    metavar="ITEM",
    multiple=True,
    help="Id of an item that the user has, the newest last; may be given several times.",
)
@option(
    "--history-mode",
    type=click.Choice(["instead", "add"]),
    default="instead",
    help="Whether the history is used instead of what is known of the user, or added to it.",
)
@option(
    "--explain", is_flag=True, help="Say for each item which of the user's own items it is like."
)
@release_options
def recommend(
    user: str | None,
    k: int,
    exclude_seen: bool,
    exclude: tuple[str, ...],
    wanted: dict[str, Any] | None,
    history: tuple[str, ...],
    history_mode: Literal["instead", "add"],
    explain: bool,
    releases: Path,
    release_id: str | None,
    as_json: bool,
) -> None:
    """Print the items recommended for USER, the best first.

    The answer is that of a service with this release, without the events since. An item's distance
    is the number of bits in which its code differs from the user's; its score is the inner product
    of the two codes, as ±1. A user of whom nothing is known gets the most popular items.

    USER may be left out if there is a history.
    """
    if user is None and not history:
        raise click.UsageError("name a USER, or items with --history")
    model = open_model(releases, release_id)
    result = model.recommend(
        user,
        k,
        exclude_seen=exclude_seen,
        exclude_items=exclude,
        filter=wanted,
        history=history or None,
        history_mode=history_mode,
        explain=explain,
    )
    if as_json:
        from bitrecall.commands.result_documents import recommend_document

        _print_json(recommend_document(result, explained=explain))
        return
    if result.user_id is not None and result.user_id not in model.users:
        meant = model.users.similar_to(result.user_id)
        more = f"; did you mean {meant!r}?" if meant else ""
        click.echo(f"user {result.user_id!r} is not in release {result.release_id}{more}", err=True)
    click.echo(repr(result))


@click.command(
    epilog="""\b
Examples:
  bitrecall similar 'noir/The Last Alibi'
  bitrecall similar 'noir/The Last Alibi' -k 5 --filter '{"no_tags": ["noir"]}'
  bitrecall similar 'noir/The Last Alibi' --json
"""
)
@click.argument("item")
@k_option
@exclude_option
@filter_option
@release_options
def similar(
    item: str,
    k: int,
    exclude: tuple[str, ...],
    wanted: dict[str, Any] | None,
    releases: Path,
    release_id: str | None,
    as_json: bool,
) -> None:
    """Print the items most like ITEM, the best first.

    They are those whose codes differ from ITEM's in the fewest bits, which is the distance.
    """
    result = open_model(releases, release_id).similar(item, k, exclude_items=exclude, filter=wanted)
    if as_json:
        from bitrecall.commands.result_documents import similar_document

        _print_json(similar_document(result))
        return
    click.echo(repr(result))


@click.command(
    epilog="""\b
Examples:
  bitrecall popular
  bitrecall popular -k 100 --json
"""
)
@k_option
@release_options
def popular(k: int, releases: Path, release_id: str | None, as_json: bool) -> None:
    """Print the most popular items, which users of whom nothing is known get.

    Popularity counts the users who had an item in training.
    """
    result = open_model(releases, release_id).popular(k)
    if as_json:
        from bitrecall.commands.result_documents import popular_document

        _print_json(popular_document(result))
        return
    click.echo(repr(result))


def _print_json(document: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
