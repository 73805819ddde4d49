"""Writes the files of a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitrecall.disk import naming, sync
from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.files import (
    CODES_NAME,
    INDEX_NAME,
    MANIFEST_NAME,
    entry_of,
    write_array,
)
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.id_table import IdTable
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.recency import leaning_codes
from bitrecall.index.search.index_selection import build_index
from bitrecall.index.search.tuning import sample_queries


def write_files(folder: Path, contents: ReleaseContents, parent: str | None) -> Manifest:
    """Write all files of a release except the manifest, which is returned.

    Raises:
        ReleaseContentsError: the contents are inconsistent.
    """
    contents.check()
    try:
        selected = build_index(
            contents.backend,
            contents.backend_parameters,
            contents.item_codes,
            sample_queries(contents.user_embeddings),
            contents.recall,
        )
    except SearchError as error:
        raise ReleaseContentsError(str(error)) from error
    arrays = {
        CODES_NAME: contents.item_codes,
        "user_embeddings.npy": contents.user_embeddings,
        "fold_in_messages.npy": contents.fold_in_messages,
        "seen_indptr.npy": contents.seen.indptr,
        "seen_rows.npy": contents.seen.rows,
        "popularity.npy": contents.popularity,
        "seen_weights.npy": (
            np.zeros(0, np.float32) if contents.seen_weights is None else contents.seen_weights
        ),
        "seen_ages.npy": (
            np.zeros(0, np.uint16) if contents.seen_ages is None else contents.seen_ages
        ),
        "leaning_codes.npy": _leaning_codes(contents),
        "seen_counts.npy": (
            np.zeros(0, np.uint16) if contents.seen_counts is None else contents.seen_counts
        ),
        "seen_decayed.npy": (
            np.zeros(0, np.float16) if contents.seen_decayed is None else contents.seen_decayed
        ),
    }
    learned = FoldInMap.fit(contents.fold_in_messages, contents.user_embeddings, contents.seen)
    arrays |= {
        "fold_in_centre.npy": learned.centre,
        "fold_in_user.npy": learned.user,
        "fold_in_matrix.npy": learned.matrix,
    }
    attributes = contents.attributes or ItemAttributes.build(len(contents.item_ids))
    arrays |= attributes.arrays()
    for kind, ids in (("user", contents.user_ids), ("item", contents.item_ids)):
        table = IdTable.build(ids)
        arrays[f"{kind}_id_text.npy"] = table.text
        arrays[f"{kind}_id_offsets.npy"] = table.offsets
        arrays[f"{kind}_id_order.npy"] = table.order
    files = {name: write_array(folder / name, array) for name, array in arrays.items()}
    selected.built.save(folder / INDEX_NAME)
    files[INDEX_NAME] = entry_of(folder / INDEX_NAME)
    now = datetime.now(UTC)
    manifest = Manifest(
        id="",
        parent=parent,
        created_at=now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        data=contents.data,
        recipe=contents.recipe,
        code_version=contents.code_version,
        metrics={},
        bits=selected.built.bits,
        users=len(contents.user_ids),
        items=len(contents.item_ids),
        seen=len(contents.seen.rows),
        backend=selected.name,
        backend_parameters=selected.built.parameters,
        backend_recall=selected.recall,
        attributes={"numbers": attributes.number_names, "texts": attributes.text_names},
        files=files,
        recency=contents.recency,
        repeats=contents.repeats,
    )
    return replace(manifest, id=f"{now:%Y%m%dT%H%M%SZ}-{manifest.content_hash()}")


def _leaning_codes(contents: ReleaseContents) -> NDArray[np.uint8]:
    """Return the codes of users that lean on their newest items; no rows if none do."""
    recency, ages = contents.recency, contents.seen_ages
    if recency is None or ages is None or not recency.known_strength:
        return np.zeros((0, contents.item_codes.shape[1]), np.uint8)
    return leaning_codes(
        contents.user_embeddings, contents.fold_in_messages, contents.seen, ages, recency
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a folder, replacing an earlier one."""
    path = folder / MANIFEST_NAME
    with naming(path):
        path.write_text(manifest.to_json(), encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Sync every file of a folder to disk, and then the folder itself."""
    for path in sorted(folder.iterdir()):
        sync(path)
    sync(folder)
