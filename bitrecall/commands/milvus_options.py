"""Options for copying the codes of releases to a Milvus server."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from bitrecall.commands.options import NonEmptyPath, option

_OPTIONS = (
    option(
        "--milvus",
        envvar="BITRECALL_MILVUS",
        metavar="URL",
        help="URL of the Milvus server that searches for the service, such as http://milvus:19530; "
        "append /NAME to select a database. The codes of each release are written to it.",
    ),
    option(
        "--milvus-token-file",
        type=NonEmptyPath(exists=True, dir_okay=False, path_type=Path),
        envvar="BITRECALL_MILVUS_TOKEN_FILE",
        metavar="FILE",
        help="File with USER:PASSWORD or a token for the Milvus server.",
    ),
    option(
        "--milvus-lists/--no-milvus-lists",
        default=False,
        envvar="BITRECALL_MILVUS_LISTS",
        help="Use an approximate index (BIN_IVF_FLAT) in Milvus, which searches only the nearest "
        "lists of codes, tuned to find 98% of the true nearest 100: faster, but not exact.",
    ),
)


def milvus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, passed to the command as ``mirror: Mirror | None``."""

    @wraps(command)
    def with_mirror(
        milvus: str | None, milvus_token_file: Path | None, milvus_lists: bool, **arguments: Any
    ) -> Any:
        from bitrecall.index.releases.mirror import Mirror

        mirror: Mirror | None = None
        if milvus is not None:
            from bitrecall.index.releases.milvus_mirror import MilvusMirror
            from bitrecall.index.search.milvus.server import MilvusServer, read_token

            server = MilvusServer(milvus, read_token(milvus_token_file), timeout=30.0)
            mirror = MilvusMirror(server, ivf=milvus_lists)
        return command(mirror=mirror, **arguments)

    decorated: Callable[..., Any] = with_mirror
    for add in reversed(_OPTIONS):
        decorated = add(decorated)
    return decorated
