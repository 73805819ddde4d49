"""The mirror of a store, on a real Milvus server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseError, SearchUnavailableError
from bitrecall.index.releases.milvus_mirror import ALIAS, MilvusMirror, fingerprint_of, open_backend
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.milvus.collection import (
    CodesFingerprint,
    CollectionInfo,
    collection_name,
    read_info,
    write_collection,
)
from bitrecall.index.search.milvus.server import MilvusServer

pytestmark = pytest.mark.xdist_group("milvus")

Make = Callable[..., ReleaseContents]


@pytest.fixture
def store(milvus_server: MilvusServer, tmp_path: Path) -> Iterator[ReleaseStore]:
    mirror = MilvusMirror(milvus_server)
    mirror.keep([])
    yield ReleaseStore(tmp_path, mirror)
    mirror.keep([])


def collections(server: MilvusServer) -> list[str]:
    return sorted(server.run(lambda client, timeout: client.list_collections(timeout=timeout)))


def aliased_collection(server: MilvusServer) -> str:
    alias = server.run(lambda client, timeout: client.describe_alias(ALIAS, timeout=timeout))
    return str(alias["collection_name"])


def test_the_mirror_follows_the_store(
    store: ReleaseStore, milvus_server: MilvusServer, make_contents: Make
) -> None:
    first = store.publish(make_contents(seed=1))
    aside = store.publish(make_contents(seed=2), activate=False)
    assert collections(milvus_server) == [collection_name(first.id)]
    assert aliased_collection(milvus_server) == collection_name(first.id)

    store.activate(aside.id)
    names = {release.id: collection_name(release.id) for release in (first, aside)}
    assert collections(milvus_server) == sorted(names.values())
    assert aliased_collection(milvus_server) == names[aside.id]
    for release in (first, aside):
        queries = release.user_codes(np.arange(release.n_users))
        results = open_backend(milvus_server, release).search(queries, 5)
        assert np.array_equal(results, release.backend.search(queries, 5))

    store.rollback()
    assert aliased_collection(milvus_server) == names[first.id]
    store.activate(aside.id)
    store.prune(1)
    assert collections(milvus_server) == [names[aside.id]]

    # Activating a release again writes its collection if it was dropped.
    milvus_server.run(
        lambda client, timeout: client.drop_collection(names[aside.id], timeout=timeout)
    )
    with pytest.raises(ReleaseError, match=r"has no collection .* --milvus writes it"):
        open_backend(milvus_server, aside)
    store.activate(aside.id)
    assert len(open_backend(milvus_server, aside)) == aside.n_items


def test_tunes_nprobe_to_the_recall(
    milvus_server: MilvusServer, tmp_path: Path, make_contents: Make
) -> None:
    # Milvus scans all codes if there are fewer than 1,024.
    release = ReleaseStore(tmp_path).publish(make_contents(users=80, items=3000, bits=64))
    name = collection_name(release.id)
    mirror = MilvusMirror(milvus_server, ivf=True, recall=0.9)
    try:
        mirror.prepare(release)
        info = read_info(milvus_server, name)
        assert info is not None
        assert info.fingerprint == fingerprint_of(release)
        assert 1 < info.nprobe < info.nlist == 216
        mirror.prepare(release)
    finally:
        mirror.keep([])


def test_rejects_a_collection_with_other_codes(
    milvus_server: MilvusServer, tmp_path: Path, make_contents: Make
) -> None:
    release = ReleaseStore(tmp_path).publish(make_contents())
    info = CollectionInfo(CodesFingerprint("0" * 64, release.n_items, release.bits))
    write_collection(milvus_server, collection_name(release.id), release.item_codes, info)
    try:
        with pytest.raises(ReleaseError, match="codes of another release"):
            open_backend(milvus_server, release)
    finally:
        MilvusMirror(milvus_server).keep([])


def test_a_failed_write_leaves_no_collection_and_no_release(
    milvus_server: MilvusServer,
    tmp_path: Path,
    make_contents: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: MilvusMirror, *arguments: object) -> None:
        raise ValueError("interrupted")

    monkeypatch.setattr(MilvusMirror, "_tuned", fail)
    before = collections(milvus_server)
    store = ReleaseStore(tmp_path, MilvusMirror(milvus_server, ivf=True))
    with pytest.raises(SearchUnavailableError, match="interrupted"):
        store.publish(make_contents())
    assert collections(milvus_server) == before
    assert store.list() == []
    assert list(tmp_path.glob(".publishing*")) == []
