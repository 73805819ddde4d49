"""Flatten nested records into columns with dotted names, such as ``items.item_id``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars._typing import PolarsDataType

from bitrecall.training.errors import DataError

__all__ = ["flatten", "infer_schema", "leaf_names", "leaf_type", "narrowed"]

Schema = Mapping[str, pl.DataType]


def infer_schema(records: Sequence[Mapping[str, Any]]) -> dict[str, pl.DataType]:
    """Infer the shape of JSON records: String for values, Null for members that are always null.

    A member whose shape differs between records gets the most frequent one.
    """
    names = dict.fromkeys(name for record in records for name in record)
    return {name: _shape([record.get(name) for record in records]) for name in names}


def _shape(values: Sequence[Any]) -> pl.DataType:
    present = [value for value in values if value is not None]
    records = [value for value in present if isinstance(value, Mapping) and value]
    lists = [value for value in present if isinstance(value, list)]
    n_scalars = len(present) - len(records) - len(lists)
    if records and len(records) >= max(len(lists), n_scalars):
        return pl.Struct(infer_schema(records))
    if lists and len(lists) >= n_scalars:
        return pl.List(_shape([element for elements in lists for element in elements]))
    return pl.String() if present else pl.Null()


def leaf_names(schema: Schema) -> list[str]:
    """Return the dotted names of all members that are not records, including those in lists."""
    names = []
    for name, dtype in schema.items():
        fields = _fields(dtype)
        if fields is None:
            names.append(name)
        else:
            names += [f"{name}.{leaf}" for leaf in leaf_names(fields)]
    return names


def leaf_type(schema: Schema, name: str) -> pl.DataType:
    """Return the type of a member that ``leaf_names`` returns, without the lists around it."""
    for root, dtype in schema.items():
        while isinstance(dtype, (pl.List, pl.Array)):
            dtype = _type(dtype.inner)
        if name == root:
            return dtype
        fields = _fields(dtype)
        if fields is not None and name.startswith(f"{root}."):
            return leaf_type(fields, name.removeprefix(f"{root}."))
    raise KeyError(name)


def narrowed(schema: Schema, names: Sequence[str], leaf: pl.DataType | None) -> Schema:
    """Return the schema of the named members only.

    Args:
        schema: schema of the records.
        names: dotted names of members.
        leaf: new type of the members; None keeps their types.
    """
    kept: dict[str, pl.DataType] = {}
    for name, dtype in schema.items():
        inner = [path.removeprefix(f"{name}.") for path in names if path.startswith(f"{name}.")]
        fields = _fields(dtype)
        if fields is not None and inner:
            kept[name] = _with_fields(dtype, narrowed(fields, inner, leaf))
        elif name in names:
            kept[name] = dtype if leaf is None else _with_leaf(dtype, leaf)
    return kept


def flatten(
    frame: pl.DataFrame, names: Sequence[str], lines: NDArray[np.int64], label: str
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the named members as columns; a record with a list gives one row per element.

    A record whose list is empty or missing gives no rows.

    Args:
        frame: the records, with at least the named members.
        names: dotted names of members.
        lines: int64 (records,), line or row number of each record.
        label: the file, for messages.

    Raises:
        DataError: the members are in different lists.
    """
    if all(name in frame.columns and _plain(frame.schema[name]) for name in names):
        return frame.select(names), lines
    place = "\0line"
    columns = {name: _path(frame.schema, name) for name in names}
    frame = frame.with_columns(pl.Series(place, lines))
    frame = frame.select(place, *dict.fromkeys(path[0] for path in columns.values()))
    # Unnest one level at a time. Members that are still nested keep the name of their prefix.
    work = frame
    while True:
        nested = [
            name for name, dtype in work.schema.items() if name != place and not _plain(dtype)
        ]
        if not nested:
            break
        lists = [name for name in nested if isinstance(work.schema[name], (pl.List, pl.Array))]
        if lists:
            lengths = work.select(pl.col(name).list.len().fill_null(0) for name in lists)
            if any(not (lengths[lists[0]] == lengths[other]).all() for other in lists[1:]):
                raise DataError(
                    f"the columns are in different lists ({', '.join(lists)}), so their elements "
                    "do not belong together",
                    file=label,
                )
            work = work.filter(lengths[lists[0]] > 0).explode(lists)
            continue
        for name in nested:
            dtype = work.schema[name]
            if not isinstance(dtype, pl.Struct):
                break
            inner = work[name].struct
            work = work.drop(name).with_columns(
                inner.field(field.name).alias(f"{name}.{field.name}")
                for field in dtype.fields
                if any(
                    path == f"{name}.{field.name}" or path.startswith(f"{name}.{field.name}.")
                    for path in names
                )
            )
    return work.select(names), work[place].to_numpy()


def _path(schema: Schema, name: str) -> list[str]:
    root = next(member for member in schema if name == member or name.startswith(f"{member}."))
    return [root, *name.removeprefix(root).removeprefix(".").split(".")]


def _fields(dtype: pl.DataType) -> dict[str, pl.DataType] | None:
    """Return the members of a record type or of a list of records; None for other types."""
    while isinstance(dtype, (pl.List, pl.Array)):
        dtype = _type(dtype.inner)
    if not isinstance(dtype, pl.Struct):
        return None
    return {field.name: _type(field.dtype) for field in dtype.fields}


def _with_fields(dtype: pl.DataType, fields: Schema) -> pl.DataType:
    if isinstance(dtype, (pl.List, pl.Array)):
        return pl.List(_with_fields(_type(dtype.inner), fields))
    return pl.Struct(dict(fields))


def _with_leaf(dtype: pl.DataType, leaf: pl.DataType) -> pl.DataType:
    if isinstance(dtype, (pl.List, pl.Array)):
        return pl.List(_with_leaf(_type(dtype.inner), leaf))
    return leaf


def _plain(dtype: pl.DataType) -> bool:
    return not isinstance(dtype, (pl.List, pl.Array, pl.Struct))


def _type(dtype: PolarsDataType) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
