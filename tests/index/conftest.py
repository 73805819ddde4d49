from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.release import DataFingerprint, ReleaseContents, RowLists
from bitrecall.index.search.milvus.server import MilvusServer
from bitrecall.index.search.packing import pack_signs, to_half_keeping_signs


def contents_of(users: int = 5, items: int = 12, bits: int = 16, seed: int = 0) -> ReleaseContents:
    rng = np.random.default_rng(seed)
    embeddings = rng.standard_normal((items, bits))
    seen = [rng.choice(items, min(items, 3), replace=False) for _ in range(users)]
    return ReleaseContents(
        item_codes=pack_signs(embeddings),
        user_embeddings=to_half_keeping_signs(rng.standard_normal((users, bits))),
        fold_in_messages=to_half_keeping_signs(embeddings),
        seen=RowLists.from_lists(seen),
        user_ids=[f"user {row}" for row in range(users)],
        item_ids=[f"ítem,{row} 🎈" for row in range(items)],
        popularity=np.arange(items, 0, -1),
        data=DataFingerprint("0" * 64, users, items, 3 * users, "2026-01-01T00:00:00Z", None),
        recipe={"bits": bits, "seed": seed, "losses": ["recall"]},
        code_version="0.1.0",
        attributes=ItemAttributes.build(
            items,
            tags=[["new"] if row % 3 else [] for row in range(items)],
            numbers={"price": [row / 2 for row in range(items)]},
            texts={"label": ["é" if row % 2 else None for row in range(items)]},
        ),
    )


@pytest.fixture
def make_contents() -> Callable[..., ReleaseContents]:
    """Contents of a small release; keyword arguments replace fields, or set its size and seed."""

    def make(**changes: Any) -> ReleaseContents:
        sizes = {name: changes.pop(name) for name in ("users", "items", "bits") if name in changes}
        if "seed" in changes:
            sizes["seed"] = changes.pop("seed")
        return replace(contents_of(**sizes), **changes)

    return make


@pytest.fixture(scope="session")
def milvus_server(milvus: Any) -> Iterator[MilvusServer]:
    """A connection to a real Milvus server, with more patience than a service has."""
    server = MilvusServer(milvus.url, timeout=30.0, retry_delay=0.0)
    yield server
    server.close()
