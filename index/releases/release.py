"""An opened release: verified, memory-mapped and read-only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseDamagedError, SearchError
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.consistency import (
    check_interactions,
    check_repeats,
    check_shapes,
    check_values,
)
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.files import (
    ARRAYS,
    CODES_NAME,
    INDEX_NAME,
    MANIFEST_NAME,
    check_hash,
    check_size,
    open_array,
    read_manifest_text,
)
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.id_table import IdTable
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.repeats import NO_OWN_ITEMS, OwnItems, Repeats
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.search.index_selection import VERIFIED_WITH, shortfall
from bitrecall.index.search.native_module import native
from bitrecall.index.search.protocol import SearchBackend
from bitrecall.index.search.registry import backend
from bitrecall.index.search.tuning import sample_queries

__all__ = ["DataFingerprint", "Release", "ReleaseContents", "RowLists", "read_manifest"]


@dataclass(frozen=True, eq=False)
class Release:
    """An opened release: m users and n items with codes of f bits.

    Arrays are memory-mapped and read-only. They stay readable while the release is in use, even if
    its folder is pruned.

    Attributes:
        path: the folder.
        manifest: the manifest; see ``docs/release-format.md``.
        backend: searches the item codes.
        item_codes: uint8 (n, f/8), rows in descending popularity.
        user_embeddings: float16 or float32 (m, f); their signs are the users' codes.
        fold_in_messages: float16 or float32 (n, f).
        fold_in_map: maps messages to embeddings.
        seen: the item rows of each user's training interactions.
        seen_weights: float32 (seen,), weights of the training interactions; None for equal weights.
        seen_ages: uint16 (seen,), for each training interaction the number of the user's later
            ones; None if their order is unknown.
        leaning_codes: uint8 (m, f/8), codes of users that lean on their newest items; None if
            codes are the signs of the embeddings.
        seen_counts: uint16 (seen,), for each pair of user and item the number of interactions; None
            without ``repeats``.
        seen_decayed: float16 (seen,), their decayed counts; None without ``repeats``.
        users: ids of the users.
        items: ids of the items.
        popularity: int64 (n,), interactions per item, never increasing.
        attributes: attributes of the items.
    """

    path: Path
    manifest: Manifest
    backend: SearchBackend
    item_codes: NDArray[np.uint8]
    user_embeddings: NDArray[np.floating[Any]]
    fold_in_messages: NDArray[np.floating[Any]]
    fold_in_map: FoldInMap
    seen: RowLists
    seen_weights: NDArray[np.float32] | None
    seen_ages: NDArray[np.uint16] | None
    leaning_codes: NDArray[np.uint8] | None
    seen_counts: NDArray[np.uint16] | None
    seen_decayed: NDArray[np.float16] | None
    users: IdTable
    items: IdTable
    popularity: NDArray[np.int64]
    attributes: ItemAttributes

    @classmethod
    def open(cls, path: Path, *, check_hashes: bool = True) -> Self:
        """Open and verify the release in a folder.

        Every file is checked against its size, sha256, dtype and shape in the manifest, and then
        against the other files: counts, id tables, seen rows, and the index, which must contain the
        codes and reach the recall in the manifest.

        Args:
            path: the folder.
            check_hashes: compare the files with their sha256; False if this process has just
                computed them.

        Raises:
            ReleaseVersionError: the release has another format version.
            ReleaseDamagedError: a file differs from what was published; ``path`` is the file.
        """
        manifest = read_manifest(path)
        for name, entry in manifest.files.items():
            check_size(path / name, entry)
        for name, entry in manifest.files.items() if check_hashes else ():
            check_hash(path / name, entry)
        arrays = {name: open_array(path / name, manifest.files[name]) for name in ARRAYS}
        check_shapes(path, manifest, arrays)
        check_values(path, arrays)
        codes = arrays[CODES_NAME]
        try:
            backend_class = backend(manifest.backend)
            index = backend_class.load(path / INDEX_NAME, codes, **manifest.backend_parameters)
        except SearchError as error:
            raise ReleaseDamagedError(str(error), path / MANIFEST_NAME) from error
        release = cls(
            path=path,
            manifest=manifest,
            backend=index,
            item_codes=codes,
            user_embeddings=arrays["user_embeddings.npy"],
            fold_in_messages=arrays["fold_in_messages.npy"],
            fold_in_map=FoldInMap(
                arrays["fold_in_centre.npy"],
                arrays["fold_in_user.npy"],
                arrays["fold_in_matrix.npy"],
            ),
            seen=RowLists(arrays["seen_indptr.npy"], arrays["seen_rows.npy"]),
            seen_weights=_or_none(arrays["seen_weights.npy"]),
            seen_ages=_or_none(arrays["seen_ages.npy"]),
            leaning_codes=_or_none(arrays["leaning_codes.npy"]),
            seen_counts=_or_none(arrays["seen_counts.npy"]),
            seen_decayed=_or_none(arrays["seen_decayed.npy"]),
            users=_id_table(path, "user", arrays),
            items=_id_table(path, "item", arrays),
            popularity=arrays["popularity.npy"],
            attributes=ItemAttributes.from_arrays(
                arrays, manifest.attributes["numbers"], manifest.attributes["texts"]
            ),
        )
        check_interactions(path, manifest, release.seen, release.seen_weights, release.seen_ages)
        check_repeats(path, manifest, release.seen, release.seen_counts, release.seen_decayed)
        if wrong := release.attributes.fault(manifest.items):
            raise ReleaseDamagedError(wrong[1], path / wrong[0])
        if manifest.backend_recall is not None:
            queries = sample_queries(release.user_embeddings, VERIFIED_WITH)
            if reason := shortfall(index, codes, queries, manifest.backend_recall):
                raise ReleaseDamagedError(reason, path / INDEX_NAME)
        if not manifest.id.endswith(manifest.content_hash()):
            raise ReleaseDamagedError("has the id of other contents", path / MANIFEST_NAME)
        return release

    @property
    def id(self) -> str:
        """The release id, such as 20261123T174500Z-3fa94c1b."""
        return self.manifest.id

    @property
    def bits(self) -> int:
        """Code length in bits."""
        return self.manifest.bits

    @property
    def n_users(self) -> int:
        """The number of users."""
        return self.manifest.users

    @property
    def n_items(self) -> int:
        """The number of items."""
        return self.manifest.items

    @property
    def recency(self) -> Recency | None:
        """How codes depend on the order of a user's items; None if they do not."""
        return self.manifest.recency

    @property
    def repeats(self) -> Repeats | None:
        """Which place own items take in lists that do not leave them out; None without a rule."""
        return self.manifest.repeats

    def own_items(self, row: int | None) -> OwnItems:
        """Return a user's training items and how often the user took them.

        Args:
            row: row of the user; None for a user not in the release, without training items.

        Raises:
            SearchError: the user does not exist.
        """
        if row is None or self.seen_counts is None or self.seen_decayed is None:
            return NO_OWN_ITEMS
        items = self.seen[row].astype(np.int64)
        part = slice(int(self.seen.indptr[row]), int(self.seen.indptr[row + 1]))
        return OwnItems(
            items,
            self.seen_decayed[part].astype(np.float64),
            self.seen_counts[part].astype(np.int64),
        )

    def user_code(self, row: int) -> NDArray[np.uint8]:
        """Return the code of one user, uint8 (1, bits/8). Raises SearchError on an unknown row."""
        if not 0 <= row < self.n_users:
            raise SearchError(f"a user row is outside 0 … {self.n_users - 1}")
        if self.leaning_codes is not None:
            return self.leaning_codes[row : row + 1]
        embedding = self.user_embeddings[row]
        if native is not None and embedding.dtype == np.float16:
            return np.frombuffer(native.signs(embedding), np.uint8).reshape(1, -1)
        return np.packbits(embedding >= 0, bitorder="little")[None]

    def user_codes(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Return the codes, uint8 (b, bits/8), of the users at ``rows``, integers (b,).

        They are the signs of the embeddings, or lean on the users' newest items if the release's
        recency says so. Raises SearchError on an unknown row.
        """
        rows = np.asarray(rows)
        if rows.size and (rows.min() < 0 or rows.max() >= self.n_users):
            raise SearchError(f"a user row is outside 0 … {self.n_users - 1}")
        if self.leaning_codes is not None:
            leaning: NDArray[np.uint8] = self.leaning_codes[rows]
            return leaning
        # Opening the release made the checks of pack_signs.
        return np.packbits(self.user_embeddings[rows] >= 0, axis=1, bitorder="little")


def read_manifest(path: Path) -> Manifest:
    """Read and check the manifest in a release folder, but none of the other files.

    Raises:
        ReleaseDamagedError: the manifest is missing or damaged.
        ReleaseVersionError: it has another format version.
    """
    if path.is_symlink() or not path.is_dir():
        raise ReleaseDamagedError("is not a release folder", path)
    manifest_path = path / MANIFEST_NAME
    manifest = Manifest.from_json(read_manifest_text(path), manifest_path)
    # Names are compared with a fixed list before they are joined to a path: none can lead out of
    # the folder.
    expected = {*ARRAYS, INDEX_NAME}
    if manifest.files.keys() != expected:
        differing = sorted(manifest.files.keys() ^ expected)
        raise ReleaseDamagedError(f"lists missing or unknown files: {differing}", manifest_path)
    return manifest


def _id_table(path: Path, kind: str, arrays: dict[str, NDArray[Any]]) -> IdTable:
    text, offsets, order = (
        arrays[f"{kind}_id_{part}.npy"] for part in ("text", "offsets", "order")
    )
    table = IdTable(text, offsets, order)
    fault = table.fault()
    if fault:
        raise ReleaseDamagedError(fault, path / f"{kind}_id_text.npy")
    return table


def _or_none(array: NDArray[Any]) -> NDArray[Any] | None:
    """Return an array, or None if it is empty."""
    return array if len(array) else None
