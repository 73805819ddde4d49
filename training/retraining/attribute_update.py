"""A release with the codes of another and a new table of items, without any training."""

from __future__ import annotations

import numpy as np

from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.training.data.items.item_table import ItemTable

__all__ = ["changed_attributes", "with_attributes"]


def changed_attributes(release: Release, table: ItemTable) -> ItemAttributes | None:
    """What a table says of a release's items; None if the release says the same."""
    found = table.of(release.items.ids_of(np.arange(release.n_items)))
    known = release.attributes
    if (found.number_names, found.text_names) != (known.number_names, known.text_names):
        return found
    before = known.arrays()
    same = all(
        np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f")
        for name, array in found.arrays().items()
    )
    return None if same else found


def with_attributes(release: Release, attributes: ItemAttributes) -> ReleaseContents:
    """The contents of a release, but for what is known of its items."""
    manifest = release.manifest
    return ReleaseContents(
        item_codes=release.item_codes,
        user_embeddings=release.user_embeddings,
        fold_in_messages=release.fold_in_messages,
        seen=RowLists(release.seen.indptr, release.seen.rows),
        user_ids=release.users.ids_of(np.arange(release.n_users)),
        item_ids=release.items.ids_of(np.arange(release.n_items)),
        popularity=release.popularity,
        data=manifest.data,
        recipe=manifest.recipe,
        code_version=manifest.code_version,
        attributes=attributes,
        backend=manifest.backend,
        backend_parameters=manifest.backend_parameters,
    )
