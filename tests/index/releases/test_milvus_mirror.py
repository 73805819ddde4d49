"""A Milvus server in step with a store, on a real one."""

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


def pointed_at(server: MilvusServer) -> str:
    found = server.run(lambda client, timeout: client.describe_alias(ALIAS, timeout=timeout))
    return str(found["collection_name"])


def test_a_store_and_its_mirror_go_together(
    store: ReleaseStore, milvus_server: MilvusServer, make_contents: Make
) -> None:
    first = store.publish(make_contents(seed=1))
    aside = store.publish(make_contents(seed=2), activate=False)
    assert collections(milvus_server) == [collection_name(first.id)]
    assert pointed_at(milvus_server) == collection_name(first.id)

    store.activate(aside.id)
    names = {release.id: collection_name(release.id) for release in (first, aside)}
    assert collections(milvus_server) == sorted(names.values())
    assert pointed_at(milvus_server) == names[aside.id]
    for release in (first, aside):
        queries = release.user_codes(np.arange(release.n_users))
        found = open_backend(milvus_server, release).search(queries, 5)
        assert np.array_equal(found, release.backend.search(queries, 5))

    store.rollback()
    assert pointed_at(milvus_server) == names[first.id]
    store.activate(aside.id)
    store.prune(1)
    assert collections(milvus_server) == [names[aside.id]]

    # Somebody has dropped it there: activating it again writes it.
    milvus_server.run(
        lambda client, timeout: client.drop_collection(names[aside.id], timeout=timeout)
    )
    with pytest.raises(ReleaseError, match=r"has no collection .* --milvus writes it"):
        open_backend(milvus_server, aside)
    store.activate(aside.id)
    assert len(open_backend(milvus_server, aside)) == aside.n_items


def test_lists_are_searched_as_far_as_the_recall_takes(
    milvus_server: MilvusServer, tmp_path: Path, make_contents: Make
) -> None:
    # Milvus compares the codes one by one where there are fewer than 1,024.
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


def test_other_codes_than_the_release_has_are_refused(
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


def test_what_cannot_be_written_leaves_no_collection_and_no_release(
    milvus_server: MilvusServer,
    tmp_path: Path,
    make_contents: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: MilvusMirror, *given: object) -> None:
        raise ValueError("interrupted")

    monkeypatch.setattr(MilvusMirror, "_tuned", fail)
    before = collections(milvus_server)
    store = ReleaseStore(tmp_path, MilvusMirror(milvus_server, ivf=True))
    with pytest.raises(SearchUnavailableError, match="interrupted"):
        store.publish(make_contents())
    assert collections(milvus_server) == before
    assert store.list() == []
    assert list(tmp_path.glob(".publishing*")) == []
