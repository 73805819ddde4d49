"""Open files of releases that are no longer served."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

FILTER = {"any_tags": ["jazz"], "where": {"price": {"lte": 3}}}
REQUESTS = [
    ("/recommend", {"user_id": "17", "filter": FILTER}),
    ("/recommend", {"user_id": "17", "k": 600, "explain": True}),
    ("/recommend", {"history": ["item 1"], "filter": {"where": {"colour": "red"}}}),
    ("/recommend", {"user_id": "17", "k": 600, "explain": True, "filter": {"where": {"x": 1}}}),
    ("/recommend/batch", {"user_ids": ["17", "nobody"] * 10, "k": 500}),
    ("/similar", {"item_id": "item 1"}),
    ("/similar", {"item_id": "nowhere"}),
]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Disables garbage collection: files have to be closed without it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def open_releases(root: Path) -> set[str]:
    """Ids of the releases that have an open or mapped file."""
    release_ids = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = descriptor.readlink()
        except OSError:
            continue
        if target.is_relative_to(root):
            release_ids.add(target.relative_to(root).parts[0])
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = Path(line.split(maxsplit=5)[-1])
        if path.is_relative_to(root):
            release_ids.add(path.relative_to(root).parts[0])
    return release_ids


def test_closes_files_of_an_old_release_after_its_last_request(
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    serve: Callable[..., httpx.Client],
    no_collector: None,
) -> None:
    root = tmp_path / "releases"
    store = ReleaseStore(root)
    ids = [store.publish(contents(seed)).id for seed in range(4)]
    gc.collect()
    client = serve(new_item_users=1)
    for release_id in [*ids, *reversed(ids)]:
        response = client.post(f"/releases/{release_id}/activate", json={})
        assert response.json() == {"release_id": release_id}
        for path, query in REQUESTS:
            assert client.post(path, json=query).status_code in (200, 404, 409)
        event = {"user_id": "17", "item_id": "new", "type": "view"}
        assert client.post("/events", json={"events": [event]}).status_code == 200
        assert client.post("/recommend", json={"user_id": "17"}).json()["release_id"] == release_id
        assert open_releases(root) == {release_id}
