"""``bitrecall recommend``, ``similar`` and ``popular``: query a release without a service."""

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
  bitrecall recommend mateo-028 \\
      --filter '{"any_tags": ["noir"], "where": {"year": {"gte": 1990}}}'
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
    help="Exclude the items that the user has already.",
)
@exclude_option
@filter_option
@option(
    "--history",
    metavar="ITEM",
    multiple=True,
    help="Id of an item in the user's history, newest last; may be given several times.",
)
@option(
    "--history-mode",
    type=click.Choice(["instead", "add"]),
    default="instead",
    help="Use the history instead of the known items of the user, or add it to them.",
)
@option(
    "--explain",
    is_flag=True,
    help="Show for each item which items of the user are most similar to it.",
)
@release_options
def recommend(
    user: str | None,
    k: int,
    exclude_seen: bool,
    exclude: tuple[str, ...],
    item_filter: dict[str, Any] | None,
    history: tuple[str, ...],
    history_mode: Literal["instead", "add"],
    explain: bool,
    releases: Path,
    release_id: str | None,
    as_json: bool,
) -> None:
    """Print the recommended items for USER, best first.

    The result is the same as from the service with this release, without later events. The
    distance of an item is the number of bits in which its code differs from the user's; its score
    is the inner product of the two ±1 codes. Unknown users get the most popular items.

    With --history, USER may be omitted.
    """
    if user is None and not history:
        raise click.UsageError("pass a USER, or items with --history")
    model = open_model(releases, release_id)
    result = model.recommend(
        user,
        k,
        exclude_seen=exclude_seen,
        exclude_items=exclude,
        filter=item_filter,
        history=history or None,
        history_mode=history_mode,
        explain=explain,
    )
    if as_json:
        from bitrecall.commands.result_documents import recommend_document

        _print_json(recommend_document(result, explained=explain))
        return
    if result.user_id is not None and result.user_id not in model.users:
        similar_id = model.users.similar_to(result.user_id)
        hint = f"; did you mean {similar_id!r}?" if similar_id else ""
        click.echo(f"user {result.user_id!r} is not in release {result.release_id}{hint}", err=True)
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
    item_filter: dict[str, Any] | None,
    releases: Path,
    release_id: str | None,
    as_json: bool,
) -> None:
    """Print the items most similar to ITEM, best first.

    The distance of an item is the number of bits in which its code differs from ITEM's.
    """
    result = open_model(releases, release_id).similar(
        item, k, exclude_items=exclude, filter=item_filter
    )
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
    """Print the most popular items, the result for unknown users.

    Popularity is the number of users who had the item in training.
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
