"""A mirror of a store of releases on a Milvus server."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bitrecall.index.errors import SearchUnavailableError
from bitrecall.index.releases.files import CODES_NAME
from bitrecall.index.search.milvus.backend import MilvusBackend
from bitrecall.index.search.milvus.collection import (
    PREFIX,
    CodesFingerprint,
    CollectionInfo,
    collection_name,
    drop_other_collections,
    read_info,
    write_collection,
)
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.tuning import (
    NEAREST,
    recall_by_distance,
    sample_queries,
    smallest_effort,
)

if TYPE_CHECKING:
    from pymilvus import MilvusClient

    from bitrecall.index.releases.release import Release

ALIAS: Final = f"{PREFIX}current"

_log = logging.getLogger(__name__)


class MilvusMirror:
    """Keeps a collection per release that may be served, and an alias on the current one.

    Args:
        server: the server with the collections.
        ivf: search only the nearest of many lists of codes (BIN_IVF_FLAT); otherwise compare every
            code (BIN_FLAT).
        recall: share of the true nearest 100 items that a search with ``ivf`` must return; nprobe
            is tuned to it with users of the release.
    """

    def __init__(self, server: MilvusServer, *, ivf: bool = False, recall: float = 0.98) -> None:
        self._server = server
        self._ivf = ivf
        self._recall = recall

    def prepare(self, release: Release) -> None:
        """Write the collection of a release, unless it exists.

        Raises:
            SearchUnavailableError: the server failed; the collection does not exist.
        """
        name = collection_name(release.id)
        if read_info(self._server, name) is not None:
            return
        info = CollectionInfo(fingerprint_of(release))
        if not self._ivf:
            write_collection(self._server, name, release.item_codes, info)
            return
        nlist = min(release.n_items, max(1, 4 * math.isqrt(release.n_items)))
        info = replace(info, nlist=nlist, nprobe=nlist)
        write_collection(
            self._server,
            name,
            release.item_codes,
            info,
            lambda unfinished: self._tuned(release, unfinished, info),
        )

    def point(self, release_id: str) -> None:
        """Move the alias to the collection of a release. Raises SearchUnavailableError."""
        name = collection_name(release_id)

        def move(client: MilvusClient, timeout: float) -> None:
            from pymilvus import MilvusException

            try:
                client.alter_alias(name, ALIAS, timeout=timeout)
            except MilvusException:
                # The alias does not exist yet. Any other error is raised again here.
                client.create_alias(name, ALIAS, timeout=timeout)

        self._server.run(move)

    def keep(self, release_ids: Iterable[str]) -> list[str]:
        """Drop the collections of all other releases, and return their names.

        Unfinished collections of dead writers are dropped after a day.

        Raises:
            SearchUnavailableError: the server failed.
        """
        return drop_other_collections(
            self._server, {collection_name(release_id) for release_id in release_ids}
        )

    def _tuned(self, release: Release, name: str, info: CollectionInfo) -> CollectionInfo:
        """Return ``info`` with the smallest nprobe that reaches the recall."""
        queries = sample_queries(release.user_embeddings)
        exact = release.backend.search(queries, NEAREST)[0]

        def reached(nprobe: int) -> bool:
            trial = replace(info, nprobe=nprobe)
            backend = MilvusBackend(self._server, name, info.fingerprint, trial, fill=False)
            distances = backend.search(queries, NEAREST)[0]
            return recall_by_distance(distances, exact) >= self._recall

        return replace(info, nprobe=smallest_effort(reached, info.nlist))


def open_backend(server: MilvusServer, release: Release) -> MilvusBackend:
    """Open the collection of a release for searching.

    If the server does not respond now, searches fail until it does.

    Raises:
        ReleaseError: the release has no collection, or its collection has other codes.
    """
    backend = MilvusBackend(server, collection_name(release.id), fingerprint_of(release))
    try:
        backend.check()
    except SearchUnavailableError as error:
        _log.warning("release %s cannot be searched yet: %s", release.id, error)
    return backend


def fingerprint_of(release: Release) -> CodesFingerprint:
    """Return the fingerprint of a release's item codes."""
    return CodesFingerprint(
        release.manifest.files[CODES_NAME].sha256, release.n_items, release.bits
    )
