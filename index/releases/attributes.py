"""Tags, numbers and texts of items, for filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseContentsError
from bitrecall.index.releases.id_table import IdTable
from bitrecall.index.releases.row_lists import RowLists

# File names of the arrays, in the order of ``ItemAttributes.arrays``.
ARRAY_NAMES = (
    *("tag_text.npy", "tag_offsets.npy", "tag_order.npy", "tag_indptr.npy", "tag_rows.npy"),
    *("attribute_numbers.npy", "attribute_texts.npy"),
    *("value_text.npy", "value_offsets.npy", "value_order.npy"),
)


@dataclass(frozen=True, eq=False)
class ItemAttributes:
    """Tags and named columns of n items, by row.

    Attributes:
        tags: names of the tags.
        tagged: item rows per tag.
        number_names: names of the numeric columns.
        numbers: float64 (c, n), one row per numeric column, NaN if unknown.
        text_names: names of the text columns.
        texts: int32 (d, n), one row per text column, an index into ``values``, -1 if unknown.
        values: the distinct texts.
    """

    tags: IdTable
    tagged: RowLists
    number_names: tuple[str, ...]
    numbers: NDArray[np.float64]
    text_names: tuple[str, ...]
    texts: NDArray[np.int32]
    values: IdTable

    @classmethod
    def build(
        cls,
        n_items: int,
        tags: Sequence[Iterable[str]] = (),
        numbers: Mapping[str, Sequence[float] | NDArray[Any]] | None = None,
        texts: Mapping[str, Sequence[str | None]] | None = None,
    ) -> Self:
        """Build from columns of n values.

        Args:
            n_items: n.
            tags: the tags of each item, in any order; empty if no item has any.
            numbers: n numbers per column name, NaN if unknown.
            texts: n texts per column name, None if unknown.

        Raises:
            ReleaseContentsError: a column does not have n values, or contains infinity or an empty
                text; a name is empty or used for both kinds; or a tag is empty.
        """
        numbers, texts = numbers or {}, texts or {}
        _check_lengths(n_items, {"tags": tags} if tags else {}, numbers, texts)
        tag_names = sorted({tag for item in tags for tag in item})
        row_of_tag = {tag: row for row, tag in enumerate(tag_names)}
        pairs = [(row_of_tag[tag], row) for row, item in enumerate(tags) for tag in item]
        owners, rows = np.array(pairs, np.int64).reshape(-1, 2).T
        known = sorted({text for column in texts.values() for text in column if text is not None})
        row_of_text: dict[str | None, int] = {text: row for row, text in enumerate(known)}
        row_of_text[None] = -1
        number_columns = [np.asarray(column, np.float64) for column in numbers.values()]
        text_columns = [[row_of_text[text] for text in column] for column in texts.values()]
        built = cls(
            tags=IdTable.build(tag_names),
            tagged=RowLists.from_pairs(owners, rows, len(tag_names)),
            number_names=tuple(numbers),
            numbers=np.array(number_columns, np.float64).reshape(len(numbers), n_items),
            text_names=tuple(texts),
            texts=np.array(text_columns, np.int32).reshape(len(texts), n_items),
            values=IdTable.build(known),
        )
        fault = built.fault(n_items)
        if fault:
            raise ReleaseContentsError(f"item attributes: {fault[1]}")
        return built

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        number_names: tuple[str, ...],
        text_names: tuple[str, ...],
    ) -> Self:
        """Build from the arrays of a release, by file name."""
        return cls(
            tags=IdTable(*(arrays[f"tag_{part}.npy"] for part in ("text", "offsets", "order"))),
            tagged=RowLists(arrays["tag_indptr.npy"], arrays["tag_rows.npy"]),
            number_names=number_names,
            numbers=arrays["attribute_numbers.npy"],
            text_names=text_names,
            texts=arrays["attribute_texts.npy"],
            values=IdTable(*(arrays[f"value_{part}.npy"] for part in ("text", "offsets", "order"))),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store in a release, by file name."""
        return dict(
            zip(
                ARRAY_NAMES,
                (
                    *(self.tags.text, self.tags.offsets, self.tags.order),
                    *(self.tagged.indptr, self.tagged.rows),
                    *(self.numbers, self.texts),
                    *(self.values.text, self.values.offsets, self.values.order),
                ),
                strict=True,
            )
        )

    def tags_of(self, row: int) -> list[str]:
        """Return the tags of an item, in the order of their bytes."""
        places = np.flatnonzero(self.tagged.rows == row)
        return self.tags.ids_of(np.searchsorted(self.tagged.indptr, places, side="right") - 1)

    def columns_of(self, row: int) -> dict[str, float | str]:
        """Return the known values of an item, by column name."""
        values: dict[str, float | str] = {
            name: float(value)
            for name, value in zip(self.number_names, self.numbers[:, row], strict=True)
            if not np.isnan(value)
        }
        for name, value in zip(self.text_names, self.texts[:, row].tolist(), strict=True):
            if value >= 0:
                values[name] = self.values.id_of(value)
        return values

    def fault(self, n_items: int) -> tuple[str, str] | None:
        """Return the file and the fault of the first invalid array, or None."""
        for file, array, dtype, names in (
            ("attribute_numbers.npy", self.numbers, np.float64, self.number_names),
            ("attribute_texts.npy", self.texts, np.int32, self.text_names),
        ):
            shape = (len(names), n_items)
            if array.dtype != dtype or array.shape != shape:
                return file, f"is {array.dtype} {array.shape}: expected {np.dtype(dtype)} {shape}"
        names = (*self.number_names, *self.text_names)
        if len(set(names)) < len(names) or not all(names):
            return "attribute_texts.npy", f"column names are empty or repeated: {list(names)}"
        if np.isinf(self.numbers).any():
            return "attribute_numbers.npy", "a number is infinite"
        for file, table in (("tag_text.npy", self.tags), ("value_text.npy", self.values)):
            if fault := table.fault():
                return file, fault
        if not np.array_equal(self.tags.order, np.arange(len(self.tags))):
            return "tag_order.npy", "the tags are not in the order of their bytes"
        if self.texts.size and (self.texts.min() < -1 or self.texts.max() >= len(self.values)):
            return "attribute_texts.npy", f"a text is outside the {len(self.values)} values"
        fault = self.tagged.fault(len(self.tags), n_items)
        return ("tag_rows.npy", fault) if fault else None


def _check_lengths(n_items: int, *kinds: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
    for columns in kinds:
        for name, column in columns.items():
            if len(column) != n_items:
                raise ReleaseContentsError(
                    f"item attributes: {name} has {len(column)} values for {n_items} items"
                )
