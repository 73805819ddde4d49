"""``bitrecall release``: manage the releases of a store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.commands.milvus_options import milvus_options
from bitrecall.commands.options import json_option, option, releases_option

if TYPE_CHECKING:
    from bitrecall.index.releases.mirror import Mirror

_id_argument = click.argument("release_id", metavar="ID")
_optional_id_argument = click.argument("release_id", metavar="[ID]", required=False)


@click.group()
def release() -> None:
    """List, show, verify, activate, roll back and prune releases."""


@release.command(
    "list",
    epilog="""\b
Examples:
  bitrecall release list
  bitrecall release list --json | jq '.[].manifest.metrics'
""",
)
@releases_option
@json_option
def list_(releases: Path, as_json: bool) -> None:
    """List the releases, newest first; * marks the current one.

    A release with a missing file, or a file of the wrong size, is listed as damaged. To check the
    contents of the files, use 'bitrecall release verify'.
    """
    from bitrecall.commands.release_text import summaries_as_json, summaries_as_table
    from bitrecall.index.errors import NoReleaseError
    from bitrecall.index.releases.store import ReleaseStore

    if not releases.is_dir():
        raise NoReleaseError("no such folder", releases)
    summaries = ReleaseStore(releases).list(verify=False)
    if not summaries and any(not path.name.startswith(".") for path in releases.iterdir()):
        raise NoReleaseError(
            "the folder contains other files and no releases; pass another folder", releases
        )
    if as_json:
        _print_json(summaries_as_json(summaries))
    elif summaries:
        click.echo(summaries_as_table(summaries))
    else:
        click.echo(f"no releases in {releases}")


@release.command(
    epilog="""\b
Examples:
  bitrecall release show
  bitrecall release show 20261123T174500Z-3fa94c1b --json
"""
)
@_optional_id_argument
@releases_option
@json_option
def show(release_id: str | None, releases: Path, as_json: bool) -> None:
    """Show the origin, metrics, recipe and files of a release.

    Without an ID, show the current release.
    """
    from bitrecall.commands.release_text import manifest_as_json, manifest_as_text
    from bitrecall.index.errors import NoReleaseError
    from bitrecall.index.releases.store import ReleaseStore

    store = ReleaseStore(releases)
    current = store.current_id()
    shown_id = release_id or current
    if shown_id is None:
        raise NoReleaseError(
            "no current release; pass the ID of a release, or activate one", releases
        )
    manifest = store.verify(shown_id)
    if as_json:
        _print_json({"current": shown_id == current, **manifest_as_json(manifest)})
    else:
        click.echo(manifest_as_text(manifest, current=shown_id == current))


@release.command(
    epilog="""\b
Examples:
  bitrecall release verify
  bitrecall release verify 20261123T174500Z-3fa94c1b
"""
)
@_optional_id_argument
@releases_option
@click.pass_context
def verify(context: click.Context, release_id: str | None, releases: Path) -> None:
    """Verify the files of a release against the checksums in its manifest.

    Without an ID, verify all releases. The exit code is 1 if a release is damaged; the output names
    the file. The exit code is 2 if there are no releases.
    """
    from bitrecall.index.errors import NoReleaseError, ReleaseError, ReleaseNotFoundError
    from bitrecall.index.releases.store import ReleaseStore

    store = ReleaseStore(releases)
    ids = [release_id] if release_id else [summary.id for summary in store.list(verify=False)]
    if not ids:
        raise NoReleaseError("no releases to verify", releases)
    damaged = 0
    for checked_id in ids:
        try:
            store.verify(checked_id)
        except ReleaseNotFoundError:
            raise
        except ReleaseError as error:
            damaged += 1
            click.echo(f"{checked_id}  damaged: {error}")
        else:
            click.echo(f"{checked_id}  intact")
    if damaged:
        context.exit(1)


@release.command(
    epilog="""\b
Example:
  bitrecall release activate 20261123T174500Z-3fa94c1b
"""
)
@_id_argument
@releases_option
@milvus_options
def activate(release_id: str, releases: Path, mirror: "Mirror | None") -> None:
    """Verify a release and make it the current one; a running service loads it.

    With --milvus, the codes of the release are first written to the Milvus server, even if the
    release is already the current one.
    """
    from bitrecall.index.releases.store import ReleaseStore

    ReleaseStore(releases, mirror).activate(release_id)
    click.echo(f"{release_id} is current")


@release.command(
    epilog="""\b
Example:
  bitrecall release rollback --releases releases
"""
)
@releases_option
@milvus_options
def rollback(releases: Path, mirror: "Mirror | None") -> None:
    """Make the previous current release current again."""
    from bitrecall.index.releases.store import ReleaseStore

    click.echo(f"{ReleaseStore(releases, mirror).rollback()} is current again")


@release.command(
    epilog="""\b
Example:
  bitrecall release prune --keep 3
"""
)
@option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="N",
    required=True,
    help="Number of newest releases to keep; the current release is always kept.",
)
@releases_option
@milvus_options
def prune(keep: int, releases: Path, mirror: "Mirror | None") -> None:
    """Remove old releases, and print their ids."""
    from bitrecall.index.releases.store import ReleaseStore

    removed = ReleaseStore(releases, mirror).prune(keep)
    for release_id in removed:
        click.echo(f"removed {release_id}")
    if not removed:
        click.echo("no releases to remove")


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
