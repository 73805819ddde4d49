"""A release of the size of Gowalla, with random codes in clusters, for measuring the service."""

from pathlib import Path

import numpy as np

from index.packing import pack_signs
from index.release import DataFingerprint, Release, ReleaseContents
from index.row_lists import RowLists
from index.store import ReleaseStore

USERS, ITEMS, BITS, SEEN_PER_USER, CLUSTERS = 29_858, 40_981, 256, 27, 200


def publish(root: Path, seed: int = 0) -> Release:
    """Publish it in the store at ``root``: 29,858 users, 40,981 items, 256 bits, float16."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CLUSTERS, BITS), dtype=np.float32)

    def scattered(count: int) -> np.ndarray:
        noise = random.standard_normal((count, BITS), dtype=np.float32)
        points = centres[random.integers(0, CLUSTERS, count)] + 0.7 * noise
        return points.astype(np.float16)

    items, users = scattered(ITEMS), scattered(USERS)
    # Popular items are seen by more: the square puts half of what is seen into a quarter of them.
    pairs = USERS * SEEN_PER_USER
    seen_items = (ITEMS * random.random(pairs) ** 2).astype(np.int64)
    seen_users = random.integers(0, USERS, pairs)
    popularity = np.sort(np.bincount(seen_items, minlength=ITEMS))[::-1].astype(np.int64)
    contents = ReleaseContents(
        item_codes=pack_signs(items),
        user_embeddings=users,
        fold_in_messages=items,
        seen=RowLists.from_pairs(seen_users, seen_items, USERS),
        user_ids=[str(row) for row in range(USERS)],
        item_ids=[str(row) for row in range(ITEMS)],
        popularity=popularity,
        data=DataFingerprint(
            sha256="0" * 64,
            users=USERS,
            items=ITEMS,
            interactions=pairs,
            first_time=None,
            last_time=None,
        ),
        recipe={"seed": seed},
        code_version="benchmark",
    )
    return ReleaseStore(root).publish(contents)
