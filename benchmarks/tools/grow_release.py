"""Make a release with any number of items from an existing one.

    python -m benchmarks.tools.grow_release RELEASES INTO --items 10000000

Users, their codes and their items stay the same. To the real items it adds items with synthetic
codes like theirs (synthetic_codes.py), which no user has. Prints the time and the peak memory of
publishing.
"""

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.tools.synthetic_codes import extend_codes, release_in
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore

_BLOCK = 2**17


def publish(release: Release, into: Path, items: int) -> Release:
    """Publish the release in the store at ``into``."""
    into.mkdir(parents=True, exist_ok=True)
    codes = extend_codes(np.asarray(release.item_codes), items)
    scratch = into / "messages.scratch"
    # In a file, because messages take 512 bytes per item.
    messages = np.memmap(scratch, np.float16, "w+", shape=(items, release.bits))
    messages[: release.n_items] = release.fold_in_messages
    for start in range(release.n_items, items, _BLOCK):
        bits = np.unpackbits(codes[start : start + _BLOCK], axis=1, bitorder="little")
        messages[start : start + _BLOCK] = 2 * bits.astype(np.float16) - 1
    real = release.items.ids_of(range(release.n_items))
    contents = ReleaseContents(
        item_codes=codes,
        user_embeddings=release.user_embeddings,
        fold_in_messages=messages,
        seen=RowLists(release.seen.indptr, release.seen.rows),
        user_ids=release.users.ids_of(range(release.n_users)),
        item_ids=[*real, *(f"synthetic {row}" for row in range(release.n_items, items))],
        popularity=np.concatenate(
            [release.popularity, np.zeros(items - release.n_items, np.int64)]
        ),
        data=replace(release.manifest.data, items=items),
        recipe=release.manifest.recipe,
        code_version=release.manifest.code_version,
        seen_weights=release.seen_weights,
        seen_ages=release.seen_ages,
        recency=release.recency,
        seen_counts=release.seen_counts,
        seen_decayed=release.seen_decayed,
        repeats=release.repeats,
    )
    try:
        return ReleaseStore(into).publish(contents)
    finally:
        scratch.unlink()


def main() -> None:
    """Publish, and print the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("releases", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--items", type=int, default=1_000_000)
    arguments = parser.parse_args()
    started = time.perf_counter()
    made = publish(release_in(arguments.releases), arguments.into, arguments.items)
    took = time.perf_counter() - started
    started = time.perf_counter()
    Release.open(made.path)
    manifest = made.manifest
    print(
        f"{made.n_items:,} items published in {took:.0f} s, opened in "
        f"{time.perf_counter() - started:.1f} s; {manifest.backend} "
        f"{dict(manifest.backend_parameters)}, recall {manifest.backend_recall}; peak "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB resident, "
        "mapped files included"
    )


if __name__ == "__main__":
    main()
