"""Random releases of the size of Gowalla or another size, for measurements of the service."""

from pathlib import Path

import numpy as np

from bitrecall.index.releases.release import DataFingerprint, Release, ReleaseContents
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs, to_half_keeping_signs

USERS, ITEMS, BITS, SEEN_PER_USER, CLUSTERS = 29_858, 40_981, 256, 27, 200


def publish(root: Path, seed: int = 0, users: int = USERS, items: int = ITEMS) -> Release:
    """Publish a release at ``root``: codes of 256 bits in clusters, float16."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CLUSTERS, BITS), dtype=np.float32)

    def scattered(count: int) -> np.ndarray:
        noise = random.standard_normal((count, BITS), dtype=np.float32)
        points = centres[random.integers(0, CLUSTERS, count)] + 0.7 * noise
        return to_half_keeping_signs(points)

    item_vectors, user_vectors = scattered(items), scattered(users)
    # The square makes a quarter of the items have half of the interactions.
    pairs = users * SEEN_PER_USER
    seen_items = (items * random.random(pairs) ** 2).astype(np.int64)
    seen_users = random.integers(0, users, pairs)
    popularity = np.sort(np.bincount(seen_items, minlength=items))[::-1].astype(np.int64)
    contents = ReleaseContents(
        item_codes=pack_signs(item_vectors),
        user_embeddings=user_vectors,
        fold_in_messages=item_vectors,
        seen=RowLists.from_pairs(seen_users, seen_items, users),
        user_ids=[str(row) for row in range(users)],
        item_ids=[str(row) for row in range(items)],
        popularity=popularity,
        data=DataFingerprint(
            sha256="0" * 64,
            users=users,
            items=items,
            interactions=pairs,
            first_time=None,
            last_time=None,
        ),
        recipe={"seed": seed},
        code_version="benchmark",
    )
    return ReleaseStore(root).publish(contents)
