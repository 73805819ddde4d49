"""``bitrecall release``: look after the releases of a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bitrecall.commands.milvus_options import milvus_options
from bitrecall.commands.options import json_option, option, releases_option
from bitrecall.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bitrecall.index.releases.manifest import Manifest
    from bitrecall.index.releases.mirror import Mirror
    from bitrecall.index.releases.reader import ReleaseSummary

MAIN_METRIC = "recall@50"

_id_argument = click.argument("release_id", metavar="ID")
_optional_id_argument = click.argument("release_id", metavar="[ID]", required=False)


@click.group()
def release() -> None:
    """Look after releases: list, show, verify, activate, roll back, prune."""


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

    A file that is missing or has another size shows as damage here; ``bitrecall release verify``
    reads every byte.
    """
    from bitrecall.index.errors import NoReleaseError
    from bitrecall.index.releases.store import ReleaseStore

    if not releases.is_dir():
        raise NoReleaseError("there is no such folder of releases", releases)
    summaries = ReleaseStore(releases).list(verify=False)
    if not summaries and any(not one.name.startswith(".") for one in releases.iterdir()):
        raise NoReleaseError("has other files and no releases: name another folder", releases)
    if as_json:
        _print_json([_as_json(summary) for summary in summaries])
    elif summaries:
        titles = ["", "id", "created", "parent", "bits", "users", "items", "backend", MAIN_METRIC]
        rows = [_row(summary) for summary in summaries]
        click.echo(aligned(titles, rows, right="<<<<>>><>"))
        for summary in summaries:
            if summary.damage is not None:
                click.echo(f"{summary.id} is damaged: {summary.damage}")
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
    """Show where a release comes from and what it holds; without an ID, the current one's."""
    from bitrecall.index.errors import NoReleaseError
    from bitrecall.index.releases.store import ReleaseStore

    store = ReleaseStore(releases)
    current = store.current_id()
    wanted = release_id or current
    if wanted is None:
        raise NoReleaseError("there is no current release to show", releases)
    manifest = store.verify(wanted)
    if as_json:
        _print_json({"current": wanted == current, **_manifest_as_json(manifest)})
    else:
        click.echo(_as_text(manifest, current=wanted == current))


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
    """Check every byte of a release, or of all of them, against the manifest.

    Exits with 1 where one is damaged, saying which file, and with 2 where there is none to check.
    """
    from bitrecall.index.errors import NoReleaseError, ReleaseError, ReleaseNotFoundError
    from bitrecall.index.releases.store import ReleaseStore

    store = ReleaseStore(releases)
    ids = [release_id] if release_id else [found.id for found in store.list(verify=False)]
    if not ids:
        raise NoReleaseError("there are no releases to verify", releases)
    damaged = 0
    for checked in ids:
        try:
            store.verify(checked)
        except ReleaseNotFoundError:
            raise
        except ReleaseError as error:
            damaged += 1
            click.echo(f"{checked}  damaged: {error}")
        else:
            click.echo(f"{checked}  sound")
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
    """Make a release the current one, once it is verified; a running service takes it up.

    With --milvus its codes are written there first, also where it is the current one already.
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
    """Make the release current that was current before this one."""
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
    help="Releases to keep, the newest ones; the current one stays whatever its age.",
)
@releases_option
@milvus_options
def prune(keep: int, releases: Path, mirror: "Mirror | None") -> None:
    """Remove old releases, and say which."""
    from bitrecall.index.releases.store import ReleaseStore

    removed = ReleaseStore(releases, mirror).prune(keep)
    for release_id in removed:
        click.echo(f"removed {release_id}")
    if not removed:
        click.echo("nothing to remove")


def _row(summary: "ReleaseSummary") -> list[str]:
    mark = "*" if summary.current else ""
    manifest = summary.manifest
    if summary.damage is not None or manifest is None:
        return [mark, summary.id, "damaged", *[""] * 6]
    metric = manifest.metrics.get(MAIN_METRIC, "-")
    return [
        mark,
        summary.id,
        manifest.created_at[:19].replace("T", " "),
        f"…{manifest.parent[-8:]}" if manifest.parent else "-",
        str(manifest.bits),
        f"{manifest.users:,}",
        f"{manifest.items:,}",
        manifest.backend,
        _plain(metric),
    ]


def _as_text(manifest: "Manifest", *, current: bool) -> str:
    data = manifest.data
    times = f", {data.first_time} to {data.last_time}" if data.first_time else ""
    facts = {
        "release": manifest.id + (" (current)" if current else ""),
        "created": f"{manifest.created_at} by Bitrecall {manifest.code_version}",
        "parent": manifest.parent or "none",
        "codes": f"{manifest.bits} bits, {manifest.backend} backend"
        + "".join(f", {name} {value}" for name, value in manifest.backend_parameters.items())
        + ("" if manifest.backend_recall is None else f", finds {manifest.backend_recall:.3f}"),
        "serves": f"{manifest.users:,} users, {manifest.items:,} items, "
        f"{manifest.seen:,} seen pairs",
        "data": f"{data.users:,} users, {data.items:,} items, {data.interactions:,} interactions"
        + times,
        "sha256": data.sha256,
    }
    lines = [f"{fact:<9}{text}" for fact, text in facts.items()]
    for title, entries in (("metrics", manifest.metrics), ("recipe", manifest.recipe)):
        rows = [[f"  {name}", _plain(value)] for name, value in _flat(entries)]
        if rows:
            lines += ["", aligned([title, ""], rows)]
    sizes = [[f"  {name}", f"{entry.size:,}"] for name, entry in manifest.files.items()]
    return "\n".join([*lines, "", aligned(["files", "bytes"], sizes, right="<>")])


def _flat(entries: "Mapping[str, Any]", prefix: str = "") -> "Iterator[tuple[str, Any]]":
    """Give the entries of a mapping of mappings under names with dots, as in ``fit.epochs``."""
    for name, value in entries.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _plain(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _as_json(summary: "ReleaseSummary") -> dict[str, Any]:
    manifest = summary.manifest
    return {
        "id": summary.id,
        "current": summary.current,
        "damage": summary.damage,
        "manifest": None if manifest is None else _manifest_as_json(manifest),
    }


def _manifest_as_json(manifest: "Manifest") -> dict[str, Any]:
    import json

    fields: dict[str, Any] = json.loads(manifest.to_json())
    return fields


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
