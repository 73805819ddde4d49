"""Keeping a Milvus server in step with a store of releases."""

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
    Facts,
    Held,
    collection_name,
    drop_others,
    read_facts,
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
    """Has a collection for each release that may be served, and an alias on the current one.

    Args:
        server: where the collections are.
        ivf: search only the nearest of many lists of codes (BIN_IVF_FLAT); otherwise compare every
            code (BIN_FLAT).
        recall: share of the true nearest hundred that a search of lists has to find. As many are
            searched as that takes, for users of the release.
    """

    def __init__(self, server: MilvusServer, *, ivf: bool = False, recall: float = 0.98) -> None:
        self._server = server
        self._ivf = ivf
        self._recall = recall

    def prepare(self, release: Release) -> None:
        """Write the collection of a release, unless it is there.

        Raises SearchUnavailableError, after which it is not there.
        """
        name = collection_name(release.id)
        if read_facts(self._server, name) is not None:
            return
        facts = Facts(held_by(release))
        if not self._ivf:
            write_collection(self._server, name, release.item_codes, facts)
            return
        nlist = min(release.n_items, max(1, 4 * math.isqrt(release.n_items)))
        facts = replace(facts, nlist=nlist, nprobe=nlist)
        write_collection(
            self._server,
            name,
            release.item_codes,
            facts,
            lambda making: self._tuned(release, making, facts),
        )

    def point(self, release_id: str) -> None:
        """Move the alias to the collection of a release. Raises SearchUnavailableError."""
        name = collection_name(release_id)

        def move(client: MilvusClient, seconds: float) -> None:
            from pymilvus import MilvusException

            try:
                client.alter_alias(name, ALIAS, timeout=seconds)
            except MilvusException:
                # There is none yet; what else may be wrong comes up again here.
                client.create_alias(name, ALIAS, timeout=seconds)

        self._server.work(move)

    def keep(self, release_ids: Iterable[str]) -> list[str]:
        """Drop the collections of all other releases; their names. Raises SearchUnavailableError.

        Those of dead writers go too, a day after.
        """
        return drop_others(self._server, {collection_name(one) for one in release_ids})

    def _tuned(self, release: Release, name: str, facts: Facts) -> Facts:
        """Search only as many lists as the recall takes."""
        queries = sample_queries(release.user_embeddings)
        exact = release.backend.search(queries, NEAREST)[0]

        def reached(nprobe: int) -> bool:
            trial = replace(facts, nprobe=nprobe)
            tried = MilvusBackend(self._server, name, facts.held, trial, fill=False)
            found = tried.search(queries, NEAREST)[0]
            return recall_by_distance(found, exact) >= self._recall

        return replace(facts, nprobe=smallest_effort(reached, facts.nlist))


def open_backend(server: MilvusServer, release: Release) -> MilvusBackend:
    """Return what searches the collection of a release.

    A server that does not answer now is waited for: searches fail until it does. Raises
    ReleaseError where it has no collection of the release, or one of other codes.
    """
    backend = MilvusBackend(server, collection_name(release.id), held_by(release))
    try:
        backend.check()
    except SearchUnavailableError as error:
        _log.warning("release %s cannot be searched yet: %s", release.id, error)
    return backend


def held_by(release: Release) -> Held:
    """Return what the collection of a release has to hold."""
    return Held(release.manifest.files[CODES_NAME].sha256, release.n_items, release.bits)
