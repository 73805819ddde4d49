"""Synthetic codes with the statistics of the codes of a release.

With random bits, approximate indexes look worse than they are, because real codes form clusters. A
synthetic code starts from a real one, takes half of the differing bits from one of its sixteen
nearest neighbours, and flips one bit in a hundred. The catalogue becomes denser, like a larger real
one, and keeps its clusters.

    python -m benchmarks.tools.synthetic_codes RELEASES --count 1000000

prints the statistics of both.
"""

import argparse
from pathlib import Path

import numpy as np

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import hamming_distances, unpack_signs
from bitrecall.index.search.tuning import sample_queries

NEIGHBOURS = 16
FLIPPED = 0.01
_BLOCK = 500_000


def extend_codes(codes: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return the codes, uint8 (n, w), followed by synthetic ones: uint8 (count, w) in total."""
    if count <= len(codes):
        return np.ascontiguousarray(codes[:count])
    rng = np.random.default_rng(seed)
    near = FlatBackend.build(codes).search(codes, NEIGHBOURS + 1)[1][:, 1:]
    made = np.empty((count, codes.shape[1]), np.uint8)
    made[: len(codes)] = codes
    for start in range(len(codes), count, _BLOCK):
        size = min(_BLOCK, count - start)
        first = rng.integers(len(codes), size=size)
        second = near[first, rng.integers(NEIGHBOURS, size=size)]
        mask = rng.integers(0, 256, (size, codes.shape[1]), dtype=np.uint8)
        flipped = np.zeros((size, codes.shape[1]), np.uint8)
        for bit in range(8):
            chance = rng.random(flipped.shape, dtype=np.float32) < FLIPPED
            flipped |= chance.astype(np.uint8) << bit
        child = codes[first] ^ ((codes[first] ^ codes[second]) & mask) ^ flipped
        made[start : start + size] = child
    return made


def statistics_of(codes: np.ndarray, queries: np.ndarray) -> dict[str, float]:
    """Return statistics that matter to an index: balance and independence of bits, distances."""
    rng = np.random.default_rng(1)
    sample = codes[rng.choice(len(codes), min(len(codes), 4000), replace=False)]
    signs = unpack_signs(sample).astype(np.float32)
    correlations = np.asarray(np.corrcoef(signs.T))[~np.eye(signs.shape[1], dtype=bool)]
    pairs = hamming_distances(sample[:1000], sample[1000:2000])
    nearest = FlatBackend.build(codes).search(sample[:200], 2)[0][:, 1]
    distances = FlatBackend.build(codes).search(queries[:200], 100)[0]
    return {
        "mean of |mean of a bit|": float(np.abs(signs.mean(axis=0)).mean()),
        "mean |correlation of two bits|": float(np.abs(correlations).mean()),
        "distance of two items, mean": float(pairs.mean()),
        "distance of two items, deviation": float(pairs.std()),
        "distance of an item to the next, mean": float(nearest.mean()),
        "distance of a user to the 1st item, mean": float(distances[:, 0].mean()),
        "distance of a user to the 100th item, mean": float(distances[:, -1].mean()),
    }


def release_in(folder: Path) -> Release:
    """Return the current release of a store."""
    return ReleaseStore(folder).open_current()


def main() -> None:
    """Print the statistics side by side."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("--count", type=int, default=1_000_000)
    arguments = parser.parse_args()
    release = release_in(arguments.releases)
    codes, queries = np.asarray(release.item_codes), sample_queries(release.user_embeddings)
    real, synthetic = (
        statistics_of(part, queries) for part in (codes, extend_codes(codes, arguments.count))
    )
    print(f"| | {len(codes):,} real | {arguments.count:,} |\n|---|---|---|")
    for name, value in real.items():
        print(f"| {name} | {value:.3f} | {synthetic[name]:.3f} |")


if __name__ == "__main__":
    main()
