"""Ask a running service for some users, and rank the same codes by brute force beside it.

    bitrecall serve --releases releases &
    python benchmarks/agreement.py --releases releases --users 100

Every answer has to equal the numpy ranking by (distance, row) to the last tie: items, distances,
scores, order. Exits with 1 at the first that does not.
"""

import argparse
import json
import sys
import urllib.request
from pathlib import Path

import numpy as np

from index.release import Release
from index.store import ReleaseStore


def ask(url: str, user_id: str, k: int, exclude_seen: bool) -> dict[str, object]:
    """The service's answer for one user."""
    body = json.dumps({"user_id": user_id, "k": k, "exclude_seen": exclude_seen}).encode()
    request = urllib.request.Request(
        f"{url}/recommend", body, {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        parsed: dict[str, object] = json.load(answer)
    return parsed


def brute_force(release: Release, row: int, k: int, exclude_seen: bool) -> list[dict[str, object]]:
    """The items that the codes say, every one compared and sorted, no index and no packing."""
    user = np.where(np.asarray(release.user_embeddings[row]) >= 0, 1, -1)
    bits = np.unpackbits(np.asarray(release.item_codes), axis=1, bitorder="little")
    scores = (2 * bits.astype(np.int32) - 1) @ user
    seen = set(release.seen[row].tolist()) if exclude_seen else set()
    order = [item for item in np.lexsort((np.arange(len(scores)), -scores)) if item not in seen]
    return [
        {
            "id": release.items.id_of(int(item)),
            "distance": (release.bits - int(scores[item])) // 2,
            "score": int(scores[item]),
        }
        for item in order[:k]
    ]


def main() -> int:
    """Compare, print what was compared, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--releases", type=Path, default=Path("releases"))
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    release = ReleaseStore(given.releases).open_current()
    rows = np.random.default_rng(given.seed).permutation(release.n_users)[: given.users]
    tied = compared = 0
    for row in rows.tolist():
        user_id = release.users.id_of(row)
        for k, exclude_seen in ((100, True), (100, False)):
            answer = ask(given.url, user_id, k, exclude_seen)
            expected = brute_force(release, row, k, exclude_seen)
            if answer["items"] != expected or answer["release_id"] != release.id:
                print(f"user {user_id!r}, exclude_seen={exclude_seen}: answers differ")
                return 1
            distances = [item["distance"] for item in expected]
            tied += len(distances) - len(set(distances))
            compared += len(distances)
    print(
        f"{len(rows)} users of {release.id}, with and without their seen items: {compared} items "
        f"equal to brute force, {tied} of them placed by the order of ties"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
