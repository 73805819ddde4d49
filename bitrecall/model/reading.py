"""Read the interactions and item tables passed to ``fit`` and ``evaluate``: paths or tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, SupportsIndex, TypeAlias, TypedDict

from bitrecall.arguments import check_count, check_flag, check_number, check_path, check_text
from bitrecall.errors import ArgumentError
from bitrecall.suggestions import did_you_mean

if TYPE_CHECKING:
    from bitrecall.training.data.dataset import Dataset
    from bitrecall.training.data.interactions import Interactions
    from bitrecall.training.data.items.item_table import ItemTable
    from bitrecall.training.data.read_options import ReadOptions

__all__ = [
    "Events",
    "ReadKeywords",
    "paths_of",
    "read_dataset",
    "read_held_out",
    "read_items",
    "read_options",
    "read_with_test",
]

Events: TypeAlias = str | PathLike[str] | Sequence[str | PathLike[str]] | object
"""Source of interactions: one or several paths, or a table in memory."""

# Name of a table in memory in messages and reports.
_TABLE_NAME: Final = "events"


class ReadKeywords(TypedDict, total=False):
    """Keyword arguments for reading and splitting interactions; see ``bitrecall train --help``."""

    user_column: str | int | None
    item_column: str | int | None
    time_column: str | int | None
    use_times: bool
    lines_in_order: bool
    time_unit: str
    time_format: str | None
    where: str | None
    min_rating: float | None
    rating_column: str | int | None
    weight: str | None
    pair_weight: str
    split: str
    test_fraction: float
    split_seed: int
    skip_bad_rows: bool
    format: str
    columns: Sequence[str] | None
    delimiter: str | None
    encoding: str | None
    query: str | None


def _check_column(value: object, argument: str) -> str:
    # The default names of pandas are integers.
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return str(value)
    return check_text(value, argument)


def _check_columns(value: object, argument: str) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Iterable):
        raise ArgumentError(
            f"{argument} has to be a list of names such as ['user_id', 'item_id'], not {value!r}",
            argument,
        )
    return tuple(check_text(name, f"{argument}[{index}]") for index, name in enumerate(names))


_CHECKS: Final[Mapping[str, Callable[[Any, str], object]]] = {
    "user_column": _check_column,
    "item_column": _check_column,
    "time_column": _check_column,
    "rating_column": _check_column,
    "columns": _check_columns,
    "use_times": check_flag,
    "lines_in_order": check_flag,
    "skip_bad_rows": check_flag,
    "test_fraction": check_number,
    "min_rating": check_number,
    "split_seed": partial(check_count, minimum=0),
    "time_format": check_text,
    "where": check_text,
    "weight": check_text,
    "delimiter": check_text,
    "encoding": check_text,
    "query": check_text,
}
"""The check of each keyword that is not a choice."""

# Keywords that cannot be None.
_REQUIRED: Final = {
    *("use_times", "lines_in_order", "skip_bad_rows", "test_fraction", "split_seed"),
}


def read_options(keywords: Mapping[str, Any]) -> ReadOptions:
    """Convert keyword arguments to ``ReadOptions``.

    Raises:
        TypeError: a keyword is unknown.
        ArgumentError: a value has an invalid type.
        DataError: a value is invalid.
    """
    from bitrecall.training.data.read_options import (
        Format,
        PairWeight,
        ReadOptions,
        Split,
        TimeUnit,
    )
    from bitrecall.training.errors import DataError

    enums: dict[str, type[StrEnum]] = {
        "format": Format,
        "pair_weight": PairWeight,
        "split": Split,
        "time_unit": TimeUnit,
    }
    known = [field.name for field in fields(ReadOptions) if field.name != "seed"] + ["split_seed"]
    values: dict[str, Any] = {}
    for name, value in keywords.items():
        if name not in known:
            raise TypeError(f"unknown keyword argument {name!r}{did_you_mean(name, known)}")
        if name in enums:
            choices = [str(choice) for choice in enums[name]]
            if value not in choices:
                raise DataError(
                    f"--{name.replace('_', '-')} has to be one of {', '.join(choices)}, "
                    f"not {value!r}"
                )
            value = enums[name](value)
        elif value is not None or name in _REQUIRED:
            value = _CHECKS[name](value, name)
        values["seed" if name == "split_seed" else name] = value
    return ReadOptions(**values)


def paths_of(events: Events) -> list[str | PathLike[str]] | None:
    """Return the paths in ``events``; None for a table in memory."""
    if isinstance(events, str | PathLike):
        return [events]
    if isinstance(events, list | tuple) and all(
        isinstance(path, str | PathLike) for path in events
    ):
        return list(events) or None
    return None


def read_dataset(events: Events, options: ReadOptions, name: str = _TABLE_NAME) -> Dataset:
    """Read interactions from paths or a table, which is called ``name`` in messages.

    Raises:
        DataError: the interactions cannot be used.
    """
    from bitrecall.training.data.load import dataset_of, load_dataset
    from bitrecall.training.data.tables.data_frame import as_frame
    from bitrecall.training.errors import DataError

    paths = paths_of(events)
    if paths is None:
        for option in ("columns", "delimiter", "query"):
            if getattr(options, option) is not None:
                raise DataError(
                    f"is a table in memory, to which {option} does not apply", file=name
                )
        return dataset_of(as_frame(events, name), options, name)
    return load_dataset([_path(path) for path in paths], options)


def read_held_out(
    test: Events,
    keywords: Mapping[str, Any],
    *,
    with_repeats: bool = False,
    name: str = _TABLE_NAME,
) -> tuple[Interactions, str]:
    """Read interactions to evaluate on.

    Uses the test split of the sample and of a folder with a test file. Other data are used in
    full, unless the keyword ``split`` is passed.

    Args:
        test: paths or a table.
        keywords: how to read ``test``.
        with_repeats: whether a test split includes interactions that repeat a training interaction.
        name: what messages call a table.

    Returns:
        The interactions, and their description.

    Raises:
        DataError: the interactions cannot be used, or have no test split.
    """
    from bitrecall.training.data.files.data_files import find_files
    from bitrecall.training.data.tables.sql_query import is_database
    from bitrecall.training.errors import DataError

    paths = paths_of(test)
    split = keywords.get("split")
    if split is None:
        has_test = paths is not None and (
            [str(path) for path in paths] == ["sample"]
            or (
                not any(is_database(_path(path)) for path in paths)
                and bool(find_files([Path(path) for path in paths]).test)
            )
        )
        split = "given" if has_test else "none"
    dataset = read_dataset(test, read_options({**keywords, "split": split}), name)
    if split == "none":
        return dataset.train, f"all of {dataset.name}"
    held_out = dataset.held_out(with_repeats=with_repeats)
    if held_out is None:
        raise DataError(
            "has no test split to evaluate on; create one with --split", file=dataset.name
        )
    return held_out, f"test ({dataset.report.split.value})"


def read_with_test(events: Events, test: Events, keywords: Mapping[str, Any]) -> Dataset:
    """Read the training split from ``events`` and the test split from ``test``.

    Raises:
        ArgumentError: the keyword ``split`` is passed.
        DataError: the interactions cannot be used.
    """
    from bitrecall.training.data.dataset_split import with_test_split

    if "split" in keywords:
        raise ArgumentError("test is the test split: omit split", "split")
    options = read_options({**keywords, "split": "none"})
    return with_test_split(
        read_dataset(events, options), read_held_out(test, keywords, name="test")[0]
    )


def read_items(
    items: str | PathLike[str] | object | None,
    data: Iterable[str | PathLike[str]] | None,
    options: ReadOptions,
    tags_column: str | None,
) -> ItemTable | None:
    """Read the item table ``items``, or else the one of the sample or of a folder in ``data``.

    Args:
        items: a path or a table in memory; None looks for an item table.
        data: paths of the interactions; None if they are a table in memory.
        options: the item column and the encoding are used.
        tags_column: column of the tags; None is ``tags``.

    Returns:
        The item table; None if ``items`` is None and the data has none.

    Raises:
        DataError: the table cannot be used.
    """
    from bitrecall.training.data.items.default_table import default_item_table
    from bitrecall.training.data.items.item_file import ItemFile
    from bitrecall.training.data.items.item_table import item_table_of
    from bitrecall.training.data.tables.data_frame import as_frame
    from bitrecall.training.data.tables.sql_query import is_database

    if items is None or isinstance(items, str | PathLike):
        paths = [Path(path) for path in data or () if not is_database(_path(path))]
        item_path = None if items is None else check_path(items, "items")
        return default_item_table(
            paths, item_path, options.item_column, tags_column, options.encoding
        )
    name = Path("items")
    # The item column may differ from that of the interactions, as in a file.
    return item_table_of(
        ItemFile.of(as_frame(items, str(name))), name, options.item_column, tags_column
    )


def _path(value: str | PathLike[str]) -> str | Path:
    path = check_path(value, "events")
    return value if isinstance(value, str) else path
